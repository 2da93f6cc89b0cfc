//! The one allocation in which all of a plan's values live, and the other memory that a run uses.

use std::alloc::{Layout, alloc, dealloc};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use faer::{MatMut, MatRef};

use super::element::Element;
use super::pages::{LEAST_BYTES, PAGE_BYTES, ask_for_large_pages};
use crate::plan::step::{Matrix, Offset};

/// Vectors of every width load from a 64-byte line, and no two workers' scratches share one.
const ALIGNMENT: usize = 64;

/// The memory asked for could not be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfMemory {
    pub elements: usize,
    pub bytes_per_element: usize,
}

/// An owned, zeroed array of elements, 64-byte aligned, or to large pages where there are any.
pub struct Arena<T> {
    start: NonNull<T>,
    elements: usize,
    owned: PhantomData<T>,
}

// SAFETY: an arena owns its elements as a boxed slice does.
unsafe impl<T: Send> Send for Arena<T> {}
// SAFETY: as above; through a shared reference the elements can only be read.
unsafe impl<T: Sync> Sync for Arena<T> {}

fn layout<T>(elements: usize) -> Option<Layout> {
    let layout = Layout::array::<T>(elements).ok()?;
    let alignment = if layout.size() >= LEAST_BYTES {
        PAGE_BYTES
    } else {
        ALIGNMENT
    };
    layout.align_to(alignment).ok()
}

impl<T: Element> Arena<T> {
    /// An arena of zeros.
    pub fn zeroed(elements: usize) -> Result<Self, OutOfMemory> {
        let out_of_memory = OutOfMemory {
            elements,
            bytes_per_element: size_of::<T>(),
        };
        // One element at least, as an allocation of no bytes is undefined.
        let layout = layout::<T>(elements.max(1)).ok_or(out_of_memory)?;
        // SAFETY: the layout has a size.
        let start = NonNull::new(unsafe { alloc(layout) }).ok_or(out_of_memory)?;
        // SAFETY: just allocated with this size, and any byte may be uninitialized; all zero bits are an
        // element's zero.
        unsafe {
            let bytes = start.cast::<MaybeUninit<u8>>().as_ptr();
            ask_for_large_pages(std::slice::from_raw_parts_mut(bytes, layout.size()));
            bytes.write_bytes(0, layout.size());
        }
        Ok(Arena {
            start: start.cast(),
            elements,
            owned: PhantomData,
        })
    }
}

impl<T> Arena<T> {
    pub fn elements(&self) -> usize {
        self.elements
    }

    /// All elements.
    pub fn as_slice(&self) -> &[T] {
        // SAFETY: the arena owns that many initialized elements.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.elements) }
    }

    /// All elements.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as above, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.elements) }
    }

    /// `length` elements from `at` on; the plan's verifier has shown that they exist.
    pub fn slice(&self, at: Offset, length: usize) -> &[T] {
        &self.as_slice()[at.0..][..length]
    }

    /// `length` elements from `at` on; the plan's verifier has shown that they exist.
    pub fn slice_mut(&mut self, at: Offset, length: usize) -> &mut [T] {
        &mut self.as_mut_slice()[at.0..][..length]
    }

    /// The matrix as faer sees it, `[features × columns]`, its columns those of `batch_rows` rows.
    pub fn matrix(&self, matrix: Matrix, batch_rows: usize) -> MatRef<'_, T> {
        let columns = matrix.columns.count(batch_rows);
        let elements = self.slice(matrix.at, matrix.extent(batch_rows));
        // SAFETY: the slice covers every element of every column.
        unsafe {
            MatRef::from_raw_parts(
                elements.as_ptr(),
                matrix.features,
                columns,
                1,
                matrix.stride.cast_signed(),
            )
        }
    }

    /// The matrix as faer sees it, `[features × columns]`, its columns those of `batch_rows` rows.
    pub fn matrix_mut(&mut self, matrix: Matrix, batch_rows: usize) -> MatMut<'_, T> {
        let columns = matrix.columns.count(batch_rows);
        assert!(
            matrix.stride >= matrix.features || columns <= 1,
            "the columns of a matrix to write do not overlap"
        );
        let elements = self.slice_mut(matrix.at, matrix.extent(batch_rows));
        // SAFETY: the slice covers every element of every column, and no two share one.
        unsafe {
            MatMut::from_raw_parts_mut(
                elements.as_mut_ptr(),
                matrix.features,
                columns,
                1,
                matrix.stride.cast_signed(),
            )
        }
    }

    /// The arena for the workers of a run, who keep apart by the plan's verified promise.
    pub(super) fn share(&mut self) -> Memory<T> {
        Memory {
            start: self.start.as_ptr(),
            elements: self.elements,
        }
    }
}

impl<T> Drop for Arena<T> {
    fn drop(&mut self) {
        let layout =
            layout::<T>(self.elements.max(1)).expect("the arena was allocated with this layout");
        // SAFETY: allocated in `zeroed` with the same layout.
        unsafe { dealloc(self.start.as_ptr().cast(), layout) }
    }
}

/// An arena's elements, or rows of a table that are only read, without the proof that nobody else uses
/// them.
pub(super) struct Memory<T> {
    start: *mut T,
    elements: usize,
}

impl<T> Clone for Memory<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Memory<T> {}

// SAFETY: only a pointer; whoever reads or writes through it answers for it.
unsafe impl<T: Send> Send for Memory<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Memory<T> {}

impl<T> Memory<T> {
    /// Elements that are only read.
    pub fn to_read(elements: &[T]) -> Self {
        Memory {
            start: elements.as_ptr().cast_mut(),
            elements: elements.len(),
        }
    }

    /// What begins at an element.
    ///
    /// # Safety
    /// As [`at`](Self::at).
    pub unsafe fn from(self, at: Offset) -> Self {
        Memory {
            // SAFETY: by the caller.
            start: unsafe { self.at(at) },
            elements: self.elements - at.0,
        }
    }

    /// The place of an element.
    ///
    /// # Safety
    /// `at` is at most the number of elements.
    #[inline(always)]
    pub unsafe fn at(self, at: Offset) -> *mut T {
        debug_assert!(at.0 <= self.elements);
        // SAFETY: by the caller, within the allocation or one past its end.
        unsafe { self.start.add(at.0) }
    }
}

/// What is the same for all actions of a run.
#[derive(Clone, Copy)]
pub(super) struct Batch<T> {
    pub memory: Memory<T>,
    pub rows: usize,
    /// The number of the update, which random numbers depend on.
    pub update: u64,
}

/// The memory that a place lies in.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum AddressSpace {
    /// The arena of the plan.
    #[default]
    Arena,
    /// The executable's own: packed operands and the workers' temporaries.
    Work,
    /// Rows of the table that are read where they lie: the inputs, and the targets.
    Inputs,
    Targets,
}

/// Where each space begins.
#[derive(Clone, Copy)]
pub(super) struct AddressSpaces<T>([Memory<T>; 4]);

impl<T> AddressSpaces<T> {
    pub fn new(arena: Memory<T>, work: Memory<T>, [inputs, targets]: [Memory<T>; 2]) -> Self {
        AddressSpaces([arena, work, inputs, targets])
    }

    pub fn set(&mut self, space: AddressSpace, memory: Memory<T>) {
        self.0[space as usize] = memory;
    }

    #[inline(always)]
    pub fn get(&self, space: AddressSpace) -> Memory<T> {
        self.0[space as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::step::Columns;

    #[test]
    fn an_arena_is_zeroed_aligned_and_seen_as_matrices() {
        let mut arena = Arena::<f32>::zeroed(100).unwrap();
        assert_eq!(arena.as_slice().as_ptr() as usize % ALIGNMENT, 0);
        assert!(arena.as_slice().iter().all(|&element| element == 0.0));
        let matrix = Matrix {
            at: Offset(10),
            features: 3,
            columns: Columns::Batch,
            stride: 5,
        };
        arena.matrix_mut(matrix, 4)[(2, 3)] = 7.0;
        assert_eq!(arena.slice(Offset(10 + 3 * 5 + 2), 1), [7.0]);
        assert_eq!(arena.matrix(matrix, 4)[(2, 3)], 7.0);
        assert_eq!(arena.matrix(matrix, 4).shape(), (3, 4));
        assert_eq!(arena.matrix(matrix, 0).shape(), (3, 0));
    }

    #[test]
    fn an_impossible_size_is_an_error() {
        assert!(Arena::<f64>::zeroed(usize::MAX / 4).is_err());
        assert!(Arena::<f64>::zeroed(0).unwrap().as_slice().is_empty());
    }
}
