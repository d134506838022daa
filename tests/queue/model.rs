//! What a queue is, without threads: messages in a map, lines in deques, every rule in its place.
//!
//! A message is known by its tag, a delivery by the tag and how many deliveries came before. Tags
//! rise from send to send, so their order is that of the sends.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use ringmq::queue::{
    Counts, LeaseError, Millis, Options, Overflow, ResizeError, SendRefusal, Settings,
};

pub type Tag = u32;

/// The group of a message. On a queue that is not FIFO it says nothing.
pub fn group(tag: Tag) -> Option<&'static str> {
    // As if at random.
    [None, Some("a"), Some("b")][(tag.wrapping_mul(2_654_435_761) >> 16) as usize % 3]
}

/// One delivery: of this message, the n-th.
pub type Nth = (Tag, u32);

pub struct Model {
    pub fifo: bool,
    pub capacity: u64,
    pub memory: u64,
    pub settings: Settings,
    pub paused: bool,
    pub closed: bool,
    /// All that are not gone.
    pub messages: BTreeMap<Tag, Kept>,
    /// Read before `ready`. A message that goes while it stands here, in `ready` or in `dying` leaves
    /// its tag, which takes a place until somebody comes upon it.
    returned: VecDeque<Tag>,
    ready: VecDeque<Tag>,
    dying: VecDeque<Tag>,
    /// What cannot be told from the messages that are there.
    past: Counts,
}

#[derive(Clone, Debug)]
pub struct Kept {
    pub size: u64,
    pub number: u64,
    pub sent_at: Millis,
    pub first_received_at: Millis,
    pub expires_at: Millis,
    pub receive_count: u32,
    /// Of these the last one's receipt is valid.
    pub deliveries: u32,
    pub place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Ready,
    InFlight(Millis),
    Delayed(Millis),
    Dying,
    /// A dead letter that is to be taken again at some time.
    Put(Millis),
}

impl Kept {
    /// When something happens to it by itself.
    fn deadline(&self) -> Millis {
        match self.place {
            Place::Ready => self.expires_at,
            Place::InFlight(due) | Place::Delayed(due) | Place::Put(due) => due,
            Place::Dying => Millis::NEVER,
        }
    }
}

impl Model {
    pub fn new(fifo: bool, capacity: u64, memory: u64, settings: Settings) -> Self {
        Self {
            fifo,
            capacity,
            memory,
            settings,
            paused: false,
            closed: false,
            messages: BTreeMap::new(),
            returned: VecDeque::new(),
            ready: VecDeque::new(),
            dying: VecDeque::new(),
            past: Counts::default(),
        }
    }

    pub fn send(
        &mut self,
        tag: Tag,
        size: u64,
        options: Options,
        now: Millis,
    ) -> Result<(), SendRefusal> {
        let most = self.settings.max_bytes.unwrap_or(u64::MAX).min(self.memory);
        let max_message_bytes = self.settings.max_message_bytes.min(most);
        if size > max_message_bytes {
            return Err(SendRefusal::TooLarge { size, max_message_bytes });
        }
        if self.closed {
            return Err(SendRefusal::Closed);
        }
        let mut refusal = self.refusal(size);
        while let Some(SendRefusal::Full { .. } | SendRefusal::FullBytes { .. }) = refusal
            && self.settings.overflow == Overflow::DropOldest
        {
            let oldest = self.pop(now);
            if let Some(oldest) = oldest {
                self.gone(oldest);
                self.past.dropped += 1;
            }
            // Also where there was none: what had expired is gone now.
            refusal = self.refusal(size);
            if oldest.is_none() {
                break;
            }
        }
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        let number = self.past.sent;
        self.past.sent += 1;
        let ttl = options.ttl.or(self.settings.ttl);
        let delay = options.delay.unwrap_or(self.settings.delay);
        let message = Kept {
            size,
            number,
            sent_at: now,
            first_received_at: Millis::NEVER,
            expires_at: ttl.map_or(Millis::NEVER, |ttl| now.after(ttl)),
            receive_count: 0,
            deliveries: 0,
            place: Place::Delayed(now.after(delay)),
        };
        self.messages.insert(tag, message);
        if delay.is_zero() {
            self.make_ready(tag);
        }
        Ok(())
    }

    fn refusal(&mut self, size: u64) -> Option<SendRefusal> {
        let full = SendRefusal::Full { capacity: self.capacity };
        if self.places_taken() >= self.capacity {
            // The lines are only looked through where that frees a part of the capacity.
            let dead = self.dead();
            if dead == 0 || dead * 64 < self.capacity {
                return Some(full);
            }
            self.reap();
        }
        let bytes = self.bytes() + size;
        match self.settings.max_bytes {
            Some(max_bytes) if bytes > max_bytes => Some(SendRefusal::FullBytes { max_bytes }),
            _ if bytes > self.memory => Some(SendRefusal::OutOfMemory { limit: self.memory }),
            _ => None,
        }
    }

    /// Places that are taken by tags of messages that are gone, in the lines that are received from.
    fn dead(&self) -> u64 {
        let lines = self.returned.iter().chain(&self.ready);
        lines.filter(|tag| !self.messages.contains_key(tag)).count() as u64
    }

    fn places_taken(&self) -> u64 {
        let dying = self.dying.iter().filter(|tag| !self.messages.contains_key(tag)).count();
        self.messages.len() as u64 + self.dead() + dying as u64
    }

    /// Leaves no tag of a message that is gone. All that is ready is in the line that is read first
    /// then.
    fn reap(&mut self) {
        self.returned.append(&mut self.ready);
        self.returned.retain(|tag| self.messages.contains_key(tag));
    }

    /// The next message in line that has not expired.
    fn pop(&mut self, now: Millis) -> Option<Tag> {
        if self.fifo {
            let mut groups: Vec<_> = [None, Some("a"), Some("b")].into_iter().collect();
            groups.retain(|group| !self.is_locked(*group));
            // Whatever has expired at the head of a group does not keep those behind it, nor does it
            // keep its place before those of other groups.
            loop {
                let firsts = groups.iter().filter_map(|group| self.first_of(*group, 0));
                let tag = firsts.filter(|tag| self.messages[tag].place == Place::Ready).min()?;
                if self.messages[&tag].expires_at > now {
                    return Some(tag);
                }
                self.expire(tag);
            }
        }
        loop {
            let tag = self.returned.pop_front().or_else(|| self.ready.pop_front())?;
            match self.messages.get(&tag) {
                Some(message) if message.expires_at > now => return Some(tag),
                Some(_) => self.expire(tag),
                None => {}
            }
        }
    }

    /// Whether a consumer has a message of the group, or one waits to be tried again.
    fn is_locked(&self, of: Option<&str>) -> bool {
        let held = |message: &Kept| match message.place {
            Place::InFlight(_) => true,
            Place::Delayed(_) => message.receive_count > 0,
            Place::Ready | Place::Dying | Place::Put(_) => false,
        };
        self.messages.iter().any(|(tag, message)| group(*tag) == of && held(message))
    }

    fn first_of(&self, of: Option<&str>, from: Tag) -> Option<Tag> {
        let dying = |message: &Kept| matches!(message.place, Place::Dying | Place::Put(_));
        let mut messages = self.messages.range(from..);
        messages.find(|(tag, message)| group(**tag) == of && !dying(message)).map(|(tag, _)| *tag)
    }

    /// The next message behind `tag`, of the same group.
    fn pop_behind(&mut self, tag: Tag, now: Millis) -> Option<Tag> {
        loop {
            let next = self.first_of(group(tag), tag + 1)?;
            match &self.messages[&next] {
                message if message.place != Place::Ready => return None,
                message if message.expires_at > now => return Some(next),
                _ => self.expire(next),
            }
        }
    }

    /// The deliveries, if there are any.
    pub fn receive(&mut self, max: usize, lease: Option<Duration>, now: Millis) -> Vec<Nth> {
        let lease = lease.unwrap_or(self.settings.lease);
        let mut received = Vec::new();
        while received.len() < max
            && !self.paused
            && self.settings.max_in_flight.is_none_or(|most| self.in_flight() < u64::from(most))
            && let Some(tag) = received
                .last()
                .filter(|_| self.fifo)
                .and_then(|(last, _)| self.pop_behind(*last, now))
                .or_else(|| self.pop(now))
        {
            let message = self.message(tag);
            message.receive_count += 1;
            message.deliveries += 1;
            message.first_received_at = message.first_received_at.min(now);
            message.place =
                Place::InFlight(if lease.is_zero() { Millis::NEVER } else { now.after(lease) });
            received.push((tag, message.deliveries));
            self.past.received += 1;
        }
        received
    }

    pub fn take(&mut self, now: Millis) -> Option<Tag> {
        let tag = if self.paused { None } else { self.pop(now) }?;
        self.gone(tag);
        self.past.received += 1;
        self.past.acked += 1;
        Some(tag)
    }

    /// As [`take`](Self::take), also while receives are paused.
    pub fn move_next(&mut self, now: Millis) -> Option<Tag> {
        let tag = self.pop(now)?;
        self.gone(tag);
        self.past.redriven += 1;
        Some(tag)
    }

    /// Looks at the next message and puts it back: behind what has come back before.
    pub fn keep_next(&mut self, now: Millis) -> Option<Tag> {
        let tag = self.pop(now)?;
        self.come_back(tag);
        Some(tag)
    }

    fn find(&mut self, (tag, nth): Nth) -> Result<&mut Kept, LeaseError> {
        let message = self.messages.get_mut(&tag).ok_or(LeaseError::Gone)?;
        if message.deliveries == nth { Ok(message) } else { Err(LeaseError::Lost) }
    }

    fn find_leased(&mut self, delivery: Nth, now: Millis) -> Result<&mut Kept, LeaseError> {
        let message = self.find(delivery)?;
        match message.place {
            Place::InFlight(until) if until > now => Ok(message),
            _ => Err(LeaseError::Lost),
        }
    }

    pub fn ack(&mut self, delivery: Nth, now: Millis) -> Result<(), LeaseError> {
        if self.fifo {
            self.find_leased(delivery, now)?;
        } else {
            self.find(delivery)?;
        }
        self.gone(delivery.0);
        self.past.acked += 1;
        Ok(())
    }

    pub fn extend(
        &mut self,
        delivery: Nth,
        lease: Duration,
        now: Millis,
    ) -> Result<(), LeaseError> {
        if lease.is_zero() {
            return self.release(delivery, lease, now);
        }
        self.find_leased(delivery, now)?.place = Place::InFlight(now.after(lease));
        Ok(())
    }

    pub fn release(
        &mut self,
        delivery: Nth,
        delay: Duration,
        now: Millis,
    ) -> Result<(), LeaseError> {
        self.find_leased(delivery, now)?;
        self.past.released += 1;
        self.give_back(delivery.0, delay, now);
        Ok(())
    }

    pub fn take_back(&mut self, delivery: Nth, now: Millis) -> Result<(), LeaseError> {
        let message = self.find(delivery)?;
        if !matches!(message.place, Place::InFlight(_)) {
            return Err(LeaseError::Lost);
        }
        message.receive_count -= 1;
        if message.receive_count == 0 {
            message.first_received_at = Millis::NEVER;
        }
        if message.expires_at <= now {
            self.expire(delivery.0);
        } else {
            self.come_back(delivery.0);
        }
        Ok(())
    }

    fn give_back(&mut self, tag: Tag, delay: Duration, now: Millis) {
        let max_receives = self.settings.max_receives.unwrap_or(u32::MAX);
        let message = self.message(tag);
        if message.expires_at <= now {
            self.expire(tag);
        } else if message.receive_count >= max_receives {
            self.die(tag);
        } else if delay.is_zero() {
            self.come_back(tag);
        } else {
            message.place = Place::Delayed(now.after(delay));
        }
    }

    /// Everything whose time has come, in the order in which it has.
    pub fn tick(&mut self, now: Millis) {
        let deadlines = self.messages.iter().map(|(tag, message)| (message.deadline(), *tag));
        let mut due: Vec<_> = deadlines.filter(|(deadline, _)| *deadline <= now).collect();
        due.sort_unstable();
        for (_, tag) in due {
            let message = self.message(tag);
            match message.place {
                Place::InFlight(_) => {
                    self.past.lease_ends += 1;
                    self.give_back(tag, self.settings.retry_delay, now);
                }
                Place::Ready => self.expire(tag),
                Place::Delayed(_) if message.expires_at <= now => self.expire(tag),
                Place::Delayed(_) if message.receive_count > 0 => self.come_back(tag),
                Place::Delayed(_) => self.make_ready(tag),
                Place::Put(_) => self.die(tag),
                Place::Dying => unreachable!("it has no deadline"),
            }
        }
    }

    pub fn next_deadline(&self) -> Millis {
        self.messages.values().map(Kept::deadline).min().unwrap_or(Millis::NEVER)
    }

    pub fn has_dead_letters(&self) -> bool {
        !self.dying.is_empty()
    }

    fn pop_dying(&mut self) -> Option<Tag> {
        loop {
            let tag = self.dying.pop_front()?;
            if self.messages.contains_key(&tag) {
                return Some(tag);
            }
        }
    }

    pub fn move_dead_letter(&mut self) -> Option<Tag> {
        let tag = self.pop_dying()?;
        self.gone(tag);
        self.past.dead_letters += 1;
        Some(tag)
    }

    /// Keeps the next dead letter until it is due, or as the last of them.
    pub fn keep_dead_letter(&mut self, due: Option<Millis>) -> Option<Tag> {
        let tag = self.pop_dying()?;
        match due {
            Some(due) => self.message(tag).place = Place::Put(due),
            None => self.die(tag),
        }
        Some(tag)
    }

    pub fn resize(&mut self, capacity: u64) -> Result<(), ResizeError> {
        if capacity == 0 {
            return Err(ResizeError::OutOfRange);
        }
        if capacity < self.capacity && self.places_taken() > capacity {
            if self.messages.len() as u64 > capacity {
                return Err(ResizeError::BelowDepth { capacity });
            }
            self.reap();
            self.dying.retain(|tag| self.messages.contains_key(tag));
        }
        self.capacity = capacity;
        Ok(())
    }

    pub fn purge(&mut self) -> u64 {
        let all: Vec<Tag> = self.messages.keys().copied().collect();
        all.iter().for_each(|tag| self.gone(*tag));
        self.past.purged += all.len() as u64;
        self.returned.clear();
        self.ready.clear();
        all.len() as u64
    }

    /// What is ready and has not expired, as it was sent.
    pub fn browse(&self, max: usize, now: Millis) -> Vec<Tag> {
        let ready = self
            .messages
            .iter()
            .filter(|(_, message)| message.place == Place::Ready && message.expires_at > now);
        ready.map(|(tag, _)| *tag).take(max).collect()
    }

    pub fn counts(&self) -> Counts {
        let at = |place: fn(&Place) -> bool| {
            self.messages.values().filter(|message| place(&message.place)).count() as u64
        };
        Counts {
            depth: self.messages.len() as u64,
            ready: at(|place| *place == Place::Ready),
            in_flight: self.in_flight(),
            delayed: at(|place| matches!(place, Place::Delayed(_))),
            dying: at(|place| matches!(place, Place::Dying | Place::Put(_))),
            bytes: self.bytes(),
            ..self.past
        }
    }

    fn in_flight(&self) -> u64 {
        let places = self.messages.values().map(|message| message.place);
        places.filter(|place| matches!(place, Place::InFlight(_))).count() as u64
    }

    fn bytes(&self) -> u64 {
        self.messages.values().map(|message| message.size).sum()
    }

    fn message(&mut self, tag: Tag) -> &mut Kept {
        self.messages.get_mut(&tag).expect("it is not gone")
    }

    fn gone(&mut self, tag: Tag) {
        self.messages.remove(&tag).expect("it is gone once");
        self.past.gone += 1;
    }

    fn expire(&mut self, tag: Tag) {
        self.gone(tag);
        self.past.expired += 1;
    }

    fn make_ready(&mut self, tag: Tag) {
        self.message(tag).place = Place::Ready;
        if !self.fifo {
            self.ready.push_back(tag);
        }
    }

    fn come_back(&mut self, tag: Tag) {
        self.message(tag).place = Place::Ready;
        if !self.fifo {
            self.returned.push_back(tag);
        }
    }

    fn die(&mut self, tag: Tag) {
        self.message(tag).place = Place::Dying;
        self.dying.push_back(tag);
    }
}
