//! The gradient of a small weight, summed over the two halves of the batch apart.
//!
//! Of two workers each sums over the columns that it has computed itself. What they exchange is then
//! the sums, which are fewer numbers than the columns and are read in their order; and there is one barrier
//! between two layers. Any other number of workers computes the same two sums.

use std::ops::Range;

use super::Link;
use super::weights::{PlacedGradient, is_narrow};
use crate::graph::ops::{BinaryOperator, Reduction};
use crate::kernels::action::{Action, ActionOperand, Address, Left, ProductAction};
use crate::kernels::element::Element;
use crate::kernels::team::share;
use crate::plan::batch_tile;
use crate::plan::step::{Columns, Kernel, Matrix, Offset, ReductionAxis, Region, Tiling};

/// Larger weights are summed over the whole batch: writing two sums would take too long.
const MOST_ELEMENTS: usize = 8 << 10;

/// The columns of inputs from far away that are read at a time.
const STREAMS: usize = 24;

/// The columns of the first half, if the gradient of a weight of `out × inputs` is summed in halves:
/// whole tiles of the batch, those of the first of two workers.
fn first_half<T>(out: usize, inputs: usize, rows: usize) -> Option<usize> {
    let tile = batch_tile(rows);
    let tiles = Tiling::new(rows, None, tile).tiles();
    // What each of two workers reads of the other's sums, and what it would else of its columns.
    let (sums, columns) = (out * inputs / 2, rows * (inputs + out / 2) / 2);
    let pays = out * inputs <= MOST_ELEMENTS && 5 * sums <= 4 * columns;
    (tiles > 1 && pays && !is_narrow::<T>(out, inputs, rows)).then(|| share(0, 2, tiles).end * tile)
}

/// Where the sums of the halves lie in what all workers share, in elements.
#[derive(Clone, Copy)]
pub(super) struct SplitK {
    pub at: usize,
    weight: usize,
    bias: usize,
}

impl SplitK {
    /// The space that a kernel needs for batches of up to `rows`, if it sums in halves then.
    pub fn new<T: Element>(kernel: &Kernel, rows: usize) -> Option<SplitK> {
        let Kernel::WeightGradient {
            gradient,
            input,
            weight,
            bias,
        } = kernel
        else {
            return None;
        };
        let columns = gradient.columns.count(rows);
        first_half::<T>(gradient.features, input.features, columns)?;
        let elements = |region: &Option<Region>| match region {
            Some(region) => {
                let elements = region.features * region.columns.count(rows);
                elements.next_multiple_of(T::CHUNK)
            }
            None => 0,
        };
        Some(SplitK {
            at: 0,
            weight: elements(weight),
            bias: elements(bias),
        })
    }

    /// The size of both halves' sums.
    pub fn elements(&self) -> usize {
        2 * (self.weight + self.bias)
    }

    fn of_weight(&self, half: usize) -> Address {
        Address::work(self.at + half * (self.weight + self.bias))
    }

    fn of_bias(&self, half: usize) -> Address {
        self.of_weight(half).plus(self.weight)
    }
}

impl<T: Element> Link<'_, T> {
    /// The gradient of weight and bias in halves; false if it is to be summed over the whole batch.
    pub(super) fn split_k(
        &mut self,
        gradient: Matrix,
        input: Matrix,
        weight: Option<&Region>,
        bias: Option<&Region>,
    ) -> bool {
        let columns = gradient.columns.count(self.target.rows);
        let first = first_half::<T>(gradient.features, input.features, columns);
        let (Some(first), Some(sums)) = (first, self.step.split_k) else {
            return false;
        };
        let halves = [0..first, first..columns];
        let halves = halves.map(|columns| [gradient, input].map(|matrix| part(matrix, &columns)));
        let at_once = weight.is_some_and(|region| {
            let packs = |[gradient, input]: [Matrix; 2]| {
                let depth = gradient.columns.count(self.target.rows);
                Self::packs_gradient(gradient, input, region, depth)
            };
            let apart = |[_, input]: [Matrix; 2]| self.reads_streamed(gradient, input);
            self.target.workers == 1 && !halves.into_iter().any(|half| packs(half) || apart(half))
        });
        for (half, [gradient, input]) in halves.into_iter().enumerate() {
            if let Some(region) = weight
                && !at_once
            {
                self.half_of_weight(half, gradient, input, region);
            }
            if let Some(region) = bias
                && self.target.worker == half * self.target.workers / 2
            {
                self.half_of_bias(gradient, region, sums.of_bias(half));
            }
        }
        self.next_phase();
        let other = 1 - 2 * self.target.worker / self.target.workers;
        if let Some(region) = weight {
            let free = self.update_of(region).is_some();
            if at_once {
                self.both_halves(halves, region, columns)
            } else {
                self.updated_tiles(region, columns, |link, tile, columns, result| {
                    let first = (tile.first + columns.start) * region.features;
                    let places = [0, 1].map(|half| sums.of_weight(half).plus(first));
                    // In the place of what the other worker has written: the next time that it writes there,
                    // its processor need not take the lines from one that only read them.
                    let found = if free {
                        PlacedGradient {
                            at: places[other],
                            is_kept: true,
                        }
                    } else {
                        PlacedGradient::at_result(result)
                    };
                    link.add(places, columns.len() * region.features, found.at);
                    found
                })
            }
        }
        if let Some(region) = bias
            && self.target.worker + 1 == self.target.workers
        {
            let tile = region.tiling(self.target.rows).tile(0);
            let result = self.accumulator(region, 1, tile);
            let places = [0, 1].map(|half| sums.of_bias(half));
            self.add(places, region.features, result);
            self.program(region, 1, tile, result);
        }
        true
    }

    /// This worker's tiles of one half's sum.
    fn half_of_weight(&mut self, half: usize, gradient: Matrix, input: Matrix, region: &Region) {
        let Some(sums) = self.step.split_k else {
            return;
        };
        let tiling = region.tiling(self.target.rows);
        let count = tiling.tiles();
        let own = self.share(2 * count);
        let within = |number: usize| number.clamp(half * count, (half + 1) * count) - half * count;
        let tiles = within(own.start)..within(own.end);
        if tiles.is_empty() {
            return;
        }
        let product = self.weight_product(gradient, input, region, tiles.clone());
        if self.reads_streamed(gradient, input) {
            // All tiles of a few columns, then of the next: as one stream.
            let first = tiling.tile(tiles.start);
            let last = tiling.tile(tiles.end - 1);
            let to = sums.of_weight(half).plus(first.first);
            let inputs = last.first + last.columns - first.first;
            self.touch(to, inputs, true);
            let whole = product(first, 0..inputs, to);
            for column in (0..whole.depth).step_by(STREAMS) {
                self.push(Action::Product(ProductAction {
                    depth: (whole.depth - column).min(STREAMS),
                    left: Left {
                        at: whole.left.at.plus(column * whole.left.step),
                        ..whole.left
                    },
                    right: whole.right.plus(column * whole.right_step),
                    resume: column > 0,
                    ..whole
                }));
            }
            return;
        }
        for index in tiles {
            let tile = tiling.tile(index);
            let to = sums.of_weight(half).plus(tile.first * region.features);
            self.touch(to, tile.columns * region.features, true);
            self.push(Action::Product(product(tile, 0..tile.columns, to)));
        }
    }

    /// Whether a weight of one output has inputs from far away.
    fn reads_streamed(&self, gradient: Matrix, input: Matrix) -> bool {
        gradient.features == 1 && self.is_streamed(input)
    }

    /// Both halves' sums, one after the other, of each tile.
    fn both_halves(&mut self, halves: [[Matrix; 2]; 2], region: &Region, depth: usize) {
        let tiles = 0..region.tiling(self.target.rows).tiles();
        let products = halves
            .map(|[gradient, input]| self.weight_product(gradient, input, region, tiles.clone()));
        self.updated_tiles(region, depth, |link, tile, columns, result| {
            for (half, product) in products.iter().enumerate() {
                link.push(Action::Product(ProductAction {
                    adds: half > 0,
                    ..product(tile, columns.clone(), result)
                }));
            }
            PlacedGradient::at_result(result)
        });
    }

    fn half_of_bias(&mut self, gradient: Matrix, region: &Region, to: Address) {
        self.reads_whole(gradient);
        self.touch(to, region.features, true);
        self.push(Action::Reduce {
            features: region.features,
            columns: gradient.columns.count(self.target.rows),
            stride: gradient.stride,
            from: Address::arena(gradient.at.0),
            axis: ReductionAxis::Columns,
            reduction: Reduction::Sum,
            into: to,
            resume: false,
        });
    }

    /// The sum of two runs.
    fn add(&mut self, [left, right]: [Address; 2], length: usize, to: Address) {
        self.touch(left, length, false);
        self.touch(right, length, false);
        self.touch(to, length, true);
        self.push(Action::Binary {
            length,
            left: ActionOperand::Run(left),
            right: ActionOperand::Run(right),
            to,
            operator: BinaryOperator::Add,
        });
    }
}

/// Some columns of a matrix.
fn part(matrix: Matrix, columns: &Range<usize>) -> Matrix {
    Matrix {
        at: Offset(matrix.at.0 + columns.start * matrix.stride),
        columns: Columns::Fixed(columns.len()),
        ..matrix
    }
}
