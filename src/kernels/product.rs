//! Products of matrices: the register-tile kernels behind the forward, data-gradient and weight-gradient
//! steps.
//!
//! Every element of a [`Product`] is summed in the order of `depth`, one fused multiply-add after the other,
//! so its bits depend neither on tiles nor on threads; so it is for one column (`column`) and for few rows
//! (`few_rows`). The products of [`dot`] go along the depth, [`DotRow`](dot::DotRow) by the lanes of the
//! machine's vectors, [`DotPanels`](dot::DotPanels) by those of a chunk. What is copied for products is in
//! [`pack`].

/// Cuts columns into strips, as wide as there are registers for: each is a register tile's.
macro_rules! each_packed_column_block {
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

/// PackRight of the first width as long as there are columns for one, then of the others.
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
pub(super) mod dot;
#[cfg(target_arch = "x86_64")]
mod few_rows;
pub(super) mod pack;

use pulp::{Simd, WithSimd};

use super::element::Element;

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
    /// The right operand lies in [`PackRight`](pack::PackRight) instead: those of `depth` and `columns`.
    pub right_packed: bool,
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
        let next = if alone { self.column_rows(simd) } else { 0 };
        for first in (next..self.rows).step_by(2 * lanes) {
            let rest = self.rows - first;
            let product = self;
            // Each a function of its own, compiled for the instruction set.
            if rest >= 2 * lanes {
                simd.vectorize(Panel::<T, 2, false> { product, first })
            } else if rest > lanes {
                simd.vectorize(Panel::<T, 2, true> { product, first })
            } else if rest == lanes {
                simd.vectorize(Panel::<T, 1, false> { product, first })
            } else {
                simd.vectorize(Panel::<T, 1, true> { product, first })
            }
        }
    }

    /// Where the left operand has a row.
    fn left_row(&self, row: usize) -> *const T {
        let (panel, within) = if row < self.left_height {
            (0, row)
        } else {
            (row / self.left_height, row % self.left_height)
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
                start: if product.start.is_null() {
                    product.start
                } else {
                    product.start.add(first)
                },
                result: product.result.add(first),
            };
            each_packed_column_block!(S, product.columns, |at, COLUMNS| rows
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
                if MASKED && index + 1 == VECTORS {
                    T::load_masked(simd, mask, from.add(index * lanes))
                } else {
                    T::load(simd, from.add(index * lanes))
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
        let start = if self.start.is_null() {
            [T::splat(simd, T::ZERO); VECTORS]
        } else {
            // SAFETY: the start has the panel's rows.
            unsafe { Self::load(simd, mask, self.start) }
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
            let (mut right, step, stride) = if product.right_packed {
                (product.right.add(column * product.depth), COLUMNS, 1)
            } else {
                (
                    product.right.add(column * product.right_stride),
                    product.right_step,
                    product.right_stride,
                )
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
                    if MASKED && index + 1 == VECTORS {
                        T::store_masked(simd, mask, to.add(index * lanes), sum)
                    } else {
                        T::store(simd, to.add(index * lanes), sum)
                    }
                }
            }
        }
    }
}
