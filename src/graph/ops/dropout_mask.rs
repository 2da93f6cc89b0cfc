//! `DropoutMask`: `1 / keep` with probability `keep`, else 0, so that the expectation is 1.

use std::sync::Arc;

use crate::graph::reference::{StepContext, Tensor};
use crate::graph::shape::Shape;
use crate::random::Stream;

/// What a mask's random stream is for.
pub const PURPOSE: &str = "dropout";

/// What a mask is drawn by. In a box of its own, since the nodes of a graph are many and masks few.
#[derive(Clone, PartialEq, Debug)]
pub struct DropoutMask {
    pub shape: Shape,
    pub keep: f64,
    /// The path of its random stream.
    pub stream: Arc<str>,
}

pub fn evaluate(mask: &DropoutMask, moment: &StepContext) -> Tensor {
    let stream = Stream::new(moment.seed, PURPOSE, &mask.stream);
    let mut keeps = stream.keeps(moment.update, 0, mask.keep);
    let mut drawn = Tensor::zeros(&mask.shape, moment.rows);
    for value in &mut drawn.data {
        if keeps.draw() {
            *value = 1.0 / mask.keep;
        }
    }
    drawn
}
