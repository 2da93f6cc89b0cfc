//! Products with lanes along the depth: of one row, and of few columns.

use pulp::{Simd, WithSimd};

use crate::kernels::element::Element;
use crate::kernels::elementwise::zip_lanes;
use crate::kernels::reductions::reduce_lanes;

/// result[c] = start + Σ_k left[k] · right[k, c], where k adjoins in both: lanes along the depth.
///
/// The pointers are valid for all that the fields describe, and the result overlaps no operand.
pub(in crate::kernels) struct DotRow<T> {
    pub depth: usize,
    pub columns: usize,
    pub left: *const T,
    pub right: *const T,
    pub right_stride: usize,
    /// The columns come from far away: they are read one after the other, as one stream, which the
    /// processor fetches ahead. Four at a time it does not.
    pub streamed: bool,
    pub start: T,
    /// Adjoining.
    pub result: *mut T,
}

impl<T: Element> WithSimd for DotRow<T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let mut at = 0;
        // SAFETY: by the contract of the fields.
        unsafe {
            while !self.streamed && self.columns - at >= 4 {
                self.dot::<S, 4>(simd, at);
                at += 4;
            }
            while at < self.columns {
                self.dot::<S, 1>(simd, at);
                at += 1;
            }
        }
    }
}

impl<T: Element> DotRow<T> {
    /// # Safety
    /// The columns from `column` on exist.
    #[inline(always)]
    unsafe fn dot<S: Simd, const COLUMNS: usize>(&self, simd: S, column: usize) {
        let lanes = T::lanes::<S>();
        let mut sums = [T::splat(simd, T::ZERO); COLUMNS];
        let whole = self.depth - self.depth % lanes;
        let mask = T::first_lanes(simd, self.depth - whole);
        // SAFETY: within the operands, by the caller.
        unsafe {
            let right = self.right.add(column * self.right_stride);
            for at in (0..whole).step_by(lanes) {
                let left = T::load(simd, self.left.add(at));
                for (index, sum) in sums.iter_mut().enumerate() {
                    let right = T::load(simd, right.add(index * self.right_stride + at));
                    *sum = T::mul_add(simd, left, right, *sum);
                }
            }
            if whole < self.depth {
                let left = T::load_masked(simd, mask, self.left.add(whole));
                for (index, sum) in sums.iter_mut().enumerate() {
                    let right = right.add(index * self.right_stride + whole);
                    let right = T::load_masked(simd, mask, right);
                    *sum = T::mul_add(simd, left, right, *sum);
                }
            }
            for (index, sum) in sums.into_iter().enumerate() {
                *self.result.add(column + index) = self.start.add(T::sum_lanes(simd, sum));
            }
        }
    }
}

/// The most columns that [`DotPanels`] takes.
pub(in crate::kernels) const MOST_DOT_COLUMNS: usize = 4;

/// result[i, c] = Σ_k left[k, i] · right[k, c], where k adjoins in both and `left` lies in panels:
/// lanes along the depth, for so few columns that transposing the panels would take longer. The sum
/// goes by the lanes of a chunk and a tree over them, so that its bits do not depend on the machine.
///
/// The pointers are valid for all that the fields describe, and the result overlaps no operand.
pub(in crate::kernels) struct DotPanels<T> {
    pub rows: usize,
    /// At most [`MOST_DOT_COLUMNS`].
    pub columns: usize,
    pub depth: usize,
    /// left[k, i] is at `k / height · panel_stride + i · row_stride + k % height`.
    pub left: *const T,
    /// A multiple of two chunks.
    pub height: usize,
    pub panel_stride: usize,
    pub row_stride: usize,
    pub right: *const T,
    pub right_stride: usize,
    pub result: *mut T,
    pub result_stride: usize,
}

impl<T: Element> WithSimd for DotPanels<T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        debug_assert!(self.height.is_multiple_of(2 * T::CHUNK));
        // SAFETY: by the contract of the fields.
        unsafe {
            match self.columns {
                1 => self.rows::<S, 1>(simd),
                2 => self.rows::<S, 2>(simd),
                3 => self.rows::<S, 3>(simd),
                _ => self.rows::<S, MOST_DOT_COLUMNS>(simd),
            }
        }
    }
}

impl<T: Element> DotPanels<T> {
    /// # Safety
    /// The contract of the fields; there are as many columns.
    #[inline(always)]
    unsafe fn rows<S: Simd, const COLUMNS: usize>(&self, simd: S) {
        for row in 0..self.rows {
            let mut sums = [[T::filled_chunk(T::ZERO); 2]; COLUMNS];
            // SAFETY: within the operands.
            unsafe {
                let left = self.left.add(row * self.row_stride);
                for (panel, first) in (0..self.depth).step_by(self.height).enumerate() {
                    let left = left.add(panel * self.panel_stride);
                    let right = self.right.add(first);
                    let depth = (self.depth - first).min(self.height);
                    let whole = depth - depth % (2 * T::CHUNK);
                    for at in (0..whole).step_by(2 * T::CHUNK) {
                        for half in 0..2 {
                            let at = at + half * T::CHUNK;
                            let left = read_chunk::<T>(left.add(at));
                            for (column, sums) in sums.iter_mut().enumerate() {
                                let right =
                                    read_chunk::<T>(right.add(column * self.right_stride + at));
                                sums[half] = add_products::<S, T>(simd, left, right, sums[half]);
                            }
                        }
                    }
                    for half in 0..2 {
                        let at = whole + half * T::CHUNK;
                        if at >= depth {
                            break;
                        }
                        let count = (depth - at).min(T::CHUNK);
                        let left = T::load_partial_chunk(simd, left.add(at), count);
                        for (column, sums) in sums.iter_mut().enumerate() {
                            let right = right.add(column * self.right_stride + at);
                            let right = T::load_partial_chunk(simd, right, count);
                            sums[half] = add_products::<S, T>(simd, left, right, sums[half]);
                        }
                    }
                }
                for (column, [first, second]) in sums.into_iter().enumerate() {
                    let sum = reduce_lanes(zip_lanes(first, second, T::add), T::add);
                    *self.result.add(column * self.result_stride + row) = sum;
                }
            }
        }
    }
}

/// # Safety
/// `from` is valid for a read of a chunk.
#[inline(always)]
unsafe fn read_chunk<T: Element>(from: *const T) -> T::Chunk {
    // SAFETY: by the caller.
    unsafe { from.cast::<T::Chunk>().read_unaligned() }
}

/// sums + left · right, lane by lane, each rounded once.
#[inline(always)]
fn add_products<S: Simd, T: Element>(
    simd: S,
    left: T::Chunk,
    right: T::Chunk,
    mut sums: T::Chunk,
) -> T::Chunk {
    for at in (0..T::CHUNK).step_by(T::lanes::<S>()) {
        // SAFETY: a chunk is a multiple of the lanes.
        unsafe {
            let left = T::load(simd, left.as_ref().as_ptr().add(at));
            let right = T::load(simd, right.as_ref().as_ptr().add(at));
            let place = sums.as_mut().as_mut_ptr().add(at);
            let sum = T::mul_add(simd, left, right, T::load(simd, place));
            T::store(simd, place, sum);
        }
    }
    sums
}
