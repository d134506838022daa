//! The sequential queue, and the operations on it as data.

use std::collections::VecDeque;

/// A value: by convention ten times its producer plus a number that counts up.
pub type Tag = u8;

/// One call of the ring.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // each variant is the method of its name
pub enum Op {
    Push(Tag),
    TryPush(Tag),
    ForcePush(Tag),
    PushBatch(Vec<Tag>),
    Pop,
    TryPop,
    PopBatch(usize),
    TryPopBatch(usize),
    Len,
    IsEmpty,
    IsFull,
    Close,
    IsClosed,
}

/// What a call answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// A push took effect.
    Pushed,
    /// A `force_push` took effect and gave back this oldest value.
    Displaced(Tag),
    /// A push of a batch moved so many.
    Moved(usize),
    /// A push was refused: full.
    Full,
    /// A pop gave this value.
    Popped(Tag),
    /// A pop of a batch gave these.
    Batch(Vec<Tag>),
    /// A pop was refused: empty.
    Empty,
    /// A push or a pop was refused: closed.
    Closed,
    /// A `try_` form met a neighbour inside its claim window.
    Busy,
    /// `len`.
    Count(usize),
    /// Any question with yes or no.
    Is(bool),
}

/// A queue with a capacity and a closed flag, one operation at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Queue {
    capacity: usize,
    values: VecDeque<Tag>,
    closed: bool,
}

impl Queue {
    /// An empty, open queue.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, values: VecDeque::new(), closed: false }
    }

    /// What is in it, oldest first.
    pub fn values(&self) -> impl Iterator<Item = Tag> + '_ {
        self.values.iter().copied()
    }

    /// Whether it has been closed.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Does what `op` does when nobody else is about: a batch moves all that can be moved, and
    /// nothing is ever busy.
    pub fn answer(&mut self, op: &Op) -> Outcome {
        let room = self.capacity - self.values.len();
        match op {
            Op::Push(_) | Op::TryPush(_) | Op::ForcePush(_) if self.closed => Outcome::Closed,
            Op::Push(_) | Op::TryPush(_) if room == 0 => Outcome::Full,
            Op::Push(tag) | Op::TryPush(tag) => {
                self.values.push_back(*tag);
                Outcome::Pushed
            }
            Op::ForcePush(tag) => {
                let oldest = if room == 0 { self.values.pop_front() } else { None };
                self.values.push_back(*tag);
                oldest.map_or(Outcome::Pushed, Outcome::Displaced)
            }
            Op::PushBatch(tags) => {
                let count = if self.closed { 0 } else { tags.len().min(room) };
                self.values.extend(&tags[..count]);
                Outcome::Moved(count)
            }
            Op::Pop | Op::TryPop => match self.values.pop_front() {
                Some(tag) => Outcome::Popped(tag),
                None if self.closed => Outcome::Closed,
                None => Outcome::Empty,
            },
            Op::PopBatch(max) => {
                let count = self.values.len().min(*max);
                Outcome::Batch(self.values.drain(..count).collect())
            }
            Op::TryPopBatch(max) => match self.answer(&Op::PopBatch(*max)) {
                Outcome::Batch(tags) if tags.is_empty() && *max > 0 => {
                    if self.closed {
                        Outcome::Closed
                    } else {
                        Outcome::Empty
                    }
                }
                batch => batch,
            },
            Op::Len => Outcome::Count(self.values.len()),
            Op::IsEmpty => Outcome::Is(self.values.is_empty()),
            Op::IsFull => Outcome::Is(room == 0),
            Op::IsClosed => Outcome::Is(self.closed),
            Op::Close => Outcome::Is(!std::mem::replace(&mut self.closed, true)),
        }
    }

    /// Does `op` as it must have been done to answer `outcome`; false if it could not have
    /// answered that in this state.
    ///
    /// Two answers are allowed beside the one that [`answer`](Self::answer) gives: busy, which
    /// does nothing; and a batch that is shorter than it could be, but not zero, because the ring
    /// moves only what is free, or published, at that moment.
    pub fn permits(&mut self, op: &Op, outcome: &Outcome) -> bool {
        match (op, outcome) {
            (Op::TryPush(_) | Op::TryPop | Op::TryPopBatch(_), Outcome::Busy) => true,
            (Op::PushBatch(tags), Outcome::Moved(count)) if (1..tags.len()).contains(count) => {
                self.answer(&Op::PushBatch(tags[..*count].to_vec())) == *outcome
            }
            (Op::PopBatch(max) | Op::TryPopBatch(max), Outcome::Batch(tags))
                if (1..*max).contains(&tags.len()) =>
            {
                self.answer(&Op::PopBatch(tags.len())) == *outcome
            }
            _ => self.answer(op) == *outcome,
        }
    }

    /// Completes a `force_push` that began while the queue was open, whether it still is or not.
    pub fn permits_force_begun(&mut self, op: &Op, outcome: &Outcome) -> bool {
        let closed = std::mem::replace(&mut self.closed, false);
        let permitted = self.answer(op) == *outcome;
        self.closed = closed;
        permitted
    }
}
