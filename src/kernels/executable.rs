//! A plan's kernels, verified and ready to run.

use std::marker::PhantomData;
use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::action::{ActionBlock, Actions};
use super::arena::{AddressSpace, AddressSpaces, Arena, Batch, Memory, OutOfMemory};
use super::barriers::Join;
use super::batch_loader::BatchLoader;
use super::element::Element;
use super::in_place::{Extent, reads_in_place};
use super::instruction_set::chosen;
use super::link::step::{LinkedStep, lay_out, place_split_k};
use super::link::{LinkTarget, phases};
use super::product::panel_rows;
use super::run::WorkerRun;
use super::schedule::schedule;
use super::team::{Team, Worker};
use super::timeline::Timeline;
use super::touched::LinkedFor;
use super::verify::{Spaces, verify_actions};
use crate::plan::roofline::PlanSchedule;
use crate::plan::step::{Kernel, Matrix};
use crate::plan::verify::verify_kernel;
use crate::violation::insist;

/// A plan's steps as the actions of each worker, for one number of rows and of workers.
struct Linked<T> {
    rows: usize,
    workers: Vec<Actions<T>>,
}

/// The steps of a plan, verified for an arena and ready to run on any number of workers. The results
/// do not depend on that number.
pub struct Executable<T> {
    steps: Vec<LinkedStep>,
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
        let (panel, lanes) = extents::<T>(arch);
        let mut steps = Vec::with_capacity(kernels.len());
        let mut scratch_elements = 0;
        let mut shared_elements = 0;
        for (index, kernel) in kernels.iter().enumerate() {
            // The largest register tile of any machine has so many rows.
            let panel_rows = 2 * T::CHUNK;
            verify_kernel(kernel, arena_elements, max_batch_rows, panel_rows)
                .map_err(|fault| format!("step {index}: {fault}"))?;
            let overflow = || format!("step {index}: a size overflows");
            let mut kernel = kernel.clone();
            for region in kernel.regions_mut().into_iter().flatten() {
                let columns = region.columns.count(max_batch_rows).max(1);
                region.tile_columns = region.tile_columns.min(columns);
                region.block_columns = region.block_columns.min(region.tile_columns);
            }
            let laid_out = lay_out::<T>(kernel, panel, max_batch_rows);
            let (step, elements, shared) = laid_out.ok_or_else(overflow)?;
            scratch_elements = scratch_elements.max(elements);
            shared_elements = shared_elements.max(shared);
            steps.push(step);
        }
        let shared_elements =
            place_split_k::<T>(&mut steps, shared_elements).ok_or("the sums of halves overflow")?;
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

    /// What so many workers do on batches of `rows`, and in what memory.
    #[cfg(test)]
    pub(super) fn actions(&mut self, rows: usize, workers: usize) -> (Vec<Actions<T>>, Spaces) {
        self.prepare(rows, workers).expect("there is memory");
        let linked = self.find(rows, workers).expect("it has been prepared");
        let spaces = self.spaces(rows, workers);
        (self.linked[linked].workers.clone(), spaces)
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

    /// Makes space for that many workers, so that a run allocates nothing. A run with a larger team
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
            let target = |worker| LinkTarget {
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
                    .map(|worker| phases(step, target(worker)))
                    .collect(),
            );
        }
        if self.linked.len() == MOST_LINKED {
            self.linked.remove(0);
        }
        let linked = join.into_workers();
        let spaces = self.spaces(rows, workers);
        let what = || format!("what {workers} workers do");
        insist(what, || verify_actions(&linked, spaces));
        self.linked.push(Linked {
            rows,
            workers: linked,
        });
        Ok(())
    }

    /// The memory that the actions of so many workers may touch.
    fn spaces(&self, rows: usize, workers: usize) -> Spaces {
        Spaces {
            arena: self.arena_elements,
            work: self.shared_elements + workers * self.scratch_elements,
            in_place: self.in_place,
            linked: LinkedFor {
                rows,
                panel: self.panel,
            },
        }
    }

    /// How a run on batches of `rows` divides the steps among so many workers.
    ///
    /// # Errors
    /// There is no memory for the workers.
    pub fn schedule(&mut self, rows: usize, workers: usize) -> Result<PlanSchedule, OutOfMemory> {
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
    /// The batch has more rows than the executable was made for, the arena is smaller, there are no such
    /// rows to bring in, or two loaders go to one place: a bug of the caller.
    pub fn run(
        &mut self,
        arena: &mut Arena<T>,
        team: &mut Team,
        loaders: &[BatchLoader<'_, T>],
        rows: usize,
        update: u64,
    ) {
        let steps = 0..self.steps.len();
        match loaders {
            [] => self.run_steps(steps, arena, team, rows, update),
            loaders => self.run_fed(loaders, arena, team, rows, update),
        }
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
        self.run_steps(index..index + 1, arena, team, rows, update);
    }

    /// Runs steps on rows that are in the arena.
    fn run_steps(
        &mut self,
        steps: Range<usize>,
        arena: &mut Arena<T>,
        team: &mut Team,
        rows: usize,
        update: u64,
    ) {
        let ready = self.ready(arena, team.workers(), rows, update);
        team.run(&|worker: Worker<'_>| ready.take_part(steps.clone(), worker));
    }

    /// Brings rows in, as far as they are not read where they lie, and runs all steps.
    fn run_fed(
        &mut self,
        loaders: &[BatchLoader<'_, T>],
        arena: &mut Arena<T>,
        team: &mut Team,
        rows: usize,
        update: u64,
    ) {
        for (index, loader) in loaders.iter().enumerate() {
            assert!(
                loader.fits(arena.elements()) && loader.rows.count() == rows,
                "there is a place for the rows, which are those of the batch"
            );
            let mut others = loaders[..index].iter();
            assert!(
                others.all(|other| loader.is_apart_from(other)),
                "each loader has a place of its own"
            );
        }
        let (steps, in_place) = (0..self.steps.len(), self.in_place);
        let mut ready = self.ready(arena, team.workers(), rows, update);
        let stays =
            |loader: &BatchLoader<'_, T>| in_place.contains(&Some(loader.to)) && loader.adjoins();
        for (space, matrix) in [AddressSpace::Inputs, AddressSpace::Targets]
            .into_iter()
            .zip(in_place)
        {
            let loader = loaders.iter().find(|loader| matrix == Some(loader.to));
            if let Some(rows) = loader.and_then(BatchLoader::adjoining) {
                ready.spaces.set(space, Memory::to_read(rows));
            }
        }
        let brings = loaders.iter().any(|loader| !stays(loader));
        team.run(&|worker: Worker<'_>| {
            for loader in loaders.iter().filter(|loader| !stays(loader)) {
                // SAFETY: there is a place, no loader has one in common with another, and the steps begin when
                // all workers have done their part.
                unsafe { loader.gather_part(ready.arch, ready.batch.memory, worker) };
            }
            if brings {
                worker.barrier();
            }
            ready.take_part(steps.clone(), worker);
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
        let rows_in_arena = self.in_place.map(|matrix| match matrix {
            // SAFETY: the plan's inputs and targets lie within its part of the arena.
            Some(matrix) => unsafe { memory.from(matrix.at) },
            None => memory,
        });
        Ready {
            batch: Batch {
                memory,
                rows,
                update,
            },
            spaces: AddressSpaces::new(memory, self.work.share(), rows_in_arena),
            arch: self.arch,
            linked: &self.linked[linked],
        }
    }
}

/// A run that may begin.
struct Ready<'e, T> {
    linked: &'e Linked<T>,
    batch: Batch<T>,
    /// The inputs and targets are in the arena, if nothing else is said.
    spaces: AddressSpaces<T>,
    arch: Arch,
}

impl<T: Element> Ready<'_, T> {
    /// Does some of a worker's actions, which it must do in their order.
    #[inline]
    fn run(&self, repeats: &[ActionBlock], worker: Worker<'_>) {
        let run = WorkerRun {
            actions: &self.linked.workers[worker.index].actions,
            repeats,
            batch: self.batch,
            spaces: self.spaces,
            worker,
        };
        T::dispatch(self.arch, run);
    }

    /// Does a worker's part of some steps.
    #[inline]
    fn take_part(&self, steps: Range<usize>, worker: Worker<'_>) {
        let actions = &self.linked.workers[worker.index];
        self.run(actions.of_steps(steps), worker);
    }
}

fn no_memory(OutOfMemory { elements, .. }: OutOfMemory) -> String {
    format!("no memory for {elements} elements")
}

/// Rows of a register tile, and elements of a vector.
pub(super) fn extents<T: Element>(arch: Arch) -> (usize, usize) {
    struct Extents<T>(PhantomData<T>);

    impl<T: Element> WithSimd for Extents<T> {
        type Output = (usize, usize);

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> (usize, usize) {
            (panel_rows::<S, T>(), T::lanes::<S>())
        }
    }
    arch.dispatch(Extents::<T>(PhantomData))
}
