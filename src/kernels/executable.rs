//! A plan's kernels, verified and ready to run.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::action::{self, Actions, Batch, Repeat, Rooms};
use super::arena::{Arena, Memory, OutOfMemory};
use super::element::Element;
use super::feed::Feed;
use super::in_place::{Extent, reads_in_place};
use super::instruction_set::chosen;
use super::link::halves::HalfSums;
use super::link::weights::updated_room;
use super::link::{PACKED_ALONE, Site, combines, in_strips, most_shared_columns, phases};
use super::meetings::Join;
use super::product::panel_rows;
use super::run::Run;
use super::schedule::schedule;
use super::team::{Team, Worker};
use super::timeline::Timeline;
use super::update::{Recognised, recognise};
use super::verify::verify;
use crate::plan::roofline::Schedule;
use crate::plan::step::{Kernel, Matrix, Section};

/// One step: its kernel, and where a worker's scratch has room for it.
pub(super) struct Step {
    pub kernel: Kernel,
    /// For each section in turn, in elements of the worker's scratch.
    pub rooms: [Room; 2],
    /// The kernel's own, as large as a tile of a softmax.
    pub work: usize,
    /// The right operand of a product, copied into strips.
    pub strips: usize,
    /// The left operand of a product, packed.
    pub packed: usize,
    /// The two sums of a weight's gradient, in what all workers share, where new parameters may wait, too.
    pub half_sums: Option<HalfSums>,
    pub combines: bool,
    /// For each section, the optimizer's update that its program is.
    pub updates: [Option<Recognised>; 2],
}

/// A section's room in a worker's scratch.
#[derive(Clone, Copy, Default)]
pub(super) struct Room {
    pub anchor: usize,
    pub temporaries: usize,
}

/// A plan's steps as the actions of each worker, for one number of rows and of workers.
struct Linked<T> {
    rows: usize,
    workers: Vec<Actions<T>>,
}

/// The steps of a plan, verified for an arena and ready to run on any number of workers. The results
/// do not depend on that number.
pub struct Executable<T> {
    steps: Vec<Step>,
    arch: Arch,
    panel: usize,
    lanes: usize,
    arena_elements: usize,
    max_batch_rows: usize,
    scratch_elements: usize,
    shared_elements: usize,
    work: Arena<T>,
    work_workers: usize,
    /// The inputs and the targets, if they are read where they lie.
    in_place: [Option<Matrix>; 2],
    /// The most recently made last.
    linked: Vec<Linked<T>>,
}

/// How many numbers of rows and workers an executable keeps its actions for: the whole batch and the
/// last of an epoch, on one worker and on several, and some for predictions.
const MOST_LINKED: usize = 8;

impl<T: Element> Executable<T> {
    /// Verifies the kernels for an arena of `arena_elements` and batches of up to `max_batch_rows`.
    ///
    /// # Errors
    /// The text of an internal bug, with the number of the step: a place beyond the arena, shapes that
    /// disagree, or places of one step that overlap though one of them is written.
    pub fn new(
        kernels: &[Kernel],
        arena_elements: usize,
        max_batch_rows: usize,
    ) -> Result<Self, String> {
        Self::for_arch(chosen(), kernels, arena_elements, max_batch_rows)
    }

    /// As [`new`](Self::new), for an instruction set that the machine has.
    pub(super) fn for_arch(
        arch: Arch,
        kernels: &[Kernel],
        arena_elements: usize,
        max_batch_rows: usize,
    ) -> Result<Self, String> {
        let (panel, lanes) = arch.dispatch(Extents::<T>(std::marker::PhantomData));
        let mut steps = Vec::with_capacity(kernels.len());
        let mut scratch_elements = 0;
        let mut shared_elements = 0;
        for (index, kernel) in kernels.iter().enumerate() {
            verify::<T>(kernel, arena_elements, max_batch_rows)
                .map_err(|fault| format!("step {index}: {fault}"))?;
            let overflow = || format!("step {index}: a size overflows");
            let mut kernel = kernel.clone();
            for section in sections_mut(&mut kernel).into_iter().flatten() {
                let columns = section.columns.count(max_batch_rows).max(1);
                section.tile_columns = section.tile_columns.min(columns);
                section.block_columns = section.block_columns.min(section.tile_columns);
            }
            let laid_out = lay_out::<T>(kernel, panel, max_batch_rows);
            let (step, elements, shared) = laid_out.ok_or_else(overflow)?;
            scratch_elements = scratch_elements.max(elements);
            shared_elements = shared_elements.max(shared);
            steps.push(step);
        }
        let shared_elements = place_half_sums::<T>(&mut steps, shared_elements)
            .ok_or("the sums of halves overflow")?;
        let mut executable = Executable {
            steps,
            arch,
            panel,
            lanes,
            arena_elements,
            max_batch_rows,
            scratch_elements,
            shared_elements,
            work: Arena::zeroed(0).map_err(no_memory)?,
            work_workers: 0,
            in_place: [None; 2],
            linked: Vec::new(),
        };
        executable.reserve(1).map_err(no_memory)?;
        Ok(executable)
    }

    /// Runs optimizers' updates instruction by instruction, as any other program.
    #[cfg(test)]
    pub(super) fn interpret_updates(&mut self) {
        for step in &mut self.steps {
            step.updates = [None, None];
        }
    }

    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// Rows that a run brings to the inputs and targets are read where they lie if they adjoin there,
    /// where that pays: it spares a copy.
    pub fn read_in_place(&mut self, inputs: Matrix, targets: Option<Matrix>) {
        let extent = Extent {
            elements: self.arena_elements,
            rows: self.max_batch_rows,
            lanes: self.lanes,
        };
        let kernels = || self.steps.iter().map(|step| &step.kernel);
        let sound = |matrix: &Matrix| reads_in_place(*matrix, kernels(), extent);
        self.in_place = [Some(inputs), targets].map(|matrix| matrix.filter(sound));
        self.linked.clear();
    }

    /// Makes room for that many workers, so that a run allocates nothing. A run with a larger team
    /// than any before does so itself.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn reserve(&mut self, workers: usize) -> Result<(), OutOfMemory> {
        if workers > self.work_workers {
            let elements = self
                .scratch_elements
                .checked_mul(workers)
                .and_then(|elements| elements.checked_add(self.shared_elements));
            self.work = Arena::zeroed(elements.ok_or(OutOfMemory {
                elements: usize::MAX,
                bytes_per_element: size_of::<T>(),
            })?)?;
            self.work_workers = workers;
        }
        Ok(())
    }

    /// Makes ready for batches of `rows` on `workers`, so that their runs decide and allocate
    /// nothing. A run that finds nothing ready does so itself.
    ///
    /// # Errors
    /// There is no memory for it.
    ///
    /// # Panics
    /// The batch has more rows than the executable was made for: a bug of the caller.
    pub fn prepare(&mut self, rows: usize, workers: usize) -> Result<(), OutOfMemory> {
        assert!(
            rows <= self.max_batch_rows,
            "a batch is no larger than planned"
        );
        self.reserve(workers)?;
        if self.find(rows, workers).is_some() {
            return Ok(());
        }
        let mut join = Join::new(workers);
        for step in &self.steps {
            let site = |worker| Site {
                rows,
                worker,
                workers,
                scratch: self.shared_elements + worker * self.scratch_elements,
                panel: self.panel,
                lanes: self.lanes,
                in_place: self.in_place,
            };
            join.step(
                (0..workers)
                    .map(|worker| phases(step, site(worker)))
                    .collect(),
            );
        }
        if self.linked.len() == MOST_LINKED {
            self.linked.remove(0);
        }
        self.linked.push(Linked {
            rows,
            workers: join.into_workers(),
        });
        Ok(())
    }

    /// How a run on batches of `rows` divides the steps among so many workers.
    ///
    /// # Errors
    /// There is no memory for the workers.
    pub fn schedule(&mut self, rows: usize, workers: usize) -> Result<Schedule, OutOfMemory> {
        self.prepare(rows, workers)?;
        let linked = self.find(rows, workers).expect("it has been prepared");
        Ok(schedule(&self.linked[linked].workers, rows))
    }

    fn find(&self, rows: usize, workers: usize) -> Option<usize> {
        self.linked
            .iter()
            .position(|linked| linked.rows == rows && linked.workers.len() == workers)
    }

    /// Brings rows in and runs all steps on a batch of `rows`; `update` is the number that random
    /// draws depend on.
    ///
    /// # Panics
    /// The batch has more rows than the executable was made for, the arena is smaller, or there are
    /// no such rows to bring in: a bug of the caller.
    pub fn run(
        &mut self,
        arena: &mut Arena<T>,
        team: &mut Team,
        feeds: &[Feed<'_, T>],
        rows: usize,
        update: u64,
    ) {
        self.run_steps(0..self.steps.len(), arena, team, feeds, rows, update);
    }

    /// Runs all steps as [`run`](Self::run) does, and takes down when each worker did what.
    ///
    /// # Panics
    /// As [`run`](Self::run), and if the timeline was made for another schedule.
    pub fn run_timed(
        &mut self,
        arena: &mut Arena<T>,
        team: &mut Team,
        rows: usize,
        update: u64,
        timeline: &Timeline,
    ) {
        assert_eq!(
            timeline.workers(),
            team.workers(),
            "the timeline is for this team"
        );
        let ready = self.ready(arena, team.workers(), rows, update);
        team.run(&|worker: Worker<'_>| {
            let actions = &ready.linked.workers[worker.index];
            let clock = timeline.clock(worker.index);
            clock.walk(actions, |repeats| ready.run(repeats, worker));
        });
    }

    /// Runs one step, as [`run`](Self::run) does. All steps of a batch are run, in their order: on several
    /// workers, new parameters may come to their place in a later one.
    pub fn run_step(
        &mut self,
        index: usize,
        arena: &mut Arena<T>,
        team: &mut Team,
        rows: usize,
        update: u64,
    ) {
        self.run_steps(index..index + 1, arena, team, &[], rows, update);
    }

    fn run_steps(
        &mut self,
        steps: Range<usize>,
        arena: &mut Arena<T>,
        team: &mut Team,
        feeds: &[Feed<'_, T>],
        rows: usize,
        update: u64,
    ) {
        let mut all = feeds.iter();
        assert!(
            all.all(|feed| feed.fits(arena.elements()) && feed.rows.count() == rows),
            "there is a place for the rows, which are those of the batch"
        );
        let in_place = self.in_place;
        let mut ready = self.ready(arena, team.workers(), rows, update);
        let stays = |feed: &Feed<'_, T>| in_place.contains(&Some(feed.to)) && feed.adjoins();
        for (room, matrix) in ready.rows.iter_mut().zip(in_place) {
            let feed = feeds.iter().find(|feed| matrix == Some(feed.to));
            let rows = feed.and_then(Feed::adjoining);
            *room = rows.map_or(*room, Memory::to_read);
        }
        let brings = feeds.iter().any(|feed| !stays(feed));
        team.run(&|worker: Worker<'_>| {
            for feed in feeds.iter().filter(|feed| !stays(feed)) {
                // SAFETY: there is a place, and the steps begin when all have done their part.
                unsafe { feed.bring_part(ready.arch, ready.batch.memory, worker) };
            }
            if brings {
                worker.meet();
            }
            let actions = &ready.linked.workers[worker.index];
            ready.run(actions.of_steps(steps.clone()), worker);
        });
    }

    /// What a run on a batch of `rows` needs, made now if it is not there yet.
    fn ready(
        &mut self,
        arena: &mut Arena<T>,
        workers: usize,
        rows: usize,
        update: u64,
    ) -> Ready<'_, T> {
        assert!(
            arena.elements() >= self.arena_elements,
            "the arena is as large as planned"
        );
        let linked = match self.find(rows, workers) {
            Some(linked) => linked,
            None => {
                self.prepare(rows, workers)
                    .expect("there is memory for the workers");
                self.linked.len() - 1
            }
        };
        let memory = arena.share();
        Ready {
            batch: Batch {
                memory,
                rows,
                update,
            },
            work: self.work.share(),
            rows: self.in_place.map(|matrix| match matrix {
                // SAFETY: the plan's inputs and targets lie within its part of the arena.
                Some(matrix) => unsafe { memory.from(matrix.at) },
                None => memory,
            }),
            arch: self.arch,
            linked: &self.linked[linked],
        }
    }
}

/// A run that may begin.
struct Ready<'e, T> {
    linked: &'e Linked<T>,
    batch: Batch<T>,
    work: Memory<T>,
    /// The inputs and targets that are read in place, in the arena if they were brought there.
    rows: [Memory<T>; 2],
    arch: Arch,
}

impl<T: Element> Ready<'_, T> {
    /// Does some of a worker's actions, which it must do in their order.
    fn run(&self, repeats: &[Repeat], worker: Worker<'_>) {
        let actions = &self.linked.workers[worker.index].actions;
        let run = Run {
            actions,
            repeats,
            site: action::Site {
                batch: self.batch,
                rooms: Rooms::new(self.batch.memory, self.work, self.rows),
                worker,
            },
        };
        T::carry_out(self.arch, run);
    }
}

fn no_memory(OutOfMemory { elements, .. }: OutOfMemory) -> String {
    format!("no memory for {elements} elements")
}

/// Rows of a register tile, and elements of a vector.
struct Extents<T>(std::marker::PhantomData<T>);

impl<T: Element> WithSimd for Extents<T> {
    type Output = (usize, usize);

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> (usize, usize) {
        (panel_rows::<S, T>(), T::lanes::<S>())
    }
}

/// The kernel's sections, in the order in which they run.
fn sections(kernel: &Kernel) -> [Option<&Section>; 2] {
    match kernel {
        Kernel::Loop { section }
        | Kernel::Forward { section, .. }
        | Kernel::DataGradient { section, .. }
        | Kernel::Gather { section, .. }
        | Kernel::ScatterAdd { section, .. }
        | Kernel::LogSoftmax { section, .. } => [Some(section), None],
        Kernel::WeightGradient {
            weight: first,
            bias: second,
            ..
        }
        | Kernel::CrossEntropy {
            loss: first,
            gradient: second,
            ..
        } => [first.as_ref(), second.as_ref()],
        Kernel::Concat { .. } => [None, None],
    }
}

fn sections_mut(kernel: &mut Kernel) -> [Option<&mut Section>; 2] {
    match kernel {
        Kernel::Loop { section }
        | Kernel::Forward { section, .. }
        | Kernel::DataGradient { section, .. }
        | Kernel::Gather { section, .. }
        | Kernel::ScatterAdd { section, .. }
        | Kernel::LogSoftmax { section, .. } => [Some(section), None],
        Kernel::WeightGradient {
            weight: first,
            bias: second,
            ..
        }
        | Kernel::CrossEntropy {
            loss: first,
            gradient: second,
            ..
        } => [first.as_mut(), second.as_mut()],
        Kernel::Concat { .. } => [None, None],
    }
}

/// Divides a worker's scratch, each part on lines of its own; gives the step, the size of the
/// scratch, and that of what all workers share. `None` if a size overflows.
fn lay_out<T: Element>(kernel: Kernel, panel: usize, rows: usize) -> Option<(Step, usize, usize)> {
    let mut elements = 0usize;
    let mut room = |size: usize| -> Option<usize> {
        let at = elements;
        elements = elements
            .checked_add(size)?
            .checked_next_multiple_of(T::CHUNK)?;
        Some(at)
    };
    let mut rooms = [Room::default(); 2];
    let mut has_combination = false;
    let updates = sections(&kernel).map(|section| section.and_then(recognise));
    let parts = sections(&kernel).into_iter().zip(&updates);
    for (place, (section, update)) in rooms.iter_mut().zip(parts) {
        let Some(section) = section else { continue };
        let anchor = match (section.anchor, update) {
            (Some(_), _) => 0,
            (None, Some(_)) => updated_room::<T>(section.features, section.tile_columns)?,
            (None, None) => section.features.checked_mul(section.tile_columns)?,
        };
        let block = section.features.checked_mul(section.block_columns)?;
        *place = Room {
            anchor: room(anchor)?,
            temporaries: room(block.checked_mul(section.scratches.into())?)?,
        };
        has_combination |= combines(section);
    }
    let work = match &kernel {
        Kernel::LogSoftmax { input, section } => {
            room(input.features.checked_mul(section.tile_columns)?)?
        }
        Kernel::CrossEntropy {
            logits,
            loss: Some(loss),
            gradient: None,
            ..
        } => room(logits.features.checked_mul(loss.tile_columns)?)?,
        Kernel::CrossEntropy { .. }
        | Kernel::Loop { .. }
        | Kernel::Forward { .. }
        | Kernel::DataGradient { .. }
        | Kernel::WeightGradient { .. }
        | Kernel::Gather { .. }
        | Kernel::ScatterAdd { .. }
        | Kernel::Concat { .. } => 0,
    };
    let copies = copies::<T>(&kernel, panel, rows)?;
    let (strips, packed) = (room(copies.strips)?, room(copies.packed)?);
    let step = Step {
        half_sums: HalfSums::new::<T>(&kernel, rows),
        kernel,
        rooms,
        work,
        strips,
        packed,
        combines: has_combination,
        updates,
    };
    Some((step, elements, copies.shared))
}

/// Places all sums of halves behind what else the workers share, and gives the size of everything;
/// `None` if it overflows. Steps take turns between two places: where one writes its sums, the workers
/// have met since they read those that were there.
fn place_half_sums<T: Element>(steps: &mut [Step], shared: usize) -> Option<usize> {
    let sums = steps.iter_mut().filter_map(|step| step.half_sums.as_mut());
    let sums: Vec<&mut HalfSums> = sums.collect();
    let most = sums.iter().map(|sums| sums.elements()).max().unwrap_or(0);
    let shared = shared.checked_next_multiple_of(T::CHUNK)?;
    for (turn, sums) in sums.into_iter().enumerate() {
        sums.at = shared.checked_add(turn % 2 * most)?;
    }
    shared.checked_add(most.checked_mul(2)?)
}

/// What a step needs for copies of its operands, in elements.
struct Copies {
    /// Each worker's, of a tile's right operand in strips.
    strips: usize,
    /// Each worker's, of a left operand in panels.
    packed: usize,
    /// For all workers together.
    shared: usize,
}

/// The copies that a step needs on a machine with register tiles of `panel` rows; `None` if a size
/// overflows.
fn copies<T>(kernel: &Kernel, panel: usize, rows: usize) -> Option<Copies> {
    // Columns of which several workers share the rows.
    let shared_columns = |section: &Section, depth: usize| {
        let most = most_shared_columns(section.features, depth);
        section.columns.count(rows).min(most)
    };
    let shared = |section: &Section, depth: usize| {
        let columns = shared_columns(section, depth);
        section.features.checked_mul(columns)
    };
    let strips = |section: &Section, right: &Matrix, depth: usize| match in_strips::<T>(
        section.features,
        right.stride,
    ) {
        true => depth.checked_mul(section.tile_columns.max(shared_columns(section, depth))),
        false => Some(0),
    };
    let none = Copies {
        strips: 0,
        packed: 0,
        shared: 0,
    };
    Some(match kernel {
        Kernel::Forward { input, section, .. } => Copies {
            strips: strips(section, input, input.features)?,
            shared: shared(section, input.features)?,
            ..none
        },
        Kernel::DataGradient {
            gradient, section, ..
        } => {
            let depth = gradient.features;
            let height = section.features.checked_next_multiple_of(panel)?;
            let elements = height.checked_mul(depth)?;
            let alone = section.features.checked_mul(depth)? <= PACKED_ALONE;
            Copies {
                strips: strips(section, gradient, depth)?,
                packed: if alone {
                    elements
                } else {
                    panel.checked_mul(depth)?
                },
                shared: shared(section, depth)?.max(if alone { 0 } else { elements }),
            }
        }
        Kernel::WeightGradient {
            gradient,
            input,
            weight: Some(section),
            ..
        } => {
            let depth = gradient.columns.count(rows);
            let height = gradient
                .features
                .checked_next_multiple_of(section.features)?;
            let height = height.checked_next_multiple_of(panel)?;
            Copies {
                packed: height.checked_mul(depth)?,
                shared: match in_strips::<T>(gradient.features, input.stride) {
                    true => input.features.checked_mul(depth)?,
                    false => 0,
                },
                ..none
            }
        }
        Kernel::WeightGradient { weight: None, .. }
        | Kernel::Loop { .. }
        | Kernel::Gather { .. }
        | Kernel::ScatterAdd { .. }
        | Kernel::CrossEntropy { .. }
        | Kernel::LogSoftmax { .. }
        | Kernel::Concat { .. } => none,
    })
}

/// How many f32 the vectors of this machine hold, as the kernels use them.
pub fn vector_lanes() -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;

        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    chosen().dispatch(Lanes)
}
