//! Asking for a cache line before it is written.
//!
//! A producer writes slots that a consumer's core last read. Fetched only at the store, the line
//! arrives behind the store buffer and is paid for by the next locked instruction; asked for some
//! slots ahead, it is there. A hint, never a promise: it may do nothing.

/// Asks for the line at `pointer` to be brought here for writing.
#[inline(always)]
pub(crate) fn for_write<T>(pointer: *const T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch accesses no memory as the program sees it and faults on no address.
    unsafe {
        std::arch::asm!(
            "prefetchw [{0}]",
            in(reg) pointer,
            options(nostack, preserves_flags, readonly)
        );
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    // SAFETY: as above.
    unsafe {
        std::arch::asm!(
            "prfm pstl1keep, [{0}]",
            in(reg) pointer,
            options(nostack, preserves_flags, readonly)
        );
    }
    #[cfg(any(not(any(target_arch = "x86_64", target_arch = "aarch64")), miri))]
    let _ = pointer;
}
