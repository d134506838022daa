//! The ring beside its rivals: ratios to crossbeam's `ArrayQueue`, in one run.
//!
//! Every scenario runs in rounds. In a round each queue gets one slice of time, in an order that
//! rotates from round to round, on pinned threads; a round gives each queue a ratio to the
//! `ArrayQueue` of the same round, and the table shows the median over the rounds, with the
//! quartiles for the ring. A second `ArrayQueue` runs along: where it is not within 0.9 to 1.1, the
//! row is run again, up to twice, all rounds counting, and is void if that does not help. Slices are
//! longer where there are more threads than cores.
//!
//! ```text
//! benches/run-ring                                                  # both builds, all rivals
//! cargo bench -p ringmq-peers --bench ring                          # fat LTO
//! cargo bench -p ringmq-peers --bench ring --profile bench-no-lto   # no LTO
//! ... -- --rounds 25 --slice-ms 20 --only 2P2C --no-peers
//! ```

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use ringmq::ring::RingBuffer;
use ringmq_peers::*;

/// What the threads of a scenario do.
#[derive(Clone, Copy, PartialEq)]
enum Work {
    /// `n` threads, each pushing and then popping.
    Pairs(usize),
    /// Producers that push and consumers that pop.
    Flow(usize, usize),
    /// One thread popping from an empty queue.
    EmptyPop,
    /// Producers and consumers, counting calls per second that each burn more than 100 µs of
    /// processor time. Every number in its row is such a count, and the bar an upper one.
    Burn(usize, usize),
}

impl Work {
    fn threads(self) -> usize {
        match self {
            Self::Pairs(threads) => threads,
            Self::Flow(producers, consumers) | Self::Burn(producers, consumers) => {
                producers + consumers
            }
            Self::EmptyPop => 1,
        }
    }

    fn burns(self) -> bool {
        matches!(self, Self::Burn(..))
    }
}

struct Scenario {
    name: &'static str,
    payload: Payload,
    work: Work,
    batch: usize,
    capacity: usize,
    /// The least ratio asked of the ring, in either build.
    bar: f64,
    stretch: f64,
}

#[derive(Clone, Copy)]
enum Payload {
    U64,
    Bytes32,
}

const fn row(
    name: &'static str,
    payload: Payload,
    work: Work,
    batch: usize,
    capacity: usize,
    bar: f64,
    stretch: f64,
) -> Scenario {
    Scenario { name, payload, work, batch, capacity, bar, stretch }
}

use Payload::{Bytes32, U64};
use Work::{Burn, EmptyPop, Flow, Pairs};

const SCENARIOS: &[Scenario] = &[
    row("1 thread pair u64", U64, Pairs(1), 1, 1024, 0.97, 1.03),
    row("1 thread pair 32 B", Bytes32, Pairs(1), 1, 1024, 0.93, 1.0),
    row("1 thread batch 16", U64, Pairs(1), 16, 1024, 6.0, 8.0),
    row("1 thread batch 64", U64, Pairs(1), 64, 1024, 7.0, 8.0),
    row("1P1C u64", U64, Flow(1, 1), 1, 1024, 1.2, 1.5),
    row("1P1C 32 B", Bytes32, Flow(1, 1), 1, 1024, 1.0, 1.5),
    row("2P2C u64", U64, Flow(2, 2), 1, 1024, 1.3, 1.7),
    row("2P2C 32 B", Bytes32, Flow(2, 2), 1, 1024, 1.3, 1.7),
    row("4P4C u64", U64, Flow(4, 4), 1, 1024, 1.4, 2.0),
    row("16P16C u64", U64, Flow(16, 16), 1, 1024, 1.0, 2.0),
    row("2 threads pair", U64, Pairs(2), 1, 1024, 4.0, 8.0),
    row("4 threads pair", U64, Pairs(4), 1, 1024, 4.0, 10.0),
    row("1P1C batch 16", U64, Flow(1, 1), 16, 1024, 2.3, 3.3),
    row("2P2C batch 16", U64, Flow(2, 2), 16, 1024, 2.5, 3.5),
    row("4P4C batch 64", U64, Flow(4, 4), 64, 1024, 5.0, 7.0),
    row("2P2C cap 64", U64, Flow(2, 2), 1, 64, 0.93, 1.1),
    row("4P4C cap 64", U64, Flow(4, 4), 1, 64, 1.1, 1.6),
    row("1P1C cap 1000", U64, Flow(1, 1), 1, 1000, 0.95, 1.3),
    row("4P4C cap 1000", U64, Flow(4, 4), 1, 1000, 0.95, 1.3),
    row("empty pop", U64, EmptyPop, 1, 1024, 1.0 / 0.3, 5.0),
    row("burn 4P4C", U64, Burn(4, 4), 1, 1024, 5.0, 0.0),
];

struct Options {
    rounds: usize,
    slice: Duration,
    only: Vec<String>,
    peers: bool,
    verbose: bool,
}

/// What a slice of a queue gave: operations per second, or for `Burn` burnt calls per second.
type Slice = fn(&Scenario, Duration) -> f64;

fn main() {
    let options = options();
    println!(
        "{}: medians of {} interleaved rounds of {} ms, threads pinned over {} cores",
        build(),
        options.rounds,
        options.slice.as_millis(),
        cores(),
    );
    let names = ["AQ again", "RingBuffer", "conc-queue", "flume", "kanal", "std Mutex", "pl Mutex"];
    print!(
        "{:<20}{:>9}{:>9}{:>22}{:>7}{:>9}  ",
        "scenario", "AQ Mop/s", names[0], names[1], "bar", "stretch"
    );
    println!("{}", names[2..].iter().map(|n| format!("{n:>11}")).collect::<String>());
    for scenario in SCENARIOS {
        if !options.only.is_empty()
            && !options.only.iter().any(|part| scenario.name.contains(part.as_str()))
        {
            continue;
        }
        match scenario.payload {
            Payload::U64 => report::<u64>(scenario, &options),
            Payload::Bytes32 => report::<[u64; 4]>(scenario, &options),
        }
    }
}

/// The build this is, read off the folder it lies in.
fn build() -> &'static str {
    let path = std::env::current_exe().unwrap_or_default();
    if path.components().any(|part| part.as_os_str() == "bench-no-lto") {
        "no LTO"
    } else {
        "fat LTO"
    }
}

fn options() -> Options {
    let mut options = Options {
        rounds: 25,
        slice: Duration::from_millis(20),
        only: Vec::new(),
        peers: true,
        verbose: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} needs a value"));
        match argument.as_str() {
            "--rounds" => options.rounds = value().parse().expect("--rounds: a number"),
            "--slice-ms" => {
                options.slice =
                    Duration::from_millis(value().parse().expect("--slice-ms: a number"))
            }
            "--only" => options.only.push(value()),
            "--verbose" => options.verbose = true,
            "--no-peers" => options.peers = false,
            "--bench" => {}
            other => panic!("unknown argument {other}"),
        }
    }
    options
}

fn report<T: Value>(scenario: &Scenario, options: &Options) {
    let mut slices: Vec<Slice> =
        vec![slice::<T, ArrayQueue<T>>, slice::<T, ArrayQueueAgain<T>>, slice::<T, RingBuffer<T>>];
    if options.peers {
        slices.extend([
            slice::<T, ConcurrentQueue<T>> as Slice,
            slice::<T, Flume<T>>,
            slice::<T, Kanal<T>>,
            slice::<T, StdMutex<T>>,
            slice::<T, ParkingLotMutex<T>>,
        ]);
    }
    let mut rates = vec![Vec::new(); slices.len()];
    let mut row = Row::default();
    for _ in 0..Row::TRIES {
        run_rounds(scenario, options, &slices, &mut rates);
        row = Row::new(scenario, &rates);
        if !row.void {
            break;
        }
    }
    if options.verbose {
        for rates in &rates {
            let line: String = rates.iter().map(|rate| format!("{:>7.1}", rate / 1e6)).collect();
            println!("    {line}");
        }
    }
    row.print(scenario);
}

/// A slice of each queue a round, beginning with another queue each time.
fn run_rounds(scenario: &Scenario, options: &Options, slices: &[Slice], rates: &mut [Vec<f64>]) {
    let crowd = (scenario.work.threads() / cores()).clamp(1, 5) as u32;
    for round in 0..options.rounds {
        for turn in 0..slices.len() {
            let queue = (turn + round) % slices.len();
            rates[queue].push(slices[queue](scenario, options.slice * crowd));
        }
    }
}

/// What the rounds of a scenario gave.
#[derive(Default)]
struct Row {
    /// Million operations per second of the `ArrayQueue`; or its burnt calls per second.
    unit: f64,
    /// Per queue the quartiles of its ratio to the `ArrayQueue`; or its burnt calls per second.
    ratios: Vec<[f64; 3]>,
    void: bool,
}

impl Row {
    /// How often the rounds are run, one set added to the other, before a row stays void.
    const TRIES: usize = 3;

    fn new(scenario: &Scenario, rates: &[Vec<f64>]) -> Self {
        if scenario.work.burns() {
            // Rare events: their mean, where the median of most slices would be none at all.
            let mean = |rates: &Vec<f64>| rates.iter().sum::<f64>() / rates.len() as f64;
            let ratios = rates.iter().map(|rates| [mean(rates); 3]).collect();
            return Self { unit: mean(&rates[0]), ratios, void: false };
        }
        let ratio = |rates: &Vec<f64>, unit: &[f64]| {
            quartiles(rates.iter().zip(unit).map(|(rate, unit)| rate / unit).collect())
        };
        let ratios: Vec<_> = rates.iter().map(|queue| ratio(queue, &rates[0])).collect();
        let [_, again, _] = ratios[1];
        let unit = quartiles(rates[0].clone())[1] / 1e6;
        Self { unit, ratios, void: !(0.9..=1.1).contains(&again) }
    }

    fn print(&self, scenario: &Scenario) {
        let [low, ring, high] = self.ratios[2];
        let held = if scenario.work.burns() { ring <= scenario.bar } else { ring >= scenario.bar };
        print!(
            "{:<20}{:>9.2}{:>9.2}{ring:>8.2} [{low:>5.2}..{high:>5.2}]{:>7.2}{:>9.2}  ",
            scenario.name, self.unit, self.ratios[1][1], scenario.bar, scenario.stretch,
        );
        for [_, rival, _] in &self.ratios[3..] {
            print!("{rival:>11.2}");
        }
        println!(
            "  {}{}",
            if held { "held" } else { "MISSED" },
            if self.void { " void" } else { "" }
        );
    }
}

fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [values[values.len() / 4], values[values.len() / 2], values[values.len() * 3 / 4]]
}

/// A payload that can be told apart.
trait Value: Send + Copy + 'static {
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

fn slice<T: Value, Q: Queue<T>>(scenario: &Scenario, time: Duration) -> f64 {
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
                for _ in 0..BurnMeter::CALLS {
                    if thread < producers {
                        n += 1;
                        let _ = meter.call(|| queue.push(T::tagged(n)));
                    } else {
                        black_box(meter.call(|| queue.pop()));
                    }
                }
                meter.sample();
            }
            meter.burnt
        }),
    }
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
///
/// Reading the thread's clock costs more than a call, so it is read every few calls, and a call is
/// held against it only if it also took that long on the wall.
struct BurnMeter {
    long_call: bool,
    processor: Duration,
    burnt: u64,
}

impl BurnMeter {
    const CALLS: usize = 32;
    const LIMIT: Duration = Duration::from_micros(100);

    fn new() -> Self {
        Self { long_call: false, processor: processor_time(), burnt: 0 }
    }

    #[inline(always)]
    fn call<R>(&mut self, call: impl FnOnce() -> R) -> R {
        let started = Instant::now();
        let result = call();
        self.long_call |= started.elapsed() > Self::LIMIT;
        result
    }

    fn sample(&mut self) {
        let now = processor_time();
        if self.long_call && now - self.processor > Self::LIMIT {
            self.burnt += 1;
        }
        self.long_call = false;
        self.processor = now;
    }
}

fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer.
    let code = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(code, 0, "the thread's processor clock is always there on Linux");
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn pin(core: usize) {
    // SAFETY: a zeroed set is an empty one, and the call only reads it.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &set);
    }
}
