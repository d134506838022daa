//! `SendMessage`.

use std::future::Ready;

use super::Output;
use crate::broker::{self, Named, SendOptions};
use crate::http::sqs::call::Call;
use crate::http::sqs::errors::SqsError;
use crate::http::sqs::messages::{Digests, Outgoing, Prepared, Sent};

impl Output for Sent<'_> {}

pub(super) async fn run<'request>(
    call: &Call,
    request: Outgoing<'request>,
) -> Result<Sent<'request>, SqsError> {
    call.refuse_sends_while_draining(&request.queue_url)?;
    let queue = call.queue(&request.queue_url)?;
    let prepared = request.prepare(call, &queue)?;
    let (sent, digests) = send(call, &queue, prepared).await?;
    let answer = Sent::new("".into(), &queue, sent.id, digests);
    Ok(if queue.is_fifo() { answer.numbered(sent.number) } else { answer })
}

/// Nobody waits for room here.
pub(super) const AT_ONCE: Option<Ready<()>> = None;

/// Sends one message, which a FIFO queue has once if it is sent again.
pub(super) async fn send(
    call: &Call,
    queue: &Named,
    prepared: Prepared,
) -> Result<(broker::Sent, Digests), SqsError> {
    let options = SendOptions {
        message: prepared.options,
        idempotency_key: prepared.key.as_deref(),
        duplicate_whatever_payload: true,
    };
    let sent = call.broker().send(queue, prepared.message, options, AT_ONCE).await?;
    Ok((sent, prepared.digests))
}
