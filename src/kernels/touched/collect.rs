//! Collects the matrices that an action touches, those of all of its blocks.

use crate::kernels::action::{ActionOperand, Address, Left, ProductAction, UpdateAction};
use crate::kernels::arena::AddressSpace;
use crate::plan::step::{Columns, Matrix, Offset, Tile};

/// A matrix that an action touches, with a number of columns of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(in crate::kernels) struct Touched {
    pub space: AddressSpace,
    pub matrix: Matrix,
    pub writes: bool,
}

impl Touched {
    pub fn start(&self) -> usize {
        self.matrix.at.0
    }

    pub fn end(&self) -> usize {
        self.start() + self.matrix.extent(0)
    }
}

/// Columns of a matrix at an address.
#[derive(Clone, Copy)]
pub(super) struct StridedBlock {
    features: usize,
    columns: usize,
    stride: usize,
}

impl StridedBlock {
    pub(super) fn run(length: usize) -> StridedBlock {
        StridedBlock::new(length, 1, length)
    }

    pub(super) fn new(features: usize, columns: usize, stride: usize) -> StridedBlock {
        // Columns that adjoin, or are all the same one, are one run.
        match (columns, stride) {
            (0, _) => StridedBlock {
                features: 0,
                columns: 0,
                stride: 0,
            },
            (1, _) | (_, 0) => StridedBlock {
                features,
                columns: 1,
                stride: features,
            },
            (columns, stride) if stride == features => StridedBlock {
                features: columns * features,
                columns: 1,
                stride: columns * features,
            },
            (columns, stride) => StridedBlock {
                features,
                columns,
                stride,
            },
        }
    }
}

/// What is the same for all actions.
#[derive(Clone, Copy)]
pub(in crate::kernels) struct LinkedFor {
    /// Rows of the batch.
    pub rows: usize,
    /// Rows of a register tile on this machine.
    pub panel: usize,
}

/// Collects what an action touches in all of its blocks.
pub(super) struct Collect<'t> {
    pub(super) linked: LinkedFor,
    pub(super) times: usize,
    pub(super) touched: &'t mut Vec<Touched>,
}

impl Collect<'_> {
    pub(super) fn push(
        &mut self,
        space: AddressSpace,
        at: usize,
        block: StridedBlock,
        writes: bool,
    ) {
        if block.features == 0 || block.columns == 0 {
            return;
        }
        self.touched.push(Touched {
            space,
            matrix: Matrix {
                at: Offset(at),
                features: block.features,
                columns: Columns::Fixed(block.columns),
                stride: block.stride,
            },
            writes,
        });
    }

    pub(super) fn touch(&mut self, address: Address, block: StridedBlock, writes: bool) {
        let (times, advance) = (self.times, address.advance);
        let StridedBlock {
            features,
            columns,
            stride,
        } = block;
        let (space, at) = (address.space, address.at);
        if columns == 1 {
            // A run in each block: columns of their own.
            let block = StridedBlock::new(features, times, advance);
            return self.push(space, at, block, writes);
        }
        if times > 1 && advance == columns * stride {
            let block = StridedBlock::new(features, columns * times, stride);
            return self.push(space, at, block, writes);
        }
        let times = if advance == 0 { 1 } else { times };
        for turn in 0..times {
            self.push(space, at + turn * advance, block, writes);
        }
    }

    pub(super) fn reads(&mut self, address: Address, block: StridedBlock) {
        self.touch(address, block, false);
    }

    pub(super) fn writes(&mut self, address: Address, block: StridedBlock) {
        self.touch(address, block, true);
    }

    pub(super) fn value<T>(&mut self, value: ActionOperand<T>, block: StridedBlock) {
        match value {
            ActionOperand::Run(address) => self.reads(address, block),
            ActionOperand::Number(address) => self.reads(address, StridedBlock::run(1)),
            ActionOperand::Constant(_) => {}
        }
    }

    /// A number for all elements.
    pub(super) fn number<T>(&mut self, value: ActionOperand<T>) {
        self.value(value, StridedBlock::run(1));
    }

    /// Columns of a matrix in the arena.
    pub(super) fn matrix(&mut self, matrix: Matrix, first: usize, columns: usize, writes: bool) {
        let at = Address::arena(matrix.at.0 + first * matrix.stride);
        let block = StridedBlock::new(matrix.features, columns, matrix.stride);
        self.touch(at, block, writes);
    }

    pub(super) fn whole(&mut self, matrix: Matrix) {
        self.matrix(matrix, 0, matrix.columns.count(self.linked.rows), false);
    }

    pub(super) fn tile(&mut self, matrix: Matrix, tile: Tile) {
        self.matrix(matrix, tile.first, tile.columns, false);
    }

    /// A left operand of `rows × depth`, panel by panel.
    pub(super) fn left(&mut self, left: Left, rows: usize, depth: usize) {
        if left.step == left.height && left.stride == left.height * depth && left.height > 0 {
            // The panels adjoin.
            let whole = rows / left.height;
            self.reads(left.at, StridedBlock::run(whole * left.stride));
            let rest = StridedBlock::new(rows % left.height, depth, left.step);
            return self.reads(left.at.plus(whole * left.stride), rest);
        }
        for (panel, first) in (0..rows).step_by(left.height.max(1)).enumerate() {
            let rows = (rows - first).min(left.height);
            let block = StridedBlock::new(rows, depth, left.step);
            self.reads(left.at.plus(panel * left.stride), block);
        }
    }

    pub(super) fn product(&mut self, product: &ProductAction) {
        let (rows, columns, depth) = (product.rows, product.columns, product.depth);
        self.left(product.left, rows, depth);
        let right = match (
            product.right_packed,
            product.right_step,
            product.right_stride,
        ) {
            (true, _, _) => StridedBlock::run(columns * depth),
            (false, 1, stride) => StridedBlock::new(depth, columns, stride),
            (false, step, 1) => StridedBlock::new(columns, depth, step),
            // One column alone may have its numbers apart.
            (false, step, _) => StridedBlock::new(1, depth, step),
        };
        self.reads(product.right, right);
        if let Some(start) = product.start {
            self.reads(start, StridedBlock::run(rows));
        }
        self.writes(
            product.result,
            StridedBlock::new(rows, columns, product.result_stride),
        );
    }

    pub(super) fn update<T: Copy>(&mut self, update: &UpdateAction<T>) {
        let run = StridedBlock::run(update.length);
        self.reads(update.gradient, run);
        for (index, state) in update.states.iter().enumerate() {
            let elsewhere = update.result.is_some() && index == 0;
            self.touch(*state, run, !elsewhere);
        }
        if let Some(result) = update.result {
            self.writes(result, run);
        }
        for number in &update.numbers {
            self.number(*number);
        }
    }
}
