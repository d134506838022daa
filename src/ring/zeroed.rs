//! Memory that is zero, straight from the allocator: the system hands its pages out only when they
//! are first used.

use std::alloc::{Layout, alloc_zeroed};
use std::mem::MaybeUninit;

use crate::sync::{AtomicU32, PLAIN_MEMORY, UnsafeCell};

/// Types for which zeroed memory is a valid value: the one that `zeroed` returns.
///
/// # Safety
/// Where `PLAIN_MEMORY`, all zero bytes must be a valid value and equal to `zeroed()`.
pub(crate) unsafe trait Zeroed {
    fn zeroed() -> Self;
}

// SAFETY: where `PLAIN_MEMORY`, an atomic is its integer, and zero is one.
unsafe impl Zeroed for AtomicU32 {
    fn zeroed() -> Self {
        AtomicU32::new(0)
    }
}

// SAFETY: a place without a value may be any bytes at all.
unsafe impl<T> Zeroed for UnsafeCell<MaybeUninit<T>> {
    fn zeroed() -> Self {
        UnsafeCell::new(MaybeUninit::uninit())
    }
}

/// `len` zeroed values, `len` above 0; `None` if no memory of that size can be had.
pub(crate) fn zeroed_slice<Z: Zeroed>(len: usize) -> Option<Box<[Z]>> {
    let layout = Layout::array::<Z>(len).ok()?;
    if !PLAIN_MEMORY {
        return Some((0..len).map(|_| Z::zeroed()).collect());
    }
    let memory = if layout.size() == 0 {
        std::ptr::dangling_mut()
    } else {
        // SAFETY: the layout's size is not zero.
        unsafe { alloc_zeroed(layout) }.cast::<Z>()
    };
    if memory.is_null() {
        return None;
    }
    let slice = std::ptr::slice_from_raw_parts_mut(memory, len);
    // SAFETY: the global allocator gave this memory for exactly the layout that a `Box<[Z]>` of
    // `len` frees (or it has no size and is not freed), it is ours alone, and its zero bytes are
    // valid values (`Zeroed`).
    Some(unsafe { Box::from_raw(slice) })
}
