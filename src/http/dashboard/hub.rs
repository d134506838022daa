//! One look a second at all queues, for everybody who watches, and none while nobody does.
//!
//! Looking at ten thousand queues takes milliseconds, for which no worker's requests should wait, so a
//! thread of its own does that. It ends when the last watcher has gone.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use std::{io, mem};

use actix_web::web::Bytes;
use tokio::sync::watch;

use super::changes::State;
use crate::broker::Broker;
use crate::http::Requests;

/// From one look to the next.
const PERIOD: Duration = Duration::from_secs(1);

/// How soon the stream of a server that is about to stop ends, so that nobody waits for it.
const STOPS_WITHIN: Duration = Duration::from_millis(100);

/// Who looks, and who watches.
pub struct Hub {
    broker: Arc<Broker>,
    requests: Requests,
    newest: watch::Sender<Option<Arc<Look>>>,
    /// Whether the thread runs. It is locked by who begins to watch, and by the thread before it ends.
    runs: Mutex<bool>,
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
    /// Everything, as an event; made for the first who asks.
    pub(super) fn whole(&self) -> Bytes {
        self.whole.get_or_init(|| self.state.whole()).clone()
    }
}

impl Hub {
    /// Of these queues and requests. Nothing is done before somebody watches.
    pub fn new(broker: Arc<Broker>, requests: Requests) -> Self {
        Self { broker, requests, newest: watch::Sender::new(None), runs: Mutex::new(false) }
    }

    /// Begins to watch.
    pub(super) fn watch(self: &Arc<Self>) -> io::Result<watch::Receiver<Option<Arc<Look>>>> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let watcher = self.newest.subscribe();
        if !mem::replace(&mut *runs, true) {
            let hub = Arc::clone(self);
            let thread = thread::Builder::new().name("dashboard".to_owned());
            if let Err(error) = thread.spawn(move || hub.run()) {
                *runs = false;
                return Err(error);
            }
        }
        Ok(watcher)
    }

    fn run(&self) {
        let (mut number, mut before) = (0, Arc::new(Look::nothing()));
        loop {
            let due = Instant::now() + PERIOD;
            number += 1;
            before = Arc::new(self.look(number, &before.state));
            self.newest.send_replace(Some(Arc::clone(&before)));
            if before.last {
                // It stays where it is, for those who come even now, and no thread begins again.
                return;
            }
            while !self.newest.is_closed() && !self.broker.is_draining() && Instant::now() < due {
                thread::sleep(STOPS_WITHIN.min(due.saturating_duration_since(Instant::now())));
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

impl Look {
    fn nothing() -> Self {
        let (state, change) = (State::default(), Bytes::new());
        Self { number: 0, change, last: false, state, whole: OnceLock::new() }
    }
}
