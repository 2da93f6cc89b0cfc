//! Reductions, in an order that shape and type alone decide.

use pulp::{Simd, WithSimd};

use super::element::Element;
use super::elementwise::zip_lanes;
use crate::graph::ops::Reduction;

#[inline(always)]
pub(super) fn combine<T: Element>(reduction: Reduction, left: T, right: T) -> T {
    match reduction {
        Reduction::Sum => left.add(right),
        Reduction::Maximum => left.max(right),
    }
}

#[inline(always)]
pub(super) fn neutral<T: Element>(reduction: Reduction) -> T {
    match reduction {
        Reduction::Sum => T::ZERO,
        Reduction::Maximum => T::NEGATIVE_INFINITY,
    }
}

/// The reduction of a run: lane by lane of a chunk, then a tree over the lanes, so that the order
/// depends on `length` and the type alone.
///
/// # Safety
/// `from` is valid for a read of `length` elements.
#[inline(always)]
pub(super) unsafe fn reduce_run<S: Simd, T: Element>(
    simd: S,
    length: usize,
    from: *const T,
    reduction: Reduction,
) -> T {
    // A loop for each, as a choice inside would keep the compiler from making vectors.
    // SAFETY: by the caller.
    unsafe {
        match reduction {
            Reduction::Sum => reduce_with(simd, length, from, T::ZERO, T::add),
            Reduction::Maximum => reduce_with(simd, length, from, T::NEGATIVE_INFINITY, T::max),
        }
    }
}

/// # Safety
/// As [`reduce_run`].
#[inline(always)]
unsafe fn reduce_with<S: Simd, T: Element>(
    simd: S,
    length: usize,
    from: *const T,
    neutral: T,
    function: impl Fn(T, T) -> T + Copy,
) -> T {
    let rest = length % T::CHUNK;
    let mut lanes = T::filled_chunk(neutral);
    for at in (0..length - rest).step_by(T::CHUNK) {
        // SAFETY: a whole chunk within the run.
        let chunk = unsafe { from.add(at).cast::<T::Chunk>().read_unaligned() };
        lanes = zip_lanes(lanes, chunk, function);
    }
    if rest > 0 {
        // SAFETY: the rest of the run.
        let mut chunk = unsafe { T::load_partial_chunk(simd, from.add(length - rest), rest) };
        for (lane, value) in chunk.as_mut().iter_mut().enumerate() {
            *value = if lane < rest { *value } else { neutral };
        }
        lanes = zip_lanes(lanes, chunk, function);
    }
    reduce_lanes(lanes, function)
}

/// The reduction of a chunk, by a tree over its lanes.
#[inline(always)]
pub(super) fn reduce_lanes<T: Element>(
    mut lanes: T::Chunk,
    function: impl Fn(T, T) -> T + Copy,
) -> T {
    let lanes = lanes.as_mut();
    let mut width = T::CHUNK;
    while width > 1 {
        width /= 2;
        for lane in 0..width {
            lanes[lane] = function(lanes[lane], lanes[lane + width]);
        }
    }
    lanes[0]
}

/// What a reduction of a block leaves: one number, one a column, or one a feature.
pub(super) enum ReduceInto<T> {
    /// Into one number, over all columns.
    All(*mut T),
    /// Into one number a column.
    Features(*mut T),
    /// Into one number a feature.
    Columns(*mut T),
}

/// Reduces `columns` columns of `features` elements, `stride` apart; with `resume`, onto what the
/// place holds. With [`ReduceInto::All`] the columns adjoin.
pub(super) struct Reduce<T> {
    pub from: *const T,
    pub features: usize,
    pub columns: usize,
    pub stride: usize,
    pub reduction: Reduction,
    pub into: ReduceInto<T>,
    pub resume: bool,
}

impl<T: Element> WithSimd for Reduce<T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Reduce {
            from,
            features,
            columns,
            stride,
            reduction,
            into: _,
            resume,
        } = self;
        // SAFETY: by the fields' contract, in all three.
        match self.into {
            ReduceInto::All(to) => unsafe {
                let result = reduce_run(simd, features * columns, from, reduction);
                *to = if resume {
                    combine(reduction, *to, result)
                } else {
                    result
                };
            },
            ReduceInto::Features(to) => unsafe {
                for column in 0..columns {
                    let from = from.add(column * stride);
                    *to.add(column) = reduce_run(simd, features, from, reduction);
                }
            },
            ReduceInto::Columns(to) => unsafe {
                // A row whose elements adjoin is a run.
                if features == 1 && stride == 1 {
                    let result = reduce_run(simd, columns, from, reduction);
                    *to = if resume {
                        combine(reduction, *to, result)
                    } else {
                        result
                    };
                    return;
                }
                match reduction {
                    Reduction::Sum => self.columns_with(simd, to, T::add),
                    Reduction::Maximum => self.columns_with(simd, to, T::max),
                }
            },
        }
    }
}

impl<T: Element> Reduce<T> {
    /// Reduces over the columns, in their order, a few chunks of features at a time.
    ///
    /// # Safety
    /// The fields' contract; `to` holds a number a feature.
    #[inline(always)]
    unsafe fn columns_with<S: Simd>(
        &self,
        simd: S,
        to: *mut T,
        function: impl Fn(T, T) -> T + Copy,
    ) {
        // Few columns at a time, so that what is read adjoins, if there are many features.
        let most = if self.features * self.columns > TOGETHER {
            COLUMNS_AT_ONCE
        } else {
            self.columns.max(1)
        };
        let mut first = 0;
        loop {
            let part = Reduce {
                // SAFETY: by the caller, the column exists, or there is none.
                from: self.from.wrapping_add(first * self.stride),
                columns: (self.columns - first).min(most),
                into: ReduceInto::Columns(to),
                resume: self.resume || first > 0,
                ..*self
            };
            // SAFETY: by the caller.
            unsafe { part.few_columns_with(simd, to, function) };
            first += most;
            if first >= self.columns {
                break;
            }
        }
    }

    /// As [`columns_with`](Self::columns_with), all columns at once.
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    unsafe fn few_columns_with<S: Simd>(
        &self,
        simd: S,
        to: *mut T,
        function: impl Fn(T, T) -> T + Copy,
    ) {
        let mut at = 0;
        // SAFETY: by the caller; of the last chunk only what exists is touched.
        unsafe {
            while self.features - at >= CHAINS * T::CHUNK {
                let read = |from: *const T| from.cast::<[T::Chunk; CHAINS]>().read_unaligned();
                let mut sums = if self.resume {
                    read(to.add(at))
                } else {
                    [T::filled_chunk(neutral(self.reduction)); CHAINS]
                };
                for column in 0..self.columns {
                    let values = read(self.from.add(column * self.stride + at));
                    for (sum, values) in sums.iter_mut().zip(values) {
                        *sum = zip_lanes(*sum, values, function);
                    }
                }
                to.add(at)
                    .cast::<[T::Chunk; CHAINS]>()
                    .write_unaligned(sums);
                at += CHAINS * T::CHUNK;
            }
            while at < self.features {
                let count = (self.features - at).min(T::CHUNK);
                let mut sums = if self.resume {
                    load_up_to(simd, to.add(at), count)
                } else {
                    T::filled_chunk(neutral(self.reduction))
                };
                for column in 0..self.columns {
                    let values = load_up_to(simd, self.from.add(column * self.stride + at), count);
                    sums = zip_lanes(sums, values, function);
                }
                T::store_partial_chunk(simd, to.add(at), count, sums);
                at += T::CHUNK;
            }
        }
    }
}

/// Chunks of features that are summed side by side: one sum alone waits for each addition.
const CHAINS: usize = 4;
/// Beyond so many elements, about what a first-level cache holds, ...
const TOGETHER: usize = 8 << 10;
/// ... so many columns are taken at a time.
const COLUMNS_AT_ONCE: usize = 16;

/// The first `count` elements of a chunk, at most all.
///
/// # Safety
/// `from` is valid for a read of `count` elements.
#[inline(always)]
unsafe fn load_up_to<S: Simd, T: Element>(simd: S, from: *const T, count: usize) -> T::Chunk {
    // SAFETY: by the caller.
    unsafe {
        if count == T::CHUNK {
            from.cast::<T::Chunk>().read_unaligned()
        } else {
            T::load_partial_chunk(simd, from, count)
        }
    }
}
