//! `ByPhase`: the first operand while training, else the second. `passes::specialize` chooses.

use crate::graph::ShapeFault;
use crate::graph::shape::Shape;

pub fn shape(operands: &[&Shape]) -> Result<Shape, ShapeFault> {
    match operands[0].fits(operands[1]) {
        true => Ok(operands[0].clone()),
        false => Err(ShapeFault(format!(
            "training gives {} and evaluation {}",
            operands[0], operands[1]
        ))),
    }
}
