//! nnc: a compiler for neural networks you can read.

#![deny(unsafe_code)]

pub mod data;
pub mod diagnostics;
pub mod graph;
pub mod kernels;
pub mod plan;
pub mod syntax;
