//! Where workers must meet: before one touches what another has written, or writes what another has
//! touched, since they last met.

use super::action::{Action, Actions, Place, Room};
use super::link::Phase;

/// More accesses than this since the last meeting are not worth comparing: a meeting costs less.
const MOST_ACCESSES: usize = 64;

/// A range of elements that a worker reads or writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Access {
    room: Room,
    start: usize,
    end: usize,
    writes: bool,
}

impl Access {
    pub fn new(place: Place, elements: usize, writes: bool) -> Access {
        Access {
            room: place.room,
            start: place.at,
            end: place.at + elements,
            writes,
        }
    }

    /// Whether the other goes on where this one ends.
    pub fn joins(&self, other: &Access) -> bool {
        self.room == other.room && self.writes == other.writes && self.end == other.start
    }

    pub fn extend(&mut self, other: &Access) {
        self.end = other.end;
    }

    fn conflicts(&self, other: &Access) -> bool {
        self.room == other.room
            && (self.writes || other.writes)
            && self.start < other.end
            && other.start < self.end
    }
}

/// Joins phases to what each worker does, with meetings where they are needed.
pub(super) struct Join<T> {
    pub workers: Vec<Actions<T>>,
    since: Vec<Vec<Access>>,
}

impl<T> Join<T> {
    pub fn new(workers: usize) -> Self {
        Join {
            workers: (0..workers).map(|_| Actions::default()).collect(),
            since: vec![Vec::new(); workers],
        }
    }

    /// Appends the phases of a step: for each worker the same number.
    pub fn step(&mut self, phases: Vec<Vec<Phase<T>>>) {
        let mut phases: Vec<_> = phases.into_iter().map(Vec::into_iter).collect();
        loop {
            let next: Vec<Phase<T>> = phases.iter_mut().filter_map(Iterator::next).collect();
            if next.is_empty() {
                break;
            }
            debug_assert_eq!(next.len(), self.workers.len());
            self.phase(next);
        }
        for worker in &mut self.workers {
            worker.step_ends.push(worker.repeats.len());
        }
    }

    fn phase(&mut self, phases: Vec<Phase<T>>) {
        if self.needs_meeting(&phases) {
            for (worker, since) in self.workers.iter_mut().zip(&mut self.since) {
                worker.push(Action::Meet);
                since.clear();
            }
        }
        let workers = self.workers.iter_mut().zip(&mut self.since);
        for ((worker, since), phase) in workers.zip(phases) {
            worker.append(phase.actions);
            for access in phase.accesses {
                if !since.contains(&access) {
                    since.push(access);
                }
            }
        }
    }

    fn needs_meeting(&self, phases: &[Phase<T>]) -> bool {
        if phases.len() == 1 {
            return false;
        }
        if self.since.iter().any(|since| since.len() > MOST_ACCESSES) {
            return true;
        }
        phases.iter().enumerate().any(|(worker, phase)| {
            let others = self.since.iter().enumerate();
            let mut others = others.filter(|(other, _)| *other != worker);
            others.any(|(_, since)| {
                let pairs = |access: &Access| since.iter().any(|before| before.conflicts(access));
                phase.accesses.iter().any(pairs)
            })
        })
    }
}
