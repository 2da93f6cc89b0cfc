//! Copies of operands, as products read them fast: left ones in panels, right ones in strips.

use pulp::{Simd, WithSimd};

use super::panel_rows;
use crate::kernels::element::Element;
use crate::kernels::transpose::transpose;

/// Copies a right operand into strips: for each register tile of the columns its numbers in the order
/// `[k][c]`, one strip after the other.
///
/// The pointers are valid for all that the fields describe, and do not overlap.
pub(in crate::kernels) struct PackRight<T> {
    pub columns: usize,
    pub depth: usize,
    /// from[k, c] is at `k · step + c · stride`; one of the two is 1.
    pub from: *const T,
    pub step: usize,
    pub stride: usize,
    pub to: *mut T,
}

impl<T: Element> WithSimd for PackRight<T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // SAFETY: by the contract of the fields.
        each_packed_column_block!(S, self.columns, |at, COLUMNS| unsafe {
            let from = self.from.add(at * self.stride);
            let to = self.to.add(at * self.depth);
            if self.step == 1 {
                let from = (from, self.stride);
                transpose(simd, (COLUMNS, self.depth), from, (to, COLUMNS));
            } else {
                for k in 0..self.depth {
                    let from = from.add(k * self.step).cast::<[T; COLUMNS]>();
                    let to = to.add(k * COLUMNS).cast::<[T; COLUMNS]>();
                    *to = from.read();
                }
            }
        });
    }
}

/// Copies one panel, `depth × rows` in the order `[k][m]`, [`panel_rows`] apart.
///
/// Where the rows adjoin, what lies beyond them becomes zero; elsewhere no product reads it.
///
/// The pointers are valid for all that the fields describe.
pub(in crate::kernels) struct PackPanel<T> {
    pub rows: usize,
    pub depth: usize,
    /// from[m, k] is at `m · from_row_stride + k / from_segment · from_segment_stride +
    /// k % from_segment · from_step`; row stride or step is 1.
    pub from: *const T,
    pub from_row_stride: usize,
    pub from_step: usize,
    pub from_segment: usize,
    pub from_segment_stride: usize,
    pub to: *mut T,
}

impl<T: Element> WithSimd for PackPanel<T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (segment, k) in (0..self.depth)
            .step_by(self.from_segment.max(1))
            .enumerate()
        {
            let depth = (self.depth - k).min(self.from_segment);
            // SAFETY: by the contract of the fields.
            unsafe {
                let from = self.from.add(segment * self.from_segment_stride);
                let to = self.to.add(k * panel_rows::<S, T>());
                self.segment(simd, depth, from, to);
            }
        }
    }
}

impl<T: Element> PackPanel<T> {
    /// Copies `depth` numbers of each row.
    ///
    /// # Safety
    /// The contract of the fields.
    #[inline(always)]
    unsafe fn segment<S: Simd>(&self, simd: S, depth: usize, from: *const T, to: *mut T) {
        let lanes = T::lanes::<S>();
        let panel = panel_rows::<S, T>();
        // SAFETY: by the caller.
        unsafe {
            if self.from_row_stride == 1 {
                let masks = [
                    T::first_lanes(simd, self.rows),
                    T::first_lanes(simd, self.rows.saturating_sub(lanes)),
                ];
                for k in 0..depth {
                    for (vector, mask) in masks.into_iter().enumerate() {
                        let from = from.wrapping_add(k * self.from_step + vector * lanes);
                        let value = T::load_masked(simd, mask, from);
                        T::store(simd, to.add(k * panel + vector * lanes), value);
                    }
                }
                return;
            }
            debug_assert_eq!(self.from_step, 1);
            let from = (from, self.from_row_stride);
            transpose(simd, (self.rows, depth), from, (to, panel));
        }
    }
}
