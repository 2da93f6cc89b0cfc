//! `Binary`: two equal shapes, element by element. Nothing broadcasts by itself.

use super::BinaryOperator;
use crate::graph::reference::Tensor;
use crate::graph::scalar::{Exact, Real, ScalarFunction};
use crate::graph::shape::Shape;
use crate::graph::{Graph, ShapeFault, ValueId};

pub fn shape(operator: BinaryOperator, operands: &[&Shape]) -> Result<Shape, ShapeFault> {
    match operands[0].fits(operands[1]) {
        true => Ok(operands[0].clone()),
        false => Err(ShapeFault(format!(
            "`{}` takes two equal shapes, not {} and {}",
            operator.symbol(),
            operands[0],
            operands[1]
        ))),
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
        BinaryOperator::Maximum | BinaryOperator::Minimum => {
            unreachable!("only updates and gradients take maxima of two values")
        }
    }
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
        BinaryOperator::Subtract => format!("{a} - {}", factor(b)),
        BinaryOperator::Multiply => format!("{}·{}", factor(a), factor(b)),
        BinaryOperator::Divide => format!("{}/{}", factor(a), denominator(b)),
        BinaryOperator::Maximum => format!("max({a}, {b})"),
        BinaryOperator::Minimum => format!("min({a}, {b})"),
    }
}

/// The text in parentheses if it is a sum.
fn factor(text: &str) -> String {
    match at_top_level(text, &[" + ", " - "]) {
        true => format!("({text})"),
        false => text.to_string(),
    }
}

/// The text in parentheses if it is a sum, a product or a quotient.
fn denominator(text: &str) -> String {
    match at_top_level(text, &[" + ", " - ", "·", "/"]) {
        true => format!("({text})"),
        false => text.to_string(),
    }
}

/// Whether one of the signs stands in the text outside of all brackets.
fn at_top_level(text: &str, signs: &[&str]) -> bool {
    let mut depth = 0usize;
    text.char_indices().any(|(at, character)| {
        match character {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && signs.iter().any(|sign| text[at..].starts_with(sign))
    })
}
