//! What a worker does, one thing after the other, with every place and length decided: the form in
//! which a plan's kernels run.

use std::ops::Range;

use pulp::Simd;

use super::arena::Memory;
use super::columns::{CrossEntropyTile, LogSoftmaxTile, concatenate, gather, scatter_add};
use super::dropout::dropout_mask;
use super::element::Element;
use super::elementwise::{Binary, Fill, Gradient, Operand, Unary};
use super::product::{DotPanels, DotRow, PackPanel, Product, Strips};
use super::reductions::{Reduce, ReduceInto, combine};
use super::residual::{Residual, ResidualRun};
use super::team::Worker;
use super::update::{MOST_NUMBERS, MOST_STATES, Update, UpdateRun};
use crate::graph::scalar::ScalarFunction;
use crate::plan::step::{
    BinaryOperator, Matrix, Offset, RandomKey, Reduction, ReductionAxis, Tile,
};

/// The index that a number of the table stands for, if it is one of `count`.
#[inline(always)]
pub(super) fn index_of<T: Element>(number: T, count: usize) -> Option<usize> {
    let number = number.to_f64();
    // False for a NaN, too.
    match number >= 0.0 && number < count as f64 {
        true => Some(number as usize),
        false => None,
    }
}

/// What is the same for all actions of a run.
#[derive(Clone, Copy)]
pub(super) struct Batch<T> {
    pub memory: Memory<T>,
    pub rows: usize,
    /// The number of the update, which random numbers depend on.
    pub update: u64,
}

/// The memory that a place lies in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Room {
    /// The arena of the plan.
    Arena,
    /// The executable's own: packed operands and the workers' temporaries.
    Work,
    /// Rows of the table that are read where they lie: the inputs, and the targets.
    Inputs,
    Targets,
}

/// Where each room begins.
#[derive(Clone, Copy)]
pub(super) struct Rooms<T>([Memory<T>; 4]);

impl<T> Rooms<T> {
    pub fn new(arena: Memory<T>, work: Memory<T>, [inputs, targets]: [Memory<T>; 2]) -> Self {
        Rooms([arena, work, inputs, targets])
    }

    #[inline(always)]
    fn get(&self, room: Room) -> Memory<T> {
        self.0[room as usize]
    }
}

/// A place, in elements from its room's beginning. In a repeated action it advances with each block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub room: Room,
    pub at: usize,
    pub advance: usize,
}

impl Place {
    pub fn arena(at: usize) -> Place {
        Place {
            room: Room::Arena,
            at,
            advance: 0,
        }
    }

    pub fn work(at: usize) -> Place {
        Place {
            room: Room::Work,
            at,
            advance: 0,
        }
    }

    pub fn plus(self, elements: usize) -> Place {
        Place {
            at: self.at + elements,
            ..self
        }
    }

    pub fn advancing(self, advance: usize) -> Place {
        Place { advance, ..self }
    }
}

/// What an elementwise action reads.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<T> {
    Run(Place),
    /// One number for all elements.
    Number(Place),
    Constant(T),
}

/// Where left[m, k] of a product lies: at `m / height · stride + k · step + m % height`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    pub at: Place,
    /// Rows of a panel: all, or a multiple of a register tile's.
    pub height: usize,
    pub stride: usize,
    pub step: usize,
}

/// A product of matrices, as [`Product`] with places.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProductAction {
    pub rows: usize,
    pub columns: usize,
    pub depth: usize,
    pub left: Left,
    pub right: Place,
    pub right_step: usize,
    pub right_stride: usize,
    pub right_in_strips: bool,
    pub start: Option<Place>,
    pub resume: bool,
    pub result: Place,
    pub result_stride: usize,
    pub adds: bool,
}

/// An optimizer's update with places.
#[derive(Clone, Debug)]
pub(super) struct UpdateAction<T> {
    pub update: Update,
    pub length: usize,
    pub gradient: Place,
    pub states: Vec<Place>,
    /// Where the new parameter goes, if not to its own place.
    pub result: Option<Place>,
    pub numbers: Vec<Value<T>>,
}

/// One thing to do.
#[derive(Clone, Debug)]
pub(super) enum Action<T> {
    /// Wait for the other workers.
    Meet,
    Product(ProductAction),
    /// As [`DotRow`].
    DotRow {
        depth: usize,
        columns: usize,
        left: Place,
        right: Place,
        right_stride: usize,
        far: bool,
        start: Option<Place>,
        result: Place,
    },
    /// As [`DotPanels`].
    DotPanels {
        rows: usize,
        columns: usize,
        depth: usize,
        left: Left,
        right: Place,
        right_stride: usize,
        result: Place,
        result_stride: usize,
    },
    /// As [`PackPanel`].
    Pack {
        rows: usize,
        depth: usize,
        from: Place,
        from_row_stride: usize,
        from_step: usize,
        from_segment: usize,
        from_segment_stride: usize,
        to: Place,
    },
    /// As [`Strips`].
    Strips {
        columns: usize,
        depth: usize,
        from: Place,
        step: usize,
        stride: usize,
        to: Place,
    },
    Unary {
        length: usize,
        from: Value<T>,
        to: Place,
        function: ScalarFunction,
        derivative: bool,
    },
    Binary {
        length: usize,
        left: Value<T>,
        right: Value<T>,
        to: Place,
        operator: BinaryOperator,
    },
    /// An optimizer's update, as [`UpdateRun`].
    Update(Box<UpdateAction<T>>),
    /// to = left · f'(from): the chain rule.
    Gradient {
        length: usize,
        left: Value<T>,
        from: Place,
        to: Place,
        function: ScalarFunction,
    },
    /// As [`ResidualRun`].
    Residual {
        length: usize,
        outputs: Place,
        targets: Place,
        function: Residual,
        scale: Value<T>,
        sum: Place,
        /// The first block, too, continues from what `sum` holds.
        resume: bool,
        gradient: Option<(Value<T>, Place)>,
    },
    Fill {
        length: usize,
        value: Value<T>,
        to: Place,
    },
    /// Columns from one stride to another; a stride of 0 repeats the same column.
    Copy {
        features: usize,
        columns: usize,
        from: Place,
        from_stride: usize,
        to: Place,
        to_stride: usize,
    },
    /// Fills each column with a number: those of a run are `stride` apart, any other is the same for
    /// all columns.
    Spread {
        features: usize,
        columns: usize,
        from: Value<T>,
        stride: usize,
        to: Place,
        to_stride: usize,
    },
    OneHot {
        features: usize,
        columns: usize,
        index: Place,
        stride: usize,
        to: Place,
    },
    Dropout {
        key: Box<RandomKey>,
        keep: f64,
        /// The first element's number, and by how much it grows with each block.
        first: usize,
        advance: usize,
        length: usize,
        to: Place,
    },
    Reduce {
        features: usize,
        columns: usize,
        stride: usize,
        from: Place,
        axis: ReductionAxis,
        reduction: Reduction,
        into: Place,
        /// The first block, too, continues from what `into` holds.
        resume: bool,
    },
    /// Combines the tiles' results, `elements` each, in the order of the tiles.
    Combine {
        elements: usize,
        tiles: usize,
        reduction: Reduction,
        partials: Place,
        into: Place,
    },
    Gather {
        table: Matrix,
        index: Matrix,
        tile: Tile,
        result: Place,
    },
    ScatterAdd {
        gradient: Matrix,
        index: Matrix,
        tile: Tile,
        result: Place,
    },
    CrossEntropy {
        logits: Matrix,
        index: Matrix,
        on: f64,
        off: f64,
        tile: Tile,
        loss: Option<Place>,
        gradient: Option<Place>,
        scratch: Place,
    },
    LogSoftmax {
        input: Matrix,
        tile: Tile,
        result: Place,
        scratch: Place,
    },
    Concat {
        parts: Box<[Matrix]>,
        to: Matrix,
        tile: Tile,
    },
}

/// Actions that are done `times` over, one block after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repeat {
    pub first: usize,
    pub count: usize,
    pub times: usize,
}

/// What one worker does in a run.
#[derive(Clone, Debug)]
pub(super) struct Actions<T> {
    pub actions: Vec<Action<T>>,
    pub repeats: Vec<Repeat>,
    /// For each step of the plan, where its repeats end.
    pub step_ends: Vec<usize>,
}

impl<T> Default for Actions<T> {
    fn default() -> Self {
        Actions {
            actions: Vec::new(),
            repeats: Vec::new(),
            step_ends: Vec::new(),
        }
    }
}

impl<T> Actions<T> {
    /// The repeats of a range of steps.
    pub fn of_steps(&self, steps: Range<usize>) -> &[Repeat] {
        let end_before = |step: usize| match step {
            0 => 0,
            step => self.step_ends[step - 1],
        };
        &self.repeats[end_before(steps.start)..end_before(steps.end)]
    }

    /// Appends actions that are done `times` over.
    pub fn push_repeated(&mut self, times: usize, actions: impl IntoIterator<Item = Action<T>>) {
        let first = self.actions.len();
        self.actions.extend(actions);
        let count = self.actions.len() - first;
        if count == 0 || times == 0 {
            return;
        }
        let open = self.open_step();
        match self.repeats.last_mut() {
            Some(last) if times == 1 && last.times == 1 && open => last.count += count,
            Some(_) | None => self.repeats.push(Repeat {
                first,
                count,
                times,
            }),
        }
    }

    /// Whether the last repeat belongs to the step that is being filled.
    fn open_step(&self) -> bool {
        self.step_ends.last().copied().unwrap_or(0) < self.repeats.len()
    }

    pub fn push(&mut self, action: Action<T>) {
        self.push_repeated(1, [action]);
    }
}

/// Where and for whom actions are done.
#[derive(Clone, Copy)]
pub(super) struct Site<'a, T> {
    pub batch: Batch<T>,
    pub rooms: Rooms<T>,
    pub worker: Worker<'a>,
}

impl<T: Element> Site<'_, T> {
    /// Does the actions.
    ///
    /// # Safety
    /// The actions have been linked for an arena and a work room of these sizes, and rows of the table as
    /// many as the batch has, from verified kernels, for this worker of as many; the others do theirs at
    /// the same time.
    #[inline(always)]
    pub unsafe fn run<S: Simd>(&self, simd: S, actions: &[Action<T>], repeats: &[Repeat]) {
        for repeat in repeats {
            // SAFETY: repeats are made of the actions that there are.
            let body = unsafe { actions.get_unchecked(repeat.first..repeat.first + repeat.count) };
            for block in 0..repeat.times {
                for action in body {
                    // SAFETY: by the caller.
                    unsafe { self.perform(simd, action, block) };
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn at(&self, place: Place, block: usize) -> *mut T {
        // SAFETY: by the caller, places are within their rooms.
        unsafe {
            self.rooms
                .get(place.room)
                .at(Offset(place.at + block * place.advance))
        }
    }

    #[inline(always)]
    unsafe fn number(&self, value: Value<T>, block: usize) -> Operand<T> {
        // SAFETY: by the caller, places are within their rooms.
        unsafe {
            match value {
                Value::Run(place) => Operand::Run(self.at(place, block)),
                Value::Number(place) => Operand::Number(*self.at(place, block)),
                Value::Constant(number) => Operand::Number(number),
            }
        }
    }

    /// What a value is, if it is one for all elements.
    #[inline(always)]
    unsafe fn one(&self, value: Value<T>, block: usize) -> T {
        // SAFETY: by the caller, places are within their rooms.
        unsafe {
            match value {
                Value::Run(place) | Value::Number(place) => *self.at(place, block),
                Value::Constant(number) => number,
            }
        }
    }

    /// # Safety
    /// As [`run`](Self::run).
    #[inline(always)]
    unsafe fn perform<S: Simd>(&self, simd: S, action: &Action<T>, block: usize) {
        // SAFETY: by the caller, the places are within their rooms, and no other worker writes what
        // is read or written here.
        unsafe {
            match *action {
                Action::Meet => self.worker.meet(),
                Action::Product(ref product) => self.product(product).run(simd),
                Action::DotRow {
                    depth,
                    columns,
                    left,
                    right,
                    right_stride,
                    far,
                    start,
                    result,
                } => simd.vectorize(DotRow {
                    depth,
                    columns,
                    left: self.at(left, 0),
                    right: self.at(right, 0),
                    right_stride,
                    far,
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
                Action::Strips {
                    columns,
                    depth,
                    from,
                    step,
                    stride,
                    to,
                } => simd.vectorize(Strips {
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
                        Operand::Run(from) => simd.vectorize(Unary {
                            length,
                            from,
                            to,
                            function,
                            derivative,
                        }),
                        Operand::Number(number) => {
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
                    if let Operand::Number(value) = self.number(value, block) {
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
                            Operand::Run(from) => *from.add(column * stride),
                            Operand::Number(number) => number,
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
        // SAFETY: by the caller, places are within their rooms.
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
                right_in_strips: action.right_in_strips,
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

/// Copies columns, those of each side `stride` apart.
///
/// # Safety
/// Both sides are valid and do not overlap, or are the same.
pub(super) unsafe fn copy_columns<T: Element>(
    features: usize,
    columns: usize,
    from: *const T,
    from_stride: usize,
    to: *mut T,
    to_stride: usize,
) {
    // SAFETY: by the caller.
    unsafe {
        if from_stride == features && to_stride == features {
            return std::ptr::copy(from, to, features * columns);
        }
        for column in 0..columns {
            let (from, to) = (from.add(column * from_stride), to.add(column * to_stride));
            match features {
                1 => *to = *from,
                _ => std::ptr::copy(from, to, features),
            }
        }
    }
}
