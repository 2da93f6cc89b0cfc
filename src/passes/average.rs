//! The averages of parameters in the place of the parameters, for evaluation and prediction.

use std::collections::HashMap;

use crate::graph::Graph;
use crate::graph::ops::Op;
use crate::graph::state::{State, StateId, StateKind};
use crate::graph::verify::{Form, verify};
use crate::violation::insist;

/// Lets a graph read the averages that a training keeps, if it does. `states` are those of the
/// training, the graph's own first.
pub fn read_averages(mut graph: Graph, states: &[State]) -> Graph {
    let averages: HashMap<StateId, StateId> = (0..)
        .map(StateId)
        .zip(states)
        .filter_map(|(average, state)| match state.kind {
            StateKind::Average(parameter) => Some((parameter, average)),
            StateKind::Parameter | StateKind::Buffer | StateKind::Slot(_) => None,
        })
        .collect();
    if averages.is_empty() {
        return graph;
    }
    graph.states = states.to_vec();
    for node in &mut graph.nodes {
        if let Op::State(state) = &mut node.op
            && let Some(average) = averages.get(state)
        {
            *state = *average;
        }
    }
    let form = Form {
        flat: true,
        pruned: true,
        ..Form::NETWORK
    };
    insist(|| "the graph that reads averages", || verify(&graph, form));
    graph
}
