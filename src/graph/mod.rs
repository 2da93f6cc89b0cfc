//! The network as tensor operations with a checked shape on every value.

pub mod scalar;
