//! Does an operation on the ring: included by every test crate that has a `ring` at its root, so
//! that each drives its own build of it (under loom's, shuttle's or std's atomics).

use loom_tests::spec::{Op, Outcome, Tag};

use crate::ring::{PopError, PushError, RingBuffer, TryPopError, TryPushError};

/// A value that knows which one it is.
pub trait Tagged {
    fn new(tag: Tag) -> Self;
    fn tag(&self) -> Tag;
}

/// Calls the method that `op` names. Refused values must come back, batches keep what they did not
/// move; what comes out is dropped here.
pub fn perform<T: Tagged>(ring: &RingBuffer<T>, op: &Op) -> Outcome {
    match op {
        Op::Push(tag) => match ring.push(T::new(*tag)) {
            Ok(()) => Outcome::Pushed,
            Err(error) => refused(*tag, error),
        },
        Op::TryPush(tag) => match ring.try_push(T::new(*tag)) {
            Ok(()) => Outcome::Pushed,
            Err(error) => {
                let outcome = match error {
                    TryPushError::Full(_) => Outcome::Full,
                    TryPushError::Busy(_) => Outcome::Busy,
                    TryPushError::Closed(_) => Outcome::Closed,
                };
                assert_eq!(error.into_inner().tag(), *tag);
                outcome
            }
        },
        Op::ForcePush(tag) => match ring.force_push(T::new(*tag)) {
            Ok(None) => Outcome::Pushed,
            Ok(Some(oldest)) => Outcome::Displaced(oldest.tag()),
            Err(error) => refused(*tag, error),
        },
        Op::PushBatch(tags) => {
            let mut values: Vec<T> = tags.iter().copied().map(T::new).collect();
            let count = ring.push_batch(&mut values);
            assert!(values.iter().map(T::tag).eq(tags[count..].iter().copied()));
            Outcome::Moved(count)
        }
        Op::Pop => match ring.pop() {
            Ok(value) => Outcome::Popped(value.tag()),
            Err(PopError::Empty) => Outcome::Empty,
            Err(PopError::Closed) => Outcome::Closed,
        },
        Op::TryPop => match ring.try_pop() {
            Ok(value) => Outcome::Popped(value.tag()),
            Err(TryPopError::Empty) => Outcome::Empty,
            Err(TryPopError::Busy) => Outcome::Busy,
            Err(TryPopError::Closed) => Outcome::Closed,
        },
        Op::PopBatch(max) => {
            let mut values = Vec::with_capacity(*max);
            let count = ring.pop_batch(&mut values, *max);
            assert_eq!(values.len(), count);
            Outcome::Batch(values.iter().map(T::tag).collect())
        }
        Op::TryPopBatch(max) => {
            let mut values = Vec::new();
            match ring.try_pop_batch(&mut values, *max) {
                Ok(count) => {
                    assert_eq!(values.len(), count);
                    Outcome::Batch(values.iter().map(T::tag).collect())
                }
                Err(TryPopError::Empty) => Outcome::Empty,
                Err(TryPopError::Busy) => Outcome::Busy,
                Err(TryPopError::Closed) => Outcome::Closed,
            }
        }
        Op::Len => Outcome::Count(ring.len()),
        Op::IsEmpty => Outcome::Is(ring.is_empty()),
        Op::IsFull => Outcome::Is(ring.is_full()),
        Op::Close => Outcome::Is(ring.close()),
        Op::IsClosed => Outcome::Is(ring.is_closed()),
    }
}

fn refused<T: Tagged>(tag: Tag, error: PushError<T>) -> Outcome {
    let outcome = match error {
        PushError::Full(_) => Outcome::Full,
        PushError::Closed(_) => Outcome::Closed,
    };
    assert_eq!(error.into_inner().tag(), tag);
    outcome
}
