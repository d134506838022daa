//! `CreateQueue`: makes a queue, or finds the one that is there with the same attributes.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Output;
use crate::broker::{DeclareMode, QueueName};
use crate::http::sqs::absent;
use crate::http::sqs::attributes::{self, About, Attributes, Changes};
use crate::http::sqs::call::Call;
use crate::http::sqs::errors::{Kind as ErrorKind, SqsError};
use crate::http::sqs::tags::{self, Tags};

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Request<'request> {
    #[serde(borrow, deserialize_with = "absent::text")]
    queue_name: Cow<'request, str>,
    #[serde(deserialize_with = "absent::or_default")]
    attributes: Attributes,
    // The model has a lower-case name here, and an upper-case one for TagQueue.
    #[serde(rename = "tags", alias = "Tags", deserialize_with = "absent::or_default")]
    tags: Tags,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    queue_url: String,
}

impl Output for Answer {}

pub(super) async fn run(call: &Call, request: Request<'_>) -> Result<Answer, SqsError> {
    let name = queue_name(&request.queue_name)?;
    call.allow(name.as_str())?;
    call.refuse_while_draining()?;
    let answer = Answer { queue_url: call.url(name.as_str()) };
    let fifo = name.as_str().ends_with(".fifo");
    let wants_fifo = request.attributes.get("FifoQueue").is_some_and(|value| value == "true");
    if fifo != wants_fifo {
        return Err(SqsError::invalid(if fifo { NAME_RULE } else { FIFO_NAME_RULE }));
    }
    let about = About { name: name.as_str(), fifo };
    let capacity = tags::check(&request.tags, &Tags::new())?;
    if let Ok(queue) = call.broker().queue(name.as_str()) {
        Changes::read(call, about, &request.attributes, &queue.annotations())?;
        // Tags are those of a new queue: who only makes sure of its queues does not resize them.
        attributes::check_same(call, &queue, &request.attributes)?;
        return Ok(answer);
    }
    let changes = Changes::read(call, about, &request.attributes, &Attributes::new())?;
    let mut changes = changes.or_defaults();
    changes.set("fifo", fifo.into());
    changes.set("capacity", capacity.into());
    changes.set("labels", json!(request.tags));
    if let Err(error) = changes.apply(call, &name, DeclareMode::Create) {
        // Another request may have made it meanwhile.
        let queue = match error.kind {
            ErrorKind::QueueNameExists => call.broker().queue(name.as_str()).map_err(|_| error)?,
            _ => return Err(error),
        };
        attributes::check_same(call, &queue, &request.attributes)?;
    }
    Ok(answer)
}

const FIFO_NAME_RULE: &str = "The name of a FIFO queue can only include alphanumeric characters, hyphens, or \
     underscores, must end with .fifo suffix and be 1 to 80 in length.";
const NAME_RULE: &str =
    "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";

fn queue_name(text: &str) -> Result<QueueName, SqsError> {
    if text.is_empty() {
        return Err(SqsError::missing("QueueName"));
    }
    let stem = text.strip_suffix(".fifo").unwrap_or(text);
    let name = text.parse().ok().filter(|_| !stem.is_empty() && !stem.contains('.'));
    name.ok_or_else(|| SqsError::invalid(NAME_RULE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_sqs_allows() {
        let longest = "x".repeat(80);
        for name in ["a", "A-z_0", "a.fifo", &longest] {
            assert_eq!(queue_name(name).unwrap().as_str(), name);
        }
        for text in ["", ".fifo", "a.b", "a.b.fifo", "a b", "ä", &"x".repeat(81)] {
            assert!(queue_name(text).is_err(), "{text}");
        }
    }
}
