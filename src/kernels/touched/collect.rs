//! Collects the matrices that an action touches, those of all of its blocks.

use crate::kernels::action::{Address, Left, ProductAction, UpdateAction, Value};
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
pub(super) struct Block {
    features: usize,
    columns: usize,
    stride: usize,
}

impl Block {
    pub(super) fn run(length: usize) -> Block {
        Block::new(length, 1, length)
    }

    pub(super) fn new(features: usize, columns: usize, stride: usize) -> Block {
        // Columns that adjoin, or are all the same one, are one run.
        match (columns, stride) {
            (0, _) => Block {
                features: 0,
                columns: 0,
                stride: 0,
            },
            (1, _) | (_, 0) => Block {
                features,
                columns: 1,
                stride: features,
            },
            (columns, stride) if stride == features => Block {
                features: columns * features,
                columns: 1,
                stride: columns * features,
            },
            (columns, stride) => Block {
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
    pub(super) fn push(&mut self, space: AddressSpace, at: usize, block: Block, writes: bool) {
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

    pub(super) fn touch(&mut self, address: Address, block: Block, writes: bool) {
        let (times, advance) = (self.times, address.advance);
        let Block {
            features,
            columns,
            stride,
        } = block;
        let (space, at) = (address.space, address.at);
        if columns == 1 {
            // A run in each block: columns of their own.
            let block = Block::new(features, times, advance);
            return self.push(space, at, block, writes);
        }
        if times > 1 && advance == columns * stride {
            let block = Block::new(features, columns * times, stride);
            return self.push(space, at, block, writes);
        }
        let times = if advance == 0 { 1 } else { times };
        for turn in 0..times {
            self.push(space, at + turn * advance, block, writes);
        }
    }

    pub(super) fn reads(&mut self, address: Address, block: Block) {
        self.touch(address, block, false);
    }

    pub(super) fn writes(&mut self, address: Address, block: Block) {
        self.touch(address, block, true);
    }

    pub(super) fn value<T>(&mut self, value: Value<T>, block: Block) {
        match value {
            Value::Run(address) => self.reads(address, block),
            Value::Number(address) => self.reads(address, Block::run(1)),
            Value::Constant(_) => {}
        }
    }

    /// A number for all elements.
    pub(super) fn number<T>(&mut self, value: Value<T>) {
        self.value(value, Block::run(1));
    }

    /// Columns of a matrix in the arena.
    pub(super) fn matrix(&mut self, matrix: Matrix, first: usize, columns: usize, writes: bool) {
        let at = Address::arena(matrix.at.0 + first * matrix.stride);
        let block = Block::new(matrix.features, columns, matrix.stride);
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
            self.reads(left.at, Block::run(whole * left.stride));
            let rest = Block::new(rows % left.height, depth, left.step);
            return self.reads(left.at.plus(whole * left.stride), rest);
        }
        for (panel, first) in (0..rows).step_by(left.height.max(1)).enumerate() {
            let rows = (rows - first).min(left.height);
            let block = Block::new(rows, depth, left.step);
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
            (true, _, _) => Block::run(columns * depth),
            (false, 1, stride) => Block::new(depth, columns, stride),
            (false, step, 1) => Block::new(columns, depth, step),
            // One column alone may have its numbers apart.
            (false, step, _) => Block::new(1, depth, step),
        };
        self.reads(product.right, right);
        if let Some(start) = product.start {
            self.reads(start, Block::run(rows));
        }
        self.writes(
            product.result,
            Block::new(rows, columns, product.result_stride),
        );
    }

    pub(super) fn update<T: Copy>(&mut self, update: &UpdateAction<T>) {
        let run = Block::run(update.length);
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
