//! `OneHot`: 1 at the index, else 0.

use crate::graph::ShapeFault;
use crate::graph::reference::Tensor;
use crate::graph::shape::{Dim, Shape};

pub fn shape(classes: &Dim, operands: &[&Shape]) -> Result<Shape, ShapeFault> {
    if operands[0].batch && operands[0].width() == Dim::Known(1) {
        Ok(Shape::batched([classes.clone()]))
    } else {
        Err(ShapeFault(format!("{} is not an index", operands[0])))
    }
}

pub fn evaluate(classes: &Dim, index: &Tensor) -> Tensor {
    let classes = classes.known().expect("evaluated graphs have known shapes");
    let mut data = vec![0.0; index.data.len() * classes];
    for (row, class) in index.data.iter().enumerate() {
        data[row * classes + *class as usize] = 1.0;
    }
    Tensor {
        shape: vec![index.data.len(), classes],
        data,
    }
}
