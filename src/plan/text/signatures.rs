//! What steps and states depend on, so that equal iterations are known as such.

use std::collections::HashMap;

use super::fold::Signature;
use super::names::{Namer, nodes_of, stages};
use crate::graph::ops::Op;
use crate::graph::state::StateKind;
use crate::graph::{Graph, Node, ValueId};
use crate::passes::fuse::{Group, GroupKind};
use crate::plan::layout::StatePlace;
use crate::plan::{Plan, Step};

/// Adds an operation with all its figures and the shapes that it takes.
pub fn sign_node(signature: &mut Signature, graph: &Graph, node: &Node) {
    for operand in &node.operands {
        signature.text(&format!("{:?}", graph.shape(*operand)));
    }
    match &node.op {
        Op::State(_) => signature.text("state"),
        Op::DropoutMask(mask) => {
            signature.text(&format!("mask {:?} {:?}", mask.shape, mask.keep));
            signature.name(&mask.stream);
        }
        Op::Scalar(scalar) => signature.text(&format!("{:?}", graph.scalars[scalar.0 as usize])),
        Op::Input { .. }
        | Op::Constant(_)
        | Op::Map(_)
        | Op::MapDerivative(_)
        | Op::Binary(_)
        | Op::Broadcast { .. }
        | Op::Reduce { .. }
        | Op::MatMul(_)
        | Op::Gather
        | Op::ScatterAdd { .. }
        | Op::OneHot { .. }
        | Op::Concat
        | Op::Slice { .. }
        | Op::Reshape { .. }
        | Op::LogSoftmax
        | Op::CrossEntropy { .. }
        | Op::CrossEntropyGradient { .. }
        | Op::ByPhase => signature.text(&format!("{:?}", node.op)),
    }
}

/// All that a step depends on: its stages first, then what it computes from what.
pub fn of_step(plan: &Plan, step: &Step, namer: &Namer) -> Signature {
    let graph = &*plan.graph;
    let group = plan.group(step);
    let mut signing = StepSigning {
        graph,
        namer,
        within: nodes_of(graph, group)
            .map(|(value, _)| value)
            .zip(0..)
            .collect(),
        signature: Signature::default(),
    };
    for stage in stages(graph, group) {
        let origin = graph.origin(stage);
        signing.signature.name(&origin.label);
        signing.text(&format!("{:?}", origin.span));
    }
    signing.text(&format!("{:?} {} {}", step.part, step.line, step.flops));
    signing.group(group);
    signing.signature
}

struct StepSigning<'s> {
    graph: &'s Graph,
    namer: &'s Namer<'s>,
    /// The order of what the step computes.
    within: HashMap<ValueId, usize>,
    signature: Signature,
}

impl StepSigning<'_> {
    fn text(&mut self, text: &str) {
        self.signature.text(text);
    }

    fn group(&mut self, group: &Group) {
        self.kind(&group.kind);
        for region in &group.regions {
            let shape = (
                &region.shape,
                region.row_major,
                region.accumulator.is_some(),
            );
            self.text(&format!("region {shape:?} {}", region.values.len()));
            for value in region.accumulator.iter().chain(&region.values) {
                if let Some(name) = self.namer.shown(*value) {
                    self.text("shown");
                    self.signature.name(name);
                }
                self.node(*value);
            }
            for assignment in &region.assignments {
                let state = self.graph.state(assignment.state);
                self.text(&format!("updates {:?}", state.training));
                self.signature.name(&state.name);
                self.operand(assignment.value);
            }
        }
    }

    fn kind(&mut self, kind: &GroupKind) {
        let (name, bias) = match kind {
            GroupKind::Loop => ("loop", None),
            GroupKind::Forward { bias, .. } => ("forward", *bias),
            GroupKind::DataGradient { .. } => ("data gradient", None),
            GroupKind::WeightGradient { .. } => ("weight gradient", None),
            GroupKind::Gather { .. } => ("gather", None),
            GroupKind::ScatterAdd { .. } => ("scatter add", None),
            GroupKind::CrossEntropy { .. } => ("cross-entropy", None),
            GroupKind::LogSoftmax { .. } => ("log softmax", None),
            GroupKind::Concat { .. } => ("concat", None),
        };
        self.text(name);
        for operand in kind.operands() {
            self.operand(operand);
        }
        if let Some(bias) = bias {
            self.signature.name(&self.graph.state(bias).name);
        }
    }

    /// What computes a value, and from what.
    fn node(&mut self, value: ValueId) {
        let node = self.graph.node(value);
        sign_node(&mut self.signature, self.graph, node);
        let label = &self.graph.origin(node.origin).label;
        self.signature.name(label);
        self.text(&format!("{:?} {:?}", node.part, node.shape));
        for operand in &node.operands {
            self.operand(*operand);
        }
    }

    /// What is computed here is known by its order, what comes from elsewhere by its name, and anything
    /// else, such as a state or a number, by what it is.
    fn operand(&mut self, mut value: ValueId) {
        loop {
            let node = self.graph.node(value);
            if let Some(order) = self.within.get(&value) {
                return self.text(&format!("value {order}"));
            }
            if let Some(name) = self.namer.shown(value) {
                self.text("from");
                self.signature.name(name);
                return;
            }
            if node.operands.len() > 1 {
                // The product within a kernel that adds a bias.
                return self.node(value);
            }
            sign_node(&mut self.signature, self.graph, node);
            if let Op::State(state) = node.op {
                self.signature.name(&self.graph.state(state).name);
            }
            if let Some(name) = &node.name {
                self.signature.name(name);
            }
            match node.operands[..] {
                [only] => value = only,
                [..] => return,
            }
        }
    }
}

/// All that the row of a state in the plan's table depends on.
pub fn of_state(place: &StatePlace) -> Signature {
    let state = &place.state;
    let mut signature = Signature::default();
    signature.name(&state.name);
    for alias in &state.aliases {
        signature.name(alias);
    }
    let learned = state.kind == StateKind::Parameter;
    let kind = (learned, &state.shape, state.initializer);
    let fans = (&state.fan_in, &state.fan_out, state.integer, state.uses);
    let training = (state.training, state.span);
    signature.text(&format!("{kind:?} {fans:?} {training:?}"));
    signature
}
