//! The epoch loop.

use super::accumulation::GradientAccumulator;
use super::initialize;
use super::mean::count_of;
use super::monitor::{Best, Monitor, PlateauMonitor, Verdict};
use super::non_finite::NonFinite;
use super::order::{SHUFFLE, rows_of};
use super::profile::Profile;
use super::recorder::{ProbeRecord, Recorder};
use crate::compile::Compiled;
use crate::engine::{Prepared, Rows, Runner, Threads};
use crate::graph::schedule::RateSchedule;
use crate::kernels::{Arena, Element, OutOfMemory};
use crate::plan::step::Offset;
use crate::random::Stream;
use crate::resolve::train_spec::{Batches, Restore};

/// The losses of one epoch.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct EpochLosses {
    /// The mean over the training rows, each batch's loss taken before its update.
    pub train: f64,
    /// The mean over the validation rows after the epoch's last update.
    pub validate: Option<f64>,
    /// The optimizer's learning rate in the epoch's last update, where a schedule changes it.
    pub rate: Option<f64>,
}

/// How a run ended.
#[derive(Clone, PartialEq, Debug)]
pub enum Ended {
    Finished,
    /// The validation loss had not fallen for as many epochs as are borne.
    Early,
    /// The caller asked to stop; the state is that after the last whole epoch.
    Interrupted,
    /// A loss was not finite; the state is that after the last whole epoch.
    NonFinite(Box<NonFinite>),
}

/// A model in memory with its data: trains, evaluates, predicts.
pub struct Trainer<'c, T> {
    pub(super) compiled: &'c Compiled,
    pub(super) arena: Arena<T>,
    pub(super) threads: Threads,
    pub(super) train: Option<Runner<T>>,
    pub(super) accumulation: Option<GradientAccumulator<T>>,
    pub(super) recorder: Option<Recorder<T>>,
    /// Whether the run that goes on is recorded.
    pub(super) records: bool,
    pub(super) evaluate: Option<Runner<T>>,
    pub(super) predict: Runner<T>,
    pub(super) data: Prepared<T>,
    pub(super) validation: Prepared<T>,
    pub(super) order: Vec<u32>,
    pub(super) shuffle: Option<Stream>,
    /// Whether rows have weights.
    pub(super) weighted: bool,
    pub(super) batches: Batches,
    /// The whole data is one batch, and is in the arena.
    loaded: bool,
    /// The same of the validation rows.
    pub(super) validation_loaded: bool,
    pub(super) epochs_done: usize,
    pub(super) updates_done: u64,
    /// All states after the last whole epoch.
    kept: Vec<T>,
    kept_updates: u64,
    pub(super) profile: Option<Profile>,
    /// Watches for a loss that no longer falls, if the schedule asks for it.
    plateau: Option<PlateauMonitor>,
    /// How often the learning rate has been reduced because the loss no longer fell.
    reductions: u32,
    progress: Monitor,
    /// All states after the best epoch, where these are to be left behind.
    best: Vec<T>,
}

impl<'c, T: Element> Trainer<'c, T> {
    /// Sets a model up with its training and validation rows, and gives its parameters their first
    /// values.
    ///
    /// # Errors
    /// There is not enough memory for the arena.
    ///
    /// # Panics
    /// The plans cannot run because a fact of the data is missing: a bug of the caller.
    pub fn new(
        compiled: &'c Compiled,
        data: Prepared<T>,
        validation: Prepared<T>,
        threads: usize,
    ) -> Result<Self, OutOfMemory> {
        let elements = compiled.arena_elements;
        let mut arena = Arena::zeroed(elements)?;
        initialize::initialize(&mut arena, &compiled.states, compiled.seed);
        let spec = compiled.declaration.train.clone().unwrap_or_default();
        let batches = spec.batches(data.rows);
        // A batch of all rows has no order to change.
        let shuffled = spec.shuffle && batches.size < data.rows;
        let runner =
            |phase: &crate::compile::PhasePlan| Runner::new(&phase.plan, elements, threads);
        let phases = compiled.trained().chain([&compiled.predict]);
        let mut trainer = Trainer {
            compiled,
            threads: Threads::for_plans(phases.map(|phase| &phase.plan), threads).map_err(
                |_| OutOfMemory {
                    elements: threads,
                    bytes_per_element: 0,
                },
            )?,
            train: compiled.train.as_ref().map(runner),
            accumulation: compiled
                .accumulate
                .as_ref()
                .map(|phase| GradientAccumulator::new(runner(phase), spec.accumulate)),
            recorder: compiled
                .watch
                .as_ref()
                .map(|phase| Recorder::new(runner(phase), &phase.plan.probes)),
            records: false,
            evaluate: compiled.evaluate.as_ref().map(runner),
            predict: runner(&compiled.predict),
            order: (0..data.rows as u32).collect(),
            weighted: compiled.declaration.data.weighted(),
            shuffle: shuffled.then(|| Stream::new(compiled.seed, SHUFFLE, "")),
            batches,
            loaded: false,
            validation_loaded: false,
            epochs_done: 0,
            updates_done: 0,
            kept: Vec::new(),
            kept_updates: 0,
            profile: None,
            plateau: None,
            reductions: 0,
            progress: Monitor::default(),
            best: Vec::new(),
            arena,
            data,
            validation,
        };
        trainer.prepare();
        trainer.monitor();
        trainer.keep();
        Ok(trainer)
    }

    /// Makes the plans ready for whole batches and for the last of an epoch.
    fn prepare(&mut self) {
        let evaluate = self.compiled.evaluate.as_ref();
        let evaluate = evaluate.and_then(|phase| phase.plan.batch).unwrap_or(1);
        let threads = &self.threads;
        let accumulation = self.accumulation.as_mut();
        let mut accumulating = accumulation.map(|accumulation| &mut accumulation.runner);
        let mut recording = self.recorder.as_mut().map(|recorder| &mut recorder.runner);
        let mut train = self.train.as_mut();
        let mut evaluating = self.evaluate.as_mut();
        let plans = [
            (&mut train, self.data.rows, self.batches.size),
            (&mut accumulating, self.data.rows, self.batches.size),
            (&mut recording, self.data.rows, self.batches.size),
            (&mut evaluating, self.validation.rows, evaluate),
        ];
        for (runner, rows, batch) in plans {
            let Some(runner) = runner else { continue };
            for rows in [batch.min(rows), rows % batch.max(1)] {
                if rows > 0 {
                    runner.prepare(rows, threads);
                }
            }
        }
    }

    pub fn arena(&self) -> &Arena<T> {
        &self.arena
    }

    /// Puts values in PyTorch's order into a state, before training.
    pub fn set_state(&mut self, index: usize, values: &[f64]) {
        initialize::write(&mut self.arena, &self.compiled.states.places[index], values);
        self.keep();
    }

    /// Begins to follow the losses of epochs, as far as schedule, `stop` and `restore` ask for it.
    fn monitor(&mut self) {
        let schedule = self.train.as_ref().and_then(Runner::rate_schedule);
        let plateau = schedule.and_then(RateSchedule::plateau);
        self.plateau = plateau.map(PlateauMonitor::new);
        self.set_reductions(0);
        self.progress = Monitor::default();
        self.best.clear();
    }

    /// The learning rate that the last update had, if it follows a schedule.
    fn rate(&self) -> Option<f64> {
        let schedule = self.train.as_ref()?.rate_schedule()?;
        let optimizer = self
            .compiled
            .declaration
            .train
            .as_ref()?
            .optimizer
            .as_ref()?;
        let base = optimizer.arguments.number("lr");
        Some(schedule.rate(base, self.updates_done, self.reductions))
    }

    /// Says to all that makes updates how often the learning rate has been reduced.
    fn set_reductions(&mut self, reductions: u32) {
        self.reductions = reductions;
        let recording = self.recorder.as_mut().map(|recorder| &mut recorder.runner);
        for runner in self.train.as_mut().into_iter().chain(recording) {
            runner.set_reductions(reductions);
        }
    }

    /// The best epoch so far, where one is looked for.
    pub fn best(&self) -> Option<Best> {
        self.progress.best
    }

    /// Begins anew from the seed's first values, as if nothing had been trained; threads stay.
    pub fn restart(&mut self) {
        let states = &self.compiled.states;
        self.arena
            .slice_mut(Offset(0), states.end)
            .fill(T::constant(0.0));
        initialize::initialize(&mut self.arena, states, self.compiled.seed);
        (self.epochs_done, self.updates_done) = (0, 0);
        self.monitor();
        self.keep();
    }

    pub fn epochs_done(&self) -> usize {
        self.epochs_done
    }

    pub fn updates_done(&self) -> u64 {
        self.updates_done
    }

    /// Batches of all whole epochs.
    pub fn batches_done(&self) -> u64 {
        (self.epochs_done * self.batches()) as u64
    }

    /// Batches in an epoch.
    pub fn batches(&self) -> usize {
        self.batches.count()
    }

    /// Trains for `epochs`, telling `report` the losses of each, until it is done or `stop` says so.
    pub fn run(
        &mut self,
        epochs: usize,
        stop: &dyn Fn() -> bool,
        report: &mut dyn FnMut(usize, EpochLosses),
    ) -> Ended {
        self.records = false;
        self.run_epochs(epochs, stop, report, &mut |_| {})
    }

    /// Trains as [`run`](Self::run) does, to the same bits, and tells `record` what `watch` sections ask
    /// for.
    pub fn run_recorded(
        &mut self,
        epochs: usize,
        stop: &dyn Fn() -> bool,
        report: &mut dyn FnMut(usize, EpochLosses),
        record: &mut dyn FnMut(ProbeRecord),
    ) -> Ended {
        self.records = self.recorder.is_some();
        self.run_epochs(epochs, stop, report, record)
    }

    fn run_epochs(
        &mut self,
        epochs: usize,
        stop: &dyn Fn() -> bool,
        report: &mut dyn FnMut(usize, EpochLosses),
        record: &mut dyn FnMut(ProbeRecord),
    ) -> Ended {
        while self.epochs_done < epochs {
            match self.epoch(stop, record) {
                Ok(Some(losses)) => {
                    report(self.epochs_done, losses);
                    if self.is_enough(losses) {
                        self.restore();
                        return Ended::Early;
                    }
                }
                Ok(None) => {
                    self.put_back();
                    self.restore();
                    return Ended::Interrupted;
                }
                Err(batch_index) => {
                    let found = self.find_non_finite(batch_index);
                    self.put_back();
                    return Ended::NonFinite(Box::new(found));
                }
            }
        }
        self.restore();
        Ended::Finished
    }

    /// Learns from the losses of an epoch; gives whether the training is to end.
    fn is_enough(&mut self, losses: EpochLosses) -> bool {
        let watched = losses.validate.unwrap_or(losses.train);
        if let Some(plateau) = &mut self.plateau {
            let reductions = plateau.after(watched);
            self.set_reductions(reductions);
        }
        let Some(spec) = &self.compiled.declaration.train else {
            return false;
        };
        if spec.stop.is_none() && spec.restore == Restore::Last {
            return false;
        }
        let verdict = self.progress.after(self.epochs_done, watched, spec.stop);
        if verdict == Verdict::Better && spec.restore == Restore::Best {
            self.best.clear();
            self.best.extend_from_slice(&self.kept);
        }
        verdict == Verdict::Enough
    }

    /// Puts the best epoch's states in place, where they are to be left behind.
    fn restore(&mut self) {
        let states = self.arena.slice_mut(Offset(0), self.best.len());
        states.copy_from_slice(&self.best);
    }

    /// One epoch; `None` if it was stopped, an error with the batch's number if its loss is not
    /// finite.
    fn epoch(
        &mut self,
        stop: &dyn Fn() -> bool,
        record: &mut dyn FnMut(ProbeRecord),
    ) -> Result<Option<EpochLosses>, usize> {
        if let Some(profile) = &mut self.profile {
            profile.begin_epoch();
        }
        self.shuffle_rows();
        let batches = self.batches();
        let (mut sum, mut counted) = (0.0, 0.0);
        for index in 0..batches {
            if stop() {
                return Ok(None);
            }
            let loss = self.step(index);
            if self.records {
                self.record(index, record);
            }
            if !loss.is_finite() {
                return Err(index);
            }
            let rows = rows_of(&self.shuffle, &self.order, self.batch_rows(index));
            let count = count_of(&self.data, self.weighted, rows);
            sum += loss * count;
            counted += count;
        }
        self.epochs_done += 1;
        self.keep();
        if let Some(profile) = &mut self.profile {
            profile.begin_validation();
        }
        let validate = match self.validation.rows {
            0 => None,
            _ => Some(self.validation_loss()),
        };
        if let Some(profile) = &mut self.profile {
            profile.end_epoch(self.epochs_done, validate.is_some());
        }
        Ok(Some(EpochLosses {
            train: sum / counted,
            validate,
            rate: self.rate(),
        }))
    }

    /// Tells what is recorded of a batch, if it made an update of which something is.
    fn record(&mut self, index: usize, record: &mut dyn FnMut(ProbeRecord)) {
        let rows = self.batch_rows(index).len();
        let update = self.updates_done;
        let ends = match &self.accumulation {
            Some(accumulation) => accumulation.ends(index, self.batches.count()),
            None => true,
        };
        if let Some(recorder) = &mut self.recorder
            && ends
            && recorder.wants(update)
        {
            let moment = (self.epochs_done + 1, update);
            recorder.read(&self.arena, rows, moment, record);
        }
    }

    /// One batch, and an update unless more batches make one; gives the loss before it.
    pub(super) fn step(&mut self, index: usize) -> f64 {
        if self.accumulation.is_some() {
            return self.accumulated_step(index);
        }
        let range = self.batch_rows(index);
        let count = range.len();
        self.updates_done += 1;
        let update = self.updates_done;
        if let Some(recorder) = self.recorder.as_mut().filter(|_| self.records)
            && recorder.wants(update)
        {
            let rows = rows_of(&self.shuffle, &self.order, range);
            let (arena, threads) = (&mut self.arena, &mut self.threads);
            recorder
                .runner
                .run_on(arena, threads, &self.data, rows, update);
            return recorder.runner.loss(&self.arena);
        }
        let train = self
            .train
            .as_mut()
            .expect("a model that trains has a plan for it");
        let profile = self.profile.as_mut();
        let recording = profile.and_then(|profile| profile.record(update, count));
        let rows = rows_of(&self.shuffle, &self.order, range);
        let (arena, threads) = (&mut self.arena, &mut self.threads);
        // A batch that is all there is stays where it is.
        let stays = count == self.data.rows && self.shuffle.is_none();
        if !self.loaded && (stays || recording.is_some()) {
            train.load(arena, &self.data, rows);
        }
        self.loaded = stays;
        match recording {
            None if stays => train.run(arena, threads, count, update),
            None => train.run_on(arena, threads, &self.data, rows, update),
            Some(recording) => {
                recording.run(|timelines| train.run_timed(arena, threads, count, update, timelines))
            }
        }
        train.loss(&self.arena)
    }

    /// Runs one update on the first batch, telling which step of the plan comes next.
    pub fn observe_step(&mut self, observe: impl FnMut(usize)) {
        let range = self.batch_rows(0);
        let rows = Rows::Range {
            first: 0,
            count: range.len(),
        };
        let train = self
            .train
            .as_mut()
            .expect("a model that trains has a plan for it");
        train.load(&mut self.arena, &self.data, rows);
        self.updates_done += 1;
        let update = self.updates_done;
        train.run_observed(
            &mut self.arena,
            &mut self.threads,
            range.len(),
            update,
            observe,
        );
    }

    /// Keeps all states as they are after a whole epoch.
    fn keep(&mut self) {
        let states = initialize::all(&self.arena, &self.compiled.states);
        self.kept.clear();
        self.kept.extend_from_slice(states);
        self.kept_updates = self.updates_done;
    }

    pub(super) fn put_back(&mut self) {
        let states = self.arena.slice_mut(Offset(0), self.kept.len());
        states.copy_from_slice(&self.kept);
        self.updates_done = self.kept_updates;
    }
}
