//! Products of matrices: one register-tile kernel behind the forward, data-gradient and
//! weight-gradient steps.
//!
//! Every element is summed in the order of `depth`, one fused multiply-add after the other, so its
//! bits depend neither on tiles nor on threads. The exception is the product with a single row
//! ([`DotRow`]), which goes along the depth.

/// Cuts columns into strips, as wide as there are registers for: each is a register tile's.
macro_rules! each_strip {
    ($simd:ident, $columns:expr, |$at:ident, $width:ident| $body:expr) => {{
        let columns = $columns;
        let mut $at = 0;
        if $simd::REGISTER_COUNT >= 32 {
            strips!(columns, $at, $width, $body, (12, (8, (4, (2, (1, ()))))));
        } else {
            strips!(columns, $at, $width, $body, (6, (4, (2, (1, ())))));
        }
    }};
}

/// Strips of the first width as long as there are columns for one, then of the others.
macro_rules! strips {
    ($columns:ident, $at:ident, $width:ident, $body:expr, ($wide:literal, $rest:tt)) => {
        while $columns - $at >= $wide {
            const $width: usize = $wide;
            $body;
            $at += $wide;
        }
        strips!($columns, $at, $width, $body, $rest);
    };
    ($columns:ident, $at:ident, $width:ident, $body:expr, ()) => {};
}

mod column;
#[cfg(target_arch = "x86_64")]
mod few_rows;

use pulp::{Simd, WithSimd};

use super::element::Element;
use super::elementwise::zip_lanes;
use super::reductions::reduce_lanes;
use super::transpose::transpose;

/// How many rows of the result a register tile has: two vectors.
#[inline(always)]
pub(super) fn panel_rows<S: Simd, T: Element>() -> usize {
    2 * T::lanes::<S>()
}

/// result[m, c] = start[m] + Σ_k left[m, k] · right[k, c], for `rows × columns`.
///
/// The pointers are valid for all that the fields describe, and the result overlaps no operand.
pub(super) struct Product<T> {
    pub rows: usize,
    pub columns: usize,
    pub depth: usize,
    /// left[m, k] is at `m / left_height · left_panel_stride + k · left_step + m % left_height`.
    pub left: *const T,
    /// A multiple of [`panel_rows`], or no less than `rows`.
    pub left_height: usize,
    pub left_panel_stride: usize,
    pub left_step: usize,
    /// right[k, c] is at `k · right_step + c · right_stride`.
    pub right: *const T,
    pub right_step: usize,
    pub right_stride: usize,
    /// The right operand lies in [`Strips`] instead: those of `depth` and `columns`.
    pub right_in_strips: bool,
    /// One number a row, or null for zeros.
    pub start: *const T,
    /// The sums go on from what the result holds; there is no start.
    pub resume: bool,
    /// result[m, c] is at `m + c · result_stride`.
    pub result: *mut T,
    pub result_stride: usize,
    /// The sum is added, as a whole, to what the result holds.
    pub adds: bool,
}

impl<T> Clone for Product<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Product<T> {}

impl<T: Element> Product<T> {
    /// Computes the product.
    pub fn run<S: Simd>(&self, simd: S) {
        let lanes = T::lanes::<S>();
        #[cfg(target_arch = "x86_64")]
        // SAFETY: by the contract of the fields.
        if unsafe { few_rows::few_rows::<S, T>(self) } {
            return;
        }
        let alone = self.columns == 1 && self.rows > 2 * lanes;
        let next = match alone {
            true => self.column_rows(simd),
            false => 0,
        };
        for first in (next..self.rows).step_by(2 * lanes) {
            let rest = self.rows - first;
            let product = self;
            // Each a function of its own, compiled for the instruction set.
            match () {
                () if rest >= 2 * lanes => simd.vectorize(Panel::<T, 2, false> { product, first }),
                () if rest > lanes => simd.vectorize(Panel::<T, 2, true> { product, first }),
                () if rest == lanes => simd.vectorize(Panel::<T, 1, false> { product, first }),
                () => simd.vectorize(Panel::<T, 1, true> { product, first }),
            }
        }
    }

    /// Where the left operand has a row.
    fn left_row(&self, row: usize) -> *const T {
        let (panel, within) = match row < self.left_height {
            true => (0, row),
            false => (row / self.left_height, row % self.left_height),
        };
        self.left
            .wrapping_add(panel * self.left_panel_stride + within)
    }
}

/// A product's rows from the first on, at the beginning of a panel: `VECTORS` vectors of them, the last
/// incomplete if `MASKED`.
struct Panel<'p, T, const VECTORS: usize, const MASKED: bool> {
    product: &'p Product<T>,
    first: usize,
}

impl<T: Element, const VECTORS: usize, const MASKED: bool> WithSimd
    for Panel<'_, T, VECTORS, MASKED>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Panel { product, first } = self;
        // SAFETY: by the contract of the fields; the tile's columns exist.
        unsafe {
            let rows = PanelRows::<T, VECTORS, MASKED> {
                product,
                rows: product.rows - first,
                left: product.left_row(first),
                start: match product.start.is_null() {
                    true => product.start,
                    false => product.start.add(first),
                },
                result: product.result.add(first),
            };
            each_strip!(S, product.columns, |at, COLUMNS| rows
                .tile::<S, COLUMNS>(simd, at));
        }
    }
}

/// Where a panel's rows are.
struct PanelRows<'p, T, const VECTORS: usize, const MASKED: bool> {
    product: &'p Product<T>,
    /// Those of this panel and all that follow.
    rows: usize,
    left: *const T,
    start: *const T,
    result: *mut T,
}

impl<T: Element, const VECTORS: usize, const MASKED: bool> PanelRows<'_, T, VECTORS, MASKED> {
    /// The panel's rows of one column.
    ///
    /// # Safety
    /// `from` is valid for a read of the panel's rows.
    #[inline(always)]
    unsafe fn load<S: Simd>(simd: S, mask: T::Mask<S>, from: *const T) -> [T::Vector<S>; VECTORS] {
        let lanes = T::lanes::<S>();
        let mut vectors = [T::splat(simd, T::ZERO); VECTORS];
        for (index, vector) in vectors.iter_mut().enumerate() {
            // SAFETY: only the panel's rows are read.
            *vector = unsafe {
                match MASKED && index + 1 == VECTORS {
                    true => T::load_masked(simd, mask, from.add(index * lanes)),
                    false => T::load(simd, from.add(index * lanes)),
                }
            };
        }
        vectors
    }

    /// One register tile of `COLUMNS` columns.
    ///
    /// # Safety
    /// The product's pointers are valid as its fields say, for the columns from `column` on.
    #[inline(always)]
    unsafe fn tile<S: Simd, const COLUMNS: usize>(&self, simd: S, column: usize) {
        let product = self.product;
        let lanes = T::lanes::<S>();
        let mask = T::first_lanes(simd, self.rows - (VECTORS - 1) * lanes);
        let start = match self.start.is_null() {
            true => [T::splat(simd, T::ZERO); VECTORS],
            // SAFETY: the start has the panel's rows.
            false => unsafe { Self::load(simd, mask, self.start) },
        };
        let mut sums = [start; COLUMNS];
        if product.resume {
            for (index, sums) in sums.iter_mut().enumerate() {
                let from = self
                    .result
                    .wrapping_add((column + index) * product.result_stride);
                // SAFETY: the result has the panel's rows.
                *sums = unsafe { Self::load(simd, mask, from) };
            }
        }
        // SAFETY: within the operands, by the caller.
        unsafe {
            let mut left = self.left;
            let (mut right, step, stride) = match product.right_in_strips {
                true => (product.right.add(column * product.depth), COLUMNS, 1),
                false => (
                    product.right.add(column * product.right_stride),
                    product.right_step,
                    product.right_stride,
                ),
            };
            for _ in 0..product.depth {
                let factors = Self::load(simd, mask, left);
                for (index, sums) in sums.iter_mut().enumerate() {
                    let factor = T::splat(simd, *right.add(index * stride));
                    for (sum, left) in sums.iter_mut().zip(factors) {
                        *sum = T::mul_add(simd, left, factor, *sum);
                    }
                }
                left = left.wrapping_add(product.left_step);
                right = right.wrapping_add(step);
            }
            if product.adds {
                for (index, sums) in sums.iter_mut().enumerate() {
                    let from = self.result.add((column + index) * product.result_stride);
                    for (sum, held) in sums.iter_mut().zip(Self::load(simd, mask, from)) {
                        *sum = T::add_vectors(simd, held, *sum);
                    }
                }
            }
            for (index, sums) in sums.into_iter().enumerate() {
                let to = self.result.add((column + index) * product.result_stride);
                for (index, sum) in sums.into_iter().enumerate() {
                    match MASKED && index + 1 == VECTORS {
                        true => T::store_masked(simd, mask, to.add(index * lanes), sum),
                        false => T::store(simd, to.add(index * lanes), sum),
                    }
                }
            }
        }
    }
}

/// Copies a right operand into strips: for each register tile of the columns its numbers in the order
/// `[k][c]`, one strip after the other.
///
/// The pointers are valid for all that the fields describe, and do not overlap.
pub(super) struct Strips<T> {
    pub columns: usize,
    pub depth: usize,
    /// from[k, c] is at `k · step + c · stride`; one of the two is 1.
    pub from: *const T,
    pub step: usize,
    pub stride: usize,
    pub to: *mut T,
}

impl<T: Element> WithSimd for Strips<T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // SAFETY: by the contract of the fields.
        each_strip!(S, self.columns, |at, COLUMNS| unsafe {
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

/// result[c] = start + Σ_k left[k] · right[k, c], where k adjoins in both: lanes along the depth.
///
/// The pointers are valid for all that the fields describe, and the result overlaps no operand.
pub(super) struct DotRow<T> {
    pub depth: usize,
    pub columns: usize,
    pub left: *const T,
    pub right: *const T,
    pub right_stride: usize,
    /// The columns come from far away: they are read one after the other, as one stream, which the
    /// processor fetches ahead. Four at a time it does not.
    pub far: bool,
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
            while !self.far && self.columns - at >= 4 {
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
pub(super) const MOST_DOT_COLUMNS: usize = 4;

/// result[i, c] = Σ_k left[k, i] · right[k, c], where k adjoins in both and `left` lies in panels:
/// lanes along the depth, for so few columns that transposing the panels would take longer. The sum
/// goes by the lanes of a chunk and a tree over them, so that its bits do not depend on the machine.
///
/// The pointers are valid for all that the fields describe, and the result overlaps no operand.
pub(super) struct DotPanels<T> {
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

/// Copies one panel, `depth × rows` in the order `[k][m]`, [`panel_rows`] apart.
///
/// Where the rows adjoin, what lies beyond them becomes zero; elsewhere no product reads it.
///
/// The pointers are valid for all that the fields describe.
pub(super) struct PackPanel<T> {
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
