//! Which queues have series of their own, and what each series tells.
//!
//! # The busiest
//! A queue's score is the number of messages that came and went, of which half is forgotten every five
//! minutes. The queues of the highest scores are *listed*. One that is listed stays so until another has
//! twice its score, so that series do not come and go.
//!
//! # Nothing runs backwards
//! To Prometheus a counter that falls was set to zero, so what it tells next is counted once more. Were the
//! counts of the queues that are not listed summed at each reading, that sum would fall when one of them is
//! listed, or deleted. So what was counted between two readings is booked once: for a queue that was
//! listed at both, to its own account; otherwise to that of all others. A listed series tells its
//! account, and `(other)` tells everything ever counted but for what was booked to accounts of queues,
//! those of deleted queues included. So every increase is told once: by the queue's series or by
//! `(other)`, whichever are listed. The sum over all series is not what ever happened, for a queue that
//! loses its place takes its account away with its series until it is listed again; so sum increases.
//!
//! A queue that is new at a reading, and listed, begins its account with all that it has counted. One that
//! was there before without being listed begins with nothing, or goes on where it stopped when it was listed
//! before. An account ends when there is no queue of its name at a reading.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::process::Process;
use crate::broker::{Broker, Figures, Named, QueueName, Totals};
use crate::http::observe::{FaceRequests, Requests};
use crate::queue::Millis;

/// The name of what the queues that are not listed have together. No queue can have it.
pub(super) const OTHER: &str = "(other)";

/// After how long half of a score is forgotten.
const HALF_LIFE: Duration = Duration::from_secs(300);

/// How many times the score of a listed queue one must have to take its place.
const ADVANTAGE: f64 = 2.0;

/// What was read at one moment.
#[derive(Debug)]
pub(super) struct Readings {
    /// The listed queues by name, and the others.
    pub(super) series: Vec<Series>,
    /// How many queues there are.
    pub(super) queues: u64,
    pub(super) memory_used: u64,
    pub(super) memory_limit: u64,
    pub(super) process: Process,
    /// By face.
    pub(super) requests: Vec<FaceRequests>,
}

/// What is told of a queue, or of several.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) figures: Figures,
    /// How many of the queues are paused.
    pub(super) paused: u64,
}

/// What is remembered from one reading to the next.
pub(super) struct Ledger {
    /// How many queues are listed.
    most: usize,
    /// By the serial of each queue there was.
    ranks: HashMap<u64, Rank>,
    accounts: HashMap<QueueName, Account>,
    /// The sum of all that was ever booked to accounts.
    booked: Totals,
    /// What the others told.
    other: Totals,
    /// Queues that had been made by then.
    made: u64,
    read_at: Millis,
}

#[derive(Clone, Copy, Default)]
struct Rank {
    moved: u64,
    score: f64,
    listed: bool,
}

/// What a listed queue tells.
struct Account {
    /// Of the queue that had the name, listed or not.
    serial: u64,
    listed: bool,
    /// What the queue had counted.
    seen: Totals,
    told: Totals,
}

impl Ledger {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            ranks: HashMap::new(),
            accounts: HashMap::new(),
            booked: Totals::default(),
            other: Totals::default(),
            made: 0,
            read_at: Millis(0),
        }
    }

    /// Reads all queues.
    pub(super) fn read(&mut self, broker: &Broker, requests: &Requests) -> Readings {
        let now = broker.clock().now();
        let census = broker.census();
        self.rank(&census.queues, now);
        let mut all = census.departed;
        let mut others = Series::none();
        let mut series = Vec::new();
        for queue in &census.queues {
            let mut figures = queue.figures(now);
            all += &figures.totals;
            if self.ranks[&queue.serial()].listed {
                figures.totals = self.book(queue, &figures.totals);
                let name = queue.name().to_string();
                series.push(Series { name, paused: u64::from(figures.paused), figures });
            } else {
                others.add(&figures);
                if let Some(account) = self.accounts.get_mut(queue.name()) {
                    (account.serial, account.listed) = (queue.serial(), false);
                }
            }
        }
        self.close_accounts(&census.queues);
        // What a deleted queue counted after it was read does not come any more.
        self.other = all.since(&self.booked).or_more(&self.other);
        (self.made, self.read_at) = (census.made, now);
        series.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        if census.queues.len() > series.len() || self.other != Totals::default() {
            others.figures.totals = self.other;
            series.push(others);
        }
        Readings {
            series,
            queues: census.queues.len() as u64,
            memory_used: broker.memory().used(),
            memory_limit: broker.memory().limit(),
            process: Process::now(),
            requests: requests.snapshot().map_or_else(Vec::new, Vec::from),
        }
    }

    /// Finds out which queues are listed.
    fn rank(&mut self, queues: &[Arc<Named>], now: Millis) {
        let passed = now.since(self.read_at).as_secs_f64();
        let kept = 0.5f64.powf(passed / HALF_LIFE.as_secs_f64());
        let before = std::mem::take(&mut self.ranks);
        let mut ranks = Vec::with_capacity(queues.len());
        for queue in queues {
            let rank = before.get(&queue.serial()).copied().unwrap_or_default();
            let moved = queue.moved_messages();
            let score = rank.score * kept + moved.saturating_sub(rank.moved) as f64;
            ranks.push((queue.serial(), Rank { moved, score, ..rank }));
        }
        let standing =
            |(_, rank): &(u64, Rank)| rank.score * if rank.listed { ADVANTAGE } else { 1.0 };
        let busier_first = |one: &(u64, Rank), other: &(u64, Rank)| {
            let by_score = standing(other).total_cmp(&standing(one));
            let by_place = other.1.listed.cmp(&one.1.listed);
            by_score.then(by_place).then(one.0.cmp(&other.0))
        };
        if ranks.len() > self.most {
            if self.most > 0 {
                ranks.select_nth_unstable_by(self.most - 1, busier_first);
            }
            ranks[self.most..].iter_mut().for_each(|(_, rank)| rank.listed = false);
        }
        ranks.iter_mut().take(self.most).for_each(|(_, rank)| rank.listed = true);
        self.ranks = ranks.into_iter().collect();
    }

    /// Books what a listed queue has counted since the last reading. Returns what it tells.
    fn book(&mut self, queue: &Named, counted: &Totals) -> Totals {
        let serial = queue.serial();
        let is_new = serial >= self.made;
        let account = self.accounts.entry(queue.name().clone()).or_insert_with(|| Account {
            serial,
            listed: false,
            seen: Totals::default(),
            told: Totals::default(),
        });
        let more = if is_new {
            *counted
        } else if account.listed && account.serial == serial {
            counted.since(&account.seen)
        } else {
            // It was among the others until now.
            Totals::default()
        };
        (account.serial, account.listed, account.seen) = (serial, true, *counted);
        account.told += &more;
        self.booked += &more;
        account.told
    }

    /// Ends the accounts of names that no queue has.
    fn close_accounts(&mut self, queues: &[Arc<Named>]) {
        let ranks = &self.ranks;
        // Where a name has a queue now, its account has been given that queue's serial.
        self.accounts.retain(|_, account| ranks.contains_key(&account.serial));
        debug_assert!(self.accounts.len() <= queues.len());
    }
}

impl Series {
    fn none() -> Self {
        Self { name: OTHER.to_owned(), figures: Figures::default(), paused: 0 }
    }

    /// One queue more. Its oldest message is the oldest of all if it is older than the others'.
    fn add(&mut self, figures: &Figures) {
        let (sum, counts) = (&mut self.figures, &figures.counts);
        sum.counts.ready += counts.ready;
        sum.counts.in_flight += counts.in_flight;
        sum.counts.delayed += counts.delayed;
        sum.counts.dying += counts.dying;
        sum.counts.bytes += counts.bytes;
        sum.counts.waiting_receivers += counts.waiting_receivers;
        sum.counts.waiting_senders += counts.waiting_senders;
        sum.capacity += figures.capacity;
        sum.oldest_age = sum.oldest_age.max(figures.oldest_age);
        self.paused += u64::from(figures.paused);
    }
}
