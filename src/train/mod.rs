//! Training: initial values, the epoch loop, evaluation, metrics, and what a run leaves behind.

pub mod initialize;
pub mod metrics;
pub mod trainer;
pub mod weights;

pub use trainer::{Ended, EpochLosses, NonFinite, Trainer};
