//! The two protocols as a client speaks them, apart from what the server makes of them.
//!
//! A request and an answer are JSON documents, as the service's model has them; in the query protocol
//! they go through the flattened names of a form and through XML.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Map, Value, json};

use crate::support::Answer;

/// Which protocol a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Json,
    Query,
}

pub const BOTH: [Protocol; 2] = [Protocol::Json, Protocol::Query];

/// Why the server did not do what it was asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    pub status: u16,
    /// The shape without its namespace; the query protocol has none.
    pub shape: Option<String>,
    pub code: String,
    pub side: String,
    pub message: String,
    /// In milliseconds.
    pub retry_after: Option<u64>,
}

impl Protocol {
    /// Headers and body of a request.
    pub fn encode(self, action: &str, request: &Value) -> (Vec<(&'static str, String)>, String) {
        match self {
            Self::Json => (
                vec![
                    ("Content-Type", "application/x-amz-json-1.0".to_owned()),
                    ("X-Amz-Target", format!("AmazonSQS.{action}")),
                ],
                request.to_string(),
            ),
            Self::Query => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                form.append_pair("Action", action).append_pair("Version", "2012-11-05");
                let mut parameters = Vec::new();
                flatten(action, "", request, &mut parameters);
                form.extend_pairs(parameters);
                let content_type = "application/x-www-form-urlencoded; charset=utf-8".to_owned();
                (vec![("Content-Type", content_type)], form.finish())
            }
        }
    }

    /// What an answer says.
    #[track_caller]
    pub fn decode(self, action: &str, answer: &Answer) -> Result<Value, Failure> {
        let text = answer.text();
        let request_id = answer.header("x-amzn-requestid").expect("every answer has an id");
        assert_eq!(request_id.len(), 36, "{request_id}");
        match self {
            Self::Json => {
                assert_eq!(answer.header("content-type"), Some("application/x-amz-json-1.0"));
                let document = answer.json();
                if answer.status == 200 { Ok(document) } else { Err(json_failure(answer)) }
            }
            Self::Query => {
                assert_eq!(answer.header("content-type"), Some("text/xml"));
                let document = xml(&text);
                if answer.status == 200 {
                    let answer = &document[format!("{action}Response")];
                    assert_eq!(answer["ResponseMetadata"]["RequestId"], request_id, "{text}");
                    return Ok(unflatten(action, &answer[format!("{action}Result")]));
                }
                let answer_ = &document["ErrorResponse"];
                assert_eq!(answer_["RequestId"], request_id, "{text}");
                let part = |name: &str| answer_["Error"][name].as_str().expect(name).to_owned();
                Err(Failure {
                    status: answer.status,
                    shape: None,
                    code: part("Code"),
                    side: part("Type"),
                    message: part("Message"),
                    retry_after: retry_after(answer),
                })
            }
        }
    }
}

fn json_failure(answer: &Answer) -> Failure {
    let document = answer.json();
    let shape = document["__type"].as_str().expect("an error has its type");
    let (_, shape) = shape.split_once('#').expect("with a namespace");
    let query_error = answer.header("x-amzn-query-error").expect("an error has its code");
    let (code, side) = query_error.split_once(';').expect("and whose fault it is");
    Failure {
        status: answer.status,
        shape: Some(shape.to_owned()),
        code: code.to_owned(),
        side: side.to_owned(),
        message: document["message"].as_str().expect("an error says why").to_owned(),
        retry_after: retry_after(answer),
    }
}

fn retry_after(answer: &Answer) -> Option<u64> {
    answer.header("x-amz-retry-after").map(|wait| wait.parse().expect("milliseconds"))
}

/// Fields, and the names that their elements have in a form and in XML.
const NAMES: [(&str, &str); 14] = [
    ("AttributeNames", "AttributeName"),
    ("MessageSystemAttributeNames", "MessageSystemAttributeName"),
    ("MessageAttributeNames", "MessageAttributeName"),
    ("Attributes", "Attribute"),
    ("MessageAttributes", "MessageAttribute"),
    ("MessageSystemAttributes", "MessageSystemAttribute"),
    ("Tags", "Tag"),
    ("tags", "Tag"),
    ("TagKeys", "TagKey"),
    ("AWSAccountIds", "AWSAccountId"),
    ("Actions", "ActionName"),
    ("QueueUrls", "QueueUrl"),
    ("Messages", "Message"),
    ("Failed", "BatchResultErrorEntry"),
];

fn flatten(action: &str, prefix: &str, value: &Value, out: &mut Vec<(String, String)>) {
    let fields = match value {
        Value::Object(fields) => fields,
        Value::String(text) => return out.push((prefix.to_owned(), text.clone())),
        other => return out.push((prefix.to_owned(), other.to_string())),
    };
    let under =
        |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
    for (field, value) in fields {
        let name = match NAMES.iter().find(|(own, _)| own == field) {
            Some((_, name)) => under(name),
            None if field == "Entries" => under(&format!("{action}RequestEntry")),
            None => under(field),
        };
        match value {
            Value::Array(elements) => {
                for (number, element) in (1..).zip(elements) {
                    flatten(action, &format!("{name}.{number}"), element, out);
                }
            }
            Value::Object(entries) => {
                let key = if field.eq_ignore_ascii_case("tags") { "Key" } else { "Name" };
                for (number, (entry, value)) in (1..).zip(entries) {
                    out.push((format!("{name}.{number}.{key}"), entry.clone()));
                    flatten(action, &format!("{name}.{number}.Value"), value, out);
                }
            }
            scalar => flatten(action, &name, scalar, out),
        }
    }
}

/// XML as a document in which every element is a list of its occurrences, if there are several.
fn xml(text: &str) -> Value {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<(String, Map<String, Value>, String)> =
        vec![(String::new(), Map::new(), String::new())];
    loop {
        match reader.read_event().expect("well-formed XML") {
            Event::Start(start) => {
                let name = start.name().as_ref().to_owned();
                open.push((name, Map::new(), String::new()));
            }
            Event::Text(content) => {
                open.last_mut().expect("an element").2.push_str(&content);
            }
            Event::GeneralRef(reference) => {
                let character = match &*reference {
                    "lt" => '<',
                    "gt" => '>',
                    "amp" => '&',
                    "quot" => '"',
                    "apos" => '\'',
                    "#13" => '\r',
                    other => panic!("&{other};"),
                };
                open.last_mut().expect("an element").2.push(character);
            }
            Event::End(_) => {
                let (name, fields, content) = open.pop().expect("an element");
                let value =
                    if fields.is_empty() { Value::String(content) } else { Value::Object(fields) };
                let into = &mut open.last_mut().expect("its parent").1;
                match into.get_mut(&name) {
                    Some(Value::Array(list)) => list.push(value),
                    Some(one) => *one = json!([one.take(), value]),
                    None => drop(into.insert(name, value)),
                }
            }
            Event::Eof => return Value::Object(open.pop().expect("the document").1),
            other => panic!("{other:?}"),
        }
    }
}

/// An answer's fields as the JSON protocol has them.
fn unflatten(action: &str, value: &Value) -> Value {
    let Value::Object(fields) = value else {
        return match value {
            // An element without content, or none.
            Value::Null => json!({}),
            Value::String(text) if text.is_empty() => json!({}),
            scalar => scalar.clone(),
        };
    };
    let mut out = Map::new();
    if action.ends_with("Batch") {
        // These lists are there also if they are empty.
        out.insert("Successful".into(), json!([]));
        out.insert("Failed".into(), json!([]));
    }
    for (name, value) in fields {
        let elements = match value {
            Value::Array(list) => list.clone(),
            one => vec![one.clone()],
        };
        match name.as_str() {
            "QueueUrl" if action.starts_with("List") => {
                let field = if action == "ListQueues" { "QueueUrls" } else { "queueUrls" };
                out.insert(field.into(), elements.into());
            }
            "Attribute" | "MessageAttribute" | "Tag" => {
                let key = if name == "Tag" { "Key" } else { "Name" };
                let entries = elements.iter().map(|entry| {
                    let name = entry[key].as_str().expect("an entry has a name").to_owned();
                    (name, entry["Value"].clone())
                });
                out.insert(format!("{name}s"), Value::Object(entries.collect()));
            }
            "Message" if action == "ReceiveMessage" => {
                let messages = elements.iter().map(|message| unflatten("Message", message));
                out.insert("Messages".into(), messages.collect());
            }
            "BatchResultErrorEntry" => {
                let failed = elements.into_iter().map(|mut entry| {
                    entry["SenderFault"] = json!(entry["SenderFault"] == "true");
                    entry
                });
                out.insert("Failed".into(), failed.collect());
            }
            name if name.ends_with("BatchResultEntry") => {
                out.insert("Successful".into(), elements.into());
            }
            "ListMessageMoveTasksResultEntry" => {
                out.insert("Results".into(), elements.into());
            }
            name => drop(out.insert(name.to_owned(), value.clone())),
        }
    }
    Value::Object(out)
}
