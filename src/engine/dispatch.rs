//! Whether a plan runs on all threads or on the caller's alone: whichever is faster just now.
//!
//! Another process may take a core away, and threads that wait for each other then take longer than
//! one would. Results do not depend on the number of threads, so a run may change it at any time.

use std::time::{Duration, Instant};

/// Runs before the first trial of the other way.
const FIRST_TRIAL: usize = 12;
/// Runs between two trials, once the same way has been the faster several times.
const MOST_BETWEEN_TRIALS: usize = 1024;
/// The last runs of a trial, and of the way in use before it, of which the median counts.
const COUNTED: usize = 7;
/// Runs before those of a trial of all threads: one that slept takes time to wake, and to leave the caller's
/// core.
const WAKING: usize = 5;
/// A trial ends once so many runs in a row, of those that count, ...
const SLOWER_RUNS: usize = 2;
/// ... have taken so many times as long as those before the trial.
const SLOWER: f64 = 1.2;
/// The other way must take less than this share of the time to be preferred.
const MARGIN: f64 = 0.95;

/// The two ways to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DispatchKind {
    Team,
    Inline,
}

impl DispatchKind {
    fn other(self) -> DispatchKind {
        match self {
            DispatchKind::Team => DispatchKind::Inline,
            DispatchKind::Inline => DispatchKind::Team,
        }
    }
}

/// What is known of the two ways' times.
#[derive(Clone, Debug)]
pub(super) struct Dispatch {
    way: DispatchKind,
    /// Runs since the last change between trial and none.
    runs: usize,
    /// Runs until the next trial: twice as many after each that changed nothing.
    between: usize,
    trial: bool,
    /// Runs of a trial, the last ones in a row, that were slower than those before it.
    slower: usize,
    /// The last runs of the way in use before a trial, and the runs of the trial.
    used: [Duration; COUNTED],
    tried: [Duration; COUNTED],
}

impl Dispatch {
    pub fn new() -> Self {
        Dispatch {
            way: DispatchKind::Team,
            runs: 0,
            between: FIRST_TRIAL,
            trial: false,
            slower: 0,
            used: [Duration::MAX; COUNTED],
            tried: [Duration::MAX; COUNTED],
        }
    }

    /// Runs the way whose turn it is, and learns from its time.
    pub fn run(&mut self, run: impl FnOnce(DispatchKind)) {
        let way = self.next();
        if !self.counts() {
            self.runs += 1;
            return run(way);
        }
        let begin = Instant::now();
        run(way);
        self.learn(begin.elapsed());
    }

    fn next(&self) -> DispatchKind {
        if self.trial {
            self.way.other()
        } else {
            self.way
        }
    }

    /// Whether the next run's time matters.
    fn counts(&self) -> bool {
        self.trial || self.runs + COUNTED >= self.between
    }

    fn learn(&mut self, time: Duration) {
        let times = if self.trial {
            &mut self.tried
        } else {
            &mut self.used
        };
        times[self.runs % COUNTED] = time;
        self.runs += 1;
        if !self.trial && self.runs >= self.between {
            (self.trial, self.runs, self.slower) = (true, 0, 0);
        } else if self.trial {
            let used = median(&mut self.used);
            let waking = match self.next() {
                DispatchKind::Team => WAKING,
                DispatchKind::Inline => 0,
            };
            self.slower = if time.as_secs_f64() > used * SLOWER && self.runs > waking {
                self.slower + 1
            } else {
                0
            };
            let hopeless = self.slower >= SLOWER_RUNS;
            if hopeless || self.runs >= waking + COUNTED {
                let faster = !hopeless && median(&mut self.tried) < used * MARGIN;
                self.end_trial(faster);
            }
        }
    }

    fn end_trial(&mut self, faster: bool) {
        if faster {
            self.way = self.way.other();
            self.between = FIRST_TRIAL;
        } else {
            self.between = (2 * self.between).min(MOST_BETWEEN_TRIALS);
        }
        (self.trial, self.runs) = (false, 0);
    }
}

fn median(times: &mut [Duration; COUNTED]) -> f64 {
    times.sort_unstable();
    times[COUNTED / 2].as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ways of so many runs, each of which takes as long as it is told.
    fn ways(
        dispatch: &mut Dispatch,
        runs: usize,
        time: impl Fn(DispatchKind) -> u64,
    ) -> Vec<DispatchKind> {
        let mut taken = Vec::new();
        for _ in 0..runs {
            let way = dispatch.next();
            taken.push(way);
            if dispatch.counts() {
                dispatch.learn(Duration::from_micros(time(way)))
            } else {
                dispatch.runs += 1
            }
        }
        taken
    }

    #[test]
    fn a_trial_of_one_thread_that_is_slower_ends_soon() {
        let mut dispatch = Dispatch::new();
        let fast_together = |way| if way == DispatchKind::Team { 50 } else { 90 };
        let taken = ways(&mut dispatch, 100, fast_together);
        let alone = taken
            .iter()
            .filter(|way| **way == DispatchKind::Inline)
            .count();
        assert_eq!(alone, 3 * SLOWER_RUNS);
        // One that is as fast lasts until its median is known.
        let mut dispatch = Dispatch::new();
        let taken = ways(&mut dispatch, 40, |_| 50);
        let alone = taken
            .iter()
            .filter(|way| **way == DispatchKind::Inline)
            .count();
        assert_eq!(alone, COUNTED);
    }

    #[test]
    fn the_faster_way_is_found_and_the_other_tried_now_and_then() {
        let mut dispatch = Dispatch::new();
        let slow_together = |way| if way == DispatchKind::Team { 100 } else { 60 };
        let taken = ways(&mut dispatch, 2000, slow_together);
        let alone = taken
            .iter()
            .filter(|way| **way == DispatchKind::Inline)
            .count();
        assert_eq!(taken[0], DispatchKind::Team);
        assert!(alone > 1900, "{alone}");
        assert!(taken[500..].contains(&DispatchKind::Team));
        // When the core is free again.
        let fast_together = |way| if way == DispatchKind::Team { 30 } else { 60 };
        let taken = ways(&mut dispatch, 2000, fast_together);
        let together = taken
            .iter()
            .filter(|way| **way == DispatchKind::Team)
            .count();
        let late = 2000 - together;
        assert!(late <= MOST_BETWEEN_TRIALS + 100, "{late}");
    }
}
