//! The averages of parameters in the place of the parameters, for evaluation and prediction.

use crate::graph::Graph;
use crate::graph::ops::Op;
use crate::graph::state::{State, StateId, StateKind};

/// Lets a graph read the averages that a training keeps, if it does. `states` are those of the
/// training, the graph's own first.
pub fn read_averages(mut graph: Graph, states: &[State]) -> Graph {
    let average_of = |parameter: StateId| {
        let average = StateKind::Average(parameter);
        let found = states.iter().position(|state| state.kind == average)?;
        Some(StateId(
            u32::try_from(found).expect("fewer than 2^32 states"),
        ))
    };
    if !states
        .iter()
        .any(|state| matches!(state.kind, StateKind::Average(_)))
    {
        return graph;
    }
    graph.states = states.to_vec();
    for node in &mut graph.nodes {
        if let Op::State(state) = &mut node.op
            && let Some(average) = average_of(*state)
        {
            *state = average;
        }
    }
    graph
}
