//! What each layer of a network keeps, and its share of a plan's arithmetic, as a table.

use super::cost::region_elements;
use super::text::fold::{Signature, fold};
use super::text::table::TextTable;
use super::{Plan, Step};
use crate::graph::elements::{Elements, unread};
use crate::graph::ops::Op;
use crate::graph::shape::Shape;
use crate::graph::state::State;
use crate::graph::{Graph, Node, OriginId};

/// A layer, a line of arithmetic or a loss.
struct Layer<'g> {
    origin: OriginId,
    label: &'g str,
    kind: &'g str,
    shape: &'g Shape,
    /// `None` where only the data tells.
    elements: Option<Elements>,
    flops: u64,
}

impl Layer<'_> {
    fn add(&mut self, state: &State) {
        let own = state.shape.elements();
        let own = own.map(|count| Elements::of(state, count));
        self.elements = self.elements.zip(own).map(|(sum, own)| sum.plus(own));
    }

    fn row(&self, all_flops: Option<u64>) -> Vec<String> {
        let texts = [self.label, self.kind, &self.shape.row_text()].map(str::to_owned);
        let numbers = numbers(self.elements, self.flops, all_flops);
        texts.into_iter().chain(numbers).collect()
    }
}

const HEAD: [&str; 7] = [
    "label",
    "kind",
    "shape",
    "trainable",
    "frozen",
    "buffers",
    "FLOPs",
];
/// The first column of numbers.
const FIRST_NUMBER: usize = 3;
const UNKNOWN: &str = "?";

/// The table of a network's layers in the order of its text, with the shares of a plan that was made from
/// it. Iterations of a repeat whose rows say the same stand once.
pub fn layers(network: &Graph, plan: &Plan) -> String {
    let layers = layers_of(network, plan);
    let flops = Some(plan.flops()).filter(|_| plan.deferred.is_empty());
    let rows: Vec<Vec<String>> = layers.iter().map(|layer| layer.row(flops)).collect();
    let signatures = layers.iter().zip(&rows).map(|(layer, row)| {
        let mut signature = Signature::default();
        signature.name(&row[0]);
        let span = network.origin(layer.origin).span;
        signature.text(&format!("{:?} {span:?}", &row[1..]));
        Some(signature)
    });
    let folded = fold(signatures.collect());
    let mut table = TextTable::new("  ").right_from(FIRST_NUMBER);
    table.row(HEAD.map(str::to_owned).to_vec());
    table.folded(&folded, &mut |at| rows[at].clone());
    let elements = layers.iter().map(|layer| layer.elements);
    let total = numbers(elements.sum(), plan.flops(), flops);
    let texts = ["total", "", ""].map(str::to_owned);
    table.row(texts.into_iter().chain(total).collect());
    format!("layers of {}\n\n{table}", plan.heading())
}

fn numbers(elements: Option<Elements>, flops: u64, all: Option<u64>) -> [String; 4] {
    let count = |of: fn(Elements) -> usize| {
        elements.map_or(UNKNOWN.to_owned(), |elements| of(elements).to_string())
    };
    let share = all.map_or(UNKNOWN.to_owned(), |all| {
        format!("{:.1}%", 100.0 * flops as f64 / all.max(1) as f64)
    });
    [
        count(|elements| elements.trainable),
        count(|elements| elements.frozen),
        count(|elements| elements.buffers),
        share,
    ]
}

fn layers_of<'g>(network: &'g Graph, plan: &Plan) -> Vec<Layer<'g>> {
    let flops = flops_by_origin(plan);
    let mut layers: Vec<Layer> = Vec::new();
    let mut places: Vec<Option<usize>> = vec![None; network.origins.len()];
    let mut owned = vec![false; network.states.len()];
    for node in &network.nodes {
        let origin = network.origin(node.origin);
        if origin.kind.is_none() && !computes(&node.op) {
            continue;
        }
        let place = *places[node.origin.0 as usize].get_or_insert_with(|| {
            let kind = origin.kind.unwrap_or("arithmetic");
            let label = &*origin.label;
            let path = label
                .strip_suffix(kind)
                .and_then(|path| path.strip_suffix(':'));
            layers.push(Layer {
                origin: node.origin,
                label: path.unwrap_or(label),
                kind,
                shape: &node.shape,
                elements: Some(Elements::default()),
                flops: flops[node.origin.0 as usize],
            });
            layers.len() - 1
        });
        let layer = &mut layers[place];
        let Op::State(state) = node.op else {
            layer.shape = &node.shape;
            continue;
        };
        // What is shared belongs to its first user.
        if !std::mem::replace(&mut owned[state.0 as usize], true) {
            layer.add(network.state(state));
        }
    }
    for (state, origin) in unread(network) {
        if let Some(place) = places[origin.0 as usize] {
            layers[place].add(network.state(state));
        }
    }
    layers
}

/// Whether an operation is more than a number, or than data as it comes in.
fn computes(op: &Op) -> bool {
    match op {
        Op::Input { .. }
        | Op::Constant(_)
        | Op::Scalar(_)
        | Op::Broadcast { .. }
        | Op::OneHot { .. }
        | Op::Concat
        | Op::Slice { .. }
        | Op::Reshape { .. } => false,
        Op::State(_)
        | Op::Map(_)
        | Op::MapDerivative(_)
        | Op::Binary(_)
        | Op::Reduce { .. }
        | Op::MatMul(_)
        | Op::Gather
        | Op::ScatterAdd { .. }
        | Op::DropoutMask(_)
        | Op::LogSoftmax
        | Op::CrossEntropy { .. }
        | Op::CrossEntropyGradient { .. }
        | Op::ByPhase => true,
    }
}

/// The plan's arithmetic by the origins of the graph: forward, backward and update.
fn flops_by_origin(plan: &Plan) -> Vec<u64> {
    let mut flops = vec![0; plan.graph.origins.len()];
    for step in &plan.steps {
        add_step(plan, step, &mut flops);
    }
    flops
}

/// Gives each node of a step's programs its own arithmetic, and the rest, which is the kernel's, to the
/// kernel's result.
fn add_step(plan: &Plan, step: &Step, flops: &mut [u64]) {
    let group = plan.group(step);
    let rows = plan.batch.unwrap_or(1);
    let mut rest = step.flops;
    let mut add = |node: &Node, count: u64| flops[node.origin.0 as usize] += count;
    for (region, nodes) in step.kernel.regions().into_iter().zip(&group.regions) {
        let Some(region) = region else { continue };
        let elements = region_elements(&step.kernel, region, rows);
        for value in &nodes.values {
            let node = plan.graph.node(*value);
            let counts = matches!(
                node.op,
                Op::Map(_) | Op::MapDerivative(_) | Op::Binary(_) | Op::Reduce { .. }
            );
            if counts {
                add(node, elements);
                rest -= elements;
            }
        }
    }
    let mut regions = group.regions.iter();
    if let Some(accumulator) = regions.find_map(|region| region.accumulator) {
        add(plan.graph.node(accumulator), rest);
    }
}
