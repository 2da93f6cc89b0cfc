//! A worker's actions at work, on the instruction set in use: places become pointers, and each action goes
//! to its kernel. All kernels are compiled here.

use pulp::{Arch, Simd, WithSimd};

use super::action::{Action, ActionBlock, ActionOperand, Address, ProductAction};
use super::arena::{AddressSpaces, Batch};
use super::columns::{
    CrossEntropyTile, LogSoftmaxTile, concatenate, copy_columns, gather, index_of, scatter_add,
};
use super::dropout::dropout_mask;
use super::element::Element;
use super::elementwise::{Binary, Fill, Gradient, LoopOperand, Unary};
use super::product::Product;
use super::product::dot::{DotPanels, DotRow};
use super::product::pack::{PackPanel, PackRight};
use super::reductions::{Reduce, ReduceInto, combine};
use super::residual::ResidualRun;
use super::team::Worker;
use super::update::{MOST_NUMBERS, MOST_STATES, UpdateRun};
use crate::plan::step::{Offset, ReductionAxis};

/// One worker's run of some of its actions.
///
/// The actions have been linked, from verified kernels, for memory of these sizes, for as many rows as the
/// batch has, and for this worker of as many; the others do theirs at the same time.
pub struct WorkerRun<'a, T> {
    pub(super) actions: &'a [Action<T>],
    pub(super) repeats: &'a [ActionBlock],
    pub(super) batch: Batch<T>,
    pub(super) spaces: AddressSpaces<T>,
    pub(super) worker: Worker<'a>,
}

/// An element type that kernels are compiled for.
///
/// A generic function would be compiled again in every program, test and bench that calls it, and this
/// one holds all kernels for each instruction set: so each type has its own, which is in the library.
pub trait RunKernels: Sized {
    fn dispatch(arch: Arch, run: WorkerRun<'_, Self>);
}

impl RunKernels for f32 {
    #[inline(never)]
    fn dispatch(arch: Arch, run: WorkerRun<'_, Self>) {
        arch.dispatch(run);
    }
}

impl RunKernels for f64 {
    #[inline(never)]
    fn dispatch(arch: Arch, run: WorkerRun<'_, Self>) {
        arch.dispatch(run);
    }
}

impl<T: Element> WithSimd for WorkerRun<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for repeat in self.repeats {
            let ActionBlock {
                first,
                count,
                times,
            } = *repeat;
            // SAFETY: repeats are made of the actions that there are.
            let body = unsafe { self.actions.get_unchecked(first..first + count) };
            for block in 0..times {
                for action in body {
                    // SAFETY: by the contract of the fields, every place is within its space; where one worker
                    // touches what another has written, a barrier is between.
                    unsafe { self.perform(simd, action, block) };
                }
            }
        }
    }
}

impl<T: Element> WorkerRun<'_, T> {
    #[inline(always)]
    unsafe fn at(&self, place: Address, block: usize) -> *mut T {
        // SAFETY: by the caller, places are within their spaces.
        unsafe {
            self.spaces
                .get(place.space)
                .at(Offset(place.at + block * place.advance))
        }
    }

    #[inline(always)]
    unsafe fn number(&self, value: ActionOperand<T>, block: usize) -> LoopOperand<T> {
        // SAFETY: by the caller, places are within their spaces.
        unsafe {
            match value {
                ActionOperand::Run(place) => LoopOperand::Run(self.at(place, block)),
                ActionOperand::Number(place) => LoopOperand::Number(*self.at(place, block)),
                ActionOperand::Constant(number) => LoopOperand::Number(number),
            }
        }
    }

    /// What a value is, if it is one for all elements.
    #[inline(always)]
    unsafe fn one(&self, value: ActionOperand<T>, block: usize) -> T {
        // SAFETY: by the caller, places are within their spaces.
        unsafe {
            match value {
                ActionOperand::Run(place) | ActionOperand::Number(place) => *self.at(place, block),
                ActionOperand::Constant(number) => number,
            }
        }
    }

    /// # Safety
    /// The places are within their spaces, and no other worker writes what is read or written here.
    #[expect(clippy::too_many_lines, reason = "one arm an action")]
    #[inline(always)]
    unsafe fn perform<S: Simd>(&self, simd: S, action: &Action<T>, block: usize) {
        // SAFETY: by the caller.
        unsafe {
            match *action {
                Action::Barrier => self.worker.barrier(),
                Action::Product(ref product) => self.product(product).run(simd),
                Action::DotRow {
                    depth,
                    columns,
                    left,
                    right,
                    right_stride,
                    streamed,
                    start,
                    result,
                } => simd.vectorize(DotRow {
                    depth,
                    columns,
                    left: self.at(left, 0),
                    right: self.at(right, 0),
                    right_stride,
                    streamed,
                    start: start.map_or(T::ZERO, |start| *self.at(start, 0)),
                    result: self.at(result, 0),
                }),
                Action::DotPanels {
                    rows,
                    columns,
                    depth,
                    left,
                    right,
                    right_stride,
                    result,
                    result_stride,
                } => simd.vectorize(DotPanels {
                    rows,
                    columns,
                    depth,
                    left: self.at(left.at, 0),
                    height: left.height,
                    panel_stride: left.stride,
                    row_stride: left.step,
                    right: self.at(right, 0),
                    right_stride,
                    result: self.at(result, 0),
                    result_stride,
                }),
                Action::Pack {
                    rows,
                    depth,
                    from,
                    from_row_stride,
                    from_step,
                    from_segment,
                    from_segment_stride,
                    to,
                } => simd.vectorize(PackPanel {
                    rows,
                    depth,
                    from: self.at(from, 0),
                    from_row_stride,
                    from_step,
                    from_segment,
                    from_segment_stride,
                    to: self.at(to, 0),
                }),
                Action::PackRight {
                    columns,
                    depth,
                    from,
                    step,
                    stride,
                    to,
                } => simd.vectorize(PackRight {
                    columns,
                    depth,
                    from: self.at(from, 0),
                    step,
                    stride,
                    to: self.at(to, 0),
                }),
                Action::Unary {
                    length,
                    from,
                    to,
                    function,
                    derivative,
                } => {
                    let to = self.at(to, block);
                    match self.number(from, block) {
                        LoopOperand::Run(from) => simd.vectorize(Unary {
                            length,
                            from,
                            to,
                            function,
                            derivative,
                        }),
                        LoopOperand::Number(number) => {
                            let mut value = number;
                            simd.vectorize(Unary {
                                length: 1,
                                from: &number,
                                to: &mut value,
                                function,
                                derivative,
                            });
                            simd.vectorize(Fill { length, to, value });
                        }
                    }
                }
                Action::Binary {
                    length,
                    left,
                    right,
                    to,
                    operator,
                } => simd.vectorize(Binary {
                    length,
                    left: self.number(left, block),
                    right: self.number(right, block),
                    to: self.at(to, block),
                    operator,
                }),
                Action::Update(ref update) => {
                    let mut states = [std::ptr::null_mut(); MOST_STATES];
                    for (state, place) in states.iter_mut().zip(&update.states) {
                        *state = self.at(*place, 0);
                    }
                    let mut numbers = [T::ZERO; MOST_NUMBERS];
                    for (number, value) in numbers.iter_mut().zip(&update.numbers) {
                        *number = self.one(*value, 0);
                    }
                    simd.vectorize(UpdateRun {
                        update: update.update,
                        length: update.length,
                        gradient: self.at(update.gradient, 0),
                        states: &states,
                        result: match update.result {
                            Some(result) => self.at(result, 0),
                            None => std::ptr::null_mut(),
                        },
                        numbers: &numbers,
                    });
                }
                Action::Gradient {
                    length,
                    left,
                    from,
                    to,
                    function,
                } => simd.vectorize(Gradient {
                    length,
                    left: self.number(left, block),
                    from: self.at(from, block),
                    to: self.at(to, block),
                    function,
                }),
                Action::Residual {
                    length,
                    outputs,
                    targets,
                    function,
                    scale,
                    sum,
                    resume,
                    gradient,
                } => simd.vectorize(ResidualRun {
                    length,
                    outputs: self.at(outputs, block),
                    targets: self.at(targets, block),
                    function,
                    scale: self.one(scale, block),
                    sum: self.at(sum, block),
                    resume: resume || block > 0,
                    gradient: gradient.map(
                        #[inline(always)]
                        |(slope, to)| (self.one(slope, block), self.at(to, block)),
                    ),
                }),
                Action::Fill { length, value, to } => {
                    if let LoopOperand::Number(value) = self.number(value, block) {
                        let to = self.at(to, block);
                        simd.vectorize(Fill { length, to, value });
                    }
                }
                Action::Copy {
                    features,
                    columns,
                    from,
                    from_stride,
                    to,
                    to_stride,
                } => {
                    let (from, to) = (self.at(from, block), self.at(to, block));
                    copy_columns(features, columns, from, from_stride, to, to_stride);
                }
                Action::Spread {
                    features,
                    columns,
                    from,
                    stride,
                    to,
                    to_stride,
                } => {
                    let (from, to) = (self.number(from, block), self.at(to, block));
                    for column in 0..columns {
                        let value = match from {
                            LoopOperand::Run(from) => *from.add(column * stride),
                            LoopOperand::Number(number) => number,
                        };
                        let to = to.add(column * to_stride);
                        match features {
                            1 => *to = value,
                            length => simd.vectorize(Fill { length, to, value }),
                        }
                    }
                }
                Action::OneHot {
                    features,
                    columns,
                    index,
                    stride,
                    to,
                } => {
                    let (index, to) = (self.at(index, block), self.at(to, block));
                    simd.vectorize(Fill {
                        length: features * columns,
                        to,
                        value: T::ZERO,
                    });
                    for column in 0..columns {
                        if let Some(index) = index_of(*index.add(column * stride), features) {
                            *to.add(column * features + index) = T::ONE;
                        }
                    }
                }
                Action::Dropout {
                    ref key,
                    keep,
                    first,
                    advance,
                    length,
                    to,
                } => {
                    let mask = std::slice::from_raw_parts_mut(self.at(to, block), length);
                    let first = first + block * advance;
                    dropout_mask(**key, self.batch.update, first, keep, mask);
                }
                Action::Reduce {
                    features,
                    columns,
                    stride,
                    from,
                    axis,
                    reduction,
                    into,
                    resume,
                } => {
                    let into = self.at(into, block);
                    simd.vectorize(Reduce {
                        from: self.at(from, block),
                        features,
                        columns,
                        stride,
                        reduction,
                        into: match axis {
                            ReductionAxis::Features => ReduceInto::Features(into),
                            ReductionAxis::Columns => ReduceInto::Columns(into),
                            ReductionAxis::All => ReduceInto::All(into),
                        },
                        resume: resume || block > 0,
                    });
                }
                Action::Combine {
                    elements,
                    tiles,
                    reduction,
                    partials,
                    into,
                } => {
                    let (partials, into) = (self.at(partials, 0), self.at(into, 0));
                    for element in 0..elements {
                        let partials = partials.add(element);
                        let result = (1..tiles).fold(*partials, |sum, tile| {
                            combine(reduction, sum, *partials.add(tile * elements))
                        });
                        *into.add(element) = result;
                    }
                }
                Action::Gather {
                    table,
                    index,
                    tile,
                    result,
                } => gather(simd, self.batch, table, index, tile, self.at(result, 0)),
                Action::ScatterAdd {
                    gradient,
                    index,
                    tile,
                    result,
                } => scatter_add(simd, self.batch, gradient, index, tile, self.at(result, 0)),
                Action::CrossEntropy {
                    logits,
                    index,
                    on,
                    off,
                    tile,
                    loss,
                    gradient,
                    scratch,
                } => simd.vectorize(CrossEntropyTile {
                    batch: self.batch,
                    logits,
                    index,
                    on,
                    off,
                    tile,
                    loss: loss.map(|place| self.at(place, 0)),
                    gradient: gradient.map(|place| self.at(place, 0)),
                    scratch: self.at(scratch, 0),
                }),
                Action::LogSoftmax {
                    input,
                    tile,
                    result,
                    scratch,
                } => simd.vectorize(LogSoftmaxTile {
                    batch: self.batch,
                    input,
                    tile,
                    result: self.at(result, 0),
                    scratch: self.at(scratch, 0),
                }),
                Action::Concat {
                    ref parts,
                    to,
                    tile,
                } => concatenate(self.batch, parts, to, tile),
            }
        }
    }

    #[inline(always)]
    unsafe fn product(&self, action: &ProductAction) -> Product<T> {
        // SAFETY: by the caller, places are within their spaces.
        unsafe {
            Product {
                rows: action.rows,
                columns: action.columns,
                depth: action.depth,
                left: self.at(action.left.at, 0),
                left_height: action.left.height,
                left_panel_stride: action.left.stride,
                left_step: action.left.step,
                right: self.at(action.right, 0),
                right_step: action.right_step,
                right_stride: action.right_stride,
                right_packed: action.right_packed,
                start: match action.start {
                    Some(start) => self.at(start, 0),
                    None => std::ptr::null(),
                },
                resume: action.resume,
                result: self.at(action.result, 0),
                result_stride: action.result_stride,
                adds: action.adds,
            }
        }
    }
}
