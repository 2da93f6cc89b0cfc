//! Copies results that are inputs, or parts of inputs: an input is read where the table lies, so nothing stands
//! in the arena for the caller to read.

use crate::graph::ops::Op;
use crate::graph::{Graph, Phase, ValueId};

/// Gives the prediction, and each value that is recorded, a place of its own where it is only a view of an
/// input. Nobody reads the prediction of a training step.
pub fn copy_inputs(mut graph: Graph, phase: Phase) -> Graph {
    if phase != Phase::Train {
        graph.prediction = graph.prediction.map(|result| copied(&mut graph, result));
    }
    for index in 0..graph.watches.len() {
        let watched = graph.watches[index].value;
        graph.watches[index].value = watched.map(|value| copied(&mut graph, value));
    }
    graph
}

/// A copy of a view of an input; any other value itself.
fn copied(graph: &mut Graph, value: ValueId) -> ValueId {
    let mut source = value;
    while let Op::Slice { .. } = graph.node(source).op {
        source = graph.node(source).operands[0];
    }
    if !matches!(graph.node(source).op, Op::Input { .. }) {
        return value;
    }
    let node = graph.node(value);
    (graph.current_origin, graph.current_part) = (node.origin, node.part);
    graph.push(Op::Concat, &[value])
}
