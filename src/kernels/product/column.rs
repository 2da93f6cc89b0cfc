//! A product with one column: a row of a batch through a weight.

use pulp::{Simd, WithSimd};

use super::Product;
use crate::kernels::element::Element;

/// The most vectors that [`Column`] sums at a time.
const MOST_VECTORS: usize = 8;

impl<T: Element> Product<T> {
    /// Computes the only column up to the rows that a panel holds, of which there are more; gives how
    /// many it has computed. It stands alone, so that products of more columns do not make space for it.
    #[inline(never)]
    pub(super) fn column_rows<S: Simd>(&self, simd: S) -> usize {
        let lanes = T::lanes::<S>();
        let mut next = 0;
        while self.rows - next > 2 * lanes {
            let rows = (self.rows - next).min(MOST_VECTORS * lanes);
            // SAFETY: the rows exist.
            unsafe { self.column(simd, next, rows) };
            next += rows;
        }
        next
    }

    /// Computes rows of the only column, more than a panel and at most [`MOST_VECTORS`].
    ///
    /// # Safety
    /// The rows exist; `first` is at the beginning of a panel or within the only one.
    unsafe fn column<S: Simd>(&self, simd: S, first: usize, rows: usize) {
        macro_rules! column {
            ($($vectors:literal)*) => {
                match rows.div_ceil(T::lanes::<S>()) {
                    $($vectors => simd.vectorize(Column::<T, $vectors> {
                        product: *self,
                        first,
                        rows,
                    }),)*
                    vectors => unreachable!("{vectors} vectors"),
                }
            };
        }
        column!(3 4 5 6 7 8);
    }
}

/// A part of a product with one column: so many sums at a time that none waits for the one before.
struct Column<T, const VECTORS: usize> {
    product: Product<T>,
    first: usize,
    rows: usize,
}

impl<T: Element, const VECTORS: usize> WithSimd for Column<T, VECTORS> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (lanes, product) = (T::lanes::<S>(), &self.product);
        let row = |vector: usize| self.first + vector * lanes;
        let mut masks = [T::first_lanes(simd, lanes); VECTORS];
        masks[VECTORS - 1] = T::first_lanes(simd, self.rows - (VECTORS - 1) * lanes);
        // A vector begins a panel or lies within one, as a panel is a multiple of a vector.
        let left: [*const T; VECTORS] = std::array::from_fn(
            #[inline(always)]
            |vector| product.left_row(row(vector)),
        );
        let mut sums = [T::splat(simd, T::ZERO); VECTORS];
        // SAFETY: by the contract of the product's fields; only its rows are read and written.
        unsafe {
            let from = if product.resume {
                product.result
            } else {
                product.start
            };
            if !from.is_null() {
                for (vector, sum) in sums.iter_mut().enumerate() {
                    *sum = T::load_masked(simd, masks[vector], from.add(row(vector)));
                }
            }
            let mut right = product.right;
            let step = if product.right_packed {
                1
            } else {
                product.right_step
            };
            for k in 0..product.depth {
                let factor = T::splat(simd, *right);
                for (vector, sum) in sums.iter_mut().enumerate() {
                    let left = left[vector].wrapping_add(k * product.left_step);
                    let left = T::load_masked(simd, masks[vector], left);
                    *sum = T::mul_add(simd, left, factor, *sum);
                }
                right = right.wrapping_add(step);
            }
            for (vector, sum) in sums.into_iter().enumerate() {
                let to = product.result.add(row(vector));
                let sum = if product.adds {
                    let held = T::load_masked(simd, masks[vector], to);
                    T::add_vectors(simd, held, sum)
                } else {
                    sum
                };
                T::store_masked(simd, masks[vector], to, sum);
            }
        }
    }
}
