//! One look a second at all queues, for everybody who watches, and none while nobody does.
//!
//! Looking at ten thousand queues takes milliseconds, for which no worker's requests should wait, so a
//! thread of its own does that. It ends when the last watcher has gone.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use tokio::sync::watch;

use super::changes::State;
use crate::broker::Broker;
use crate::http::Requests;
use crate::http::problem::Problem;

/// From one look to the next.
const PERIOD: Duration = Duration::from_secs(1);

/// How soon the stream of a server that is about to stop ends, so that nobody waits for it, and how soon
/// who comes is told the first.
const WITHIN: Duration = Duration::from_millis(100);

/// How many may watch at once: what each has not read yet is kept for him.
pub(super) const MOST_WATCHERS: usize = 256;

/// Who looks, and who watches.
pub struct Hub {
    broker: Arc<Broker>,
    requests: Requests,
    newest: watch::Sender<Option<Arc<Look>>>,
    /// Whether the thread runs. It is locked by who begins to watch, and by the thread before it ends.
    runs: Mutex<bool>,
    /// Whether somebody has to be told everything.
    wanted: AtomicBool,
}

/// What one look found.
pub(super) struct Look {
    /// How many looks there were, this one among them.
    pub(super) number: u64,
    /// What changed since the one before, as an event.
    pub(super) change: Bytes,
    /// Whether the server is about to stop, so that there is no other.
    pub(super) last: bool,
    state: State,
    whole: OnceLock<Bytes>,
}

impl Look {
    /// Everything, as an event. It is made where [`Hub::want_whole`] asked for it, and of the last look.
    pub(super) fn whole(&self) -> Option<&Bytes> {
        self.whole.get()
    }

    fn make_whole(&self) {
        self.whole.get_or_init(|| self.state.whole());
    }
}

impl Hub {
    /// Of these queues and requests. Nothing is done before somebody watches.
    pub fn new(broker: Arc<Broker>, requests: Requests) -> Self {
        let (newest, runs, wanted) = Default::default();
        Self { broker, requests, newest, runs, wanted }
    }

    /// Begins to watch.
    pub(super) fn watch(self: &Arc<Self>) -> Result<watch::Receiver<Option<Arc<Look>>>, Problem> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if self.newest.receiver_count() >= MOST_WATCHERS {
            let detail = format!("{MOST_WATCHERS} watch already, which is the most");
            return Err(Problem::too_many_watchers(detail));
        }
        self.want_whole();
        let watcher = self.newest.subscribe();
        if !mem::replace(&mut *runs, true) {
            let hub = Arc::clone(self);
            let thread = thread::Builder::new().name("dashboard".to_owned());
            if let Err(error) = thread.spawn(move || hub.run()) {
                *runs = false;
                log::error!("the dashboard has no thread: {error}");
                return Err(Problem::too_many_watchers("the server has no thread for it"));
            }
        }
        Ok(watcher)
    }

    /// Has the thread make the newest look's [`Look::whole`], soon. It may take milliseconds and a megabyte,
    /// so no worker does.
    pub(super) fn want_whole(&self) {
        self.wanted.store(true, Ordering::SeqCst);
    }

    fn run(&self) {
        let (mut number, mut before) = (0, Arc::new(Look::nothing()));
        loop {
            let due = Instant::now() + PERIOD;
            number += 1;
            before = Arc::new(self.look(number, &before.state));
            if before.last || self.wanted.swap(false, Ordering::SeqCst) {
                before.make_whole();
            }
            self.newest.send_replace(Some(Arc::clone(&before)));
            if before.last {
                // It stays where it is, for those who come even now, and no thread begins again.
                return;
            }
            while !self.newest.is_closed() && !self.broker.is_draining() && Instant::now() < due {
                thread::sleep(WITHIN.min(due.saturating_duration_since(Instant::now())));
                if self.wanted.swap(false, Ordering::SeqCst) {
                    before.make_whole();
                    self.newest.send_modify(|_| {});
                }
            }
            let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
            if self.newest.is_closed() {
                *runs = false;
                // What is there when somebody comes again would be old.
                self.newest.send_replace(None);
                return;
            }
        }
    }

    fn look(&self, number: u64, before: &State) -> Look {
        // Asked first: what is seen after it is refused is seen.
        let last = self.broker.is_draining();
        let (state, change) = State::look(&self.broker, &self.requests, before);
        Look { number, change, last, state, whole: OnceLock::new() }
    }
}

#[cfg(test)]
impl Hub {
    /// What is there now, as if it were the look of this number.
    pub(super) fn look_with_whole(&self, number: u64) -> Arc<Look> {
        let look = self.look(number, &State::default());
        look.make_whole();
        Arc::new(look)
    }
}

impl Look {
    fn nothing() -> Self {
        let (state, change) = (State::default(), Bytes::new());
        Self { number: 0, change, last: false, state, whole: OnceLock::new() }
    }
}
