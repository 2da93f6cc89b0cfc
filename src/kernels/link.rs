//! From a verified kernel to the actions of each worker: which tiles are whose, where each operand
//! lies, and what is packed.

mod combined;
mod packed;
mod products;
mod program;
mod split_k;
pub(super) mod step;
mod weights;

use std::ops::Range;

use super::action::{Action, Actions, Address};
use super::arena::AddressSpace;
use super::barriers::{Access, DeferredStore};
use super::element::Element;
use super::team::share;
use crate::plan::step::{Instruction, Kernel, Matrix, ReductionAxis, Region, Tile, Tiling};
use program::Program;
use step::LinkedStep;

/// A transposed weight of no more elements is packed by each worker for itself: a barrier takes as
/// long.
pub(super) const PACKED_ALONE: usize = 8 << 10;
/// Workers share the rows of a product by so many: those of a weight's panel in f32.
const SHARED_ROWS: usize = 32;
/// They do if there are no more columns than a tile of the batch has, ...
const FEW_COLUMNS: usize = 32;
/// ... and a weight of at least so many elements.
const SHARED_PRODUCTS: usize = 32 << 10;
/// With more columns, each worker needs so many shares of rows, so that all have about as many.
const SHARES: usize = 4;
/// Elements that a worker copies at a time in a concatenation.
const CONCAT_ELEMENTS: usize = 1 << 14;

/// A matrix of more bytes, each used once, is read as one stream or as few.
const STREAMED_BYTES: usize = 256 << 10;

/// A right operand that so many rows of the result read, ...
const PACKED_RIGHT_ROWS: usize = 128;
/// ... from columns so many bytes apart, is worth copying: these share few places of a first-level
/// cache.
const PACKED_RIGHT_BYTES: usize = 2048;

/// Whether the right operand of a product is copied into strips.
pub(super) fn packs_right<T>(rows: usize, stride: usize) -> bool {
    let bytes = stride * size_of::<T>();
    rows >= PACKED_RIGHT_ROWS
        && bytes >= PACKED_RIGHT_BYTES
        && bytes.is_multiple_of(PACKED_RIGHT_BYTES / 2)
}

/// The most columns with which workers share the rows of a product with a weight of
/// `features × depth`: each then reads its own part of the weight only, and once, but all columns. With
/// more columns these are what it costs more to read.
pub(super) fn most_shared_columns(features: usize, depth: usize) -> usize {
    if features * depth >= SHARED_PRODUCTS {
        FEW_COLUMNS.max(features * depth / (2 * (features + depth)))
    } else {
        0
    }
}

/// Whether the only output of a layer is computed with lanes along its inputs.
pub(super) fn along_depth(weight: Matrix, depth: usize, region: &Region, lanes: usize) -> bool {
    region.features == 1 && weight.stride == 1 && depth >= 2 * lanes
}

/// What one worker does in one phase of a step. Between two phases is a barrier if one touches
/// what another has written.
pub(super) struct StepPhase<T> {
    pub actions: Actions<T>,
    pub accesses: Vec<Access>,
    /// Stores that may be done later. The accesses above have all that it touches.
    pub deferred: Vec<DeferredStore<T>>,
}

impl<T> Default for StepPhase<T> {
    fn default() -> Self {
        StepPhase {
            actions: Actions::default(),
            accesses: Vec::new(),
            deferred: Vec::new(),
        }
    }
}

/// The machine and the worker that a step is linked for.
#[derive(Clone, Copy)]
pub(super) struct LinkTarget {
    pub rows: usize,
    pub worker: usize,
    pub workers: usize,
    /// Where the worker's own part of the work space begins. Packed panels begin at 0.
    pub scratch: usize,
    /// Rows of a register tile on this machine.
    pub panel: usize,
    /// Elements of a vector on this machine.
    pub lanes: usize,
    /// The inputs and the targets, if they are read where they lie.
    pub in_place: [Option<Matrix>; 2],
}

impl LinkTarget {
    /// A place in the arena, or where it is read in its stead.
    fn place(&self, at: usize) -> Address {
        for (space, matrix) in [AddressSpace::Inputs, AddressSpace::Targets]
            .into_iter()
            .zip(self.in_place)
        {
            if let Some(matrix) = matrix {
                let within = at.wrapping_sub(matrix.at.0);
                if within < matrix.extent(self.rows) {
                    return Address {
                        space,
                        ..Address::arena(within)
                    };
                }
            }
        }
        Address::arena(at)
    }
}

/// The phases of a step for one worker; as many for every worker.
pub(super) fn phases<T: Element>(step: &LinkedStep, target: LinkTarget) -> Vec<StepPhase<T>> {
    let mut link = Link {
        step,
        target,
        phases: vec![StepPhase::default()],
    };
    link.compute();
    if step.combines {
        link.next_phase();
        if target.worker == 0 {
            link.combine();
        }
    }
    link.phases
}

struct Link<'s, T> {
    step: &'s LinkedStep,
    target: LinkTarget,
    phases: Vec<StepPhase<T>>,
}

impl<T: Element> Link<'_, T> {
    fn next_phase(&mut self) {
        self.phases.push(StepPhase::default());
    }

    fn phase(&mut self) -> &mut StepPhase<T> {
        self.phases.last_mut().expect("there is always a phase")
    }

    fn push(&mut self, action: Action<T>) {
        self.phase().actions.push(action);
    }

    fn touch(&mut self, place: Address, elements: usize, writes: bool) {
        let access = Access::new(place, elements, writes);
        let accesses = &mut self.phase().accesses;
        match accesses.last_mut() {
            Some(last) if last.joins(&access) => last.extend(&access),
            Some(_) | None => accesses.push(access),
        }
    }

    /// The worker reads these columns of a matrix.
    fn reads(&mut self, matrix: Matrix, first: usize, columns: usize) {
        if columns > 0 {
            let at = Address::arena(matrix.at.0 + first * matrix.stride);
            self.touch(at, (columns - 1) * matrix.stride + matrix.features, false);
        }
    }

    fn reads_whole(&mut self, matrix: Matrix) {
        self.reads(matrix, 0, matrix.columns.count(self.target.rows));
    }

    /// Whether a matrix fills more than a part of a near cache.
    fn is_streamed(&self, matrix: Matrix) -> bool {
        matrix.extent(self.target.rows) * size_of::<T>() > STREAMED_BYTES
    }

    fn share(&self, items: usize) -> Range<usize> {
        share(self.target.worker, self.target.workers, items)
    }

    fn compute(&mut self) {
        let step = self.step;
        match &step.kernel {
            Kernel::Loop { region } => self.tiles(region, |_, _, _| ()),
            Kernel::Forward {
                weight,
                input,
                bias,
                region,
            } => self.forward(*weight, *input, *bias, region),
            Kernel::DataGradient {
                weight,
                gradient,
                region,
            } => self.data_gradient(*weight, *gradient, region),
            Kernel::WeightGradient {
                gradient,
                input,
                weight,
                bias,
            } => self.weight_gradient(*gradient, *input, weight.as_ref(), bias.as_ref()),
            Kernel::Gather {
                table,
                index,
                region,
            } => self.tiles(region, |link, tile, result| {
                link.reads_whole(*table);
                link.reads(*index, tile.first, tile.columns);
                link.push(Action::Gather {
                    table: *table,
                    index: *index,
                    tile,
                    result,
                });
            }),
            Kernel::ScatterAdd {
                gradient,
                index,
                region,
            } => self.tiles(region, |link, tile, result| {
                link.reads_whole(*gradient);
                link.reads_whole(*index);
                link.push(Action::ScatterAdd {
                    gradient: *gradient,
                    index: *index,
                    tile,
                    result,
                });
            }),
            Kernel::CrossEntropy {
                logits,
                index,
                on,
                off,
                loss,
                gradient,
            } => {
                let regions = [loss.as_ref(), gradient.as_ref()];
                self.cross_entropy(*logits, *index, (*on, *off), regions);
            }
            Kernel::LogSoftmax { input, region } => {
                let scratch = Address::work(self.target.scratch + step.work);
                self.tiles(region, |link, tile, result| {
                    link.reads(*input, tile.first, tile.columns);
                    link.push(Action::LogSoftmax {
                        input: *input,
                        tile,
                        result,
                        scratch,
                    });
                });
            }
            Kernel::Concat { parts, to } => self.concatenate(parts, *to),
        }
    }

    /// For each of this worker's tiles: what the kernel does, and the program on its result.
    fn tiles(&mut self, region: &Region, kernel: impl Fn(&mut Self, Tile, Address)) {
        let tiling = region.tiling(self.target.rows);
        for index in self.share(tiling.tiles()) {
            let tile = tiling.tile(index);
            let accumulator = self.accumulator(region, 0, tile);
            kernel(self, tile, accumulator);
            self.program(region, 0, tile, accumulator);
        }
    }

    /// A region whose kernel's rows the workers share, by panels; the program then is done by tiles.
    /// `kernel` gets the rows, all columns, and the place of the whole result.
    fn by_rows(
        &mut self,
        region: &Region,
        kernel: impl Fn(&mut Self, Range<usize>, Tile, Address),
    ) {
        let features = region.features;
        let whole = Tile {
            index: 0,
            only: true,
            first: 0,
            columns: region.columns.count(self.target.rows),
        };
        let result = match region.accumulator {
            Some(at) => Address::arena(at.0),
            None => Address::work(0),
        };
        let panels = self.share(features.div_ceil(SHARED_ROWS));
        let rows = panels.start * SHARED_ROWS..features.min(panels.end * SHARED_ROWS);
        if !rows.is_empty() {
            // The workers' rows interleave: what each writes is said of all, as all that follows waits
            // for all of them.
            self.touch(result, features * whole.columns, true);
            kernel(self, rows, whole, result);
        }
        self.next_phase();
        let tiling = region.tiling(self.target.rows);
        for index in self.share(tiling.tiles()) {
            let tile = tiling.tile(index);
            let result = result.plus(tile.first * features);
            self.touch(result, features * tile.columns, false);
            self.program(region, 0, tile, result);
        }
    }

    /// Whether the rows of a product of `region.features × depth` are shared.
    fn shares_rows(&self, region: &Region, depth: usize) -> bool {
        let columns = region.columns.count(self.target.rows);
        let shares = region.features.div_ceil(SHARED_ROWS);
        let wanted = if columns <= FEW_COLUMNS {
            1
        } else {
            SHARES * self.target.workers
        };
        self.target.workers > 1
            && columns <= most_shared_columns(region.features, depth)
            && shares >= wanted
    }

    /// Where the kernel's result for a tile goes; `number` is the region's.
    fn accumulator(&mut self, region: &Region, number: usize, tile: Tile) -> Address {
        match region.accumulator {
            Some(at) => {
                let place = Address::arena(at.0 + tile.first * region.features);
                self.touch(place, tile.columns * region.features, true);
                place
            }
            None => Address::work(self.target.scratch + self.step.regions[number].accumulator),
        }
    }

    fn region_program<'p>(
        &self,
        region: &'p Region,
        number: usize,
        tile: Tile,
        accumulator: Address,
    ) -> Program<'p> {
        Program {
            region,
            tile,
            accumulator,
            scratch: self.target.scratch + self.step.regions[number].temporaries,
            target: self.target,
        }
    }

    fn program(&mut self, region: &Region, number: usize, tile: Tile, accumulator: Address) {
        let program = self.region_program(region, number, tile, accumulator);
        for (place, elements, writes) in program.touched() {
            self.touch(place, elements, writes);
        }
        if let Some(update) = &self.step.updates[number] {
            let length = tile.columns * region.features;
            let action = program.update(update, 0, length, None);
            return self.push(action);
        }
        let whole = tile.columns / region.block_columns;
        let rest = tile.columns % region.block_columns;
        let actions = &mut self.phase().actions;
        if whole > 0 {
            let block = program.block(0, region.block_columns);
            actions.push_repeated(whole, block);
        }
        if rest > 0 {
            let block = program.block(whole * region.block_columns, rest);
            actions.push_repeated(1, block);
        }
    }

    fn cross_entropy(
        &mut self,
        logits: Matrix,
        index: Matrix,
        (on, off): (f64, f64),
        regions: [Option<&Region>; 2],
    ) {
        let Some(any) = regions.into_iter().flatten().next() else {
            return;
        };
        let tiling = any.tiling(self.target.rows);
        for number in self.share(tiling.tiles()) {
            let tile = tiling.tile(number);
            let accumulators = [0, 1]
                .map(|number| regions[number].map(|region| self.accumulator(region, number, tile)));
            self.reads(logits, tile.first, tile.columns);
            self.reads(index, tile.first, tile.columns);
            let scratch = Address::work(self.target.scratch + self.step.work);
            self.push(Action::CrossEntropy {
                logits,
                index,
                on,
                off,
                tile,
                loss: accumulators[0],
                gradient: accumulators[1],
                scratch,
            });
            for (number, accumulator) in accumulators.into_iter().enumerate() {
                if let (Some(region), Some(accumulator)) = (regions[number], accumulator) {
                    self.program(region, number, tile, accumulator);
                }
            }
        }
    }

    fn concatenate(&mut self, parts: &[Matrix], to: Matrix) {
        let columns = to.columns.count(self.target.rows);
        let tile_columns = (CONCAT_ELEMENTS / to.features.max(1)).max(1);
        let tiling = Tiling::new(columns, None, tile_columns);
        for index in self.share(tiling.tiles()) {
            let tile = tiling.tile(index);
            for part in parts {
                self.reads(*part, tile.first, tile.columns);
            }
            let at = Address::arena(to.at.0 + tile.first * to.stride);
            self.touch(at, tile.columns * to.stride, true);
            self.push(Action::Concat {
                parts: parts.into(),
                to,
                tile,
            });
        }
    }

    /// Combines the tiles' results of the step's reductions, in the order of the tiles.
    fn combine(&mut self) {
        let rows = self.target.rows;
        for region in self.step.kernel.parts().1 {
            let tiles = region.tiling(rows).tiles();
            if tiles < 2 {
                continue;
            }
            for instruction in &region.program {
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
                    ReductionAxis::Columns => region.features,
                    ReductionAxis::All => 1,
                };
                let (partials, into) = (Address::arena(partials.0), Address::arena(into.0));
                self.touch(partials, elements * tiles, false);
                self.touch(into, elements, true);
                self.push(Action::Combine {
                    elements,
                    tiles,
                    reduction,
                    partials,
                    into,
                });
            }
        }
    }
}

/// Does the region have results to combine after its tiles?
pub(super) fn combines(region: &Region) -> bool {
    region.program.iter().any(|instruction| match instruction {
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
