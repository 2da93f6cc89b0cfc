//! When each worker began and ended each step of a run, and waited for the others.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::action::{Action, ActionBlock, Actions};
use crate::plan::roofline::PlanSchedule;

/// Moments of one worker in one run, in nanoseconds: the beginning of each step, beginning and end of
/// each barrier in it, and the end of the last step.
#[derive(Clone, Copy, Debug)]
pub struct Moments<'m> {
    layout: &'m Layout,
    times: &'m [u64],
}

/// Nanoseconds from one moment to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interval {
    pub begin: u64,
    pub end: u64,
}

impl Interval {
    pub fn nanoseconds(&self) -> u64 {
        self.end.saturating_sub(self.begin)
    }
}

impl Moments<'_> {
    pub fn steps(&self) -> usize {
        self.layout.begins.len() - 1
    }

    /// From the beginning of a step to that of the next.
    pub fn step(&self, step: usize) -> Interval {
        Interval {
            begin: self.times[self.layout.begins[step]],
            end: self.times[self.layout.begins[step + 1]],
        }
    }

    /// The barriers in a step.
    pub fn barriers(&self, step: usize) -> impl Iterator<Item = Interval> {
        let within = self.layout.begins[step] + 1..self.layout.begins[step + 1];
        let pairs = self.times[within].chunks_exact(2);
        pairs.map(|pair| Interval {
            begin: pair[0],
            end: pair[1],
        })
    }
}

/// Where the moments of each step stand.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Layout {
    /// Of each step, and of the end, the number of the moment.
    begins: Vec<usize>,
}

impl Layout {
    fn new(schedule: &PlanSchedule) -> Layout {
        let mut begins = vec![0];
        for step in &schedule.steps {
            let last = begins[begins.len() - 1];
            begins.push(last + 1 + 2 * step.barriers as usize);
        }
        Layout { begins }
    }

    fn moments(&self) -> usize {
        self.begins[self.begins.len() - 1] + 1
    }
}

/// Takes the moments of one run at a time, for runs with the same schedule.
pub struct Timeline {
    layout: Layout,
    origin: Instant,
    workers: usize,
    /// The moments of each worker, apart from the others' lines.
    stride: usize,
    times: Vec<AtomicU64>,
}

/// Moments in a line of a cache.
const LINE: usize = 8;

impl Timeline {
    /// A timeline that counts from `origin`.
    pub fn new(schedule: &PlanSchedule, origin: Instant) -> Timeline {
        let layout = Layout::new(schedule);
        let stride = (layout.moments() + LINE).next_multiple_of(LINE);
        Timeline {
            origin,
            workers: schedule.workers,
            stride,
            times: (0..stride * schedule.workers)
                .map(|_| AtomicU64::new(0))
                .collect(),
            layout,
        }
    }

    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Nanoseconds since the origin.
    pub fn now(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// How many numbers the moments of a run are.
    pub fn length(&self) -> usize {
        self.layout.moments() * self.workers
    }

    /// Appends the moments of the run that ended last.
    pub fn append_to(&self, recorded: &mut Vec<u64>) {
        for worker in 0..self.workers {
            let times = &self.times[worker * self.stride..][..self.layout.moments()];
            recorded.extend(times.iter().map(|time| time.load(Ordering::Relaxed)));
        }
    }

    /// A worker's part of the moments of a run.
    pub fn moments<'m>(&'m self, recorded: &'m [u64], worker: usize) -> Moments<'m> {
        let moments = self.layout.moments();
        Moments {
            layout: &self.layout,
            times: &recorded[worker * moments..][..moments],
        }
    }

    pub(super) fn clock(&self, worker: usize) -> Clock<'_> {
        let times = &self.times[worker * self.stride..][..self.layout.moments()];
        Clock {
            timeline: self,
            times: times.iter(),
        }
    }
}

/// A worker's hand on the timeline.
pub(super) struct Clock<'t> {
    timeline: &'t Timeline,
    times: std::slice::Iter<'t, AtomicU64>,
}

impl Clock<'_> {
    fn tick(&mut self) {
        if let Some(time) = self.times.next() {
            time.store(self.timeline.now(), Ordering::Relaxed);
        }
    }

    /// Walks over all of a worker's actions in their order, ticking at each moment; `perform` does
    /// those between two moments, and each barrier by itself.
    pub(super) fn walk<T>(mut self, actions: &Actions<T>, mut perform: impl FnMut(&[ActionBlock])) {
        for step in 0..actions.step_ends.len() {
            self.tick();
            for repeat in actions.of_steps(step..step + 1) {
                self.walk_repeat(actions, *repeat, &mut perform);
            }
        }
        self.tick();
    }

    fn walk_repeat<T>(
        &mut self,
        actions: &Actions<T>,
        repeat: ActionBlock,
        perform: &mut impl FnMut(&[ActionBlock]),
    ) {
        let body = &actions.actions[repeat.first..][..repeat.count];
        let piece = |first: usize, end: usize| ActionBlock {
            first: repeat.first + first,
            count: end - first,
            times: repeat.times,
        };
        let mut first = 0;
        for (index, action) in body.iter().enumerate() {
            if !matches!(action, Action::Barrier) {
                continue;
            }
            debug_assert_eq!(repeat.times, 1, "barriers are not repeated");
            perform(&[piece(first, index)]);
            self.tick();
            perform(&[piece(index, index + 1)]);
            self.tick();
            first = index + 1;
        }
        perform(&[piece(first, body.len())]);
    }
}
