//! The primitive operations, one file each: shape rule, gradient rule, reference semantics, text.
//!
//! `Op` is closed and every `match` on it is exhaustive, so a new operation is placed everywhere it
//! must be by the compiler.

mod binary;
mod broadcast;
mod by_phase;
mod concat;
mod cross_entropy;
mod dropout_mask;
mod gather;
mod log_softmax;
mod map;
mod matmul;
mod one_hot;
mod reduce;
mod reshape;
mod slice;
mod source;

use super::reference::{StepContext, Tensor};
use super::scalar::ScalarFunction;
use super::shape::{Dim, Dims, Shape};
use super::state::{ScalarId, StateId};
use super::{Graph, ShapeFault, ValueId};

pub use binary::BinaryOperator;
pub use broadcast::{BroadcastKind, broadcast_kind};
pub use gather::{row_major_values, tables};
pub use matmul::MatMulForm;
pub use reduce::{Axis, Reduction};
pub use slice::{GradientSlice, join_slices};

/// What the random stream of a dropout mask is for.
pub use dropout_mask::{DropoutMask, PURPOSE as DROPOUT};

/// The prepared matrices that a batch brings.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum InputKind {
    Features,
    Targets,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Op {
    /// The batch's prepared inputs or targets, `[batch, width]`.
    Input {
        kind: InputKind,
        width: Dim,
    },
    /// A parameter, buffer or slot as it was before the step.
    State(StateId),
    /// One number.
    Constant(f64),
    /// One number that is set before each step.
    Scalar(ScalarId),
    /// A scalar function of each element.
    Map(ScalarFunction),
    /// The derivative of a scalar function, from what its row names (its argument or its value).
    MapDerivative(ScalarFunction),
    /// Two equal shapes, element by element.
    Binary(BinaryOperator),
    /// A number, a row `[width]`, or a column `[batch, 1]`, repeated to a shape.
    Broadcast {
        shape: Shape,
    },
    Reduce {
        axis: Axis,
        reduction: Reduction,
    },
    MatMul(MatMulForm),
    /// Rows of a table `[entries, width]` by index `[batch, 1]`.
    Gather,
    /// The gradient of `Gather` for a table of `entries`: sums of rows with the same index.
    ScatterAdd {
        entries: Dim,
    },
    /// 1 at the index, else 0: `[batch, 1]` to `[batch, classes]`.
    OneHot {
        classes: Dim,
    },
    /// Values side by side along the last axis.
    Concat,
    /// A range of the last axis.
    Slice {
        start: Dim,
        length: Dim,
    },
    /// The elements of each row on other axes, in the same order. Only until all rows are flat.
    Reshape {
        dims: Dims,
    },
    /// `1 / keep` with probability `keep`, else 0.
    /// The draw is addressed by (seed, `dropout`, stream, update, row position, element).
    DropoutMask(Box<DropoutMask>),
    /// log softmax along the last axis.
    LogSoftmax,
    /// Softmax with cross-entropy by row, from logits and the index of the class, with target
    /// weights `on · [k = class] + off`.
    CrossEntropy {
        on: f64,
        off: f64,
    },
    /// The gradient of `CrossEntropy` with respect to the logits.
    CrossEntropyGradient {
        on: f64,
        off: f64,
    },
    /// The first operand while training, else the second.
    ByPhase,
}

impl Op {
    /// Whether it takes so many operands.
    pub fn takes(&self, operands: usize) -> bool {
        match self {
            Op::Input { .. }
            | Op::State(_)
            | Op::Constant(_)
            | Op::Scalar(_)
            | Op::DropoutMask(_) => operands == 0,
            Op::Map(_)
            | Op::MapDerivative(_)
            | Op::Broadcast { .. }
            | Op::Reduce { .. }
            | Op::OneHot { .. }
            | Op::Slice { .. }
            | Op::Reshape { .. }
            | Op::LogSoftmax => operands == 1,
            Op::Binary(_)
            | Op::MatMul(_)
            | Op::Gather
            | Op::ScatterAdd { .. }
            | Op::CrossEntropy { .. }
            | Op::CrossEntropyGradient { .. }
            | Op::ByPhase => operands == 2,
            Op::Concat => operands > 0,
        }
    }

    /// Whether only gradients need it, so that it has no gradient of its own.
    pub fn is_of_gradients(&self) -> bool {
        match self {
            Op::MapDerivative(_) | Op::ScatterAdd { .. } | Op::CrossEntropyGradient { .. } => true,
            Op::Input { .. }
            | Op::State(_)
            | Op::Constant(_)
            | Op::Scalar(_)
            | Op::Map(_)
            | Op::Binary(_)
            | Op::Broadcast { .. }
            | Op::Reduce { .. }
            | Op::MatMul(_)
            | Op::Gather
            | Op::OneHot { .. }
            | Op::Concat
            | Op::Slice { .. }
            | Op::Reshape { .. }
            | Op::DropoutMask(_)
            | Op::LogSoftmax
            | Op::CrossEntropy { .. }
            | Op::ByPhase => false,
        }
    }

    /// The shape of the result, or why there is none.
    pub(super) fn shape(&self, operands: &[&Shape], graph: &Graph) -> Result<Shape, ShapeFault> {
        match self {
            Op::Input { width, .. } => Ok(Shape::batched([width.clone()])),
            Op::State(state) => Ok(graph.state(*state).shape.as_matrix()),
            Op::Constant(_) | Op::Scalar(_) => Ok(Shape::scalar()),
            Op::Map(_) | Op::MapDerivative(_) => Ok(operands[0].clone()),
            Op::Binary(operator) => binary::shape(*operator, operands),
            Op::Broadcast { shape } => broadcast::shape(shape, operands),
            Op::Reduce { axis, .. } => reduce::shape(*axis, operands),
            Op::MatMul(form) => matmul::shape(*form, operands),
            Op::Gather => gather::shape(operands),
            Op::ScatterAdd { entries } => gather::scatter_shape(entries, operands),
            Op::OneHot { classes } => one_hot::shape(classes, operands),
            Op::Concat => concat::shape(operands),
            Op::Slice { start, length } => slice::shape(start, length, operands),
            Op::Reshape { dims } => reshape::shape(dims, operands),
            Op::DropoutMask(mask) => Ok(mask.shape.clone()),
            Op::LogSoftmax => log_softmax::shape(operands),
            Op::CrossEntropy { .. } => cross_entropy::shape(operands),
            Op::CrossEntropyGradient { .. } => cross_entropy::gradient_shape(operands),
            Op::ByPhase => by_phase::shape(operands),
        }
    }

    /// For each operand, the node that is the loss's gradient with respect to it, given the
    /// gradient `dy` with respect to the result `y`; `None` where `wanted` says no one asks or where
    /// the operation has no derivative.
    pub fn gradient(
        &self,
        graph: &mut Graph,
        y: ValueId,
        dy: ValueId,
        wanted: &[bool],
    ) -> Vec<Option<ValueId>> {
        let operands = graph.node(y).operands.clone();
        match self {
            Op::Input { .. } | Op::State(_) | Op::Constant(_) | Op::Scalar(_) => Vec::new(),
            Op::DropoutMask(_) | Op::OneHot { .. } => vec![None; operands.len()],
            Op::Map(function) => map::gradient(*function, graph, &operands, y, dy),
            Op::Binary(operator) => binary::gradient(*operator, graph, &operands, y, dy, wanted),
            Op::Broadcast { .. } => broadcast::gradient(graph, &operands, dy),
            Op::Reduce { axis, reduction } => {
                reduce::gradient(*axis, *reduction, graph, &operands, y, dy)
            }
            Op::MatMul(form) => matmul::gradient(*form, graph, &operands, dy, wanted),
            Op::Gather => gather::gradient(graph, &operands, dy, wanted),
            Op::Concat => concat::gradient(graph, &operands, dy, wanted),
            Op::Slice { start, length } => slice::gradient(start, length, graph, &operands, dy),
            Op::Reshape { .. } => reshape::gradient(graph, &operands, dy),
            Op::LogSoftmax => log_softmax::gradient(graph, y, dy),
            Op::CrossEntropy { on, off } => {
                cross_entropy::gradient(*on, *off, graph, &operands, dy)
            }
            Op::MapDerivative(_)
            | Op::ScatterAdd { .. }
            | Op::CrossEntropyGradient { .. }
            | Op::ByPhase => unreachable!("autodiff runs on forward nodes of one phase"),
        }
    }

    /// The result in the reference semantics: one loop, f64.
    pub fn evaluate(&self, operands: &[&Tensor], y: &Shape, moment: &StepContext) -> Tensor {
        match self {
            Op::Input { kind, .. } => moment.input(*kind).clone(),
            Op::State(state) => moment.state(*state).as_matrix(),
            Op::Constant(value) => Tensor::scalar(*value),
            Op::Scalar(scalar) => Tensor::scalar(moment.scalar(*scalar)),
            Op::Map(function) => map::evaluate(*function, operands[0]),
            Op::MapDerivative(function) => map::evaluate_derivative(*function, operands[0]),
            Op::Binary(operator) => binary::evaluate(*operator, operands),
            Op::Broadcast { shape } => broadcast::evaluate(shape, operands[0], moment.rows),
            Op::Reduce { axis, reduction } => reduce::evaluate(*axis, *reduction, operands[0], y),
            Op::MatMul(form) => matmul::evaluate(*form, operands),
            Op::Gather => gather::evaluate(operands),
            Op::ScatterAdd { entries } => gather::evaluate_scatter(entries, operands),
            Op::OneHot { classes } => one_hot::evaluate(classes, operands[0]),
            Op::Concat => concat::evaluate(operands),
            Op::Slice { start, length } => slice::evaluate(start, length, operands[0]),
            Op::Reshape { .. } => reshape::evaluate(operands[0], y),
            Op::DropoutMask(mask) => dropout_mask::evaluate(mask, moment),
            Op::LogSoftmax => log_softmax::evaluate(operands[0]),
            Op::CrossEntropy { on, off } => cross_entropy::evaluate(*on, *off, operands),
            Op::CrossEntropyGradient { on, off } => {
                cross_entropy::evaluate_gradient(*on, *off, operands)
            }
            Op::ByPhase => unreachable!("phases are chosen before a graph is evaluated"),
        }
    }

    /// The operation as the plan and the graph's text write it, given the texts of its operands.
    pub fn text(&self, operands: &[String], graph: &Graph) -> String {
        match self {
            Op::Input { kind, .. } => source::input_text(*kind).to_string(),
            Op::State(state) => graph.state(*state).name.clone(),
            Op::Constant(value) => format!("{value}"),
            Op::Scalar(scalar) => graph.scalars[scalar.0 as usize].text(),
            Op::Map(function) => function.text(&operands[0]),
            Op::MapDerivative(function) => function.derivative_text(&operands[0]),
            Op::Binary(operator) => binary::text(*operator, operands),
            Op::Broadcast { .. } => operands[0].clone(),
            Op::Reduce { axis, reduction } => reduce::text(*axis, *reduction, operands),
            Op::MatMul(form) => matmul::text(*form, operands),
            Op::Gather => format!("{}[{}]", operands[0], operands[1]),
            Op::ScatterAdd { .. } => format!("scatter_add({}, {})", operands[0], operands[1]),
            Op::OneHot { .. } => format!("one_hot({})", operands[0]),
            Op::Concat => format!("[{}]", operands.join(", ")),
            Op::Slice { start, length } => slice::text(start, length, operands),
            Op::Reshape { .. } => operands[0].clone(),
            Op::DropoutMask(mask) => format!("mask(keep {})", super::state::short(mask.keep)),
            Op::LogSoftmax => format!("log_softmax({})", operands[0]),
            Op::CrossEntropy { on, off } => cross_entropy::text(*on, *off, operands),
            Op::CrossEntropyGradient { on, off } => {
                cross_entropy::gradient_text(*on, *off, operands)
            }
            Op::ByPhase => format!("by_phase({})", operands.join(", ")),
        }
    }
}
