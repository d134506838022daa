//! Recorded histories, and the search for an order that explains them.
//!
//! The search is Wing and Gong's ("Testing and Verifying Concurrent Objects", 1993) with Lowe's
//! memory of the states already tried: take any operation that nothing unexplained comes before,
//! do it on the sequential queue if that could have answered so, and go on from there.

use std::collections::HashSet;

use crate::spec::{Op, Outcome, Queue, Tag};

/// One call of one thread.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// What was called.
    pub op: Op,
    /// What it answered.
    pub outcome: Outcome,
    /// Per thread, how many of its calls had ended when this one began.
    pub after: Vec<usize>,
}

/// What the threads of one run called and were answered, each in its own order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct History {
    /// The calls, by thread.
    pub threads: Vec<Vec<Event>>,
    /// What was left in the queue when all had ended; `None` if that is not known.
    pub left: Option<Vec<Tag>>,
}

/// How far an explanation has got.
#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    queue: Queue,
    /// Per thread, how many of its calls are explained.
    done: Vec<usize>,
    /// Per thread, whether its next call is a `force_push` that has begun in an open queue.
    begun: Vec<bool>,
}

impl History {
    /// Whether some order of whole operations, from `start` on, gives all these answers. In it each
    /// thread's calls are in its order, and what ended before another call began comes before it.
    ///
    /// A `force_push` is two steps: it must begin while the queue is open, and may take effect at
    /// any later moment, which is the exception its documentation makes.
    pub fn is_linearizable(&self, start: &Queue) -> bool {
        let threads = self.threads.len();
        let mut tried = HashSet::new();
        let mut open = vec![State {
            queue: start.clone(),
            done: vec![0; threads],
            begun: vec![false; threads],
        }];
        while let Some(state) = open.pop() {
            if self.explains(&state) {
                return true;
            }
            for thread in 0..threads {
                open.extend(self.step(&state, thread).filter(|next| tried.insert(next.clone())));
            }
        }
        false
    }

    /// Whether every call is explained, and the queue then holds what was found in it.
    fn explains(&self, state: &State) -> bool {
        self.threads.iter().zip(&state.done).all(|(calls, &done)| done == calls.len())
            && self.left.as_ref().is_none_or(|left| state.queue.values().eq(left.iter().copied()))
    }

    /// The state after the next step of `thread`, if it may come next.
    fn step(&self, state: &State, thread: usize) -> Option<State> {
        let event = self.threads[thread].get(state.done[thread])?;
        if event.after.iter().zip(&state.done).any(|(&ended, &done)| done < ended) {
            return None;
        }
        let mut next = state.clone();
        let takes_effect = matches!(event.outcome, Outcome::Pushed | Outcome::Displaced(_));
        let permitted = match event.op {
            Op::ForcePush(_) if takes_effect && !state.begun[thread] => {
                next.begun[thread] = true;
                return (!state.queue.is_closed()).then_some(next);
            }
            Op::ForcePush(_) if takes_effect => {
                next.queue.permits_force_begun(&event.op, &event.outcome)
            }
            _ => next.queue.permits(&event.op, &event.outcome),
        };
        next.begun[thread] = false;
        next.done[thread] += 1;
        permitted.then_some(next)
    }

    /// A call that answered busy although no call of another thread overlapped it.
    pub fn busy_alone(&self) -> Option<&Event> {
        let calls = |thread: usize| self.threads[thread].iter().enumerate();
        (0..self.threads.len()).find_map(|mine| {
            let (_, event) = calls(mine).find(|(at, event)| {
                let overlapped =
                    (0..self.threads.len()).filter(|&other| other != mine).any(|other| {
                        // Not ended when mine began, and begun before mine ended.
                        calls(other)
                            .skip(event.after[other])
                            .any(|(_, call)| call.after[mine] <= *at)
                    });
                event.outcome == Outcome::Busy && !overlapped
            })?;
            Some(event)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(op: Op, outcome: Outcome, after: [usize; 2]) -> Event {
        Event { op, outcome, after: after.to_vec() }
    }

    fn explained(capacity: usize, threads: [Vec<Event>; 2], left: &[Tag]) -> bool {
        History { threads: threads.to_vec(), left: Some(left.to_vec()) }
            .is_linearizable(&Queue::new(capacity))
    }

    #[test]
    fn a_pop_may_not_miss_a_push_that_ended_before_it() {
        for (ended, explainable) in [(0, true), (1, false)] {
            let push = vec![event(Op::Push(1), Outcome::Pushed, [0, 0])];
            let pop = vec![event(Op::Pop, Outcome::Empty, [ended, 0])];
            assert_eq!(explained(1, [push, pop], &[1]), explainable);
        }
    }

    #[test]
    fn full_and_empty_that_need_opposite_orders_are_refused() {
        let pushes = vec![
            event(Op::Push(1), Outcome::Pushed, [0, 0]),
            event(Op::Push(2), Outcome::Full, [1, 0]),
        ];
        let pops =
            |last| vec![event(Op::Pop, Outcome::Popped(9), [0, 0]), event(Op::Pop, last, [0, 1])];
        let mut start = Queue::new(2);
        start.answer(&Op::Push(9));
        for (last, left, explainable) in
            [(Outcome::Popped(1), vec![], true), (Outcome::Empty, vec![1], false)]
        {
            let threads = vec![pushes.clone(), pops(last)];
            let history = History { threads, left: Some(left) };
            assert_eq!(history.is_linearizable(&start), explainable);
        }
    }

    #[test]
    fn a_value_may_not_be_lost_or_come_twice() {
        let push = vec![event(Op::Push(1), Outcome::Pushed, [0, 0])];
        assert!(!explained(2, [push.clone(), vec![]], &[]));
        assert!(!explained(2, [push.clone(), vec![]], &[1, 1]));
        assert!(explained(2, [push, vec![]], &[1]));
    }

    #[test]
    fn a_force_push_may_end_after_close_only_if_it_began_before() {
        for (closed_first, explainable) in [(0, true), (1, false)] {
            let force = vec![event(Op::ForcePush(1), Outcome::Pushed, [0, closed_first])];
            let close = vec![
                event(Op::Close, Outcome::Is(true), [0, 0]),
                event(Op::Pop, Outcome::Closed, [0, 1]),
                event(Op::Pop, Outcome::Popped(1), [0, 2]),
            ];
            assert_eq!(explained(1, [force, close], &[]), explainable);
        }
    }

    #[test]
    fn busy_needs_a_neighbour() {
        for (ended, alone) in [(0, false), (1, true)] {
            let push = vec![event(Op::Push(1), Outcome::Pushed, [0, 0])];
            let pop = vec![event(Op::TryPop, Outcome::Busy, [ended, 0])];
            let history = History { threads: vec![push, pop], left: None };
            assert_eq!(history.busy_alone().is_some(), alone);
        }
    }
}
