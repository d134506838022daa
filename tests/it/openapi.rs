//! `/openapi.json` against the server that it describes, and the page that shows it.

use std::collections::BTreeSet;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::support::{Answer, Client, Server};

/// The document, and the operations of it.
struct Document(Value);

struct Operation<'document> {
    method: String,
    path: &'document str,
    document: &'document Value,
    says: &'document Value,
}

impl Document {
    fn of(client: &mut Client) -> Self {
        let answer = client.get("/openapi.json");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        Self(answer.json())
    }

    fn operations(&self) -> Vec<Operation<'_>> {
        let paths = self.0["paths"].as_object().expect("there are paths");
        let of_path = |(path, item): (&'_ String, &'_ Value)| -> Vec<(String, String)> {
            let methods = item.as_object().expect("a path has methods").keys();
            methods.map(|method| (path.clone(), method.clone())).collect()
        };
        let all: Vec<_> = paths.iter().flat_map(of_path).collect();
        all.into_iter()
            .map(|(path, method)| {
                let (path, item) = paths.get_key_value(&path).expect("it was just there");
                let says = &item[&method];
                Operation { method: method.to_uppercase(), path, document: &self.0, says }
            })
            .collect()
    }

    fn operation(&self, method: &str, target: &str) -> Operation<'_> {
        let target = target.split('?').next().expect("split yields at least one part");
        let fits = |template: &str| {
            let (template, target): (Vec<_>, Vec<_>) =
                (template.split('/').collect(), target.split('/').collect());
            let mut parts = template.iter().zip(&target);
            template.len() == target.len()
                && parts.all(|(one, other)| one == other || one.starts_with('{'))
        };
        let mut found = self.operations();
        found.retain(|operation| operation.method == method && fits(operation.path));
        // `leases/ack` is nearer than `leases/{receipt}`.
        found.sort_by_key(|operation| operation.path.matches('{').count());
        assert!(!found.is_empty(), "{method} {target} is not in the document");
        found.swap_remove(0)
    }
}

impl Operation<'_> {
    /// Fails unless the answer is one of those that the document has: status, headers, type and body.
    #[track_caller]
    fn assert_allows(&self, answer: &Answer) {
        let what = format!("{} {}: {}", self.method, self.path, answer.status);
        let response = self.response(&answer.status.to_string());
        assert!(response.is_object(), "{what} is not in the document: {}", answer.text());
        let none = Map::new();
        for (name, header) in response["headers"].as_object().unwrap_or(&none) {
            let Some(value) = answer.header(&name.to_lowercase()) else {
                assert!(header["required"] != true, "{what} has no {name}");
                continue;
            };
            let value = match header["schema"]["type"] == "integer" {
                true => json!(value.parse::<u64>().expect(value)),
                false => json!(value),
            };
            self.assert_valid(&header["schema"], &value, &what);
        }
        let content = response["content"].as_object().unwrap_or(&none);
        let Some(kind) = answer.header("content-type") else {
            assert!(content.is_empty(), "{what} has no body");
            return;
        };
        let kind = kind.split(';').next().expect("split yields at least one part");
        if self.method == "HEAD" {
            return;
        }
        let documented = content.get(kind).or_else(|| content.get("*/*"));
        let documented = documented.unwrap_or_else(|| panic!("{what} has no {kind}: {content:?}"));
        if kind.ends_with("json") && !documented["schema"].is_null() {
            self.assert_valid(&documented["schema"], &answer.json(), &what);
        }
    }

    /// An answer of the document, or the shared one that stands for it.
    fn response(&self, status: &str) -> &Value {
        let response = &self.says["responses"][status];
        match response["$ref"].as_str().and_then(|place| place.rsplit('/').next()) {
            Some(name) => &self.document["components"]["responses"][name],
            None => response,
        }
    }

    #[track_caller]
    fn assert_valid(&self, schema: &Value, value: &Value, what: &str) {
        let errors: Vec<_> = self
            .validator(schema)
            .iter_errors(value)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{what}: {errors:#?} in {value}");
    }

    /// Of a schema that allows no field which it does not name.
    fn validator(&self, schema: &Value) -> Validator {
        let mut components = self.document["components"].clone();
        let schemas = components["schemas"].as_object_mut().expect("there are schemas");
        for (name, schema) in schemas {
            // What is a part of another one cannot know the other's fields.
            if name != "Failure" && schema.get("properties").is_some() {
                schema["unevaluatedProperties"] = json!(false);
            }
        }
        let mut whole = json!({ "allOf": [schema], "components": components });
        if schema.get("$ref").is_some() || schema.get("allOf").is_some() {
            whole["unevaluatedProperties"] = json!(false);
        }
        jsonschema::draft202012::new(&whole).expect("it is a schema")
    }

    /// The examples of its body, each with its type.
    fn bodies(&self) -> Vec<(&str, Vec<u8>)> {
        let Some(content) = self.says["requestBody"]["content"].as_object() else { return vec![] };
        let examples = content.iter().filter(|(_, content)| !content["example"].is_null());
        examples
            .map(|(kind, content)| match &content["example"] {
                Value::String(text) => (kind.as_str(), text.clone().into_bytes()),
                document => (kind.as_str(), document.to_string().into_bytes()),
            })
            .collect()
    }
}

/// A message that is with a consumer: its receipt and its id.
fn leased(client: &mut Client) -> (String, String) {
    let body = br#"{"paused":false}"#;
    client.call("POST", "/v1/queues/orders/resume", &[], body);
    client.call("POST", "/v1/queues/orders/messages", &[], b"leased");
    let answer = client.call("POST", "/v1/queues/orders/receive", &[], b"");
    let message = &answer.json()["messages"][0];
    let text = |name: &str| message[name].as_str().expect("it was received").to_owned();
    (text("receipt"), text("id"))
}

#[test]
fn every_operation_does_what_the_document_says_and_takes_its_own_examples() {
    let server = Server::start();
    let mut client = server.client();
    let document = Document::of(&mut client);
    let mut operations = document.operations();
    // What deletes the queue comes last, and what an empty queue refuses after what fills it.
    operations.sort_by_key(|operation| match operation.says["operationId"].as_str() {
        Some("deleteQueue") => 2,
        Some("dequeue") => 1,
        _ => 0,
    });
    assert!(operations.len() > 30);
    for operation in operations {
        let mut bodies = operation.bodies();
        if bodies.is_empty() {
            bodies.push(("", Vec::new()));
        }
        for (kind, body) in bodies {
            client.call("PUT", "/v1/queues/orders", &[], b"{}");
            let (receipt, id) =
                match operation.path.contains("{receipt}") || operation.path.contains("{id}") {
                    true => leased(&mut client),
                    false => Default::default(),
                };
            if operation.path == "/v1/queues/{queue}/redrive" {
                // Messages that say where they came from: of these there are none.
                client.call("POST", "/v1/queues/orders/purge", &[], b"");
            }
            let target = operation.path.replace("{queue}", "orders");
            let target = target.replace("{receipt}", &receipt).replace("{id}", &id);
            let headers: &[_] = if kind.is_empty() { &[] } else { &[("Content-Type", kind)] };
            let answer = client.call(&operation.method, &target, headers, &body);
            assert!((200..300).contains(&answer.status), "{target}: {}", answer.text());
            operation.assert_allows(&answer);
        }
    }
}

#[test]
fn every_example_of_an_answer_fits_its_schema() {
    let server = Server::start();
    let document = Document::of(&mut server.client());
    let mut examples = 0;
    for operation in document.operations() {
        let responses = operation.says["responses"].as_object().expect("there are answers");
        let none = Map::new();
        for status in responses.keys() {
            for content in
                operation.response(status)["content"].as_object().unwrap_or(&none).values()
            {
                if let Some(example) = content.get("example") {
                    let what = format!("{} {} {status}", operation.method, operation.path);
                    operation.assert_valid(&content["schema"], example, &what);
                    examples += 1;
                }
            }
        }
        for (kind, body) in operation.bodies() {
            let schema = &operation.says["requestBody"]["content"][kind]["schema"];
            let body = serde_json::from_slice(&body);
            if let (Ok(body), true) = (body, kind == "application/json") {
                operation.assert_valid(schema, &body, operation.path);
            }
        }
    }
    assert!(examples > 20, "{examples}");
}

#[test]
fn every_error_is_told_as_the_document_says() {
    let server = Server::start_with(&["--max-body-bytes", "200", "--max-memory-bytes", "3000"]);
    let mut client = server.client();
    let document = Document::of(&mut client);
    let put = |client: &mut Client, queue: &str, settings: &str| {
        let answer = client.call("PUT", &format!("/v1/queues/{queue}"), &[], settings.as_bytes());
        assert!(answer.status < 300, "{}", answer.text());
    };
    put(&mut client, "orders", r#"{"capacity":3,"max_message_bytes":100}"#);
    put(&mut client, "dead", "{}");
    put(&mut client, "source", r#"{"dead_letter":"dead"}"#);
    put(&mut client, "full", r#"{"capacity":1}"#);
    put(&mut client, "large", "{}");
    client.call("POST", "/v1/queues/full/messages", &[], b"one");
    client.call("POST", "/v1/queues/dead/messages", &[], b"no dead letter");
    let key = [("Idempotency-Key", "k")];
    client.call("POST", "/v1/queues/dead/messages", &key, b"first");
    let (gone, _) = leased(&mut client);
    client.call("DELETE", &format!("/v1/queues/orders/leases/{gone}"), &[], b"");
    let (lost, _) = leased(&mut client);
    client.call("POST", &format!("/v1/queues/orders/leases/{lost}/release"), &[], b"");
    client.call("POST", "/v1/queues/orders/receive", &[], b"");
    client.call("POST", "/v1/queues/orders/messages", &[], b"one more");

    let long = "x".repeat(150);
    let (gone, lost) =
        (format!("/v1/queues/orders/leases/{gone}"), format!("/v1/queues/orders/leases/{lost}"));
    let unknown = format!("/v1/queues/orders/leases/{}", "0".repeat(36));
    let mut seen = BTreeSet::new();
    for (method, target, headers, body, code) in [
        ("GET", "/v1/queues?max=1", &[][..], "", "invalid_parameter"),
        ("PUT", "/v1/queues/orders", &[], "[]", "invalid_body"),
        ("PUT", "/v1/queues/a%20b", &[], "{}", "invalid_queue_name"),
        ("GET", "/v1/queues/nowhere", &[], "", "queue_not_found"),
        ("GET", "/v1/queues/orders/messages/0", &[], "", "message_not_found"),
        ("DELETE", &unknown, &[], "", "receipt_unknown"),
        ("DELETE", &gone, &[], "", "message_gone"),
        ("PATCH", &lost, &[], "", "lease_lost"),
        ("PUT", "/v1/queues/orders", &[], r#"{"capacity":1}"#, "capacity_below_depth"),
        ("DELETE", "/v1/queues/dead", &[], "", "queue_in_use"),
        ("DELETE", "/v1/queues/default", &[], "", "queue_undeletable"),
        ("POST", "/v1/queues/orders/messages", &[], &"x".repeat(300), "body_too_large"),
        ("POST", "/v1/queues/orders/messages", &[], &long, "message_too_large"),
        ("PUT", "/v1/queues/orders", &[], r#"{"lease":"0"}"#, "invalid_setting"),
        ("POST", "/v1/queues/dead/redrive", &[], "", "invalid_setting"),
        ("POST", "/v1/queues/dead/messages", &key, "second", "idempotency_key_reused"),
        ("POST", "/v1/queues/full/messages", &[], "two", "queue_full"),
        ("DELETE", "/v1/queues", &[], "", "method_not_allowed"),
        ("GET", "/v1/nowhere", &[], "", "unknown_path"),
    ] {
        // A body that is too large ends its connection.
        let answer = server.client().call(method, target, headers, body);
        assert_eq!(answer.json()["code"], code, "{method} {target}: {}", answer.text());
        if !["method_not_allowed", "unknown_path"].contains(&code) {
            document.operation(method, target).assert_allows(&answer);
        }
        seen.insert(code.to_owned());
    }
    let send = "/v1/queues/large/messages";
    let answer = (0..1000).find_map(|_| {
        let answer = client.call("POST", send, &[], long.as_bytes());
        (answer.status != 201).then_some(answer)
    });
    let answer = answer.expect("the memory has an end");
    assert_eq!(answer.json()["code"], "out_of_memory");
    document.operation("POST", send).assert_allows(&answer);
    seen.insert("out_of_memory".to_owned());

    // Each of the table, and the rest with why not here.
    for code in [
        "unauthorized",                // another test here
        "forbidden",                   // another test here
        "cross_origin",                // another test here
        "incomplete_body",             // the client is gone, and nobody reads it
        "body_timeout",                // takes time: `slow`
        "too_many_connections",        // of no request: `slow`
        "draining",                    // needs a server that stops: `shutdown`
        "idempotency_key_in_progress", // needs a send that waits: `v1::idempotency`
        "move_not_found",              // of the SQS face, which has words of its own
        "move_under_way",
        "move_over",
        "queue_exists",
        "too_many_watchers", // of the stream of the dashboard, which is no part of the API
    ] {
        assert!(seen.insert(code.to_owned()), "{code} was seen after all");
    }
    let table = document.0["x-problems"].as_array().expect("there is a table");
    let codes: BTreeSet<_> =
        table.iter().map(|row| row["code"].as_str().expect("a code").to_owned()).collect();
    assert_eq!(seen, codes);
}

#[test]
fn an_operation_asks_for_a_token_where_the_document_says_so() {
    let mut command = crate::support::server::command();
    let tokens = "other=other-token-0123456789 monitor:other";
    let server = Server::launch(command.args(["--port", "0"]).env("RINGMQ_AUTH_TOKENS", tokens));
    let mut client = server.client();
    let document = Document::of(&mut client);
    let mut protected = 0;
    for operation in document.operations() {
        let target = operation.path.replace("{queue}", "orders");
        let target = target.replace("{receipt}", "0").replace("{id}", "0");
        let mut ask =
            |headers: &[(&str, &str)]| client.call(&operation.method, &target, headers, "");
        let answer = ask(&[]);
        let asks = operation.says["security"].is_array();
        assert_eq!(answer.status == 401, asks, "{} {target}: {}", operation.method, answer.status);
        operation.assert_allows(&answer);
        if !asks {
            continue;
        }
        protected += 1;
        let with_token = ask(&[("Authorization", "Bearer other-token-0123456789")]);
        let any_role = target == "/v1/queues";
        assert_eq!(with_token.status == 403, !any_role, "{} {target}", operation.method);
        operation.assert_allows(&with_token);
    }
    assert!(protected > 20);
}

#[test]
fn a_page_of_another_origin_is_refused_as_the_document_says() {
    let server = Server::start();
    let mut client = server.client();
    let document = Document::of(&mut client);
    let target = "/v1/queues/default/purge";
    let answer = client.call("POST", target, &[("Origin", "http://elsewhere.example")], b"");
    answer.assert_problem(403, "cross_origin");
    document.operation("POST", target).assert_allows(&answer);
}

#[test]
fn the_document_is_sent_once_to_who_keeps_it() {
    let server = Server::start();
    let mut client = server.client();
    let answer = client.get("/openapi.json");
    let tag = answer.header("etag").expect("it has a tag").to_owned();
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    let head = client.call("HEAD", "/openapi.json", &[], "");
    assert_eq!(head.header("content-length"), Some(&*answer.body.len().to_string()));
    let again = client.call("GET", "/openapi.json", &[("If-None-Match", &tag)], b"");
    assert_eq!((again.status, again.body.len()), (304, 0));
    client.call("POST", "/openapi.json", &[], b"").assert_problem(405, "method_not_allowed");
    // The same in another process: nothing in it comes in an order of its own.
    assert_eq!(Server::start().client().get("/openapi.json").header("etag"), Some(&*tag));
}

#[test]
fn the_page_asks_for_nothing_but_what_is_served_beside_it() {
    let server = Server::start();
    let mut client = server.client();
    let page = client.get("/docs");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = page.header("content-security-policy").expect("it has a policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    let text = page.text();
    let mut asked = 0;
    for (attribute, _) in text.match_indices("src=\"").chain(text.match_indices("href=\"")) {
        let rest = &text[attribute..];
        let place = rest.split('"').nth(1).expect("it has a value");
        if place.starts_with("docs/") {
            let answer = client.get(&format!("/{place}"));
            assert_eq!(answer.status, 200, "{place}");
            asked += 1;
        } else {
            assert!(["data:,", "openapi.json", "ui/", "#main"].contains(&place), "{place}");
        }
    }
    assert_eq!(asked, 2);
    let moved = client.get("/docs/");
    assert_eq!((moved.status, moved.header("location")), (308, Some("../docs")));
}
