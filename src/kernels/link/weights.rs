//! The gradients of weights and biases: which tiles of a weight are whose, what is packed for them, and how
//! new weights come to their place.

use std::ops::Range;

use super::packed::Unpacked;
use super::step::LinkedStep;
use super::{Link, packs_right};
use crate::graph::ops::Reduction;
use crate::kernels::action::{Action, ActionOperand, Address, Left, ProductAction};
use crate::kernels::barriers::DeferredStore;
use crate::kernels::element::Element;
use crate::kernels::update::recognise::Recognised;
use crate::plan::step::{Matrix, ReductionAxis, Region, Tile, Tiling};

/// A left operand beyond this many bytes is worth packing: half of a common first-level cache.
const PACK_BYTES: usize = 16 << 10;
/// With fewer columns than this a packed panel is not used often enough.
const PACK_COLUMNS: usize = 24;
/// Elements of a weight whose gradient is computed before they are updated: they fill a part of a
/// first-level cache.
const UPDATED_ELEMENTS: usize = 48 * 32;
/// Their columns are a multiple of one of these, that of whole lines of a cache in every state: the
/// right operand's strips have widths that divide them.
const UPDATED_COLUMNS: [usize; 3] = [12, 24, 48];

/// Stores of new weights to where others have read are deferred, at most so many bytes at a time: lines that a
/// processor holds until they are stored, ...
const DEFERRED_BYTES: usize = 4 << 10;
/// ... if a product of as many rows of a batch goes on meanwhile, ...
const DEFERRED_DEPTH: usize = 32;
/// ... and there are enough of them for actions of their own.
const DEFERRED_ELEMENTS: usize = 2 << 10;
/// The columns of a product are parted at multiples of this, so that its strips remain whole.
const PART_COLUMNS: usize = 12;

/// A gradient of more bytes, for a weight of few inputs, is read by parts of so many columns: its
/// rows, each far from the next, would be read once for every panel.
const NARROW_BYTES: usize = 64 << 10;
const NARROW_DEPTH: usize = 32;

/// The columns of a weight, of `height` rows a panel, whose gradient is computed before their update.
fn updated_columns<T: Element>(height: usize) -> usize {
    let whole = |columns: &usize| (columns * height).is_multiple_of(T::CHUNK);
    let [.., most] = UPDATED_COLUMNS;
    let columns = UPDATED_COLUMNS.into_iter().find(whole).unwrap_or(most);
    (UPDATED_ELEMENTS / height.max(1)).next_multiple_of(columns)
}

/// The elements of a tile of a weight whose gradient is computed before they are updated, at most.
fn updated_block<T: Element>(height: usize, tile_columns: usize) -> usize {
    updated_columns::<T>(height).min(tile_columns) * height
}

/// The elements that a worker's scratch has for the gradient of a weight's tile of `height` rows, if an
/// optimizer's update follows: two blocks, as the new parameters of one stay while the next is computed.
pub(super) fn updated_space<T: Element>(height: usize, tile_columns: usize) -> Option<usize> {
    let block = updated_block::<T>(height, tile_columns);
    Some(height.checked_mul(tile_columns)?.max(2 * block))
}

/// Where a gradient has been put to be updated.
pub(super) struct PlacedGradient {
    pub at: Address,
    /// Nobody else writes there before the next barrier.
    pub is_kept: bool,
}

impl PlacedGradient {
    /// It was put where the result was asked for.
    pub fn at_result(at: Address) -> PlacedGradient {
        PlacedGradient { at, is_kept: false }
    }
}

/// The copies of new parameters to their place: each of as many lines as a processor holds stores.
fn copies_of<T: Element>(length: usize, from: Address, to: Address) -> Vec<DeferredStore<T>> {
    let most = DEFERRED_BYTES / size_of::<T>();
    let pieces = length.div_ceil(most).max(1);
    let piece = length.div_ceil(pieces).next_multiple_of(T::CHUNK);
    let firsts = (0..length).step_by(piece);
    firsts
        .map(|first| {
            let length = piece.min(length - first);
            DeferredStore::copy(length, from.plus(first), to.plus(first))
        })
        .collect()
}

/// Whether a weight of so few inputs has so large a gradient of its outputs.
pub(super) fn is_narrow<T>(out: usize, inputs: usize, depth: usize) -> bool {
    inputs < PACK_COLUMNS && out * depth * size_of::<T>() > NARROW_BYTES && depth > NARROW_DEPTH
}

impl<'s, T: Element> Link<'s, T> {
    pub(super) fn weight_gradient(
        &mut self,
        gradient: Matrix,
        input: Matrix,
        weight: Option<&Region>,
        bias: Option<&Region>,
    ) {
        if self.split_k(gradient, input, weight, bias) {
            return;
        }
        if let Some(region) = weight {
            self.weight_tiles(gradient, input, region);
        }
        if let Some(region) = bias {
            self.bias(gradient, region);
        }
    }

    /// The gradient's sum over the rows: by the last worker, as it has no more weight tiles than the
    /// others; an optimizer's update of many features by all.
    fn bias(&mut self, gradient: Matrix, region: &Region) {
        let tile = region.tiling(self.target.rows).tile(0);
        let chunks = gradient.features.div_ceil(T::CHUNK);
        let divided = self.step.updates[1].is_some() && chunks >= self.target.workers;
        let share = if divided {
            self.share(chunks)
        } else if self.target.worker + 1 == self.target.workers {
            0..chunks
        } else {
            return;
        };
        let first = share.start * T::CHUNK;
        let features = gradient.features.min(share.end * T::CHUNK) - first;
        let accumulator = self.accumulator(region, 1, tile).plus(first);
        self.reads_whole(gradient);
        self.push(Action::Reduce {
            features,
            columns: gradient.columns.count(self.target.rows),
            stride: gradient.stride,
            from: Address::arena(gradient.at.0 + first),
            axis: ReductionAxis::Columns,
            reduction: Reduction::Sum,
            into: accumulator,
            resume: false,
        });
        match &self.step.updates[1] {
            Some(update) if divided => {
                for state in &update.states {
                    self.touch(Address::arena(state.0 + first), features, true);
                }
                let program = self.region_program(region, 1, tile, accumulator);
                let action = program.update(update, first, features, None);
                self.push(action);
            }
            Some(_) | None => self.program(region, 1, tile, accumulator),
        }
    }

    fn weight_tiles(&mut self, gradient: Matrix, input: Matrix, region: &Region) {
        let (out, depth) = (gradient.features, gradient.columns.count(self.target.rows));
        let packs_right = packs_right::<T>(out, input.stride);
        if out > 1 && is_narrow::<T>(out, input.features, depth) && !packs_right {
            self.reads_whole(gradient);
            self.reads_whole(input);
            return self.narrow_weight(gradient, input, region, depth);
        }
        let tiles = self.share(region.tiling(self.target.rows).tiles());
        let product = self.weight_product(gradient, input, region, tiles);
        self.updated_tiles(region, depth, |link, tile, columns, result| {
            link.push(Action::Product(product(tile, columns, result)));
            PlacedGradient::at_result(result)
        });
    }

    /// For each of this worker's tiles of a weight: what computes the gradient of some of its columns,
    /// and the program on it. The gradient sums over `depth` columns; where several workers update, it is
    /// where [`PlacedGradient`] says, as new parameters take its place until they are copied.
    pub(super) fn updated_tiles(
        &mut self,
        region: &Region,
        depth: usize,
        gradient: impl Fn(&mut Self, Tile, Range<usize>, Address) -> PlacedGradient,
    ) {
        let Some(update) = self.update_of(region) else {
            return self.tiles(region, |link, tile, result| {
                gradient(link, tile, 0..tile.columns, result);
            });
        };
        // The gradient of a few columns, then their update: it is still in the first cache.
        let (tiling, height) = (region.tiling(self.target.rows), region.features);
        let elements = height * region.columns.count(self.target.rows);
        let defers =
            depth >= DEFERRED_DEPTH && elements >= DEFERRED_ELEMENTS && self.target.workers > 1;
        let (mut turn, mut copies) = (0, Vec::new());
        for index in self.share(tiling.tiles()) {
            let tile = tiling.tile(index);
            let accumulator = self.accumulator(region, 0, tile);
            let program = self.region_program(region, 0, tile, accumulator);
            for (place, elements, writes) in program.touched() {
                self.touch(place, elements, writes);
            }
            let most = updated_columns::<T>(height);
            for first in (0..tile.columns).step_by(most) {
                let columns = first..tile.columns.min(first + most);
                let (start, length) = (first * height, columns.len() * height);
                let space = turn * updated_block::<T>(height, region.tile_columns);
                let found = self.among_copies(copies, columns, |link, part| {
                    let place = accumulator.plus(space + (part.start - first) * height);
                    gradient(link, tile, part, place)
                });
                let result = defers.then_some(found.at);
                self.push(program.at(found.at).update(update, start, length, result));
                copies = match result {
                    Some(from) => {
                        copies_of::<T>(length, from, program.state(update.states[0], start))
                    }
                    None => Vec::new(),
                };
                if found.is_kept {
                    self.phase().deferred.append(&mut copies);
                }
                turn = usize::from(defers) - turn;
            }
        }
        self.push_copies(copies);
    }

    /// The gradient of some columns in at most as many parts as there are copies, one of which goes before each,
    /// what is left of them behind the last; says where the first part has been put.
    fn among_copies(
        &mut self,
        copies: Vec<DeferredStore<T>>,
        columns: Range<usize>,
        gradient: impl Fn(&mut Self, Range<usize>) -> PlacedGradient,
    ) -> PlacedGradient {
        let part = match copies.len() {
            0 | 1 => columns.len(),
            count => columns.len().div_ceil(count).next_multiple_of(PART_COLUMNS),
        };
        let mut copies = copies.into_iter();
        let parts = columns.clone().step_by(part).map(|first| {
            self.push_copies(copies.by_ref().take(1));
            gradient(self, first..columns.end.min(first + part))
        });
        let found = parts.reduce(|first, _| first);
        self.push_copies(copies);
        found.expect("a block has columns")
    }

    /// The optimizer's update that follows a weight's gradient which is kept nowhere.
    pub(super) fn update_of(&self, region: &Region) -> Option<&'s Recognised> {
        let step: &'s LinkedStep = self.step;
        step.updates[0]
            .as_ref()
            .filter(|_| region.accumulator.is_none())
    }

    fn push_copies(&mut self, copies: impl IntoIterator<Item = DeferredStore<T>>) {
        for copy in copies {
            self.push(copy.now());
        }
    }

    /// Whether a weight's gradient is computed from a packed left operand. What fills up the last
    /// panel is computed from zeros that packing puts there.
    pub(super) fn packs_gradient(
        gradient: Matrix,
        input: Matrix,
        region: &Region,
        depth: usize,
    ) -> bool {
        let (out, height) = (gradient.features, region.features);
        let filled = out > height && !out.is_multiple_of(height);
        let large = out > 1 && out * depth * size_of::<T>() > PACK_BYTES;
        filled || large && input.features >= PACK_COLUMNS
    }

    /// What computes columns of a tile of a weight's gradient, for some of the tiles; what they need
    /// of packed operands is packed.
    pub(super) fn weight_product(
        &mut self,
        gradient: Matrix,
        input: Matrix,
        region: &Region,
        tiles: Range<usize>,
    ) -> impl Fn(Tile, Range<usize>, Address) -> ProductAction + use<T> {
        let out = gradient.features;
        let depth = gradient.columns.count(self.target.rows);
        let gradients = Address::arena(gradient.at.0);
        let inputs = self.target.place(input.at.0);
        self.reads_whole(gradient);
        self.reads_whole(input);
        let height = region.features;
        let panel_columns = region.panel_columns.unwrap_or(input.features).max(1);
        let packs_right = out > 1 && packs_right::<T>(out, input.stride);
        if packs_right {
            self.packed_input(input, region, depth);
        }
        let pack = Self::packs_gradient(gradient, input, region, depth);
        let left = if pack {
            self.packed_gradient(gradient, region, depth, tiles)
        } else {
            Left {
                at: gradients,
                height: out,
                stride: 0,
                step: gradient.stride,
            }
        };
        move |tile, columns, result| {
            if out == 1 {
                // The only row of the result adjoins along the inputs: lanes along these.
                return ProductAction {
                    rows: columns.len(),
                    columns: 1,
                    depth,
                    left: Left {
                        at: inputs.plus(tile.first + columns.start),
                        height: columns.len(),
                        stride: 0,
                        step: input.stride,
                    },
                    right: gradients,
                    right_step: gradient.stride,
                    right_stride: 0,
                    result,
                    result_stride: 0,
                    ..ProductAction::default()
                };
            }
            let first_row = tile.first / panel_columns * height;
            let column = tile.first % panel_columns + columns.start;
            let start = if pack { first_row * depth } else { first_row };
            let (right, right_step, right_stride) = if packs_right {
                (Address::work(column * depth), 0, 0)
            } else {
                (inputs.plus(column), input.stride, 1)
            };
            ProductAction {
                rows: height,
                columns: columns.len(),
                depth,
                left: Left {
                    at: left.at.plus(start),
                    ..left
                },
                right,
                right_step,
                right_stride,
                right_packed: packs_right,
                result,
                result_stride: height,
                ..ProductAction::default()
            }
        }
    }

    /// The gradient of a weight of few inputs: all of the worker's panels of a part of the depth, then
    /// of the next, so that columns of the gradient are read one after the other, and once.
    fn narrow_weight(&mut self, gradient: Matrix, input: Matrix, region: &Region, depth: usize) {
        let (out, height, columns) = (gradient.features, region.features, input.features);
        let tiling = region.tiling(self.target.rows);
        let tiles = self.share(tiling.tiles());
        let results: Vec<(Tile, Address)> = tiles
            .clone()
            .map(|index| {
                let tile = tiling.tile(index);
                debug_assert_eq!(tile.columns, columns, "a tile is a panel");
                let space = self.target.scratch + self.step.packed;
                let result = match region.accumulator {
                    Some(_) => self.accumulator(region, 0, tile),
                    None => Address::work(space + (index - tiles.start) * height * columns),
                };
                (tile, result)
            })
            .collect();
        let rows = |tile: Tile| {
            let first = tile.first / columns * height;
            first..out.min(first + height)
        };
        for (tile, result) in &results {
            // What fills up the last panel stays zero.
            if rows(*tile).len() < height {
                self.push(Action::Fill {
                    length: height * columns,
                    value: ActionOperand::Constant(T::ZERO),
                    to: *result,
                });
            }
        }
        for first in (0..depth).step_by(NARROW_DEPTH) {
            for (tile, result) in &results {
                let rows = rows(*tile);
                let at = gradient.at.0 + first * gradient.stride + rows.start;
                self.push(Action::Product(ProductAction {
                    rows: rows.len(),
                    columns,
                    depth: (depth - first).min(NARROW_DEPTH),
                    left: Left {
                        at: Address::arena(at),
                        height,
                        stride: 0,
                        step: gradient.stride,
                    },
                    right: Address::arena(input.at.0 + first * input.stride),
                    right_step: input.stride,
                    right_stride: 1,
                    resume: first > 0,
                    result: *result,
                    result_stride: height,
                    ..ProductAction::default()
                }));
            }
        }
        for (tile, result) in results {
            self.program(region, 0, tile, result);
        }
    }

    /// Copies the input into strips, by all workers together: those of each tile of a panel, one after
    /// the other.
    fn packed_input(&mut self, input: Matrix, region: &Region, depth: usize) {
        let tiling = Tiling::new(input.features, None, region.tile_columns);
        for index in self.share(tiling.tiles()) {
            let tile = tiling.tile(index);
            let to = Address::work(tile.first * depth);
            self.touch(to, tile.columns * depth, true);
            self.push(Action::PackRight {
                columns: tile.columns,
                depth,
                from: Address::arena(input.at.0 + tile.first),
                step: input.stride,
                stride: 1,
                to,
            });
        }
        self.next_phase();
        self.touch(Address::work(0), input.features * depth, false);
    }

    /// The gradient packed, as far as some tiles need it.
    fn packed_gradient(
        &mut self,
        gradient: Matrix,
        region: &Region,
        depth: usize,
        tiles: Range<usize>,
    ) -> Left {
        let height = region.features;
        // Columns that are in no panels are one.
        let panel_of = |column: usize| region.panel_columns.map_or(0, |columns| column / columns);
        let tiling = region.tiling(self.target.rows);
        let to = Address::work(self.target.scratch + self.step.packed);
        if !tiles.is_empty() {
            let first = panel_of(tiling.tile(tiles.start).first);
            let last = panel_of(tiling.tile(tiles.end - 1).first);
            let rows = first * height..(last + 1) * height;
            let panel = self.target.panel;
            let source = Unpacked {
                at: Address::arena(gradient.at.0),
                depth,
                row_stride: 1,
                step: gradient.stride,
                segment: depth,
                segment_stride: 0,
            };
            let panels = rows.start / panel..rows.end.div_ceil(panel);
            self.pack(panels, gradient.features, source, to);
        }
        self.packed(to, depth)
    }
}
