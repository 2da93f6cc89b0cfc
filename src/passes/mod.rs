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
use crate::graph::verify::{Form, verify};
use crate::graph::{Graph, Phase};
use crate::violation::insist;

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

/// One pass.
struct Pass<'p> {
    name: &'static str,
    run: Box<dyn Fn(Graph) -> Graph + 'p>,
    /// What every graph is once the pass has run.
    form: Form,
}

/// The graph of one phase, ready to be planned: specialised, and for training with gradients and
/// updates appended as ordinary nodes.
pub fn lower(graph: &Graph, phase: Phase, updates: Option<&Updates>) -> Graph {
    lower_observed(graph, phase, updates, |_, _| ())
}

/// As [`lower`], showing the graph after each pass with the pass's name.
pub fn lower_observed(
    graph: &Graph,
    phase: Phase,
    updates: Option<&Updates>,
    mut observe: impl FnMut(&'static str, &Graph),
) -> Graph {
    let mut graph = graph.clone();
    if !updates.is_some_and(|updates| updates.watched) {
        graph.watches.clear();
    }
    insist(|| "the network", || verify(&graph, Form::NETWORK));
    for pass in table(phase, updates) {
        graph = (pass.run)(graph);
        let what = || format!("the graph after `{}`", pass.name);
        insist(what, || verify(&graph, pass.form));
        observe(pass.name, &graph);
    }
    graph
}

/// The passes of a phase in their order.
fn table<'p>(phase: Phase, updates: Option<&'p Updates>) -> Vec<Pass<'p>> {
    let flat = Form {
        flat: true,
        ..Form::NETWORK
    };
    let specialized = Form {
        phase: Some(phase),
        ..flat
    };
    let simplified = Form {
        pruned: true,
        ..specialized
    };
    let mut last = simplified;
    let mut passes = vec![
        // Before a phase loses what it does not need: all phases share the order in which states lie.
        Pass {
            name: "tied tables",
            run: Box::new(tied_tables::rewrite),
            form: Form::NETWORK,
        },
        Pass {
            name: "flatten",
            run: Box::new(flatten::rewrite),
            form: flat,
        },
        Pass {
            name: "specialize",
            run: Box::new(move |graph| specialize::specialize(&graph, phase)),
            form: specialized,
        },
        Pass {
            name: "simplify",
            run: Box::new(simplify::simplify),
            form: simplified,
        },
        Pass {
            name: "fuse cross-entropy",
            run: Box::new(|graph| fuse_cross_entropy::rewrite(&graph)),
            form: simplified,
        },
    ];
    if let (Phase::Train, Some(updates)) = (phase, updates) {
        passes.push(Pass {
            name: "autodiff and update",
            run: Box::new(move |graph| update::append(graph, updates)),
            form: Form {
                differentiated: true,
                ..specialized
            },
        });
        last.differentiated = true;
        passes.push(Pass {
            name: "simplify again",
            run: Box::new(simplify::simplify),
            form: last,
        });
    }
    passes.push(Pass {
        name: "copy inputs",
        run: Box::new(move |graph| results::copy_inputs(graph, phase)),
        form: last,
    });
    passes
}
