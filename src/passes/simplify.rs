//! Removes what changes nothing: factors of 1, terms of 0, repetitions of repetitions, equal nodes,
//! nodes that no result needs.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem;

use super::rebuild::{Keep, Rebuild, live};
use crate::graph::ops::{BinaryOperator, Op};
use crate::graph::scalar::ScalarFunction;
use crate::graph::shape::Dim;
use crate::graph::{Graph, Operands, ValueId};

pub fn simplify(mut graph: Graph) -> Graph {
    loop {
        let replaced;
        (graph, replaced) = pass(&graph);
        // What was replaced may have left nodes without users.
        if !replaced {
            return graph;
        }
    }
}

/// The nodes of a new graph, to be found by what they compute.
struct Known {
    /// The last node with a hash.
    last: HashMap<u64, ValueId>,
    /// For each node the one before it with its hash.
    before: Vec<Option<ValueId>>,
}

impl Known {
    fn new(nodes: usize) -> Self {
        Known {
            last: HashMap::with_capacity(nodes),
            before: Vec::with_capacity(nodes),
        }
    }

    /// The node of the graph that computes this.
    fn find(&self, graph: &Graph, hash: u64, op: &Op, operands: &Operands) -> Option<ValueId> {
        let mut candidate = self.last.get(&hash).copied();
        while let Some(value) = candidate {
            let node = graph.node(value);
            if node.op == *op && node.operands == *operands {
                return Some(value);
            }
            candidate = self.before[value.index()];
        }
        None
    }

    /// Adds the node that was appended last.
    fn add(&mut self, hash: u64, value: ValueId) {
        self.before.push(self.last.insert(hash, value));
        debug_assert_eq!(self.before.len(), value.index() + 1);
    }
}

/// The simplified graph, and whether anything was replaced.
fn pass(graph: &Graph) -> (Graph, bool) {
    let live = live(graph, Keep::ALL);
    let mut rebuild = Rebuild::new(graph);
    let mut replaced = false;
    let mut known = Known::new(live.iter().filter(|live| **live).count());
    for value in graph.values().filter(|value| live[value.index()]) {
        let node = graph.node(value);
        let operands: Operands = node.operands.iter().map(|id| rebuild.mapped(*id)).collect();
        let found = replacement(&rebuild.new, &node.op, &operands);
        replaced |= found.is_some();
        let new = match found {
            Some(Replacement::Value(same)) => same,
            found => {
                let (op, operands) = match found {
                    Some(Replacement::Node(op, operands)) => (op, operands),
                    Some(Replacement::Value(_)) | None => (node.op.clone(), operands),
                };
                let hash = hash(&op, &operands);
                match known.find(&rebuild.new, hash, &op, &operands) {
                    Some(same) => {
                        replaced = true;
                        same
                    }
                    None => {
                        rebuild.at(node);
                        let new = rebuild.new.push(op, &operands);
                        known.add(hash, new);
                        new
                    }
                }
            }
        };
        rebuild.map(value, new);
    }
    (rebuild.finish(Keep::ALL), replaced)
}

/// A hash of an operation on operands, which sets those without operands apart, so that few are compared.
fn hash(op: &Op, operands: &Operands) -> u64 {
    let mut hasher = DefaultHasher::new();
    (mem::discriminant(op), operands).hash(&mut hasher);
    if let Op::State(state) = op {
        state.hash(&mut hasher);
    } else if let Op::Constant(number) = op {
        number.to_bits().hash(&mut hasher);
    } else if let Op::Scalar(scalar) = op {
        scalar.hash(&mut hasher);
    } else if let Op::DropoutMask(mask) = op {
        mask.stream.hash(&mut hasher);
    }
    hasher.finish()
}

enum Replacement {
    /// An earlier value is the result.
    Value(ValueId),
    /// A simpler operation is.
    Node(Op, Operands),
}

fn replacement(graph: &Graph, op: &Op, operands: &[ValueId]) -> Option<Replacement> {
    if let Op::Binary(operator) = op {
        return neutral(graph, *operator, operands).map(Replacement::Value);
    }
    let first = *operands.first()?;
    let inner = graph.node(first);
    if let Op::Broadcast { shape } = op {
        if inner.shape == *shape {
            return Some(Replacement::Value(first));
        }
        // A number repeated twice is repeated once.
        let twice =
            matches!(inner.op, Op::Broadcast { .. }) && graph.shape(inner.operands[0]).is_scalar();
        return twice.then(|| Replacement::Node(op.clone(), inner.operands.clone()));
    }
    let negate = Op::Map(ScalarFunction::Negate);
    if *op == negate && inner.op == negate {
        return Some(Replacement::Value(inner.operands[0]));
    }
    if let (Op::Slice { start, length }, Op::Slice { start: before, .. }) = (op, &inner.op) {
        // A part of a part is a part of the whole.
        let (start, length) = (before.plus(start), length.clone());
        let part = Op::Slice { start, length };
        return Some(Replacement::Node(part, inner.operands.clone()));
    }
    let alone = *op == Op::Concat && operands.len() == 1;
    let all = Op::Slice {
        start: Dim::Known(0),
        length: inner.shape.width(),
    };
    (alone || *op == all).then_some(Replacement::Value(first))
}

/// The operand that an operation with a factor of 1 or a term of 0 gives back.
fn neutral(graph: &Graph, operator: BinaryOperator, operands: &[ValueId]) -> Option<ValueId> {
    let [a, b] = [operands[0], operands[1]];
    let is = |value: ValueId, number: f64| constant(graph, value) == Some(number);
    let (left, right) = match operator {
        BinaryOperator::Multiply => (is(a, 1.0), is(b, 1.0)),
        BinaryOperator::Divide => (false, is(b, 1.0)),
        BinaryOperator::Add => (is(a, 0.0), is(b, 0.0)),
        BinaryOperator::Subtract => (false, is(b, 0.0)),
        BinaryOperator::Maximum | BinaryOperator::Minimum => (false, false),
    };
    match (left, right) {
        (true, _) => Some(b),
        (false, true) => Some(a),
        (false, false) => None,
    }
}

/// The number that a value is everywhere, if the graph says so.
pub(super) fn constant(graph: &Graph, value: ValueId) -> Option<f64> {
    let node = graph.node(value);
    if let Op::Constant(number) = node.op {
        return Some(number);
    }
    let repeated = matches!(node.op, Op::Broadcast { .. });
    repeated
        .then(|| constant(graph, node.operands[0]))
        .flatten()
}
