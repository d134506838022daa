//! `SendMessageBatch`: as many as there is room for, and a result for each.

use std::borrow::Cow;

use serde::Deserialize;

use super::{Output, send_message};
use crate::broker::{Named, SendOptions};
use crate::http::sqs::absent;
use crate::http::sqs::batch::{BatchAnswer, Entries};
use crate::http::sqs::call::Call;
use crate::http::sqs::errors::{Kind, SqsError};
use crate::http::sqs::messages::{Outgoing, Prepared, Sent};

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Request<'request> {
    #[serde(borrow, deserialize_with = "absent::text")]
    queue_url: Cow<'request, str>,
    #[serde(borrow)]
    entries: Entries<Outgoing<'request>>,
}

impl<T: serde::Serialize> Output for BatchAnswer<'_, T> {}

pub(super) async fn run<'request>(
    call: &Call,
    request: Request<'request>,
) -> Result<BatchAnswer<'request, Sent<'request>>, SqsError> {
    call.refuse_sends_while_draining(&request.queue_url)?;
    let queue = call.queue(&request.queue_url)?;
    let entries = request.entries.check(|entry| &entry.id, call.limits())?;
    // All of them together first, also where one alone is too large.
    let (size, most) = (entries.iter().map(Outgoing::size).sum::<u64>(), call.limits().batch_bytes);
    if size > most {
        let text = format!(
            "Batch requests cannot be longer than {most} bytes. You have sent {size} bytes."
        );
        return Err(SqsError::new(Kind::BatchRequestTooLong, text));
    }
    let (mut answer, mut prepared) = (BatchAnswer::new(), Vec::with_capacity(entries.len()));
    for entry in entries {
        match entry.prepare(call, &queue) {
            Ok(message) => prepared.push((entry.id, message)),
            Err(error) => answer.fail(entry.id, error),
        }
    }
    let full = match queue.is_fifo() {
        true => send_in_order(call, &queue, prepared, &mut answer).await,
        false => send_together(call, &queue, prepared, &mut answer).await,
    };
    match full {
        // SDKs repeat a request that is refused as a whole by themselves, and single entries never.
        Some(full) if answer.found_no_room() => Err(full),
        _ => Ok(answer),
    }
}

type Ready<'request> = Vec<(Cow<'request, str>, Prepared)>;
type SentAnswer<'request> = BatchAnswer<'request, Sent<'request>>;

/// Sends as many as fit. Returns why others did not.
async fn send_together<'request>(
    call: &Call,
    queue: &Named,
    entries: Ready<'request>,
    answer: &mut SentAnswer<'request>,
) -> Option<SqsError> {
    let (mut messages, mut waiting) = (Vec::new(), Vec::new());
    for (id, prepared) in entries {
        messages.push((prepared.message, prepared.options));
        waiting.push((id, prepared.digests));
    }
    let (now, mut ids) = (call.broker().clock().now(), Vec::with_capacity(messages.len()));
    call.broker().try_send_batch(queue, &mut messages, now, &mut ids);
    let (mut sent, mut others, mut full) = (ids.into_iter(), messages.into_iter(), None);
    for (id, digests) in waiting {
        let result = match sent.next() {
            Some(message) => Ok(message),
            None => {
                let (message, options) = others.next().expect("what was not sent is left");
                let options = SendOptions { message: options, ..SendOptions::default() };
                call.broker()
                    .send(queue, message, options, send_message::AT_ONCE)
                    .await
                    .map(|sent| sent.id)
            }
        };
        match result {
            Ok(message) => answer.successful.push(Sent::new(id, queue, message, digests)),
            Err(error) => full = full.or(fail(answer, id, error.into())),
        }
    }
    full
}

/// Sends one after the other. What comes behind one that did not fit is not sent either, so that the
/// order holds when the sender repeats them.
async fn send_in_order<'request>(
    call: &Call,
    queue: &Named,
    entries: Ready<'request>,
    answer: &mut SentAnswer<'request>,
) -> Option<SqsError> {
    let mut full: Option<SqsError> = None;
    for (id, prepared) in entries {
        if let Some(full) = &full {
            answer.fail(id, full.clone());
            continue;
        }
        match send_message::send(call, queue, prepared).await {
            Ok((sent, digests)) => {
                let sent = Sent::new(id, queue, sent.id, digests).numbered(sent.number);
                answer.successful.push(sent);
            }
            Err(error) => full = fail(answer, id, error),
        }
    }
    full
}

/// Notes why an entry failed. Returns it, if it was for want of room.
fn fail<'request>(
    answer: &mut SentAnswer<'request>,
    id: Cow<'request, str>,
    error: SqsError,
) -> Option<SqsError> {
    let full = (error.kind == Kind::RequestThrottled).then(|| error.clone());
    answer.fail(id, error);
    full
}
