//! Good graphs made bad: the graph's verifier refuses each, with the rule that it breaks.

use nnc::Compiled;
use nnc::graph::ops::{Axis, BinaryOperator, InputKind, MatMulForm, Op};
use nnc::graph::shape::{Dim, Shape};
use nnc::graph::state::{ScalarId, StateId, StateKind};
use nnc::graph::verify::{Form, verify};
use nnc::graph::{Assignment, Graph, GraphPart, Node, OriginId, Phase, ValueId};

use super::{compiled, corruptions, rules, snapshot};

fn good() -> Compiled {
    compiled("verifiers/rich.nn")
}

/// The form of a graph that all passes have run on.
fn lowered(phase: Phase) -> Form {
    Form {
        flat: true,
        phase: Some(phase),
        differentiated: phase == Phase::Train,
        pruned: true,
    }
}

#[test]
fn good_graphs_are_accepted() {
    let compiled = good();
    verify(&compiled.network, Form::NETWORK).unwrap();
    for phase in compiled.trained().chain([&compiled.predict]) {
        verify(&phase.graph, lowered(phase.plan.phase)).unwrap();
    }
}

/// The first value of an operation.
fn first(graph: &Graph, wanted: impl Fn(&Node) -> bool) -> ValueId {
    let found = graph.values().find(|value| wanted(graph.node(*value)));
    found.expect("the model has such a node")
}

fn first_op(graph: &mut Graph, wanted: impl Fn(&Op) -> bool) -> &mut Node {
    let value = first(graph, |node| wanted(&node.op));
    &mut graph.nodes[value.index()]
}

fn assigned(graph: &mut Graph, name: &str) -> usize {
    let mut assignments = graph.assignments.iter();
    let named = |found: &Assignment| graph.state(found.state).name == name;
    assignments.position(named).expect("the state is assigned")
}

fn is_product(op: &Op) -> bool {
    matches!(op, Op::MatMul(_))
}

fn operands_swapped(graph: &mut Graph) {
    first_op(graph, is_product).operands.swap(0, 1);
}

fn an_operand_from_later(graph: &mut Graph) {
    let last = ValueId(graph.nodes.len() as u32 - 1);
    first_op(graph, is_product).operands[0] = last;
}

fn an_operand_that_is_itself(graph: &mut Graph) {
    let value = first(graph, |node| is_product(&node.op));
    graph.nodes[value.index()].operands[0] = value;
}

fn an_operand_out_of_range(graph: &mut Graph) {
    first_op(graph, is_product).operands[1] = ValueId(u32::MAX);
}

fn an_operand_dropped(graph: &mut Graph) {
    first_op(graph, is_product).operands.pop();
}

fn an_operand_too_many(graph: &mut Graph) {
    let tanh = |op: &Op| matches!(op, Op::Map(_));
    first_op(graph, tanh).operands.push(ValueId(0));
}

fn a_concatenation_of_nothing(graph: &mut Graph) {
    first_op(graph, |op| *op == Op::Concat).operands.clear();
}

fn two_nodes_swapped(graph: &mut Graph) {
    let value = first(graph, |node| is_product(&node.op));
    graph.nodes.swap(value.index(), value.index() + 1);
}

fn a_node_dropped(graph: &mut Graph) {
    let value = first(graph, |node| is_product(&node.op));
    graph.nodes.remove(value.index());
}

fn a_shape_too_wide(graph: &mut Graph) {
    first_op(graph, is_product).shape = Shape::batched([Dim::Known(41)]);
}

fn a_shape_without_its_batch(graph: &mut Graph) {
    first_op(graph, is_product).shape.batch = false;
}

fn another_product(graph: &mut Graph) {
    first_op(graph, is_product).op = Op::MatMul(MatMulForm::LeftTransposed);
}

fn a_slice_too_far(graph: &mut Graph) {
    let slice = first_op(graph, |op| matches!(op, Op::Slice { .. }));
    if let Op::Slice { start, .. } = &mut slice.op {
        *start = Dim::Known(usize::MAX);
    }
}

fn a_reduction_of_another_axis(graph: &mut Graph) {
    let reduce = first_op(graph, |op| matches!(op, Op::Reduce { .. }));
    if let Op::Reduce { axis, .. } = &mut reduce.op {
        *axis = if *axis == Axis::All {
            Axis::Last
        } else {
            Axis::All
        };
    }
}

fn an_unknown_state(graph: &mut Graph) {
    first_op(graph, |op| matches!(op, Op::State(_))).op = Op::State(StateId(1000));
}

fn an_unknown_scalar(graph: &mut Graph) {
    first_op(graph, |op| matches!(op, Op::Scalar(_))).op = Op::Scalar(ScalarId(1000));
}

fn an_unknown_origin(graph: &mut Graph) {
    first_op(graph, is_product).origin = OriginId(1000);
}

fn a_mask_that_keeps_nothing(graph: &mut Graph) {
    let mask = first_op(graph, |op| matches!(op, Op::DropoutMask(_)));
    if let Op::DropoutMask(mask) = &mut mask.op {
        mask.keep = 0.0;
    }
}

fn a_forward_node_behind_the_update(graph: &mut Graph) {
    graph.nodes.last_mut().unwrap().part = GraphPart::Forward;
}

fn a_gradient_in_the_forward_part(graph: &mut Graph) {
    for node in &mut graph.nodes {
        node.part = GraphPart::Forward;
    }
}

fn a_reshape_in_a_flat_graph(graph: &mut Graph) {
    let value = graph.prediction.unwrap();
    let shape = graph.shape(value).clone();
    let node = &mut graph.nodes[value.index() + 1];
    let dims = shape.dims.clone();
    node.op = Op::Reshape { dims };
    node.operands = [value].as_slice().into();
    node.shape = shape;
}

fn a_choice_of_phases(graph: &mut Graph) {
    let add = |op: &Op| *op == Op::Binary(BinaryOperator::Add);
    first_op(graph, add).op = Op::ByPhase;
}

fn no_prediction(graph: &mut Graph) {
    graph.prediction = None;
}

fn a_prediction_for_no_row(graph: &mut Graph) {
    graph.prediction = graph.loss;
}

fn a_prediction_out_of_range(graph: &mut Graph) {
    graph.prediction = Some(ValueId(graph.nodes.len() as u32));
}

fn no_loss(graph: &mut Graph) {
    graph.loss = None;
}

fn a_loss_of_many_numbers(graph: &mut Graph) {
    graph.loss = graph.prediction;
}

fn a_loss_from_the_update(graph: &mut Graph) {
    let update = |node: &Node| node.part == GraphPart::Update && node.shape.is_scalar();
    graph.loss = Some(first(graph, update));
}

fn a_state_assigned_twice(graph: &mut Graph) {
    graph.assignments.push(graph.assignments[0]);
}

fn a_state_left_unassigned(graph: &mut Graph) {
    let weight = assigned(graph, "head.weight");
    graph.assignments.remove(weight);
}

fn a_state_assigned_anothers_value(graph: &mut Graph) {
    let [weight, bias] = ["head.weight", "head.bias"].map(|name| assigned(graph, name));
    graph.assignments[weight].value = graph.assignments[bias].value;
}

fn a_parameter_assigned_its_activation(graph: &mut Graph) {
    let weight = assigned(graph, "head.weight");
    let state = graph.assignments[weight].state;
    graph.assignments[weight].value = first(graph, |node| node.op == Op::State(state));
}

fn a_frozen_parameter_assigned(graph: &mut Graph) {
    let weight = assigned(graph, "head.weight");
    let state = graph.assignments[weight].state;
    graph.states[state.0 as usize].training.frozen = true;
}

fn an_unknown_state_assigned(graph: &mut Graph) {
    graph.assignments[0].state = StateId(1000);
}

fn a_slot_of_a_buffer(graph: &mut Graph) {
    let buffer = |kind| kind == StateKind::Buffer;
    let buffer = graph.states.iter().position(|state| buffer(state.kind));
    let of = StateId(buffer.unwrap() as u32);
    let slot = |kind| matches!(kind, StateKind::Slot(_));
    let slot = graph.states.iter_mut().find(|state| slot(state.kind));
    slot.unwrap().kind = StateKind::Slot(of);
}

fn a_slot_of_another_shape(graph: &mut Graph) {
    let slot = |kind| matches!(kind, StateKind::Slot(_));
    let slot = graph.states.iter_mut().find(|state| slot(state.kind));
    slot.unwrap().shape = Shape::scalar();
}

fn a_gradient_watched_elsewhere(graph: &mut Graph) {
    graph.watches[0].value = graph.prediction;
}

fn a_node_that_nothing_uses(graph: &mut Graph) {
    graph.nodes.push(graph.nodes.last().unwrap().clone());
}

type Corruption = (&'static str, fn(&mut Graph));

/// What is made bad in a graph of training.
const OF_TRAINING: &[Corruption] = corruptions![
    operands_swapped,
    an_operand_from_later,
    an_operand_that_is_itself,
    an_operand_out_of_range,
    an_operand_dropped,
    an_operand_too_many,
    a_concatenation_of_nothing,
    two_nodes_swapped,
    a_node_dropped,
    a_shape_too_wide,
    a_shape_without_its_batch,
    another_product,
    a_slice_too_far,
    a_reduction_of_another_axis,
    an_unknown_state,
    an_unknown_scalar,
    an_unknown_origin,
    a_mask_that_keeps_nothing,
    a_forward_node_behind_the_update,
    a_gradient_in_the_forward_part,
    a_reshape_in_a_flat_graph,
    a_choice_of_phases,
    no_prediction,
    a_prediction_for_no_row,
    a_prediction_out_of_range,
    no_loss,
    a_loss_of_many_numbers,
    a_loss_from_the_update,
    a_state_assigned_twice,
    a_state_left_unassigned,
    a_state_assigned_anothers_value,
    a_parameter_assigned_its_activation,
    a_frozen_parameter_assigned,
    an_unknown_state_assigned,
    a_slot_of_a_buffer,
    a_slot_of_another_shape,
    a_gradient_watched_elsewhere,
    a_node_that_nothing_uses,
];

/// Of a graph that predicts.
const OF_PREDICTION: &[Corruption] = corruptions![
    targets_read,
    predicts_a_loss,
    leaves_a_state_behind,
    has_gradients,
];

fn targets_read(graph: &mut Graph) {
    let input = first_op(graph, |op| matches!(op, Op::Input { .. }));
    if let Op::Input { kind, .. } = &mut input.op {
        *kind = InputKind::Targets;
    }
}

fn predicts_a_loss(graph: &mut Graph) {
    graph.loss = Some(graph.push(Op::Constant(0.0), &[]));
}

fn leaves_a_state_behind(graph: &mut Graph) {
    let value = first(graph, |node| matches!(node.op, Op::State(_)));
    let Op::State(state) = graph.node(value).op else {
        unreachable!("it is a state");
    };
    graph.assignments.push(Assignment { state, value });
}

fn has_gradients(graph: &mut Graph) {
    graph.nodes.last_mut().unwrap().part = GraphPart::Backward;
}

#[test]
fn bad_graphs_are_refused() {
    let compiled = good();
    let train = &compiled.watch.as_ref().unwrap().graph;
    let of_training = OF_TRAINING.iter().map(|bad| (train, Phase::Train, bad));
    let predict = &compiled.predict.graph;
    let of_prediction = OF_PREDICTION
        .iter()
        .map(|bad| (predict, Phase::Predict, bad));
    let refused = of_training.chain(of_prediction);
    let refused = refused.map(|(graph, phase, (name, corrupt))| {
        let mut graph = Graph::clone(graph);
        corrupt(&mut graph);
        (*name, verify(&graph, lowered(phase)).err())
    });
    snapshot("graph-rules", &rules(refused));
}

#[test]
fn the_bad_line_is_marked() {
    let graph = compiled("passes/update-sgd.nn").train.unwrap().graph;
    let corruptions: [Corruption; 3] = [
        ("graph-operands-swapped", operands_swapped),
        ("graph-assigned-twice", a_state_assigned_twice),
        ("graph-unknown-state", an_unknown_state),
    ];
    for (name, corrupt) in corruptions {
        let mut graph = Graph::clone(&graph);
        corrupt(&mut graph);
        let violation = verify(&graph, lowered(Phase::Train)).unwrap_err();
        snapshot(name, &violation.to_string());
    }
}
