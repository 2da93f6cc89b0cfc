//! Kernels on the arena: the only room with `unsafe`.
//!
//! [`Executable::new`] verifies a plan's kernels once; a run then goes without checks. The layers, from
//! below: numbers and their vectors (`element`, `math`, `error_function`), loops over runs
//! (`elementwise`, `reductions`) and register tiles (`product`), the interpreter of tile programs (`program`), kernels
//! that go by columns (`columns`), and the walk over the steps (`run`, `executable`, `team`).

#![allow(unsafe_code)]

mod arena;
mod columns;
mod dropout;
mod element;
mod elementwise;
mod error_function;
mod executable;
mod math;
mod product;
mod program;
mod reductions;
mod run;
mod team;
#[cfg(test)]
mod tests;
mod verify;

pub use arena::{Arena, OutOfMemory};
pub use dropout::dropout_mask;
pub use element::Element;
pub use executable::{Executable, vector_lanes};
pub use team::{Team, Worker};
