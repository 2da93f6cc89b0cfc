//! Large memory in large pages.
//!
//! A processor keeps the places of few pages at hand, and of large ones each covers 512 times as much:
//! streams through main memory are half again as fast. Linux gives them to who asks, in its usual
//! setting `madvise`; elsewhere nothing changes.

/// Less memory than this is not worth asking for.
pub(super) const LEAST_BYTES: usize = 4 << 20;

/// The size of a large page on x86-64, and on aarch64 with its usual small ones.
pub(super) const PAGE_BYTES: usize = 2 << 20;

/// Asks that memory which nobody has touched yet come in large pages, if it is worth it.
pub fn ask_for_large_pages<T>(memory: &mut [T]) {
    let bytes = size_of_val(memory);
    if bytes >= LEAST_BYTES {
        advise(memory.as_mut_ptr().cast(), bytes);
    }
}

#[cfg(target_os = "linux")]
fn advise(start: *mut u8, bytes: usize) {
    // Whole large pages within the memory.
    let skipped = start.align_offset(PAGE_BYTES);
    let whole = bytes.saturating_sub(skipped) / PAGE_BYTES * PAGE_BYTES;
    if whole == 0 {
        return;
    }
    let start = start.wrapping_add(skipped);
    // SAFETY: the range lies within memory that the caller holds alone. The advice changes no byte of it;
    // a system that does not follow it says so, which is all the same to us.
    unsafe { libc::madvise(start.cast(), whole, libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn advise(_: *mut u8, _: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_any_size_and_place_stays_as_it_is() {
        let mut memory = vec![0_u8; LEAST_BYTES + PAGE_BYTES];
        for first in [0, 1, 4096, PAGE_BYTES] {
            ask_for_large_pages(&mut memory[first..]);
        }
        memory.fill(7);
        ask_for_large_pages(&mut memory);
        assert!(memory.iter().all(|&byte| byte == 7));
        ask_for_large_pages::<u8>(&mut []);
    }
}
