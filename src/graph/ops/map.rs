//! `Map`: a scalar function of each element. dx = dy · f'(x or y).

use super::{BinaryOperator, Op};
use crate::graph::reference::Tensor;
use crate::graph::scalar::{DerivativeOf, Exact, ScalarFunction};
use crate::graph::{Graph, ValueId};

pub fn gradient(
    function: ScalarFunction,
    graph: &mut Graph,
    operands: &[ValueId],
    y: ValueId,
    dy: ValueId,
) -> Vec<Option<ValueId>> {
    let of = match function.derivative_of() {
        DerivativeOf::Input => operands[0],
        DerivativeOf::Output => y,
    };
    let slope = graph.push(Op::MapDerivative(function), &[of]);
    vec![Some(
        graph.push(Op::Binary(BinaryOperator::Multiply), &[dy, slope]),
    )]
}

pub fn evaluate(function: ScalarFunction, x: &Tensor) -> Tensor {
    x.map(|x| function.value(Exact(x)).0)
}

pub fn evaluate_derivative(function: ScalarFunction, x: &Tensor) -> Tensor {
    x.map(|x| function.derivative(Exact(x)).0)
}
