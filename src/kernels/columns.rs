//! Kernels that go column by column: tables, softmax, concatenation.

use pulp::{Simd, WithSimd};

use super::arena::Batch;
use super::element::Element;
use super::elementwise::{Binary, Fill, LoopOperand, map, map_lanes, zip_lanes};
use super::reductions::reduce_run;
use super::transpose::transpose;
use crate::graph::ops::{BinaryOperator, Reduction};
use crate::plan::step::{Matrix, Tile};

/// The place of a matrix' column.
///
/// # Safety
/// The plan is verified; the column exists.
#[inline(always)]
unsafe fn column<T: Element>(batch: Batch<T>, matrix: Matrix, column: usize) -> *mut T {
    // SAFETY: by the caller.
    unsafe { batch.memory.at(matrix.at).add(column * matrix.stride) }
}

/// The table's columns that the index names; one that names none becomes NaN.
///
/// # Safety
/// The plan is verified, and `result` holds the tile.
pub(super) unsafe fn gather<S: Simd, T: Element>(
    simd: S,
    batch: Batch<T>,
    table: Matrix,
    index: Matrix,
    tile: Tile,
    result: *mut T,
) {
    let width = table.features;
    let entries = table.columns.count(batch.rows);
    // SAFETY: by the caller; the index has been compared with the entries.
    unsafe {
        for offset in 0..tile.columns {
            let to = result.add(offset * width);
            let number = *column(batch, index, tile.first + offset);
            match index_of(number, entries) {
                Some(entry) => {
                    copy_columns(width, 1, column(batch, table, entry), width, to, width);
                }
                None => simd.vectorize(Fill {
                    length: width,
                    to,
                    value: T::NAN,
                }),
            }
        }
    }
}

/// The sums of the gradient's columns by the entry that their index names, in the order of the rows.
///
/// # Safety
/// The plan is verified, and `result` holds the tile.
pub(super) unsafe fn scatter_add<S: Simd, T: Element>(
    simd: S,
    batch: Batch<T>,
    gradient: Matrix,
    index: Matrix,
    tile: Tile,
    result: *mut T,
) {
    let width = gradient.features;
    let rows = gradient.columns.count(batch.rows);
    // SAFETY: by the caller; only entries of the tile are written.
    unsafe {
        let length = width * tile.columns;
        simd.vectorize(Fill {
            length,
            to: result,
            value: T::ZERO,
        });
        for row in 0..rows {
            let number = *column(batch, index, row);
            let Some(entry) = index_of(number, tile.first + tile.columns) else {
                continue;
            };
            let Some(offset) = entry.checked_sub(tile.first) else {
                continue;
            };
            let to = result.add(offset * width);
            simd.vectorize(Binary {
                length: width,
                left: LoopOperand::Run(to),
                right: LoopOperand::Run(column(batch, gradient, row)),
                to,
                operator: BinaryOperator::Add,
            });
        }
    }
}

/// Softmax with cross-entropy for the columns of a tile, as [`Kernel::CrossEntropy`] says. A class
/// out of range makes the column NaN.
///
/// [`Kernel::CrossEntropy`]: crate::plan::step::Kernel::CrossEntropy
pub(super) struct CrossEntropyTile<T> {
    pub batch: Batch<T>,
    pub logits: Matrix,
    pub index: Matrix,
    pub on: f64,
    pub off: f64,
    pub tile: Tile,
    /// One number a column of the tile.
    pub loss: Option<*mut T>,
    /// The gradient's columns, adjoining.
    pub gradient: Option<*mut T>,
    /// Without a gradient, space for one.
    pub scratch: *mut T,
}

impl<T: Element> WithSimd for CrossEntropyTile<T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let classes = self.logits.features;
        if classes <= FEW_CLASSES {
            // SAFETY: by the contract of the fields.
            return unsafe { self.few_classes(simd) };
        }
        let (on, off) = (T::constant(self.on), T::constant(self.off));
        let work = self.gradient.unwrap_or(self.scratch);
        // SAFETY: by the contract of the fields, every column of the tile exists in all of them.
        unsafe {
            for offset in 0..self.tile.columns {
                let logits = column(self.batch, self.logits, self.tile.first + offset);
                let work = work.add(offset * classes);
                let largest = reduce_run(simd, classes, logits, Reduction::Maximum);
                map(
                    simd,
                    classes,
                    logits,
                    work,
                    #[inline(always)]
                    |x| x.sub(largest),
                );
                if let Some(loss) = self.loss {
                    // Until the sum is known: what the logits themselves contribute.
                    let of_class = match self.class(offset) {
                        Some(class) => on.mul(*work.add(class)),
                        None => T::NAN,
                    };
                    *loss.add(offset) = if self.off == 0.0 {
                        of_class
                    } else {
                        of_class.add(off.mul(reduce_run(simd, classes, work, Reduction::Sum)))
                    };
                }
            }
            // All columns at once, as a column of few classes fills no vector.
            map(simd, classes * self.tile.columns, work, work, T::exp);
            for offset in 0..self.tile.columns {
                let work = work.add(offset * classes);
                let sum = reduce_run(simd, classes, work, Reduction::Sum);
                let class = self.class(offset);
                let total = match class {
                    Some(_) => T::constant(self.on + self.off * classes as f64),
                    None => T::NAN,
                };
                if let Some(loss) = self.loss {
                    *loss.add(offset) = total.mul(sum.ln()).sub(*loss.add(offset));
                }
                if self.gradient.is_some() {
                    let factor = total.div(sum);
                    map(
                        simd,
                        classes,
                        work,
                        work,
                        #[inline(always)]
                        |x| x.mul(factor).sub(off),
                    );
                    if let Some(class) = class {
                        *work.add(class) = (*work.add(class)).sub(on);
                    }
                }
            }
        }
    }
}

/// Columns of no more classes are taken several at a time, each a lane: they fill no vectors of their
/// own.
const FEW_CLASSES: usize = 32;

impl<T: Element> CrossEntropyTile<T> {
    /// All columns, as many at a time as a chunk has lanes.
    ///
    /// # Safety
    /// The contract of the fields; there are at most [`FEW_CLASSES`].
    #[inline(always)]
    unsafe fn few_classes<S: Simd>(&self, simd: S) {
        let classes = self.logits.features;
        let (on, off) = (T::constant(self.on), T::constant(self.off));
        let whole_total = T::constant(self.on + self.off * classes as f64);
        let mut rows = [T::filled_chunk(T::ZERO); FEW_CLASSES];
        for first in (0..self.tile.columns).step_by(T::CHUNK) {
            let count = (self.tile.columns - first).min(T::CHUNK);
            let lanes = rows.as_mut_ptr().cast::<T>();
            // SAFETY: by the caller, the columns exist; the lanes are those of the rows.
            unsafe {
                let logits = column(self.batch, self.logits, self.tile.first + first);
                let from = (logits.cast_const(), self.logits.stride);
                transpose(simd, (count, classes), from, (lanes, T::CHUNK));
            }
            let rows = &mut rows[..classes];
            let mut largest = rows[0];
            for row in &rows[1..] {
                largest = zip_lanes(largest, *row, T::max);
            }
            // What the logits themselves contribute to the losses, and the sum of the targets.
            let mut of_logits = T::filled_chunk(T::ZERO);
            let mut total = T::filled_chunk(whole_total);
            for lane in 0..count {
                // SAFETY: the column exists.
                match unsafe { self.class(first + lane) } {
                    Some(class) => {
                        let logit = rows[class].as_ref()[lane].sub(largest.as_ref()[lane]);
                        of_logits.as_mut()[lane] = on.mul(logit);
                    }
                    None => total.as_mut()[lane] = T::NAN,
                }
            }
            let mut sum = T::filled_chunk(T::ZERO);
            let mut sum_of_logits = T::filled_chunk(T::ZERO);
            for row in rows.iter_mut() {
                let logits = zip_lanes(*row, largest, T::sub);
                sum_of_logits = zip_lanes(sum_of_logits, logits, T::add);
                *row = map_lanes(logits, T::exp);
                sum = zip_lanes(sum, *row, T::add);
            }
            if let Some(loss) = self.loss {
                if self.off != 0.0 {
                    let others = map_lanes(
                        sum_of_logits,
                        #[inline(always)]
                        |sum: T| off.mul(sum),
                    );
                    of_logits = zip_lanes(of_logits, others, T::add);
                }
                let losses = zip_lanes(total, map_lanes(sum, T::ln), T::mul);
                let losses = zip_lanes(losses, of_logits, T::sub);
                // SAFETY: by the caller, there is one number a column.
                unsafe { T::store_partial_chunk(simd, loss.add(first), count, losses) };
            }
            if let Some(gradient) = self.gradient {
                let factor = zip_lanes(total, sum, T::div);
                for row in rows.iter_mut() {
                    *row = map_lanes(
                        zip_lanes(*row, factor, T::mul),
                        #[inline(always)]
                        |share: T| share.sub(off),
                    );
                }
                // SAFETY: by the caller, the gradient has these columns.
                unsafe {
                    let gradient = gradient.add(first * classes);
                    let from = (lanes.cast_const(), T::CHUNK);
                    transpose(simd, (classes, count), from, (gradient, classes));
                    for lane in 0..count {
                        if let Some(class) = self.class(first + lane) {
                            let place = gradient.add(lane * classes + class);
                            *place = (*place).sub(on);
                        }
                    }
                }
            }
        }
    }

    /// The class of a column of the tile, if it is one.
    ///
    /// # Safety
    /// The column exists.
    #[inline(always)]
    unsafe fn class(&self, offset: usize) -> Option<usize> {
        // SAFETY: by the caller.
        let number = unsafe { *column(self.batch, self.index, self.tile.first + offset) };
        index_of(number, self.logits.features)
    }
}

/// `log softmax` of the columns of a tile; the scratch is as large as the result.
pub(super) struct LogSoftmaxTile<T> {
    pub batch: Batch<T>,
    pub input: Matrix,
    pub tile: Tile,
    pub result: *mut T,
    pub scratch: *mut T,
}

impl<T: Element> WithSimd for LogSoftmaxTile<T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let features = self.input.features;
        // SAFETY: by the contract of the fields, every column of the tile exists in all of them.
        unsafe {
            for offset in 0..self.tile.columns {
                let input = column(self.batch, self.input, self.tile.first + offset);
                let result = self.result.add(offset * features);
                let largest = reduce_run(simd, features, input, Reduction::Maximum);
                map(
                    simd,
                    features,
                    input,
                    result,
                    #[inline(always)]
                    |x| x.sub(largest),
                );
            }
            // All columns at once, as a column of few features fills no vector.
            map(
                simd,
                features * self.tile.columns,
                self.result,
                self.scratch,
                T::exp,
            );
            for offset in 0..self.tile.columns {
                let result = self.result.add(offset * features);
                let exponentials = self.scratch.add(offset * features);
                let log_sum = reduce_run(simd, features, exponentials, Reduction::Sum).ln();
                map(
                    simd,
                    features,
                    result,
                    result,
                    #[inline(always)]
                    |x| x.sub(log_sum),
                );
            }
        }
    }
}

/// Copies the parts' columns of a tile side by side along the features.
///
/// # Safety
/// The plan is verified.
pub(super) unsafe fn concatenate<T: Element>(
    batch: Batch<T>,
    parts: &[Matrix],
    to: Matrix,
    tile: Tile,
) {
    let mut feature = 0;
    for part in parts {
        // SAFETY: by the caller; the features of the parts add up to those of `to`.
        unsafe {
            copy_columns(
                part.features,
                tile.columns,
                column(batch, *part, tile.first),
                part.stride,
                column(batch, to, tile.first).add(feature),
                to.stride,
            );
        }
        feature += part.features;
    }
}

/// The index that a number of the table stands for, if it is one of `count`.
#[inline(always)]
pub(super) fn index_of<T: Element>(number: T, count: usize) -> Option<usize> {
    let number = number.to_f64();
    // False for a NaN, too.
    if number >= 0.0 && number < count as f64 {
        Some(number as usize)
    } else {
        None
    }
}

/// Copies columns, those of each side `stride` apart.
///
/// # Safety
/// Both sides are valid and do not overlap, or are the same.
pub(super) unsafe fn copy_columns<T: Element>(
    features: usize,
    columns: usize,
    from: *const T,
    from_stride: usize,
    to: *mut T,
    to_stride: usize,
) {
    // SAFETY: by the caller.
    unsafe {
        if from_stride == features && to_stride == features {
            return std::ptr::copy(from, to, features * columns);
        }
        for column in 0..columns {
            let (from, to) = (from.add(column * from_stride), to.add(column * to_stride));
            match features {
                1 => *to = *from,
                _ => std::ptr::copy(from, to, features),
            }
        }
    }
}
