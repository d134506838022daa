//! `SendMessage`.

use super::Output;
use crate::broker::SendOptions;
use crate::http::sqs::call::Call;
use crate::http::sqs::errors::SqsError;
use crate::http::sqs::messages::{Outgoing, Sent};

impl Output for Sent<'_> {}

pub(super) async fn run<'request>(
    call: &Call,
    request: Outgoing<'request>,
) -> Result<Sent<'request>, SqsError> {
    call.refuse_while_draining()?;
    let queue = call.queue(&request.queue_url)?;
    let prepared = request.prepare(call, &queue)?;
    let options = SendOptions { message: prepared.options, idempotency_key: None };
    let never = None::<std::future::Ready<()>>;
    let id = call.broker().send(&queue, prepared.message, options, never).await?;
    Ok(Sent::new("".into(), &queue, id, prepared.digests))
}
