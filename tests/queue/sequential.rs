//! One thread, any operations: the queue and the model answer alike and count alike.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::Index;
use ringmq::queue::{
    LeaseError, Look, Memory, Message, MessageId, Millis, Options, Queue, Receipt, Request,
    TryReceiveError,
};

use crate::model::{Model, Nth, Tag, group};
use crate::operation::{Foreign, Letter, Op, Program, program};
use crate::times;

/// A queue and a model that are treated alike.
struct Both {
    queue: Queue,
    model: Model,
    memory: Arc<Memory>,
    now: Millis,
    /// The next tag: one a send, refused or not.
    tag: Tag,
    bodies: BTreeMap<Tag, Bytes>,
    ids: Vec<(Tag, MessageId)>,
    receipts: Vec<(Nth, Receipt)>,
    /// When the owner of the queue means to tick it: what the last tick said, or an alarm since.
    next_tick: Arc<AtomicU64>,
}

/// A body of this size that only this message has.
fn body(tag: Tag, size: u64) -> Bytes {
    let size = size.max(4) as usize;
    tag.to_le_bytes().into_iter().cycle().take(size).collect()
}

fn tag(message: &Message) -> Tag {
    Tag::from_le_bytes(message.body()[..4].try_into().expect("a tag has four bytes"))
}

fn pick<'list, T>(list: &'list [T], which: &Index) -> Option<&'list T> {
    (!list.is_empty()).then(|| which.get(list))
}

#[track_caller]
fn same<A: PartialEq + Debug>(queue: A, model: A) {
    assert_eq!(queue, model, "the queue, and what it should be");
}

impl Both {
    fn new(program: &Program) -> Self {
        let memory = Arc::new(Memory::new(program.memory));
        let next_tick = Arc::new(AtomicU64::new(u64::MAX));
        let alarm = {
            let next_tick = Arc::clone(&next_tick);
            move |due: Millis| {
                next_tick.fetch_min(due.0, Ordering::Relaxed);
            }
        };
        let queue =
            Queue::with(program.capacity, &program.settings, Arc::clone(&memory), Box::new(alarm));
        let queue = queue.expect("there is memory").into_counted();
        Self {
            queue: if program.fifo { queue.into_fifo() } else { queue },
            model: Model::new(
                program.fifo,
                program.capacity,
                program.memory,
                program.settings.clone(),
            ),
            memory,
            now: Millis(0),
            tag: 0,
            bodies: BTreeMap::new(),
            ids: Vec::new(),
            receipts: Vec::new(),
            next_tick,
        }
    }

    fn perform(&mut self, op: &Op) {
        let (queue, now) = (&self.queue, self.now);
        match op {
            Op::Send(size, options) => self.send(*size, *options),
            Op::SendBatch(batch) => self.send_batch(batch),
            Op::Receive(max, lease) => self.receive(*max, *lease),
            Op::Take => {
                same(queue.try_take(now).map(|message| tag(&message)).ok(), self.model.take(now))
            }
            Op::TakeNext { moved } => self.take_next(*moved),
            Op::Ack(which) => {
                let Some((nth, receipt)) = pick(&self.receipts, which) else { return };
                same(queue.ack(*receipt, now), self.model.ack(*nth, now));
            }
            Op::AckBatch(which) => {
                let which: Vec<_> =
                    which.iter().filter_map(|which| pick(&self.receipts, which)).collect();
                let mut answers = Vec::new();
                queue.ack_batch(which.iter().map(|(_, receipt)| *receipt), now, |answer| {
                    answers.push(answer);
                });
                let expected = which.iter().map(|(nth, _)| self.model.ack(*nth, now)).collect();
                same(answers, expected);
            }
            Op::Extend(which, lease) => {
                let Some((nth, receipt)) = pick(&self.receipts, which) else { return };
                let answer = queue.extend(*receipt, *lease, now);
                same(answer, self.model.extend(*nth, *lease, now));
            }
            Op::Release(which, delay) => {
                let Some((nth, receipt)) = pick(&self.receipts, which) else { return };
                let answer = queue.release(*receipt, *delay, now);
                same(answer, self.model.release(*nth, *delay, now));
            }
            Op::TakeBack(which) => {
                let Some((nth, receipt)) = pick(&self.receipts, which) else { return };
                same(queue.take_back(*receipt, now), self.model.take_back(*nth, now));
            }
            Op::Foreign(which, how) => self.foreign(which, *how),
            Op::DeadLetter(letter) => self.dead_letter(*letter),
            Op::Pass(ms) => self.now.0 += ms,
            Op::Tick => self.tick(),
            Op::Resize(capacity) => {
                same(queue.resize(*capacity, now), self.model.resize(*capacity));
            }
            Op::Purge => same(queue.purge(now), self.model.purge()),
            Op::Pause => same(queue.pause(), !std::mem::replace(&mut self.model.paused, true)),
            Op::Resume => same(queue.resume(now), std::mem::take(&mut self.model.paused)),
            Op::Set(settings) => {
                queue.set(settings, now);
                self.model.settings = settings.clone();
            }
            Op::Close => {
                queue.close(now);
                self.model.closed = true;
            }
            Op::Browse(max) => {
                let looks = queue.browse(*max, now);
                let tags: Vec<Tag> = looks.iter().map(|look| tag(&look.message)).collect();
                same(tags, self.model.browse(*max, now));
                looks.iter().for_each(|look| self.assert_looks_right(look));
            }
            Op::Find(which) => self.find(which),
        }
    }

    fn send(&mut self, size: u64, options: Options) {
        let (tag, message) = self.message(size);
        let size = message.size();
        let sent = self.queue.try_send(message.clone(), options, self.now);
        let accepted = sent.as_ref().ok().copied();
        let sent = sent.map(|_| ()).map_err(|refused| {
            assert_eq!(refused.message, message, "what was refused comes back");
            refused.why
        });
        same(sent, self.model.send(tag, size, options, self.now));
        if let Some(accepted) = accepted {
            same(accepted.number, self.model.messages[&tag].number);
            self.was_sent(tag, accepted.id, message);
        }
    }

    fn send_batch(&mut self, batch: &[(u64, Options)]) {
        let (sizes, options): (Vec<u64>, Vec<Options>) = batch.iter().copied().unzip();
        let made: Vec<_> = sizes.iter().map(|size| self.message(*size)).collect();
        let mut left: Vec<_> =
            made.iter().map(|(_, message)| message.clone()).zip(options.clone()).collect();
        let mut ids = Vec::new();
        self.queue.try_send_batch(&mut left, self.now, &mut ids);
        assert_eq!(ids.len() + left.len(), batch.len());
        for ((left, _), (_, message)) in left.iter().zip(&made[ids.len()..]) {
            assert_eq!(left, message, "what was not sent stays");
        }
        for (nth, (tag, message)) in made.into_iter().enumerate() {
            match ids.get(nth) {
                Some(id) => {
                    let expected = self.model.send(tag, message.size(), options[nth], self.now);
                    same(Ok(()), expected);
                    self.was_sent(tag, *id, message);
                }
                None => self.send(sizes[nth], options[nth]),
            }
        }
    }

    fn message(&mut self, size: u64) -> (Tag, Message) {
        let tag = self.tag;
        self.tag += 1;
        (tag, Message::bytes(&body(tag, size)).with_group(group(tag)))
    }

    fn was_sent(&mut self, tag: Tag, id: MessageId, message: Message) {
        assert!(!self.ids.iter().any(|(_, other)| *other == id), "an id is given once");
        self.ids.push((tag, id));
        self.bodies.insert(tag, message.into_body());
    }

    fn receive(&mut self, max: usize, lease: Option<Duration>) {
        let mut received = Vec::new();
        let answer = self.queue.try_receive(Request { max, lease }, self.now, &mut received);
        let expected = self.model.receive(max, lease, self.now);
        let tags: Vec<Tag> = received.iter().map(|delivery| tag(&delivery.message)).collect();
        same(tags, expected.iter().map(|(tag, _)| *tag).collect());
        same(answer, if expected.is_empty() { Err(TryReceiveError::Empty) } else { Ok(()) });
        for (nth, delivery) in expected.into_iter().zip(received) {
            self.assert_looks_right(&delivery);
            self.receipts.push((nth, delivery.receipt));
        }
    }

    fn take_next(&mut self, moved: bool) {
        let held = self.queue.take_next(self.now);
        let taken = held.map(|mut held| {
            let (message, ..) = held.look();
            if moved {
                held.moved(self.now);
            }
            tag(&message)
        });
        let expected = match moved {
            true => self.model.move_next(self.now),
            false => self.model.keep_next(self.now),
        };
        same(taken, expected.ok_or(TryReceiveError::Empty));
    }

    fn foreign(&self, which: &Index, how: Foreign) {
        let Some(((tag, _), receipt)) = pick(&self.receipts, which) else { return };
        let (slot, generation, delivery) = receipt.parts();
        let forged = match how {
            Foreign::Slot => Receipt::from_parts(slot + (1 << 20), generation, delivery),
            Foreign::Generation => Receipt::from_parts(slot, generation + (1 << 20), delivery),
            Foreign::Delivery => Receipt::from_parts(slot, generation, delivery + 10_000),
        };
        let expected = match how {
            Foreign::Slot | Foreign::Generation => LeaseError::Unknown,
            Foreign::Delivery if self.model.messages.contains_key(tag) => LeaseError::Lost,
            Foreign::Delivery => LeaseError::Gone,
        };
        let (queue, some_time) = (&self.queue, Duration::from_millis(1));
        same(queue.ack(forged, self.now), Err(expected));
        same(queue.extend(forged, some_time, self.now), Err(expected));
        same(queue.release(forged, some_time, self.now), Err(expected));
        same(queue.take_back(forged, self.now), Err(expected));
    }

    fn dead_letter(&mut self, letter: Letter) {
        let taken = self.queue.take_dead_letter().map(|mut held| {
            let (message, receive_count, sent_at) = held.look();
            let tag = tag(&message);
            let expected = &self.model.messages[&tag];
            same((receive_count, sent_at), (expected.receive_count, expected.sent_at));
            match letter {
                Letter::Moved => held.moved(self.now),
                Letter::KeptFor(ms) => held.keep(Millis(self.now.0 + ms)),
                Letter::Dropped => drop(held),
            }
            tag
        });
        let expected = match letter {
            Letter::Moved => self.model.move_dead_letter(),
            Letter::KeptFor(ms) => self.model.keep_dead_letter(Some(Millis(self.now.0 + ms))),
            Letter::Dropped => self.model.keep_dead_letter(None),
        };
        same(taken, expected);
    }

    fn tick(&mut self) {
        let next = self.queue.tick(self.now);
        self.model.tick(self.now);
        assert!(next > self.now, "what was due is done");
        self.next_tick.store(next.0, Ordering::Relaxed);
    }

    fn find(&self, which: &Index) {
        let Some((tag, id)) = pick(&self.ids, which) else { return };
        let look = self.queue.find_message(*id, self.now);
        let there = self.model.messages.get(tag);
        same(look.is_some(), there.is_some_and(|message| message.expires_at > self.now));
        if let Some(look) = look {
            self.assert_looks_right(&look);
        }
    }

    fn assert_looks_right(&self, look: &Look) {
        let tag = tag(&look.message);
        let expected = &self.model.messages[&tag];
        same((look.message.body(), look.message.group()), (&self.bodies[&tag], group(tag)));
        assert!(self.ids.contains(&(tag, look.id)), "it has the id that its sender was told");
        same((look.receive_count, look.number), (expected.receive_count, expected.number));
        let times = (expected.sent_at, expected.first_received_at);
        same((look.sent_at, look.first_received_at), times);
    }

    /// What must be true between any two operations.
    fn assert_alike(&self) {
        let (queue, model) = (&self.queue, &self.model);
        same(queue.counts(), model.counts());
        same(queue.depth(), model.counts().depth);
        same(queue.ready(), model.counts().ready);
        same((queue.is_fifo(), queue.capacity()), (model.fifo, model.capacity));
        same(queue.settings(), model.settings.clone());
        same(self.memory.used(), model.counts().bytes);
        same((queue.is_paused(), queue.is_closed()), (model.paused, model.closed));
        same(queue.has_dead_letters(), model.has_dead_letters());
        let next_tick = Millis(self.next_tick.load(Ordering::Relaxed));
        assert!(
            next_tick <= model.next_deadline(),
            "{next_tick:?} is too late for {:?}",
            model.next_deadline()
        );
    }

    /// Whatever happened, every place can be filled again.
    fn assert_usable(mut self) {
        let receipts: HashSet<Receipt> =
            self.receipts.iter().map(|(_, receipt)| *receipt).collect();
        assert_eq!(receipts.len(), self.receipts.len(), "a receipt is given once");
        self.perform(&Op::Purge);
        self.perform(&Op::DeadLetter(Letter::Moved));
        self.assert_alike();
        assert_eq!(self.queue.depth(), 0);
        self.perform(&Op::Resume);
        self.perform(&Op::Set(ringmq::queue::Settings::default()));
        if !self.model.closed && self.model.memory == u64::MAX {
            for _ in 0..self.model.capacity {
                self.send(1, Options::default());
            }
            assert_eq!(self.queue.ready(), self.queue.capacity());
            self.send(1, Options::default());
            self.receive(100, None);
        }
        drop(self.queue);
        assert_eq!(self.memory.used(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: times(500, 4) as u32,
        failure_persistence: None, // no files beside the sources, and miri has none
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_queue_answers_as_its_model(program in program()) {
        let mut both = Both::new(&program);
        for op in &program.ops {
            both.perform(op);
            both.assert_alike();
        }
        both.assert_usable();
    }
}
