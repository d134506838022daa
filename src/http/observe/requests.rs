//! How many requests were answered, how, and how long it took.
//!
//! Each worker has cells of its own, on cache lines of their own, which nobody else writes: to count is a
//! plain load and a plain store. Whoever reads adds up the cells of all workers, and so sees each number at
//! some moment of its reading, but not all of them at one.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use crossbeam_utils::CachePadded;

use crate::logging::Sparingly;
use crate::queue::Millis;

/// Which part of the service a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// The six routes of the original service, and `/status`.
    Classic,
    /// Whatever is below `/v1/`.
    V1,
    /// The protocol of Amazon SQS.
    Sqs,
    /// Probes, metrics, the API's description, and paths at which there is nothing.
    Ops,
    /// The dashboard.
    Ui,
}

impl Face {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Classic, Self::V1, Self::Sqs, Self::Ops, Self::Ui];

    /// Its name in metrics and in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::V1 => "v1",
            Self::Sqs => "sqs",
            Self::Ops => "ops",
            Self::Ui => "ui",
        }
    }
}

/// Upper bounds of the buckets in which durations are counted, in nanoseconds; what takes longer than the
/// last is in a bucket of its own. The first is a few times what an ordinary request takes.
const BOUNDS: [u64; 17] = {
    const US: u64 = 1_000;
    const MS: u64 = 1_000 * US;
    const S: u64 = 1_000 * MS;
    [
        50 * US,
        100 * US,
        250 * US,
        500 * US,
        MS,
        2_500 * US,
        5 * MS,
        10 * MS,
        25 * MS,
        50 * MS,
        100 * MS,
        250 * MS,
        500 * MS,
        S,
        2_500 * MS,
        5 * S,
        10 * S,
    ]
};

/// Every status code that RFC 9110 and its kin define. An answer with another is counted as the first of its
/// class, which is how a client is to read it.
const STATUSES: [u16; 62] = [
    100, 101, 102, 103, 200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304,
    305, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415,
    416, 417, 418, 421, 422, 423, 424, 425, 426, 428, 429, 431, 451, 500, 501, 502, 503, 504, 505,
    506, 507, 508, 510, 511,
];

/// Where in [`STATUSES`] each code from 100 on is counted.
static PLACES: [u8; 500] = {
    let mut places = [0; 500];
    let mut code = 0;
    while code < places.len() {
        let mut place = 0;
        while place < STATUSES.len() {
            let status = STATUSES[place] as usize - 100;
            if status == code || status == code / 100 * 100 {
                places[code] = place as u8;
            }
            if status == code {
                break;
            }
            place += 1;
        }
        code += 1;
    }
    places
};

/// Where a status is counted.
fn place(status: StatusCode) -> usize {
    let code = usize::from(status.as_u16()).saturating_sub(100);
    PLACES.get(code).map_or(0, |place| usize::from(*place))
}

/// The requests that all workers of a server have answered.
///
/// A request is counted when its answer is handed to the connection; one whose client went away before that
/// is not. Nor is what is no request: actix-http answers that by itself, with 400, 408 or 431.
#[derive(Clone)]
pub struct Requests {
    counted: bool,
    shared: Arc<Shared>,
}

struct Shared {
    began: Instant,
    workers: Mutex<Vec<WorkerCells>>,
    /// When the log last told of an answer with each status from 500 on.
    failures: [Sparingly; 12],
}

/// How often the log tells of an answer of one status that says the server could not.
const FAILURES_EVERY: Duration = Duration::from_secs(1);

type WorkerCells = Arc<CachePadded<Cells>>;

/// The requests of one face, as they were counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaceRequests {
    /// Which face.
    pub face: Face,
    /// How many were answered with which status, by status; those alone that there were.
    pub statuses: Vec<(StatusCode, u64)>,
    /// How many took how long, but for those that waited: one number for each of the
    /// [`duration_bounds`](Requests::duration_bounds), of what took so long at most and longer than
    /// the bound before, and one for what took longer than the last.
    pub durations: [u64; BOUNDS.len() + 1],
    /// How long those took together.
    pub duration_sum: Duration,
    /// How many waited, for a message or for room, and are in `statuses` alone: how long they took says
    /// when somebody else did something, and nothing of this service.
    pub waited: u64,
}

impl Requests {
    /// No requests yet. None ever, if they are not to be counted, because metrics are off.
    pub fn new(counted: bool) -> Self {
        let failures = array::from_fn(|_| Sparingly::default());
        let (began, workers) = (Instant::now(), Mutex::default());
        Self { counted, shared: Arc::new(Shared { began, workers, failures }) }
    }

    /// The upper bounds of the buckets of durations, from 50 µs to 10 s.
    pub fn duration_bounds() -> [Duration; BOUNDS.len()] {
        BOUNDS.map(Duration::from_nanos)
    }

    /// The requests so far, for each face. Nothing, if they are not counted.
    pub fn snapshot(&self) -> Option<[FaceRequests; Face::ALL.len()]> {
        let workers = self.counted.then(|| lock(&self.shared.workers))?;
        Some(Face::ALL.map(|face| FaceRequests::sum(face, &workers)))
    }

    /// The cells of one more worker, if there are to be any.
    pub(in crate::http) fn worker(&self) -> Option<WorkerRequests> {
        self.counted.then(|| {
            let cells = Arc::default();
            lock(&self.shared.workers).push(Arc::clone(&cells));
            WorkerRequests(cells)
        })
    }

    /// Whether the log is to tell of an answer to a request that came at this moment, which says that the
    /// server could not; and how many there were since the last of this status that it told of.
    pub(super) fn failed(&self, status: StatusCode, came: Instant) -> Option<u64> {
        let shared = &self.shared;
        let place = usize::from(status.as_u16()).saturating_sub(500).min(shared.failures.len() - 1);
        let millis = came.saturating_duration_since(shared.began).as_millis() as u64;
        shared.failures[place].allow(FAILURES_EVERY, Millis(millis))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FaceRequests {
    fn sum(face: Face, workers: &[WorkerCells]) -> Self {
        let faces = || workers.iter().map(|cells| &cells.faces[face as usize]);
        let sum = |cell: &dyn Fn(&FaceCells) -> &Cell| faces().map(|it| cell(it).read()).sum();
        let statuses = STATUSES.iter().enumerate().filter_map(|(place, status)| {
            let count = sum(&|face| &face.statuses[place]);
            let status = StatusCode::from_u16(*status).ok()?;
            (count > 0).then_some((status, count))
        });
        Self {
            face,
            statuses: statuses.collect(),
            durations: array::from_fn(|bucket| sum(&|face| &face.durations[bucket])),
            duration_sum: Duration::from_nanos(sum(&|face| &face.nanos)),
            waited: sum(&|face| &face.waited),
        }
    }
}

/// The requests of one worker, which alone has this.
pub(in crate::http) struct WorkerRequests(WorkerCells);

impl WorkerRequests {
    /// Counts an answer, and how long it took, if that means anything.
    #[inline]
    pub(super) fn count(&self, face: Face, status: StatusCode, took: Option<Duration>) {
        let cells = &self.0.faces[face as usize];
        cells.statuses[place(status)].add(1);
        let Some(took) = took else {
            cells.waited.add(1);
            return;
        };
        // Five hundred years fit.
        let nanos = took.as_nanos() as u64;
        // Nearly always the first.
        let bucket = BOUNDS.iter().position(|bound| nanos <= *bound).unwrap_or(BOUNDS.len());
        cells.durations[bucket].add(1);
        cells.nanos.add(nanos);
    }
}

#[derive(Default)]
struct Cells {
    faces: [FaceCells; Face::ALL.len()],
}

struct FaceCells {
    nanos: Cell,
    durations: [Cell; BOUNDS.len() + 1],
    waited: Cell,
    statuses: [Cell; STATUSES.len()],
}

impl Default for FaceCells {
    fn default() -> Self {
        Self {
            nanos: Cell::default(),
            durations: array::from_fn(|_| Cell::default()),
            waited: Cell::default(),
            statuses: array::from_fn(|_| Cell::default()),
        }
    }
}

/// A number that one thread writes and others read.
#[derive(Default)]
struct Cell(AtomicU64);

impl Cell {
    #[inline]
    fn add(&self, number: u64) {
        // Relaxed, and no read-modify-write: no other thread writes it, and it says nothing of any other.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(number), Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16) -> StatusCode {
        StatusCode::from_u16(code).unwrap()
    }

    #[test]
    fn what_workers_count_is_added_up_by_face_and_status() {
        let requests = Requests::new(true);
        let (one, other) = (requests.worker().unwrap(), requests.worker().unwrap());
        one.count(Face::V1, status(201), Some(Duration::from_micros(20)));
        one.count(Face::V1, status(429), Some(Duration::from_micros(51)));
        other.count(Face::V1, status(201), Some(Duration::from_secs(11)));
        other.count(Face::V1, status(200), None);
        other.count(Face::Ui, status(304), Some(Duration::from_millis(1)));
        drop(other);

        let [classic, v1, sqs, ops, ui] = requests.snapshot().unwrap();
        assert_eq!(v1.statuses, [(status(200), 1), (status(201), 2), (status(429), 1)]);
        assert_eq!((v1.durations[0], v1.durations[1], v1.durations[17]), (1, 1, 1));
        assert_eq!(v1.durations.iter().sum::<u64>() + v1.waited, 4);
        assert_eq!(v1.duration_sum, Duration::from_micros(11_000_071));
        assert_eq!(ui.statuses, [(status(304), 1)]);
        // On the bound is below it.
        assert_eq!(ui.durations[4], 1);
        for (face, requests) in Face::ALL.iter().zip([&classic, &v1, &sqs, &ops, &ui]) {
            assert_eq!(requests.face, *face);
        }
        assert!(classic.statuses.is_empty() && sqs.statuses.is_empty() && ops.statuses.is_empty());
    }

    #[test]
    fn every_status_has_its_place_and_one_unheard_of_that_of_its_class() {
        for (place_of, code) in STATUSES.into_iter().enumerate() {
            assert_eq!(place(status(code)), place_of);
        }
        for (code, class) in [(199, 100), (299, 200), (399, 300), (499, 400), (599, 500)] {
            assert_eq!(STATUSES[place(status(code))], class);
        }
        assert_eq!(place(status(999)), 0);
    }

    #[test]
    fn bounds_go_from_50_us_to_10_s_and_grow() {
        let bounds = Requests::duration_bounds();
        assert_eq!(bounds[0], Duration::from_micros(50));
        assert_eq!(bounds.last(), Some(&Duration::from_secs(10)));
        assert!(bounds.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn nothing_is_counted_where_metrics_are_off() {
        let requests = Requests::new(false);
        assert!(requests.worker().is_none());
        assert_eq!(requests.snapshot(), None);
    }
}
