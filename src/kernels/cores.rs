//! The cores that a team's workers are on.
//!
//! A system that wakes a thread may put it on the core of the one that woke it, and finds a better place
//! only milliseconds later. Until then two workers that wait for each other take turns on one core, at
//! every barrier: a step takes several times as long as on one thread. So a worker that has to wait for
//! long looks where its colleagues are, and moves off their cores. It is bound to none: the system may
//! move it on.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Where each worker was when it last looked.
pub(super) struct Cores {
    /// The core's number, from 1 on; 0 if it is not known.
    of: Box<[AtomicUsize]>,
}

impl Cores {
    pub fn new(workers: usize) -> Cores {
        Cores {
            of: (0..workers).map(|_| AtomicUsize::new(0)).collect(),
        }
    }

    /// Takes down on which core this worker is, the caller.
    #[inline]
    pub fn note(&self, worker: usize) {
        let core = system::current().map_or(0, |core| core + 1);
        let noted = &self.of[worker];
        // Written only when it changes, so that all keep the line in their caches.
        if noted.load(Ordering::Relaxed) != core {
            noted.store(core, Ordering::Relaxed);
        }
    }

    /// Moves this worker, the caller, off the cores of those before it, if it is on one of these. The first
    /// stays where it is: it is the team's owner, and not ours to move.
    #[cold]
    pub fn part(&self, worker: usize) {
        self.note(worker);
        let own = self.of[worker].load(Ordering::Relaxed);
        let before = self.of[..worker].iter();
        let before = before.map(|other| other.load(Ordering::Relaxed));
        if own > 0 && before.clone().any(|other| other == own) {
            system::leave(before.filter_map(|core| core.checked_sub(1)), self.of.len());
            self.note(worker);
        }
    }
}

#[cfg(target_os = "linux")]
mod system {
    use libc::{
        CPU_CLR, CPU_COUNT, CPU_SETSIZE, cpu_set_t, sched_getaffinity, sched_getcpu,
        sched_setaffinity,
    };

    /// The core that the calling thread is on.
    #[inline]
    pub fn current() -> Option<usize> {
        // SAFETY: it has no conditions.
        usize::try_from(unsafe { sched_getcpu() }).ok()
    }

    /// Moves the calling thread off some cores, if it may use enough of them for so many workers.
    pub fn leave(cores: impl Iterator<Item = usize>, workers: usize) {
        const SIZE: usize = size_of::<cpu_set_t>();
        // SAFETY: all sets are of the size that is told, and numbers of cores within them. Zero is a set's
        // empty form.
        unsafe {
            let mut allowed: cpu_set_t = std::mem::zeroed();
            if sched_getaffinity(0, SIZE, &mut allowed) != 0
                || (CPU_COUNT(&allowed) as usize) < workers
            {
                return;
            }
            let mut free = allowed;
            for core in cores.filter(|core| *core < CPU_SETSIZE as usize) {
                CPU_CLR(core, &mut free);
            }
            if CPU_COUNT(&free) > 0 && sched_setaffinity(0, SIZE, &free) == 0 {
                // It has moved; where it goes from here is the system's business again.
                sched_setaffinity(0, SIZE, &allowed);
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    #[inline]
    pub fn current() -> Option<usize> {
        None
    }

    pub fn leave(_: impl Iterator<Item = usize>, _: usize) {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_worker_moves_off_the_core_of_another_and_stays_free() {
        let allowed = std::thread::available_parallelism().unwrap().get();
        if allowed < 2 {
            println!("skipped: there is one core");
            return;
        }
        let cores = Cores::new(2);
        let moves = || {
            cores.note(1);
            // As if the first worker were on this one's core.
            let shared = cores.of[1].load(Ordering::Relaxed);
            cores.of[0].store(shared, Ordering::Relaxed);
            cores.part(1);
            let now = cores.of[1].load(Ordering::Relaxed);
            assert!(shared > 0 && now > 0);
            now != shared
        };
        // The system may take it back at once, but not each time.
        assert!((0..1000).any(|_| moves()));
        assert_eq!(std::thread::available_parallelism().unwrap().get(), allowed);
    }
}
