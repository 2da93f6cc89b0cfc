//! The static plan.

pub mod step;
