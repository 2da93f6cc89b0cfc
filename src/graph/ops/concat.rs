//! `Concat`: values side by side along the last axis. Its gradient is a slice for each.

use super::Op;
use crate::graph::reference::Tensor;
use crate::graph::shape::{Dim, Shape};
use crate::graph::{Graph, ShapeFault, ValueId};

pub fn shape(operands: &[&Shape]) -> Result<Shape, ShapeFault> {
    let mut shape = operands[0].clone();
    let width = operands[1..]
        .iter()
        .try_fold(operands[0].width(), |width, other| {
            let leading = other.batch == shape.batch
                && other.dims.len() == shape.dims.len()
                && !other.dims.is_empty()
                && other.dims[..other.dims.len() - 1] == shape.dims[..shape.dims.len() - 1];
            leading.then(|| width.plus(&other.width()))
        });
    match (width, shape.dims.last_mut()) {
        (Some(width), Some(last)) => {
            *last = width;
            Ok(shape)
        }
        (None, _) | (_, None) => {
            let shapes: Vec<String> = operands.iter().map(|shape| shape.to_string()).collect();
            Err(ShapeFault(format!(
                "{} cannot be combined",
                shapes.join(", ")
            )))
        }
    }
}

pub fn gradient(
    graph: &mut Graph,
    operands: &[ValueId],
    dy: ValueId,
    wanted: &[bool],
) -> Vec<Option<ValueId>> {
    let mut start = Dim::Known(0);
    let mut gradients = Vec::new();
    for (operand, wanted) in operands.iter().zip(wanted) {
        let length = graph.shape(*operand).width();
        let slice = Op::Slice {
            start: start.clone(),
            length: length.clone(),
        };
        gradients.push(wanted.then(|| graph.push(slice, &[dy])));
        start = start.plus(&length);
    }
    gradients
}

pub fn evaluate(operands: &[&Tensor]) -> Tensor {
    let width = operands.iter().map(|operand| operand.width()).sum();
    let rows = operands[0].rows();
    let mut data = Vec::with_capacity(rows * width);
    for row in 0..rows {
        for operand in operands {
            let own = operand.width();
            data.extend_from_slice(&operand.data[row * own..(row + 1) * own]);
        }
    }
    let mut shape = operands[0].shape.clone();
    *shape.last_mut().expect("there is an axis") = width;
    Tensor { shape, data }
}
