//! Brings rows into the arena, each worker a part of them.

use pulp::{Arch, Simd, WithSimd};

use super::arena::{Arena, Memory};
use super::element::Element;
use super::elementwise::map;
use super::instruction_set::chosen;
use super::team::Worker;
use crate::plan::step::{Matrix, Offset};

/// The rows of a batch: positions in the prepared matrices.
#[derive(Clone, Copy)]
pub enum Rows<'r> {
    /// Rows that adjoin, from the first.
    Range { first: usize, count: usize },
    /// Rows in the order given.
    Chosen(&'r [u32]),
}

impl Rows<'_> {
    pub fn count(&self) -> usize {
        match self {
            Rows::Range { count, .. } => *count,
            Rows::Chosen(rows) => rows.len(),
        }
    }
}

/// Rows to bring to a matrix of the plan, whose columns adjoin.
#[derive(Clone, Copy)]
pub struct BatchLoader<'f, T> {
    pub to: Matrix,
    /// `[features × rows]`, a row's features adjoin.
    pub from: &'f [T],
    pub rows: Rows<'f>,
}

impl<T: Element> BatchLoader<'_, T> {
    /// Whether the rows have a place in an arena of so many elements.
    pub(super) fn fits(&self, elements: usize) -> bool {
        let to = &self.to;
        let end = to.features.checked_mul(self.rows.count());
        let end = end.and_then(|length| length.checked_add(to.at.0));
        to.stride == to.features && end.is_some_and(|end| end <= elements)
    }

    /// Whether no element is brought to by both, if both [fit](Self::fits).
    pub(super) fn is_apart_from(&self, other: &Self) -> bool {
        let [first, second] = [self, other].map(|loader| {
            let length = loader.to.features * loader.rows.count();
            loader.to.at.0..loader.to.at.0 + length
        });
        first.end <= second.start || second.end <= first.start
    }

    pub(super) fn adjoins(&self) -> bool {
        matches!(self.rows, Rows::Range { .. })
    }

    /// The rows where they lie, if they adjoin.
    ///
    /// # Panics
    /// There are no such rows.
    pub(super) fn adjoining(&self) -> Option<&[T]> {
        let width = self.to.features;
        match self.rows {
            Rows::Range { first, count } => {
                Some(&self.from[first * width..(first + count) * width])
            }
            Rows::Chosen(_) => None,
        }
    }

    /// Brings all rows.
    ///
    /// # Panics
    /// There is no place for them, or no such row.
    pub fn gather(&self, arena: &mut Arena<T>) {
        assert!(self.fits(arena.elements()), "there is a place for the rows");
        // SAFETY: the place is in the arena, and nobody else uses it.
        unsafe { self.gather_part(chosen(), arena.share(), Worker::ALONE) }
    }

    /// Brings the worker's part.
    ///
    /// # Safety
    /// The rows fit in the arena, and no other worker uses this one's part of them.
    ///
    /// # Panics
    /// There is no such row.
    pub(super) unsafe fn gather_part(&self, arch: Arch, memory: Memory<T>, worker: Worker<'_>) {
        let width = self.to.features;
        let part = worker.share(self.rows.count());
        // SAFETY: by the caller; the part's elements are this worker's.
        let to = unsafe {
            let to = memory.at(Offset(self.to.at.0 + part.start * width));
            std::slice::from_raw_parts_mut(to, part.len() * width)
        };
        let rows = match self.rows {
            Rows::Range { first, .. } => Rows::Range {
                first: first + part.start,
                count: part.len(),
            },
            Rows::Chosen(rows) => Rows::Chosen(&rows[part]),
        };
        arch.dispatch(GatherBatch {
            to,
            from: self.from,
            width,
            rows,
        });
    }
}

/// Copies rows, with vectors: the library's copy of much memory is slower than these on some
/// processors, and of a few numbers it takes longer to begin.
struct GatherBatch<'b, T> {
    to: &'b mut [T],
    from: &'b [T],
    width: usize,
    rows: Rows<'b>,
}

impl<T: Element> WithSimd for GatherBatch<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let GatherBatch {
            to, from, width, ..
        } = self;
        match self.rows {
            Rows::Range { first, count } => {
                let from = &from[first * width..(first + count) * width];
                copy(simd, from, to);
            }
            Rows::Chosen(rows) if width == 1 => {
                for (to, row) in to.iter_mut().zip(rows) {
                    *to = from[*row as usize];
                }
            }
            Rows::Chosen(rows) => {
                for (to, row) in to.chunks_exact_mut(width.max(1)).zip(rows) {
                    let first = *row as usize * width;
                    copy(simd, &from[first..first + width], to);
                }
            }
        }
    }
}

/// # Panics
/// The lengths differ.
#[inline(always)]
fn copy<S: Simd, T: Element>(simd: S, from: &[T], to: &mut [T]) {
    assert_eq!(from.len(), to.len(), "a row has a place of its size");
    if from.is_empty() {
        return;
    }
    // SAFETY: both are valid for their length, and do not overlap.
    unsafe {
        map(
            simd,
            from.len(),
            from.as_ptr(),
            to.as_mut_ptr(),
            #[inline(always)]
            |number| number,
        );
    }
}
