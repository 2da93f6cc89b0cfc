//! Where a barrier is needed: before one touches what another has written, or writes what another has
//! touched, since the last barrier; and when deferred stores are done.

use std::collections::VecDeque;

use super::action::{Action, Actions, Address};
use super::arena::AddressSpace;
use super::link::StepPhase;

/// More accesses than this since the last barrier are not worth comparing: a barrier costs less.
const MOST_ACCESSES: usize = 64;

/// A range of elements that a worker reads or writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Access {
    space: AddressSpace,
    start: usize,
    end: usize,
    writes: bool,
}

impl Access {
    pub fn new(place: Address, elements: usize, writes: bool) -> Access {
        Access {
            space: place.space,
            start: place.at,
            end: place.at + elements,
            writes,
        }
    }

    /// Whether the other goes on where this one ends.
    pub fn joins(&self, other: &Access) -> bool {
        self.space == other.space && self.writes == other.writes && self.end == other.start
    }

    pub fn extend(&mut self, other: &Access) {
        self.end = other.end;
    }

    fn conflicts(&self, other: &Access) -> bool {
        self.space == other.space
            && (self.writes || other.writes)
            && self.start < other.end
            && other.start < self.end
    }
}

/// A copy of adjoining elements to a place where others have read, which may wait until the next barrier
/// or its own worker touches one of the two places.
///
/// The processor takes the lines away from the others first, one after the other, while stores wait: some
/// lines at a time, before work that stores little, cost least.
pub(super) struct DeferredStore<T> {
    action: Action<T>,
    accesses: [Access; 2],
}

impl<T> DeferredStore<T> {
    pub fn copy(length: usize, from: Address, to: Address) -> DeferredStore<T> {
        DeferredStore {
            action: Action::Copy {
                features: length,
                columns: 1,
                from,
                from_stride: length,
                to,
                to_stride: length,
            },
            accesses: [
                Access::new(from, length, false),
                Access::new(to, length, true),
            ],
        }
    }

    /// The copy, to be done now.
    pub fn now(self) -> Action<T> {
        self.action
    }
}

/// Does all deferred stores.
fn flush<T>(worker: &mut Actions<T>, deferred: &mut VecDeque<DeferredStore<T>>) {
    for store in deferred.drain(..) {
        worker.push(store.action);
    }
}

/// Appends actions, with one of the deferred stores before each product.
fn append<T>(
    worker: &mut Actions<T>,
    actions: Actions<T>,
    deferred: &mut VecDeque<DeferredStore<T>>,
) {
    let mut all = actions.actions.into_iter();
    for repeat in actions.repeats {
        let actions = all.by_ref().take(repeat.count);
        if repeat.times > 1 {
            worker.push_repeated(repeat.times, actions);
            continue;
        }
        for action in actions {
            if let Action::Product(_) = action
                && let Some(store) = deferred.pop_front()
            {
                worker.push(store.action);
            }
            worker.push(action);
        }
    }
}

/// Joins phases to what each worker does, with barriers where they are needed.
pub(super) struct Join<T> {
    workers: Vec<Actions<T>>,
    since: Vec<Vec<Access>>,
    /// What each has not done yet.
    deferred: Vec<VecDeque<DeferredStore<T>>>,
}

impl<T> Join<T> {
    pub fn new(workers: usize) -> Self {
        Join {
            workers: (0..workers).map(|_| Actions::default()).collect(),
            since: vec![Vec::new(); workers],
            deferred: (0..workers).map(|_| VecDeque::new()).collect(),
        }
    }

    /// What each worker does.
    pub fn into_workers(mut self) -> Vec<Actions<T>> {
        for (worker, deferred) in self.workers.iter_mut().zip(&mut self.deferred) {
            flush(worker, deferred);
            if let Some(end) = worker.step_ends.last_mut() {
                *end = worker.repeats.len();
            }
        }
        self.workers
    }

    /// Appends the phases of a step: for each worker the same number.
    pub fn step(&mut self, phases: Vec<Vec<StepPhase<T>>>) {
        let mut phases: Vec<_> = phases.into_iter().map(Vec::into_iter).collect();
        loop {
            let next: Vec<StepPhase<T>> = phases.iter_mut().filter_map(Iterator::next).collect();
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

    fn phase(&mut self, phases: Vec<StepPhase<T>>) {
        if self.needs_barrier(&phases) {
            let workers = self.workers.iter_mut().zip(&mut self.since);
            for ((worker, since), deferred) in workers.zip(&mut self.deferred) {
                flush(worker, deferred);
                worker.push(Action::Barrier);
                since.clear();
            }
        }
        let workers = self.workers.iter_mut().zip(&mut self.since);
        for (((worker, since), deferred), phase) in workers.zip(&mut self.deferred).zip(phases) {
            let waiting = deferred.iter().flat_map(|store| &store.accesses);
            let mut waiting =
                waiting.flat_map(|store| phase.accesses.iter().map(move |now| (store, now)));
            if waiting.any(|(store, now)| store.conflicts(now)) {
                flush(worker, deferred);
            }
            append(worker, phase.actions, deferred);
            let stored = phase.deferred.iter().flat_map(|store| store.accesses);
            let accesses: Vec<Access> = phase.accesses.into_iter().chain(stored).collect();
            deferred.extend(phase.deferred);
            for access in accesses {
                // Beyond the limit the next phase begins with a barrier whatever is added.
                if since.len() <= MOST_ACCESSES && !since.contains(&access) {
                    since.push(access);
                }
            }
        }
    }

    fn needs_barrier(&self, phases: &[StepPhase<T>]) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::action::Left;
    use crate::kernels::action::ProductAction;

    const WEIGHT: usize = 1000;

    fn product() -> Action<f32> {
        let at = Address::work(0);
        Action::Product(ProductAction {
            rows: 1,
            columns: 1,
            depth: 1,
            left: Left {
                at,
                height: 1,
                stride: 1,
                step: 1,
            },
            right: at,
            right_step: 1,
            right_stride: 1,
            right_packed: false,
            start: None,
            resume: false,
            result: at,
            result_stride: 1,
            adds: false,
        })
    }

    /// A phase of actions, on these elements of the arena.
    fn phase(actions: Vec<Action<f32>>, accesses: &[(usize, usize, bool)]) -> StepPhase<f32> {
        let mut phase = StepPhase::default();
        for action in actions {
            phase.actions.push(action);
        }
        let accesses = accesses.iter();
        let access = |&(at, elements, writes)| Access::new(Address::arena(at), elements, writes);
        phase.accesses = accesses.map(access).collect();
        phase
    }

    /// One that defers two copies to a weight.
    fn update(worker: usize) -> StepPhase<f32> {
        let own = WEIGHT + 20 * worker;
        let mut phase = phase(Vec::new(), &[(own, 20, true)]);
        for part in [0, 10] {
            let to = Address::arena(own + part);
            phase
                .deferred
                .push(DeferredStore::copy(10, Address::work(own + part), to));
        }
        phase
    }

    /// What the first worker does: a letter an action.
    fn done(join: Join<f32>) -> String {
        let workers = join.into_workers();
        let actions = workers[0].actions.iter();
        actions
            .map(|action| match action {
                Action::Barrier => 'm',
                Action::Product(_) => 'p',
                Action::Copy { .. } => 'c',
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn joined(phases: impl Fn(usize) -> Vec<StepPhase<f32>>) -> String {
        let mut join = Join::new(2);
        join.step((0..2).map(phases).collect());
        done(join)
    }

    #[test]
    fn what_may_wait_is_done_before_products_and_before_a_barrier() {
        let products = |count: usize| phase((0..count).map(|_| product()).collect(), &[]);
        assert_eq!(joined(|worker| vec![update(worker), products(3)]), "cpcpp");
        assert_eq!(joined(|worker| vec![update(worker), products(1)]), "cpc");
        // Both weights are read: all must be there.
        let reads = || phase(vec![product()], &[(WEIGHT, 40, false)]);
        assert_eq!(
            joined(|worker| vec![update(worker), products(1), reads()]),
            "cpcmp"
        );
    }

    #[test]
    fn what_waits_is_done_before_the_same_worker_needs_it() {
        let own = |worker| phase(vec![product()], &[(WEIGHT + 20 * worker + 15, 1, false)]);
        assert_eq!(joined(|worker| vec![update(worker), own(worker)]), "ccp");
        // Or writes where it would be copied from.
        let overwrites = |worker| {
            let mut phase = phase(vec![product()], &[]);
            let at = Address::work(WEIGHT + 20 * worker);
            phase.accesses.push(Access::new(at, 1, true));
            phase
        };
        let order = joined(|worker| vec![update(worker), overwrites(worker)]);
        assert_eq!(order, "ccp");
    }

    #[test]
    fn the_last_step_holds_what_is_left() {
        let mut join = Join::new(2);
        join.step((0..2).map(|worker| vec![update(worker)]).collect());
        for worker in join.into_workers() {
            let repeats = worker.of_steps(0..1);
            assert_eq!(repeats.iter().map(|repeat| repeat.count).sum::<usize>(), 2);
        }
    }
}
