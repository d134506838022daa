//! A model: what two or three threads do, and every outcome there is.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use loom::thread::{Builder, JoinHandle};

/// As for the models of the ring: how many more preemptions to explore than the quick tier does.
const EXTRA_PREEMPTIONS: &str = "RINGMQ_EXTRA_PREEMPTIONS";
const LONG_LIMIT: Duration = Duration::from_secs(600);

pub struct Model {
    name: &'static str,
    preemptions: usize,
}

impl Model {
    pub fn new(name: &'static str) -> Self {
        Self { name, preemptions: 2 }
    }

    pub fn preemptions(mut self, preemptions: usize) -> Self {
        self.preemptions = preemptions;
        self
    }

    /// Explores `execution`, which says what came of it. All of `outcomes` must be reached, since a
    /// checker that explores too little would pass quietly, and no other.
    pub fn check(self, outcomes: &[&str], execution: impl Fn() -> String + Send + Sync + 'static) {
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
        let expected: BTreeSet<String> = outcomes.iter().map(ToString::to_string).collect();
        let seen = Arc::new(Mutex::new((0, BTreeSet::new())));
        builder.check({
            let (name, seen, expected) = (self.name, Arc::clone(&seen), expected.clone());
            let execution = Arc::new(execution);
            move || {
                let execution = Arc::clone(&execution);
                let outcome = spawn(move || execution()).join().expect("no thread panics");
                assert!(expected.contains(&outcome), "{name}: should not come to: {outcome}");
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.0 += 1;
                seen.1.insert(outcome);
            }
        });
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (executions, reached) = &*seen;
        println!(
            "{:<44} {executions:>8} executions {:>3} outcomes {:>7.1?}",
            self.name,
            reached.len(),
            began.elapsed(),
        );
        let missed: Vec<_> = expected.difference(reached).collect();
        assert!(missed.is_empty(), "{}: never reached {missed:#?}", self.name);
    }
}

/// A queue is large, and is made on the stack.
fn spawn<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    const STACK_WORDS: usize = 1 << 16;
    Builder::new().stack_size(STACK_WORDS).spawn(run).expect("loom starts every thread")
}

/// Runs both at once. Who starts them only waits, so that it costs no preemption to begin with
/// either.
pub fn race<A: Send + 'static, B: Send + 'static>(
    one: impl FnOnce() -> A + Send + 'static,
    other: impl FnOnce() -> B + Send + 'static,
) -> (A, B) {
    let (one, other) = (spawn(one), spawn(other));
    (one.join().expect("no thread panics"), other.join().expect("no thread panics"))
}

/// As [`race`], of three.
pub fn race_three<A: Send + 'static, B: Send + 'static, C: Send + 'static>(
    one: impl FnOnce() -> A + Send + 'static,
    other: impl FnOnce() -> B + Send + 'static,
    third: impl FnOnce() -> C + Send + 'static,
) -> (A, B, C) {
    let third = spawn(third);
    let (one, other) = race(one, other);
    (one, other, third.join().expect("no thread panics"))
}
