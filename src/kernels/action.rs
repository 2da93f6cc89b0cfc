//! What a worker does, one thing after the other, with every place and length decided: the form in
//! which a plan's kernels run.

use std::ops::Range;

use super::arena::AddressSpace;
use super::residual::Residual;
use super::update::Update;
use crate::graph::ops::{BinaryOperator, Reduction};
use crate::graph::scalar::ScalarFunction;
use crate::plan::step::{Matrix, RandomKey, ReductionAxis, Tile};

/// A place, in elements from its space's beginning. In a repeated action it advances with each block.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Address {
    pub space: AddressSpace,
    pub at: usize,
    pub advance: usize,
}

impl Address {
    pub fn arena(at: usize) -> Address {
        Address {
            space: AddressSpace::Arena,
            at,
            advance: 0,
        }
    }

    pub fn work(at: usize) -> Address {
        Address {
            space: AddressSpace::Work,
            at,
            advance: 0,
        }
    }

    pub fn plus(self, elements: usize) -> Address {
        Address {
            at: self.at + elements,
            ..self
        }
    }

    pub fn advancing(self, advance: usize) -> Address {
        Address { advance, ..self }
    }
}

/// What an elementwise action reads.
#[derive(Clone, Copy, Debug)]
pub(super) enum ActionOperand<T> {
    Run(Address),
    /// One number for all elements.
    Number(Address),
    Constant(T),
}

/// Where left[m, k] of a product lies: at `m / height · stride + k · step + m % height`.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Left {
    pub at: Address,
    /// Rows of a panel: all, or a multiple of a register tile's.
    pub height: usize,
    pub stride: usize,
    pub step: usize,
}

/// A product of matrices, as [`Product`](super::product::Product) with places.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct ProductAction {
    pub rows: usize,
    pub columns: usize,
    pub depth: usize,
    pub left: Left,
    pub right: Address,
    pub right_step: usize,
    pub right_stride: usize,
    pub right_packed: bool,
    pub start: Option<Address>,
    pub resume: bool,
    pub result: Address,
    pub result_stride: usize,
    pub adds: bool,
}

/// An optimizer's update with places.
#[derive(Clone, Debug)]
pub(super) struct UpdateAction<T> {
    pub update: Update,
    pub length: usize,
    pub gradient: Address,
    pub states: Vec<Address>,
    /// Where the new parameter goes, if not to its own place.
    pub result: Option<Address>,
    pub numbers: Vec<ActionOperand<T>>,
}

/// One thing to do.
#[derive(Clone, Debug)]
pub(super) enum Action<T> {
    /// Wait for the other workers.
    Barrier,
    Product(ProductAction),
    /// As [`DotRow`](super::product::dot::DotRow).
    DotRow {
        depth: usize,
        columns: usize,
        left: Address,
        right: Address,
        right_stride: usize,
        streamed: bool,
        start: Option<Address>,
        result: Address,
    },
    /// As [`DotPanels`](super::product::dot::DotPanels).
    DotPanels {
        rows: usize,
        columns: usize,
        depth: usize,
        left: Left,
        right: Address,
        right_stride: usize,
        result: Address,
        result_stride: usize,
    },
    /// As [`PackPanel`](super::product::pack::PackPanel).
    Pack {
        rows: usize,
        depth: usize,
        from: Address,
        from_row_stride: usize,
        from_step: usize,
        from_segment: usize,
        from_segment_stride: usize,
        to: Address,
    },
    /// As [`PackRight`](super::product::pack::PackRight).
    PackRight {
        columns: usize,
        depth: usize,
        from: Address,
        step: usize,
        stride: usize,
        to: Address,
    },
    Unary {
        length: usize,
        from: ActionOperand<T>,
        to: Address,
        function: ScalarFunction,
        derivative: bool,
    },
    Binary {
        length: usize,
        left: ActionOperand<T>,
        right: ActionOperand<T>,
        to: Address,
        operator: BinaryOperator,
    },
    /// An optimizer's update, as [`UpdateRun`](super::update::UpdateRun).
    Update(Box<UpdateAction<T>>),
    /// to = left · f'(from): the chain rule.
    Gradient {
        length: usize,
        left: ActionOperand<T>,
        from: Address,
        to: Address,
        function: ScalarFunction,
    },
    /// As [`ResidualRun`](super::residual::ResidualRun).
    Residual {
        length: usize,
        outputs: Address,
        targets: Address,
        function: Residual,
        scale: ActionOperand<T>,
        sum: Address,
        /// The first block, too, continues from what `sum` holds.
        resume: bool,
        gradient: Option<(ActionOperand<T>, Address)>,
    },
    Fill {
        length: usize,
        value: ActionOperand<T>,
        to: Address,
    },
    /// Columns from one stride to another; a stride of 0 repeats the same column.
    Copy {
        features: usize,
        columns: usize,
        from: Address,
        from_stride: usize,
        to: Address,
        to_stride: usize,
    },
    /// Fills each column with a number: those of a run are `stride` apart, any other is the same for
    /// all columns.
    Spread {
        features: usize,
        columns: usize,
        from: ActionOperand<T>,
        stride: usize,
        to: Address,
        to_stride: usize,
    },
    OneHot {
        features: usize,
        columns: usize,
        index: Address,
        stride: usize,
        to: Address,
    },
    Dropout {
        key: Box<RandomKey>,
        keep: f64,
        /// The first element's number, and by how much it grows with each block.
        first: usize,
        advance: usize,
        length: usize,
        to: Address,
    },
    Reduce {
        features: usize,
        columns: usize,
        stride: usize,
        from: Address,
        axis: ReductionAxis,
        reduction: Reduction,
        into: Address,
        /// The first block, too, continues from what `into` holds.
        resume: bool,
    },
    /// Combines the tiles' results, `elements` each, in the order of the tiles.
    Combine {
        elements: usize,
        tiles: usize,
        reduction: Reduction,
        partials: Address,
        into: Address,
    },
    Gather {
        table: Matrix,
        index: Matrix,
        tile: Tile,
        result: Address,
    },
    ScatterAdd {
        gradient: Matrix,
        index: Matrix,
        tile: Tile,
        result: Address,
    },
    CrossEntropy {
        logits: Matrix,
        index: Matrix,
        on: f64,
        off: f64,
        tile: Tile,
        loss: Option<Address>,
        gradient: Option<Address>,
        scratch: Address,
    },
    LogSoftmax {
        input: Matrix,
        tile: Tile,
        result: Address,
        scratch: Address,
    },
    Concat {
        parts: Box<[Matrix]>,
        to: Matrix,
        tile: Tile,
    },
}

/// Actions that are done `times` over, one block after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct ActionBlock {
    pub first: usize,
    pub count: usize,
    pub times: usize,
}

/// What one worker does in a run.
#[derive(Clone, Debug)]
pub(super) struct Actions<T> {
    pub actions: Vec<Action<T>>,
    pub repeats: Vec<ActionBlock>,
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
    pub fn of_steps(&self, steps: Range<usize>) -> &[ActionBlock] {
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
            Some(_) | None => self.repeats.push(ActionBlock {
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
