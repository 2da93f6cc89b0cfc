//! `Slice`: a range of the last axis. Its gradient stands among zeros.

use super::Op;
use crate::graph::reference::Tensor;
use crate::graph::shape::{Dim, Shape};
use crate::graph::{Graph, ShapeFault, ValueId};

pub fn shape(start: &Dim, length: &Dim, operands: &[&Shape]) -> Result<Shape, ShapeFault> {
    let x = operands[0];
    let inside = match (start.known(), length.known(), x.width().known()) {
        (Some(start), Some(length), Some(width)) => {
            start.checked_add(length).is_some_and(|end| end <= width)
        }
        (None, _, _) | (_, None, _) | (_, _, None) => true,
    };
    let mut shape = x.clone();
    match (inside, shape.dims.last_mut()) {
        (true, Some(last)) => {
            *last = length.clone();
            Ok(shape)
        }
        (false, _) | (_, None) => Err(ShapeFault(format!(
            "{x} has no features {start} to {start} + {length}"
        ))),
    }
}

pub fn gradient(
    start: &Dim,
    length: &Dim,
    graph: &mut Graph,
    operands: &[ValueId],
    dy: ValueId,
) -> Vec<Option<ValueId>> {
    let whole = graph.shape(operands[0]).clone();
    let mut zeros = |width: usize| {
        let mut shape = whole.clone();
        *shape.dims.last_mut().expect("there is an axis") = Dim::Known(width);
        let zero = graph.push(Op::Constant(0.0), &[]);
        graph.push(Op::Broadcast { shape }, &[zero])
    };
    let known = |dim: &Dim| {
        dim.known()
            .expect("values that learn are sliced at known places")
    };
    let (start, length) = (known(start), known(length));
    let after = known(&whole.width()) - start - length;
    let mut parts = Vec::new();
    if start > 0 {
        parts.push(zeros(start));
    }
    parts.push(dy);
    if after > 0 {
        parts.push(zeros(after));
    }
    match parts.len() {
        1 => vec![Some(dy)],
        _ => vec![Some(graph.push(Op::Concat, &parts))],
    }
}

pub fn evaluate(start: &Dim, length: &Dim, x: &Tensor) -> Tensor {
    let known = |dim: &Dim| dim.known().expect("evaluated graphs have known shapes");
    let (start, length) = (known(start), known(length));
    let rows = x.data.chunks_exact(x.width());
    let data = rows.flat_map(|row| row[start..start + length].iter().copied());
    let mut shape = x.shape.clone();
    *shape.last_mut().expect("there is an axis") = length;
    Tensor {
        shape,
        data: data.collect(),
    }
}

pub fn text(start: &Dim, length: &Dim, operands: &[String]) -> String {
    match (start.known(), length.known()) {
        (Some(start), Some(1)) => format!("{}[{start}]", operands[0]),
        (Some(start), Some(length)) => format!("{}[{start}..{}]", operands[0], start + length),
        (None, _) | (_, None) => format!("{}[{start}.. +{length}]", operands[0]),
    }
}
