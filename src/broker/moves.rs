//! Messages that go from one queue to another: dead letters, and back.

use std::sync::PoisonError;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::named::Named;
use super::{Broker, Error, QueueName, YieldNow, same_kind};
use crate::queue::{
    Attributes, Earlier, Held, Message, Millis, Options, SendRefusal, TryReceiveError, TrySendError,
};

/// How long a dead letter waits for room in its queue before it asks again.
const RETRY: Duration = Duration::from_secs(1);

/// Attributes of a dead letter: why, how often received, from where, and when, in milliseconds since
/// 1970.
const REASON: &str = "dead-letter-reason";
const RECEIVES: &str = "dead-letter-receive-count";
const SOURCE: &str = "dead-letter-source";
const AT: &str = "dead-letter-at";

/// What one step of a redrive did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redriven {
    /// It moved a message.
    Moved,
    /// There is none to move.
    Done,
    /// A neighbour must finish first: ask again.
    Busy,
}

/// What a redrive moves.
#[derive(Clone, Copy, Debug)]
pub struct Redrive<'request> {
    /// Where to; where each message came from, if `None`.
    pub to: Option<&'request str>,
    /// How many at most.
    pub most: u64,
    /// How many a second at most.
    pub rate: Option<f64>,
}

/// Steps of which there are so many a second. After a delay it catches up.
struct Pace {
    rate: f64,
    began: Millis,
    steps: u64,
}

impl Pace {
    /// How long it is until the next step, which it counts.
    fn until_next(&mut self, now: Millis) -> Duration {
        let after = Duration::try_from_secs_f64(self.steps as f64 / self.rate);
        self.steps += 1;
        after.map_or(Duration::MAX, |after| after.saturating_sub(now.since(self.began)))
    }
}

/// Messages that a redrive moves before it lets others run.
const AT_ONCE: u64 = 64;

impl Broker {
    /// The queues whose dead letters this one takes, by name.
    pub fn dead_letter_sources(&self, name: &QueueName) -> Vec<QueueName> {
        let mut sources = self.queues();
        sources.retain(|queue| queue.dead_letter().as_ref() == Some(name));
        sources.iter().map(|queue| queue.name.clone()).collect()
    }

    /// Moves messages from a queue one after the other, as [`redrive_one`](Self::redrive_one) does, until
    /// there are none, or `goes_on` says no, or the server is about to stop. `moved` is told of each.
    /// `sleep` is used where the rate asks for it.
    ///
    /// Returns how many were moved, and why not the next one where it could not be.
    pub async fn redrive<S: Future<Output = ()>>(
        &self,
        from: &Named,
        what: Redrive<'_>,
        sleep: impl Fn(Duration) -> S,
        moved: impl FnMut(),
        goes_on: impl Fn() -> bool,
    ) -> (u64, Option<Error>) {
        let outcome = self.redrive_untold(from, what, sleep, moved, goes_on).await;
        self.tell_redriven(&from.name, what.to, outcome.0);
        outcome
    }

    /// As [`redrive`](Self::redrive), for who tells the log when all is done.
    pub(super) async fn redrive_untold<S: Future<Output = ()>>(
        &self,
        from: &Named,
        what: Redrive<'_>,
        sleep: impl Fn(Duration) -> S,
        mut moved: impl FnMut(),
        goes_on: impl Fn() -> bool,
    ) -> (u64, Option<Error>) {
        let mut pace = what.rate.map(|rate| Pace { rate, began: self.now(), steps: 0 });
        let mut count = 0;
        while count < what.most {
            let wait = pace.as_mut().map(|pace| pace.until_next(self.now()));
            if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
                sleep(wait).await;
            }
            loop {
                if self.is_draining() || !goes_on() {
                    return (count, None);
                }
                match self.redrive_one(from, what.to) {
                    Ok(Redriven::Moved) => break,
                    Ok(Redriven::Done) => return (count, None),
                    Ok(Redriven::Busy) => YieldNow::default().await,
                    Err(error) => return (count, Some(error)),
                }
            }
            count += 1;
            moved();
            if count % AT_ONCE == 0 {
                YieldNow::default().await;
            }
        }
        (count, None)
    }

    /// Moves messages that were received too often to where they belong.
    pub(super) fn take_dead_letters(&self, queue: &Named) {
        if !queue.queue.has_dead_letters() {
            return;
        }
        let target = queue.dead_letter();
        while let Some(mut letter) = queue.queue.take_dead_letter() {
            let now = self.now();
            self.tell_dead_letter(queue, target.as_ref(), now);
            let Some(name) = &target else {
                letter.moved(now);
                continue;
            };
            let (message, receives, _) = letter.look();
            // A FIFO queue's letters are as new there: their order is that of their coming.
            let earlier = (!queue.is_fifo()).then(|| letter.earlier());
            let at = self.clock.time_of_day(now);
            let marked = marked(message.attributes(), receives, &queue.name, at);
            let message = message.with_attributes(marked);
            let moved = match self.find(name.as_str()) {
                // It may have been deleted and made anew as one of the other kind.
                Some(target) if target.is_fifo() == queue.is_fifo() => {
                    self.move_to(letter, &target, message, earlier)
                }
                _ => Err((letter, SendRefusal::Closed)),
            };
            if let Err((letter, _)) = moved {
                letter.keep(now.after(RETRY));
            }
        }
    }

    /// Moves one message from a queue to `to`, or to the one it came from, without it being received.
    ///
    /// # Errors
    /// When there is no queue to move it to, or no room there; it is still where it was.
    pub fn redrive_one(&self, from: &Named, to: Option<&str>) -> Result<Redriven, Error> {
        let mut held = match from.queue.take_next(self.now()) {
            Ok(held) => held,
            Err(TryReceiveError::Empty) => return Ok(Redriven::Done),
            Err(TryReceiveError::Busy) => return Ok(Redriven::Busy),
        };
        let (message, ..) = held.look();
        let source = message.attributes().get(SOURCE).map(str::to_owned);
        let Some(to) = to.map(str::to_owned).or(source) else {
            let problem = "is missing, and the message does not say where it came from".to_owned();
            return Err(Error::Setting { field: "to", problem });
        };
        let target = self.queue(&to)?;
        if target.name == from.name {
            let problem = "is the queue itself".to_owned();
            return Err(Error::Setting { field: "to", problem });
        }
        same_kind("to", &target, from.is_fifo())?;
        let message = message.with_attributes(unmarked(message.attributes()).collect());
        let size = message.size();
        match self.move_to(held, &target, message, None) {
            Ok(()) => Ok(Redriven::Moved),
            Err((held, why)) => {
                drop(held);
                if why == SendRefusal::Busy {
                    return Ok(Redriven::Busy);
                }
                Err(self.refusal_of(&target, why, size))
            }
        }
    }

    /// Puts `message` into `target` and ends `held`: for whoever tells what is in which queue, at one
    /// moment.
    fn move_to<'queue>(
        &self,
        held: Held<'queue>,
        target: &Named,
        mut message: Message,
        earlier: Option<Earlier>,
    ) -> Result<(), (Held<'queue>, SendRefusal)> {
        let _nobody_tells = self.moves.write().unwrap_or_else(PoisonError::into_inner);
        // At once, whatever delay the queue gives what is sent to it; and of any size, because a letter that
        // is refused for good would come again for ever, and could only be refused again.
        let options =
            Options { delay: Some(Duration::ZERO), any_size: true, earlier, ..Options::default() };
        loop {
            match target.queue.try_send(message, options, self.now()) {
                Ok(_) => {
                    held.moved(self.now());
                    return Ok(());
                }
                Err(TrySendError { message: back, why: SendRefusal::Busy }) => {
                    message = back;
                    std::thread::yield_now();
                }
                Err(TrySendError { why, .. }) => return Err((held, why)),
            }
        }
    }
}

/// The attributes, and those of a dead letter behind them.
fn marked(
    attributes: &Attributes,
    receives: u32,
    source: &QueueName,
    at: SystemTime,
) -> Attributes {
    let at = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis().to_string();
    let receives = receives.to_string();
    let marks =
        [(REASON, "max_receives"), (RECEIVES, &receives), (SOURCE, source.as_str()), (AT, &at)];
    unmarked(attributes).chain(marks).collect()
}

/// The attributes but for those of a dead letter.
fn unmarked(attributes: &Attributes) -> impl Iterator<Item = (&str, &str)> {
    attributes.iter().filter(|(name, _)| ![REASON, RECEIVES, SOURCE, AT].contains(name))
}
