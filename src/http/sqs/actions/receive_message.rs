//! `ReceiveMessage`: up to so many messages; waits for the first of them, if asked to.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use super::Output;
use crate::broker::{Delivered, MIN_LEASE};
use crate::http::observe;
use crate::http::sqs::absent;
use crate::http::sqs::call::Call;
use crate::http::sqs::errors::SqsError;
use crate::http::sqs::fifo;
use crate::http::sqs::incoming::{Incoming, Wanted};
use crate::http::sqs::limits::VISIBILITY_SECONDS;
use crate::http::sqs::number::Number;
use crate::queue::Request as Receive;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Request<'request> {
    #[serde(borrow, deserialize_with = "absent::text")]
    queue_url: Cow<'request, str>,
    max_number_of_messages: Option<Number>,
    visibility_timeout: Option<Number>,
    wait_time_seconds: Option<Number>,
    #[serde(borrow, deserialize_with = "absent::or_default")]
    attribute_names: Vec<Cow<'request, str>>,
    #[serde(borrow, deserialize_with = "absent::or_default")]
    message_system_attribute_names: Vec<Cow<'request, str>>,
    #[serde(deserialize_with = "absent::or_default")]
    message_attribute_names: Vec<String>,
    receive_request_attempt_id: Option<String>,
}

/// The messages, and what of them was asked for.
pub(super) struct Answer<'call> {
    delivered: Delivered,
    wanted: Wanted<'call>,
}

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("ReceiveMessageResult", 1)?;
        let deliveries = self.delivered.deliveries();
        // No messages are no list.
        if !deliveries.is_empty() {
            let messages: Vec<_> = deliveries
                .iter()
                .map(|delivery| Incoming::new(&self.delivered, delivery, &self.wanted))
                .collect();
            fields.serialize_field("Messages", &messages)?;
        }
        fields.end()
    }
}

impl Output for Answer<'_> {
    fn into_delivered(self) -> Option<Delivered> {
        Some(self.delivered)
    }
}

pub(super) async fn run<'call>(
    call: &'call Call,
    request: Request<'_>,
) -> Result<Answer<'call>, SqsError> {
    let limits = call.limits();
    let queue = call.queue(&request.queue_url)?;
    let system = request.attribute_names.iter().chain(&request.message_system_attribute_names);
    let system = system.map(|name| &**name);
    let wanted = Wanted::new(call, system, request.message_attribute_names)?;

    let most = limits.receive_messages;
    let reason = || format!("Must be between 1 and {most}, if provided.");
    let max = request.max_number_of_messages.unwrap_or(Number(1));
    let max = max.within("MaxNumberOfMessages", 1, most, reason)? as usize;

    let reason = || format!("Must be >= 0 and <= {VISIBILITY_SECONDS}, if provided.");
    let timeout = request.visibility_timeout;
    let timeout = timeout
        .map(|it| it.within("VisibilityTimeout", 0, VISIBILITY_SECONDS, reason))
        .transpose()?;
    // A lease of nothing means something else to the broker.
    let lease = timeout.map(|seconds| Duration::from_secs(seconds).max(MIN_LEASE));

    let longest = limits.wait_seconds;
    let reason = || format!("Must be >= 0 and <= {longest}, if provided.");
    let wait = match request.wait_time_seconds {
        Some(wait) => Duration::from_secs(wait.within("WaitTimeSeconds", 0, longest, reason)?),
        None => queue.receive_wait(),
    };
    let until = (!wait.is_zero()).then(|| observe::wait(wait));

    let (broker, what) = (call.broker(), Receive { max, lease });
    let delivered = match request.receive_request_attempt_id.as_deref() {
        Some(attempt) if queue.is_fifo() => {
            fifo::check_id("ReceiveRequestAttemptId", attempt)?;
            broker.receive_attempt(&queue, what, attempt, until).await?
        }
        _ => broker.receive(&queue, what, until).await?,
    };
    Ok(Answer { delivered, wanted })
}
