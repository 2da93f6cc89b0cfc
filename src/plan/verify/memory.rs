//! What lies where while a plan runs: each matrix that was written and that nothing has overwritten
//! since, with its term.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::terms::{TermId, Terms};
use crate::plan::step::{Columns, Matrix};

/// Who has written a matrix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Writer {
    /// It was there before the run.
    Before,
    /// A step, tile by tile.
    Step(usize),
    /// A step, which is done with it only at its end.
    StepEnd(usize),
}

/// A matrix in memory.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Stored {
    pub matrix: Matrix,
    pub term: TermId,
    pub writer: Writer,
}

/// What a matrix that is read holds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ReachingWrite {
    pub term: TermId,
    pub writer: Writer,
    /// All features of what was written.
    pub whole: bool,
}

/// A stretch of memory with the matrices in it, which may interleave.
struct Zone {
    end: usize,
    stored: SmallVec<[Stored; 1]>,
}

/// What the arena holds, as terms.
pub struct SymbolicMemory {
    /// Rows of a full batch.
    rows: usize,
    /// By their beginnings; none overlaps another.
    zones: BTreeMap<usize, Zone>,
}

impl SymbolicMemory {
    pub fn new(rows: usize) -> SymbolicMemory {
        SymbolicMemory {
            rows,
            zones: BTreeMap::new(),
        }
    }

    fn range(&self, matrix: &Matrix) -> (usize, usize) {
        (matrix.at.0, matrix.at.0 + matrix.extent(self.rows))
    }

    /// The beginnings of the zones that a range touches.
    fn touched(&self, start: usize, end: usize) -> SmallVec<[usize; 4]> {
        let before = self.zones.range(..start).next_back();
        let before = before.filter(|(_, zone)| zone.end > start);
        let within = self.zones.range(start..end.max(start));
        let zones = before.into_iter().chain(within);
        zones.map(|(start, _)| *start).collect()
    }

    /// Whether a matrix has no element in common with what lies there.
    pub fn is_free(&self, matrix: &Matrix) -> bool {
        let (start, end) = self.range(matrix);
        let mut zones = self.touched(start, end).into_iter();
        zones.all(|zone| {
            let mut stored = self.zones[&zone].stored.iter();
            stored.all(|stored| !stored.matrix.overlaps(matrix, self.rows))
        })
    }

    /// Forgets all that has an element in common with a matrix.
    pub fn forget(&mut self, matrix: &Matrix) {
        self.replace(matrix, None);
    }

    /// Puts a value in the place of all that has an element in common with it.
    pub fn write(&mut self, stored: Stored) {
        self.replace(&stored.matrix, Some(stored));
    }

    fn replace(&mut self, matrix: &Matrix, stored: Option<Stored>) {
        let (mut start, mut end) = self.range(matrix);
        if start == end {
            return;
        }
        let mut kept: SmallVec<[Stored; 1]> = stored.into_iter().collect();
        for zone_start in self.touched(start, end) {
            let zone = self.zones.remove(&zone_start).expect("it was found");
            let rows = self.rows;
            let apart = |other: &Stored| !other.matrix.overlaps(matrix, rows);
            let before = kept.len();
            kept.extend(zone.stored.into_iter().filter(apart));
            if kept.len() > before {
                (start, end) = (start.min(zone_start), end.max(zone.end));
            }
        }
        if !kept.is_empty() {
            self.zones.insert(start, Zone { end, stored: kept });
        }
    }

    /// What a matrix holds: features of one that was written, with the same columns.
    pub fn read(&self, matrix: &Matrix, terms: &mut Terms) -> Option<ReachingWrite> {
        let (start, end) = self.range(matrix);
        let [zone] = self.touched(start, end)[..] else {
            return None;
        };
        let within = |stored: &&Stored| holds(&stored.matrix, matrix);
        let stored = self.zones[&zone].stored.iter().find(within)?;
        let all = stored.matrix.features;
        let first = matrix.at.0 - stored.matrix.at.0;
        Some(ReachingWrite {
            term: terms.slice(stored.term, first, matrix.features, all),
            writer: stored.writer,
            whole: matrix.features == all,
        })
    }
}

/// Whether a matrix is some features of another.
fn holds(whole: &Matrix, part: &Matrix) -> bool {
    let first = part.at.0.checked_sub(whole.at.0);
    let within = first.is_some_and(|first| first + part.features <= whole.features);
    let one = whole.columns == Columns::Fixed(1);
    within && whole.columns == part.columns && (one || whole.stride == part.stride)
}
