//! Finds `-Σ target · log softmax(z)` with a target made from a class index, and makes it one
//! operation, whose gradient is one operation too.

use super::rebuild::{Keep, Rebuild};
use super::simplify::constant;
use crate::graph::ops::Reduction;
use crate::graph::ops::{Axis, BinaryOperator, Op};
use crate::graph::scalar::ScalarFunction;
use crate::graph::{Graph, ValueId};

pub fn rewrite(graph: &Graph) -> Graph {
    let mut rebuild = Rebuild::new(graph);
    for value in graph.values() {
        let new = match find(graph, value) {
            Some(found) => {
                rebuild.at(graph.node(value));
                let operands = [rebuild.mapped(found.logits), rebuild.mapped(found.index)];
                let op = Op::CrossEntropy {
                    on: found.on,
                    off: found.off,
                };
                rebuild.new.push(op, &operands)
            }
            None => rebuild.copy(value),
        };
        rebuild.map(value, new);
    }
    super::simplify::simplify(rebuild.finish(Keep::ALL))
}

struct Found {
    logits: ValueId,
    index: ValueId,
    on: f64,
    off: f64,
}

fn find(graph: &Graph, value: ValueId) -> Option<Found> {
    let negate = operands_of(graph, value, &Op::Map(ScalarFunction::Negate))?;
    let sum = Op::Reduce {
        axis: Axis::Last,
        reduction: Reduction::Sum,
    };
    let sum = operands_of(graph, negate[0], &sum)?;
    let product = operands_of(graph, sum[0], &Op::Binary(BinaryOperator::Multiply))?;
    let logits = operands_of(graph, product[1], &Op::LogSoftmax)?[0];
    let (index, on, off) = target(graph, product[0])?;
    Some(Found {
        logits,
        index,
        on,
        off,
    })
}

fn operands_of<'g>(graph: &'g Graph, value: ValueId, op: &Op) -> Option<&'g [ValueId]> {
    let node = graph.node(value);
    (node.op == *op).then_some(&node.operands)
}

/// A target `on · one_hot(index) + off`.
fn target(graph: &Graph, value: ValueId) -> Option<(ValueId, f64, f64)> {
    let node = graph.node(value);
    if let Op::OneHot { .. } = node.op {
        return Some((node.operands[0], 1.0, 0.0));
    }
    let Op::Binary(operator) = node.op else {
        return None;
    };
    let (index, on, off) = target(graph, node.operands[0])?;
    let number = constant(graph, node.operands[1])?;
    match operator {
        BinaryOperator::Multiply => Some((index, on * number, off * number)),
        BinaryOperator::Add => Some((index, on, off + number)),
        BinaryOperator::Subtract
        | BinaryOperator::Divide
        | BinaryOperator::Maximum
        | BinaryOperator::Minimum => None,
    }
}
