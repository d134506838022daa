//! Messages that go from one queue to another: dead letters, and back.

use std::sync::PoisonError;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::named::Named;
use super::{Broker, Error, QueueName};
use crate::queue::{
    Attributes, Held, Message, Options, SendRefusal, TryReceiveError, TrySendError,
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

impl Broker {
    /// Moves messages that were received too often to where they belong.
    pub(super) fn take_dead_letters(&self, queue: &Named) {
        if !queue.queue.has_dead_letters() {
            return;
        }
        let target = queue.dead_letter();
        while let Some(mut letter) = queue.queue.take_dead_letter() {
            let now = self.now();
            let Some(name) = &target else {
                letter.moved(now);
                continue;
            };
            let (message, receives, _) = letter.look();
            let at = self.clock.time_of_day(now);
            let marked = marked(message.attributes(), receives, &queue.name, at);
            let message = message.with_attributes(marked);
            let moved = match self.find(name.as_str()) {
                Some(target) => self.move_to(letter, &target, message),
                None => Err((letter, SendRefusal::Closed)),
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
        let message = message.with_attributes(unmarked(message.attributes()).collect());
        let size = message.size();
        match self.move_to(held, &target, message) {
            Ok(()) => Ok(Redriven::Moved),
            Err((held, why)) => {
                drop(held);
                if why == SendRefusal::Busy {
                    return Ok(Redriven::Busy);
                }
                Err(self.refusal(&target, why, size))
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
    ) -> Result<(), (Held<'queue>, SendRefusal)> {
        let _nobody_tells = self.moves.write().unwrap_or_else(PoisonError::into_inner);
        // At once, whatever delay the queue gives what is sent to it.
        let options = Options { delay: Some(Duration::ZERO), ttl: None };
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
