//! Short forms for building graphs: arithmetic, repetition, means.

use super::ops::{Axis, BinaryOperator, Op};
use super::scalar::ScalarFunction;
use super::shape::Shape;
use super::state::{ScalarId, StateId, StepScalar};
use super::{Graph, ValueId};
use crate::graph::ops::Reduction;

impl Graph {
    pub fn state_value(&mut self, state: StateId) -> ValueId {
        self.push(Op::State(state), &[])
    }

    pub fn binary(&mut self, operator: BinaryOperator, left: ValueId, right: ValueId) -> ValueId {
        self.push(Op::Binary(operator), &[left, right])
    }

    pub fn add(&mut self, left: ValueId, right: ValueId) -> ValueId {
        self.binary(BinaryOperator::Add, left, right)
    }

    pub fn subtract(&mut self, left: ValueId, right: ValueId) -> ValueId {
        self.binary(BinaryOperator::Subtract, left, right)
    }

    pub fn multiply(&mut self, left: ValueId, right: ValueId) -> ValueId {
        self.binary(BinaryOperator::Multiply, left, right)
    }

    pub fn divide(&mut self, left: ValueId, right: ValueId) -> ValueId {
        self.binary(BinaryOperator::Divide, left, right)
    }

    /// The larger of x and a bound.
    pub fn clamp_below(&mut self, x: ValueId, bound: f64) -> ValueId {
        let shape = self.shape(x).clone();
        let bound = self.constant(bound, &shape);
        self.binary(BinaryOperator::Maximum, x, bound)
    }

    pub fn map(&mut self, function: ScalarFunction, x: ValueId) -> ValueId {
        self.push(Op::Map(function), &[x])
    }

    /// A value repeated to a shape; itself if it has that shape already.
    pub fn broadcast(&mut self, x: ValueId, shape: &Shape) -> ValueId {
        if self.shape(x) == shape {
            x
        } else {
            self.push(
                Op::Broadcast {
                    shape: shape.clone(),
                },
                &[x],
            )
        }
    }

    /// One number, known now, repeated to a shape.
    pub fn constant(&mut self, value: f64, shape: &Shape) -> ValueId {
        let constant = self.push(Op::Constant(value), &[]);
        self.broadcast(constant, shape)
    }

    /// One number, set before each step, repeated to a shape.
    pub fn step_scalar(&mut self, scalar: StepScalar, shape: &Shape) -> ValueId {
        let id: ScalarId = self.add_scalar(scalar);
        let value = self.push(Op::Scalar(id), &[]);
        self.broadcast(value, shape)
    }

    /// x · factor.
    pub fn scale(&mut self, x: ValueId, factor: f64) -> ValueId {
        let shape = self.shape(x).clone();
        let factor = self.constant(factor, &shape);
        self.multiply(x, factor)
    }

    /// x + term.
    pub fn offset(&mut self, x: ValueId, term: f64) -> ValueId {
        let shape = self.shape(x).clone();
        let term = self.constant(term, &shape);
        self.add(x, term)
    }

    /// x · scalar.
    pub fn scale_by(&mut self, x: ValueId, scalar: StepScalar) -> ValueId {
        let shape = self.shape(x).clone();
        let factor = self.step_scalar(scalar, &shape);
        self.multiply(x, factor)
    }

    pub fn sum(&mut self, x: ValueId, axis: Axis) -> ValueId {
        let reduction = Reduction::Sum;
        self.push(Op::Reduce { axis, reduction }, &[x])
    }

    /// The mean over the rows of the batch. The factor is applied before the sum, so that no step of
    /// its own is needed after it.
    pub fn mean_rows(&mut self, x: ValueId) -> ValueId {
        let scaled = self.scale_by(x, StepScalar::MeanScale { factor: 1.0 });
        self.sum(scaled, Axis::Batch)
    }

    /// The mean over all elements; where rows have weights, Σ w · (mean of the row) / Σ w.
    pub fn mean_all(&mut self, x: ValueId) -> ValueId {
        let shape = self.shape(x).clone();
        let features = shape.elements().unwrap_or(1).max(1);
        let factor = 1.0 / features as f64;
        let scaled = match self.row_shares {
            None => self.scale_by(x, StepScalar::MeanScale { factor }),
            Some(shares) => {
                let shares = self.broadcast(shares, &shape);
                let shared = self.multiply(x, shares);
                match features {
                    1 => shared,
                    _ => self.scale(shared, factor),
                }
            }
        };
        self.sum(scaled, Axis::All)
    }
}
