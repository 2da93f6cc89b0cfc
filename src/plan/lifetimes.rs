//! From which step to which each value must be kept.

use super::layout::{MatrixLayout, extents};
use super::memory::Lifetime;
use super::program::{partial_elements, tiling};
use super::step::Offset;
use crate::graph::ops::Op;
use crate::graph::{Graph, ValueId};
use crate::passes::fuse::{Fusion, GroupKind};

/// The lifetimes of all values that are kept, and of the parts of their reductions.
pub struct Lives {
    pub lifetimes: Vec<Lifetime>,
    /// For each value, which lifetime is its own.
    pub values: Vec<Option<usize>>,
    /// For each reduction, which lifetime is that of its tiles' results.
    pub partials: Vec<Option<usize>>,
}

impl Lives {
    pub fn new(
        graph: &Graph,
        fusion: &Fusion,
        layouts: &[MatrixLayout],
        (panel, batch): (usize, usize),
    ) -> Self {
        let last_group = fusion.groups.len();
        let mut last = vec![0usize; graph.nodes.len()];
        for value in graph.values() {
            for (operand, group) in uses(graph, fusion, value) {
                last[operand.index()] = last[operand.index()].max(group);
            }
        }
        for (index, group) in fusion.groups.iter().enumerate() {
            // What all workers read whole they read for one step more, so that the next may write
            // before all of them are done.
            let shared = matches!(group.kind, GroupKind::WeightGradient { .. });
            let until = (index + usize::from(shared)).min(last_group);
            for operand in group.kind.operands() {
                let root = view_root(graph, operand);
                last[root.index()] = last[root.index()].max(until);
            }
            for region in &group.regions {
                for assignment in &region.assignments {
                    let value = assignment.value.index();
                    last[value] = last[value].max(index);
                }
            }
        }
        for value in graph.values() {
            let mut readers = fusion.readers[value.index()].iter();
            if readers.any(|reader| reader.group().is_none()) {
                // The caller reads it when all is done.
                last[value.index()] = last_group;
            }
        }
        let mut lives = Lives {
            lifetimes: Vec::new(),
            values: vec![None; graph.nodes.len()],
            partials: vec![None; graph.nodes.len()],
        };
        for value in graph.values() {
            let Some(place) = fusion.placed[value.index()] else {
                continue;
            };
            let first = place.group.0 as usize;
            let layout = layouts[value.index()];
            if fusion.stored[value.index()] || place.reduced {
                let (features, columns) = extents(graph.shape(value), layout, panel);
                lives.values[value.index()] = Some(lives.lifetimes.len());
                lives.lifetimes.push(Lifetime {
                    elements: features * columns.count(batch),
                    first,
                    last: last[value.index()].max(first),
                });
            }
            if let (true, Op::Reduce { axis, .. }) = (place.reduced, &graph.node(value).op) {
                let operand = graph.node(value).operands[0];
                let (shape, layout) = (graph.shape(operand), layouts[operand.index()]);
                let (features, columns) = extents(shape, layout, panel);
                lives.partials[value.index()] = Some(lives.lifetimes.len());
                let tiling = tiling(shape, layout, (features, columns), batch);
                lives.lifetimes.push(Lifetime {
                    elements: partial_elements(features, tiling.tiles(), *axis),
                    first,
                    last: first,
                });
            }
        }
        lives
    }

    /// The places of some of the lifetimes.
    pub fn of(&self, indices: &[Option<usize>], places: &[Offset]) -> Vec<Option<Offset>> {
        indices
            .iter()
            .map(|index| index.map(|index| places[index]))
            .collect()
    }
}

/// The values in memory that the node reads where it is computed, with the group that reads them.
fn uses(graph: &Graph, fusion: &Fusion, value: ValueId) -> Vec<(ValueId, usize)> {
    let Some(place) = fusion.placed[value.index()] else {
        return Vec::new();
    };
    let group = place.group.0 as usize;
    let mut found = Vec::new();
    let mut waiting = graph.node(value).operands.clone();
    while let Some(operand) = waiting.pop() {
        match fusion.placed[operand.index()] {
            Some(_) => found.push((operand, group)),
            None => waiting.extend(graph.node(operand).operands.iter().copied()),
        }
    }
    found
}

/// The value whose memory a view is part of.
fn view_root(graph: &Graph, value: ValueId) -> ValueId {
    if matches!(graph.node(value).op, Op::Slice { .. }) {
        view_root(graph, graph.node(value).operands[0])
    } else {
        value
    }
}
