//! The verifier of linked actions: every place is within its space, and between two barriers no worker
//! touches what another writes. It looks at the actions themselves, not at what placed the barriers.

use std::collections::HashSet;

use super::action::{Action, Actions};
use super::arena::AddressSpace;
use super::touched::{LinkedFor, Touched};
use crate::plan::step::Matrix;
use crate::violation::Violation;

/// The memory that actions run in.
#[derive(Clone, Copy)]
pub(super) struct Spaces {
    pub arena: usize,
    pub work: usize,
    /// The inputs and the targets, if they are read where they lie.
    pub in_place: [Option<Matrix>; 2],
    pub linked: LinkedFor,
}

impl Spaces {
    /// The elements of a space.
    fn elements(&self, space: AddressSpace) -> usize {
        let extent =
            |matrix: Option<Matrix>| matrix.map_or(0, |matrix| matrix.extent(self.linked.rows));
        match space {
            AddressSpace::Arena => self.arena,
            AddressSpace::Work => self.work,
            AddressSpace::Inputs => extent(self.in_place[0]),
            AddressSpace::Targets => extent(self.in_place[1]),
        }
    }
}

/// Where an action stands: its worker, and its place among the worker's.
type At = (usize, usize);

/// Something an action touches.
#[derive(Clone, Copy)]
struct Access {
    at: At,
    touched: Touched,
}

impl Access {
    /// Whether the two are of different workers and have an element in common.
    fn conflicts(&self, other: &Access) -> bool {
        let (a, b) = (&self.touched, &other.touched);
        self.at.0 != other.at.0 && a.space == b.space && a.matrix.overlaps(&b.matrix, 0)
    }
}

/// The actions of each worker from one barrier to the next, with how often each is done.
struct Epoch<'a, T> {
    workers: Vec<Vec<(&'a Action<T>, usize)>>,
}

/// Holds what several workers do to the rules that make it safe.
///
/// # Errors
/// The first rule that is broken, and the actions since the last barrier, those that break it marked.
pub(super) fn verify_actions<T: Copy + std::fmt::Debug>(
    workers: &[Actions<T>],
    spaces: Spaces,
) -> Result<(), Violation> {
    let mut epochs: Vec<Epoch<T>> = Vec::new();
    for (worker, actions) in workers.iter().enumerate() {
        let mut epoch = 0;
        for block in &actions.repeats {
            for action in &actions.actions[block.first..][..block.count] {
                while epochs.len() <= epoch {
                    let workers = (0..workers.len()).map(|_| Vec::new());
                    epochs.push(Epoch {
                        workers: workers.collect(),
                    });
                }
                epochs[epoch].workers[worker].push((action, block.times));
                if let Action::Barrier = action {
                    epoch += block.times;
                }
            }
        }
    }
    epochs.iter().try_for_each(|epoch| epoch.verify(spaces))
}

impl<T: Copy + std::fmt::Debug> Epoch<'_, T> {
    fn verify(&self, spaces: Spaces) -> Result<(), Violation> {
        let ends = |actions: &Vec<(&Action<T>, usize)>| {
            matches!(actions.last(), Some((Action::Barrier, _)))
        };
        let waiting = self.workers.iter().filter(|actions| ends(actions)).count();
        if waiting != 0 && waiting != self.workers.len() {
            let waits = self.workers.iter().position(ends).unwrap_or(0);
            let barrier = (waits, self.workers[waits].len() - 1);
            return Err(self.violation("a worker waits for one that does not come", &[barrier]));
        }
        let mut accesses = self.accesses(spaces)?;
        accesses.sort_by_key(|access| (access.touched.space, access.touched.start()));
        let (mut reads, mut writes): (Vec<Access>, Vec<Access>) = (Vec::new(), Vec::new());
        for access in accesses {
            let touched = &access.touched;
            let open = |before: &Access| {
                before.touched.space == touched.space && before.touched.end() > touched.start()
            };
            writes.retain(open);
            let conflicts = |other: &&Access| other.conflicts(&access);
            let mut conflict = writes.iter().find(conflicts);
            if touched.writes {
                reads.retain(open);
                conflict = conflict.or_else(|| reads.iter().find(conflicts));
            }
            if let Some(other) = conflict {
                let rule = "two workers touch what one of them writes, with no barrier between";
                return Err(self.violation(rule, &[other.at, access.at]));
            }
            if touched.writes {
                writes.push(access);
            } else {
                reads.push(access);
            }
        }
        Ok(())
    }

    /// What each worker touches, each once, in the arena where it is a copy of the arena's.
    fn accesses(&self, spaces: Spaces) -> Result<Vec<Access>, Violation> {
        let mut accesses = Vec::new();
        let mut touched = Vec::new();
        for (worker, actions) in self.workers.iter().enumerate() {
            let mut seen = HashSet::new();
            for (number, (action, times)) in actions.iter().enumerate() {
                let at = (worker, number);
                action.touched(spaces.linked, *times, &mut touched);
                for mut touched in touched.drain(..) {
                    if touched.end() > spaces.elements(touched.space) {
                        return Err(self.violation("a place is outside of its space", &[at]));
                    }
                    let rows = match touched.space {
                        AddressSpace::Arena | AddressSpace::Work => None,
                        AddressSpace::Inputs => spaces.in_place[0],
                        AddressSpace::Targets => spaces.in_place[1],
                    };
                    if let Some(rows) = rows {
                        if touched.writes {
                            return Err(self.violation("rows of the table are written", &[at]));
                        }
                        touched.space = AddressSpace::Arena;
                        touched.matrix.at.0 += rows.at.0;
                    }
                    if seen.insert(touched) {
                        accesses.push(Access { at, touched });
                    }
                }
            }
        }
        Ok(accesses)
    }

    fn violation(&self, rule: &str, bad: &[At]) -> Violation {
        let mut text = String::new();
        for (worker, actions) in self.workers.iter().enumerate() {
            for (number, (action, times)) in actions.iter().enumerate() {
                let mark = if bad.contains(&(worker, number)) {
                    ">"
                } else {
                    " "
                };
                let times = match times {
                    1 => String::new(),
                    times => format!(", {times} times"),
                };
                text.push_str(&format!("{mark} worker {worker}: {action:?}{times}\n"));
            }
        }
        Violation {
            rule: rule.to_string(),
            text,
        }
    }
}
