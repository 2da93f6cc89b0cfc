//! What is computed: the same numbers as PyTorch, as finite differences and closed forms,
//! the same bits on any number of threads, and what it costs.

#[path = "../support/mod.rs"]
mod support;

mod batch_norm;
mod costs;
mod gradients;
mod in_place;
mod initializers;
mod optimizers;
mod parity;
mod same_bits;
mod watch;
