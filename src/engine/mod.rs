//! Runs plans: writes the numbers set before a step, brings rows in, runs the steps, hands results
//! out. Nothing is allocated and nothing decided once a [`Runner`] stands.

mod dispatch;

use std::time::Instant;

use crate::graph::schedule::RateSchedule;
use crate::graph::state::StepScalar;
use crate::kernels::{Arena, BatchLoader, Element, Executable, Team, Timeline};
use crate::plan::Plan;
use crate::plan::roofline::PlanSchedule;
use crate::plan::step::{Matrix, Offset};
use dispatch::{Dispatch, DispatchKind};

pub use crate::kernels::Rows;

/// A plan that is ready to run on an arena.
pub struct Runner<T> {
    executable: Executable<T>,
    inputs: Matrix,
    targets: Option<Matrix>,
    prediction: Option<Matrix>,
    loss: Option<Offset>,
    scalars: Vec<(StepScalar, Offset)>,
    scalars_for: Option<usize>,
    /// All scalars stay as they are while the number of rows does.
    steady: bool,
    rates: Option<RateSchedule>,
    /// How often a schedule has answered a loss that no longer falls.
    reductions: u32,
    /// The update that a batch belongs to, and its share of it, where several batches make one.
    group: Option<(u64, f64)>,
    parallel: bool,
    dispatch: Dispatch,
}

/// Prepared rows: column-major `[width × rows]`, a row's features adjoin.
#[derive(Clone, Debug, Default)]
pub struct Prepared<T> {
    pub inputs: Vec<T>,
    pub targets: Vec<T>,
    pub rows: usize,
}

/// The threads that run plans: a team of all, and the caller alone for short runs.
pub struct Threads {
    alone: Team,
    team: Team,
}

impl Threads {
    /// # Errors
    /// The system refused a thread.
    pub fn new(count: usize) -> std::io::Result<Self> {
        Ok(Threads {
            alone: Team::new(1)?,
            team: Team::new(count.max(1))?,
        })
    }

    /// `count` threads if a run of one of the plans is long enough for them, else the caller's
    /// alone: threads take time to start.
    ///
    /// # Errors
    /// The system refused a thread.
    pub fn for_plans<'p>(
        plans: impl IntoIterator<Item = &'p Plan>,
        count: usize,
    ) -> std::io::Result<Self> {
        if plans.into_iter().any(|plan| plan.parallel) {
            Threads::new(count)
        } else {
            Threads::new(1)
        }
    }
}

/// Timelines of the two ways to run: on the caller's thread alone and, for plans that are long enough,
/// on all.
pub struct Timelines {
    pub alone: Timeline,
    pub together: Option<Timeline>,
}

impl<T: Element> Runner<T> {
    /// Verifies a plan and makes it ready to run on up to `threads` threads.
    ///
    /// # Panics
    /// The plan breaks a rule that its compiler keeps: a bug of nnc.
    pub fn new(plan: &Plan, arena_elements: usize, threads: usize) -> Self {
        let rows = plan.batch.expect("a plan that runs knows its batch");
        let mut executable = Executable::new(&plan.kernels(), arena_elements, rows)
            .unwrap_or_else(|fault| panic!("internal: {fault}\n{plan}"));
        executable.read_in_place(plan.inputs, plan.targets);
        if plan.parallel {
            executable
                .reserve(threads)
                .unwrap_or_else(|_| panic!("internal: no memory for {threads} threads"));
        }
        Runner {
            executable,
            inputs: plan.inputs,
            targets: plan.targets,
            prediction: plan.prediction,
            loss: plan.loss,
            scalars: plan.scalars.clone(),
            scalars_for: None,
            steady: plan.scalars.iter().all(|(scalar, _)| {
                let follows = plan.schedule.is_some() && scalar.follows_schedule();
                !follows && !scalar.changes_with_update()
            }),
            rates: plan.schedule.clone(),
            reductions: 0,
            group: None,
            parallel: plan.parallel,
            dispatch: Dispatch::new(),
        }
    }

    /// Makes ready for batches of that many rows, so that their runs allocate and decide nothing.
    pub fn prepare(&mut self, rows: usize, threads: &Threads) {
        let together = self.parallel.then(|| threads.team.workers());
        for workers in together.into_iter().chain([threads.alone.workers()]) {
            self.executable
                .prepare(rows, workers)
                .unwrap_or_else(|_| panic!("internal: no memory for {workers} threads"));
        }
    }

    /// What brings a batch's rows to the plan's inputs and targets.
    fn loaders<'f>(
        &self,
        data: &'f Prepared<T>,
        rows: Rows<'f>,
    ) -> [Option<BatchLoader<'f, T>>; 2] {
        let loader = |to: Matrix, from| BatchLoader { to, from, rows };
        [
            Some(loader(self.inputs, &data.inputs)),
            self.targets.map(|targets| loader(targets, &data.targets)),
        ]
    }

    /// How a run on batches of `rows` divides its steps, if there are so many threads.
    pub fn schedule(&mut self, rows: usize, threads: usize) -> PlanSchedule {
        let workers = if self.parallel { threads.max(1) } else { 1 };
        self.executable
            .schedule(rows, workers)
            .unwrap_or_else(|_| panic!("internal: no memory for {workers} threads"))
    }

    /// Brings a batch's rows into the arena.
    pub fn load(&self, arena: &mut Arena<T>, data: &Prepared<T>, rows: Rows) {
        for loader in self.loaders(data, rows).into_iter().flatten() {
            loader.gather(arena);
        }
    }

    /// Runs all steps on a batch's rows, which all threads bring into the arena together, or which stay where
    /// they lie: a [`run`](Self::run) after it needs them [loaded](Self::load).
    pub fn run_on(
        &mut self,
        arena: &mut Arena<T>,
        threads: &mut Threads,
        data: &Prepared<T>,
        rows: Rows,
        update: u64,
    ) {
        match self.loaders(data, rows) {
            [Some(inputs), Some(targets)] => {
                self.run_fed(arena, threads, &[inputs, targets], rows.count(), update);
            }
            [inputs, targets] => {
                let loader = inputs.or(targets);
                self.run_fed(arena, threads, loader.as_slice(), rows.count(), update);
            }
        }
    }

    /// Runs all steps on the rows that were loaded. `update` counts from 1.
    #[inline]
    pub fn run(&mut self, arena: &mut Arena<T>, threads: &mut Threads, rows: usize, update: u64) {
        self.run_fed(arena, threads, &[], rows, update);
    }

    #[inline]
    fn run_fed(
        &mut self,
        arena: &mut Arena<T>,
        threads: &mut Threads,
        loaders: &[BatchLoader<'_, T>],
        rows: usize,
        update: u64,
    ) {
        self.write_scalars(arena, rows, update);
        let executable = &mut self.executable;
        if !self.parallel || threads.team.workers() == 1 {
            return executable.run(arena, &mut threads.alone, loaders, rows, update);
        }
        self.dispatch.run(|way| {
            let team = match way {
                DispatchKind::Team => &mut threads.team,
                DispatchKind::Inline => &mut threads.alone,
            };
            executable.run(arena, team, loaders, rows, update);
        });
    }

    /// Runs as [`run`](Self::run) does, taking down when each worker did what in the timeline for so
    /// many of them, which is returned.
    pub fn run_timed<'t>(
        &mut self,
        arena: &mut Arena<T>,
        threads: &mut Threads,
        rows: usize,
        update: u64,
        timelines: &'t Timelines,
    ) -> &'t Timeline {
        self.write_scalars(arena, rows, update);
        let executable = &mut self.executable;
        let mut used = &timelines.alone;
        let Some(together) = &timelines.together else {
            executable.run_timed(arena, &mut threads.alone, rows, update, used);
            return used;
        };
        self.dispatch.run(|way| {
            let team = match way {
                DispatchKind::Team => {
                    used = together;
                    &mut threads.team
                }
                DispatchKind::Inline => &mut threads.alone,
            };
            executable.run_timed(arena, team, rows, update, used);
        });
        used
    }

    /// Timelines for runs on batches of `rows`, which count from `origin`.
    pub fn timelines(&mut self, threads: &Threads, rows: usize, origin: Instant) -> Timelines {
        let workers = threads.team.workers();
        let parallel = self.parallel && workers > 1;
        let mut timeline = |workers| Timeline::new(&self.schedule(rows, workers), origin);
        Timelines {
            alone: timeline(1),
            together: parallel.then(|| timeline(workers)),
        }
    }

    /// Runs as [`run`](Self::run) does, step by step, telling which comes next.
    pub fn run_observed(
        &mut self,
        arena: &mut Arena<T>,
        threads: &mut Threads,
        rows: usize,
        update: u64,
        mut observe: impl FnMut(usize),
    ) {
        self.write_scalars(arena, rows, update);
        let team = if self.parallel {
            &mut threads.team
        } else {
            &mut threads.alone
        };
        for step in 0..self.executable.steps() {
            observe(step);
            self.executable.run_step(step, arena, team, rows, update);
        }
    }

    /// Writes the numbers that a step reads; those that depend on the rows alone only when the rows
    /// change.
    #[inline]
    fn write_scalars(&mut self, arena: &mut Arena<T>, rows: usize, update: u64) {
        let same_rows = self.scalars_for == Some(rows);
        if !same_rows || !self.steady {
            self.write_changed_scalars(arena, rows, update, same_rows);
        }
    }

    fn write_changed_scalars(
        &mut self,
        arena: &mut Arena<T>,
        rows: usize,
        update: u64,
        same_rows: bool,
    ) {
        let (update, share) = self.group.unwrap_or((update, 1.0));
        let (schedule, reductions) = (self.rates.as_ref(), self.reductions);
        let rate = |lr| schedule.map_or(lr, |schedule| schedule.rate(lr, update, reductions));
        for (scalar, at) in &self.scalars {
            let follows = schedule.is_some() && scalar.follows_schedule();
            if !same_rows || follows || scalar.changes_with_update() {
                arena.slice_mut(*at, 1)[0] = T::constant(scalar.value(update, rows, share, rate));
            }
        }
        self.scalars_for = Some(rows);
    }

    /// The schedule of the learning rate, if the plan has one.
    pub fn rate_schedule(&self) -> Option<&RateSchedule> {
        self.rates.as_ref()
    }

    /// How often the learning rate has been reduced because the loss no longer fell.
    pub fn set_reductions(&mut self, reductions: u32) {
        self.reductions = reductions;
    }

    /// Says to which update the batch belongs that runs next, and with what share of its rows. The number
    /// with which it is run then only addresses its random draws.
    pub fn set_share(&mut self, update: u64, share: f64) {
        self.group = Some((update, share));
    }

    /// The loss of the batch that ran last: the mean over its rows.
    pub fn loss(&self, arena: &Arena<T>) -> f64 {
        let at = self.loss.expect("the plan has a loss");
        arena.slice(at, 1)[0].to_f64()
    }

    fn prediction(&self) -> Matrix {
        self.prediction
            .expect("a plan that does not train keeps the network's output")
    }

    /// Features of the prediction.
    pub fn outputs(&self) -> usize {
        self.prediction().features
    }

    /// Appends the network's output for the batch that ran last, row by row.
    pub fn append_prediction(&self, arena: &Arena<T>, rows: usize, to: &mut Vec<f64>) {
        let matrix = self.prediction();
        for row in 0..rows {
            let at = Offset(matrix.at.0 + row * matrix.stride);
            let row = arena.slice(at, matrix.features);
            to.extend(row.iter().map(|value| value.to_f64()));
        }
    }
}
