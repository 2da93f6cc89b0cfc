//! Products with few rows on AVX-512, in vectors of half the width.
//!
//! Eight rows fill half of a vector of 512 bits. Where a processor multiplies these in two halves, vectors of
//! 256 take half the time; and where all eight are there, no mask keeps a load from seeing the store before
//! it. Sums go in the order of all products, so their bits are the same.

use std::any::TypeId;
use std::arch::x86_64::*;

use pulp::Simd;

use super::Product;
use crate::kernels::element::Element;

/// Computes a product with no more rows than half of the instruction set's lanes, if that is AVX-512 and
/// the right operand does not lie in strips; false if not.
///
/// # Safety
/// The product's pointers are valid as its fields say.
#[inline(always)]
pub(super) unsafe fn few_rows<S: Simd, T: Element>(product: &Product<T>) -> bool {
    // Of the instruction sets that kernels are run on, AVX-512 alone has as many lanes.
    let fits = S::F32_LANES >= 16 && product.rows * 2 <= T::lanes::<S>();
    if !fits || product.rows == 0 || product.right_packed {
        return false;
    }
    let product = std::ptr::from_ref(product);
    let is = |other: TypeId| TypeId::of::<T>() == other;
    // SAFETY: by the caller; the processor has AVX-512; the types are the same.
    unsafe {
        if is(TypeId::of::<f32>()) {
            few_rows_f32(&*product.cast())
        } else if is(TypeId::of::<f64>()) {
            few_rows_f64(&*product.cast())
        } else {
            return false;
        }
    }
    true
}

/// Writes down a type's function of that name, for products of at most as many rows.
macro_rules! few_rows {
    (
        $name:ident, $real:ty, $rows:literal, $load:ident, $load_masked:ident, $splat:ident, $zero:ident,
        $fma:ident, $add:ident, $store:ident, $store_masked:ident
    ) => {
        /// # Safety
        /// The processor has AVX-512 with vectors of 256 bits, and the product's pointers are valid as its
        /// fields say. It has rows, and its right operand does not lie in strips.
        #[target_feature(enable = "avx512f,avx512vl,fma")]
        unsafe fn $name(product: &Product<$real>) {
            debug_assert!(product.rows <= $rows && !product.right_packed);
            // SAFETY: by the caller.
            unsafe {
                if product.rows == $rows {
                    columns::<false>(product)
                } else {
                    columns::<true>(product)
                }
            }

            /// # Safety
            /// As the whole.
            #[target_feature(enable = "avx512f,avx512vl,fma")]
            unsafe fn columns<const MASKED: bool>(product: &Product<$real>) {
                let columns = product.columns;
                let mut at = 0;
                // SAFETY: the tile's columns exist.
                unsafe {
                    strips!(
                        columns,
                        at,
                        COLUMNS,
                        tile::<MASKED, COLUMNS>(product, at),
                        (16, (8, (4, (2, (1, ())))))
                    );
                }
            }

            /// # Safety
            /// As the whole; there are the columns from that one on.
            #[target_feature(enable = "avx512f,avx512vl,fma")]
            #[inline]
            unsafe fn tile<const MASKED: bool, const COLUMNS: usize>(
                product: &Product<$real>,
                column: usize,
            ) {
                let mask: __mmask8 = ((1_u16 << product.rows) - 1) as __mmask8;
                // SAFETY: by the caller; only the rows that there are are read and written.
                unsafe {
                    macro_rules! load {
                        ($from:expr) => {
                            if MASKED {
                                $load_masked(mask, $from)
                            } else {
                                $load($from)
                            }
                        };
                    }
                    let result = product.result.add(column * product.result_stride);
                    let mut sums = [$zero(); COLUMNS];
                    if product.resume {
                        for (index, sum) in sums.iter_mut().enumerate() {
                            *sum = load!(result.add(index * product.result_stride));
                        }
                    } else if !product.start.is_null() {
                        sums = [load!(product.start); COLUMNS];
                    }
                    let mut left = product.left;
                    let mut right = product.right.add(column * product.right_stride);
                    for _ in 0..product.depth {
                        let factors = load!(left);
                        for (index, sum) in sums.iter_mut().enumerate() {
                            let factor = $splat(*right.add(index * product.right_stride));
                            *sum = $fma(factors, factor, *sum);
                        }
                        left = left.wrapping_add(product.left_step);
                        right = right.wrapping_add(product.right_step);
                    }
                    for (index, mut sum) in sums.into_iter().enumerate() {
                        let to = result.add(index * product.result_stride);
                        if product.adds {
                            sum = $add(load!(to), sum);
                        }
                        if MASKED {
                            $store_masked(to, mask, sum)
                        } else {
                            $store(to, sum)
                        }
                    }
                }
            }
        }
    };
}

few_rows!(
    few_rows_f32,
    f32,
    8,
    _mm256_loadu_ps,
    _mm256_maskz_loadu_ps,
    _mm256_set1_ps,
    _mm256_setzero_ps,
    _mm256_fmadd_ps,
    _mm256_add_ps,
    _mm256_storeu_ps,
    _mm256_mask_storeu_ps
);
few_rows!(
    few_rows_f64,
    f64,
    4,
    _mm256_loadu_pd,
    _mm256_maskz_loadu_pd,
    _mm256_set1_pd,
    _mm256_setzero_pd,
    _mm256_fmadd_pd,
    _mm256_add_pd,
    _mm256_storeu_pd,
    _mm256_mask_storeu_pd
);

#[cfg(test)]
mod tests {
    use std::marker::PhantomData;

    use pulp::{Simd, WithSimd};

    use super::*;

    /// Both ways to compute one product: few rows of it, and as many as fill a register tile.
    struct BothWays<T>(PhantomData<T>);

    impl<T: Element> WithSimd for BothWays<T> {
        type Output = ();

        fn with_simd<S: Simd>(self, simd: S) {
            let most = T::lanes::<S>() / 2;
            for rows in 1..=most {
                for columns in [1, 2, 3, 7, 16, 31] {
                    for (depth, resume, adds, starts) in [
                        (0, false, false, true),
                        (1, false, false, true),
                        (9, true, false, false),
                        (33, false, true, true),
                    ] {
                        let number = |at: usize| T::constant((at * 37 % 101) as f64 / 7.0 - 6.5);
                        let height = 4 * most;
                        let left: Vec<T> = (0..height * depth.max(1)).map(number).collect();
                        let right: Vec<T> = (3..3 + depth.max(1) * columns).map(number).collect();
                        let start: Vec<T> = (5..5 + height).map(number).collect();
                        let compute = |rows: usize| {
                            let mut result: Vec<T> =
                                (7..7 + height * columns).map(number).collect();
                            Product {
                                rows,
                                columns,
                                depth,
                                left: left.as_ptr(),
                                left_height: height,
                                left_panel_stride: 0,
                                left_step: height,
                                right: right.as_ptr(),
                                right_step: 1,
                                right_stride: depth.max(1),
                                right_packed: false,
                                start: if starts {
                                    start.as_ptr()
                                } else {
                                    std::ptr::null()
                                },
                                resume,
                                result: result.as_mut_ptr(),
                                result_stride: height,
                                adds,
                            }
                            .run(simd);
                            result
                        };
                        let (few, many) = (compute(rows), compute(height));
                        for column in 0..columns {
                            let at = column * height;
                            assert_eq!(few[at..at + rows], many[at..at + rows]);
                            let untouched: Vec<T> =
                                (7 + at + rows..7 + at + height).map(number).collect();
                            assert_eq!(few[at + rows..at + height], untouched);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn few_rows_have_the_bits_of_many() {
        match pulp::x86::V4::try_new() {
            Some(avx512) => {
                pulp::Arch::V4(avx512).dispatch(BothWays::<f32>(PhantomData));
                pulp::Arch::V4(avx512).dispatch(BothWays::<f64>(PhantomData));
            }
            None => println!("skipped: this machine has no AVX-512"),
        }
    }
}
