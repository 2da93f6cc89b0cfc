//! Passes over the graph: one ordered table for each phase, the verifier after each pass in tests and
//! debug builds.

pub mod autodiff;
pub mod average;
mod flatten;
pub mod fuse;
pub mod fuse_cross_entropy;
mod max_norm;
mod rebuild;
mod results;
pub mod simplify;
pub mod specialize;
pub mod tied_tables;
pub mod update;

use crate::catalog::BuildUpdate;
use crate::catalog::arguments::Arguments;
use crate::graph::{Graph, Phase, verify};

/// How parameters move: the optimizer with its arguments, and what is done to gradients before.
#[derive(Clone, Debug)]
pub struct Updates {
    pub build: BuildUpdate,
    pub arguments: Arguments,
    pub clip_norm: Option<f64>,
    /// The largest magnitude of an element of a gradient.
    pub clip_value: Option<f64>,
    pub accumulation: Accumulation,
    /// The decay of the parameters' moving average.
    pub average: Option<f64>,
    /// Whether what the `watch` sections ask for is kept.
    pub watched: bool,
}

/// What becomes of a batch's gradients.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Accumulation {
    /// They make an update.
    None,
    /// They enter the mean of a group of batches.
    Adds,
    /// They enter the mean, which makes an update.
    Ends,
}

/// One pass: its name, and what it makes of a graph.
type Pass<'p> = (&'static str, Box<dyn Fn(Graph) -> Graph + 'p>);

/// The graph of one phase, ready to be planned: specialised, and for training with gradients and
/// updates appended as ordinary nodes.
pub fn lower(graph: &Graph, phase: Phase, updates: Option<&Updates>) -> Graph {
    let mut passes: Vec<Pass> = vec![
        // Before a phase loses what it does not need: all phases share the order in which states lie.
        ("tied tables", Box::new(tied_tables::rewrite)),
        ("flatten", Box::new(flatten::rewrite)),
        (
            "specialize",
            Box::new(move |graph| specialize::specialize(&graph, phase)),
        ),
        ("simplify", Box::new(|graph| simplify::simplify(&graph))),
        (
            "fuse cross-entropy",
            Box::new(|graph| fuse_cross_entropy::rewrite(&graph)),
        ),
    ];
    if let (Phase::Train, Some(updates)) = (phase, updates) {
        passes.push((
            "autodiff and update",
            Box::new(move |graph| update::append(graph, updates)),
        ));
        passes.push((
            "simplify again",
            Box::new(|graph| simplify::simplify(&graph)),
        ));
    }
    passes.push((
        "copy inputs",
        Box::new(move |graph| results::copy_inputs(graph, phase)),
    ));
    let mut graph = graph.clone();
    if !updates.is_some_and(|updates| updates.watched) {
        graph.watches.clear();
    }
    passes.into_iter().fold(graph, |graph, (name, pass)| {
        let graph = pass(graph);
        if cfg!(debug_assertions) {
            verify::verify(&graph, name);
        }
        graph
    })
}
