//! nnc: a compiler for neural networks you can read.
//!
//! A `.nn` file declares columns, layers, loss and optimizer. [`compile`] checks every name and shape
//! and lowers the network to static [plans](plan::Plan), one a phase; [`train`] runs them on a table.
//!
//! # The map
//!
//! ```text
//!  .nn text ──syntax──▶ AST ──resolve──▶ Graph ──passes──▶ Graph ──plan──▶ Plan ──engine──▶ trained states
//!                         ▲   (forward)  specialise, autodiff,   ▲  steps, kernels,
//!  Schema: header, ───────┘              update, simplify        │  places in one arena
//!  types, rows                                                 Target
//! ```
//!
//! Read [`compile::compile`] first: each stage is one call. Then the modules; each uses only what
//! stands below it, the vocabularies `data::spec` (what a table is declared to be) and `plan::step`
//! (what a kernel is told to do) excepted, which the modules on both sides of them share:
//!
//! | module | what it holds |
//! | --- | --- |
//! | `cli` (in the binary) | one file a command; the only place that reads files, prints, or exits |
//! | [`advice`] | what a table says against a model: warnings before its training |
//! | [`train`] | the epoch loop, initial values, metrics, weights files |
//! | [`data`] | CSV → typed columns → split → prepared matrices |
//! | [`engine`] | runs a plan: sets scalars, brings rows in, hands results out |
//! | [`kernels`] | fused kernels on the arena and faer views, tile programs, threads; all `unsafe` |
//! | [`compile`](mod@compile) | the stages in order |
//! | [`plan`] | from groups to steps: places, layouts, programs; the plan's text and verifier |
//! | [`passes`] | specialise, simplify, cross-entropy, autodiff and update, copies of inputs; fusion into groups |
//! | [`resolve`] | AST + catalog + schema → graph; the only module that sees both syntax and catalog |
//! | [`picture`] | graph → the network as SVG or DOT |
//! | [`catalog`] | every layer, loss, optimizer, initializer, metric, column kind: one definition each |
//! | [`graph`] | operations (one file each), scalar functions, shapes, the reference evaluator |
//! | [`syntax`] | the grammar's pairs → AST, recovery, the words of syntax faults |
//! | [`random`], [`glob`] | draws addressed by (seed, purpose, path, step, element); globs |
//! | [`violation`] | what the verifiers of graphs, plans and actions find; when they run |
//! | [`diagnostics`] | spans, codes, suggestions, rendering |
//!
//! # What always holds
//!
//! - A [`graph::Graph`] is built only through a builder that runs the shape rule; gradients and
//!   optimizer updates are ordinary nodes, so the reference evaluator runs whole training steps.
//! - Fusion is one rule: a node joins the group that computes the last of what it needs, if it has
//!   that group's shape. Groups run in the order of their numbers.
//! - A parameter's update stands in the program behind the kernel that gives its gradient, unless
//!   something global (a norm over all gradients) comes between; the verifiers refuse a plan that
//!   reads a parameter after its update.
//! - Blocks, `repeat` and `residual` are unfolded while the graph is built ([`resolve`]); what comes
//!   after sees operations only, and parameters by the paths that PyTorch's containers would give.
//! - What `watch` sections ask for is kept by a training plan of its own ([`plan::Variant::Watch`]),
//!   which runs the updates that are recorded; the plan of the others knows nothing of it.
//! - Results depend on the seed and the shapes, never on the number of threads.

#![deny(unsafe_code)]

pub mod advice;
pub mod catalog;
pub mod compile;
pub mod data;
pub mod diagnostics;
pub mod engine;
pub mod glob;
pub mod graph;
pub mod kernels;
pub mod passes;
pub mod picture;
pub mod plan;
pub mod random;
pub mod resolve;
pub mod syntax;
pub mod train;
pub mod violation;

pub use compile::{Compiled, ModelSource, compile, declare};
