//! One step at work on one worker.

use pulp::Simd;

use super::columns::{CrossEntropyTile, LogSoftmaxTile, concatenate, gather, scatter_add};
use super::element::Element;
use super::executable::Step;
use super::product::{DotRow, PackPanel, Product, panel_rows};
use super::program::{Batch, Cut, Program, Tile, combine_partials};
use super::reductions::{Reduce, ReduceInto};
use super::team::Worker;
use crate::plan::step::{Kernel, Matrix, Offset, Reduction, Section};

/// A left operand beyond this many bytes is worth packing: half of a common first-level cache.
const PACK_BYTES: usize = 16 << 10;
/// With fewer columns than this a packed panel is not used often enough.
const PACK_COLUMNS: usize = 24;
/// Elements that a worker copies at a time in a concatenation.
const CONCAT_ELEMENTS: usize = 1 << 14;

/// Runs this worker's part of a step, and returns when all workers are done with it.
///
/// # Safety
/// The step is verified for the arena and the batch; `scratch` is this worker's own and `panels` the
/// team's, both of the size that the step needs; all workers call this with the same arguments.
#[inline(never)]
pub(super) unsafe fn run_step<S: Simd, T: Element>(
    simd: S,
    step: &Step,
    batch: Batch<T>,
    scratch: *mut T,
    panels: *mut T,
    worker: Worker<'_>,
) {
    let context = Context {
        step,
        batch,
        scratch,
        panels,
        worker,
    };
    // SAFETY: by the caller.
    unsafe {
        context.compute(simd);
        worker.meet();
        if step.combines {
            if worker.index == 0 {
                context.combine();
            }
            worker.meet();
        }
    }
}

struct Context<'a, T> {
    step: &'a Step,
    batch: Batch<T>,
    scratch: *mut T,
    panels: *mut T,
    worker: Worker<'a>,
}

/// A left operand that may have been packed.
struct Left<T> {
    at: *const T,
    panel_stride: usize,
    step: usize,
}

impl<T: Element> Context<'_, T> {
    /// # Safety
    /// As [`run_step`].
    #[inline(always)]
    unsafe fn compute<S: Simd>(&self, simd: S) {
        // SAFETY: by the caller.
        unsafe {
            match &self.step.kernel {
                Kernel::Loop { section } => {
                    self.tiles(simd, section, |_, _| ());
                }
                Kernel::Forward {
                    weight,
                    input,
                    bias,
                    section,
                } => {
                    self.forward(simd, *weight, *input, *bias, section);
                }
                Kernel::DataGradient {
                    weight,
                    gradient,
                    section,
                } => {
                    self.data_gradient(simd, *weight, *gradient, section);
                }
                Kernel::WeightGradient {
                    gradient,
                    input,
                    weight,
                    bias,
                } => {
                    self.weight_gradient(simd, *gradient, *input, weight.as_ref(), bias.as_ref());
                }
                Kernel::Gather {
                    table,
                    index,
                    section,
                } => {
                    self.tiles(simd, section, |tile, result| {
                        gather(simd, self.batch, *table, *index, tile, result);
                    });
                }
                Kernel::ScatterAdd {
                    gradient,
                    index,
                    section,
                } => {
                    self.tiles(simd, section, |tile, result| {
                        scatter_add(simd, self.batch, *gradient, *index, tile, result);
                    });
                }
                Kernel::CrossEntropy {
                    logits,
                    index,
                    on,
                    off,
                    loss,
                    gradient,
                } => {
                    let sections = [loss.as_ref(), gradient.as_ref()];
                    self.cross_entropy(simd, *logits, *index, (*on, *off), sections);
                }
                Kernel::LogSoftmax { input, section } => {
                    self.tiles(simd, section, |tile, result| {
                        simd.vectorize(LogSoftmaxTile {
                            batch: self.batch,
                            input: *input,
                            tile,
                            result,
                            scratch: self.scratch.add(self.step.work),
                        });
                    });
                }
                Kernel::Concat { parts, to } => {
                    let columns = to.columns.count(self.batch.rows);
                    let tile_columns = (CONCAT_ELEMENTS / to.features.max(1)).max(1);
                    let tiles = columns.div_ceil(tile_columns);
                    let cut = Cut {
                        columns,
                        tile_columns,
                        tiles,
                    };
                    for index in self.worker.share(tiles) {
                        concatenate(self.batch, parts, *to, cut.tile(index));
                    }
                }
            }
        }
    }

    /// # Safety
    /// All tiles are done, and the other workers wait.
    unsafe fn combine(&self) {
        let sections = match &self.step.kernel {
            Kernel::Loop { section }
            | Kernel::Forward { section, .. }
            | Kernel::DataGradient { section, .. }
            | Kernel::Gather { section, .. }
            | Kernel::ScatterAdd { section, .. }
            | Kernel::LogSoftmax { section, .. } => [Some(section), None],
            Kernel::WeightGradient { weight, bias, .. } => [weight.as_ref(), bias.as_ref()],
            Kernel::CrossEntropy { loss, gradient, .. } => [loss.as_ref(), gradient.as_ref()],
            Kernel::Concat { .. } => [None, None],
        };
        for section in sections.into_iter().flatten() {
            // SAFETY: by the caller.
            unsafe { combine_partials(section, self.batch) };
        }
    }

    /// Where the kernel's result for a tile goes; `number` is the section's.
    #[inline(always)]
    unsafe fn anchor(&self, section: &Section, number: usize, tile: Tile) -> *mut T {
        // SAFETY: the step is verified.
        unsafe {
            match section.anchor {
                Some(at) => self.batch.memory.at(at).add(tile.first * section.features),
                None => self.scratch.add(self.step.rooms[number].anchor),
            }
        }
    }

    #[inline(always)]
    unsafe fn program<S: Simd>(
        &self,
        simd: S,
        section: &Section,
        number: usize,
        tile: Tile,
        anchor: *mut T,
    ) {
        // SAFETY: the step is verified; the tile is this worker's.
        unsafe {
            let scratch = self.scratch.add(self.step.rooms[number].temporaries);
            Program {
                section,
                batch: self.batch,
                anchor,
                scratch,
                tile,
            }
            .run(simd);
        }
    }

    /// Computes the result of each of this worker's tiles and runs the program on it.
    #[inline(always)]
    unsafe fn tiles<S: Simd>(&self, simd: S, section: &Section, kernel: impl Fn(Tile, *mut T)) {
        let cut = Cut::new(section, self.batch.rows);
        for index in self.worker.share(cut.tiles) {
            let tile = cut.tile(index);
            // SAFETY: the step is verified; the tile is this worker's.
            unsafe {
                let anchor = self.anchor(section, 0, tile);
                kernel(tile, anchor);
                self.program(simd, section, 0, tile, anchor);
            }
        }
    }

    #[inline(always)]
    unsafe fn place(&self, at: Offset) -> *mut T {
        // SAFETY: the step is verified.
        unsafe { self.batch.memory.at(at) }
    }

    /// The left operand of a product, left[m, k] at `m · row_stride + k · step`: in its place, or
    /// packed by all workers together.
    #[inline(always)]
    unsafe fn left<S: Simd>(
        &self,
        simd: S,
        at: *const T,
        (height, depth): (usize, usize),
        (row_stride, step): (usize, usize),
        pack: bool,
    ) -> Left<T> {
        let panel = panel_rows::<S, T>();
        if !pack {
            return Left {
                at,
                panel_stride: panel,
                step,
            };
        }
        for index in self.worker.share(height.div_ceil(panel)) {
            // SAFETY: `panels` has room for all panels of the step.
            unsafe {
                simd.vectorize(PackPanel {
                    rows: (height - index * panel).min(panel),
                    depth,
                    from: at.add(index * panel * row_stride),
                    from_row_stride: row_stride,
                    from_step: step,
                    to: self.panels.add(index * panel * depth),
                });
            }
        }
        self.worker.meet();
        Left {
            at: self.panels,
            panel_stride: panel * depth,
            step: panel,
        }
    }

    unsafe fn forward<S: Simd>(
        &self,
        simd: S,
        weight: Matrix,
        input: Matrix,
        bias: Option<Offset>,
        section: &Section,
    ) {
        let (rows, depth) = (weight.features, input.features);
        let columns = section.columns.count(self.batch.rows);
        // SAFETY: the step is verified.
        unsafe {
            let at = self.place(weight.at);
            let right = |tile: Tile| self.place(input.at).add(tile.first * input.stride);
            if rows == 1 && weight.stride == 1 && depth >= 2 * T::lanes::<S>() {
                let start = bias.map_or(T::ZERO, |bias| *self.place(bias));
                return self.tiles(simd, section, |tile, result| {
                    simd.vectorize(DotRow {
                        depth,
                        columns: tile.columns,
                        left: at,
                        right: right(tile),
                        right_stride: input.stride,
                        start,
                        result,
                    });
                });
            }
            let pack = rows * depth * size_of::<T>() > PACK_BYTES && columns >= PACK_COLUMNS;
            let left = self.left(simd, at, (rows, depth), (1, weight.stride), pack);
            self.tiles(simd, section, |tile, result| {
                Product {
                    rows,
                    columns: tile.columns,
                    depth,
                    left: left.at,
                    left_panel_stride: left.panel_stride,
                    left_step: left.step,
                    right: right(tile),
                    right_step: 1,
                    right_stride: input.stride,
                    start: bias.map_or(std::ptr::null(), |bias| self.place(bias)),
                    result,
                    result_stride: rows,
                }
                .run(simd);
            });
        }
    }

    unsafe fn data_gradient<S: Simd>(
        &self,
        simd: S,
        weight: Matrix,
        gradient: Matrix,
        section: &Section,
    ) {
        let (rows, depth) = (section.features, gradient.features);
        // SAFETY: the step is verified.
        unsafe {
            // A single row of weights lies as the vectors need it.
            let pack = depth > 1 || weight.stride != 1;
            let at = self.place(weight.at);
            let left = self.left(simd, at, (rows, depth), (weight.stride, 1), pack);
            self.tiles(simd, section, |tile, result| {
                Product {
                    rows,
                    columns: tile.columns,
                    depth,
                    left: left.at,
                    left_panel_stride: left.panel_stride,
                    left_step: left.step,
                    right: self.place(gradient.at).add(tile.first * gradient.stride),
                    right_step: 1,
                    right_stride: gradient.stride,
                    start: std::ptr::null(),
                    result,
                    result_stride: rows,
                }
                .run(simd);
            });
        }
    }

    unsafe fn weight_gradient<S: Simd>(
        &self,
        simd: S,
        gradient: Matrix,
        input: Matrix,
        weight: Option<&Section>,
        bias: Option<&Section>,
    ) {
        // SAFETY: the step is verified.
        unsafe {
            if let Some(section) = weight {
                self.weight_tiles(simd, gradient, input, section);
            }
            // The last worker, as it has no more weight tiles than the others.
            if let (Some(section), true) = (bias, self.worker.index + 1 == self.worker.count) {
                let tile = Cut::new(section, self.batch.rows).tile(0);
                let anchor = self.anchor(section, 1, tile);
                simd.vectorize(Reduce {
                    from: self.place(gradient.at),
                    features: gradient.features,
                    columns: gradient.columns.count(self.batch.rows),
                    stride: gradient.stride,
                    reduction: Reduction::Sum,
                    into: ReduceInto::Columns(anchor),
                    resume: false,
                });
                self.program(simd, section, 1, tile, anchor);
            }
        }
    }

    unsafe fn weight_tiles<S: Simd>(
        &self,
        simd: S,
        gradient: Matrix,
        input: Matrix,
        section: &Section,
    ) {
        let (out, depth) = (gradient.features, gradient.columns.count(self.batch.rows));
        // SAFETY: the step is verified.
        unsafe {
            let gradients = self.place(gradient.at);
            if out == 1 {
                // The only row of the result adjoins along the inputs: lanes along these.
                return self.tiles(simd, section, |tile, result| {
                    Product {
                        rows: tile.columns,
                        columns: 1,
                        depth,
                        left: self.place(input.at).add(tile.first),
                        left_panel_stride: panel_rows::<S, T>(),
                        left_step: input.stride,
                        right: gradients,
                        right_step: gradient.stride,
                        right_stride: 0,
                        start: std::ptr::null(),
                        result,
                        result_stride: 0,
                    }
                    .run(simd);
                });
            }
            let pack = out * depth * size_of::<T>() > PACK_BYTES && input.features >= PACK_COLUMNS;
            let left = self.left(simd, gradients, (out, depth), (1, gradient.stride), pack);
            self.tiles(simd, section, |tile, result| {
                Product {
                    rows: out,
                    columns: tile.columns,
                    depth,
                    left: left.at,
                    left_panel_stride: left.panel_stride,
                    left_step: left.step,
                    right: self.place(input.at).add(tile.first),
                    right_step: input.stride,
                    right_stride: 1,
                    start: std::ptr::null(),
                    result,
                    result_stride: out,
                }
                .run(simd);
            });
        }
    }

    unsafe fn cross_entropy<S: Simd>(
        &self,
        simd: S,
        logits: Matrix,
        index: Matrix,
        (on, off): (f64, f64),
        sections: [Option<&Section>; 2],
    ) {
        let Some(any) = sections.into_iter().flatten().next() else {
            return;
        };
        let cut = Cut::new(any, self.batch.rows);
        for number in self.worker.share(cut.tiles) {
            let tile = cut.tile(number);
            // SAFETY: the step is verified; both sections have the same tiles.
            unsafe {
                let [loss, gradient] = [0, 1].map(|number| {
                    sections[number].map(|section| self.anchor(section, number, tile))
                });
                simd.vectorize(CrossEntropyTile {
                    batch: self.batch,
                    logits,
                    index,
                    on,
                    off,
                    tile,
                    loss,
                    gradient,
                    scratch: self.scratch.add(self.step.work),
                });
                for (number, anchor) in [loss, gradient].into_iter().enumerate() {
                    if let (Some(section), Some(anchor)) = (sections[number], anchor) {
                        self.program(simd, section, number, tile, anchor);
                    }
                }
            }
        }
    }
}
