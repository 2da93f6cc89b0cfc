//! `Binary`: two equal shapes, element by element. Nothing broadcasts by itself.

use super::Op;
use crate::graph::reference::Tensor;
use crate::graph::scalar::{Exact, Real, ScalarFunction};
use crate::graph::shape::Shape;
use crate::graph::text::{atom, factor, subtrahend};
use crate::graph::{Graph, ShapeFault, ValueId};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BinaryOperator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Maximum,
    Minimum,
}

impl BinaryOperator {
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOperator::Add => "+",
            BinaryOperator::Subtract => "-",
            BinaryOperator::Multiply => "·",
            BinaryOperator::Divide => "/",
            BinaryOperator::Maximum => "max",
            BinaryOperator::Minimum => "min",
        }
    }
}

pub fn shape(operator: BinaryOperator, operands: &[&Shape]) -> Result<Shape, ShapeFault> {
    if operands[0].fits(operands[1]) {
        Ok(operands[0].clone())
    } else {
        Err(ShapeFault(format!(
            "`{}` takes two equal shapes, not {} and {}",
            operator.symbol(),
            operands[0],
            operands[1]
        )))
    }
}

pub fn gradient(
    operator: BinaryOperator,
    graph: &mut Graph,
    operands: &[ValueId],
    y: ValueId,
    dy: ValueId,
    wanted: &[bool],
) -> Vec<Option<ValueId>> {
    let [a, b] = [operands[0], operands[1]];
    match operator {
        BinaryOperator::Add => vec![Some(dy), Some(dy)],
        BinaryOperator::Subtract => {
            let negative = wanted[1].then(|| graph.map(ScalarFunction::Negate, dy));
            vec![Some(dy), negative]
        }
        BinaryOperator::Multiply => vec![
            wanted[0].then(|| graph.multiply(dy, b)),
            wanted[1].then(|| graph.multiply(dy, a)),
        ],
        BinaryOperator::Divide => {
            // d(a/b) = da/b - (a/b) db/b
            let over = graph.divide(dy, b);
            let second = wanted[1].then(|| {
                let product = graph.multiply(over, y);
                graph.map(ScalarFunction::Negate, product)
            });
            vec![Some(over), second]
        }
        BinaryOperator::Maximum => {
            let [first, second] = shares(graph, a, b, dy);
            vec![Some(first), wanted[1].then_some(second)]
        }
        BinaryOperator::Minimum => {
            let [second, first] = shares(graph, a, b, dy);
            vec![Some(first), wanted[1].then_some(second)]
        }
    }
}

/// What of `dy` belongs to `a` where it is the larger of the two, and the rest; half where they are
/// equal (torch.maximum).
fn shares(graph: &mut Graph, a: ValueId, b: ValueId, dy: ValueId) -> [ValueId; 2] {
    let mut larger = |a: ValueId, b: ValueId| {
        let difference = graph.subtract(a, b);
        graph.push(Op::MapDerivative(ScalarFunction::ReLU), &[difference])
    };
    let [above, below] = [larger(a, b), larger(b, a)];
    let lead = graph.subtract(above, below);
    let half = graph.scale(lead, 0.5);
    let share = graph.offset(half, 0.5);
    let first = graph.multiply(dy, share);
    [first, graph.subtract(dy, first)]
}

pub fn evaluate(operator: BinaryOperator, operands: &[&Tensor]) -> Tensor {
    operands[0].zip(operands[1], |a, b| {
        let (a, b) = (Exact(a), Exact(b));
        match operator {
            BinaryOperator::Add => a.add(b).0,
            BinaryOperator::Subtract => a.sub(b).0,
            BinaryOperator::Multiply => a.mul(b).0,
            BinaryOperator::Divide => a.div(b).0,
            BinaryOperator::Maximum => Real::max(a, b).0,
            BinaryOperator::Minimum => Real::min(a, b).0,
        }
    })
}

pub fn text(operator: BinaryOperator, operands: &[String]) -> String {
    let [a, b] = [&operands[0], &operands[1]];
    match operator {
        BinaryOperator::Add => format!("{a} + {b}"),
        BinaryOperator::Subtract => format!("{a} - {}", subtrahend(b)),
        BinaryOperator::Multiply => format!("{}·{}", factor(a), factor(b)),
        BinaryOperator::Divide => format!("{}/{}", factor(a), atom(b)),
        BinaryOperator::Maximum => format!("max({a}, {b})"),
        BinaryOperator::Minimum => format!("min({a}, {b})"),
    }
}
