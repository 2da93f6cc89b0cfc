//! Fusion: which nodes become one step.
//!
//! Matrix products, look-ups and losses each begin a group; elementwise nodes and reductions join the
//! group that computes the last of what they need, if it has their shape, and else begin a loop of
//! their own. Groups run in the order of their numbers, so a node may join a group only if all else
//! it needs comes from earlier ones; with that one rule no cycle can arise. What needs nothing
//! computed (a mask, a decayed parameter) or is cheaper to compute again than to keep (a derivative)
//! floats until something that uses it is placed.

mod fuser;
mod needs;
mod reasons;
mod regions;
#[cfg(test)]
mod tests;

use crate::graph::shape::Shape;
use crate::graph::state::StateId;
use crate::graph::{Assignment, Graph, Phase, ValueId};
use fuser::Fuser;

pub use reasons::{Reader, Separation, UnfusedReason};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GroupId(pub u32);

/// Where a node is computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Placement {
    pub group: GroupId,
    pub region: usize,
    /// The result is known only when the whole group has run.
    pub reduced: bool,
}

/// What a group's kernel computes before its regions' programs run.
#[derive(Clone, PartialEq, Debug)]
pub enum GroupKind {
    Loop,
    Forward {
        input: ValueId,
        weight: ValueId,
        bias: Option<StateId>,
    },
    DataGradient {
        gradient: ValueId,
        weight: ValueId,
    },
    WeightGradient {
        gradient: ValueId,
        input: ValueId,
    },
    Gather {
        table: ValueId,
        index: ValueId,
    },
    ScatterAdd {
        gradient: ValueId,
        index: ValueId,
    },
    /// Region 0 is the loss by row; region 1, if there, the gradient of the logits.
    CrossEntropy {
        logits: ValueId,
        index: ValueId,
        on: f64,
        off: f64,
    },
    LogSoftmax {
        input: ValueId,
    },
    Concat {
        parts: Vec<ValueId>,
    },
}

impl GroupKind {
    /// The values that the kernel reads whole.
    pub fn operands(&self) -> Vec<ValueId> {
        match self {
            GroupKind::Loop => Vec::new(),
            GroupKind::Forward { input, weight, .. } => vec![*input, *weight],
            GroupKind::DataGradient { gradient, weight } => vec![*gradient, *weight],
            GroupKind::WeightGradient { gradient, input } => vec![*gradient, *input],
            GroupKind::Gather { table, index } => vec![*table, *index],
            GroupKind::ScatterAdd { gradient, index } => vec![*gradient, *index],
            GroupKind::CrossEntropy { logits, index, .. } => vec![*logits, *index],
            GroupKind::LogSoftmax { input } => vec![*input],
            GroupKind::Concat { parts } => parts.clone(),
        }
    }
}

/// Elementwise work over one shape, behind a kernel's result or by itself.
#[derive(Clone, PartialEq, Debug)]
pub struct RegionBuilder {
    pub shape: Shape,
    /// Whether its values of two axes lie as a table does, not as a weight.
    pub row_major: bool,
    /// The value that the kernel gives.
    pub accumulator: Option<ValueId>,
    /// Elementwise nodes and reductions, in the order of the graph.
    pub values: Vec<ValueId>,
    pub assignments: Vec<Assignment>,
}

impl RegionBuilder {
    /// Whether its program goes over values of this shape, which lie as a table does or not: two values of
    /// one shape that lie in unlike orders have no element in the same place.
    pub fn goes_over(&self, (shape, table): (&Shape, bool)) -> bool {
        self.shape == *shape && (self.row_major == table || shape.dims.len() != 2)
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    pub kind: GroupKind,
    pub regions: Vec<RegionBuilder>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Fusion {
    pub groups: Vec<Group>,
    pub placed: Vec<Option<Placement>>,
    /// Which placed values are kept in memory, because another step or the caller reads them.
    pub stored: Vec<bool>,
    /// Who reads each value that is kept, each once.
    pub readers: Vec<Vec<Reader>>,
    /// The nodes that could not join the group that computes the last of what they need.
    pub separations: Vec<Separation>,
    /// How many values the walk has looked at: what the division took, in steps.
    pub looks: usize,
}

/// Divides a graph of one phase into groups. In training nobody reads the network's result from outside,
/// so it is kept only if a step does.
pub fn fuse(graph: &Graph, phase: Phase) -> Fusion {
    let mut fuser = Fuser::new(graph);
    for value in graph.values() {
        fuser.visit(value);
    }
    let prediction = match phase {
        Phase::Train => None,
        Phase::Evaluate | Phase::Predict => graph.prediction,
    };
    let results = [(prediction, Reader::Prediction), (graph.loss, Reader::Loss)];
    for (result, reader) in results {
        if let Some(kept) = result.and_then(|result| fuser.materialize(result)) {
            fuser.store(kept, reader);
        }
    }
    for watched in graph.watched() {
        if let Some(kept) = fuser.materialize(watched) {
            fuser.store(kept, Reader::Watch);
        }
    }
    for assignment in &graph.assignments {
        fuser.assign(*assignment);
    }
    for group in &mut fuser.fusion.groups {
        for region in &mut group.regions {
            region.values.sort_unstable();
        }
    }
    fuser.fusion
}
