//! The workers: a few threads that run the same function together and meet at barriers.

use std::cell::UnsafeCell;
use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use super::cores::Cores;

/// Rounds of spinning before a waiting worker offers its core to others: a step of a small plan is
/// shorter than a switch of threads.
const SPINS: usize = 500;
/// Offers of the core before a worker between two runs goes to sleep.
const YIELDS: usize = 2000;

/// One of the workers of a run.
#[derive(Clone, Copy)]
pub struct Worker<'a> {
    pub index: usize,
    pub count: usize,
    barrier: Option<&'a TeamBarrier>,
}

impl Worker<'_> {
    /// A worker without colleagues.
    pub const ALONE: Worker<'static> = Worker {
        index: 0,
        count: 1,
        barrier: None,
    };

    /// Waits until all workers of the run are here; what each did before, all see after.
    #[inline]
    pub fn barrier(&self) {
        if let Some(barrier) = self.barrier {
            barrier.wait(self.index, self.count);
        }
    }

    /// This worker's part of `items` things.
    #[inline]
    pub fn share(&self, items: usize) -> std::ops::Range<usize> {
        share(self.index, self.count, items)
    }
}

/// A worker's part of `items` things, if it is number `index` of `count`.
#[inline]
pub(super) fn share(index: usize, count: usize, items: usize) -> std::ops::Range<usize> {
    index * items / count..(index + 1) * items / count
}

// Both numbers on one line of the caches: who arrives last brings it over once, not twice.
#[derive(Default)]
#[repr(align(64))]
struct Arrivals {
    arrived: AtomicUsize,
    round: AtomicUsize,
}

/// Where the workers of a team wait for each other.
struct TeamBarrier {
    arrivals: Arrivals,
    cores: Cores,
}

impl TeamBarrier {
    fn wait(&self, worker: usize, count: usize) {
        let Arrivals { arrived, round } = &self.arrivals;
        let current = round.load(Ordering::Relaxed);
        if arrived.fetch_add(1, Ordering::AcqRel) + 1 == count {
            arrived.store(0, Ordering::Relaxed);
            round.store(current.wrapping_add(1), Ordering::Release);
            return;
        }
        let mut spins = 0;
        while round.load(Ordering::Acquire) == current {
            spins += 1;
            if spins < SPINS {
                spin_loop();
                continue;
            }
            if spins == SPINS {
                self.cores.part(worker);
            }
            thread::yield_now();
        }
    }
}

/// A function that all workers call, its lifetime forgotten.
#[derive(Clone, Copy)]
struct Job {
    call: unsafe fn(*const (), Worker<'_>),
    function: *const (),
}

struct Shared {
    /// The number of the current job; workers wait for it to change.
    generation: AtomicUsize,
    job: UnsafeCell<Option<Job>>,
    barrier: TeamBarrier,
    leaving: AtomicBool,
}

// SAFETY: `job` is written only by the team's owner while all workers wait for `generation`, whose
// release and acquire order the write before their reads.
unsafe impl Sync for Shared {}
// SAFETY: the job's pointer is used only while `Team::run` keeps its target alive.
unsafe impl Send for Shared {}

/// A team of workers. The caller of [`run`](Self::run) is worker 0, the others are threads that wait
/// between runs, first awake, then asleep. Dropping the team ends them.
pub struct Team {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Team {
    /// A team of `workers` (at least one), of which all but the caller are new threads.
    ///
    /// # Errors
    /// The system refused a thread.
    pub fn new(workers: usize) -> std::io::Result<Team> {
        let mut team = Team {
            shared: Arc::new(Shared {
                generation: AtomicUsize::new(0),
                job: UnsafeCell::new(None),
                barrier: TeamBarrier {
                    arrivals: Arrivals::default(),
                    cores: Cores::new(workers),
                },
                leaving: AtomicBool::new(false),
            }),
            threads: Vec::new(),
        };
        for index in 1..workers {
            let shared = team.shared.clone();
            let thread = thread::Builder::new()
                .name(format!("nnc worker {index}"))
                .spawn(move || serve(&shared, index, workers))?;
            team.threads.push(thread);
        }
        Ok(team)
    }

    pub fn workers(&self) -> usize {
        self.threads.len() + 1
    }

    /// Calls the function once on every worker, and returns when all have returned. With one worker
    /// it is a plain call.
    ///
    /// A panic on a team of several ends the process: the others would wait for ever, or use what the
    /// unwinding destroys.
    pub fn run<F: Fn(Worker<'_>) + Sync>(&mut self, function: &F) {
        unsafe fn call<F: Fn(Worker<'_>)>(function: *const (), worker: Worker<'_>) {
            // SAFETY: `function` is the reference that `run` holds until all workers have returned.
            unsafe { (*function.cast::<F>())(worker) }
        }
        if self.threads.is_empty() {
            return function(Worker::ALONE);
        }
        let job = Job {
            call: call::<F>,
            function: std::ptr::from_ref(function).cast(),
        };
        // SAFETY: all workers wait for the next generation, as the last run ended with all of them
        // past the barrier and this method borrows the team mutably.
        unsafe { *self.shared.job.get() = Some(job) };
        self.shared.generation.fetch_add(1, Ordering::Release);
        for thread in &self.threads {
            thread.thread().unpark();
        }
        take_part(&self.shared, 0, self.workers());
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.leaving.store(true, Ordering::Relaxed);
        self.shared.generation.fetch_add(1, Ordering::Release);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            // A worker that panicked has ended the process already.
            drop(thread.join());
        }
    }
}

struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            std::process::abort();
        }
    }
}

fn take_part(shared: &Shared, index: usize, count: usize) {
    let _guard = AbortOnPanic;
    let worker = Worker {
        index,
        count,
        barrier: Some(&shared.barrier),
    };
    shared.barrier.cores.note(index);
    // SAFETY: written before the generation that brought this worker here.
    let job = unsafe { *shared.job.get() }.expect("a generation begins with a job");
    // SAFETY: `run` waits at the barrier below, so the function lives.
    unsafe { (job.call)(job.function, worker) };
    worker.barrier();
}

fn serve(shared: &Shared, index: usize, count: usize) {
    let mut seen = 0;
    loop {
        let mut waits = 0;
        while shared.generation.load(Ordering::Acquire) == seen {
            waits += 1;
            if waits < SPINS {
                spin_loop();
            } else if waits < SPINS + YIELDS {
                thread::yield_now();
            } else {
                thread::park();
            }
        }
        if waits >= SPINS {
            shared.barrier.cores.part(index);
        }
        seen = seen.wrapping_add(1);
        if shared.leaving.load(Ordering::Relaxed) {
            return;
        }
        take_part(shared, index, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn all_workers_run_and_wait_for_each_other() {
        for workers in [1, 2, 3, 8] {
            let mut team = Team::new(workers).unwrap();
            assert_eq!(team.workers(), workers);
            let counters: Vec<AtomicUsize> = (0..workers).map(|_| AtomicUsize::new(0)).collect();
            for run in 0..50 {
                team.run(&|worker: Worker<'_>| {
                    for step in 0..20 {
                        counters[worker.index].fetch_add(1, Ordering::Relaxed);
                        worker.barrier();
                        let expected = run * 20 + step + 1;
                        for counter in &counters {
                            assert_eq!(counter.load(Ordering::Relaxed), expected);
                        }
                        worker.barrier();
                    }
                });
            }
        }
    }

    #[test]
    fn sleeping_workers_wake() {
        let mut team = Team::new(3).unwrap();
        let count = AtomicUsize::new(0);
        for _ in 0..3 {
            thread::sleep(Duration::from_millis(30));
            team.run(&|_: Worker<'_>| {
                count.fetch_add(1, Ordering::Relaxed);
            });
        }
        assert_eq!(count.into_inner(), 9);
    }

    #[test]
    fn shares_cover_everything_once() {
        for count in 1..9 {
            for items in 0..40 {
                let mut next = 0;
                for index in 0..count {
                    let worker = Worker {
                        index,
                        count,
                        barrier: None,
                    };
                    let share = worker.share(items);
                    assert_eq!(share.start, next);
                    next = share.end;
                }
                assert_eq!(next, items);
            }
        }
    }
}
