//! `Reduce`: sums and maxima over the batch, the last axis, or everything.

use super::Op;
use crate::graph::reference::Tensor;
use crate::graph::shape::{Dim, Shape};
use crate::graph::{Graph, ShapeFault, ValueId};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Axis {
    /// Over the rows of the batch: `[batch, width]` to `[width]`.
    Batch,
    /// Over the last axis, which stays with length 1: `[batch, width]` to `[batch, 1]`.
    Last,
    /// Over everything: one number.
    All,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reduction {
    Sum,
    Maximum,
}

pub fn shape(axis: Axis, operands: &[&Shape]) -> Result<Shape, ShapeFault> {
    let x = operands[0];
    match axis {
        Axis::All => Ok(Shape::scalar()),
        Axis::Batch if x.batch && x.dims.len() == 1 => Ok(Shape::fixed(x.dims.clone())),
        Axis::Last if !x.dims.is_empty() => {
            let mut reduced = x.clone();
            *reduced.dims.last_mut().expect("there is an axis") = Dim::Known(1);
            Ok(reduced)
        }
        Axis::Batch | Axis::Last => Err(ShapeFault(format!("{x} has no such axis to reduce"))),
    }
}

pub fn gradient(
    _axis: Axis,
    reduction: Reduction,
    graph: &mut Graph,
    operands: &[ValueId],
    _y: ValueId,
    dy: ValueId,
) -> Vec<Option<ValueId>> {
    match reduction {
        Reduction::Sum => {
            let shape = graph.shape(operands[0]).clone();
            vec![Some(graph.push(Op::Broadcast { shape }, &[dy]))]
        }
        // Maxima are taken to keep exponentials in range; what they shift cancels out.
        Reduction::Maximum => vec![None],
    }
}

pub fn evaluate(axis: Axis, reduction: Reduction, x: &Tensor, _y: &Shape) -> Tensor {
    let (start, combine): (f64, fn(f64, f64) -> f64) = match reduction {
        Reduction::Sum => (0.0, |a, b| a + b),
        Reduction::Maximum => (f64::NEG_INFINITY, f64::max),
    };
    let width = x.width();
    let shape = match axis {
        Axis::All => vec![],
        Axis::Batch => vec![width],
        Axis::Last => {
            let mut shape = x.shape.clone();
            *shape.last_mut().expect("there is an axis") = 1;
            shape
        }
    };
    let mut data = vec![start; shape.iter().product()];
    for (index, value) in x.data.iter().enumerate() {
        let to = match axis {
            Axis::All => 0,
            Axis::Batch => index % width,
            Axis::Last => index / width,
        };
        data[to] = combine(data[to], *value);
    }
    Tensor { shape, data }
}

pub fn text(axis: Axis, reduction: Reduction, operands: &[String]) -> String {
    let name = match reduction {
        Reduction::Sum => "sum",
        Reduction::Maximum => "max",
    };
    match axis {
        Axis::All => format!("{name}({})", operands[0]),
        Axis::Batch => format!("{name}_rows({})", operands[0]),
        Axis::Last => format!("{name}_features({})", operands[0]),
    }
}
