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

#[path = "ring/work.rs"]
mod work;

use std::time::Duration;

use ringmq::ring::RingBuffer;
use ringmq_peers::*;

use crate::work::Work::{self, Burn, EmptyPop, Flow, Pairs};
use crate::work::{Value, burnt_by_nothing, cores, slice};

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
    if scenario.work.burns() {
        slices.push(burnt_by_nothing);
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
            let (nothing, queues) = rates.split_last().expect("the last is no queue");
            let burnt: Vec<_> = queues.iter().map(|rates| mean(rates) - mean(nothing)).collect();
            let ratios = burnt.iter().map(|&burnt| [burnt; 3]).collect();
            return Self { unit: burnt[0], ratios, void: false };
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
