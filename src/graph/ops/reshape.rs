//! `Reshape`: the elements of each row on other axes, in the same order.

use super::Op;
use crate::graph::reference::Tensor;
use crate::graph::shape::{Dim, Shape};
use crate::graph::{Graph, ShapeFault, ValueId};

pub fn shape(dims: &[Dim], operands: &[&Shape]) -> Result<Shape, ShapeFault> {
    let x = operands[0];
    let shape = Shape {
        batch: x.batch,
        dims: dims.into(),
    };
    if x.flat().fits(&shape.flat()) {
        Ok(shape)
    } else {
        Err(ShapeFault(format!(
            "{x} has not as many elements as {shape}"
        )))
    }
}

pub fn gradient(graph: &mut Graph, operands: &[ValueId], dy: ValueId) -> Vec<Option<ValueId>> {
    let dims = graph.shape(operands[0]).dims.clone();
    vec![Some(graph.push(Op::Reshape { dims }, &[dy]))]
}

pub fn evaluate(x: &Tensor, y: &Shape) -> Tensor {
    let rows = x.shape.first().copied().unwrap_or(1);
    Tensor {
        shape: Tensor::zeros(y, rows).shape,
        data: x.data.clone(),
    }
}
