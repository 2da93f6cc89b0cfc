//! Elementwise loops over runs of adjoining elements.
//!
//! The functions that loops take go by value and are always inlined: a call that is not inlined is
//! compiled for the oldest processor, where a fused multiply-add is a slow library call.

use pulp::{Simd, WithSimd};

use super::element::Element;
use crate::graph::ops::BinaryOperator;
use crate::graph::scalar::ScalarFunction;

/// What an elementwise loop reads: a run of elements, or the same number for all.
pub(super) enum LoopOperand<T> {
    Run(*const T),
    Number(T),
}

// Not derived, as that would ask the same of `T` as a bound of the impl.
impl<T: Copy> Clone for LoopOperand<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Copy> Copy for LoopOperand<T> {}

/// to[i] = f(from[i]), chunk by chunk. `to` may be one of the places read.
///
/// The last, incomplete chunk overlaps the one before it: it is read before anything is written.
///
/// # Safety
/// `load` may be called with the position of any chunk within `length`, and `to` is valid for
/// `length` elements. `load_partial` may be called if `length` is less than a chunk.
#[inline(always)]
unsafe fn map_chunks<S: Simd, T: Element, V: Copy>(
    simd: S,
    length: usize,
    to: *mut T,
    load: impl Fn(usize) -> V,
    load_partial: impl Fn() -> V,
    function: impl Fn(V) -> T::Chunk,
) {
    let mut partial = T::filled_chunk(T::ZERO);
    let whole = length >= T::CHUNK;
    let (last, last_value, target) = if whole {
        (length - T::CHUNK, load(length - T::CHUNK), to)
    } else {
        (0, load_partial(), partial.as_mut().as_mut_ptr())
    };
    let mut at = 0;
    loop {
        let (value, place) = if at < last {
            (load(at), at)
        } else {
            (last_value, last)
        };
        let result = function(value);
        // SAFETY: `place` is at most a chunk before the end of `to`, or of `partial`.
        unsafe { target.add(place).cast::<T::Chunk>().write_unaligned(result) };
        if at >= last {
            break;
        }
        at += T::CHUNK;
    }
    if !whole {
        // SAFETY: by the caller.
        unsafe { T::store_partial_chunk(simd, to, length, partial) };
    }
}

#[inline(always)]
pub(super) fn map_lanes<T: Element>(mut chunk: T::Chunk, function: impl Fn(T) -> T) -> T::Chunk {
    for lane in chunk.as_mut() {
        *lane = function(*lane);
    }
    chunk
}

#[inline(always)]
pub(super) fn zip_lanes<T: Element>(
    mut left: T::Chunk,
    right: T::Chunk,
    function: impl Fn(T, T) -> T + Copy,
) -> T::Chunk {
    for (left, right) in left.as_mut().iter_mut().zip(right.as_ref()) {
        *left = function(*left, *right);
    }
    left
}

/// # Safety
/// `from` is valid for a read of `length` elements and `to` for a write of as many; they are the same
/// place or do not overlap.
#[inline(always)]
pub(super) unsafe fn map<S: Simd, T: Element>(
    simd: S,
    length: usize,
    from: *const T,
    to: *mut T,
    function: impl Fn(T) -> T + Copy,
) {
    // SAFETY: by the caller.
    unsafe {
        map_chunks::<S, T, T::Chunk>(
            simd,
            length,
            to,
            #[inline(always)]
            |at| from.add(at).cast::<T::Chunk>().read_unaligned(),
            #[inline(always)]
            || T::load_partial_chunk(simd, from, length),
            #[inline(always)]
            |chunk| map_lanes(chunk, function),
        );
    }
}

/// # Safety
/// As [`map`], for both sources.
#[inline(always)]
unsafe fn zip<S: Simd, T: Element>(
    simd: S,
    length: usize,
    left: *const T,
    right: *const T,
    to: *mut T,
    function: impl Fn(T, T) -> T + Copy,
) {
    // SAFETY: by the caller.
    unsafe {
        map_chunks::<S, T, (T::Chunk, T::Chunk)>(
            simd,
            length,
            to,
            #[inline(always)]
            |at| {
                (
                    left.add(at).cast::<T::Chunk>().read_unaligned(),
                    right.add(at).cast::<T::Chunk>().read_unaligned(),
                )
            },
            #[inline(always)]
            || {
                (
                    T::load_partial_chunk(simd, left, length),
                    T::load_partial_chunk(simd, right, length),
                )
            },
            #[inline(always)]
            |(left, right)| zip_lanes(left, right, function),
        );
    }
}

/// Calls the macro `$with` with the row that `$function` is, known to the compiler: one loop for each.
macro_rules! for_each_row {
    ($function:ident, $with:ident) => {{
        use ScalarFunction::*;
        match $function {
            Negate => $with!(Negate),
            Square => $with!(Square),
            Abs => $with!(Abs),
            Sqrt => $with!(Sqrt),
            ReciprocalSqrt => $with!(ReciprocalSqrt),
            Reciprocal => $with!(Reciprocal),
            Exp => $with!(Exp),
            Log => $with!(Log),
            Tanh => $with!(Tanh),
            Sigmoid => $with!(Sigmoid),
            ReLU => $with!(ReLU),
            LeakyReLU { negative_slope } => $with!(LeakyReLU { negative_slope }),
            ELU { alpha } => $with!(ELU { alpha }),
            GELU => $with!(GELU),
            GELUTanh => $with!(GELUTanh),
            SiLU => $with!(SiLU),
            Softplus { beta, threshold } => $with!(Softplus { beta, threshold }),
            Hardtanh { min_val, max_val } => $with!(Hardtanh { min_val, max_val }),
            Huber { delta } => $with!(Huber { delta }),
            AtLeast { bound } => $with!(AtLeast { bound }),
            AtMost { bound } => $with!(AtMost { bound }),
            Renorm { max_norm } => $with!(Renorm { max_norm }),
        }
    }};
}

/// to[i] = f(from[i]), or f'(from[i]). `to` is `from` or does not overlap it; both are valid for
/// `length` elements.
pub(super) struct Unary<T> {
    pub length: usize,
    pub from: *const T,
    pub to: *mut T,
    pub function: ScalarFunction,
    pub derivative: bool,
}

impl<T: Element> WithSimd for Unary<T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Unary {
            length,
            from,
            to,
            function,
            derivative,
        } = self;
        macro_rules! row {
            ($row:expr) => {
                if derivative {
                    // SAFETY: by the fields' contract.
                    unsafe {
                        map(
                            simd,
                            length,
                            from,
                            to,
                            #[inline(always)]
                            |x| $row.derivative(x),
                        )
                    }
                } else {
                    // SAFETY: by the fields' contract.
                    unsafe {
                        map(
                            simd,
                            length,
                            from,
                            to,
                            #[inline(always)]
                            |x| $row.value(x),
                        )
                    }
                }
            };
        }
        for_each_row!(function, row)
    }
}

/// to[i] = left[i] · f'(from[i]). `to` is one of the sources or does not overlap them; all are valid
/// for `length` elements.
pub(super) struct Gradient<T> {
    pub length: usize,
    pub left: LoopOperand<T>,
    pub from: *const T,
    pub to: *mut T,
    pub function: ScalarFunction,
}

impl<T: Element> WithSimd for Gradient<T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Gradient {
            length,
            left,
            from,
            to,
            function,
        } = self;
        macro_rules! row {
            ($row:expr) => {
                match left {
                    // SAFETY: by the fields' contract.
                    LoopOperand::Run(left) => unsafe {
                        zip(
                            simd,
                            length,
                            left,
                            from,
                            to,
                            #[inline(always)]
                            |left: T, x| left.mul($row.derivative(x)),
                        )
                    },
                    // SAFETY: by the fields' contract.
                    LoopOperand::Number(left) => unsafe {
                        map(
                            simd,
                            length,
                            from,
                            to,
                            #[inline(always)]
                            |x| left.mul($row.derivative(x)),
                        )
                    },
                }
            };
        }
        for_each_row!(function, row)
    }
}

/// to[i] = left[i] ∘ right[i]. `to` is one of the sources or does not overlap them; all are valid for
/// `length` elements.
pub(super) struct Binary<T> {
    pub length: usize,
    pub left: LoopOperand<T>,
    pub right: LoopOperand<T>,
    pub to: *mut T,
    pub operator: BinaryOperator,
}

impl<T: Element> WithSimd for Binary<T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Binary {
            length,
            left,
            right,
            to,
            operator,
        } = self;
        macro_rules! loops {
            ($($operator:ident => $function:expr),+ $(,)?) => {
                match operator {
                    // SAFETY: by the fields' contract.
                    $(BinaryOperator::$operator => unsafe {
                        match (left, right) {
                            (LoopOperand::Run(left), LoopOperand::Run(right)) => {
                                zip(simd, length, left, right, to, $function)
                            }
                            (LoopOperand::Run(left), LoopOperand::Number(right)) => {
                                map(simd, length, left, to, #[inline(always)] |left| $function(left, right))
                            }
                            (LoopOperand::Number(left), LoopOperand::Run(right)) => {
                                map(simd, length, right, to, #[inline(always)] |right| $function(left, right))
                            }
                            (LoopOperand::Number(left), LoopOperand::Number(right)) => {
                                fill(simd, length, to, $function(left, right))
                            }
                        }
                    },)+
                }
            };
        }
        loops! {
            Add => T::add,
            Subtract => T::sub,
            Multiply => T::mul,
            Divide => T::div,
            Maximum => T::max,
            Minimum => T::min,
        }
    }
}

/// # Safety
/// `to` is valid for a write of `length` elements.
#[inline(always)]
unsafe fn fill<S: Simd, T: Element>(simd: S, length: usize, to: *mut T, value: T) {
    let chunk = T::filled_chunk(value);
    // SAFETY: by the caller.
    unsafe {
        map_chunks::<S, T, ()>(
            simd,
            length,
            to,
            #[inline(always)]
            |_| (),
            #[inline(always)]
            || (),
            #[inline(always)]
            |()| chunk,
        )
    };
}

/// to[i] = value.
pub(super) struct Fill<T> {
    pub length: usize,
    pub to: *mut T,
    pub value: T,
}

impl<T: Element> WithSimd for Fill<T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // SAFETY: by the fields' contract.
        unsafe { fill(simd, self.length, self.to, self.value) }
    }
}
