//! The interpreter of tile programs.

use pulp::Simd;

use super::arena::Memory;
use super::dropout::dropout_mask;
use super::element::Element;
use super::elementwise::{Binary, Fill, Operand, Unary};
use super::reductions::{Reduce, ReduceInto, combine, neutral};
use crate::plan::step::{
    Destination, Instruction, Load, Offset, Reduction, ReductionAxis, Scratch, Section, Source,
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

/// How the columns of a section are cut for a batch.
pub(super) struct Cut {
    pub columns: usize,
    pub tile_columns: usize,
    pub tiles: usize,
}

impl Cut {
    pub fn new(section: &Section, rows: usize) -> Cut {
        let columns = section.columns.count(rows);
        Cut {
            columns,
            tile_columns: section.tile_columns,
            tiles: columns.div_ceil(section.tile_columns),
        }
    }

    pub fn tile(&self, index: usize) -> Tile {
        let first = index * self.tile_columns;
        Tile {
            index,
            only: self.tiles == 1,
            first,
            columns: (self.columns - first).min(self.tile_columns),
        }
    }
}

/// A tile: a range of columns.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    pub index: usize,
    /// No other tile shares the section.
    pub only: bool,
    pub first: usize,
    pub columns: usize,
}

/// What is the same for all steps of a run.
#[derive(Clone, Copy)]
pub(super) struct Batch<T> {
    pub memory: Memory<T>,
    pub rows: usize,
    /// The number of the update, which random numbers depend on.
    pub update: u64,
}

/// A section's program at work on a tile.
pub(super) struct Program<'a, T> {
    pub section: &'a Section,
    pub batch: Batch<T>,
    /// The kernel's result for the whole section's tile, columns adjoining; null if it has none.
    pub anchor: *mut T,
    /// The worker's temporaries.
    pub scratch: *mut T,
    pub tile: Tile,
}

/// A block of columns of the tile.
#[derive(Clone, Copy)]
struct Block {
    /// Within the section.
    first: usize,
    columns: usize,
    /// Elements: features times columns.
    length: usize,
    /// Is it the tile's first?
    opens: bool,
}

impl<T: Element> Program<'_, T> {
    /// Runs the program on the tile, block by block.
    ///
    /// # Safety
    /// The plan has been verified for this arena, the anchor and the scratch are as large as the
    /// section says, and no other worker runs this tile.
    pub unsafe fn run<S: Simd>(&self, simd: S) {
        let section = self.section;
        let end = self.tile.first + self.tile.columns;
        let mut first = self.tile.first;
        while first < end {
            let columns = section.block_columns.min(end - first);
            let block = Block {
                first,
                columns,
                length: columns * section.features,
                opens: first == self.tile.first,
            };
            for instruction in &section.program {
                // SAFETY: by the caller.
                unsafe { self.execute(simd, instruction, block) };
            }
            first += columns;
        }
    }

    /// # Safety
    /// As [`run`](Self::run); the block is one of the tile's.
    #[inline]
    unsafe fn execute<S: Simd>(&self, simd: S, instruction: &Instruction, block: Block) {
        // SAFETY: by the caller, the places of the instruction are within arena and scratch.
        unsafe {
            match *instruction {
                Instruction::Load { to, ref load } => self.load(simd, to, load, block),
                Instruction::Unary {
                    to,
                    from,
                    function,
                    derivative,
                } => {
                    let to = self.destination(to, block);
                    match self.operand(from, block) {
                        Operand::Run(from) => simd.vectorize(Unary {
                            length: block.length,
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
                            simd.vectorize(Fill {
                                length: block.length,
                                to,
                                value,
                            });
                        }
                    }
                }
                Instruction::Binary {
                    to,
                    left,
                    right,
                    operator,
                } => simd.vectorize(Binary {
                    length: block.length,
                    left: self.operand(left, block),
                    right: self.operand(right, block),
                    to: self.destination(to, block),
                    operator,
                }),
                Instruction::Store { from, at, stride } => {
                    self.store(simd, self.operand(from, block), at, stride, block);
                }
                Instruction::Reduce {
                    from,
                    axis,
                    reduction,
                    into,
                    partials,
                } => {
                    let Operand::Run(from) = self.operand(from, block) else {
                        unreachable!("the verifier refuses the reduction of a number");
                    };
                    self.reduce(simd, from, axis, reduction, (into, partials), block);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn scratch(&self, scratch: Scratch) -> *mut T {
        let elements = self.section.features * self.section.block_columns;
        // SAFETY: the worker's scratch holds all of the section's temporaries.
        unsafe { self.scratch.add(usize::from(scratch.0) * elements) }
    }

    #[inline(always)]
    unsafe fn operand(&self, source: Source, block: Block) -> Operand<T> {
        // SAFETY: the plan is verified.
        unsafe {
            match source {
                Source::Scratch(scratch) => Operand::Run(self.scratch(scratch)),
                Source::Anchor => {
                    let columns = block.first - self.tile.first;
                    Operand::Run(self.anchor.add(columns * self.section.features))
                }
                Source::Memory(at) => {
                    let columns = block.first * self.section.features;
                    Operand::Run(self.batch.memory.at(at).add(columns))
                }
                Source::Scalar(at) => Operand::Number(*self.batch.memory.at(at)),
                Source::Constant(value) => Operand::Number(T::constant(value)),
            }
        }
    }

    #[inline(always)]
    unsafe fn destination(&self, destination: Destination, block: Block) -> *mut T {
        // SAFETY: the plan is verified.
        unsafe {
            match destination {
                Destination::Scratch(scratch) => self.scratch(scratch),
                Destination::Memory(at) => self
                    .batch
                    .memory
                    .at(at)
                    .add(block.first * self.section.features),
            }
        }
    }

    unsafe fn load<S: Simd>(&self, simd: S, to: Scratch, load: &Load, block: Block) {
        let features = self.section.features;
        // SAFETY: the plan is verified, and a scratch holds a block.
        unsafe {
            let to = self.scratch(to);
            let memory = self.batch.memory;
            let fill = |length, to, value| simd.vectorize(Fill { length, to, value });
            match *load {
                Load::Strided { at, stride } => {
                    let from = memory.at(at).add(block.first * stride);
                    copy_columns(features, block.columns, from, stride, to, features);
                }
                Load::PerFeature { at } => {
                    copy_columns(features, block.columns, memory.at(at), 0, to, features);
                }
                Load::PerColumn { at, stride } => {
                    for column in 0..block.columns {
                        let value = *memory.at(at).add((block.first + column) * stride);
                        match features {
                            1 => *to.add(column) = value,
                            _ => fill(features, to.add(column * features), value),
                        }
                    }
                }
                Load::Scalar { at } => fill(block.length, to, *memory.at(at)),
                Load::Constant(value) => fill(block.length, to, T::constant(value)),
                Load::Rows => fill(block.length, to, T::constant(self.batch.rows as f64)),
                Load::OneHot { at, stride } => {
                    fill(block.length, to, T::ZERO);
                    for column in 0..block.columns {
                        let number = *memory.at(at).add((block.first + column) * stride);
                        if let Some(index) = index_of(number, features) {
                            *to.add(column * features + index) = T::ONE;
                        }
                    }
                }
                Load::Dropout { key, keep } => {
                    let mask = std::slice::from_raw_parts_mut(to, block.length);
                    dropout_mask(key, self.batch.update, block.first * features, keep, mask);
                }
            }
        }
    }

    unsafe fn store<S: Simd>(
        &self,
        simd: S,
        from: Operand<T>,
        at: Offset,
        stride: usize,
        block: Block,
    ) {
        let features = self.section.features;
        // SAFETY: the plan is verified.
        unsafe {
            let to = self.batch.memory.at(at).add(block.first * stride);
            match from {
                Operand::Run(from) => {
                    copy_columns(features, block.columns, from, features, to, stride);
                }
                Operand::Number(value) if stride == features => {
                    simd.vectorize(Fill {
                        length: block.length,
                        to,
                        value,
                    });
                }
                Operand::Number(value) => {
                    for column in 0..block.columns {
                        let to = to.add(column * stride);
                        simd.vectorize(Fill {
                            length: features,
                            to,
                            value,
                        });
                    }
                }
            }
        }
    }

    unsafe fn reduce<S: Simd>(
        &self,
        simd: S,
        from: *const T,
        axis: ReductionAxis,
        reduction: Reduction,
        (into, partials): (Offset, Offset),
        block: Block,
    ) {
        let features = self.section.features;
        let memory = self.batch.memory;
        // SAFETY: the plan is verified.
        unsafe {
            let partial = |elements: usize| match self.tile.only {
                true => memory.at(into),
                false => memory.at(partials).add(self.tile.index * elements),
            };
            let place = match axis {
                ReductionAxis::Features => ReduceInto::Features(memory.at(into).add(block.first)),
                ReductionAxis::Columns => ReduceInto::Columns(partial(features)),
                ReductionAxis::All => ReduceInto::All(partial(1)),
            };
            simd.vectorize(Reduce {
                from,
                features,
                columns: block.columns,
                stride: features,
                reduction,
                into: place,
                resume: !block.opens,
            });
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

/// Combines the tiles' results of a section's reductions, in the order of the tiles.
///
/// # Safety
/// The plan is verified, all tiles are done, and no other worker is at work.
pub(super) unsafe fn combine_partials<T: Element>(section: &Section, batch: Batch<T>) {
    let tiles = Cut::new(section, batch.rows).tiles;
    if tiles == 1 {
        return;
    }
    for instruction in &section.program {
        let Instruction::Reduce {
            axis,
            reduction,
            into,
            partials,
            ..
        } = *instruction
        else {
            continue;
        };
        let elements = match axis {
            ReductionAxis::Features => continue,
            ReductionAxis::Columns => section.features,
            ReductionAxis::All => 1,
        };
        for element in 0..elements {
            // SAFETY: `partials` holds `elements` for each tile.
            unsafe {
                let partials = batch.memory.at(partials).add(element);
                let first = match tiles {
                    0 => neutral(reduction),
                    _ => *partials,
                };
                let result = (1..tiles).fold(first, |sum, tile| {
                    combine(reduction, sum, *partials.add(tile * elements))
                });
                *batch.memory.at(into).add(element) = result;
            }
        }
    }
}

/// Does the section have results to combine after its tiles?
pub(super) fn combines(section: &Section) -> bool {
    section.program.iter().any(|instruction| match instruction {
        Instruction::Reduce { axis, .. } => match axis {
            ReductionAxis::Features => false,
            ReductionAxis::Columns | ReductionAxis::All => true,
        },
        Instruction::Load { .. }
        | Instruction::Unary { .. }
        | Instruction::Binary { .. }
        | Instruction::Store { .. } => false,
    })
}
