//! From a verified kernel to the actions of each worker: which tiles are whose, where each operand
//! lies, and what is packed.

mod combined;
mod halves;
mod packed;
mod products;
mod program;
pub(super) mod step;
mod weights;

use std::ops::Range;

use super::action::{Action, Actions, Place};
use super::arena::Room;
use super::element::Element;
use super::meetings::{Access, Later};
use super::team::share;
use crate::plan::step::{Cut, Instruction, Kernel, Matrix, ReductionAxis, Section, Tile};
use program::Program;
use step::Step;

/// A transposed weight of no more elements is packed by each worker for itself: a meeting takes as
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
const FAR_BYTES: usize = 256 << 10;

/// A right operand that so many rows of the result read, ...
const STRIP_ROWS: usize = 128;
/// ... from columns so many bytes apart, is worth copying: these share few places of a first-level
/// cache.
const STRIP_BYTES: usize = 2048;

/// Whether the right operand of a product is copied into strips.
pub(super) fn in_strips<T>(rows: usize, stride: usize) -> bool {
    let bytes = stride * size_of::<T>();
    rows >= STRIP_ROWS && bytes >= STRIP_BYTES && bytes.is_multiple_of(STRIP_BYTES / 2)
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
pub(super) fn along_depth(weight: Matrix, depth: usize, section: &Section, lanes: usize) -> bool {
    section.features == 1 && weight.stride == 1 && depth >= 2 * lanes
}

/// What one worker does in one phase of a step. Between two phases the workers meet if one touches
/// what another has written.
pub(super) struct Phase<T> {
    pub actions: Actions<T>,
    pub accesses: Vec<Access>,
    /// What may be done later. The accesses above have all that it touches.
    pub later: Vec<Later<T>>,
}

impl<T> Default for Phase<T> {
    fn default() -> Self {
        Phase {
            actions: Actions::default(),
            accesses: Vec::new(),
            later: Vec::new(),
        }
    }
}

/// The machine and the worker that a step is linked for.
#[derive(Clone, Copy)]
pub(super) struct Site {
    pub rows: usize,
    pub worker: usize,
    pub workers: usize,
    /// Where the worker's own part of the work room begins. Packed panels begin at 0.
    pub scratch: usize,
    /// Rows of a register tile on this machine.
    pub panel: usize,
    /// Elements of a vector on this machine.
    pub lanes: usize,
    /// The inputs and the targets, if they are read where they lie.
    pub in_place: [Option<Matrix>; 2],
}

impl Site {
    /// A place in the arena, or where it is read in its stead.
    fn place(&self, at: usize) -> Place {
        for (room, matrix) in [Room::Inputs, Room::Targets].into_iter().zip(self.in_place) {
            if let Some(matrix) = matrix {
                let within = at.wrapping_sub(matrix.at.0);
                if within < matrix.extent(self.rows) {
                    return Place {
                        room,
                        ..Place::arena(within)
                    };
                }
            }
        }
        Place::arena(at)
    }
}

/// The phases of a step for one worker; as many for every worker.
pub(super) fn phases<T: Element>(step: &Step, site: Site) -> Vec<Phase<T>> {
    let mut link = Link {
        step,
        site,
        phases: vec![Phase::default()],
    };
    link.compute();
    if step.combines {
        link.next_phase();
        if site.worker == 0 {
            link.combine();
        }
    }
    link.phases
}

struct Link<'s, T> {
    step: &'s Step,
    site: Site,
    phases: Vec<Phase<T>>,
}

impl<T: Element> Link<'_, T> {
    fn next_phase(&mut self) {
        self.phases.push(Phase::default());
    }

    fn phase(&mut self) -> &mut Phase<T> {
        self.phases.last_mut().expect("there is always a phase")
    }

    fn push(&mut self, action: Action<T>) {
        self.phase().actions.push(action);
    }

    fn touch(&mut self, place: Place, elements: usize, writes: bool) {
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
            let at = Place::arena(matrix.at.0 + first * matrix.stride);
            self.touch(at, (columns - 1) * matrix.stride + matrix.features, false);
        }
    }

    fn reads_whole(&mut self, matrix: Matrix) {
        self.reads(matrix, 0, matrix.columns.count(self.site.rows));
    }

    /// Whether a matrix fills more than a part of a near cache.
    fn is_far(&self, matrix: Matrix) -> bool {
        matrix.extent(self.site.rows) * size_of::<T>() > FAR_BYTES
    }

    fn share(&self, items: usize) -> Range<usize> {
        share(self.site.worker, self.site.workers, items)
    }

    fn compute(&mut self) {
        let step = self.step;
        match &step.kernel {
            Kernel::Loop { section } => self.tiles(section, |_, _, _| ()),
            Kernel::Forward {
                weight,
                input,
                bias,
                section,
            } => self.forward(*weight, *input, *bias, section),
            Kernel::DataGradient {
                weight,
                gradient,
                section,
            } => self.data_gradient(*weight, *gradient, section),
            Kernel::WeightGradient {
                gradient,
                input,
                weight,
                bias,
            } => self.weight_gradient(*gradient, *input, weight.as_ref(), bias.as_ref()),
            Kernel::Gather {
                table,
                index,
                section,
            } => self.tiles(section, |link, tile, result| {
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
                section,
            } => self.tiles(section, |link, tile, result| {
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
                let sections = [loss.as_ref(), gradient.as_ref()];
                self.cross_entropy(*logits, *index, (*on, *off), sections);
            }
            Kernel::LogSoftmax { input, section } => {
                let scratch = Place::work(self.site.scratch + step.work);
                self.tiles(section, |link, tile, result| {
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
    fn tiles(&mut self, section: &Section, kernel: impl Fn(&mut Self, Tile, Place)) {
        let cut = section.cut(self.site.rows);
        for index in self.share(cut.tiles()) {
            let tile = cut.tile(index);
            let anchor = self.anchor(section, 0, tile);
            kernel(self, tile, anchor);
            self.program(section, 0, tile, anchor);
        }
    }

    /// A section whose kernel's rows the workers share, by panels; the program then is done by tiles.
    /// `kernel` gets the rows, all columns, and the place of the whole result.
    fn by_rows(
        &mut self,
        section: &Section,
        kernel: impl Fn(&mut Self, Range<usize>, Tile, Place),
    ) {
        let features = section.features;
        let whole = Tile {
            index: 0,
            only: true,
            first: 0,
            columns: section.columns.count(self.site.rows),
        };
        let result = match section.anchor {
            Some(at) => Place::arena(at.0),
            None => Place::work(0),
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
        let cut = section.cut(self.site.rows);
        for index in self.share(cut.tiles()) {
            let tile = cut.tile(index);
            let result = result.plus(tile.first * features);
            self.touch(result, features * tile.columns, false);
            self.program(section, 0, tile, result);
        }
    }

    /// Whether the rows of a product of `section.features × depth` are shared.
    fn shares_rows(&self, section: &Section, depth: usize) -> bool {
        let columns = section.columns.count(self.site.rows);
        let shares = section.features.div_ceil(SHARED_ROWS);
        let wanted = if columns <= FEW_COLUMNS {
            1
        } else {
            SHARES * self.site.workers
        };
        self.site.workers > 1
            && columns <= most_shared_columns(section.features, depth)
            && shares >= wanted
    }

    /// Where the kernel's result for a tile goes; `number` is the section's.
    fn anchor(&mut self, section: &Section, number: usize, tile: Tile) -> Place {
        match section.anchor {
            Some(at) => {
                let place = Place::arena(at.0 + tile.first * section.features);
                self.touch(place, tile.columns * section.features, true);
                place
            }
            None => Place::work(self.site.scratch + self.step.sections[number].anchor),
        }
    }

    fn section_program<'p>(
        &self,
        section: &'p Section,
        number: usize,
        tile: Tile,
        anchor: Place,
    ) -> Program<'p> {
        Program {
            section,
            tile,
            anchor,
            scratch: self.site.scratch + self.step.sections[number].temporaries,
            site: self.site,
        }
    }

    fn program(&mut self, section: &Section, number: usize, tile: Tile, anchor: Place) {
        let program = self.section_program(section, number, tile, anchor);
        for (place, elements, writes) in program.touched() {
            self.touch(place, elements, writes);
        }
        if let Some(update) = &self.step.updates[number] {
            let length = tile.columns * section.features;
            let action = program.update(update, 0, length, None);
            return self.push(action);
        }
        let whole = tile.columns / section.block_columns;
        let rest = tile.columns % section.block_columns;
        let actions = &mut self.phase().actions;
        if whole > 0 {
            let block = program.block(0, section.block_columns);
            actions.push_repeated(whole, block);
        }
        if rest > 0 {
            let block = program.block(whole * section.block_columns, rest);
            actions.push_repeated(1, block);
        }
    }

    fn cross_entropy(
        &mut self,
        logits: Matrix,
        index: Matrix,
        (on, off): (f64, f64),
        sections: [Option<&Section>; 2],
    ) {
        let Some(any) = sections.into_iter().flatten().next() else {
            return;
        };
        let cut = any.cut(self.site.rows);
        for number in self.share(cut.tiles()) {
            let tile = cut.tile(number);
            let anchors = [0, 1]
                .map(|number| sections[number].map(|section| self.anchor(section, number, tile)));
            self.reads(logits, tile.first, tile.columns);
            self.reads(index, tile.first, tile.columns);
            let scratch = Place::work(self.site.scratch + self.step.work);
            self.push(Action::CrossEntropy {
                logits,
                index,
                on,
                off,
                tile,
                loss: anchors[0],
                gradient: anchors[1],
                scratch,
            });
            for (number, anchor) in anchors.into_iter().enumerate() {
                if let (Some(section), Some(anchor)) = (sections[number], anchor) {
                    self.program(section, number, tile, anchor);
                }
            }
        }
    }

    fn concatenate(&mut self, parts: &[Matrix], to: Matrix) {
        let columns = to.columns.count(self.site.rows);
        let tile_columns = (CONCAT_ELEMENTS / to.features.max(1)).max(1);
        let cut = Cut::new(columns, None, tile_columns);
        for index in self.share(cut.tiles()) {
            let tile = cut.tile(index);
            for part in parts {
                self.reads(*part, tile.first, tile.columns);
            }
            let at = Place::arena(to.at.0 + tile.first * to.stride);
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
        let rows = self.site.rows;
        for section in self.step.kernel.parts().1 {
            let tiles = section.cut(rows).tiles();
            if tiles < 2 {
                continue;
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
                let (partials, into) = (Place::arena(partials.0), Place::arena(into.0));
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
