//! What all clients saw, and whether one honest queue can have shown them that.
//!
//! Each call has the span of time between its request and its answer; it took effect somewhere
//! within. The checks below reject a history only if no choice of those moments explains it, and
//! they need a sort each, where a full search for a witness would be exponential. They cover what
//! the service promises: every event once, first in first out in real time (a producer's own
//! order is a special case), and a true "full" or "empty".

use std::collections::HashMap;
use std::time::Instant;

#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub start: Instant,
    pub end: Instant,
}

impl Span {
    pub fn measure<T>(call: impl FnOnce() -> T) -> (Self, T) {
        let start = Instant::now();
        let answer = call();
        (Self { start, end: Instant::now() }, answer)
    }
}

#[derive(Clone, Debug)]
pub enum Call {
    Enqueued(String, Span),
    Dequeued(String, Span),
    Full(Span),
    Empty(Span),
}

/// One event's way through the queue.
struct Passage {
    enqueued: Span,
    dequeued: Span,
}

/// Checks a history that ends with an empty queue.
pub fn check(calls: &[Call], capacity: usize) -> Result<(), String> {
    let passages = passages(calls)?;
    check_order(&passages)?;
    let mut empties = Vec::new();
    let mut fulls = Vec::new();
    for call in calls {
        match call {
            Call::Empty(span) => empties.push(*span),
            Call::Full(span) => fulls.push(*span),
            Call::Enqueued(..) | Call::Dequeued(..) => {}
        }
    }
    check_empty(&passages, &empties)?;
    check_full(&passages, &fulls, capacity)
}

/// Pairs each event's enqueue with its dequeue: nothing lost, nothing twice, nothing invented.
fn passages(calls: &[Call]) -> Result<Vec<Passage>, String> {
    let mut enqueued = HashMap::new();
    for call in calls {
        if let Call::Enqueued(event, span) = call
            && enqueued.insert(event, *span).is_some()
        {
            return Err(format!("{event} was enqueued twice: the test is wrong"));
        }
    }
    let mut passages = Vec::new();
    for call in calls {
        if let Call::Dequeued(event, span) = call {
            let enqueued =
                enqueued.remove(event).ok_or_else(|| format!("{event} came twice or never was"))?;
            if span.end < enqueued.start {
                return Err(format!("{event} came before it was sent"));
            }
            passages.push(Passage { enqueued, dequeued: *span });
        }
    }
    match enqueued.len() {
        0 => Ok(passages),
        lost => Err(format!("{lost} events were lost")),
    }
}

/// First in, first out: where one enqueue ended before another began, the second event's dequeue
/// cannot have ended before the first one's began.
fn check_order(passages: &[Passage]) -> Result<(), String> {
    let mut first: Vec<_> = passages.iter().collect();
    let mut second = first.clone();
    first.sort_unstable_by_key(|passage| passage.enqueued.end);
    second.sort_unstable_by_key(|passage| passage.enqueued.start);
    let mut earlier = first.into_iter().peekable();
    let mut latest_start = None;
    for passage in second {
        while let Some(before) = earlier.next_if(|p| p.enqueued.end < passage.enqueued.start) {
            latest_start = latest_start.max(Some(before.dequeued.start));
        }
        if latest_start > Some(passage.dequeued.end) {
            return Err("an event overtook one that was sent before it".to_owned());
        }
    }
    Ok(())
}

/// "Empty" is false if one and the same event was there from before the call until after it.
fn check_empty(passages: &[Passage], empties: &[Span]) -> Result<(), String> {
    let mut inside: Vec<_> = passages.iter().collect();
    inside.sort_unstable_by_key(|passage| passage.enqueued.end);
    let mut inside = inside.into_iter().peekable();
    let mut latest_start = None;
    let mut empties = empties.to_vec();
    empties.sort_unstable_by_key(|span| span.start);
    for empty in empties {
        while let Some(before) = inside.next_if(|passage| passage.enqueued.end < empty.start) {
            latest_start = latest_start.max(Some(before.dequeued.start));
        }
        if latest_start > Some(empty.end) {
            return Err("the queue said empty while an event lay in it".to_owned());
        }
    }
    Ok(())
}

/// "Full" is false if fewer events than fit can have been inside at any moment of the call.
fn check_full(passages: &[Passage], fulls: &[Span], capacity: usize) -> Result<(), String> {
    let mut begun: Vec<_> = passages.iter().map(|passage| passage.enqueued.start).collect();
    let mut gone: Vec<_> = passages.iter().map(|passage| passage.dequeued.end).collect();
    begun.sort_unstable();
    gone.sort_unstable();
    for full in fulls {
        let begun = begun.partition_point(|&start| start < full.end);
        let gone = gone.partition_point(|&end| end < full.start);
        if begun - gone < capacity {
            return Err(format!("the queue said full with {} of {capacity}", begun - gone));
        }
    }
    Ok(())
}

/// A checker that lets everything pass would make every test above worthless.
mod bites {
    use std::time::Duration;

    use super::*;

    /// A call from `start` to `end`, in seconds after a common beginning.
    fn spans() -> impl Fn(u64, u64) -> Span {
        let zero = Instant::now();
        move |start, end| Span {
            start: zero + Duration::from_secs(start),
            end: zero + Duration::from_secs(end),
        }
    }

    fn sent(event: &str, span: Span) -> Call {
        Call::Enqueued(event.to_owned(), span)
    }

    fn came(event: &str, span: Span) -> Call {
        Call::Dequeued(event.to_owned(), span)
    }

    #[track_caller]
    fn assert_fault(calls: &[Call], capacity: usize, fault: &str) {
        let outcome = check(calls, capacity);
        assert!(outcome.as_ref().is_err_and(|text| text.contains(fault)), "{outcome:?}");
    }

    #[test]
    fn an_honest_history_passes() {
        let at = spans();
        let calls = [
            Call::Empty(at(0, 1)),
            sent("a", at(2, 3)),
            sent("b", at(4, 5)),
            Call::Full(at(6, 7)),
            came("a", at(8, 9)),
            came("b", at(10, 11)),
            Call::Empty(at(12, 13)),
        ];
        assert_eq!(check(&calls, 2), Ok(()));
    }

    #[test]
    fn what_overlaps_may_have_happened_in_either_order() {
        let at = spans();
        let calls = [
            sent("a", at(0, 3)),
            sent("b", at(1, 2)),
            came("b", at(4, 5)),
            came("a", at(6, 7)),
            sent("c", at(8, 9)),
            sent("d", at(10, 11)),
            came("d", at(12, 14)),
            came("c", at(13, 15)),
            Call::Full(at(1, 2)),
            Call::Empty(at(6, 8)),
            Call::Empty(at(8, 9)),
        ];
        assert_eq!(check(&calls, 2), Ok(()));
    }

    #[test]
    fn a_lost_event_is_seen() {
        let at = spans();
        assert_fault(&[sent("a", at(0, 1))], 1, "1 events were lost");
    }

    #[test]
    fn a_doubled_event_is_seen() {
        let at = spans();
        let calls = [sent("a", at(0, 1)), came("a", at(2, 3)), came("a", at(4, 5))];
        assert_fault(&calls, 1, "twice");
    }

    #[test]
    fn an_event_from_the_future_is_seen() {
        let at = spans();
        assert_fault(&[came("a", at(0, 1)), sent("a", at(2, 3))], 1, "before it was sent");
    }

    #[test]
    fn an_event_that_overtakes_is_seen() {
        let at = spans();
        let calls =
            [sent("a", at(0, 1)), sent("b", at(2, 3)), came("b", at(4, 5)), came("a", at(6, 7))];
        assert_fault(&calls, 2, "overtook");
    }

    #[test]
    fn a_false_empty_is_seen() {
        let at = spans();
        let calls = [sent("a", at(0, 1)), Call::Empty(at(2, 3)), came("a", at(4, 5))];
        assert_fault(&calls, 1, "said empty");
    }

    #[test]
    fn a_false_full_is_seen() {
        let at = spans();
        let calls = [sent("a", at(0, 1)), Call::Full(at(2, 3)), came("a", at(4, 5))];
        assert_fault(&calls, 2, "said full with 1 of 2");
    }
}
