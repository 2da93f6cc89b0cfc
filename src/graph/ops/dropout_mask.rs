//! `DropoutMask`: `1 / keep` with probability `keep`, else 0, so that the expectation is 1.

use crate::graph::reference::{StepContext, Tensor};
use crate::graph::shape::Shape;
use crate::random::Stream;

/// What a mask's random stream is for.
pub const PURPOSE: &str = "dropout";

pub fn evaluate(shape: &Shape, keep: f64, stream: &str, moment: &StepContext) -> Tensor {
    let stream = Stream::new(moment.seed, PURPOSE, stream);
    let mut keeps = stream.keeps(moment.update, 0, keep);
    let mut mask = Tensor::zeros(shape, moment.rows);
    for value in &mut mask.data {
        if keeps.draw() {
            *value = 1.0 / keep;
        }
    }
    mask
}
