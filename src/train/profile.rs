//! A sample of a training's updates: when each worker did what.

use std::time::Instant;

use super::trainer::Trainer;
use crate::engine::Timelines;
use crate::kernels::{Element, Interval, Moments, Timeline};

/// So many updates from the first on are taken down, ...
const FIRST: usize = 100;
/// ... and so many altogether, the others spread over the rest of the training.
const MOST: usize = 200;
/// Numbers that are taken down at most, of plans with very many steps.
const MOST_NUMBERS: usize = 1 << 20;

/// Takes down a sample of the updates on whole batches. What it needs for that is there from the
/// beginning.
pub struct Profile {
    timelines: Timelines,
    origin: Instant,
    /// Rows of a whole batch.
    rows: usize,
    first: usize,
    most: usize,
    /// How many updates lie between two later samples.
    every: u64,
    /// The next update that is wanted.
    next: u64,
    samples: Vec<Sample>,
    numbers: Vec<u64>,
    epochs: Vec<EpochTimes>,
    epoch: OpenEpoch,
}

/// The epoch that has begun.
#[derive(Clone, Copy, Default)]
struct OpenEpoch {
    begin: u64,
    trained: u64,
    /// Samples from before it.
    samples: usize,
}

/// One update that was taken down.
#[derive(Clone, Copy, Debug)]
struct Sample {
    update: u64,
    together: bool,
    /// Bringing rows in.
    bringing: Interval,
    /// The end of the run on all workers.
    end: u64,
    /// Where its numbers begin.
    at: usize,
}

/// When an epoch with a sample in it trained and validated.
#[derive(Clone, Copy, Debug)]
pub struct EpochTimes {
    /// From 1.
    pub epoch: usize,
    pub training: Interval,
    pub validation: Option<Interval>,
}

/// One update that was taken down.
#[derive(Clone, Copy)]
pub struct SampledUpdate<'p> {
    timeline: &'p Timeline,
    sample: Sample,
    numbers: &'p [u64],
}

impl<'p> SampledUpdate<'p> {
    /// The number of the update, from 1.
    pub fn update(&self) -> u64 {
        self.sample.update
    }

    pub fn workers(&self) -> usize {
        self.timeline.workers()
    }

    /// From the first row that was brought in to the end of the last worker.
    pub fn whole(&self) -> Interval {
        Interval {
            begin: self.sample.bringing.begin,
            end: self.sample.end,
        }
    }

    /// Bringing the batch's rows in.
    pub fn bringing(&self) -> Interval {
        self.sample.bringing
    }

    /// What a worker did when.
    pub fn moments(&self, worker: usize) -> Moments<'p> {
        self.timeline.moments(self.numbers, worker)
    }
}

/// An update that is being taken down.
pub(super) struct Recording<'p> {
    profile: &'p mut Profile,
    update: u64,
    begin: u64,
}

impl Recording<'_> {
    /// The rows are there: takes down a run.
    pub(super) fn run(self, run: impl FnOnce(&Timelines) -> &Timeline) {
        let Recording {
            profile,
            update,
            begin,
        } = self;
        let brought = profile.now();
        let timeline = run(&profile.timelines);
        profile.samples.push(Sample {
            update,
            together: timeline.workers() > 1,
            bringing: Interval {
                begin,
                end: brought,
            },
            end: profile.now(),
            at: profile.numbers.len(),
        });
        timeline.append_to(&mut profile.numbers);
        let later = if profile.samples.len() < profile.first {
            1
        } else {
            profile.every
        };
        profile.next = update + later;
    }
}

/// Medians over the sampled updates of one way to run, in seconds.
#[derive(Clone, PartialEq, Debug)]
pub struct Medians {
    pub workers: usize,
    pub updates: usize,
    pub steps: Vec<StepMedian>,
    pub bringing: f64,
    /// Whole updates.
    pub whole: f64,
}

/// A step's time, and how much of it the workers waited for each other: the mean over the workers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct StepMedian {
    pub seconds: f64,
    pub waiting: f64,
}

impl<T: Element> Trainer<'_, T> {
    /// From now on takes down a sample of the updates of a training of so many epochs, if the model
    /// trains. Results do not change.
    pub fn begin_profile(&mut self, epochs: usize) {
        let origin = Instant::now();
        let updates = epochs.saturating_mul(self.batches());
        let (size, threads) = (self.batches.size, &self.threads);
        self.profile = self.train.as_mut().map(|train| {
            let timelines = train.timelines(threads, size, origin);
            Profile::new(timelines, origin, size, updates)
        });
    }

    /// What has been taken down since [`begin_profile`](Self::begin_profile).
    pub fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }
}

impl Profile {
    /// A profile of a training of so many updates on batches of up to `rows`.
    pub fn new(timelines: Timelines, origin: Instant, rows: usize, updates: usize) -> Profile {
        let together = timelines.together.iter();
        let lengths = together.chain([&timelines.alone]).map(Timeline::length);
        let length = lengths.max().unwrap_or(1);
        let most = MOST.min(MOST_NUMBERS / length).clamp(1, updates.max(1));
        let first = FIRST.min(most.div_ceil(2));
        let later = (most - first).max(1);
        Profile {
            timelines,
            origin,
            rows,
            first,
            most,
            every: (updates.saturating_sub(first) / later).max(1) as u64,
            next: 1,
            samples: Vec::with_capacity(most),
            numbers: Vec::with_capacity(most * length),
            epochs: Vec::with_capacity(most),
            epoch: OpenEpoch::default(),
        }
    }

    /// Nanoseconds since the profile's origin.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Begins to take an update down, if that is wanted; what follows is bringing its rows in.
    pub(super) fn record(&mut self, update: u64, rows: usize) -> Option<Recording<'_>> {
        let wanted = rows == self.rows && update >= self.next && self.samples.len() < self.most;
        wanted.then(|| Recording {
            begin: self.now(),
            update,
            profile: self,
        })
    }

    pub(super) fn begin_epoch(&mut self) {
        self.epoch = OpenEpoch {
            begin: self.now(),
            trained: 0,
            samples: self.samples.len(),
        };
    }

    /// The epoch's last update is done; the validation follows, if there is any.
    pub(super) fn begin_validation(&mut self) {
        self.epoch.trained = self.now();
    }

    /// Takes down the epoch that ends now, if one of its updates was.
    pub(super) fn end_epoch(&mut self, epoch: usize, validated: bool) {
        let OpenEpoch {
            begin,
            trained,
            samples,
        } = self.epoch;
        if self.samples.len() == samples {
            return;
        }
        let validation = validated.then(|| Interval {
            begin: trained,
            end: self.now(),
        });
        self.epochs.push(EpochTimes {
            epoch,
            training: Interval {
                begin,
                end: trained,
            },
            validation,
        });
    }

    pub fn epochs(&self) -> &[EpochTimes] {
        &self.epochs
    }

    /// The updates that were taken down, in their order.
    pub fn updates(&self) -> impl Iterator<Item = SampledUpdate<'_>> {
        self.samples.iter().map(|sample| {
            let timeline = match (sample.together, &self.timelines.together) {
                (true, Some(together)) => together,
                (true | false, _) => &self.timelines.alone,
            };
            SampledUpdate {
                timeline,
                sample: *sample,
                numbers: &self.numbers[sample.at..][..timeline.length()],
            }
        })
    }

    /// Medians over the updates that ran in the way in which most of them did; none if none was taken
    /// down.
    pub fn medians(&self) -> Option<Medians> {
        let alone = self
            .updates()
            .filter(|update| update.workers() == 1)
            .count();
        let all = self.samples.len();
        let is_usual = |update: &SampledUpdate| (update.workers() == 1) == (2 * alone > all);
        let updates: Vec<SampledUpdate> = self.updates().filter(is_usual).collect();
        let workers = updates.first()?.workers();
        let steps = updates[0].moments(0).steps();
        let over_updates =
            |seconds: &dyn Fn(&SampledUpdate) -> f64| median(updates.iter().map(seconds).collect());
        let over_workers = |nanoseconds: &dyn Fn(Moments) -> u64| {
            over_updates(&|update| {
                let workers = (0..workers).map(|worker| nanoseconds(update.moments(worker)));
                workers.sum::<u64>() as f64 / update.workers() as f64 * 1e-9
            })
        };
        let step = |step: usize| StepMedian {
            seconds: over_workers(&|moments| moments.step(step).nanoseconds()),
            waiting: over_workers(&|moments| {
                let barriers = moments.barriers(step);
                barriers.map(|barrier| barrier.nanoseconds()).sum()
            }),
        };
        Some(Medians {
            workers,
            updates: updates.len(),
            steps: (0..steps).map(step).collect(),
            bringing: over_updates(&|update| update.bringing().nanoseconds() as f64 * 1e-9),
            whole: over_updates(&|update| update.whole().nanoseconds() as f64 * 1e-9),
        })
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
