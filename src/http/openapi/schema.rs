//! Schemas of what stands in paths, queries and headers.

use std::ops::RangeInclusive;
use std::time::Duration;

use utoipa::Number;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use crate::broker::{ID_LENGTH, QueueName, RECEIPT_LENGTH};
use crate::duration;

/// A whole number, within bounds.
pub(in crate::http) fn count(range: &RangeInclusive<u64>) -> ObjectBuilder {
    let number = |number| Number::UInt(usize::try_from(number).unwrap_or(usize::MAX));
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(number(*range.start())))
        .maximum(Some(number(*range.end())))
}

/// A whole number that nothing bounds.
pub(in crate::http) fn any_count() -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(Number::UInt(0))).build()
}

/// Text of any kind.
pub(in crate::http) fn text() -> Object {
    Object::with_type(Type::String)
}

/// The name of a queue.
pub(in crate::http) fn queue_name() -> Object {
    QueueName::text_schema()
}

/// The id of a message.
pub(in crate::http) fn message_id() -> Object {
    digits(ID_LENGTH)
}

/// A receipt of a delivery.
pub(in crate::http) fn receipt() -> Object {
    digits(RECEIPT_LENGTH)
}

fn digits(count: usize) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(format!("^[0-9a-f]{{{count}}}$")))
        .build()
}

/// A duration in a parameter or a header.
pub(in crate::http) fn span(range: &RangeInclusive<Duration>) -> ObjectBuilder {
    duration::text_schema(range)
}
