//! Training: initial values, the epoch loop, evaluation, metrics, and what a run leaves behind.

mod accumulation;
mod evaluation;
pub mod initialize;
mod mean;
pub mod metrics;
pub mod monitor;
mod non_finite;
mod order;
pub mod predictor;
pub mod profile;
mod recorder;
pub mod scores;
pub mod trainer;
pub mod untrained;
pub mod weights;

pub use non_finite::NonFinite;
pub use predictor::Predictor;
pub use profile::Profile;
pub use recorder::ProbeRecord;
pub use trainer::{Ended, EpochLosses, Trainer};
