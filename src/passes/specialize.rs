//! Chooses the phase: `ByPhase` becomes one of its operands, and what the phase does not need goes.

use super::rebuild::{Keep, Rebuild};
use crate::graph::ops::Op;
use crate::graph::{Graph, Phase, ValueId};

pub fn specialize(graph: &Graph, phase: Phase) -> Graph {
    let keep = match phase {
        Phase::Train => Keep::ALL,
        Phase::Evaluate => Keep {
            loss: true,
            assignments: false,
            watches: false,
        },
        Phase::Predict => Keep {
            loss: false,
            assignments: false,
            watches: false,
        },
    };
    let mut rebuild = Rebuild::new(graph);
    for value in graph.values() {
        let node = graph.node(value);
        let new = if node.op == Op::ByPhase {
            rebuild.mapped(match phase {
                Phase::Train => node.operands[0],
                Phase::Evaluate | Phase::Predict => node.operands[1],
            })
        } else {
            rebuild.copy(value)
        };
        rebuild.map(value, new);
    }
    let mut graph = rebuild.finish(keep);
    if phase == Phase::Train {
        graph.prediction = graph.prediction.map(|value| first_part(&graph, value));
    }
    graph
}

/// While training nobody reads the outputs of several targets side by side.
fn first_part(graph: &Graph, prediction: ValueId) -> ValueId {
    let node = graph.node(prediction);
    let mut users = graph.nodes.iter().flat_map(|node| &node.operands);
    if node.op == Op::Concat && users.all(|used| *used != prediction) {
        node.operands[0]
    } else {
        prediction
    }
}
