//! The order of an epoch's rows, and those that each batch takes.

use std::ops::Range;

use super::trainer::Trainer;
use crate::engine::Rows;
use crate::kernels::Element;
use crate::random::Stream;

/// What the random stream of the order of rows is for.
pub(super) const SHUFFLE: &str = "shuffle";

impl<T: Element> Trainer<'_, T> {
    /// The positions in the epoch's order that a batch takes.
    pub(super) fn batch_rows(&self, index: usize) -> Range<usize> {
        let first = index * self.batches.size;
        first..(first + self.batches.size).min(self.data.rows)
    }

    pub(super) fn shuffle_rows(&mut self) {
        if let Some(stream) = &self.shuffle {
            for (index, row) in self.order.iter_mut().enumerate() {
                *row = index as u32;
            }
            stream.shuffle(self.epochs_done as u64, &mut self.order);
        }
    }
}

/// The rows at these positions of an epoch's order.
#[inline]
pub(super) fn rows_of<'o>(
    shuffle: &Option<Stream>,
    order: &'o [u32],
    range: Range<usize>,
) -> Rows<'o> {
    match shuffle {
        Some(_) => Rows::Chosen(&order[range]),
        None => Rows::Range {
            first: range.start,
            count: range.len(),
        },
    }
}
