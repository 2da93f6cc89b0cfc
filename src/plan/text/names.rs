//! The names under which a plan shows values and steps, and expressions in terms of them.

use std::collections::{HashMap, HashSet};

use super::fold::{self, Signature};
use super::signatures::sign_node;
use crate::diagnostics::Span;
use crate::graph::ops::Op;
use crate::graph::state::{State, StateKind, short};
use crate::graph::{Graph, GraphPart, Node, OriginId, ValueId};
use crate::passes::fuse::{Fusion, Group, GroupKind, RegionBuilder};
use crate::plan::StepPart;

/// Operations nested deeper than this are cut with `…`.
const DEEPEST_EXPRESSION: usize = 13;
/// Expressions of more operations are cut where they are nested less deep.
const LARGEST_EXPRESSION: usize = 64;

/// What computes something in a step: kernels' results and elementwise work.
pub fn nodes_of<'g>(
    graph: &'g Graph,
    group: &'g Group,
) -> impl Iterator<Item = (ValueId, &'g Node)> {
    let regions = group.regions.iter();
    regions
        .flat_map(|region| {
            region
                .accumulator
                .into_iter()
                .chain(region.values.iter().copied())
        })
        .map(|value| (value, graph.node(value)))
}

/// Under which heading a step stands: that of its kernel's result.
pub fn part(graph: &Graph, group: &Group) -> StepPart {
    let first = nodes_of(graph, group).map(|(_, node)| node.part).next();
    match first {
        Some(GraphPart::Forward) => StepPart::Forward,
        Some(GraphPart::Backward | GraphPart::Update) | None => StepPart::BackwardAndUpdate,
    }
}

/// The place in the text that a step's first stage came from.
pub fn span(graph: &Graph, group: &Group) -> Span {
    let assigned = group.regions.iter().flat_map(|region| &region.assignments);
    let first = nodes_of(graph, group).map(|(_, node)| node.origin).next();
    let origin = first.or_else(|| {
        let mut values = assigned.map(|assignment| assignment.value);
        values.next().map(|value| graph.node(value).origin)
    });
    origin.map_or(Span::default(), |origin| graph.origin(origin).span)
}

/// The stages that a step carries out, each once.
pub fn stages(graph: &Graph, group: &Group) -> Vec<OriginId> {
    let forward = part(graph, group) == StepPart::Forward;
    let nodes = nodes_of(graph, group);
    let shown = nodes.filter(|(_, node)| node.part == GraphPart::Forward || !forward);
    let mut known: HashSet<&str> = HashSet::new();
    let mut stages: Vec<OriginId> = shown
        .map(|(_, node)| node.origin)
        .filter(|origin| known.insert(&graph.origin(*origin).label))
        .collect();
    if stages.is_empty() {
        let mut assigned = group.regions.iter().flat_map(|region| &region.assignments);
        let first = assigned.next().map(|first| graph.node(first.value).origin);
        stages.extend(first);
    }
    stages
}

/// The names of a step's stages, with equal iterations as the first and the last.
pub fn labels(graph: &Graph, group: &Group) -> Vec<String> {
    let stages = stages(graph, group);
    let origins = stages.iter().map(|stage| graph.origin(*stage));
    let names: Vec<&str> = origins.clone().map(|origin| &*origin.label).collect();
    let signatures = origins.map(|origin| {
        let mut signature = Signature::default();
        signature.name(&origin.label);
        signature.text(&format!("{:?}", origin.span));
        Some(signature)
    });
    fold::names(&names, &fold::fold(signatures.collect()), LABELS_JOINED)
}

/// What stands between the names of a step's stages.
pub const LABELS_JOINED: &str = " + ";

/// What is done with the names and the operations of an expression while it is written.
trait Writer {
    fn name(&mut self, name: &str) -> String;
    fn node(&mut self, graph: &Graph, node: &Node);
    /// Something is not shown.
    fn cut(&mut self);
}

/// Writes for people.
struct Plain;

impl Writer for Plain {
    fn name(&mut self, name: &str) -> String {
        name.to_owned()
    }

    fn node(&mut self, _: &Graph, _: &Node) {}

    fn cut(&mut self) {}
}

/// Notes all that the expression depends on.
struct Signing<'s> {
    signature: &'s mut Signature,
    whole: bool,
}

impl Writer for Signing<'_> {
    fn name(&mut self, name: &str) -> String {
        self.signature.name(name)
    }

    fn node(&mut self, graph: &Graph, node: &Node) {
        sign_node(self.signature, graph, node);
    }

    fn cut(&mut self) {
        self.whole = false;
    }
}

/// One line of what a step leaves behind.
pub struct ResultLine {
    pub text: String,
    /// What the line depends on; `None` if it does not show all of it.
    pub signature: Option<Signature>,
}

/// Gives groups and values the names under which the plan shows them.
pub struct Namer<'g> {
    graph: &'g Graph,
    fusion: &'g Fusion,
    batch: String,
    names: HashMap<ValueId, String>,
}

impl<'g> Namer<'g> {
    pub fn new(graph: &'g Graph, fusion: &'g Fusion, batch: Option<usize>) -> Self {
        let mut namer = Namer {
            graph,
            fusion,
            batch: batch.map_or("batch".to_string(), |rows| rows.to_string()),
            names: HashMap::new(),
        };
        let mut taken: HashMap<String, usize> = HashMap::new();
        let named = graph.values().filter(|value| namer.shows(*value));
        for value in named.collect::<Vec<ValueId>>() {
            let node = graph.node(value);
            let base = match &node.name {
                Some(name) => name.to_string(),
                None if graph.loss == Some(value) => "loss".to_string(),
                None => match node.part {
                    GraphPart::Forward => graph.origin(node.origin).label.to_string(),
                    GraphPart::Backward => format!("∂{}", graph.origin(node.origin).label),
                    GraphPart::Update => format!("{}.update", graph.origin(node.origin).label),
                },
            };
            let count = taken.entry(base.clone()).or_insert(0);
            *count += 1;
            let name = match *count {
                1 => base,
                count => format!("{base}#{count}"),
            };
            namer.names.insert(value, name);
        }
        namer
    }

    /// The name of a value that steps show.
    pub fn shown(&self, value: ValueId) -> Option<&str> {
        self.names.get(&value).map(String::as_str)
    }

    /// Whether a step shows a value: it is kept, or what the network is there for.
    fn shows(&self, value: ValueId) -> bool {
        let result = self.graph.prediction == Some(value);
        self.fusion.stored[value.index()] || result && self.fusion.placed[value.index()].is_some()
    }

    /// What the step leaves behind, and the network's output in any case.
    pub fn results(&self, group: &Group) -> Vec<ResultLine> {
        let kernel_reads_row_sum = matches!(group.kind, GroupKind::WeightGradient { .. });
        let mut results = Vec::new();
        for region in &group.regions {
            let values = region.accumulator.iter().chain(&region.values);
            let shown = values.filter(|value| self.shows(**value));
            results.extend(shown.map(|value| self.result(*value)));
        }
        let updates = group
            .regions
            .iter()
            .filter_map(|region| self.update(region));
        results.extend(updates.map(|text| ResultLine {
            text,
            signature: None,
        }));
        debug_assert!(
            !results.is_empty() || kernel_reads_row_sum,
            "a step without a result"
        );
        results
    }

    /// A value that a step leaves behind: `y [9, 1] = …`.
    fn result(&self, value: ValueId) -> ResultLine {
        let (name, shape) = (&self.names[&value], self.shape(value));
        let text = format!("{name} {shape} = {}", self.expression(value));
        let mut signature = Signature::default();
        signature.name(name);
        signature.text(&shape);
        let origin = self.graph.origin(self.graph.node(value).origin);
        signature.text(&format!("{:?}", origin.span));
        let mut signing = Signing {
            signature: &mut signature,
            whole: true,
        };
        self.write(value, true, self.depth(value, true), &mut signing);
        let whole = signing.whole;
        ResultLine {
            text,
            signature: whole.then_some(signature),
        }
    }

    /// The parameters or buffers that a region writes, and from what.
    fn update(&self, region: &RegionBuilder) -> Option<String> {
        let of_kind = |wanted: fn(StateKind) -> bool| -> Vec<&State> {
            let assignments = region.assignments.iter();
            assignments
                .map(|assignment| self.graph.state(assignment.state))
                .filter(|state| wanted(state.kind))
                .collect()
        };
        let parameters = of_kind(|kind| kind == StateKind::Parameter);
        let slots = of_kind(|kind| matches!(kind, StateKind::Slot(_) | StateKind::Average(_)));
        let buffers = of_kind(|kind| kind == StateKind::Buffer);
        let mut texts = Vec::new();
        if !buffers.is_empty() {
            texts.push(format!("{} updated", listed(&buffers)));
        }
        let gradient = match region.accumulator {
            Some(accumulator) => format!(" by {}", self.expression(accumulator)),
            None => String::new(),
        };
        // Of a batch that only adds to the gradients of its group.
        if parameters.is_empty() && !slots.is_empty() {
            texts.push(format!("{} updated{gradient}", listed(&slots)));
        }
        if !parameters.is_empty() {
            let mut known: HashSet<&str> = HashSet::new();
            let short_slots: Vec<&str> = slots
                .iter()
                .map(|slot| slot.name.rsplit('.').next().unwrap_or(&slot.name))
                .filter(|slot| known.insert(slot))
                .collect();
            let with = if short_slots.is_empty() {
                String::new()
            } else {
                format!(", with {}", short_slots.join(", "))
            };
            texts.push(format!("{} updated{gradient}{with}", listed(&parameters)));
        }
        (!texts.is_empty()).then(|| texts.join("; "))
    }

    /// A value's shape, with the rows of a batch in it.
    pub fn shape(&self, value: ValueId) -> String {
        self.graph.shape(value).text(&self.batch)
    }

    /// What a value is computed by, in terms of what steps show.
    fn expression(&self, value: ValueId) -> String {
        self.write(value, true, self.depth(value, true), &mut Plain)
    }

    /// A value's name, or what it is computed by.
    pub fn name_or_expression(&self, value: ValueId) -> String {
        self.write(value, false, self.depth(value, false), &mut Plain)
    }

    /// A value's own name counts unless it is the `top`.
    fn name(&self, value: ValueId, top: bool) -> Option<&str> {
        if let (false, Some(name)) = (top, self.shown(value)) {
            return Some(name);
        }
        let node = self.graph.node(value);
        match (&node.op, &node.name) {
            (Op::Input { .. } | Op::Slice { .. }, Some(name)) => Some(name),
            (_, Some(_) | None) => None,
        }
    }

    /// How deep an expression is shown.
    fn depth(&self, value: ValueId, top: bool) -> usize {
        let mut depths = (1..=DEEPEST_EXPRESSION).rev();
        let fits = |depth: &usize| {
            self.operations(value, top, *depth, LARGEST_EXPRESSION)
                .is_some()
        };
        depths.find(fits).unwrap_or(1)
    }

    /// How many of `most` operations are left when the expression has been shown so deep; `None` if they
    /// are not enough.
    fn operations(&self, value: ValueId, top: bool, depth: usize, most: usize) -> Option<usize> {
        if self.name(value, top).is_some() {
            return Some(most);
        }
        let left = most.checked_sub(1)?;
        let Some(below) = depth.checked_sub(1) else {
            return Some(left);
        };
        let mut operands = self.graph.node(value).operands.iter();
        operands.try_fold(left, |left, operand| {
            self.operations(*operand, false, below, left)
        })
    }

    fn write(&self, value: ValueId, top: bool, depth: usize, writer: &mut dyn Writer) -> String {
        if let Some(name) = self.name(value, top) {
            return writer.name(name);
        }
        let Some(below) = depth.checked_sub(1) else {
            writer.cut();
            return "…".to_string();
        };
        let node = self.graph.node(value);
        writer.node(self.graph, node);
        if let Op::State(state) = node.op {
            return writer.name(&self.graph.state(state).name);
        }
        if let Op::Constant(number) = node.op {
            // One that only the data tells has its expression for a name.
            let name = node.name.as_ref().filter(|_| number.is_nan());
            return match name {
                Some(name) => format!("({})", writer.name(name)),
                None => short(number),
            };
        }
        let operands: Vec<String> = node
            .operands
            .iter()
            .map(|operand| self.write(*operand, false, below, writer))
            .collect();
        node.op.text(&operands, self.graph)
    }
}

/// The names of states, with equal iterations as the first and the last.
fn listed(states: &[&State]) -> String {
    let names: Vec<&str> = states.iter().map(|state| state.name.as_str()).collect();
    let signatures = states.iter().map(|state| {
        let mut signature = Signature::default();
        signature.name(&state.name);
        signature.text(&format!("{:?}", state.span));
        Some(signature)
    });
    fold::names(&names, &fold::fold(signatures.collect()), ", ").join(", ")
}
