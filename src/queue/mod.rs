//! One queue: a bounded line of events that any number of threads send to and receive from.
//!
//! An event is the decoded text that was sent and comes back exactly. The bound is honest: `Full`
//! means that every place was taken, `Empty` that no event was there. Nothing here blocks a thread,
//! knows HTTP, reads a clock or starts a runtime: where the [ring](crate::ring) answers that a
//! neighbour is inside its claim window, the `try_` forms say [`Busy`](TrySendError::Busy) and the
//! asynchronous ones let their executor run something else before they ask again.

mod error;
mod yield_now;

pub use self::error::{ReceiveError, SendError, TryReceiveError, TrySendError};
use self::yield_now::YieldNow;
use crate::ring::{CapacityError, RingBuffer, TryPopError, TryPushError};

/// What a queue holds: text, in an allocation of exactly its length.
pub type Event = Box<str>;

/// A bounded first-in first-out queue of [`Event`]s.
///
/// ```
/// use ringmq::queue::{Queue, TrySendError};
///
/// let queue = Queue::with_capacity(1)?;
/// queue.try_send("first".into())?;
/// assert!(matches!(queue.try_send("second".into()), Err(TrySendError::Full(_))));
/// assert_eq!(&*queue.try_receive()?, "first");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Queue {
    ready: RingBuffer<Event>,
}

impl Queue {
    /// The most events a queue can be made for.
    pub const MAX_CAPACITY: usize = RingBuffer::<Event>::MAX_CAPACITY;

    /// Makes an empty queue with room for `capacity` events.
    ///
    /// # Errors
    ///
    /// When `capacity` is 0, more than [`MAX_CAPACITY`](Self::MAX_CAPACITY), or more than there is
    /// memory for.
    pub fn with_capacity(capacity: usize) -> Result<Self, CapacityError> {
        Ok(Self { ready: RingBuffer::try_new(capacity)? })
    }

    /// Puts an event at the end of the line, or gives it back.
    ///
    /// # Errors
    ///
    /// `Full` when every place is taken, `Busy` when a neighbour must finish first.
    #[inline]
    pub fn try_send(&self, event: Event) -> Result<(), TrySendError> {
        self.ready.try_push(event).map_err(|refused| match refused {
            TryPushError::Full(event) => TrySendError::Full(event),
            TryPushError::Busy(event) => TrySendError::Busy(event),
            TryPushError::Closed(event) => TrySendError::Closed(event),
        })
    }

    /// Takes the event at the front of the line.
    ///
    /// # Errors
    ///
    /// `Empty` when there is none, `Busy` when a neighbour must finish first.
    #[inline]
    pub fn try_receive(&self) -> Result<Event, TryReceiveError> {
        self.ready.try_pop().map_err(|refused| match refused {
            TryPopError::Empty => TryReceiveError::Empty,
            TryPopError::Busy => TryReceiveError::Busy,
            TryPopError::Closed => TryReceiveError::Closed,
        })
    }

    /// [`try_send`](Self::try_send), asked again for as long as the answer is `Busy`.
    ///
    /// It does not wait for room. Dropped before it is done, it has sent nothing.
    ///
    /// # Errors
    ///
    /// `Full` when every place is taken.
    pub async fn send(&self, mut event: Event) -> Result<(), SendError> {
        loop {
            event = match self.try_send(event) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Busy(event)) => event,
                Err(TrySendError::Full(event)) => return Err(SendError::Full(event)),
                Err(TrySendError::Closed(event)) => return Err(SendError::Closed(event)),
            };
            YieldNow::default().await;
        }
    }

    /// [`try_receive`](Self::try_receive), asked again for as long as the answer is `Busy`.
    ///
    /// It does not wait for an event. Dropped before it is done, it has taken nothing.
    ///
    /// # Errors
    ///
    /// `Empty` when there is no event.
    pub async fn receive(&self) -> Result<Event, ReceiveError> {
        loop {
            match self.try_receive() {
                Ok(event) => return Ok(event),
                Err(TryReceiveError::Busy) => YieldNow::default().await,
                Err(TryReceiveError::Empty) => return Err(ReceiveError::Empty),
                Err(TryReceiveError::Closed) => return Err(ReceiveError::Closed),
            }
        }
    }

    /// Refuses every later send; what is queued can still be received.
    pub fn close(&self) {
        self.ready.close();
    }

    /// How many events are queued.
    pub fn depth(&self) -> usize {
        self.ready.len()
    }

    /// How many events may be queued at once.
    pub fn capacity(&self) -> usize {
        self.ready.capacity()
    }

    /// Whether a receive would be refused now.
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    /// Whether a send would be refused now.
    pub fn is_full(&self) -> bool {
        self.ready.is_full()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Barrier};
    use std::task::{Context, Poll, Wake, Waker};
    use std::thread;

    use super::*;

    fn queue(capacity: usize) -> Queue {
        Queue::with_capacity(capacity).expect("a small queue")
    }

    /// The result of a future that nothing keeps waiting.
    fn at_once<F: Future>(future: F) -> F::Output {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("nobody else uses this queue"),
        }
    }

    /// Polls until the future is done, as an executor with nothing else to do would.
    fn drive<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
        }
    }

    #[test]
    fn events_come_back_in_order_and_exactly() {
        let queue = queue(3);
        let events = ["", "plain", "\0 \" \\ \u{2028} \u{10ffff}"];
        for event in events {
            at_once(queue.send(event.into())).unwrap();
        }
        for event in events {
            assert_eq!(&*at_once(queue.receive()).unwrap(), event);
        }
    }

    #[test]
    fn a_full_queue_gives_the_event_back() {
        let queue = queue(1);
        queue.try_send("kept".into()).unwrap();
        match queue.try_send("refused".into()) {
            Err(TrySendError::Full(event)) => assert_eq!(&*event, "refused"),
            other => panic!("{other:?}"),
        }
        match at_once(queue.send("refused".into())) {
            Err(SendError::Full(event)) => assert_eq!(&*event, "refused"),
            other => panic!("{other:?}"),
        }
        assert_eq!((queue.depth(), queue.is_full()), (1, true));
    }

    #[test]
    fn an_empty_queue_says_so() {
        let queue = queue(1);
        assert_eq!(queue.try_receive(), Err(TryReceiveError::Empty));
        assert_eq!(at_once(queue.receive()), Err(ReceiveError::Empty));
        assert_eq!((queue.depth(), queue.is_empty()), (0, true));
    }

    #[test]
    fn a_closed_queue_is_emptied_and_not_filled() {
        let queue = queue(2);
        queue.try_send("before".into()).unwrap();
        queue.close();
        assert!(matches!(at_once(queue.send("after".into())), Err(SendError::Closed(_))));
        assert_eq!(&*at_once(queue.receive()).unwrap(), "before");
        assert_eq!(at_once(queue.receive()), Err(ReceiveError::Closed));
    }

    #[test]
    fn capacity_is_what_was_asked_for() {
        assert_eq!(queue(7).capacity(), 7);
        assert_eq!(Queue::with_capacity(0).err(), Some(CapacityError::Zero));
        let too_many = Queue::MAX_CAPACITY + 1;
        assert_eq!(Queue::with_capacity(too_many).err(), Some(CapacityError::TooLarge));
    }

    #[test]
    fn a_yield_wakes_its_task_once() {
        struct Count(AtomicUsize);
        impl Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }

        let count = Arc::new(Count(AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&count));
        let mut context = Context::from_waker(&waker);
        let mut yielding = pin!(YieldNow::default());
        assert_eq!(yielding.as_mut().poll(&mut context), Poll::Pending);
        assert_eq!(yielding.as_mut().poll(&mut context), Poll::Ready(()));
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn busy_neighbours_lose_and_double_nothing() {
        const THREADS: usize = 4;
        const EACH: usize = if cfg!(miri) { 20 } else { 5_000 };
        let (queue, start) = (queue(2), Barrier::new(2 * THREADS));
        let mut received = thread::scope(|scope| {
            for thread in 0..THREADS {
                let (queue, start) = (&queue, &start);
                scope.spawn(move || {
                    start.wait();
                    for number in 0..EACH {
                        let mut event: Event = format!("{thread} {number}").into();
                        while let Err(SendError::Full(back)) = drive(queue.send(event)) {
                            event = back;
                            thread::yield_now();
                        }
                    }
                });
            }
            let receivers = [(); THREADS].map(|()| {
                scope.spawn(|| {
                    start.wait();
                    let mut received = Vec::with_capacity(EACH);
                    while received.len() < EACH {
                        match drive(queue.receive()) {
                            Ok(event) => received.push(event),
                            Err(_) => thread::yield_now(),
                        }
                    }
                    received
                })
            });
            receivers.into_iter().flat_map(|receiver| receiver.join().unwrap()).collect::<Vec<_>>()
        });
        received.sort();
        received.dedup();
        assert_eq!((received.len(), queue.depth()), (THREADS * EACH, 0));
    }
}
