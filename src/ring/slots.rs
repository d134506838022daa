//! The memory of the ring: values, and per value the stamp of each side.
//!
//! ```text
//! values     [T; capacity]    written by producers, moved out by consumers
//! published  [u32; capacity]  written by producers: laps for which the value has been put in
//! released   [u32; capacity]  written by consumers: laps for which the value has been taken out
//! ```
//!
//! Each array has one side that writes it, so its cache lines flow one way. All start as zeroed or
//! untouched pages straight from the allocator, which the system hands out only when they are
//! written: a ring of a hundred million slots exists at once and costs what it has held.

use std::mem::MaybeUninit;

use super::zeroed::zeroed_slice;
use super::{prefetch, wide};
use crate::sync::{AtomicU32, PLAIN_MEMORY, UnsafeCell};

/// The places of the values; which of them are initialised, the stamps say.
pub(super) struct Values<T>(Box<[UnsafeCell<MaybeUninit<T>>]>);

impl<T> Values<T> {
    /// `capacity` is above 0. `None` if no memory of that size can be had.
    pub(super) fn new(capacity: usize) -> Option<Self> {
        zeroed_slice(capacity).map(Self)
    }

    /// The place at `index`.
    ///
    /// # Safety
    /// `index` is below the capacity.
    #[inline(always)]
    pub(super) unsafe fn at(&self, index: usize) -> &UnsafeCell<MaybeUninit<T>> {
        debug_assert!(index < self.0.len());
        // SAFETY: promised by the caller.
        unsafe { self.0.get_unchecked(index) }
    }

    /// Moves `count` values from `source` into the places from `first` on.
    ///
    /// # Safety
    /// The places are within the capacity, hold no value and are this thread's alone; `source` is
    /// valid for reading `count` values, which are the ring's from then on.
    #[inline(always)]
    pub(super) unsafe fn write_run(&self, first: usize, source: *const T, count: usize) {
        debug_assert!(first + count <= self.0.len());
        // SAFETY: promised by the caller.
        unsafe {
            let places = self.0.get_unchecked(first..first + count);
            if PLAIN_MEMORY {
                let target = places.as_ptr().cast::<T>().cast_mut();
                copy(source, target, count);
                return;
            }
            for (i, place) in places.iter().enumerate() {
                place.with_mut(|place| {
                    (*place).write(source.add(i).read());
                });
            }
        }
    }

    /// Moves the values of `count` places from `first` on out to `target`.
    ///
    /// # Safety
    /// The places are within the capacity, hold values and are this thread's alone; `target` is
    /// valid for writing `count` values.
    #[inline(always)]
    pub(super) unsafe fn read_run(&self, first: usize, target: *mut T, count: usize) {
        debug_assert!(first + count <= self.0.len());
        // SAFETY: promised by the caller.
        unsafe {
            let places = self.0.get_unchecked(first..first + count);
            if PLAIN_MEMORY {
                copy(places.as_ptr().cast::<T>(), target, count);
                return;
            }
            for (i, place) in places.iter().enumerate() {
                place.with(|place| target.add(i).write((*place).assume_init_read()));
            }
        }
    }

    /// Asks for the lines of `count` places from `first` on to be brought here for writing.
    pub(super) fn prefetch(&self, first: usize, count: usize) {
        const LINE: usize = 64;
        const MOST: usize = 16;
        let start = self.0.as_ptr().wrapping_add(first).cast::<u8>();
        let lines = (count * size_of::<T>()).div_ceil(LINE).min(MOST);
        for line in 0..lines {
            prefetch::for_write(start.wrapping_add(line * LINE));
        }
    }
}

/// One side's stamps.
pub(super) struct Stamps(Box<[AtomicU32]>);

impl Stamps {
    /// `capacity` is above 0. `None` if no memory of that size can be had.
    pub(super) fn new(capacity: usize) -> Option<Self> {
        zeroed_slice(capacity).map(Self)
    }

    /// The stamp at `index`.
    ///
    /// # Safety
    /// `index` is below the capacity.
    #[inline(always)]
    pub(super) unsafe fn at(&self, index: usize) -> &AtomicU32 {
        debug_assert!(index < self.0.len());
        // SAFETY: promised by the caller.
        unsafe { self.0.get_unchecked(index) }
    }

    /// Sets `count` stamps from `first` on, in some order.
    ///
    /// # Safety
    /// `first + count` is at most the capacity.
    #[inline(always)]
    pub(super) unsafe fn set_run(&self, first: usize, count: usize, stamp: u32) {
        debug_assert!(first + count <= self.0.len());
        // SAFETY: promised by the caller.
        wide::store_all(unsafe { self.0.get_unchecked(first..first + count) }, stamp);
    }

    /// How many of the `count` stamps from `first` on, up to the first that does not, hold `stamp`.
    ///
    /// # Safety
    /// `first + count` is at most the capacity.
    #[inline(always)]
    pub(super) unsafe fn run(&self, first: usize, count: usize, stamp: u32) -> usize {
        debug_assert!(first + count <= self.0.len());
        // SAFETY: promised by the caller.
        wide::count_held(unsafe { self.0.get_unchecked(first..first + count) }, stamp)
    }
}

/// `copy_nonoverlapping`, but for few small values without a call: a batch of them takes about as
/// long as the call.
///
/// # Safety
/// As for [`std::ptr::copy_nonoverlapping`].
#[inline(always)]
unsafe fn copy<T>(source: *const T, target: *mut T, count: usize) {
    const CHUNK: usize = 8;
    const FEW_BYTES: usize = 256;
    let small = size_of::<T>() <= 16;
    if !small || count < CHUNK || count * size_of::<T>() > FEW_BYTES {
        // SAFETY: promised by the caller.
        unsafe { std::ptr::copy_nonoverlapping(source, target, count) };
        return;
    }
    let copy_chunk = |first: usize| {
        // SAFETY: promised by the caller; `first + CHUNK` is at most `count`.
        unsafe {
            let source = source.add(first).cast::<MaybeUninit<[T; CHUNK]>>();
            target.add(first).cast::<MaybeUninit<[T; CHUNK]>>().write(source.read());
        }
    };
    let mut first = 0;
    while first + CHUNK < count {
        copy_chunk(first);
        first += CHUNK;
    }
    // The last chunk ends where the values do, and may begin inside the one before.
    copy_chunk(count - CHUNK);
}
