//! nnc: a compiler for neural networks you can read.

#![deny(unsafe_code)]

pub mod catalog;
pub mod compile;
pub mod data;
pub mod diagnostics;
pub mod engine;
pub mod glob;
pub mod graph;
pub mod kernels;
pub mod passes;
pub mod plan;
pub mod random;
pub mod resolve;
pub mod syntax;
pub mod train;

pub use compile::{Compiled, ModelSource, compile, declare};
