//! A line of callers that wait for something: an event each, no timer and no second look.
//!
//! # How it works
//! Who makes something available asks whether [anybody waits](Waiters::any), which is one load, and
//! only then [serves](Waiters::serve) them. The line of waiters belongs to one thread at a time, the
//! *server*: whoever finds the number of `calls` at zero. Others add to the number and go on; the
//! server looks again until it has seen every call. So nobody waits for anybody, no wake-up is lost,
//! and each waiter is given its answer, in order of arrival, by the thread that made it possible.
//!
//! A waiter enters through the `inbox`, a [ring](crate::ring) which the server empties into the
//! line. It leaves by its state, which server and waiter both move on by compare-and-swap:
//!
//! ```text
//!            claim                    answer
//! WAITING ───────────▶ CLAIMED ─────────────────▶ ANSWERED
//!    │  ◀─────────────────┤ nothing to give
//!    │ leave              │ leave
//!    ▼                    ▼
//!   LEFT                 LEFT: the server takes its answer back
//! ```
//!
//! # No wake-up is lost
//! A waiter counts itself (`parked`, SeqCst), enters, then serves: it looks for what it wants after
//! it can be seen. Who makes something available does so by a SeqCst claim of a ring position, then
//! loads `parked`. In the one order of these either the load sees the waiter, or the waiter's look
//! sees the claim. (A claim that is not published yet makes that look say *busy*, and then the waiter
//! is woken to look again.)

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Poll, Waker};

use crossbeam_utils::CachePadded;
use once_cell::race::OnceBox;

use crate::ring::{PushError, RingBuffer};
use crate::sync::{AtomicU32, AtomicWaker, Mutex, Ordering, PLAIN_MEMORY};

/// Callers that each ask for a `Q` and wait for an `A`.
pub(super) struct Waiters<Q, A> {
    /// Who waits, or is about to: counted before they enter, until they are answered or leave.
    parked: CachePadded<AtomicU32>,
    /// Of those in line, who has left.
    left: AtomicU32,
    /// Calls of `serve` that the server has not seen.
    calls: AtomicU32,
    /// Made when first needed: most queues have no waiters at any time.
    inbox: OnceBox<RingBuffer<Arc<Waiter<Q, A>>>>,
    /// In order of arrival. Locked by the server alone, so nobody ever waits for it.
    line: Mutex<VecDeque<Arc<Waiter<Q, A>>>>,
}

struct Waiter<Q, A> {
    state: AtomicU32,
    /// Whether it was woken to look again and has not done so: then somebody else must if it leaves.
    told: AtomicU32,
    waker: AtomicWaker,
    /// What it asks for. Touched by whoever claimed the waiter.
    question: Mutex<Option<Q>>,
    /// Set before the state says ANSWERED, taken after.
    answer: Mutex<Option<A>>,
}

const WAITING: u32 = 0;
const CLAIMED: u32 = 1;
const ANSWERED: u32 = 2;
const LEFT: u32 = 3;

/// What the server could do for a waiter.
pub(super) enum Served<A> {
    /// Give it this.
    Answer(A),
    /// Nothing: there is nothing to give.
    Nothing,
    /// Nothing yet: a neighbour must finish first.
    Busy,
}

/// Waiters that have left may stay in line up to this many more than are parked.
const LEFT_IN_LINE: u32 = 32;

/// Waiters that may enter before a server looks; few under a model, where a ring is many objects.
const INBOX: usize = if PLAIN_MEMORY { 64 } else { 2 };

const UNCONTENDED: &str = "who may lock this is one thread at a time";

impl<Q, A> Waiters<Q, A> {
    pub(super) fn new() -> Self {
        Self {
            parked: CachePadded::new(AtomicU32::new(0)),
            left: AtomicU32::new(0),
            calls: AtomicU32::new(0),
            inbox: OnceBox::new(),
            line: Mutex::new(VecDeque::new()),
        }
    }

    /// Whether somebody may be waiting: one load, after what was made available.
    #[inline]
    pub(super) fn any(&self) -> bool {
        self.len() > 0
    }

    /// How many are waiting.
    #[inline]
    pub(super) fn len(&self) -> usize {
        // ORDERING: SeqCst, the second half of "no wake-up is lost".
        self.parked.load(Ordering::SeqCst) as usize
    }

    /// Serves those who wait, in order of arrival, until `attempt` has nothing for the first of
    /// them; or leaves that to the thread that is at it already.
    ///
    /// `attempt` leaves a question in place unless it answers it. `take_back` undoes an answer whose
    /// waiter has left.
    ///
    /// Returns whether this thread answered somebody.
    pub(super) fn serve(
        &self,
        mut attempt: impl FnMut(&mut Option<Q>) -> Served<A>,
        mut take_back: impl FnMut(A),
    ) -> bool {
        // ORDERING: SeqCst on `calls`, here and below: the next server sees what this one left in
        // the line, and this one what a caller made available before its call.
        if self.calls.fetch_add(1, Ordering::SeqCst) > 0 {
            return false;
        }
        let (mut seen, mut answered) = (1, false);
        loop {
            answered |= self.serve_line(&mut attempt, &mut take_back);
            match self.calls.compare_exchange(seen, 0, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return answered,
                Err(more) => seen = more,
            }
        }
    }

    /// Lets the first who waits look for itself.
    pub(super) fn nudge(&self) {
        if self.any() {
            self.serve(|_| Served::Busy, |_| {});
        }
    }

    fn serve_line(
        &self,
        attempt: &mut impl FnMut(&mut Option<Q>) -> Served<A>,
        take_back: &mut impl FnMut(A),
    ) -> bool {
        let mut answered = false;
        let mut line = self.line.try_lock().expect(UNCONTENDED);
        // One that is inside its push calls `serve` when it is done.
        while let Some(Ok(entered)) = self.inbox.get().map(RingBuffer::try_pop) {
            line.push_back(entered);
        }
        if self.left.load(Ordering::Relaxed) > LEFT_IN_LINE + self.parked.load(Ordering::Relaxed) {
            line.retain(|waiter| {
                let stays = waiter.state.load(Ordering::Relaxed) != LEFT;
                if !stays {
                    self.left.fetch_sub(1, Ordering::Relaxed);
                }
                stays
            });
        }
        while let Some(first) = line.front() {
            if !first.advance(WAITING, CLAIMED) {
                self.left.fetch_sub(1, Ordering::Relaxed);
                line.pop_front();
                continue;
            }
            let served = attempt(&mut first.question.try_lock().expect(UNCONTENDED));
            match served {
                Served::Answer(answer) => {
                    answered = true;
                    let first = line.pop_front().expect("it is there");
                    *first.answer.try_lock().expect(UNCONTENDED) = Some(answer);
                    if first.advance(CLAIMED, ANSWERED) {
                        self.parked.fetch_sub(1, Ordering::SeqCst);
                        first.waker.wake();
                    } else {
                        self.left.fetch_sub(1, Ordering::Relaxed);
                        let answer = first.answer.try_lock().expect(UNCONTENDED).take();
                        take_back(answer.expect("it was just put there"));
                    }
                }
                Served::Nothing | Served::Busy => {
                    if matches!(served, Served::Busy) {
                        // ORDERING: Relaxed, shown by the next step of the state.
                        first.told.store(1, Ordering::Relaxed);
                    }
                    if !first.advance(CLAIMED, WAITING) {
                        // It left meanwhile; the next one may ask for less.
                        continue;
                    }
                    if matches!(served, Served::Busy) {
                        first.waker.wake();
                    }
                    return answered;
                }
            }
        }
        answered
    }

    /// A place in line, which is taken at the first poll.
    pub(super) fn wait(&self, question: Q) -> Waiting<'_, Q, A> {
        Waiting {
            waiters: self,
            waiter: Arc::new(Waiter {
                state: AtomicU32::new(WAITING),
                told: AtomicU32::new(0),
                waker: AtomicWaker::new(),
                question: Mutex::new(Some(question)),
                answer: Mutex::new(None),
            }),
            entered: false,
        }
    }
}

impl<Q, A> Waiter<Q, A> {
    fn advance(&self, from: u32, to: u32) -> bool {
        // ORDERING: AcqRel: question and answer go to whom the state gives them.
        self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// A caller in line.
///
/// Whoever drops it must first [`leave`](Self::leave) and undo the answer that may be there.
pub(super) struct Waiting<'waiters, Q, A> {
    waiters: &'waiters Waiters<Q, A>,
    waiter: Arc<Waiter<Q, A>>,
    entered: bool,
}

impl<Q, A> Waiting<'_, Q, A> {
    /// The answer, once it is there. Until then the caller's task is woken when it is, and also
    /// when it should call again. `serve` is to call [`Waiters::serve`].
    pub(super) fn poll(&mut self, waker: &Waker, serve: impl FnOnce()) -> Poll<A> {
        // Before the look at the state, so that no answer is missed.
        self.waiter.waker.register(waker);
        if !self.answered() {
            if !self.entered && !self.enter() {
                waker.wake_by_ref();
            }
            // ORDERING: Relaxed, in order before the call of `serve`, which looks after it.
            self.waiter.told.store(0, Ordering::Relaxed);
            serve();
        }
        match self.answered() {
            true => Poll::Ready(self.take_answer()),
            false => Poll::Pending,
        }
    }

    fn enter(&mut self) -> bool {
        let inbox = self.waiters.inbox.get_or_init(|| Box::new(RingBuffer::new(INBOX)));
        // ORDERING: SeqCst, the first half of "no wake-up is lost".
        self.waiters.parked.fetch_add(1, Ordering::SeqCst);
        match inbox.push(Arc::clone(&self.waiter)) {
            Ok(()) => self.entered = true,
            Err(PushError::Full(_) | PushError::Closed(_)) => {
                self.waiters.parked.fetch_sub(1, Ordering::SeqCst);
            }
        }
        self.entered
    }

    fn answered(&self) -> bool {
        // ORDERING: Acquire, pairs with the Release in `advance`: the answer is there.
        self.waiter.state.load(Ordering::Acquire) == ANSWERED
    }

    fn take_answer(&mut self) -> A {
        let answer = self.waiter.answer.try_lock().expect(UNCONTENDED).take();
        answer.expect("it is taken once")
    }

    /// As [`leave`](Self::leave), but not while the server is at the question: then `None`, and the
    /// caller asks again.
    pub(super) fn try_leave(&mut self) -> Option<Left<Q, A>> {
        if self.entered && !self.answered() && !self.waiter.advance(WAITING, LEFT) {
            return self.answered().then(|| self.leave());
        }
        if self.entered && !self.answered() {
            self.count_out();
            let question = self.waiter.question.try_lock().expect(UNCONTENDED).take();
            return Some(Left::Unanswered(question));
        }
        Some(self.leave())
    }

    /// Gives up the place in line, at once. Returns the answer where that came first and was not
    /// taken, and the question where it was not answered and nobody is at it.
    pub(super) fn leave(&mut self) -> Left<Q, A> {
        if !self.entered {
            return Left::Unanswered(self.waiter.question.try_lock().expect(UNCONTENDED).take());
        }
        // ORDERING: AcqRel, as in `advance`.
        let before = self.waiter.state.swap(LEFT, Ordering::AcqRel);
        match before {
            ANSWERED => Left::Answered(self.waiter.answer.try_lock().expect(UNCONTENDED).take()),
            LEFT => Left::Unanswered(None),
            _ => {
                self.count_out();
                match before {
                    WAITING => {
                        Left::Unanswered(self.waiter.question.try_lock().expect(UNCONTENDED).take())
                    }
                    _ => Left::Unanswered(None),
                }
            }
        }
    }
}

impl<Q, A> Waiting<'_, Q, A> {
    /// Of those who wait. Somebody else is told to look again if this one was and did not.
    fn count_out(&self) {
        self.waiters.left.fetch_add(1, Ordering::Relaxed);
        self.waiters.parked.fetch_sub(1, Ordering::SeqCst);
        // ORDERING: Relaxed, shown by the state that was left.
        if self.waiter.told.load(Ordering::Relaxed) != 0 {
            self.waiters.nudge();
        }
    }
}

/// How a waiter left.
pub(super) enum Left<Q, A> {
    /// With the answer, unless that was taken before.
    Answered(Option<A>),
    /// With the question, unless the server was at it.
    Unanswered(Option<Q>),
}
