//! What travels with a message besides its body: in headers, and in the items of a batch.
//!
//! One rule for both, so that whoever receives it can be told all of it in either form: a name is 1
//! to 64 characters of an HTTP token, in lower case; a value is text without control characters, but
//! for the tab.

use std::borrow::Cow;
use std::collections::BTreeMap;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{Object, RefOr};

use crate::http::problem::Problem;
use crate::queue::Attributes;

/// Before the names of attributes that are headers; those of trace context stand by themselves.
const PREFIX: &str = "queue-attr-";
/// W3C trace context, which travels with a message.
const TRACE_HEADERS: [&str; 2] = ["traceparent", TRACE_STATE];
/// The one of them that may come in several headers.
const TRACE_STATE: &str = "tracestate";

const LONGEST_NAME: usize = 64;

/// The schema of those of an item of a batch, and of a message.
pub(super) fn schema() -> RefOr<Schema> {
    let name = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(format!("^[A-Za-z0-9!#$%&'*+.^_`|~-]{{1,{LONGEST_NAME}}}$")))
        .build();
    let value = ObjectBuilder::new().schema_type(Type::String).pattern(Some(VALUE_PATTERN)).build();
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(
            "What travels with the message. The names of headers, upper and lower case the same; text without \
             control characters but the tab.",
        ))
        .property_names(Some(name))
        .additional_properties(Some(Schema::from(value)))
        .into()
}

/// What a value is, as a regular expression.
const VALUE_PATTERN: &str = r"^[^\x00-\x08\x0a-\x1f\x7f]*$";

/// The schema of one that is a header.
pub(super) fn header_schema() -> Object {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(VALUE_PATTERN)).build()
}

/// Whether a header of this name is one.
pub(super) fn is_one(header: &str) -> bool {
    header.starts_with(PREFIX) || TRACE_HEADERS.contains(&header)
}

/// Those among these headers.
pub(super) fn of_headers(headers: &HeaderMap) -> Result<Attributes, Problem> {
    let mut attributes: Vec<(&str, Cow<'_, str>)> = Vec::new();
    for (header, value) in headers {
        let header = header.as_str();
        let name = match header.strip_prefix(PREFIX) {
            Some("") => return Err(Problem::invalid(header, "has no name behind the prefix")),
            Some(name) if name.len() > LONGEST_NAME => {
                let problem = format!("has a name of more than {LONGEST_NAME} characters");
                return Err(Problem::invalid(header, problem));
            }
            Some(name) => name,
            None if TRACE_HEADERS.contains(&header) => header,
            None => continue,
        };
        let value = std::str::from_utf8(value.as_bytes());
        let value = value.map_err(|_| Problem::invalid(header, "is not UTF-8"))?;
        match attributes.iter_mut().find(|(known, _)| *known == name) {
            None => attributes.push((name, Cow::Borrowed(value))),
            // A list, of which each header has a part.
            Some((_, list)) if name == TRACE_STATE => *list = format!("{list},{value}").into(),
            Some(_) => return Err(Problem::invalid(header, "is given twice")),
        }
    }
    // Headers come in no order of their own.
    attributes.sort_unstable();
    Ok(attributes.into_iter().collect())
}

/// Those of an item of a batch.
pub(super) fn of_item(said: BTreeMap<Cow<'_, str>, Cow<'_, str>>) -> Result<Attributes, Problem> {
    let mut attributes = BTreeMap::new();
    for (name, value) in said {
        let refuse =
            |problem: String| Err(Problem::invalid(&format!("attributes.{name}"), problem));
        // A header's name is a token, and is turned into lower case.
        let Some(header) = HeaderName::try_from(&*name).ok().filter(|_| name.len() <= LONGEST_NAME)
        else {
            return refuse(format!(
                "has a name that is not 1 to {LONGEST_NAME} of A-Z a-z 0-9 ! # $ % & ' * + - . ^ _ ` \
                 | ~"
            ));
        };
        if HeaderValue::try_from(&*value).is_err() {
            return refuse("has a value with control characters".to_owned());
        }
        if attributes.insert(header.as_str().to_owned(), value).is_some() {
            return refuse("is given twice: upper and lower case are the same".to_owned());
        }
    }
    Ok(attributes.into_iter().collect())
}

/// Puts them into headers.
pub(super) fn write(attributes: &Attributes, headers: &mut HeaderMap) {
    for (name, value) in attributes.iter() {
        let name = match TRACE_HEADERS.contains(&name) {
            true => HeaderName::try_from(name),
            false => HeaderName::try_from(format!("{PREFIX}{name}")),
        };
        // What no header can carry stays away: it did not come in by a face.
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(item: &[(&str, &str)]) -> Result<Attributes, Problem> {
        of_item(item.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    #[test]
    fn what_an_item_may_have_comes_back_in_headers() {
        let (longest, long) = ("n".repeat(64), "v".repeat(10_000));
        let item = [("A!#$%&'*+-.^_`|~9", "a\tb"), ("ä", ""), ("empty", ""), (&longest, &long)];
        assert!(read(&item[1..2]).is_err());
        let attributes = read(&[item[0], item[2], item[3], ("Traceparent", "ä 😀")]).unwrap();
        let mut headers = HeaderMap::new();
        write(&attributes, &mut headers);
        assert!(headers.contains_key("traceparent"));
        assert_eq!(of_headers(&headers).unwrap(), attributes);
        assert_eq!(attributes.iter().count(), 4);
    }

    #[test]
    fn what_no_header_can_carry_is_refused_by_name() {
        let too_long = "n".repeat(65);
        for (name, value) in [
            ("", "v"),
            ("a b", "v"),
            ("a:b", "v"),
            ("ä", "v"),
            ("a\n", "v"),
            (&*too_long, "v"),
            ("a", "b\r\nc"),
            ("a", "\0"),
            ("a", "\u{7f}"),
        ] {
            let problem = read(&[(name, value)]).unwrap_err();
            let problem = serde_json::to_value(problem.result()).unwrap();
            assert_eq!(problem["field"], format!("attributes.{name}"));
        }
        assert!(read(&[("Tenant", "a"), ("tenant", "b")]).is_err());
    }
}
