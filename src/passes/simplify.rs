//! Removes what changes nothing: factors of 1, terms of 0, repetitions of repetitions, equal nodes,
//! nodes that no result needs.

use std::collections::HashMap;

use super::rebuild::{Keep, Rebuild, live};
use crate::graph::ops::{BinaryOperator, Op};
use crate::graph::scalar::ScalarFunction;
use crate::graph::{Graph, ValueId};

pub fn simplify(graph: &Graph) -> Graph {
    let live = live(graph, Keep::ALL);
    let mut rebuild = Rebuild::new(graph);
    let mut known: HashMap<(String, Vec<ValueId>), ValueId> = HashMap::new();
    for value in graph.values().filter(|value| live[value.index()]) {
        let node = graph.node(value);
        let operands: Vec<ValueId> = node.operands.iter().map(|id| rebuild.mapped(*id)).collect();
        let new = match replacement(&rebuild.new, &node.op, &operands) {
            Some(Replacement::Value(same)) => same,
            found => {
                let (op, operands) = match found {
                    Some(Replacement::Node(op, operands)) => (op, operands),
                    Some(Replacement::Value(_)) | None => (node.op.clone(), operands),
                };
                let key = (format!("{op:?}"), operands.clone());
                match known.get(&key) {
                    Some(same) => *same,
                    None => {
                        rebuild.at(node);
                        let new = rebuild.new.push(op, &operands);
                        known.insert(key, new);
                        new
                    }
                }
            }
        };
        rebuild.map(value, new);
    }
    let rebuilt = rebuild.finish(Keep::ALL);
    match rebuilt.nodes.len() == graph.nodes.len() {
        true => rebuilt,
        // What was replaced may have left nodes without users.
        false => simplify(&rebuilt),
    }
}

enum Replacement {
    /// An earlier value is the result.
    Value(ValueId),
    /// A simpler operation is.
    Node(Op, Vec<ValueId>),
}

fn replacement(graph: &Graph, op: &Op, operands: &[ValueId]) -> Option<Replacement> {
    let constant = |value: ValueId| constant(graph, value);
    match op {
        Op::Binary(operator) => {
            let [a, b] = [operands[0], operands[1]];
            let same = match operator {
                BinaryOperator::Multiply if constant(a) == Some(1.0) => b,
                BinaryOperator::Multiply | BinaryOperator::Divide if constant(b) == Some(1.0) => a,
                BinaryOperator::Add if constant(a) == Some(0.0) => b,
                BinaryOperator::Add | BinaryOperator::Subtract if constant(b) == Some(0.0) => a,
                BinaryOperator::Add
                | BinaryOperator::Subtract
                | BinaryOperator::Multiply
                | BinaryOperator::Divide
                | BinaryOperator::Maximum
                | BinaryOperator::Minimum => return None,
            };
            Some(Replacement::Value(same))
        }
        Op::Broadcast { shape } => {
            let inner = graph.node(operands[0]);
            match &inner.op {
                _ if inner.shape == *shape => Some(Replacement::Value(operands[0])),
                // A number repeated twice is repeated once.
                Op::Broadcast { .. } if graph.shape(inner.operands[0]).is_scalar() => {
                    Some(Replacement::Node(op.clone(), inner.operands.clone()))
                }
                _ => None,
            }
        }
        Op::Map(ScalarFunction::Negate) => {
            let inner = graph.node(operands[0]);
            match inner.op {
                Op::Map(ScalarFunction::Negate) => Some(Replacement::Value(inner.operands[0])),
                _ => None,
            }
        }
        Op::Concat if operands.len() == 1 => Some(Replacement::Value(operands[0])),
        Op::Slice { start, length }
            if start.known() == Some(0) && *length == graph.shape(operands[0]).width() =>
        {
            Some(Replacement::Value(operands[0]))
        }
        _ => None,
    }
}

/// The number that a value is everywhere, if the graph says so.
fn constant(graph: &Graph, value: ValueId) -> Option<f64> {
    let node = graph.node(value);
    match node.op {
        Op::Constant(value) => Some(value),
        Op::Broadcast { .. } => constant(graph, node.operands[0]),
        _ => None,
    }
}
