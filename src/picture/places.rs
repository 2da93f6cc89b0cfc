//! The places of a picture, before they are shown: what of the graph stands at each, and what flows.

use std::collections::BTreeMap;

use super::Flow;
use crate::graph::elements::{Elements, unread};
use crate::graph::ops::{BinaryOperator, InputKind, Op};
use crate::graph::state::State;
use crate::graph::{Graph, Node, OriginId, ValueId};

/// What one place of the model's text makes in the graph.
pub(super) struct Place {
    pub origin: OriginId,
    /// Its result.
    pub last: ValueId,
    /// How many numbers it keeps; unknown without the table.
    pub kept: Option<Elements>,
    /// Whether it is made of numbers alone.
    pub constant: bool,
    /// Whether it takes columns of the table.
    pub of_table: bool,
    /// The earlier place whose parameters it has too.
    pub shares: Option<usize>,
    /// Whether it comes of the targets alone; unknown of states alone.
    pub of_targets: Option<bool>,
    /// Whether something flows in.
    pub entered: bool,
}

pub(super) struct Places {
    /// In an order in which all flows go forward.
    pub places: Vec<Place>,
    pub flows: Vec<Flow>,
}

/// The places of a network, without numbers, states and the matrices that a batch brings.
pub(super) fn of(graph: &Graph) -> Places {
    let needed = needed(graph);
    let of_targets = of_targets(graph);
    let sliced = has_sliced_targets(graph);
    let mut numbers: BTreeMap<OriginId, usize> = BTreeMap::new();
    let mut places: Vec<Place> = Vec::new();
    let mut flows: Vec<Flow> = Vec::new();
    let mut owners: Vec<Option<usize>> = vec![None; graph.states.len()];
    for value in graph.values().filter(|value| needed[value.index()]) {
        let node = graph.node(value);
        let state = match node.op {
            Op::State(state) => Some(state),
            _ if is_hidden(&node.op, sliced) => continue,
            _ => None,
        };
        let number = *numbers.entry(node.origin).or_insert_with(|| {
            places.push(Place {
                origin: node.origin,
                last: value,
                kept: Some(Elements::default()),
                constant: true,
                of_table: false,
                shares: None,
                of_targets: None,
                entered: false,
            });
            places.len() - 1
        });
        let place = &mut places[number];
        if let Some(state) = state {
            match owners[state.0 as usize] {
                Some(owner) => place.shares = Some(owner).filter(|owner| *owner != number),
                None => {
                    owners[state.0 as usize] = Some(number);
                    place.kept = with_state(place.kept, graph.state(state));
                }
            }
            place.constant = false;
            continue;
        }
        place.last = value;
        place.constant &= matches!(node.op, Op::Broadcast { .. });
        place.of_targets = Some(place.of_targets.unwrap_or(true) && of_targets[value.index()]);
        for from in operands(graph, node) {
            place.of_table |= is_input(&from.op, InputKind::Features);
            let Some(&from_number) = numbers.get(&from.origin) else {
                continue;
            };
            if !is_hidden(&from.op, sliced) && from_number != number {
                flows.push(Flow {
                    from: from_number,
                    to: number,
                });
            }
        }
    }
    for (state, origin) in unread(graph) {
        if let Some(number) = numbers.get(&origin) {
            let place = &mut places[*number];
            place.kept = with_state(place.kept, graph.state(state));
        }
    }
    enter(&mut places, &mut flows);
    Places { places, flows }
}

/// What flows into a node: nothing into a sum of losses.
fn operands<'g>(graph: &'g Graph, node: &'g Node) -> impl Iterator<Item = &'g Node> {
    let sum = node.op == Op::Binary(BinaryOperator::Add) && node.shape.is_scalar();
    let operands = node.operands.iter().filter(move |_| !sum);
    operands.map(|operand| graph.node(*operand))
}

/// Says of each place whether something flows in. What is of parameters alone, as a penalty is, comes of the
/// place that has them.
fn enter(places: &mut [Place], flows: &mut Vec<Flow>) {
    for flow in &*flows {
        places[flow.to].entered = true;
    }
    for (to, place) in places.iter_mut().enumerate() {
        if let (Some(from), false) = (place.shares, place.entered) {
            flows.push(Flow { from, to });
            place.entered = true;
        }
    }
    flows.sort_unstable();
    flows.dedup();
}

/// Whether something is taken of the targets: then the matrix that a batch brings is seen through that.
fn has_sliced_targets(graph: &Graph) -> bool {
    graph.nodes.iter().any(|node| {
        let of = node.operands.first().map(|of| &graph.node(*of).op);
        let targets = of.is_some_and(|op| is_input(op, InputKind::Targets));
        targets && matches!(node.op, Op::Slice { .. })
    })
}

fn is_hidden(op: &Op, sliced: bool) -> bool {
    matches!(op, Op::Constant(_) | Op::Scalar(_) | Op::State(_))
        || is_input(op, InputKind::Features)
        || sliced && is_input(op, InputKind::Targets)
}

fn is_input(op: &Op, wanted: InputKind) -> bool {
    matches!(op, Op::Input { kind, .. } if *kind == wanted)
}

fn with_state(sum: Option<Elements>, state: &State) -> Option<Elements> {
    let own = Elements::of(state, state.shape.elements()?);
    Some(sum?.plus(own))
}

/// Which values come of the targets alone.
fn of_targets(graph: &Graph) -> Vec<bool> {
    let mut of_targets: Vec<bool> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let targets = is_input(&node.op, InputKind::Targets);
        let mut operands = node.operands.iter();
        let derived = !node.operands.is_empty() && operands.all(|id| of_targets[id.index()]);
        of_targets.push(targets || derived);
    }
    of_targets
}

/// Which values the loss, or without one the prediction, depends on.
fn needed(graph: &Graph) -> Vec<bool> {
    let mut needed = vec![false; graph.nodes.len()];
    let mut open: Vec<ValueId> = graph.loss.or(graph.prediction).into_iter().collect();
    while let Some(value) = open.pop() {
        if !std::mem::replace(&mut needed[value.index()], true) {
            open.extend(&graph.node(value).operands);
        }
    }
    needed
}
