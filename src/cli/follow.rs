//! `ringmq receive --follow`: on and on, until somebody ends it.
//!
//! One thread asks the server and waits for its answers; the other writes, acknowledges and listens for
//! Ctrl-C. The first asks only when the second wants more, so no message is ever on its way to nobody but
//! the one batch that a poll may just bring.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::exit::{Exit, Failure};
use super::message::Batch;
use super::output::note;
use super::receive::Job;
use super::signals::on_interrupt;

/// How long a poll that is under way at the end has for its answer. One that finds messages is answered at
/// once; of one that still waits then, the connection ends with the process, and the server keeps the messages.
const GRACE: Duration = Duration::from_secs(1);

/// What the writing thread is told.
enum Event {
    Polled(Result<Batch, Failure>),
    Interrupted,
}

/// The first wait after a server is found to be away, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

pub(super) fn follow(job: Job) -> Result<(), Failure> {
    let job = Arc::new(job);
    let (to, events) = mpsc::channel();
    let interrupted = to.clone();
    on_interrupt(move || {
        let _ = interrupted.send(Event::Interrupted);
    })?;
    let more = poll_when_asked(Arc::clone(&job), to);
    let mut outage = Outage::default();
    loop {
        // Nothing is under way: what comes now is no answer.
        if events.try_recv().is_ok() {
            return Ok(());
        }
        // Where the other thread has ended, this side is about to.
        let _ = more.send(());
        let asked = Instant::now();
        let failure = match events.recv() {
            Ok(Event::Polled(Ok(batch))) => {
                outage.is_over();
                match job.pass_on(&batch) {
                    Ok(()) if batch.messages.is_empty() && asked.elapsed() < FIRST_PAUSE => {
                        // It did not wait: it is about to stop, or was not asked to.
                        if is_interrupted_within(FIRST_PAUSE, &events) {
                            return Ok(());
                        }
                        continue;
                    }
                    Ok(()) => continue,
                    Err(failure) => failure,
                }
            }
            Ok(Event::Polled(Err(failure))) => failure,
            Ok(Event::Interrupted) | Err(_) => return finish(&job, &events),
        };
        if is_interrupted_within(outage.pause(failure)?, &events) {
            return Ok(());
        }
    }
}

/// What the last poll brings goes to others, and is written where it was taken for good.
fn finish(job: &Job, events: &Receiver<Event>) -> Result<(), Failure> {
    let Ok(Event::Polled(Ok(mut batch))) = events.recv_timeout(GRACE) else { return Ok(()) };
    job.give_back(&batch.receipts());
    batch.messages.retain(|message| !message["receipt"].is_string());
    job.pass_on(&batch)
}

fn poll_when_asked(job: Arc<Job>, to: Sender<Event>) -> Sender<()> {
    let (more, asked) = mpsc::channel();
    thread::spawn(move || {
        while let Ok(()) = asked.recv() {
            if to.send(Event::Polled(job.poll())).is_err() {
                return;
            }
        }
    });
    more
}

/// Nobody asks for more meanwhile, so nothing else can come.
fn is_interrupted_within(pause: Duration, events: &Receiver<Event>) -> bool {
    !matches!(events.recv_timeout(pause), Err(RecvTimeoutError::Timeout))
}

/// The time for which the server is away.
#[derive(Default)]
struct Outage {
    /// Whether it ever was there: a queue that never was is a wrong name, one that was comes back.
    has_worked: bool,
    pause: Option<Duration>,
}

impl Outage {
    fn is_over(&mut self) {
        if self.pause.take().is_some() {
            note("connected again");
        }
        self.has_worked = true;
    }

    /// How long to wait before the next poll, or what ends it all.
    fn pause(&mut self, failure: Failure) -> Result<Duration, Failure> {
        let away = failure.is(Exit::Unreachable) || failure.is(Exit::Full);
        let gone = failure.is(Exit::Nothing) && self.has_worked;
        if !away && !gone {
            return Err(failure);
        }
        let pause = match self.pause {
            None => {
                note(&format!("{}; trying again until it works", failure.text));
                FIRST_PAUSE
            }
            Some(last) => (2 * last).min(LONGEST_PAUSE),
        };
        self.pause = Some(pause);
        Ok(pause.max(failure.retry_after.unwrap_or_default().min(LONGEST_PAUSE)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_until_it_works_again() {
        let mut outage = Outage::default();
        let away = || Failure::because(Exit::Unreachable, "away");
        let pauses: Vec<_> = (0..8).map(|_| outage.pause(away()).expect("it may help")).collect();
        let millis = pauses.iter().map(|pause| pause.as_millis());
        assert_eq!(millis.collect::<Vec<_>>(), [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        outage.is_over();
        assert_eq!(outage.pause(away()).expect("it may help"), FIRST_PAUSE);
    }

    #[test]
    fn a_queue_that_never_was_ends_it() {
        let gone = || Failure::because(Exit::Nothing, "no such queue");
        let mut outage = Outage::default();
        assert!(outage.pause(gone()).is_err());
        outage.is_over();
        assert!(outage.pause(gone()).is_ok());
        let denied = Failure::because(Exit::NotAllowed, "no role");
        assert!(outage.pause(denied).is_err());
    }
}
