//! Where messages live: numbered slots, each with its [word](super::word).
//!
//! What a slot holds is touched only by the one thread that moved the slot's word to *taken*, which
//! [`Taken`] stands for. All other moves of a message are one compare-and-swap on the word.
//!
//! Slots come in chunks, each as long as all before it together, so that a slot never moves while
//! the slab grows. The memory of a chunk is zeroed and costs pages only where it is used.

use std::mem::MaybeUninit;

use once_cell::race::OnceBox;

use super::deadlines::Deadlines;
use super::line::MAX_SEGMENTS;
use super::time::Millis;
use super::word::{State, Word};
use crate::ring::zeroed::{Zeroed, zeroed_slice};
use crate::ring::{CapacityError, prefetch};
use crate::sync::{AtomicU32, AtomicU64, Ordering, PLAIN_MEMORY, UnsafeCell};

/// Slots for values of `T`.
pub(super) struct Slab<T> {
    chunks: [OnceBox<Chunk<T>>; MAX_SEGMENTS],
    /// Slots of the first chunk, as a power of two; those of the second, and half of each later one.
    first_bits: u32,
}

struct Chunk<T> {
    slots: Box<[Slot<T>]>,
    deadlines: Deadlines,
}

/// On a cache line of its own where the value lets it: a message is one line and what it points to.
#[repr(align(64))]
struct Slot<T> {
    word: AtomicU64,
    /// How many values this slot has held and holds no more.
    generation: AtomicU32,
    /// The value's number, in the order in which values came: for who looks from outside.
    number: AtomicU64,
    value: UnsafeCell<MaybeUninit<T>>,
}

const _: () = assert!(
    !PLAIN_MEMORY || size_of::<Slot<super::message::Stored>>() == 64,
    "a message's slot is one cache line"
);

// SAFETY: where `PLAIN_MEMORY`, atomics are their integers, zero is a free slot's word, and a free
// slot's value may be any bytes at all.
unsafe impl<T> Zeroed for Slot<T> {
    fn zeroed() -> Self {
        Self {
            word: AtomicU64::new(0),
            generation: AtomicU32::new(0),
            number: AtomicU64::new(0),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }
}

// SAFETY: a value is reached only through `Taken`, of which there is one a slot at any time (the
// word is *taken* from its making to its end, and only one compare-and-swap makes it so), so values
// are sent from thread to thread and never shared.
unsafe impl<T: Send> Sync for Slab<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Slab<T> {}

impl<T> Slab<T> {
    /// A slab without slots, whose first chunk will have `first` of them: a power of two.
    pub(super) fn new(first: usize) -> Self {
        debug_assert!(first.is_power_of_two());
        Self {
            chunks: [const { OnceBox::new() }; MAX_SEGMENTS],
            first_bits: first.trailing_zeros(),
        }
    }

    /// How many slots there are with this many chunks.
    pub(super) fn slots_with(&self, chunks: usize) -> usize {
        if chunks == 0 { 0 } else { 1 << (self.first_bits as usize + chunks - 1) }
    }

    /// Makes chunk number `chunk`: 0 at first, then one after the other. Nothing, if it is there.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub(super) fn lengthen(&self, chunk: usize) -> Result<(), CapacityError> {
        if self.chunks[chunk].get().is_some() {
            return Ok(());
        }
        let slots = self.slots_with(chunk + 1) - self.slots_with(chunk);
        let made = Chunk {
            slots: zeroed_slice(slots).ok_or(CapacityError::OutOfMemory)?,
            deadlines: Deadlines::new(slots),
        };
        let _ = self.chunks[chunk].set(Box::new(made));
        Ok(())
    }

    /// The chunk of a slot, and the slot's place in it.
    #[inline]
    fn place(&self, index: u32) -> (&Chunk<T>, usize) {
        let beyond_first = index >> self.first_bits;
        let chunk = (u32::BITS - beyond_first.leading_zeros()) as usize;
        let made = self.chunks[chunk].get().expect("an index is handed out after its slot is made");
        (made, index as usize - self.slots_with(chunk))
    }

    #[inline]
    fn slot(&self, index: u32) -> &Slot<T> {
        let (chunk, place) = self.place(index);
        &chunk.slots[place]
    }

    /// What the slot's word says.
    #[inline]
    pub(super) fn word(&self, index: u32) -> Word {
        // ORDERING: SeqCst, with `Deadlines::note`; also the Acquire that pairs with `Taken::leave`.
        Word(self.slot(index).word.load(Ordering::SeqCst))
    }

    /// Which of its values, counted from 0, the slot holds or will hold next. To be believed if the
    /// word, read before, is still the same afterwards.
    #[inline]
    pub(super) fn generation(&self, index: u32) -> u32 {
        // ORDERING: Acquire, so that the compare-and-swap that comes next is not done before.
        self.slot(index).generation.load(Ordering::Acquire)
    }

    /// The number of the value in the slot, or of its last one.
    pub(super) fn number(&self, index: u32) -> u64 {
        // ORDERING: Relaxed, it passes nothing on.
        self.slot(index).number.load(Ordering::Relaxed)
    }

    /// Asks for the slot, which this thread is about to take.
    #[inline]
    pub(super) fn prefetch(&self, index: u32) {
        prefetch::for_write(self.slot(index));
    }

    /// Takes a free slot, whose index is nobody else's.
    ///
    /// # Panics
    /// If it is somebody else's, too.
    #[inline]
    pub(super) fn take_free(&self, index: u32) -> Taken<'_, T> {
        let seen = self.word(index);
        let slot = if seen.state() == State::Free { self.take(index, seen) } else { None };
        slot.expect("a free slot is its popper's alone")
    }

    /// Takes the slot, if its word is still the one `seen`.
    #[inline]
    pub(super) fn take(&self, index: u32, seen: Word) -> Option<Taken<'_, T>> {
        debug_assert_ne!(seen.state(), State::Taken);
        let slot = self.slot(index);
        let taken = Word::new(State::Taken, seen.deliveries(), Millis(0));
        // ORDERING: Acquire, pairs with the Release of `leave`: what was done to the value is done.
        slot.word
            .compare_exchange(seen.0, taken.0, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
            .then(|| Taken {
                slab: self,
                slot,
                index,
                deliveries: seen.deliveries(),
                holds_value: seen.state().holds_value(),
            })
    }

    /// Gives the slot a new deadline, if its word is still the one `seen`.
    pub(super) fn set_deadline(&self, index: u32, seen: Word, deadline: Millis) -> bool {
        let word = Word::new(seen.state(), seen.deliveries(), deadline);
        // ORDERING: SeqCst, before the note of the deadline; see `Deadlines::note`.
        self.slot(index)
            .word
            .compare_exchange(seen.0, word.0, Ordering::SeqCst, Ordering::Relaxed)
            .is_ok()
    }

    /// Notes when the slot is due, after its word says so. Returns whether that is earlier than all
    /// that were noted in its chunk.
    #[inline]
    pub(super) fn note(&self, index: u32, deadline: Millis) -> bool {
        if deadline == Millis::NEVER {
            return false;
        }
        let (chunk, place) = self.place(index);
        chunk.deadlines.note(place, deadline)
    }

    /// The earliest deadline that was noted, or one before it.
    pub(super) fn earliest(&self) -> Millis {
        let made = self.chunks.iter().map_while(OnceBox::get);
        made.map(|chunk| chunk.deadlines.earliest()).min().unwrap_or(Millis::NEVER)
    }

    /// Visits every slot that may be due; see [`Deadlines::sweep`].
    pub(super) fn sweep(&self, now: Millis, mut visit: impl FnMut(u32) -> Millis) {
        for (number, chunk) in self.chunks.iter().map_while(OnceBox::get).enumerate() {
            let first = self.slots_with(number);
            chunk.deadlines.sweep(now, |place| visit((first + place) as u32));
        }
    }
}

impl<T> Drop for Slab<T> {
    fn drop(&mut self) {
        if !std::mem::needs_drop::<T>() {
            return;
        }
        for chunk in self.chunks.iter().map_while(OnceBox::get) {
            for slot in &chunk.slots {
                // ORDERING: Relaxed, nobody else has the slab any more.
                let word = Word(slot.word.load(Ordering::Relaxed));
                if word.state().holds_value() {
                    // SAFETY: the slot holds a value, and it is ours alone.
                    slot.value.with_mut(|value| unsafe { (*value).assume_init_drop() });
                }
            }
        }
    }
}

/// A slot that is this thread's alone until it is left.
#[must_use = "a slot that is taken and not left is lost"]
pub(super) struct Taken<'slab, T> {
    slab: &'slab Slab<T>,
    slot: &'slab Slot<T>,
    index: u32,
    deliveries: u16,
    holds_value: bool,
}

impl<T> Taken<'_, T> {
    pub(super) fn index(&self) -> u32 {
        self.index
    }

    /// Which of the slot's values it holds, or will.
    pub(super) fn generation(&self) -> u32 {
        // ORDERING: Relaxed, only who has taken the slot writes it.
        self.slot.generation.load(Ordering::Relaxed)
    }

    /// The number that was set last.
    pub(super) fn number(&self) -> u64 {
        // ORDERING: Relaxed, here and below: only who has taken the slot writes it.
        self.slot.number.load(Ordering::Relaxed)
    }

    /// Gives the slot's value a number.
    pub(super) fn set_number(&mut self, number: u64) {
        self.slot.number.store(number, Ordering::Relaxed);
    }

    /// Deliveries from this slot, as its word counted them.
    pub(super) fn deliveries(&self) -> u16 {
        self.deliveries
    }

    /// Puts a value into the slot.
    ///
    /// # Panics
    /// If it holds one.
    #[inline]
    pub(super) fn put(&mut self, value: T) {
        assert!(!self.holds_value, "a slot holds one value");
        // SAFETY: the slot is ours alone, by the word.
        self.slot.value.with_mut(|place| unsafe {
            (*place).write(value);
        });
        self.holds_value = true;
    }

    /// Does something with the slot's value.
    ///
    /// # Panics
    /// If it holds none.
    #[inline]
    pub(super) fn with<R>(&mut self, act: impl FnOnce(&mut T) -> R) -> R {
        assert!(self.holds_value, "the slot holds a value");
        // SAFETY: the slot is ours alone, by the word, and holds a value.
        self.slot.value.with_mut(|place| act(unsafe { (*place).assume_init_mut() }))
    }

    /// Moves the slot's value out, which ends its generation.
    ///
    /// # Panics
    /// If it holds none.
    #[inline]
    pub(super) fn remove(&mut self) -> T {
        assert!(self.holds_value, "the slot holds a value");
        self.holds_value = false;
        // ORDERING: Release, with the Acquire in `Slab::generation`; it is shown by `leave`.
        self.slot.generation.store(self.generation().wrapping_add(1), Ordering::Release);
        // SAFETY: as in `with`; it is not read again.
        self.slot.value.with(|place| unsafe { (*place).assume_init_read() })
    }

    /// Leaves the slot in a state that ends by itself at `deadline`. Returns whether that is earlier
    /// than all that were noted, so that somebody has to be told.
    ///
    /// # Panics
    /// If the state is not one of a slot that holds what this one holds.
    #[inline]
    pub(super) fn leave(self, state: State, deliveries: u16, deadline: Millis) -> bool {
        assert_eq!(self.holds_value, state.holds_value(), "the state says what the slot holds");
        let word = Word::new(state, deliveries, deadline);
        if deadline == Millis::NEVER {
            // ORDERING: Release, pairs with the Acquire of the next `take`.
            self.slot.word.store(word.0, Ordering::Release);
            return false;
        }
        // ORDERING: SeqCst, before the note of the deadline, see `Deadlines::note`; with the Release
        // that pairs with the Acquire of the next `take`.
        self.slot.word.swap(word.0, Ordering::SeqCst);
        self.slab.note(self.index, deadline)
    }
}
