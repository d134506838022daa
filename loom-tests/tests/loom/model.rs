//! A model: a ring, a program for each of two or three threads, and what must be true of every
//! execution that loom finds.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use loom_tests::coverage::{Run, interleavings};
use loom_tests::history::{Event, History};
use loom_tests::spec::{Op, Outcome};

use crate::run::{Clock, Start, assert_whole, drain, run_program};
use crate::sync::stop_at_next_access;
use crate::tracked::assert_all_dropped_once;

/// How many more preemptions to explore than the quick tier does: the long tier. It takes up to
/// [`LONG_LIMIT`] a model.
const EXTRA_PREEMPTIONS: &str = "RINGMQ_EXTRA_PREEMPTIONS";
const LONG_LIMIT: Duration = Duration::from_secs(600);

pub struct Model {
    name: &'static str,
    start: Start,
    programs: Vec<Vec<Op>>,
    /// Preemptions explored in the quick tier.
    preemptions: usize,
    /// Whether the ring is emptied at the end, or dropped as it is.
    drained: bool,
    /// Whether the last thread stops inside its claim window until all others are through.
    stopped: bool,
    /// Whether some execution must have met a busy neighbour.
    busy: bool,
    /// Answers of the first thread that must have been reached.
    must_reach: Vec<Vec<Outcome>>,
}

/// What the executions of a model have shown so far.
#[derive(Default)]
struct Seen {
    executions: usize,
    histories: HashSet<History>,
    runs: HashSet<Run>,
}

impl Model {
    /// A ring of `capacity` slots. Its stamps run over at the end of the first lap.
    pub fn new(name: &'static str, capacity: usize) -> Self {
        let laps_to_overflow = (1 << 32) / capacity.next_power_of_two() as u64;
        Self {
            name,
            start: Start { capacity, laps: laps_to_overflow - 1, before: Vec::new() },
            programs: Vec::new(),
            preemptions: 2,
            drained: true,
            stopped: false,
            busy: false,
            must_reach: Vec::new(),
        }
    }

    /// As a new ring begins, instead of where the stamps run over.
    pub fn in_first_lap(mut self) -> Self {
        self.start.laps = 0;
        self
    }

    /// Pushes these values before the threads start.
    pub fn holding(mut self, tags: &[u8]) -> Self {
        self.start.before.extend(tags.iter().map(|&tag| Op::Push(tag)));
        self
    }

    /// Passes one value through before the threads start, so that the next one takes the second
    /// slot.
    pub fn starting_at_the_second_slot(mut self) -> Self {
        self.start.before.extend([Op::Push(90), Op::Pop]);
        self
    }

    /// Adds a thread.
    pub fn thread(mut self, program: &[Op]) -> Self {
        self.programs.push(program.to_vec());
        self
    }

    /// Adds a last thread that stops inside its first claim window until all others are through.
    pub fn stopped_thread(mut self, op: Op) -> Self {
        self.stopped = true;
        self.thread(&[op])
    }

    pub fn preemptions(mut self, preemptions: usize) -> Self {
        self.preemptions = preemptions;
        self
    }

    /// Leaves what remains to the ring's `drop`.
    pub fn dropped_as_it_is(mut self) -> Self {
        self.drained = false;
        self
    }

    pub fn meets_busy(mut self) -> Self {
        self.busy = true;
        self
    }

    /// Some execution must give these answers to the first thread.
    pub fn reaches(mut self, outcomes: &[Outcome]) -> Self {
        self.must_reach.push(outcomes.to_vec());
        self
    }

    /// Explores the model and judges every execution.
    pub fn check(self) {
        let began = Instant::now();
        let mut builder = loom::model::Builder::new();
        builder.max_branches = 20_000;
        builder.preemption_bound = Some(self.preemptions);
        if let Ok(extra) = std::env::var(EXTRA_PREEMPTIONS) {
            let extra: usize = extra.parse().expect("a number of preemptions");
            builder.preemption_bound = Some(self.preemptions + extra);
            builder.max_duration = Some(LONG_LIMIT);
            builder.checkpoint_interval = 1000;
        }
        let model = Arc::new(self);
        let seen = Arc::new(Mutex::new(Seen::default()));
        builder.check({
            let (model, seen) = (Arc::clone(&model), Arc::clone(&seen));
            move || {
                let history = model.execute();
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                model.judge(history, &mut seen);
            }
        });
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        println!(
            "{:<44} capacity {} {:>8} executions {:>5} histories {:>4} results {:>7.1?}",
            model.name,
            model.start.capacity,
            seen.executions,
            seen.histories.len(),
            seen.runs.len(),
            began.elapsed(),
        );
        model.assert_covered(&seen);
    }

    /// One execution. The thread that starts the others only waits, so that it costs no preemption to
    /// begin with any of them.
    fn execute(self: &Arc<Self>) -> History {
        let ring = self.start.make();
        let clock = Arc::new(Clock::default());
        let gate = Arc::new(loom::sync::Mutex::new(()));
        let shut = self.stopped.then(|| gate.lock());
        let threads = self.programs.len();
        let spawn = |thread: usize| {
            let (model, ring, clock) = (Arc::clone(self), Arc::clone(&ring), Arc::clone(&clock));
            let gate = (model.stopped && thread == threads - 1).then(|| Arc::clone(&gate));
            loom::thread::spawn(move || {
                if let Some(gate) = gate {
                    stop_at_next_access(gate);
                }
                run_program(&ring, &model.programs[thread], &clock, thread, threads)
            })
        };
        let join = |thread: loom::thread::JoinHandle<_>| thread.join().expect("no thread panics");
        let mut running: Vec<_> = (0..threads).map(spawn).collect();
        // The stopped thread is the last one: the gate opens when the others are through.
        let last = running.pop();
        let mut events: Vec<Vec<Event>> = running.into_iter().map(join).collect();
        drop(shut);
        events.extend(last.map(join));

        let left = self.drained.then(|| drain(&ring));
        if self.drained {
            assert_whole(&ring);
        }
        drop(Arc::into_inner(ring).expect("all threads are gone"));
        assert_all_dropped_once();
        History { threads: events, left }
    }

    fn judge(&self, history: History, seen: &mut Seen) {
        seen.executions += 1;
        if seen.histories.contains(&history) {
            return;
        }
        let explained = history.is_linearizable(&self.start.queue());
        assert!(explained, "{}: no order of whole operations gives {history:#?}", self.name);
        seen.runs.insert(Run::of(&history));
        seen.histories.insert(history);
    }

    /// Whether loom came by everything there is to come by: it once explored one execution of a
    /// model that has four results, and passed.
    fn assert_covered(&self, seen: &Seen) {
        let mut missed = Vec::new();
        // Whole operations do not describe a thread that stops in the middle of one.
        if !self.stopped {
            missed.extend(interleavings(&self.start.queue(), &self.programs));
        }
        for run in &mut missed {
            run.left = run.left.take().filter(|_| self.drained);
        }
        missed.retain(|run| !seen.runs.contains(run));
        assert!(missed.is_empty(), "{}: never reached {missed:#?}", self.name);

        for answers in &self.must_reach {
            let reached = seen.runs.iter().any(|run| run.outcomes[0] == *answers);
            assert!(reached, "{}: never reached {answers:?}", self.name);
        }
        let busy = |run: &Run| run.outcomes.iter().flatten().any(|answer| *answer == Outcome::Busy);
        assert!(!self.busy || seen.runs.iter().any(busy), "{}: never met busy", self.name);
    }
}
