//! The work of a slice: what the threads do to a queue, and how it is counted.

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use ringmq_peers::Queue;

use self::Work::{Burn, EmptyPop, Flow, Pairs};
use crate::Scenario;

/// What the threads of a scenario do.
#[derive(Clone, Copy, PartialEq)]
pub enum Work {
    /// `n` threads, each pushing and then popping.
    Pairs(usize),
    /// Producers that push and consumers that pop.
    Flow(usize, usize),
    /// One thread popping from an empty queue.
    EmptyPop,
    /// Producers and consumers, counting calls per second that each burn more than 100 µs of
    /// processor time, less those that burn where there is no queue. Every number in its row is such
    /// a count, and the bar an upper one.
    Burn(usize, usize),
}

impl Work {
    pub fn threads(self) -> usize {
        match self {
            Self::Pairs(threads) => threads,
            Self::Flow(producers, consumers) | Self::Burn(producers, consumers) => {
                producers + consumers
            }
            Self::EmptyPop => 1,
        }
    }

    pub fn burns(self) -> bool {
        matches!(self, Self::Burn(..))
    }
}

/// A payload that can be told apart.
pub trait Value: Send + Copy + 'static {
    fn tagged(n: u64) -> Self;
    fn tag(&self) -> u64;
}

impl Value for u64 {
    fn tagged(n: u64) -> Self {
        n
    }
    fn tag(&self) -> u64 {
        *self
    }
}

impl Value for [u64; 4] {
    fn tagged(n: u64) -> Self {
        [n; 4]
    }
    fn tag(&self) -> u64 {
        self[3]
    }
}

pub fn slice<T: Value, Q: Queue<T>>(scenario: &Scenario, time: Duration) -> f64 {
    let queue = Q::with_capacity(scenario.capacity);
    check(&queue);
    match scenario.work {
        Pairs(threads) => run(time, threads, |_, stop| pairs(&queue, scenario.batch, stop)),
        Flow(producers, consumers) => run(time, producers + consumers, |thread, stop| {
            if thread < producers {
                produce(&queue, scenario.batch, stop);
                0
            } else {
                consume(&queue, scenario.batch, stop)
            }
        }),
        EmptyPop => {
            run(time, 1, |_, stop| until(stop, || u64::from(black_box(queue.pop()).is_none())))
        }
        Burn(producers, consumers) => run(time, producers + consumers, |thread, stop| {
            let mut meter = BurnMeter::new();
            let mut n = 0;
            while !stop.load(Relaxed) {
                if thread < producers {
                    n += 1;
                    let _ = meter.call(|| queue.try_push(T::tagged(n)));
                } else {
                    black_box(meter.call(|| queue.try_pop()));
                }
            }
            meter.burnt
        }),
    }
}

/// The calls that burn where there is no queue at all: to the guest of a busy host, time that the host
/// takes looks like its own.
pub fn burnt_by_nothing(scenario: &Scenario, time: Duration) -> f64 {
    run(time, scenario.work.threads(), |_, stop| {
        let mut meter = BurnMeter::new();
        while !stop.load(Relaxed) {
            meter.call(|| black_box(()));
        }
        meter.burnt
    })
}

/// A queue that does not work is not timed.
fn check<T: Value, Q: Queue<T>>(queue: &Q) {
    for n in 0..3 {
        assert!(queue.push(T::tagged(n)).is_ok());
    }
    for n in 0..3 {
        assert_eq!(queue.pop().map(|value| value.tag()), Some(n));
    }
    assert!(queue.pop().is_none());
    let mut out = Vec::new();
    assert_eq!(queue.push_batch(&mut (0..30).map(T::tagged).collect()), 30);
    assert_eq!(queue.pop_batch(&mut out, 40), 30);
    assert!(out.iter().map(Value::tag).eq(0..30));
}

/// Runs `body` on `threads` pinned threads for `time`; the sum of what they return, per second.
fn run(time: Duration, threads: usize, body: impl Fn(usize, &AtomicBool) -> u64 + Sync) -> f64 {
    let stop = AtomicBool::new(false);
    let total = AtomicU64::new(0);
    let barrier = Barrier::new(threads + 1);
    let mut elapsed = Duration::ZERO;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (body, stop, total, barrier) = (&body, &stop, &total, &barrier);
            scope.spawn(move || {
                pin(thread % cores());
                barrier.wait();
                total.fetch_add(body(thread, stop), Relaxed);
            });
        }
        barrier.wait();
        let started = Instant::now();
        std::thread::sleep(time);
        stop.store(true, Relaxed);
        elapsed = started.elapsed();
    });
    total.into_inner() as f64 / elapsed.as_secs_f64()
}

/// Calls `step` until told to stop, looking only now and then; the sum of what it returns.
#[inline(always)]
fn until(stop: &AtomicBool, mut step: impl FnMut() -> u64) -> u64 {
    let mut done = 0;
    while !stop.load(Relaxed) {
        for _ in 0..64 {
            done += step();
        }
    }
    done
}

fn pairs<T: Value, Q: Queue<T>>(queue: &Q, batch: usize, stop: &AtomicBool) -> u64 {
    let mut n = 0;
    if batch == 1 {
        return until(stop, || {
            n += 1;
            let pushed = queue.push(T::tagged(n)).is_ok();
            let popped = black_box(queue.pop()).is_some();
            u64::from(pushed && popped)
        });
    }
    let (mut values, mut out) = (Vec::with_capacity(batch), Vec::with_capacity(batch));
    until(stop, || {
        values.resize_with(batch, || {
            n += 1;
            T::tagged(n)
        });
        queue.push_batch(&mut values);
        let popped = queue.pop_batch(&mut out, batch);
        black_box(&out).last().map(Value::tag);
        out.clear();
        popped as u64
    })
}

fn produce<T: Value, Q: Queue<T>>(queue: &Q, batch: usize, stop: &AtomicBool) {
    let mut n = 0;
    let mut backoff = Retry::new();
    if batch == 1 {
        until(stop, || {
            n += 1;
            backoff.after(queue.push(T::tagged(n)).is_ok())
        });
        return;
    }
    let mut values = Vec::with_capacity(batch);
    until(stop, || {
        values.resize_with(batch, || {
            n += 1;
            T::tagged(n)
        });
        backoff.after(queue.push_batch(&mut values) > 0)
    });
}

fn consume<T: Value, Q: Queue<T>>(queue: &Q, batch: usize, stop: &AtomicBool) -> u64 {
    let mut backoff = Retry::new();
    if batch == 1 {
        return until(stop, || backoff.after(black_box(queue.pop()).is_some()));
    }
    let mut out = Vec::with_capacity(batch);
    until(stop, || {
        let popped = queue.pop_batch(&mut out, batch);
        black_box(&out).last().map(Value::tag);
        out.clear();
        backoff.after(popped > 0);
        popped as u64
    })
}

/// What every thread does after a full push or an empty pop: pause and look again, and yield the
/// processor now and then.
struct Retry {
    refused: u32,
}

impl Retry {
    const LOOKS: u32 = 64;

    fn new() -> Self {
        Self { refused: 0 }
    }

    #[inline(always)]
    fn after(&mut self, success: bool) -> u64 {
        if success {
            self.refused = 0;
            return 1;
        }
        self.refused += 1;
        if self.refused.is_multiple_of(Self::LOOKS) {
            std::thread::yield_now();
        } else {
            std::hint::spin_loop();
        }
        0
    }
}

/// Counts calls that used more than 100 µs of this thread's processor time.
struct BurnMeter {
    /// The processor time at the end of the last call.
    processor: Duration,
    burnt: u64,
}

impl BurnMeter {
    const LIMIT: Duration = Duration::from_micros(100);

    fn new() -> Self {
        Self { processor: processor_time(), burnt: 0 }
    }

    fn call<R>(&mut self, call: impl FnOnce() -> R) -> R {
        let result = call();
        let now = processor_time();
        self.burnt += u64::from(now - self.processor > Self::LIMIT);
        self.processor = now;
        result
    }
}

fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer.
    let code = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(code, 0, "the thread's processor clock is always there on Linux");
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// How many cores this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Keeps this thread on one of the cores that the process may use.
fn pin(turn: usize) {
    // SAFETY: a zeroed set is an empty one; the calls fill one and read the other.
    let pinned = unsafe {
        let (mut allowed, mut one): (libc::cpu_set_t, libc::cpu_set_t) = std::mem::zeroed();
        libc::sched_getaffinity(libc::getpid(), size_of_val(&allowed), &mut allowed);
        let mut cores =
            (0..libc::CPU_SETSIZE as usize).filter(|&core| libc::CPU_ISSET(core, &allowed));
        let core = cores.nth(turn).expect("there are as many cores as `cores` says");
        libc::CPU_SET(core, &mut one);
        libc::sched_setaffinity(0, size_of_val(&one), &one)
    };
    assert_eq!(pinned, 0, "a thread that is not pinned measures something else");
}
