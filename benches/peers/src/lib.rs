//! The queues that the ring is measured against, behind one trait.

use std::collections::VecDeque;

/// A bounded queue as the benchmark drives it.
pub trait Queue<T: Copy>: Send + Sync {
    fn with_capacity(capacity: usize) -> Self;
    fn push(&self, value: T) -> Result<(), T>;
    fn pop(&self) -> Option<T>;

    /// Pushes without waiting for a neighbour, where the queue makes that difference.
    #[inline]
    fn try_push(&self, value: T) -> Result<(), T> {
        self.push(value)
    }

    /// Pops without waiting for a neighbour, where the queue makes that difference.
    #[inline]
    fn try_pop(&self) -> Option<T> {
        self.pop()
    }

    /// Moves a prefix of `values` in and says how many; queues without batches push one by one.
    #[inline]
    fn push_batch(&self, values: &mut Vec<T>) -> usize {
        let pushed = values.iter().take_while(|value| self.push(**value).is_ok()).count();
        values.drain(..pushed);
        pushed
    }

    /// Moves at most `max` values out into `out` and says how many.
    #[inline]
    fn pop_batch(&self, out: &mut Vec<T>, max: usize) -> usize {
        let before = out.len();
        while out.len() - before < max
            && let Some(value) = self.pop()
        {
            out.push(value);
        }
        out.len() - before
    }
}

impl<T: Copy + Send> Queue<T> for ringmq::ring::RingBuffer<T> {
    fn with_capacity(capacity: usize) -> Self {
        Self::new(capacity)
    }

    #[inline]
    fn push(&self, value: T) -> Result<(), T> {
        ringmq::ring::RingBuffer::push(self, value).map_err(|refused| refused.into_inner())
    }

    #[inline]
    fn pop(&self) -> Option<T> {
        ringmq::ring::RingBuffer::pop(self).ok()
    }

    #[inline]
    fn try_push(&self, value: T) -> Result<(), T> {
        ringmq::ring::RingBuffer::try_push(self, value).map_err(|refused| refused.into_inner())
    }

    #[inline]
    fn try_pop(&self) -> Option<T> {
        ringmq::ring::RingBuffer::try_pop(self).ok()
    }

    #[inline]
    fn push_batch(&self, values: &mut Vec<T>) -> usize {
        ringmq::ring::RingBuffer::push_batch(self, values)
    }

    #[inline]
    fn pop_batch(&self, out: &mut Vec<T>, max: usize) -> usize {
        ringmq::ring::RingBuffer::pop_batch(self, out, max)
    }
}

macro_rules! array_queue {
    ($name:ident) => {
        /// crossbeam's `ArrayQueue`: the yardstick.
        pub struct $name<T>(crossbeam_queue::ArrayQueue<T>);

        impl<T: Copy + Send> Queue<T> for $name<T> {
            fn with_capacity(capacity: usize) -> Self {
                Self(crossbeam_queue::ArrayQueue::new(capacity))
            }

            #[inline]
            fn push(&self, value: T) -> Result<(), T> {
                self.0.push(value)
            }

            #[inline]
            fn pop(&self) -> Option<T> {
                self.0.pop()
            }
        }
    };
}

array_queue!(ArrayQueue);
array_queue!(ArrayQueueAgain);

/// `concurrent_queue::ConcurrentQueue`, bounded.
pub struct ConcurrentQueue<T>(concurrent_queue::ConcurrentQueue<T>);

impl<T: Copy + Send> Queue<T> for ConcurrentQueue<T> {
    fn with_capacity(capacity: usize) -> Self {
        Self(concurrent_queue::ConcurrentQueue::bounded(capacity))
    }

    #[inline]
    fn push(&self, value: T) -> Result<(), T> {
        self.0.push(value).map_err(|refused| refused.into_inner())
    }

    #[inline]
    fn pop(&self) -> Option<T> {
        self.0.pop().ok()
    }
}

/// flume's bounded channel, without blocking.
pub struct Flume<T>(flume::Sender<T>, flume::Receiver<T>);

impl<T: Copy + Send> Queue<T> for Flume<T> {
    fn with_capacity(capacity: usize) -> Self {
        let (sender, receiver) = flume::bounded(capacity);
        Self(sender, receiver)
    }

    #[inline]
    fn push(&self, value: T) -> Result<(), T> {
        self.0.try_send(value).map_err(|refused| refused.into_inner())
    }

    #[inline]
    fn pop(&self) -> Option<T> {
        self.1.try_recv().ok()
    }
}

/// kanal's bounded channel, without blocking.
pub struct Kanal<T>(kanal::Sender<T>, kanal::Receiver<T>);

impl<T: Copy + Send> Queue<T> for Kanal<T> {
    fn with_capacity(capacity: usize) -> Self {
        let (sender, receiver) = kanal::bounded(capacity);
        Self(sender, receiver)
    }

    #[inline]
    fn push(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        match self.0.try_send_option(&mut value) {
            Ok(true) => Ok(()),
            _ => Err(value.expect("a refused value stays with the caller")),
        }
    }

    #[inline]
    fn pop(&self) -> Option<T> {
        self.1.try_recv().ok().flatten()
    }
}

macro_rules! locked {
    ($name:ident, $mutex:path $(, $unwrap:ident($why:literal))?) => {
        /// A `VecDeque` behind a lock.
        pub struct $name<T> {
            values: $mutex,
            capacity: usize,
        }

        impl<T: Copy + Send> Queue<T> for $name<T> {
            fn with_capacity(capacity: usize) -> Self {
                Self { values: VecDeque::with_capacity(capacity).into(), capacity }
            }

            #[inline]
            fn push(&self, value: T) -> Result<(), T> {
                let mut values = self.values.lock()$(.$unwrap($why))?;
                if values.len() == self.capacity {
                    return Err(value);
                }
                values.push_back(value);
                Ok(())
            }

            #[inline]
            fn pop(&self) -> Option<T> {
                self.values.lock()$(.$unwrap($why))?.pop_front()
            }
        }
    };
}

locked!(StdMutex, std::sync::Mutex<VecDeque<T>>, expect("no holder panics"));
locked!(ParkingLotMutex, parking_lot::Mutex<VecDeque<T>>);
