//! One queue: messages that any number of threads send, receive, acknowledge and lose.
//!
//! # A message's life
//! ```text
//! send ─▶ [delayed] ─due─▶ READY ──receive──▶ IN FLIGHT ──ack──▶ gone
//!                           ▲ ▲                │     │ extend: a new deadline
//!                           │ └─ lease over ◀──┤     │
//!                           └─── release ◀─────┘     └─ received too often ──▶ DYING ──▶ dead letter
//! ```
//! A message lives in one slot of the slab (`slab.rs`) from send until it is gone, and every move of
//! it is one compare-and-swap on the slot's word (`word.rs`): of an ack and the end of its lease, exactly
//! one wins. Lines of slot indices (`line.rs`) say what comes next:
//!
//! - `free`: slots that hold nothing. As many slots are in use as the capacity allows, so a send
//!   that finds none there finds the queue full.
//! - `ready`: messages in the order in which they were sent or came due.
//! - `returned`: messages that were received and came back. It is read before `ready`.
//!
//! A message that goes while its index is in a line leaves a dead slot, which who pops it frees. A
//! FIFO queue has groups (`groups.rs`) in the place of the last two.
//! Every line has a place for every slot, so a message can always come back.
//!
//! # What it promises
//! - The bound is honest: the capacity counts everything that is not gone (ready, delayed and in
//!   flight), and *full* means that every place was taken at one moment of the call. *Empty* means
//!   that no message was ready. Where another thread is inside a window of a few instructions, the
//!   answer is *busy*, and asking again will do.
//! - First in, first out. A message that comes back goes to the front, but may pass messages that
//!   were received meanwhile; not so on a FIFO queue, within one group.
//! - At least once: a message is gone only by an ack of its newest receipt, its expiry, a purge, or
//!   too many receives; and every accepted message is received at least once before it is gone by
//!   an ack.
//!
//! # Progress
//! Send, receive and ack take no lock, whoever waits, but on a FIFO queue. Only making the queue longer
//! or shorter does, and a send that finds a neighbour at it is told *busy*. Nothing here knows HTTP, reads a clock or
//! starts a runtime: time is an argument, and [`tick`](Queue::tick) does what is due.

mod batch;
mod control;
mod deadlines;
mod error;
mod groups;
mod lease;
mod line;
mod message;
mod oldest;
mod rate;
mod receive;
mod send;
mod settings;
#[allow(unsafe_code)] // messages are handed from thread to thread; see its safety comments
mod slab;
mod sweep;
mod tally;
mod time;
mod waiters;
mod word;

use std::sync::{Arc, PoisonError};
use std::task::Waker;

use crossbeam_queue::SegQueue;
use crossbeam_utils::CachePadded;

pub use self::control::{Counts, Look};
pub use self::error::{LeaseError, ResizeError, SendRefusal, TryReceiveError, TrySendError};
use self::groups::Groups;
use self::line::{Line, MAX_SEGMENTS};
use self::message::Stored;
pub use self::message::{Accepted, Attributes, ContentType, Delivery, Message, MessageId, Receipt};
use self::oldest::Oldest;
use self::rate::Rate;
pub use self::receive::{Request, WaitingReceive};
pub use self::send::{Earlier, Options, WaitingSend};
use self::settings::Knobs;
pub use self::settings::{Overflow, Settings};
use self::slab::Slab;
pub use self::sweep::Held;
use self::tally::Tally;
pub use self::tally::{BOUNDS, Histogram, MILLIS_BOUNDS, NANOS_BOUNDS, Tallied};
pub use self::time::Millis;
use self::waiters::{Served, Waiters};
use crate::ring::CapacityError;
use crate::sync::{AtomicU32, AtomicU64, Mutex, Ordering};

/// A bounded queue of [`Message`]s for any number of producers and consumers.
///
/// ```
/// use ringmq::queue::{Message, Millis, Options, Queue, Request, SendRefusal, Settings};
///
/// let queue = Queue::new(1, &Settings::default())?;
/// let now = Millis(0);
/// queue.try_send(Message::text("first"), Options::default(), now)?;
/// let refused = queue.try_send(Message::text("second"), Options::default(), now).unwrap_err();
/// assert_eq!(refused.why, SendRefusal::Full { capacity: 1 });
///
/// let mut received = Vec::new();
/// queue.try_receive(Request { max: 10, lease: None }, now, &mut received)?;
/// assert_eq!(received[0].message.body(), b"first");
/// queue.ack(received[0].receipt, now)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Queue {
    slab: Slab<Stored>,
    free: Line,
    ready: Line,
    returned: Line,
    /// Messages received too often, for whoever takes dead letters.
    dying: Line,
    /// Slots that [`resize`](Self::resize) took out of use.
    retired: Mutex<Vec<u32>>,
    /// Of a FIFO queue, where it stands in for `ready` and `returned`.
    groups: Option<Box<Groups>>,
    supply: AtomicU64,
    capacity: AtomicU64,
    chunks: AtomicU32,
    knobs: Knobs,
    /// Flags: [`PAUSED`], [`CLOSED`], [`DISMISSED`].
    flags: AtomicU32,
    /// Threads that move messages from `ready` to `returned`: see [`Queue::reap`].
    reaping: AtomicU32,
    sent: CachePadded<Sent>,
    gone: CachePadded<Gone>,
    /// Dead slots whose index is in `ready` or `returned`.
    dead: AtomicU64,
    delayed: AtomicU64,
    /// Messages received too often that are not moved yet.
    letters: AtomicU64,
    events: Events,
    tally: Tally,
    oldest: Oldest,
    receivers: Waiters<Request, Vec<Delivery>>,
    senders: Waiters<send::Parked, Result<Accepted, TrySendError>>,
    memory: Arc<Memory>,
    alarm: Box<dyn Fn(Millis) + Send + Sync>,
}

/// What producers count.
struct Sent {
    count: AtomicU64,
    bytes: AtomicU64,
}

/// What consumers count.
struct Gone {
    count: Rate,
    bytes: AtomicU64,
    in_flight: AtomicU64,
}

/// What happens seldom enough to be counted on one line.
#[derive(Default)]
struct Events {
    expired: AtomicU64,
    dropped: AtomicU64,
    lease_ends: AtomicU64,
    dead_letters: AtomicU64,
    purged: AtomicU64,
    redriven: AtomicU64,
}

/// Receives answer *empty*.
const PAUSED: u32 = 1;
/// Sends are refused.
const CLOSED: u32 = 2;
/// Who waits is told that there is nothing to wait for.
const DISMISSED: u32 = 4;

/// Slots in use: how many were ever handed out, and how many may be.
#[derive(Clone, Copy, Debug)]
struct Supply {
    issued: u32,
    limit: u32,
}

impl Supply {
    fn from_bits(bits: u64) -> Self {
        Self { issued: bits as u32, limit: (bits >> 32) as u32 }
    }

    fn bits(self) -> u64 {
        u64::from(self.issued) | u64::from(self.limit) << 32
    }
}

/// What all messages of several queues may have together, in bytes.
pub struct Memory {
    used: CachePadded<AtomicU64>,
    limit: u64,
    /// Flags: [`STARVED`], [`REFUSED`].
    flags: AtomicU32,
    /// Who waits for other queues to let go of some: whatever queue theirs is.
    starved: SegQueue<Waker>,
}

/// There are [`starved`](Memory) ones.
const STARVED: u32 = 1;
/// A message was refused since the last one that went.
const REFUSED: u32 = 2;

impl Memory {
    /// `limit` bytes, none of them used.
    pub fn new(limit: u64) -> Self {
        Self {
            used: CachePadded::new(AtomicU64::new(0)),
            limit,
            flags: AtomicU32::new(0),
            starved: SegQueue::new(),
        }
    }

    /// Bytes of all messages that are not gone.
    pub fn used(&self) -> u64 {
        // ORDERING: SeqCst, on all of these: who waits for memory is seen by the next release, or
        // sees it.
        self.used.load(Ordering::SeqCst)
    }

    /// The most there may be.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Whether there is none left, or a message was refused for want of it and none was let go of since.
    pub fn is_out(&self) -> bool {
        self.used() >= self.limit || self.flags.load(Ordering::SeqCst) & REFUSED != 0
    }

    /// Whether a message of `size` bytes would not fit now. If so, `waker` is woken when one may.
    pub fn is_short_of(&self, size: u64, waker: &Waker) -> bool {
        let is_short = || self.used().saturating_add(size) > self.limit;
        if !is_short() {
            return false;
        }
        self.starved.push(waker.clone());
        self.flags.fetch_or(STARVED, Ordering::SeqCst);
        is_short()
    }

    fn reserve(&self, bytes: u64) -> bool {
        // Never more than there is, not even for a moment: somebody might see that and go to sleep.
        let fits = |used: u64| used.checked_add(bytes).filter(|used| *used <= self.limit);
        let reserved = self.used.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fits).is_ok();
        if !reserved {
            self.flags.fetch_or(REFUSED, Ordering::SeqCst);
        }
        reserved
    }

    fn release(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::SeqCst);
        if self.flags.load(Ordering::SeqCst) != 0 {
            self.wake_starved();
        }
    }

    #[cold]
    fn wake_starved(&self) {
        self.flags.store(0, Ordering::SeqCst);
        // Those who come meanwhile look for themselves.
        for _ in 0..self.starved.len() {
            let Some(waker) = self.starved.pop() else { return };
            waker.wake();
        }
    }
}

impl Queue {
    /// The most messages a queue can be made for: 2^31.
    pub const MAX_CAPACITY: u64 = 1 << 31;

    /// Slots that a queue has once it was used; it grows as they are, up to its capacity.
    const FIRST_SLOTS: usize = 16;

    /// Makes an empty queue with room for `capacity` messages, without a bound on the bytes of other
    /// queues and with nobody to be told of deadlines.
    ///
    /// # Errors
    /// As for [`with`](Self::with).
    pub fn new(capacity: u64, settings: &Settings) -> Result<Self, CapacityError> {
        Self::with(capacity, settings, Arc::new(Memory::new(u64::MAX)), Box::new(|_| {}))
    }

    /// Makes an empty queue with room for `capacity` messages, whose bytes count against `memory`.
    ///
    /// `alarm` is called with a moment that is earlier than the one the last [`tick`](Self::tick)
    /// returned, and than those of all calls since. It must not call the queue.
    ///
    /// # Errors
    /// When `capacity` is 0 or more than [`MAX_CAPACITY`](Self::MAX_CAPACITY).
    pub fn with(
        capacity: u64,
        settings: &Settings,
        memory: Arc<Memory>,
        alarm: Box<dyn Fn(Millis) + Send + Sync>,
    ) -> Result<Self, CapacityError> {
        let limit = match capacity {
            0 => return Err(CapacityError::Zero),
            1..=Self::MAX_CAPACITY => capacity as u32,
            _ => return Err(CapacityError::TooLarge),
        };
        let first = (capacity as usize).next_power_of_two().min(Self::FIRST_SLOTS);
        Ok(Self {
            slab: Slab::new(first),
            free: Line::new(),
            ready: Line::new(),
            returned: Line::new(),
            dying: Line::new(),
            retired: Mutex::new(Vec::new()),
            groups: None,
            supply: AtomicU64::new(Supply { issued: 0, limit }.bits()),
            capacity: AtomicU64::new(capacity),
            chunks: AtomicU32::new(0),
            knobs: Knobs::new(settings),
            flags: AtomicU32::new(0),
            reaping: AtomicU32::new(0),
            sent: CachePadded::new(Sent { count: AtomicU64::new(0), bytes: AtomicU64::new(0) }),
            gone: CachePadded::new(Gone {
                count: Rate::new(),
                bytes: AtomicU64::new(0),
                in_flight: AtomicU64::new(0),
            }),
            dead: AtomicU64::new(0),
            delayed: AtomicU64::new(0),
            letters: AtomicU64::new(0),
            events: Events::default(),
            tally: Tally::new(false),
            oldest: Oldest::default(),
            receivers: Waiters::new(),
            senders: Waiters::new(),
            memory,
            alarm,
        })
    }

    /// Lets the queue count, for whoever looks on, what it need not know itself: deliveries, acks, and how
    /// long things took. To be said before it is used.
    #[must_use]
    pub fn into_counted(mut self) -> Self {
        self.tally = Tally::new(true);
        self
    }

    /// Whether it counts what it need not know.
    pub fn is_counted(&self) -> bool {
        self.tally.counts()
    }

    /// Makes the first slots now, where otherwise the first send does.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn make_slots(&self) -> Result<(), CapacityError> {
        let _one_at_a_time = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        if self.slots() == 0 { self.lengthen() } else { Ok(()) }
    }

    /// Makes slots and lines twice as long. One thread at a time.
    fn lengthen(&self) -> Result<(), CapacityError> {
        // ORDERING: Relaxed, only one thread at a time writes it.
        let chunks = self.chunks.load(Ordering::Relaxed) as usize;
        debug_assert!(chunks < MAX_SEGMENTS, "a queue of 2^31 slots is as long as it gets");
        let slots = self.slab.slots_with(chunks + 1);
        self.slab.lengthen(chunks)?;
        for line in [&self.free, &self.ready, &self.returned, &self.dying] {
            line.lengthen(chunks, slots)?;
        }
        // ORDERING: Release, pairs with the Acquire in `slots`: they are made.
        self.chunks.store(chunks as u32 + 1, Ordering::Release);
        Ok(())
    }

    /// Slots that exist, of which some may never have been handed out.
    fn slots(&self) -> u32 {
        // ORDERING: Acquire, pairs with the Release in `lengthen`.
        let chunks = self.chunks.load(Ordering::Acquire) as usize;
        u32::try_from(self.slab.slots_with(chunks)).unwrap_or(u32::MAX)
    }

    fn supply(&self) -> Supply {
        // ORDERING: SeqCst, in one order with the moves of the lines: see `take_free`.
        Supply::from_bits(self.supply.load(Ordering::SeqCst))
    }

    fn exchange_supply(&self, seen: Supply, new: Supply) -> bool {
        // ORDERING: SeqCst, in one order with the moves of the lines: see `take_free`.
        self.supply
            .compare_exchange(seen.bits(), new.bits(), Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    }

    /// Tells of a deadline that is earlier than all others.
    #[cold]
    fn ring_alarm(&self, deadline: Millis) {
        (self.alarm)(deadline);
    }

    /// Ends the account of `count` messages of `size` bytes together: they are gone.
    fn count_gone(&self, count: u64, size: u64, now: Millis) {
        self.memory.release(size);
        // ORDERING: Relaxed, a count that passes nothing on; SeqCst in `Rate::add`.
        self.gone.bytes.fetch_add(size, Ordering::Relaxed);
        self.gone.count.add(count, now);
    }
}

impl Drop for Queue {
    /// Gives the memory of what is left back to the other queues.
    fn drop(&mut self) {
        let (sent, gone) = (&self.sent.bytes, &self.gone.bytes);
        let left = sent.load(Ordering::Relaxed).wrapping_sub(gone.load(Ordering::Relaxed));
        self.memory.release(left);
    }
}
