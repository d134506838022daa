//! The schema of a queue's settings, as they are said and as they are told.
//!
//! A schema is a description of a document, and no matter of HTTP. It is made here, from the same bounds
//! that the settings are checked against; a test asks for both sides of each.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Value, json};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Object, RefOr};
use utoipa::{Number, PartialSchema, ToSchema};

use super::document::{LONGEST_LABEL, LONGEST_LABEL_KEY, MAX_LABELS, range};
use super::{QueueName, QueueSettings, SettingsDocument};
use crate::duration;

/// Whether settings are said, of which each may be left out or be `null`, or told, all of them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Said,
    Told,
}

impl PartialSchema for SettingsDocument {
    fn schema() -> RefOr<Schema> {
        schema(Side::Said)
            .description(Some(
                "Settings of a queue. What is not said stays as it is, or is the default where the queue is \
                 new; `null` goes back to the default.",
            ))
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
            .into()
    }
}

impl ToSchema for SettingsDocument {
    fn name() -> Cow<'static, str> {
        "SettingsDocument".into()
    }
}

impl PartialSchema for QueueSettings {
    fn schema() -> RefOr<Schema> {
        let mut schema = schema(Side::Told).description(Some("All settings of a queue.")).build();
        schema.required = schema.properties.keys().cloned().collect();
        Schema::from(schema).into()
    }
}

impl ToSchema for QueueSettings {
    fn name() -> Cow<'static, str> {
        "QueueSettings".into()
    }
}

fn schema(side: Side) -> ObjectBuilder {
    let count = |range, default, description| side.count(range, default, description);
    let span = |range, default, description| side.span(&range, default, description);
    let none = Value::Null;
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property(
            "capacity",
            count(
                range::CAPACITY,
                None,
                "How many messages it may hold, those in flight and those that are delayed among \
             them. By default what the server was started with. It can be changed at any time, \
             but not below the present depth.",
            ),
        )
        .property(
            "max_bytes",
            count(
                range::MAX_BYTES,
                Some(&none),
                "How many bytes all of them may have together; `null`: no bound.",
            ),
        )
        .property(
            "max_message_bytes",
            count(
                range::MAX_MESSAGE_BYTES,
                None,
                "How many bytes one of them may have. By default as many as a body may have.",
            ),
        )
        .property("overflow", side.overflow())
        .property(
            "lease",
            span(
                range::LEASE,
                Some(json!("30s")),
                "How long a lease is, where a receive does not say.",
            ),
        )
        .property(
            "max_receives",
            count(
                range::MAX_RECEIVES,
                Some(&none),
                "How often a message is received before it is dead; `null`: for ever.",
            ),
        )
        .property("dead_letter", side.dead_letter())
        .property(
            "retry_delay",
            span(
                range::RETRY_DELAY,
                Some(json!("0s")),
                "How long a message whose lease ran out waits before it is ready again.",
            ),
        )
        .property(
            "ttl",
            span(
                range::TTL,
                Some(none.clone()),
                "How long after it was sent a message expires; `null`: never.",
            ),
        )
        .property(
            "delay",
            span(range::DELAY, Some(json!("0s")), "How long a message waits before it is ready."),
        )
        .property(
            "max_in_flight",
            count(
                range::MAX_IN_FLIGHT,
                Some(&none),
                "How many messages may be with consumers at once; `null`: no bound.",
            ),
        )
        .property(
            "idempotency_window",
            span(
                range::IDEMPOTENCY_WINDOW,
                Some(json!("300s")),
                "How long an idempotency key is remembered.",
            ),
        )
        .property(
            "receive_wait",
            span(
                range::RECEIVE_WAIT,
                Some(json!("0s")),
                "How long a receive waits that does not say.",
            ),
        )
        .property(
            "fifo",
            side.of(
                Object::with_type(Type::Boolean),
                Some(json!(false)),
                "Whether messages of one group keep their order. It is said when a queue is made, \
             and cannot be changed.",
            ),
        )
        .property("labels", side.labels())
}

impl Side {
    /// A field of one type, which may be `null` where it is said, or where that is its default.
    fn of(self, schema: Object, default: Option<Value>, description: &str) -> Schema {
        let mut schema = schema;
        if self == Self::Said || default == Some(Value::Null) {
            if let SchemaType::Type(one) = schema.schema_type {
                schema.schema_type = SchemaType::Array(vec![one, Type::Null]);
            }
            if let Some(values) = &mut schema.enum_values {
                values.push(Value::Null);
            }
        }
        schema.description = Some(description.to_owned());
        schema.default = default.filter(|_| self == Self::Said);
        schema.into()
    }

    fn count(self, range: RangeInclusive<u64>, default: Option<&Value>, text: &str) -> Schema {
        let number = |number| Number::UInt(usize::try_from(number).unwrap_or(usize::MAX));
        let schema = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(number(*range.start())))
            .maximum(Some(number(*range.end())));
        self.of(schema.build(), default.cloned(), text)
    }

    fn span(self, range: &RangeInclusive<Duration>, default: Option<Value>, text: &str) -> Schema {
        if self == Self::Told {
            let schema =
                ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9]+m?s$"));
            return self.of(schema.build(), default, text);
        }
        duration::schema(range, text).default(default).build().into()
    }

    fn overflow(self) -> Schema {
        let words = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(["reject", "drop_oldest"]));
        let text = "What becomes of a send when the queue is full: it is refused, or takes the place \
            of the oldest ready message.";
        self.of(words.build(), Some(json!("reject")), text)
    }

    fn dead_letter(self) -> Schema {
        let text = "The queue that takes messages received too often, FIFO if this one is; `null`: \
            they are dropped and counted.";
        self.of(QueueName::text_schema(), Some(Value::Null), text)
    }

    fn labels(self) -> Schema {
        let text = |least, most| {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .min_length(Some(least).filter(|least| *least > 0))
                .max_length(Some(most))
                .build()
        };
        let labels = ObjectBuilder::new()
            .schema_type(Type::Object)
            .max_properties(Some(MAX_LABELS))
            .property_names(Some(text(1, LONGEST_LABEL_KEY)))
            .additional_properties(Some(Schema::from(text(0, LONGEST_LABEL))));
        self.of(labels.build(), Some(json!({})), "Notes of yours, replaced together.")
    }
}

impl QueueName {
    /// What a name is, as a regular expression of ECMA-262.
    pub const PATTERN: &str = r"^(?!\.{1,2}$)[A-Za-z0-9._-]{1,80}$";

    /// The schema of a name.
    pub fn text_schema() -> Object {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(Self::PATTERN))
            .min_length(Some(1))
            .max_length(Some(Self::MAX_LENGTH))
            .build()
    }

    /// The schema of a name that may be left out.
    pub fn nullable_schema() -> Object {
        let mut schema = Self::text_schema();
        schema.schema_type = SchemaType::Array(vec![Type::String, Type::Null]);
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(schema: RefOr<Schema>) -> Vec<(String, Value)> {
        let schema = serde_json::to_value(schema).unwrap();
        let properties = schema["properties"].as_object().unwrap();
        properties.iter().map(|(name, schema)| (name.clone(), schema.clone())).collect()
    }

    fn accepts(field: &str, value: &Value) -> bool {
        let default = QueueSettings::with_capacity(1);
        let text = json!({ field: value }).to_string();
        let document = serde_json::from_str::<SettingsDocument>(&text);
        document.is_ok_and(|document| document.apply(default.clone(), &default).is_ok())
    }

    #[test]
    fn both_schemas_have_the_fields_that_there_are() {
        let settings = serde_json::to_value(QueueSettings::with_capacity(1)).unwrap();
        let fields: Vec<_> = settings.as_object().unwrap().keys().collect();
        for schema in [SettingsDocument::schema(), QueueSettings::schema()] {
            let properties = properties(schema);
            assert_eq!(properties.iter().map(|(name, _)| name).collect::<Vec<_>>(), fields);
        }
    }

    #[test]
    fn the_default_that_is_told_is_the_one_there_is() {
        let settings = serde_json::to_value(QueueSettings::with_capacity(1)).unwrap();
        for (name, schema) in properties(SettingsDocument::schema()) {
            if let Some(default) = schema.get("default") {
                assert_eq!(*default, settings[&name], "{name}");
            }
        }
    }

    #[test]
    fn each_bound_is_the_one_that_is_checked() {
        let mut bounds = 0;
        for (name, schema) in properties(SettingsDocument::schema()) {
            assert!(accepts(&name, &Value::Null), "{name}");
            if let (Some(least), Some(most)) =
                (schema["minimum"].as_u64(), schema["maximum"].as_u64())
            {
                for fits in [least, most] {
                    // A queue of two billion places is a matter of memory.
                    assert!(accepts(&name, &json!(fits)), "{name}: {fits}");
                }
                assert!(!accepts(&name, &json!(least - 1)), "{name}");
                if let Some(above) = most.checked_add(1) {
                    assert!(!accepts(&name, &json!(above)), "{name}");
                }
                bounds += 1;
            }
            let forms = schema["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default();
            if let Some(range) = forms.first().map(|form| &form["x-range"]) {
                let span = |bound: &str| duration::read(range[bound].as_str().unwrap()).unwrap();
                let (least, most) = (span("minimum"), span("maximum"));
                let ms = Duration::from_millis(1);
                for fits in [least, most] {
                    assert!(accepts(&name, &json!(duration::write(fits))), "{name}");
                    assert!(accepts(&name, &json!(fits.as_secs_f64())), "{name}");
                }
                assert!(!accepts(&name, &json!(duration::write(most + ms))), "{name}");
                assert!(!accepts(&name, &json!((most + ms).as_secs_f64())), "{name}");
                if let Some(below) = least.checked_sub(ms) {
                    assert!(!accepts(&name, &json!(duration::write(below))), "{name}");
                }
                bounds += 1;
            }
        }
        assert_eq!(bounds, 11);
    }
}
