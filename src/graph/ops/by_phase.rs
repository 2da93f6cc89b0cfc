//! `ByPhase`: the first operand while training, else the second. `passes::specialize` chooses.

use crate::graph::ShapeFault;
use crate::graph::shape::Shape;

pub fn shape(operands: &[&Shape]) -> Result<Shape, ShapeFault> {
    if operands[0].fits(operands[1]) {
        Ok(operands[0].clone())
    } else {
        Err(ShapeFault(format!(
            "training gives {} and evaluation {}",
            operands[0], operands[1]
        )))
    }
}
