//! Building a graph anew from another, node by node.

use crate::graph::watch::Watch;
use crate::graph::{Assignment, Graph, Node, Operands, ValueId};

/// A new graph that grows while an old one is walked.
pub struct Rebuild<'g> {
    pub old: &'g Graph,
    pub new: Graph,
    mapped: Vec<Option<ValueId>>,
}

impl<'g> Rebuild<'g> {
    pub fn new(old: &'g Graph) -> Self {
        Rebuild {
            old,
            new: Graph {
                nodes: Vec::with_capacity(old.nodes.len()),
                states: old.states.clone(),
                scalars: old.scalars.clone(),
                origins: old.origins.clone(),
                ..Graph::default()
            },
            mapped: vec![None; old.nodes.len()],
        }
    }

    /// What stands in the new graph for an old value.
    pub fn mapped(&self, old: ValueId) -> ValueId {
        self.mapped[old.index()].expect("operands are visited before their users")
    }

    /// Says what stands for an old value.
    pub fn map(&mut self, old: ValueId, new: ValueId) {
        self.mapped[old.index()] = Some(new);
        if let Some(name) = &self.old.node(old).name {
            let node = &mut self.new.nodes[new.index()];
            node.name.get_or_insert_with(|| name.clone());
        }
    }

    /// Makes new nodes take origin and part from an old one.
    pub fn at(&mut self, node: &Node) {
        self.new.current_origin = node.origin;
        self.new.current_part = node.part;
    }

    /// Appends a copy of an old node.
    pub fn copy(&mut self, old: ValueId) -> ValueId {
        let node = self.old.node(old);
        self.at(node);
        let operands: Operands = node.operands.iter().map(|id| self.mapped(*id)).collect();
        self.new.push(node.op.clone(), &operands)
    }

    /// The new graph, with the results that `keep` asks for.
    pub fn finish(mut self, keep: Keep) -> Graph {
        let mapped = |old: ValueId| self.mapped[old.index()].expect("results were visited");
        self.new.prediction = self.old.prediction.map(mapped);
        if keep.loss {
            self.new.loss = self.old.loss.map(mapped);
        }
        if keep.assignments {
            let assignments = self.old.assignments.iter();
            self.new.assignments = assignments
                .map(|assignment| Assignment {
                    state: assignment.state,
                    value: mapped(assignment.value),
                })
                .collect();
        }
        if keep.watches {
            let watches = self.old.watches.iter();
            self.new.watches = watches
                .map(|watch| Watch {
                    value: watch.value.map(mapped),
                    ..watch.clone()
                })
                .collect();
        }
        self.new
    }
}

/// Which results a rebuilt graph has besides its prediction.
#[derive(Clone, Copy)]
pub struct Keep {
    pub loss: bool,
    pub assignments: bool,
    pub watches: bool,
}

impl Keep {
    pub const ALL: Keep = Keep {
        loss: true,
        assignments: true,
        watches: true,
    };
}

/// Which values of a graph its results need.
pub fn live(graph: &Graph, keep: Keep) -> Vec<bool> {
    let mut live = vec![false; graph.nodes.len()];
    let loss = graph.loss.filter(|_| keep.loss);
    let assignments = graph.assignments.iter().filter(|_| keep.assignments);
    let watched = graph.watched().filter(|_| keep.watches);
    let roots = assignments.map(|assignment| assignment.value);
    let roots = roots.chain(watched);
    for root in roots.chain(graph.prediction).chain(loss) {
        live[root.index()] = true;
    }
    for index in (0..graph.nodes.len()).rev() {
        if live[index] {
            for operand in &graph.nodes[index].operands {
                live[operand.index()] = true;
            }
        }
    }
    live
}
