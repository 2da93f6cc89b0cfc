//! `CrossEntropy`: softmax with cross-entropy as one operation, found by pattern in
//! `passes::fuse_cross_entropy`.
//!
//! Of logits z, class c and target weights `t_k = on · [k = c] + off`: the loss is
//! `-Σ t_k log softmax(z)_k` and its gradient `softmax(z) Σt - t`.

use super::{BinaryOperator, Op, log_softmax};
use crate::graph::reference::Tensor;
use crate::graph::shape::{Dim, Shape};
use crate::graph::state::short;
use crate::graph::{Graph, ShapeFault, ValueId};

pub fn shape(operands: &[&Shape]) -> Result<Shape, ShapeFault> {
    gradient_shape(operands).map(|_| Shape::batched([Dim::Known(1)]))
}

pub fn gradient_shape(operands: &[&Shape]) -> Result<Shape, ShapeFault> {
    let [logits, index] = [operands[0], operands[1]];
    if logits.batch && logits.dims.len() == 1 && index.batch && index.width() == Dim::Known(1) {
        Ok(logits.clone())
    } else {
        Err(ShapeFault(format!(
            "cross-entropy takes logits [batch, classes] and an index [batch, 1], not {logits} and {index}"
        )))
    }
}

pub fn gradient(
    on: f64,
    off: f64,
    graph: &mut Graph,
    operands: &[ValueId],
    dy: ValueId,
) -> Vec<Option<ValueId>> {
    let shape = graph.shape(operands[0]).clone();
    let slope = graph.push(Op::CrossEntropyGradient { on, off }, operands);
    let dy = graph.push(Op::Broadcast { shape }, &[dy]);
    let multiply = Op::Binary(BinaryOperator::Multiply);
    vec![Some(graph.push(multiply, &[slope, dy])), None]
}

fn target(on: f64, off: f64, class: usize, row_class: f64) -> f64 {
    if class == row_class as usize {
        on + off
    } else {
        off
    }
}

pub fn evaluate(on: f64, off: f64, operands: &[&Tensor]) -> Tensor {
    let [logits, index] = [operands[0], operands[1]];
    let log_softmax = log_softmax::evaluate(logits);
    let rows = log_softmax
        .data
        .chunks_exact(logits.width())
        .zip(&index.data);
    let losses = rows.map(|(row, class)| {
        let terms = row.iter().enumerate();
        -terms
            .map(|(k, log)| target(on, off, k, *class) * log)
            .sum::<f64>()
    });
    Tensor {
        shape: vec![index.data.len(), 1],
        data: losses.collect(),
    }
}

pub fn evaluate_gradient(on: f64, off: f64, operands: &[&Tensor]) -> Tensor {
    let [logits, index] = [operands[0], operands[1]];
    let width = logits.width();
    let log_softmax = log_softmax::evaluate(logits);
    let total = on + off * width as f64;
    let rows = log_softmax.data.chunks_exact(width).zip(&index.data);
    let data = rows.flat_map(|(row, class)| {
        let terms = row.iter().enumerate();
        terms.map(move |(k, log)| log.exp() * total - target(on, off, k, *class))
    });
    Tensor {
        data: data.collect(),
        shape: logits.shape.clone(),
    }
}

/// What stands after the operands: nothing, or the smoothing that `on` and `off` came from.
fn smoothing(on: f64) -> String {
    if on == 1.0 {
        String::new()
    } else {
        format!(", label_smoothing {}", short(1.0 - on))
    }
}

pub fn text(on: f64, _off: f64, operands: &[String]) -> String {
    format!(
        "cross_entropy({}, {}{})",
        operands[0],
        operands[1],
        smoothing(on)
    )
}

pub fn gradient_text(on: f64, _off: f64, operands: &[String]) -> String {
    format!(
        "(softmax({}) - target({}{}))",
        operands[0],
        operands[1],
        smoothing(on)
    )
}
