//! Threads that send, receive, and acknowledge late or never, while leases run out and the capacity
//! changes; and sums that must come out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use ringmq::queue::{
    Delivery, LeaseError, Message, Millis, Options, Queue, Request, ResizeError, SendRefusal,
    TryReceiveError,
};

use crate::support::{ms, queue, refusal, send, take_all};
use crate::times;

const PRODUCERS: usize = 4;
const CONSUMERS: usize = 4;
const EACH: usize = times(15_000, 6);
const CAPACITIES: std::ops::Range<u64> = 1..60;

/// What became of one message.
#[derive(Default)]
struct Fate {
    accepted: AtomicU32,
    /// Deliveries, those that were taken back not counted.
    deliveries: AtomicU32,
    acks: AtomicU32,
    /// How often it had been received, says the delivery that was acknowledged.
    receive_count: AtomicU32,
}

struct World {
    queue: Queue,
    clock: AtomicU64,
    fates: Vec<Fate>,
    acked: AtomicU64,
    failed: AtomicBool,
}

/// Ends the test for all threads where one panics.
struct EndsAll<'world>(&'world World);

impl Drop for EndsAll<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.failed.store(true, Ordering::SeqCst);
        }
    }
}

/// A delivery, and when its lease ends at the earliest.
struct Work {
    delivery: Delivery,
    deadline: Millis,
}

/// xorshift: the same numbers every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Sleeps until it is ready: for ever, if a wake-up is lost and nobody else comes by.
fn block_on<A>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<A>) -> A {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::park(),
        }
    }
}

impl World {
    fn now(&self) -> Millis {
        Millis(self.clock.load(Ordering::SeqCst))
    }

    fn is_over(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
            || self.acked.load(Ordering::SeqCst) == self.fates.len() as u64
    }

    fn fate(&self, message: &Message) -> &Fate {
        let number: [u8; 4] = message.body().try_into().expect("every body is a number");
        &self.fates[u32::from_le_bytes(number) as usize]
    }

    fn produce(&self, producer: usize) {
        for number in producer * EACH..(producer + 1) * EACH {
            let mut message = Message::bytes(&(number as u32).to_le_bytes());
            let waits = producer.is_multiple_of(2);
            if waits {
                let mut sending = self.queue.wait_to_send(message, Options::default());
                let sent = block_on(|context| sending.poll(context, self.now()));
                assert!(sent.is_ok() || self.is_over());
            } else {
                while let Err(refused) =
                    self.queue.try_send(message, Options::default(), self.now())
                {
                    let (SendRefusal::Full { .. } | SendRefusal::Busy) = refused.why else {
                        panic!("{refused}")
                    };
                    if self.is_over() {
                        return;
                    }
                    message = refused.message;
                    thread::yield_now();
                }
            }
            self.fates[number].accepted.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn receive(&self, waits: bool, dice: &mut Dice) -> Vec<Work> {
        let lease = ms(1 + dice.roll(8));
        let request = Request { max: 1 + dice.roll(4) as usize, lease: Some(lease) };
        let mut received = Vec::new();
        let deadline = if waits {
            let mut receiving = self.queue.wait_to_receive(request);
            received = block_on(|context| receiving.poll(context, self.now()));
            // Whoever served it said what time it was.
            Millis(0)
        } else {
            let now = self.now();
            match self.queue.try_receive(request, now, &mut received) {
                Ok(()) => {}
                Err(TryReceiveError::Empty | TryReceiveError::Busy) => thread::yield_now(),
            }
            now.after(lease)
        };
        for delivery in &received {
            self.fate(&delivery.message).deliveries.fetch_add(1, Ordering::Relaxed);
        }
        received.into_iter().map(|delivery| Work { delivery, deadline }).collect()
    }

    fn consume(&self, consumer: usize) {
        let mut dice = Dice(consumer as u64 + 1);
        let waits = consumer.is_multiple_of(2);
        let mut for_later = Vec::new();
        while !self.is_over() {
            for work in self.receive(waits, &mut dice) {
                match dice.roll(10) {
                    0 => {} // forgotten: its lease runs out
                    1 | 2 => for_later.push(work),
                    3 => self.expect_lease(self.release(&work, &mut dice), &work),
                    4 => self.take_back(&work),
                    5 => {
                        let extended = self.queue.extend(work.delivery.receipt, ms(3), self.now());
                        self.expect_lease(extended, &work);
                        for_later.push(Work { deadline: Millis(0), ..work });
                    }
                    _ => self.ack(&work),
                }
            }
            if for_later.len() > dice.roll(8) as usize {
                for_later.drain(..).for_each(|work| self.ack(&work));
            }
        }
    }

    fn release(&self, work: &Work, dice: &mut Dice) -> Result<(), LeaseError> {
        self.queue.release(work.delivery.receipt, ms(dice.roll(3)), self.now())
    }

    fn take_back(&self, work: &Work) {
        let taken_back = self.queue.take_back(work.delivery.receipt, self.now());
        if taken_back.is_ok() {
            self.fate(&work.delivery.message).deliveries.fetch_sub(1, Ordering::Relaxed);
        }
        self.expect_lease(taken_back, work);
    }

    fn ack(&self, work: &Work) {
        let acked = self.queue.ack(work.delivery.receipt, self.now());
        if acked.is_ok() {
            let fate = self.fate(&work.delivery.message);
            fate.acks.fetch_add(1, Ordering::Relaxed);
            fate.receive_count.store(work.delivery.receive_count, Ordering::Relaxed);
            self.acked.fetch_add(1, Ordering::SeqCst);
        }
        self.expect_lease(acked, work);
    }

    /// Nobody is told that the lease is lost before it has run out.
    fn expect_lease(&self, answer: Result<(), LeaseError>, work: &Work) {
        match answer {
            Ok(()) => {}
            Err(LeaseError::Lost | LeaseError::Gone) => assert!(work.deadline <= self.now()),
            Err(LeaseError::Unknown) => panic!("this receipt was given"),
        }
    }

    fn keep_time(&self) {
        while !self.is_over() {
            let now = Millis(self.clock.fetch_add(1, Ordering::SeqCst) + 1);
            self.queue.tick(now);
            thread::yield_now();
        }
    }

    fn resize(&self) {
        let mut dice = Dice(77);
        while !self.is_over() {
            let capacity = CAPACITIES.start + dice.roll(CAPACITIES.end - CAPACITIES.start);
            match self.queue.resize(capacity, self.now()) {
                Ok(()) => assert_eq!(self.queue.capacity(), capacity),
                Err(refused) => assert_eq!(refused, ResizeError::BelowDepth { capacity }),
            }
            assert!(self.queue.depth() <= CAPACITIES.end);
            thread::yield_now();
        }
    }

    /// All messages are acknowledged once, after as many deliveries as were counted; the queue is
    /// empty, and every place of it usable.
    fn assert_adds_up(&self) {
        for fate in &self.fates {
            let [accepted, acks] =
                [&fate.accepted, &fate.acks].map(|it| it.load(Ordering::Relaxed));
            assert_eq!((accepted, acks), (1, 1));
            let [deliveries, receive_count] =
                [&fate.deliveries, &fate.receive_count].map(|it| it.load(Ordering::Relaxed));
            assert_eq!(deliveries, receive_count, "no delivery after the acknowledgement");
        }
        let (queue, all) = (&self.queue, self.fates.len() as u64);
        let counts = queue.counts();
        assert_eq!((counts.sent, counts.gone, counts.bytes), (all, all, 0));
        assert_eq!((counts.depth, counts.ready, counts.in_flight, counts.delayed), (0, 0, 0, 0));
        assert_eq!((counts.waiting_receivers, counts.waiting_senders), (0, 0));
        assert!(counts.lease_ends > 0, "leases ran out");
        let now = self.now();
        for capacity in [queue.capacity(), CAPACITIES.end, 1, 10] {
            queue.resize(capacity, now).expect("it is empty");
            for _ in 0..capacity {
                send(queue, "message", now);
            }
            assert_eq!(refusal(queue, "more", now), SendRefusal::Full { capacity });
            assert_eq!(take_all(queue, now).len() as u64, capacity);
        }
    }
}

#[test]
fn every_message_is_acknowledged_once() {
    let world = World {
        queue: queue(CAPACITIES.end),
        clock: AtomicU64::new(0),
        fates: (0..PRODUCERS * EACH).map(|_| Fate::default()).collect(),
        acked: AtomicU64::new(0),
        failed: AtomicBool::new(false),
    };
    thread::scope(|scope| {
        let spawn = |work: Box<dyn Fn(&World) + Send>| {
            let world = &world;
            scope.spawn(move || {
                let _ends_all = EndsAll(world);
                work(world);
            });
        };
        for producer in 0..PRODUCERS {
            spawn(Box::new(move |world| world.produce(producer)));
        }
        for consumer in 0..CONSUMERS {
            spawn(Box::new(move |world| world.consume(consumer)));
        }
        spawn(Box::new(World::keep_time));
        spawn(Box::new(World::resize));
        while !world.is_over() {
            thread::yield_now();
        }
        // Consumers that wait for one message more.
        world.queue.dismiss();
    });
    world.assert_adds_up();
}
