//! `Broadcast`: a number to any shape, `[width]` to `[batch, …, width]`, `[batch, 1]` to
//! `[batch, width]` and `[rows, 1]` to `[rows, width]`. Its gradient is the sum over what was repeated.

use super::{Axis, Op};
use crate::graph::ops::Reduction;
use crate::graph::reference::Tensor;
use crate::graph::shape::Shape;
use crate::graph::{Graph, ShapeFault, ValueId};

/// How a shape is repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BroadcastKind {
    /// One number for all.
    Scalar,
    /// One number a feature, the same in each row.
    PerFeature,
    /// One number a row, the same in each feature.
    PerRow,
}

/// How `from` is repeated to `to`, if it can be.
pub fn broadcast_kind(from: &Shape, to: &Shape) -> Option<BroadcastKind> {
    let one = |shape: &Shape| shape.dims.last().and_then(|dim| dim.known()) == Some(1);
    let axes = from.dims.len();
    let rows = from.batch == to.batch && axes == to.dims.len() && (from.batch || axes == 2);
    if from.is_scalar() {
        Some(BroadcastKind::Scalar)
    } else if !from.batch && to.batch && from.dims.len() == 1 && from.width().fits(&to.width()) {
        Some(BroadcastKind::PerFeature)
    } else if rows && one(from) {
        Some(BroadcastKind::PerRow)
    } else {
        None
    }
}

pub fn shape(to: &Shape, operands: &[&Shape]) -> Result<Shape, ShapeFault> {
    match broadcast_kind(operands[0], to) {
        Some(_) => Ok(to.clone()),
        None => Err(ShapeFault(format!(
            "{} cannot be repeated to {to}",
            operands[0]
        ))),
    }
}

pub fn gradient(graph: &mut Graph, operands: &[ValueId], dy: ValueId) -> Vec<Option<ValueId>> {
    let kind = broadcast_kind(graph.shape(operands[0]), graph.shape(dy))
        .expect("the node was built, so its operand can be repeated");
    let axis = match kind {
        BroadcastKind::Scalar => Axis::All,
        BroadcastKind::PerFeature => Axis::Batch,
        BroadcastKind::PerRow => Axis::Last,
    };
    let sum = Op::Reduce {
        axis,
        reduction: Reduction::Sum,
    };
    vec![Some(graph.push(sum, &[dy]))]
}

pub fn evaluate(to: &Shape, x: &Tensor, rows: usize) -> Tensor {
    let mut result = Tensor::zeros(to, rows);
    let width = result.width();
    let last = x.width();
    let element = |index: usize| match x.data.len() {
        1 => 0,
        // One number a row: as many numbers as the result has rows.
        _ if last == 1 => index / width,
        _ => index % width,
    };
    for (index, value) in result.data.iter_mut().enumerate() {
        *value = x.data[element(index)];
    }
    result
}
