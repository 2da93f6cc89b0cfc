//! `LogSoftmax`: y = x - log Σ exp(x) along the last axis, shifted by the maximum so that nothing
//! overflows. dx = dy - exp(y) Σ dy.

use super::{Axis, BinaryOperator, Op};
use crate::graph::ops::Reduction;
use crate::graph::reference::Tensor;
use crate::graph::scalar::ScalarFunction;
use crate::graph::shape::Shape;
use crate::graph::{Graph, ShapeFault, ValueId};

pub fn shape(operands: &[&Shape]) -> Result<Shape, ShapeFault> {
    if operands[0].dims.is_empty() {
        Err(ShapeFault("a softmax needs an axis".to_string()))
    } else {
        Ok(operands[0].clone())
    }
}

pub fn gradient(graph: &mut Graph, y: ValueId, dy: ValueId) -> Vec<Option<ValueId>> {
    let shape = graph.shape(y).clone();
    let reduction = Reduction::Sum;
    let sum = graph.push(
        Op::Reduce {
            axis: Axis::Last,
            reduction,
        },
        &[dy],
    );
    let sum = graph.push(Op::Broadcast { shape }, &[sum]);
    let softmax = graph.push(Op::Map(ScalarFunction::Exp), &[y]);
    let share = graph.push(Op::Binary(BinaryOperator::Multiply), &[softmax, sum]);
    vec![Some(
        graph.push(Op::Binary(BinaryOperator::Subtract), &[dy, share]),
    )]
}

pub fn evaluate(x: &Tensor) -> Tensor {
    let rows = x.data.chunks_exact(x.width());
    let data = rows.flat_map(|row| {
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = row.iter().map(|value| (value - largest).exp()).sum();
        let shift = largest + sum.ln();
        row.iter().map(move |value| value - shift)
    });
    Tensor {
        data: data.collect(),
        shape: x.shape.clone(),
    }
}
