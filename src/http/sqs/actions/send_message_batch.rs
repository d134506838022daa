//! `SendMessageBatch`: as many as there is room for, and a result for each.

use std::borrow::Cow;

use serde::Deserialize;

use super::Output;
use crate::http::sqs::batch::{self, BatchAnswer};
use crate::http::sqs::call::Call;
use crate::http::sqs::errors::{Kind, SqsError};
use crate::http::sqs::messages::{Outgoing, Sent};

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Request<'request> {
    #[serde(borrow)]
    queue_url: Cow<'request, str>,
    #[serde(borrow)]
    entries: Vec<Outgoing<'request>>,
}

impl<T: serde::Serialize> Output for BatchAnswer<'_, T> {}

pub(super) async fn run<'request>(
    call: &Call,
    request: Request<'request>,
) -> Result<BatchAnswer<'request, Sent<'request>>, SqsError> {
    call.refuse_while_draining()?;
    let queue = call.queue(&request.queue_url)?;
    batch::check(request.entries.iter().map(|entry| &*entry.id), call.limits())?;

    let mut answer = BatchAnswer::new();
    let (mut messages, mut waiting, mut size) = (Vec::new(), Vec::new(), 0);
    for entry in request.entries {
        match entry.prepare(call, &queue) {
            Ok(prepared) => {
                size += prepared.size;
                messages.push((prepared.message, prepared.options));
                waiting.push((entry.id, prepared.digests));
            }
            Err(error) => answer.fail(entry.id, error),
        }
    }
    let most = call.limits().batch_bytes;
    if size > most {
        return Err(SqsError::new(
            Kind::BatchRequestTooLong,
            format!(
                "Batch requests cannot be longer than {most} bytes. You have sent {size} bytes."
            ),
        ));
    }

    let (now, mut ids) = (call.broker().clock().now(), Vec::with_capacity(messages.len()));
    call.broker().try_send_batch(&queue, &mut messages, now, &mut ids);
    let (mut sent, mut others) = (ids.into_iter(), messages.into_iter());
    let mut full = None;
    for (id, digests) in waiting {
        let result = match sent.next() {
            Some(message) => Ok(message),
            None => {
                let (message, options) = others.next().expect("what was not sent is left");
                call.broker().send_at(&queue, message, options, now).await
            }
        };
        match result.map_err(SqsError::from) {
            Ok(message) => answer.successful.push(Sent::new(id, &queue, message, digests)),
            Err(error) => {
                if error.kind == Kind::RequestThrottled {
                    full.get_or_insert_with(|| error.clone());
                }
                answer.fail(id, error);
            }
        }
    }
    match full {
        // SDKs repeat a request that is refused as a whole by themselves, and single entries never.
        Some(full) if answer.found_no_room() => Err(full),
        _ => Ok(answer),
    }
}
