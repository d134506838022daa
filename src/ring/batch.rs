//! Many values under one claim.
//!
//! A batch claims only what is already free, or already published, so the claim does not wait; and
//! inside it runs no code but ours: values come out of a `Vec` and go into one whose room was made
//! before.

use super::claim::Refusal;
use super::position::{Position, Run};
use super::wait::wait_while_busy;
use super::{RingBuffer, TryPopError};

impl<T> RingBuffer<T> {
    /// Moves as many values as fit from the front of `values` into the ring and returns how many.
    ///
    /// They stay neighbours: no value of another thread comes between them. Fewer than all means
    /// that the slot behind the last one was not free when it was looked at, so call again for the
    /// rest;
    /// 0 means that the ring was full at one moment of the call, or is closed
    /// ([`is_closed`](Self::is_closed)), or that `values` is empty. What was not moved stays in
    /// `values`, in order. Waits as [`push`](Self::push) does, and only for the first slot.
    ///
    /// # Examples
    /// ```
    /// let ring = ringmq::ring::RingBuffer::new(3);
    /// let mut values = vec![1, 2, 3, 4];
    /// assert_eq!(ring.push_batch(&mut values), 3);
    /// assert_eq!(values, [4]);
    /// ```
    pub fn push_batch(&self, values: &mut Vec<T>) -> usize {
        let want = values.len();
        if want == 0 {
            return 0;
        }
        let Some(run) = self.claim_push_run(want) else {
            return self.push_batch_in_parts(values);
        };
        // SAFETY: the run is claimed, and as long as `values`, which belong to the ring from here
        // on and leave the `Vec`, with nothing between that could panic.
        unsafe {
            self.publish_run(&run, values.as_ptr());
            values.set_len(0);
        }
        want
    }

    /// [`push_batch`](Self::push_batch) where not all of it fits in one run.
    #[inline(never)]
    fn push_batch_in_parts(&self, values: &mut Vec<T>) -> usize {
        let want = values.len();
        let claim = || self.claim_push_batch(want);
        let Ok((first, count)) = claim().or_else(|refusal| wait_while_busy(refusal, claim)) else {
            return 0;
        };
        let (run, rest) = self.memory.laps.runs(first, count);
        // SAFETY: the runs are claimed, and together no longer than `values`, whose front they take
        // one after the other; those values belong to the ring from here on, and leave the `Vec`
        // below, with nothing between that could panic.
        unsafe {
            self.publish_run(&run, values.as_ptr());
            if let Some(rest) = rest {
                self.publish_run(&rest, values.as_ptr().add(run.count));
            }
        }
        let left = want - count;
        // SAFETY: the first `count` values have been moved out, so the `left` behind them are what
        // the `Vec` still owns; they move to its front, within its memory.
        unsafe {
            if left > 0 {
                std::hint::cold_path();
                let start = values.as_mut_ptr();
                std::ptr::copy(start.add(count), start, left);
            }
            values.set_len(left);
        }
        count
    }

    /// Moves values into the slots of a run and hands them to the consumers.
    ///
    /// # Safety
    /// The run is claimed from the tail by this thread; `source` is valid for reading as many
    /// values, which are the ring's from then on.
    #[inline(always)]
    unsafe fn publish_run(&self, run: &Run, source: *const T) {
        // SAFETY: what is claimed is within the ring and this thread's alone; the rest is promised
        // by the caller.
        unsafe {
            self.memory.values.write_run(run.first, source, run.count);
            self.memory.published.set_run(run.first, run.count, run.next_lap_stamp);
        }
    }

    /// Moves up to `max` of the oldest values to the end of `out` and returns how many.
    ///
    /// They are neighbours: no other consumer takes a value from between them. Fewer than `max`
    /// means that no more were published in a row when looked at; 0 means that the ring was empty
    /// at one moment of the call, or that `max` is 0. Waits as [`pop`](Self::pop) does, and only
    /// for the first value. Where `out` lacks the capacity for `max` more, it grows by what is in
    /// the ring, before anything is claimed.
    ///
    /// # Examples
    /// ```
    /// let ring = ringmq::ring::RingBuffer::new(3);
    /// ring.push_batch(&mut vec![1, 2, 3]);
    /// let mut out = vec![0];
    /// assert_eq!(ring.pop_batch(&mut out, 2), 2);
    /// assert_eq!(out, [0, 1, 2]);
    /// ```
    pub fn pop_batch(&self, out: &mut Vec<T>, max: usize) -> usize {
        let want = self.make_room(out, max);
        if want == 0 {
            return 0;
        }
        let Some(run) = self.claim_pop_run(want) else {
            return self.pop_batch_in_parts(out, want);
        };
        // SAFETY: the run is claimed, and `out` has room for `want` more, which are all written
        // before they count.
        unsafe {
            self.take_run(&run, out.spare_capacity_mut().as_mut_ptr().cast());
            out.set_len(out.len() + want);
        }
        want
    }

    /// Moves up to `max` of the oldest values to the end of `out` and returns how many, or says at once
    /// why not one. Never waits; otherwise as [`pop_batch`](Self::pop_batch).
    ///
    /// # Errors
    /// As for [`try_pop`](Self::try_pop). None if `max` is 0.
    pub fn try_pop_batch(&self, out: &mut Vec<T>, max: usize) -> Result<usize, TryPopError> {
        if max == 0 {
            return Ok(0);
        }
        // For one also where there was none a moment ago.
        let want = self.make_room(out, max).max(1);
        out.reserve(want);
        match self.claim_pop_batch(want) {
            // SAFETY: they are claimed, no more than `want`, for which `out` has room.
            Ok((first, count)) => Ok(unsafe { self.take_batch(out, first, count) }),
            Err(Refusal::Exhausted) => Err(TryPopError::Empty),
            Err(Refusal::Busy) => Err(TryPopError::Busy),
            Err(Refusal::Closed) => Err(TryPopError::Closed),
        }
    }

    /// Makes room in `out` for as many values as a batch of `max` may take, and says how many.
    #[inline(always)]
    fn make_room(&self, out: &mut Vec<T>, max: usize) -> usize {
        let mut want = max.min(self.capacity());
        if out.capacity() - out.len() < want {
            // Asking for the length touches what producers write, so only where it saves memory.
            want = want.min(self.len());
            out.reserve(want);
        }
        want
    }

    /// [`pop_batch`](Self::pop_batch) where `want` values are not there in one run. `out` has the
    /// capacity for as many more.
    #[inline(never)]
    fn pop_batch_in_parts(&self, out: &mut Vec<T>, want: usize) -> usize {
        let claim = || self.claim_pop_batch(want);
        match claim().or_else(|refusal| wait_while_busy(refusal, claim)) {
            // SAFETY: they are claimed, no more than `want`, for which `out` has room.
            Ok((first, count)) => unsafe { self.take_batch(out, first, count) },
            Err(_) => 0,
        }
    }

    /// Moves the `count` values from position `first` on to the end of `out`, and says how many.
    ///
    /// # Safety
    /// They are claimed from the head by this thread, and `out` has the capacity for as many more.
    #[inline(always)]
    unsafe fn take_batch(&self, out: &mut Vec<T>, first: Position, count: usize) -> usize {
        debug_assert!(out.capacity() - out.len() >= count);
        let (run, rest) = self.memory.laps.runs(first, count);
        // SAFETY: the runs are claimed, and together `count` long, for which `out` has room, which
        // they fill one after the other before it counts.
        unsafe {
            let target = out.spare_capacity_mut().as_mut_ptr().cast::<T>();
            self.take_run(&run, target);
            if let Some(rest) = rest {
                self.take_run(&rest, target.add(run.count));
            }
            out.set_len(out.len() + count);
        }
        count
    }

    /// Moves the values of a run out to `target` and hands the slots to the producers.
    ///
    /// # Safety
    /// The run is claimed from the head by this thread; `target` is valid for writing as many
    /// values.
    #[inline(always)]
    unsafe fn take_run(&self, run: &Run, target: *mut T) {
        // SAFETY: what is claimed is within the ring, published and this thread's alone; the rest
        // is promised by the caller.
        unsafe {
            self.memory.values.read_run(run.first, target, run.count);
            self.memory.released.set_run(run.first, run.count, run.next_lap_stamp);
        }
    }
}
