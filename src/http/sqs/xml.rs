//! The AWS query protocol, on its way out: an answer's fields become XML with flattened lists.

use actix_web::http::header::HeaderValue;
use quick_xml::Writer;
use quick_xml::escape::escape;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
use serde_json::{Map, Value};

use super::actions::Output;
use super::errors::{Kind, SqsError};
use crate::http::answer::{Answer, typed};

pub(super) const TYPE: HeaderValue = HeaderValue::from_static("text/xml");

const NAMESPACE: &str = "http://queue.amazonaws.com/doc/2012-11-05/";

type Out = Writer<Vec<u8>>;

/// Writes what an action answers.
pub(super) fn write<T: Output>(
    action: &str,
    answer: &T,
    request_id: &str,
) -> Result<Vec<u8>, SqsError> {
    let internal = |error: String| SqsError::new(Kind::InternalFailure, error);
    let value = serde_json::to_value(answer).map_err(|error| internal(error.to_string()))?;
    let mut out = Writer::new(Vec::new());
    let written = inside(&mut out, &format!("{action}Response"), Some(NAMESPACE), |out| {
        if let (true, Value::Object(fields)) = (T::TELLS, &value) {
            inside(out, &format!("{action}Result"), None, |out| write_fields(out, action, fields))?;
        }
        inside(out, "ResponseMetadata", None, |out| text(out, "RequestId", request_id))
    });
    written.map_err(|error| internal(error.to_string()))?;
    Ok(out.into_inner())
}

/// Tells an error.
#[cold]
pub(super) fn error(error: &SqsError, request_id: &str) -> Answer {
    let facts = error.kind.facts();
    // The one text that differs from that of the other protocol.
    let message = match error.kind {
        Kind::QueueDoesNotExist => "The specified queue does not exist for this wsdl version.",
        _ => &error.message,
    };
    let mut out = Writer::new(Vec::new());
    // Writing to memory does not fail.
    let _ = inside(&mut out, "ErrorResponse", Some(NAMESPACE), |out| {
        inside(out, "Error", None, |out| {
            text(out, "Type", facts.side.as_str())?;
            text(out, "Code", facts.code)?;
            text(out, "Message", message)?;
            text(out, "Detail", "")
        })?;
        text(out, "RequestId", request_id)
    });
    typed(facts.status, TYPE, out.into_inner())
}

fn inside(
    out: &mut Out,
    name: &str,
    namespace: Option<&str>,
    write: impl FnOnce(&mut Out) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let start = BytesStart::new(name);
    let start = match namespace {
        Some(namespace) => start.with_attributes([("xmlns", namespace)]),
        None => start,
    };
    out.write_event(Event::Start(start))?;
    write(out)?;
    out.write_event(Event::End(BytesEnd::new(name)))
}

fn text(out: &mut Out, name: &str, text: &str) -> std::io::Result<()> {
    inside(out, name, None, |out| {
        // As it is, it would be read as the end of a line, and the text would not be the same.
        let escaped = escape(text).replace('\r', "&#13;");
        out.write_event(Event::Text(BytesText::from_escaped(escaped)))
    })
}

fn write_fields(out: &mut Out, action: &str, fields: &Map<String, Value>) -> std::io::Result<()> {
    for (field, value) in fields {
        match value {
            Value::Array(elements) => {
                let name = element(action, field);
                for each in elements {
                    write_value(out, action, &name, each)?;
                }
            }
            Value::Object(entries) => {
                let (name, key) = map(field);
                for (entry, value) in entries {
                    inside(out, name, None, |out| {
                        text(out, key, entry)?;
                        write_value(out, action, "Value", value)
                    })?;
                }
            }
            other => write_value(out, action, field, other)?,
        }
    }
    Ok(())
}

fn write_value(out: &mut Out, action: &str, name: &str, value: &Value) -> std::io::Result<()> {
    match value {
        Value::Object(fields) => inside(out, name, None, |out| write_fields(out, action, fields)),
        Value::String(content) => text(out, name, content),
        other => text(out, name, &other.to_string()),
    }
}

/// The name of each element of a list.
fn element(action: &str, field: &str) -> String {
    match field {
        "QueueUrls" | "queueUrls" => "QueueUrl".to_owned(),
        "Messages" => "Message".to_owned(),
        "Failed" => "BatchResultErrorEntry".to_owned(),
        // `SendMessageBatchResultEntry` and its like, `ListMessageMoveTasksResultEntry`.
        _ => format!("{action}ResultEntry"),
    }
}

/// The name of each entry of a map, and of its key.
fn map(field: &str) -> (&'static str, &'static str) {
    match field {
        "MessageAttributes" => ("MessageAttribute", "Name"),
        "Tags" => ("Tag", "Key"),
        _ => ("Attribute", "Name"),
    }
}

#[cfg(test)]
mod tests {
    use actix_http::body::MessageBody as _;
    use serde::Serialize;
    use serde_json::json;

    use super::*;
    use crate::http::sqs::actions::Nothing;

    #[derive(Serialize)]
    struct Any(Value);

    impl Output for Any {}

    fn written(action: &str, value: Value) -> String {
        String::from_utf8(write(action, &Any(value), "id").unwrap()).unwrap()
    }

    #[test]
    fn lists_and_maps_are_flattened() {
        let answer = json!({"Messages": [{
            "Body": "<&>\r\n",
            "Attributes": {"SentTimestamp": "1"},
            "MessageAttributes": {"a": {"StringValue": "x", "DataType": "String"}},
        }]});
        assert_eq!(
            written("ReceiveMessage", answer),
            "<ReceiveMessageResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">\
             <ReceiveMessageResult><Message><Body>&lt;&amp;&gt;&#13;\n</Body>\
             <Attribute><Name>SentTimestamp</Name><Value>1</Value></Attribute>\
             <MessageAttribute><Name>a</Name><Value><StringValue>x</StringValue>\
             <DataType>String</DataType></Value></MessageAttribute>\
             </Message></ReceiveMessageResult>\
             <ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></ReceiveMessageResponse>"
        );
        let answer =
            json!({"Successful": [{"Id": "a"}], "Failed": [{"Id": "b", "SenderFault": true}]});
        assert!(written("DeleteMessageBatch", answer).contains(
            "<DeleteMessageBatchResult><DeleteMessageBatchResultEntry><Id>a</Id>\
             </DeleteMessageBatchResultEntry><BatchResultErrorEntry><Id>b</Id>\
             <SenderFault>true</SenderFault></BatchResultErrorEntry></DeleteMessageBatchResult>"
        ));
        assert!(written("ListQueueTags", json!({"Tags": {"k": "v"}})).contains(
            "<ListQueueTagsResult><Tag><Key>k</Key><Value>v</Value></Tag></ListQueueTagsResult>"
        ));
    }

    #[test]
    fn an_answer_that_tells_nothing_has_no_result() {
        let answer = write("DeleteQueue", &Nothing {}, "id").unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.contains("2012-11-05/\"><ResponseMetadata>"), "{answer}");
    }

    #[test]
    fn a_missing_queue_is_told_in_the_words_of_this_protocol() {
        let answer = error(&SqsError::no_queue(), "id");
        assert_eq!(answer.status().as_u16(), 400);
        let body = answer.into_body().try_into_bytes().ok().expect("it is there as a whole");
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(
            body.contains(
                "<Error><Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code>\
             <Message>The specified queue does not exist for this wsdl version.</Message>\
             <Detail></Detail></Error><RequestId>id</RequestId>"
            ),
            "{body}"
        );
    }
}
