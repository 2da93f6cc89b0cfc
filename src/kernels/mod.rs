//! Kernels on the arena: the only module with `unsafe`.
//!
//! [`Executable::new`] verifies a plan's kernels once; a run then goes without checks. The layers, from
//! below: numbers and their vectors (`element`, `math`, `error_function`), loops over runs
//! (`elementwise`, `reductions`, `residual`, `update`), register tiles (`product`) and kernels that go by
//! columns (`columns`); what a worker does, one thing after the other (`action`), and how it does it, where
//! all of it is compiled (`run`), how steps become that (`link`, `barriers`), and who does it (`executable`, `team`), on which cores (`cores`), on rows that they gather
//! together (`batch_loader`) or read where they lie (`in_place`), all in memory of the `arena`'s kind (`pages`).
//! What is linked is verified (`verify`, by what actions touch: `touched`).
//! Beside them stand what tells of runs: how they are divided (`schedule`), when what was done (`timeline`),
//! and how fast the machine is (`calibrate`).

#![allow(unsafe_code)]

mod action;
mod arena;
mod barriers;
mod batch_loader;
mod calibrate;
mod columns;
mod cores;
mod dropout;
mod element;
mod elementwise;
mod error_function;
mod executable;
mod in_place;
mod instruction_set;
mod link;
mod math;
mod pages;
mod product;
mod reductions;
mod residual;
mod run;
mod schedule;
mod team;
#[cfg(test)]
mod tests;
mod timeline;
mod touched;
mod transpose;
mod update;
mod verify;

pub use arena::{Arena, OutOfMemory};
pub use batch_loader::{BatchLoader, Rows};
pub use calibrate::calibrate;
pub use dropout::dropout_mask;
pub use element::Element;
pub use executable::Executable;
pub use instruction_set::{INSTRUCTION_SET, check_instruction_set};
pub use pages::ask_for_large_pages;
pub use team::{Team, Worker};
pub use timeline::{Interval, Moments, Timeline};
