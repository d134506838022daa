//! Many values under one claim.
//!
//! A batch claims only what is already free, or already published, so the claim does not wait; and
//! inside it runs no code but ours: values come out of a `Vec` and go into one whose room was made
//! before.

use super::RingBuffer;
use super::position::Run;
use super::wait::wait_while_busy;

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
        if values.is_empty() {
            return 0;
        }
        let want = values.len();
        let claim = || self.claim_push_batch(want);
        let Ok((first, count)) = claim().or_else(|refusal| wait_while_busy(refusal, claim)) else {
            return 0;
        };
        let memory = &*self.memory;
        let (run, rest) = memory.laps.runs(first, count);
        let mut source = values.as_ptr();
        let mut publish = |run: Run| {
            // SAFETY: the run is part of the claim, so within the ring and ours alone. The claim is
            // no longer than `values`, whose front the runs take one after the other; those values
            // belong to the ring from here on, and leave the `Vec` below, with nothing between that
            // could panic.
            unsafe {
                memory.values.write_run(run.first, source, run.count);
                memory.published.set_run(run.first, run.count, run.next_lap_stamp);
                source = source.add(run.count);
            }
        };
        publish(run);
        if let Some(rest) = rest {
            publish(rest);
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
        let mut want = max.min(self.capacity());
        if out.capacity() - out.len() < want {
            // Asking for the length touches what producers write, so only where it saves memory.
            want = want.min(self.len());
            out.reserve(want);
        }
        if want == 0 {
            return 0;
        }
        let claim = || self.claim_pop_batch(want);
        let Ok((first, count)) = claim().or_else(|refusal| wait_while_busy(refusal, claim)) else {
            return 0;
        };
        let memory = &*self.memory;
        let (run, rest) = memory.laps.runs(first, count);
        let mut target = out.spare_capacity_mut().as_mut_ptr().cast::<T>();
        let mut take = |run: Run| {
            // SAFETY: the run is part of the claim, so within the ring, published and ours alone.
            // The claim is no longer than the room that `out` has for it, which the runs fill one
            // after the other.
            unsafe {
                memory.values.read_run(run.first, target, run.count);
                memory.released.set_run(run.first, run.count, run.next_lap_stamp);
                target = target.add(run.count);
            }
        };
        take(run);
        if let Some(rest) = rest {
            take(rest);
        }
        // SAFETY: that many values have just been written behind the old end.
        unsafe { out.set_len(out.len() + count) };
        count
    }
}
