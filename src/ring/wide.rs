//! Runs of stamps, four to an instruction.
//!
//! A compiler neither joins atomic accesses nor vectorises them, so a batch of 64 values would store
//! 64 stamps one by one, which takes longer than moving the values. The processor can do better: on
//! x86-64 every load acquires and every store releases, and an aligned access of 16 bytes reads or
//! writes each of its four stamps as a whole (AMD64 APM volume 2, "Access Atomicity"; Intel SDM
//! volume 3, "Guaranteed Atomic Operations": 16 bytes at once with AVX, twice 8 without). Rust has
//! no other name for such an access than assembly; a block of it does what four atomic accesses in
//! some order would do.
//!
//! Elsewhere, in models, under miri and under ThreadSanitizer, those four accesses stand there.
//! The sanitizer does not see assembly, hence `cfg(ringmq_tsan)`, which `loom-tests/tsan` sets.

use crate::sync::{AtomicU32, Ordering, PLAIN_MEMORY};

/// Stores `stamp` in all `stamps`, in some order.
#[inline(always)]
pub(super) fn store_all(stamps: &[AtomicU32], stamp: u32) {
    let (before, blocks, after) = split(stamps);
    store_each(before, stamp);
    let (lines, blocks) = blocks.as_chunks();
    for [a, b, c, d] in lines {
        // SAFETY: blocks of `split`.
        unsafe {
            store_block(a, stamp);
            store_block(b, stamp);
            store_block(c, stamp);
            store_block(d, stamp);
        }
    }
    for block in blocks {
        // SAFETY: a block of `split`.
        unsafe { store_block(block, stamp) };
    }
    store_each(after, stamp);
}

/// How many `stamps`, up to the first that does not, hold `stamp`.
#[inline(always)]
pub(super) fn count_held(stamps: &[AtomicU32], stamp: u32) -> usize {
    let (before, blocks, _) = split(stamps);
    let mut held = count_each(before, stamp);
    if held < before.len() {
        return held;
    }
    let (lines, blocks) = blocks.as_chunks();
    for [a, b, c, d] in lines {
        // All four before the branch: no load waits for another.
        // SAFETY: blocks of `split`.
        let all = unsafe { holds(a, stamp) & holds(b, stamp) & holds(c, stamp) & holds(d, stamp) };
        if !all {
            return held + count_each(&stamps[held..], stamp);
        }
        held += 4 * BLOCK;
    }
    for block in blocks {
        // SAFETY: a block of `split`.
        if !unsafe { holds(block, stamp) } {
            break;
        }
        held += BLOCK;
    }
    held + count_each(&stamps[held..], stamp)
}

/// How many stamps one access reads or writes.
const BLOCK: usize = 4;

/// That many. `split` gives blocks that are aligned to their size, which the type does not show: an
/// empty slice of a type that is aligned must be aligned itself.
type Block = [AtomicU32; BLOCK];

/// The aligned blocks among `stamps`, and what lies before and behind them.
#[inline(always)]
fn split(stamps: &[AtomicU32]) -> (&[AtomicU32], &[Block], &[AtomicU32]) {
    let before = if PLAIN_MEMORY {
        let past_block = stamps.as_ptr().addr() / size_of::<AtomicU32>() % BLOCK;
        ((BLOCK - past_block) % BLOCK).min(stamps.len())
    } else {
        stamps.len()
    };
    let (before, aligned) = stamps.split_at(before);
    let (blocks, after) = aligned.as_chunks();
    (before, blocks, after)
}

#[inline(always)]
fn store_each(stamps: &[AtomicU32], stamp: u32) {
    for at in stamps {
        // ORDERING: Release, pairs with the Acquire loads of the other side: what was done to the
        // value happened before what they do to it.
        at.store(stamp, Ordering::Release);
    }
}

#[inline(always)]
fn count_each(stamps: &[AtomicU32], stamp: u32) -> usize {
    // ORDERING: Acquire, pairs with the other side's Release store of the stamp: what it did to the
    // value happened before what we shall do to it.
    stamps.iter().take_while(|at| at.load(Ordering::Acquire) == stamp).count()
}

/// # Safety
/// `block` is aligned to its size.
#[cfg(not(all(target_arch = "x86_64", not(any(miri, ringmq_tsan)))))]
unsafe fn store_block(block: &Block, stamp: u32) {
    store_each(block, stamp);
}

/// # Safety
/// `block` is aligned to its size.
#[cfg(not(all(target_arch = "x86_64", not(any(miri, ringmq_tsan)))))]
unsafe fn holds(block: &Block, stamp: u32) -> bool {
    count_each(block, stamp) == BLOCK
}

/// # Safety
/// `block` is aligned to its size.
#[cfg(all(target_arch = "x86_64", not(any(miri, ringmq_tsan))))]
#[inline(always)]
unsafe fn store_block(block: &Block, stamp: u32) {
    use std::arch::x86_64::_mm_set1_epi32;
    // SAFETY: writes the 16 bytes of the block, aligned as the caller says, and of atomics, so
    // writable through a shared reference. The compiler moves no memory access across the assembly,
    // nor the processor an earlier one behind it: a Release.
    unsafe {
        std::arch::asm!(
            "movaps [{block}], {stamps}",
            block = in(reg) block,
            stamps = in(xmm_reg) _mm_set1_epi32(stamp as i32),
            options(nostack, preserves_flags),
        );
    }
}

/// # Safety
/// `block` is aligned to its size.
#[cfg(all(target_arch = "x86_64", not(any(miri, ringmq_tsan))))]
#[inline(always)]
unsafe fn holds(block: &Block, stamp: u32) -> bool {
    use std::arch::x86_64::{__m128i, _mm_cmpeq_epi32, _mm_movemask_epi8, _mm_set1_epi32};
    let stamps: __m128i;
    // SAFETY: reads the 16 bytes of the block, aligned as the caller says. Nothing moves across, as
    // above, and no later access before it: an Acquire.
    unsafe {
        std::arch::asm!(
            "movdqa {stamps}, [{block}]",
            block = in(reg) block,
            stamps = lateout(xmm_reg) stamps,
            options(nostack, preserves_flags),
        );
        _mm_movemask_epi8(_mm_cmpeq_epi32(stamps, _mm_set1_epi32(stamp as i32))) == 0xffff
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use crate::sync::in_model;

    /// Runs that begin at every place of a block, and end at every place of blocks and lines.
    fn runs() -> impl Iterator<Item = Range<usize>> {
        let counts = [0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 18, 19, 20, 21, 34, 39];
        (0..5).flat_map(move |first| counts.map(|count| first..first + count))
    }

    #[test]
    fn stores_the_run_and_nothing_beside_it() {
        in_model(|| {
            let stamps: Vec<_> = (0..48).map(|_| AtomicU32::new(0)).collect();
            for (stamp, run) in (1..).zip(runs()) {
                let before: Vec<_> = stamps.iter().map(|at| at.load(Ordering::Relaxed)).collect();
                store_all(&stamps[run.clone()], stamp);
                for (at, holds) in stamps.iter().enumerate() {
                    let expected = if run.contains(&at) { stamp } else { before[at] };
                    assert_eq!(holds.load(Ordering::Relaxed), expected);
                }
            }
        });
    }

    #[test]
    fn counts_up_to_the_first_other_stamp() {
        in_model(|| {
            let stamps: Vec<_> = (0..48).map(|_| AtomicU32::new(7)).collect();
            for run in runs() {
                for other in run.start..=run.end {
                    // One bit of difference.
                    stamps[other].store(7 ^ 1 << (other % 32), Ordering::Relaxed);
                    assert_eq!(count_held(&stamps[run.clone()], 7), other - run.start);
                    stamps[other].store(7, Ordering::Relaxed);
                }
            }
        });
    }
}
