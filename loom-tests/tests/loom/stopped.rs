//! A thread that the system stops between its claim and its stamp. Nobody else's `try_` call may
//! wait for it: if one did, loom would find that it never ends. Its slot is busy; the counts
//! answer, and what is not its slot goes on.

use loom_tests::spec::Op::{
    Close, ForcePush, IsEmpty, IsFull, Len, PopBatch, PushBatch, TryPop, TryPush,
};
use loom_tests::spec::Outcome::{Busy, Count, Empty, Full, Is, Popped, Pushed};

use crate::model::Model;

#[test]
fn m13_others_go_on_beside_a_stopped_producer() {
    let program = [TryPush(11), TryPop, Len, IsEmpty, IsFull, Close];
    for (capacity, push) in [(1, Full), (2, Pushed), (3, Pushed)] {
        let len = if push == Pushed { 2 } else { 1 };
        let full = Is(len == capacity);
        Model::new("stopped push", capacity)
            .thread(&program)
            .stopped_thread(TryPush(21))
            .reaches(&[push, Busy, Count(len), Is(false), full, Is(true)])
            .check();
    }
}

#[test]
fn m13_others_go_on_beside_a_stopped_consumer() {
    Model::new("stopped pop", 1)
        .holding(&[91])
        .thread(&[TryPop, TryPush(11), TryPop, Len])
        .stopped_thread(TryPop)
        .reaches(&[Empty, Busy, Empty, Count(0)])
        .check();
    Model::new("stopped pop", 2)
        .holding(&[91, 92])
        .thread(&[TryPop, TryPush(11), TryPop, Len])
        .stopped_thread(TryPop)
        .reaches(&[Popped(92), Busy, Empty, Count(0)])
        .check();
    Model::new("stopped pop", 3)
        .holding(&[91, 92])
        .thread(&[TryPush(11), TryPush(12), TryPop, TryPop])
        .stopped_thread(TryPop)
        .reaches(&[Pushed, Busy, Popped(92), Popped(11)])
        .check();
}

#[test]
fn m13_others_go_on_beside_a_stopped_force_push() {
    Model::new("stopped force_push", 2)
        .holding(&[91, 92])
        .thread(&[TryPush(11), TryPop, TryPush(12), TryPop, Len])
        .stopped_thread(ForcePush(21))
        .reaches(&[Full, Popped(92), Pushed, Busy, Count(2)])
        .check();
}

#[test]
fn m13_two_others_go_on_beside_a_stopped_producer() {
    Model::new("stopped push, push, pop", 2)
        .thread(&[TryPop, TryPop])
        .thread(&[TryPush(11)])
        .stopped_thread(TryPush(21))
        .reaches(&[Busy, Busy])
        .reaches(&[Popped(11), Busy])
        .reaches(&[Popped(11), Empty])
        .check();
}

#[test]
fn m13_others_go_on_beside_a_stopped_batch() {
    Model::new("stopped push_batch", 3)
        .thread(&[TryPush(11), TryPop, Len])
        .stopped_thread(PushBatch(vec![21, 22]))
        .reaches(&[Pushed, Busy, Count(3)])
        .check();
    Model::new("stopped pop_batch", 2)
        .holding(&[91, 92])
        .thread(&[TryPush(11), TryPop, Len])
        .stopped_thread(PopBatch(2))
        .reaches(&[Busy, Empty, Count(0)])
        .check();
}
