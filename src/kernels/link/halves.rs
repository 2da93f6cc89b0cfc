//! The gradient of a small weight, summed over the two halves of the batch apart.
//!
//! Of two workers each sums over the columns that it has computed itself. What they exchange is then
//! the sums, which are fewer numbers than the columns and are read in their order; and they meet once
//! between two layers. Any other number of workers computes the same two sums.

use std::ops::Range;

use super::Link;
use super::weights::{Found, is_narrow};
use crate::kernels::action::{Action, Left, Place, ProductAction, Value};
use crate::kernels::element::Element;
use crate::kernels::team::share;
use crate::plan::batch_tile;
use crate::plan::step::{
    BinaryOperator, Columns, Cut, Kernel, Matrix, Offset, Reduction, ReductionAxis, Section,
};

/// Larger weights are summed over the whole batch: writing two sums would take too long.
const MOST_ELEMENTS: usize = 8 << 10;

/// The columns of inputs from far away that are read at a time.
const STREAMS: usize = 24;

/// The columns of the first half, if the gradient of a weight of `out × inputs` is summed in halves:
/// whole tiles of the batch, those of the first of two workers.
fn first_half<T>(out: usize, inputs: usize, rows: usize) -> Option<usize> {
    let tile = batch_tile(rows);
    let tiles = Cut::new(rows, None, tile).tiles();
    // What each of two workers reads of the other's sums, and what it would else of its columns.
    let (sums, columns) = (out * inputs / 2, rows * (inputs + out / 2) / 2);
    let pays = out * inputs <= MOST_ELEMENTS && 5 * sums <= 4 * columns;
    (tiles > 1 && pays && !is_narrow::<T>(out, inputs, rows)).then(|| share(0, 2, tiles).end * tile)
}

/// Where the sums of the halves lie in what all workers share, in elements.
#[derive(Clone, Copy)]
pub(super) struct HalfSums {
    pub at: usize,
    weight: usize,
    bias: usize,
}

impl HalfSums {
    /// The room that a kernel needs for batches of up to `rows`, if it sums in halves then.
    pub fn new<T: Element>(kernel: &Kernel, rows: usize) -> Option<HalfSums> {
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
        let elements = |section: &Option<Section>| match section {
            Some(section) => {
                let elements = section.features * section.columns.count(rows);
                elements.next_multiple_of(T::CHUNK)
            }
            None => 0,
        };
        Some(HalfSums {
            at: 0,
            weight: elements(weight),
            bias: elements(bias),
        })
    }

    /// The size of both halves' sums.
    pub fn elements(&self) -> usize {
        2 * (self.weight + self.bias)
    }

    fn of_weight(&self, half: usize) -> Place {
        Place::work(self.at + half * (self.weight + self.bias))
    }

    fn of_bias(&self, half: usize) -> Place {
        self.of_weight(half).plus(self.weight)
    }
}

impl<T: Element> Link<'_, T> {
    /// The gradient of weight and bias in halves; false if it is to be summed over the whole batch.
    pub(super) fn in_halves(
        &mut self,
        gradient: Matrix,
        input: Matrix,
        weight: Option<&Section>,
        bias: Option<&Section>,
    ) -> bool {
        let columns = gradient.columns.count(self.site.rows);
        let first = first_half::<T>(gradient.features, input.features, columns);
        let (Some(first), Some(sums)) = (first, self.step.half_sums) else {
            return false;
        };
        let halves = [0..first, first..columns];
        let halves = halves.map(|columns| [gradient, input].map(|matrix| part(matrix, &columns)));
        let at_once = weight.is_some_and(|section| {
            let packs = |[gradient, input]: [Matrix; 2]| {
                let depth = gradient.columns.count(self.site.rows);
                Self::packs_gradient(gradient, input, section, depth)
            };
            let apart = |[_, input]: [Matrix; 2]| self.reads_far(gradient, input);
            self.site.workers == 1 && !halves.into_iter().any(|half| packs(half) || apart(half))
        });
        for (half, [gradient, input]) in halves.into_iter().enumerate() {
            if let Some(section) = weight
                && !at_once
            {
                self.half_of_weight(half, gradient, input, section);
            }
            if let Some(section) = bias
                && self.site.worker == half * self.site.workers / 2
            {
                self.half_of_bias(gradient, section, sums.of_bias(half));
            }
        }
        self.next_phase();
        let other = 1 - 2 * self.site.worker / self.site.workers;
        if let Some(section) = weight {
            let free = self.update_of(section).is_some();
            if at_once {
                self.both_halves(halves, section, columns)
            } else {
                self.updated_tiles(section, columns, |link, tile, columns, result| {
                    let first = (tile.first + columns.start) * section.features;
                    let places = [0, 1].map(|half| sums.of_weight(half).plus(first));
                    // In the place of what the other worker has written: the next time that it writes there,
                    // its processor need not take the lines from one that only read them.
                    let found = if free {
                        Found {
                            at: places[other],
                            stays: true,
                        }
                    } else {
                        Found::told(result)
                    };
                    link.add(places, columns.len() * section.features, found.at);
                    found
                })
            }
        }
        if let Some(section) = bias
            && self.site.worker + 1 == self.site.workers
        {
            let tile = section.cut(self.site.rows).tile(0);
            let result = self.anchor(section, 1, tile);
            let places = [0, 1].map(|half| sums.of_bias(half));
            self.add(places, section.features, result);
            self.program(section, 1, tile, result);
        }
        true
    }

    /// This worker's tiles of one half's sum.
    fn half_of_weight(&mut self, half: usize, gradient: Matrix, input: Matrix, section: &Section) {
        let Some(sums) = self.step.half_sums else {
            return;
        };
        let cut = section.cut(self.site.rows);
        let count = cut.tiles();
        let own = self.share(2 * count);
        let within = |number: usize| number.clamp(half * count, (half + 1) * count) - half * count;
        let tiles = within(own.start)..within(own.end);
        if tiles.is_empty() {
            return;
        }
        let product = self.weight_product(gradient, input, section, tiles.clone());
        if self.reads_far(gradient, input) {
            // All tiles of a few columns, then of the next: as one stream.
            let first = cut.tile(tiles.start);
            let last = cut.tile(tiles.end - 1);
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
            let tile = cut.tile(index);
            let to = sums.of_weight(half).plus(tile.first * section.features);
            self.touch(to, tile.columns * section.features, true);
            self.push(Action::Product(product(tile, 0..tile.columns, to)));
        }
    }

    /// Whether a weight of one output has inputs from far away.
    fn reads_far(&self, gradient: Matrix, input: Matrix) -> bool {
        gradient.features == 1 && self.is_far(input)
    }

    /// Both halves' sums, one after the other, of each tile.
    fn both_halves(&mut self, halves: [[Matrix; 2]; 2], section: &Section, depth: usize) {
        let tiles = 0..section.cut(self.site.rows).tiles();
        let products = halves
            .map(|[gradient, input]| self.weight_product(gradient, input, section, tiles.clone()));
        self.updated_tiles(section, depth, |link, tile, columns, result| {
            for (half, product) in products.iter().enumerate() {
                link.push(Action::Product(ProductAction {
                    adds: half > 0,
                    ..product(tile, columns.clone(), result)
                }));
            }
            Found::told(result)
        });
    }

    fn half_of_bias(&mut self, gradient: Matrix, section: &Section, to: Place) {
        self.reads_whole(gradient);
        self.touch(to, section.features, true);
        self.push(Action::Reduce {
            features: section.features,
            columns: gradient.columns.count(self.site.rows),
            stride: gradient.stride,
            from: Place::arena(gradient.at.0),
            axis: ReductionAxis::Columns,
            reduction: Reduction::Sum,
            into: to,
            resume: false,
        });
    }

    /// The sum of two runs.
    fn add(&mut self, [left, right]: [Place; 2], length: usize, to: Place) {
        self.touch(left, length, false);
        self.touch(right, length, false);
        self.touch(to, length, true);
        self.push(Action::Binary {
            length,
            left: Value::Run(left),
            right: Value::Run(right),
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
