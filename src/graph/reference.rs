//! The reference evaluator: one obvious loop an operation, f64. The oracle of the fused plan.

use super::ops::InputKind;
use super::shape::Shape;
use super::state::{ScalarId, StateId};
use super::{Graph, ValueId};

/// A value in PyTorch's order: row-major, the batch first.
#[derive(Clone, PartialEq, Debug)]
pub struct Tensor {
    pub shape: Vec<usize>,
    pub data: Vec<f64>,
}

impl Tensor {
    pub fn scalar(value: f64) -> Self {
        Tensor {
            shape: Vec::new(),
            data: vec![value],
        }
    }

    /// Zeros of a shape of known lengths, with `rows` for its batch.
    pub fn zeros(shape: &Shape, rows: usize) -> Self {
        let dims = shape
            .dims
            .iter()
            .map(|dim| dim.known().expect("evaluated graphs have known shapes"));
        let shape: Vec<usize> = shape
            .batch
            .then_some(rows)
            .into_iter()
            .chain(dims)
            .collect();
        Tensor {
            data: vec![0.0; shape.iter().product()],
            shape,
        }
    }

    /// The tensor with all axes but the first as one.
    pub fn as_matrix(&self) -> Self {
        let mut matrix = self.clone();
        if let [first, rest @ ..] = &self.shape[..]
            && rest.len() > 1
        {
            matrix.shape = vec![*first, rest.iter().product()];
        }
        matrix
    }

    /// The length of the last axis; 1 for one number.
    pub fn width(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    /// The number of rows when all but the last axis are taken together.
    pub fn rows(&self) -> usize {
        self.shape[..self.shape.len().saturating_sub(1)]
            .iter()
            .product()
    }

    pub fn map(&self, f: impl Fn(f64) -> f64) -> Tensor {
        Tensor {
            shape: self.shape.clone(),
            data: self.data.iter().map(|value| f(*value)).collect(),
        }
    }

    pub fn zip(&self, other: &Tensor, f: impl Fn(f64, f64) -> f64) -> Tensor {
        let pairs = self.data.iter().zip(&other.data);
        Tensor {
            shape: self.shape.clone(),
            data: pairs.map(|(a, b)| f(*a, *b)).collect(),
        }
    }
}

/// All that a step reads: the batch, the state before it, the number of the update.
#[derive(Clone, Debug)]
pub struct StepContext<'m> {
    pub rows: usize,
    /// The number of the update, from 1.
    pub update: u64,
    pub seed: u64,
    pub inputs: &'m Tensor,
    pub targets: &'m Tensor,
    pub states: &'m [Tensor],
    pub scalars: &'m [f64],
}

impl StepContext<'_> {
    pub(super) fn input(&self, kind: InputKind) -> &Tensor {
        match kind {
            InputKind::Features => self.inputs,
            InputKind::Targets => self.targets,
        }
    }

    pub(super) fn state(&self, state: StateId) -> &Tensor {
        &self.states[state.0 as usize]
    }

    pub(super) fn scalar(&self, scalar: ScalarId) -> f64 {
        self.scalars[scalar.0 as usize]
    }
}

/// The numbers of a graph's scalars for an update on a batch.
pub fn scalars(graph: &Graph, update: u64, rows: usize, share: f64) -> Vec<f64> {
    let scalars = graph.scalars.iter();
    scalars
        .map(|scalar| scalar.value(update, rows, share, |lr| lr))
        .collect()
}

/// Every value of a graph of one phase, in the order of its nodes. `round` is applied to each
/// element, so that a run in f32 can be followed.
pub fn evaluate(graph: &Graph, moment: &StepContext, round: impl Fn(f64) -> f64) -> Vec<Tensor> {
    let mut values: Vec<Tensor> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let operands: Vec<&Tensor> = node.operands.iter().map(|id| &values[id.index()]).collect();
        let value = node.op.evaluate(&operands, &node.shape, moment);
        values.push(value.map(&round));
    }
    values
}

/// The states after a step, given all values of the step.
pub fn assign(graph: &Graph, values: &[Tensor], states: &mut [Tensor]) {
    for assignment in &graph.assignments {
        let value = &values[assignment.value.index()];
        states[assignment.state.0 as usize]
            .data
            .clone_from(&value.data);
    }
}

/// The first node whose value is not finite.
pub fn first_non_finite(values: &[Tensor]) -> Option<ValueId> {
    let bad = |tensor: &Tensor| tensor.data.iter().any(|value| !value.is_finite());
    let index = values.iter().position(bad)?;
    Some(ValueId(
        u32::try_from(index).expect("fewer than 2^32 nodes"),
    ))
}
