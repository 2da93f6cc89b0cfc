//! Transposition of blocks, for operands that lie the other way than a register tile reads them.

use pulp::Simd;

use super::element::Element;

/// to[k · to_stride + m] = from[m · from_stride + k] for `rows` m and `depth` k.
///
/// # Safety
/// `from` is valid for reads and `to` for writes of all of these; they do not overlap.
#[inline(always)]
pub(super) unsafe fn transpose<S: Simd, T: Element>(
    simd: S,
    (rows, depth): (usize, usize),
    (from, from_stride): (*const T, usize),
    (to, to_stride): (*mut T, usize),
) {
    let side = T::TRANSPOSED_SIDE;
    let in_blocks = rows >= side && depth >= side;
    // SAFETY: by the caller; the blocks lie within the rows and the depth.
    unsafe {
        if !in_blocks
            || !transpose_blocks(simd, (rows, depth), (from, from_stride), (to, to_stride))
        {
            for k in 0..depth {
                for m in 0..rows {
                    *to.add(k * to_stride + m) = *from.add(m * from_stride + k);
                }
            }
        }
    }
}

/// As [`transpose`], if the instruction set can transpose blocks and there is at least one. Where the
/// extents are no multiple of its side, the last blocks overlap those before.
#[inline(always)]
unsafe fn transpose_blocks<S: Simd, T: Element>(
    simd: S,
    (rows, depth): (usize, usize),
    (from, from_stride): (*const T, usize),
    (to, to_stride): (*mut T, usize),
) -> bool {
    let side = T::TRANSPOSED_SIDE;
    let mut k = 0;
    loop {
        let mut m = 0;
        loop {
            // SAFETY: by the caller; the block ends within the rows and the depth.
            let done = unsafe {
                let from = from.add(m * from_stride + k);
                let to = to.add(k * to_stride + m);
                T::transpose_block(simd, (from, from_stride), (to, to_stride))
            };
            if !done {
                return false;
            }
            match rows - side {
                last if m == last => break,
                last => m = (m + side).min(last),
            }
        }
        match depth - side {
            last if k == last => return true,
            last => k = (k + side).min(last),
        }
    }
}

/// Transposes 8 × 8 numbers.
///
/// # Safety
/// The processor has AVX; 8 rows of 8 are valid at both places.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx")]
pub(super) unsafe fn block_f32(
    from: *const f32,
    from_stride: usize,
    to: *mut f32,
    to_stride: usize,
) {
    use std::arch::x86_64::*;
    // SAFETY: by the caller.
    unsafe {
        let row = |m: usize| _mm256_loadu_ps(from.add(m * from_stride));
        let half = |first: usize| {
            let (a, b, c, d) = (row(first), row(first + 1), row(first + 2), row(first + 3));
            let (low, high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            let (next_low, next_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
            [
                _mm256_shuffle_ps::<0x44>(low, next_low),
                _mm256_shuffle_ps::<0xee>(low, next_low),
                _mm256_shuffle_ps::<0x44>(high, next_high),
                _mm256_shuffle_ps::<0xee>(high, next_high),
            ]
        };
        let (upper, lower) = (half(0), half(4));
        for k in 0..4 {
            let first = _mm256_permute2f128_ps::<0x20>(upper[k], lower[k]);
            let second = _mm256_permute2f128_ps::<0x31>(upper[k], lower[k]);
            _mm256_storeu_ps(to.add(k * to_stride), first);
            _mm256_storeu_ps(to.add((k + 4) * to_stride), second);
        }
    }
}

/// Transposes 4 × 4 numbers.
///
/// # Safety
/// The processor has AVX; 4 rows of 4 are valid at both places.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx")]
pub(super) unsafe fn block_f64(
    from: *const f64,
    from_stride: usize,
    to: *mut f64,
    to_stride: usize,
) {
    use std::arch::x86_64::*;
    // SAFETY: by the caller.
    unsafe {
        let row = |m: usize| _mm256_loadu_pd(from.add(m * from_stride));
        let (a, b, c, d) = (row(0), row(1), row(2), row(3));
        let (low, high) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
        let (next_low, next_high) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
        _mm256_storeu_pd(to, _mm256_permute2f128_pd::<0x20>(low, next_low));
        _mm256_storeu_pd(
            to.add(to_stride),
            _mm256_permute2f128_pd::<0x20>(high, next_high),
        );
        _mm256_storeu_pd(
            to.add(2 * to_stride),
            _mm256_permute2f128_pd::<0x31>(low, next_low),
        );
        _mm256_storeu_pd(
            to.add(3 * to_stride),
            _mm256_permute2f128_pd::<0x31>(high, next_high),
        );
    }
}
