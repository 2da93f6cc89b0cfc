//! The numbers that the kernels compute in, and their vectors.

use std::fmt::Debug;

use pulp::{MemMask, Simd};

use super::run::RunKernels;
use crate::graph::scalar::Real;

/// A type that a network can be computed in: f32 or f64. All zero bits are its zero.
pub trait Element: Real + Vectors + RunKernels + Debug + Send + Sync + 'static {
    const ZERO: Self;
    const ONE: Self;
    const NAN: Self;
    const NEGATIVE_INFINITY: Self;

    fn to_f64(self) -> f64;
}

/// The vector operations of the current instruction set on an element type.
///
/// A *chunk* is 64 bytes of elements on every machine: elementwise loops go by chunks, so that the
/// compiler sees a fixed trip count, and reductions sum in its lanes, so that their order does not
/// depend on the width of the registers.
pub trait Vectors: Copy {
    /// An array of [`CHUNK`](Self::CHUNK) elements.
    type Chunk: Copy + AsRef<[Self]> + AsMut<[Self]>;
    type Vector<S: Simd>: Copy;
    type Mask<S: Simd>: Copy;
    const CHUNK: usize;
    /// The side of the blocks that [`transpose_block`](Self::transpose_block) takes.
    const TRANSPOSED_SIDE: usize;

    fn filled_chunk(value: Self) -> Self::Chunk;
    fn lanes<S: Simd>() -> usize;
    /// A mask of the first `count` lanes; all lanes if there are fewer.
    fn first_lanes<S: Simd>(simd: S, count: usize) -> Self::Mask<S>;
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S>;
    fn mul_add<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    fn add_vectors<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// The sum of all lanes, in an order that depends on the instruction set alone.
    fn sum_lanes<S: Simd>(simd: S, a: Self::Vector<S>) -> Self;

    /// # Safety
    /// `from` is valid for a read of all lanes.
    unsafe fn load<S: Simd>(simd: S, from: *const Self) -> Self::Vector<S>;
    /// # Safety
    /// `to` is valid for a write of all lanes.
    unsafe fn store<S: Simd>(simd: S, to: *mut Self, value: Self::Vector<S>);
    /// The other lanes become zero.
    ///
    /// # Safety
    /// `from` is valid for a read of the lanes of the mask.
    unsafe fn load_masked<S: Simd>(
        simd: S,
        mask: Self::Mask<S>,
        from: *const Self,
    ) -> Self::Vector<S>;
    /// # Safety
    /// `to` is valid for a write of the lanes of the mask.
    unsafe fn store_masked<S: Simd>(
        simd: S,
        mask: Self::Mask<S>,
        to: *mut Self,
        value: Self::Vector<S>,
    );

    /// Transposes a square block, its rows `stride` apart at either place; false if the instruction
    /// set has no way of its own.
    ///
    /// # Safety
    /// A block is valid at both places, and they do not overlap.
    unsafe fn transpose_block<S: Simd>(
        simd: S,
        from: (*const Self, usize),
        to: (*mut Self, usize),
    ) -> bool;

    /// The first `count` elements of a chunk; the others become zero.
    ///
    /// # Safety
    /// `from` is valid for a read of `count` elements.
    #[inline(always)]
    unsafe fn load_partial_chunk<S: Simd>(simd: S, from: *const Self, count: usize) -> Self::Chunk
    where
        Self: Element,
    {
        let mut chunk = Self::filled_chunk(Self::ZERO);
        let to = chunk.as_mut().as_mut_ptr();
        for at in (0..Self::CHUNK).step_by(Self::lanes::<S>()) {
            let mask = Self::first_lanes(simd, count.saturating_sub(at));
            // SAFETY: the mask ends at `count`; the chunk is a multiple of the lanes.
            unsafe {
                let value = Self::load_masked(simd, mask, from.wrapping_add(at));
                Self::store(simd, to.add(at), value);
            }
        }
        chunk
    }

    /// # Safety
    /// `to` is valid for a write of `count` elements.
    #[inline(always)]
    unsafe fn store_partial_chunk<S: Simd>(
        simd: S,
        to: *mut Self,
        count: usize,
        chunk: Self::Chunk,
    ) {
        let from = chunk.as_ref().as_ptr();
        for at in (0..Self::CHUNK).step_by(Self::lanes::<S>()) {
            let mask = Self::first_lanes(simd, count.saturating_sub(at));
            // SAFETY: the mask ends at `count`; the chunk is a multiple of the lanes.
            unsafe {
                let value = Self::load(simd, from.add(at));
                Self::store_masked(simd, mask, to.wrapping_add(at), value);
            }
        }
    }
}

macro_rules! element {
    (
        $real:ident, $chunk:literal, $vector:ident, $mask:ident, $lanes:ident, $position:ident,
        $mask_between:ident, $splat:ident, $mul_add:ident, $add:ident, $reduce_sum:ident,
        $mask_load:ident, $mask_store:ident, $side:literal, $transpose:ident
    ) => {
        impl Element for $real {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NAN: Self = $real::NAN;
            const NEGATIVE_INFINITY: Self = $real::NEG_INFINITY;

            #[inline(always)]
            fn to_f64(self) -> f64 {
                self.into()
            }
        }

        impl Vectors for $real {
            type Chunk = [$real; $chunk];
            type Vector<S: Simd> = S::$vector;
            type Mask<S: Simd> = S::$mask;
            const CHUNK: usize = $chunk;
            const TRANSPOSED_SIDE: usize = $side;

            #[inline(always)]
            fn filled_chunk(value: Self) -> Self::Chunk {
                [value; $chunk]
            }
            #[inline(always)]
            fn lanes<S: Simd>() -> usize {
                S::$lanes
            }
            #[inline(always)]
            fn first_lanes<S: Simd>(simd: S, count: usize) -> Self::Mask<S> {
                let count = count.min(S::$lanes) as $position;
                simd.$mask_between(0, count).mask()
            }
            #[inline(always)]
            fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S> {
                simd.$splat(value)
            }
            #[inline(always)]
            fn mul_add<S: Simd>(
                simd: S,
                a: Self::Vector<S>,
                b: Self::Vector<S>,
                c: Self::Vector<S>,
            ) -> Self::Vector<S> {
                simd.$mul_add(a, b, c)
            }
            #[inline(always)]
            fn add_vectors<S: Simd>(
                simd: S,
                a: Self::Vector<S>,
                b: Self::Vector<S>,
            ) -> Self::Vector<S> {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn sum_lanes<S: Simd>(simd: S, a: Self::Vector<S>) -> Self {
                simd.$reduce_sum(a)
            }
            #[inline(always)]
            unsafe fn load<S: Simd>(_: S, from: *const Self) -> Self::Vector<S> {
                // SAFETY: by the caller; a vector is plain numbers.
                unsafe { from.cast::<S::$vector>().read_unaligned() }
            }
            #[inline(always)]
            unsafe fn store<S: Simd>(_: S, to: *mut Self, value: Self::Vector<S>) {
                // SAFETY: by the caller.
                unsafe { to.cast::<S::$vector>().write_unaligned(value) }
            }
            #[inline(always)]
            unsafe fn load_masked<S: Simd>(
                simd: S,
                mask: Self::Mask<S>,
                from: *const Self,
            ) -> Self::Vector<S> {
                // SAFETY: by the caller. A mask without pulp's jump table becomes one instruction.
                unsafe { simd.$mask_load(MemMask::new(mask), from) }
            }
            #[inline(always)]
            unsafe fn store_masked<S: Simd>(
                simd: S,
                mask: Self::Mask<S>,
                to: *mut Self,
                value: Self::Vector<S>,
            ) {
                // SAFETY: by the caller.
                unsafe { simd.$mask_store(MemMask::new(mask), to, value) }
            }
            #[inline(always)]
            unsafe fn transpose_block<S: Simd>(
                _: S,
                from: (*const Self, usize),
                to: (*mut Self, usize),
            ) -> bool {
                // Of the instruction sets that pulp has on x86-64, those with AVX have as many lanes.
                #[cfg(target_arch = "x86_64")]
                if S::F32_LANES >= 8 {
                    // SAFETY: by the caller; the processor has AVX.
                    unsafe { super::transpose::$transpose(from.0, from.1, to.0, to.1) };
                    return true;
                }
                let _ = (from, to);
                false
            }
        }
    };
}

element!(
    f32,
    16,
    f32s,
    m32s,
    F32_LANES,
    u32,
    mask_between_m32s,
    splat_f32s,
    mul_add_f32s,
    add_f32s,
    reduce_sum_f32s,
    mask_load_ptr_f32s,
    mask_store_ptr_f32s,
    8,
    block_f32
);
element!(
    f64,
    8,
    f64s,
    m64s,
    F64_LANES,
    u64,
    mask_between_m64s,
    splat_f64s,
    mul_add_f64s,
    add_f64s,
    reduce_sum_f64s,
    mask_load_ptr_f64s,
    mask_store_ptr_f64s,
    4,
    block_f64
);
