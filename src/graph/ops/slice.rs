//! `Slice`: a range of the last axis. Its gradient stands among zeros; where a value is taken apart, the
//! gradients of the parts stand side by side.

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

/// A range of the last axis with a value for it.
#[derive(Clone, Copy, Debug)]
pub struct GradientSlice {
    pub start: usize,
    pub length: usize,
    pub value: ValueId,
}

/// A value of a shape that has these pieces, in their order and none upon another, and zeros elsewhere.
pub fn join_slices(graph: &mut Graph, whole: &Shape, pieces: &[GradientSlice]) -> ValueId {
    let width = whole.width().known();
    let width = width.expect("values that learn are sliced at known places");
    let mut parts = Vec::with_capacity(2 * pieces.len() + 1);
    let zeros = |graph: &mut Graph, parts: &mut Vec<ValueId>, width: usize| {
        if width > 0 {
            let mut shape = whole.clone();
            *shape.dims.last_mut().expect("there is an axis") = Dim::Known(width);
            parts.push(graph.constant(0.0, &shape));
        }
    };
    let mut end = 0;
    for piece in pieces {
        zeros(graph, &mut parts, piece.start - end);
        parts.push(piece.value);
        end = piece.start + piece.length;
    }
    zeros(graph, &mut parts, width - end);
    match parts[..] {
        [only] => only,
        _ => graph.push(Op::Concat, &parts),
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
    let known = |dim: &Dim| {
        dim.known()
            .expect("values that learn are sliced at known places")
    };
    let piece = GradientSlice {
        start: known(start),
        length: known(length),
        value: dy,
    };
    vec![Some(join_slices(graph, &whole, &[piece]))]
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
        (Some(start), Some(length)) => {
            format!("{}[{start}..{}]", operands[0], start.saturating_add(length))
        }
        (None, _) | (_, None) => format!("{}[{start}.. +{length}]", operands[0]),
    }
}
