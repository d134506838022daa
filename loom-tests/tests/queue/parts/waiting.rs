//! Waiters by themselves, for something that is only counted.

use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use super::waiters::{Left, Served, Waiters};
use crate::model::{Model, race, race_three};
use crate::sync::{AtomicU32, Ordering};
use crate::waking::{block_on, poll_once};

/// Things to be had, and who waits for one. Each waiter is known by its question.
struct Shop {
    things: AtomicU32,
    waiters: Waiters<u32, u32>,
}

impl Shop {
    fn new(things: u32) -> Arc<Self> {
        let shop = Self { things: AtomicU32::new(0), waiters: Waiters::new() };
        // What waiters need is in a `OnceBox`, and that this passes memory on loom does not see.
        shop.look_in(0);
        shop.things.store(things, Ordering::SeqCst);
        Arc::new(shop)
    }

    fn serve(&self) {
        self.waiters.serve(
            |question| {
                let one_less = |things: u32| things.checked_sub(1);
                let taken = self.things.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less);
                match taken {
                    Ok(_) => Served::Answer(question.expect("it is asked once")),
                    Err(_) => Served::Nothing,
                }
            },
            |_| {
                self.things.fetch_add(1, Ordering::SeqCst);
            },
        );
    }

    fn bring(&self) {
        self.things.fetch_add(1, Ordering::SeqCst);
        if self.waiters.any() {
            self.serve();
        }
    }

    fn wait(&self, question: u32) -> u32 {
        let mut waiting = self.waiters.wait(question);
        block_on(|context: &mut Context<'_>| waiting.poll(context.waker(), || self.serve()))
    }

    /// Looks once and leaves. Whether it got something, which it brings back.
    fn look_in(&self, question: u32) -> bool {
        let mut waiting = self.waiters.wait(question);
        let looked = poll_once(|context| waiting.poll(context.waker(), || self.serve()));
        let got =
            matches!(looked, Poll::Ready(_)) || matches!(waiting.leave(), Left::Answered(Some(_)));
        if got {
            self.bring();
        }
        got
    }

    fn left(&self) -> u32 {
        assert_eq!(self.waiters.len(), 0, "nobody waits");
        self.things.load(Ordering::SeqCst)
    }
}

#[test]
fn a_thing_against_one_who_parks() {
    Model::new("waiters: bring against wait").preemptions(4).check(&["1, left 0"], || {
        let shop = Shop::new(0);
        let (supplier, customer) = (Arc::clone(&shop), Arc::clone(&shop));
        let ((), got) = race(move || supplier.bring(), move || customer.wait(1));
        format!("{got}, left {}", shop.left())
    });
}

#[test]
fn two_who_park_and_two_things() {
    Model::new("waiters: two wait, two brought").check(&["1 2, left 0"], || {
        let shop = Shop::new(0);
        let (supplier, one, other) = (Arc::clone(&shop), Arc::clone(&shop), Arc::clone(&shop));
        let ((), first, second) = race_three(
            move || {
                supplier.bring();
                supplier.bring();
            },
            move || one.wait(1),
            move || other.wait(2),
        );
        format!("{first} {second}, left {}", shop.left())
    });
}

#[test]
fn one_leaves_and_one_stays() {
    Model::new("waiters: one leaves, one stays").check(
        &["false, 1, left 0", "true, 1, left 0"],
        || {
            let shop = Shop::new(0);
            let (supplier, stays, leaves) =
                (Arc::clone(&shop), Arc::clone(&shop), Arc::clone(&shop));
            let ((), got, looked) = race_three(
                move || supplier.bring(),
                move || stays.wait(1),
                move || leaves.look_in(2),
            );
            format!("{looked}, {got}, left {}", shop.left())
        },
    );
}
