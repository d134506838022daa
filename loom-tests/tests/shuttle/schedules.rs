//! A model under shuttle: programs on a ring, and many random schedules of them.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use loom_tests::coverage::{Run, interleavings};
use loom_tests::history::History;
use loom_tests::spec::Op;
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};

use crate::run::{Clock, Start, assert_whole, drain, run_program};
use crate::tracked::assert_all_dropped_once;

/// At least so many rounds a model: the long tier.
const ROUNDS: &str = "RINGMQ_SCHEDULE_ROUNDS";
/// Another seed than the fixed one tries other schedules.
const SEED: &str = "RINGMQ_SCHEDULE_SEED";

/// Rounds in the quick tier, and how many more there may be until everything has been reached.
const QUICK_ROUNDS: u64 = 4;
const MORE_ROUNDS: u64 = 100;
/// Schedules in a round, of each kind.
const SCHEDULES: usize = 1000;

/// Programs for any number of threads, which may all wait at once.
pub struct Schedules {
    name: &'static str,
    start: Start,
    programs: Vec<Vec<Op>>,
}

#[derive(Default)]
struct Seen {
    histories: HashSet<History>,
    runs: HashSet<Run>,
}

impl Schedules {
    /// A ring of `capacity` slots. Its stamps run over at the end of the first lap.
    pub fn new(name: &'static str, capacity: usize) -> Self {
        let laps = (1 << 32) / capacity.next_power_of_two() as u64 - 1;
        let start = Start { capacity, laps, before: Vec::new() };
        Self { name, start, programs: Vec::new() }
    }

    /// Pushes these values before the threads start.
    pub fn holding(mut self, tags: &[u8]) -> Self {
        self.start.before.extend(tags.iter().map(|&tag| Op::Push(tag)));
        self
    }

    /// Adds a thread.
    pub fn thread(mut self, program: &[Op]) -> Self {
        self.programs.push(program.to_vec());
        self
    }

    /// Runs schedules and judges each, until the rounds asked for are over and each call has given
    /// each answer that whole operations can give.
    pub fn check(self) {
        let began = Instant::now();
        let number = |name, otherwise| std::env::var(name).map_or(otherwise, parse);
        let (rounds, seed) = (number(ROUNDS, QUICK_ROUNDS), number(SEED, 1));
        let model = Arc::new(self);
        let seen = Arc::new(Mutex::new(Seen::default()));
        // Chance will not come by every run there is, but by every answer to each call.
        let expected = interleavings(&model.start.queue(), &model.programs);
        let mut missed: BTreeSet<_> = expected.iter().flat_map(Run::answers).collect();
        let mut round = 0;
        while round < rounds || (!missed.is_empty() && round < rounds + MORE_ROUNDS) {
            let seed = seed + round;
            // Wild schedules; and calm ones, with priorities that change at a few places.
            let changes = 2 + (round % 6) as usize;
            model.run(RandomScheduler::new_from_seed(seed, SCHEDULES), &seen);
            model.run(PctScheduler::new_from_seed(seed, changes, SCHEDULES), &seen);
            let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            for answer in seen.runs.iter().flat_map(Run::answers) {
                missed.remove(&answer);
            }
            round += 1;
        }
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        println!(
            "{:<36} capacity {} {:>6} schedules {:>5} histories {:>4} results {:>7.1?}",
            model.name,
            model.start.capacity,
            2 * SCHEDULES * round as usize,
            seen.histories.len(),
            seen.runs.len(),
            began.elapsed(),
        );
        assert!(missed.is_empty(), "{}: never reached {missed:#?}", model.name);
    }

    fn run(self: &Arc<Self>, scheduler: impl Scheduler + 'static, seen: &Arc<Mutex<Seen>>) {
        let mut config = shuttle::Config::new();
        config.silence_warnings = true; // of orders: those are loom's part
        let (model, seen) = (Arc::clone(self), Arc::clone(seen));
        shuttle::Runner::new(scheduler, config).run(move || {
            let history = model.execute();
            model.judge(history, &mut seen.lock().unwrap_or_else(PoisonError::into_inner));
        });
    }

    fn execute(self: &Arc<Self>) -> History {
        let ring = self.start.make();
        let clock = Arc::new(Clock::default());
        let threads = self.programs.len();
        let spawn = |thread: usize| {
            let (model, ring, clock) = (Arc::clone(self), Arc::clone(&ring), Arc::clone(&clock));
            shuttle::thread::spawn(move || {
                run_program(&ring, &model.programs[thread], &clock, thread, threads)
            })
        };
        let running: Vec<_> = (0..threads).map(spawn).collect();
        let events = running.into_iter().map(|thread| thread.join().expect("no thread panics"));
        let events = events.collect();

        let left = Some(drain(&ring));
        assert_whole(&ring);
        drop(Arc::into_inner(ring).expect("all threads are gone"));
        assert_all_dropped_once();
        History { threads: events, left }
    }

    fn judge(&self, history: History, seen: &mut Seen) {
        if seen.histories.contains(&history) {
            return;
        }
        let explained = history.is_linearizable(&self.start.queue());
        assert!(explained, "{}: no order of whole operations gives {history:#?}", self.name);
        let alone = history.busy_alone();
        assert!(alone.is_none(), "{}: busy with no neighbour: {alone:?}", self.name);
        seen.runs.insert(Run::of(&history));
        seen.histories.insert(history);
    }
}

fn parse(text: String) -> u64 {
    text.parse().expect("a number")
}
