//! An ordered parallel map: work shared by threads, whose results are taken in the order of the jobs.

use std::any::Any;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Gives jobs to `threads` threads and takes their results in order.
///
/// The caller's thread calls `next`, which may use a spent job again and gives `None` when there are
/// no more, and `take` with each job and its result, until it says to stop. It works on jobs itself
/// when there is nothing to take. No thread starts for a single job.
pub(super) fn ordered_parallel_map<J: Send + Default, R: Send>(
    threads: usize,
    mut next: impl FnMut(J) -> Option<J>,
    work: impl Fn(&J) -> R + Sync,
    mut take: impl FnMut(&J, R) -> ControlFlow<()>,
) {
    let Some(first) = next(J::default()) else {
        return;
    };
    let second = match threads {
        0 | 1 => None,
        _ => next(J::default()),
    };
    let Some(second) = second else {
        return alone(first, next, work, take);
    };
    let shared = Shared::new([first, second]);
    let most = 2 * threads;
    thread::scope(|scope| {
        // However this ends, the workers learn that nothing comes any more.
        let _closing = Closing(&shared);
        for _ in 1..threads {
            // What the system refuses to start, the others do.
            let _ = thread::Builder::new().spawn_scoped(scope, || shared.serve(&work));
        }
        let mut spent = Vec::new();
        let mut ended = false;
        loop {
            let mut state = shared.lock();
            if let Some((job, result)) = state.first_done() {
                drop(state);
                let result = result.unwrap_or_else(|panic| resume_unwind(panic));
                if take(&job, result).is_break() {
                    return;
                }
                spent.push(job);
            } else if !ended && state.jobs.len() < most {
                drop(state);
                match next(spent.pop().unwrap_or_default()) {
                    Some(job) => shared.give(job),
                    None => ended = true,
                }
            } else if state.jobs.is_empty() {
                return;
            } else if let Some((number, job)) = state.first_waiting() {
                drop(state);
                let result = work(&job);
                shared.lock().finish(number, job, Ok(result));
            } else {
                drop(shared.wait(&shared.done, state));
            }
        }
    });
}

fn alone<J: Default, R>(
    first: J,
    mut next: impl FnMut(J) -> Option<J>,
    work: impl Fn(&J) -> R,
    mut take: impl FnMut(&J, R) -> ControlFlow<()>,
) {
    let mut job = first;
    loop {
        let result = work(&job);
        if take(&job, result).is_break() {
            return;
        }
        match next(job) {
            Some(following) => job = following,
            None => return,
        }
    }
}

struct Shared<J, R> {
    state: Mutex<State<J, R>>,
    /// Tells the workers of a new job or of the end.
    given: Condvar,
    /// Tells the caller of a result.
    done: Condvar,
}

struct State<J, R> {
    /// The jobs that are not taken yet, in order.
    jobs: VecDeque<Job<J, R>>,
    /// The number of the first of them.
    first: usize,
    closed: bool,
}

enum Job<J, R> {
    Waiting(J),
    Running,
    Done(J, Result<R, Panic>),
}

type Panic = Box<dyn Any + Send>;

impl<J, R> Shared<J, R> {
    fn new(jobs: [J; 2]) -> Self {
        Shared {
            state: Mutex::new(State {
                jobs: jobs.into_iter().map(Job::Waiting).collect(),
                first: 0,
                closed: false,
            }),
            given: Condvar::new(),
            done: Condvar::new(),
        }
    }

    /// The state is whole between any two locks, also when a thread has panicked.
    fn lock(&self) -> MutexGuard<'_, State<J, R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(
        &self,
        condition: &Condvar,
        state: MutexGuard<'s, State<J, R>>,
    ) -> MutexGuard<'s, State<J, R>> {
        let state = condition.wait(state);
        state.unwrap_or_else(PoisonError::into_inner)
    }

    fn give(&self, job: J) {
        self.lock().jobs.push_back(Job::Waiting(job));
        self.given.notify_one();
    }

    /// Works on jobs until there will be no more.
    fn serve(&self, work: &(impl Fn(&J) -> R + Sync)) {
        let mut state = self.lock();
        while !state.closed {
            let Some((number, job)) = state.first_waiting() else {
                state = self.wait(&self.given, state);
                continue;
            };
            drop(state);
            let result = catch_unwind(AssertUnwindSafe(|| work(&job)));
            state = self.lock();
            state.finish(number, job, result);
            self.done.notify_one();
        }
    }
}

impl<J, R> State<J, R> {
    fn first_waiting(&mut self) -> Option<(usize, J)> {
        let mut jobs = self.jobs.iter_mut().enumerate();
        let (place, job) = jobs.find(|(_, job)| matches!(job, Job::Waiting(_)))?;
        match std::mem::replace(job, Job::Running) {
            Job::Waiting(job) => Some((self.first + place, job)),
            Job::Running | Job::Done(..) => None,
        }
    }

    fn finish(&mut self, number: usize, job: J, result: Result<R, Panic>) {
        self.jobs[number - self.first] = Job::Done(job, result);
    }

    /// The job that is next in order, if it is done.
    fn first_done(&mut self) -> Option<(J, Result<R, Panic>)> {
        match self.jobs.pop_front()? {
            Job::Done(job, result) => {
                self.first += 1;
                Some((job, result))
            }
            other @ (Job::Waiting(_) | Job::Running) => {
                self.jobs.push_front(other);
                None
            }
        }
    }
}

struct Closing<'s, J, R>(&'s Shared<J, R>);

impl<J, R> Drop for Closing<'_, J, R> {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.given.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The results of the numbers below `count`, taken until one of them is `last`.
    fn squares(threads: usize, count: usize, last: usize) -> Vec<(usize, usize)> {
        let mut numbers = 0..count;
        let mut taken = Vec::new();
        ordered_parallel_map(
            threads,
            |_spent: usize| numbers.next(),
            |number| number * number,
            |number, square| {
                taken.push((*number, square));
                if *number == last {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            },
        );
        taken
    }

    #[test]
    fn results_come_in_the_order_of_the_jobs() {
        for threads in [0, 1, 2, 3, 8] {
            for count in [0, 1, 2, 3, 1000] {
                let all: Vec<_> = (0..count).map(|number| (number, number * number)).collect();
                assert_eq!(squares(threads, count, count), all);
                let some = &all[..count.min(3)];
                assert_eq!(squares(threads, count, 2), some);
            }
        }
    }

    #[test]
    fn a_panic_in_any_thread_reaches_the_caller() {
        for threads in [1, 2, 3] {
            let mut numbers = 0..100;
            let caught = catch_unwind(AssertUnwindSafe(|| {
                ordered_parallel_map(
                    threads,
                    |_spent: usize| numbers.next(),
                    |number| assert!(*number != 50, "the job of fifty"),
                    |_, ()| ControlFlow::Continue(()),
                );
            }));
            let panic = caught.expect_err("a panic");
            assert_eq!(panic.downcast_ref(), Some(&"the job of fifty"));
        }
    }
}
