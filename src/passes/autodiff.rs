//! Reverse-mode differentiation: appends to a graph, as ordinary nodes, the gradient of its loss with
//! respect to every parameter.

use std::sync::Arc;

use crate::graph::ops::{GradientSlice, Op, join_slices};
use crate::graph::state::{StateId, StateKind};
use crate::graph::{Graph, GraphPart, ValueId};

/// A parameter with its gradient; `None` where no loss reaches it.
pub struct ParameterGradient {
    pub parameter: StateId,
    pub gradient: Option<ValueId>,
}

/// Appends the gradients. The graph must be of one phase, with a loss.
pub fn differentiate(graph: &mut Graph) -> Vec<ParameterGradient> {
    let loss = graph.loss.expect("training has a loss");
    let forward_nodes = graph.nodes.len();
    let learns = learns(graph);
    let mut contributions: Vec<Vec<ValueId>> = vec![Vec::new(); forward_nodes];
    let mut pieces: Vec<Vec<GradientSlice>> = vec![Vec::new(); forward_nodes];
    let mut gradients: Vec<Option<ValueId>> = vec![None; forward_nodes];
    graph.current_part = GraphPart::Backward;
    graph.current_origin = graph.node(loss).origin;
    let one = graph.push(Op::Constant(1.0), &[]);
    contributions[loss.index()].push(one);

    for index in (0..forward_nodes).rev() {
        let value = ValueId(u32::try_from(index).expect("fewer than 2^32 nodes"));
        if !learns[index] || contributions[index].is_empty() && pieces[index].is_empty() {
            continue;
        }
        let origin = graph.node(value).origin;
        graph.current_origin = origin;
        let taken_apart = joined(graph, value, std::mem::take(&mut pieces[index]));
        contributions[index].extend(taken_apart);
        let mut parts = std::mem::take(&mut contributions[index]).into_iter();
        let first = parts.next().expect("there is a contribution");
        let total = parts.fold(first, |sum, part| graph.add(sum, part));
        name_gradient(graph, value, total);
        gradients[index] = Some(total);

        let operands = graph.node(value).operands.clone();
        let wanted: Vec<bool> = operands.iter().map(|id| learns[id.index()]).collect();
        let op = graph.node(value).op.clone();
        if let Op::Slice { start, length } = &op
            && let (Some(start), Some(length)) = (start.known(), length.known())
        {
            let value = total;
            pieces[operands[0].index()].push(GradientSlice {
                start,
                length,
                value,
            });
            continue;
        }
        let parts = op.gradient(graph, value, total, &wanted);
        for ((operand, part), wanted) in operands.iter().zip(parts).zip(wanted) {
            if let (Some(part), true) = (part, wanted) {
                contributions[operand.index()].push(part);
            }
        }
    }

    let mut of_state: Vec<Option<ValueId>> = vec![None; graph.states.len()];
    for (node, gradient) in graph.nodes.iter().zip(gradients) {
        if let Op::State(state) = node.op {
            of_state[state.0 as usize] = gradient;
        }
    }
    graph
        .parameters()
        .map(|parameter| ParameterGradient {
            parameter,
            gradient: of_state[parameter.0 as usize],
        })
        .collect()
}

/// The gradients of the ranges that were taken of a value, as few gradients of the whole value.
fn joined(graph: &mut Graph, value: ValueId, mut pieces: Vec<GradientSlice>) -> Vec<ValueId> {
    let whole = graph.shape(value).clone();
    pieces.sort_by_key(|piece| piece.start);
    let mut joined = Vec::new();
    while !pieces.is_empty() {
        // Of ranges that overlap, one after the other.
        let mut end = 0;
        let beside: Vec<GradientSlice> = pieces
            .extract_if(.., |piece| {
                let free = piece.start >= end;
                end = if free {
                    piece.start + piece.length
                } else {
                    end
                };
                free
            })
            .collect();
        joined.push(join_slices(graph, &whole, &beside));
    }
    joined
}

/// Which nodes depend on a parameter.
fn learns(graph: &Graph) -> Vec<bool> {
    let mut learns: Vec<bool> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let learned = |state: StateId| {
            let state = graph.state(state);
            state.kind == StateKind::Parameter && !state.training.frozen
        };
        let own = matches!(node.op, Op::State(state) if learned(state));
        learns.push(own || node.operands.iter().any(|id| learns[id.index()]));
    }
    learns
}

/// A gradient is called after the value it belongs to; if it is the gradient of several, after the
/// one nearest to the inputs.
fn name_gradient(graph: &mut Graph, value: ValueId, gradient: ValueId) {
    let forward = graph.node(value);
    let name: Arc<str> = if let Op::State(state) = forward.op {
        graph.state(state).name.as_str().into()
    } else if let Some(name) = &forward.name {
        name.clone()
    } else {
        graph.origin(forward.origin).label.clone()
    };
    let node = &mut graph.nodes[gradient.index()];
    if node.part == GraphPart::Backward {
        node.name = Some(format!("∂{name}").into());
    }
}
