//! The examples for Grafana, Prometheus and KEDA name what there is.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use yaml_rust2::{Yaml, YamlLoader};

use super::Service;
use super::page::{BOTH, Page};

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

fn yaml(name: &str) -> Yaml {
    let mut documents = YamlLoader::load_from_str(&example(name)).expect("it is YAML");
    assert_eq!(documents.len(), 1, "{name}");
    documents.remove(0)
}

/// Every text of a YAML document that stands under this key.
fn texts<'yaml>(yaml: &'yaml Yaml, key: &str, found: &mut Vec<&'yaml str>) {
    match yaml {
        Yaml::Array(list) => list.iter().for_each(|one| texts(one, key, found)),
        Yaml::Hash(members) => {
            for (name, value) in members {
                match value {
                    Yaml::String(text) if name.as_str() == Some(key) => found.push(text),
                    _ => texts(value, key, found),
                }
            }
        }
        _ => {}
    }
}

/// Every expression of a dashboard: of its panels and of its variables.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|one| expressions(one, found)),
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name == "expr" || name == "query" => {
                        found.push(text.clone());
                    }
                    _ => expressions(value, found),
                }
            }
        }
        _ => {}
    }
}

/// The names in an expression that are metrics', each with the labels that are asked for beside it.
fn metrics(expression: &str) -> Vec<(String, Vec<String>)> {
    let is_word = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(start) = rest.find(is_word) {
        rest = &rest[start..];
        let end = rest.find(|char| !is_word(char)).unwrap_or(rest.len());
        let word;
        (word, rest) = rest.split_at(end);
        let Some(selector) = rest.strip_prefix('{') else {
            if word.starts_with("ringmq_") || word.starts_with("process_") {
                found.push((word.to_owned(), Vec::new()));
            }
            continue;
        };
        let (selector, after) = selector.split_once('}').expect("a selector ends");
        let matchers = selector.split(',').filter(|matcher| !matcher.trim().is_empty());
        let label = |matcher: &str| {
            let end = matcher.find(['=', '!']).expect("a matcher compares");
            matcher[..end].trim().to_owned()
        };
        found.push((word.to_owned(), matchers.map(label).collect()));
        rest = after;
    }
    found
}

/// The labels that an expression groups by.
fn groupings(expression: &str) -> Vec<String> {
    let lists = expression.split(" by (").skip(1).filter_map(|after| after.split(')').next());
    lists.flat_map(|list| list.split(',').map(|label| label.trim().to_owned())).collect()
}

/// Labels that Prometheus adds to what it has read.
const ITS_OWN: [&str; 2] = ["instance", "job"];

/// Pages of a server that has seen something of everything.
fn pages() -> Vec<Page> {
    let mut service = Service::with_queue(json!({"capacity": 1}));
    service.send("q");
    service.try_send("q", &[], "full");
    service.receive("q", "");
    service.client.put("event");
    service.client.take();
    service.client.dequeue();
    BOTH.iter().map(|format| Page::scrape(&mut service.client, *format)).collect()
}

#[track_caller]
fn check(expressions: &[impl AsRef<str>], pages: &[Page]) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for expression in expressions.iter().map(AsRef::as_ref) {
        let metrics = metrics(expression);
        for (page, (name, labels)) in
            pages.iter().flat_map(|page| metrics.iter().map(move |metric| (page, metric)))
        {
            if name == "up" {
                continue;
            }
            assert!(page.names().any(|told| told == name), "{name} in {expression}");
            for label in labels.iter().filter(|label| !ITS_OWN.contains(&label.as_str())) {
                assert!(page.has(name, label), "{name}{{{label}}} in {expression}");
            }
        }
        for label in groupings(expression).iter().filter(|it| !ITS_OWN.contains(&it.as_str())) {
            let told = metrics.iter().any(|(name, _)| pages.iter().all(|it| it.has(name, label)));
            assert!(told, "by {label} in {expression}");
        }
        named.extend(metrics.into_iter().map(|(name, _)| name));
    }
    named
}

#[test]
fn the_dashboard_names_what_is_told() {
    let dashboard: Value = serde_json::from_str(&example("grafana/ringmq.json")).expect("JSON");
    let mut found = Vec::new();
    expressions(&dashboard, &mut found);
    found.retain(|expression| expression != "prometheus");
    let pages = pages();
    let named = check(&found, &pages);
    assert!(found.len() > 40, "{found:#?}");
    // Nothing that is told of queues and requests is missing on it.
    let plain = |name: &str| name.trim_end_matches("_sum").trim_end_matches("_count").to_owned();
    let histograms: BTreeSet<_> = named.iter().map(|it| it.trim_end_matches("_bucket")).collect();
    let told = |name: &&str| name.starts_with("ringmq_queue_") || name.starts_with("ringmq_http_");
    for name in pages[0].names().filter(told) {
        let name = plain(name);
        let name = name.trim_end_matches("_bucket");
        assert!(histograms.contains(name), "{name} is not on the dashboard");
    }
    let panels = dashboard["panels"].as_array().expect("panels");
    let ids: BTreeSet<_> =
        panels.iter().map(|panel| panel["id"].as_u64().expect("an id")).collect();
    assert_eq!(ids.len(), panels.len(), "an id is one panel's");
    assert!(panels.iter().any(|panel| panel["type"] == "heatmap"));
}

#[test]
fn the_alerts_name_what_is_told() {
    let alerts = yaml("prometheus/alerts.yml");
    let mut found = Vec::new();
    texts(&alerts, "expr", &mut found);
    let named = check(&found, &pages());
    for name in [
        "ringmq_queue_oldest_ready_age_seconds",
        "ringmq_queue_refusals_total",
        "ringmq_queue_dead_lettered_messages_total",
        "ringmq_memory_used_bytes",
    ] {
        assert!(named.contains(name), "nothing alarms on {name}: {named:?}");
    }
    let mut files = Vec::new();
    let prometheus = yaml("prometheus/prometheus.yml");
    texts(&prometheus, "job_name", &mut files);
    assert_eq!(files, ["ringmq"], "the alerts look for this job");
    assert_eq!(prometheus["rule_files"][0].as_str(), Some("alerts.yml"));
}

#[test]
fn the_scaler_asks_for_what_is_told() {
    let scaler = yaml("keda/scaledobject.yaml");
    assert_eq!(scaler["kind"].as_str(), Some("ScaledObject"));
    let mut found = Vec::new();
    texts(&scaler, "query", &mut found);
    let named = check(&found, &pages());
    assert!(named.contains("ringmq_queue_oldest_ready_age_seconds"), "{named:?}");
    // A queue that is not among the busiest is told of together with others, and is woken all the same.
    for query in &found {
        assert!(query.contains("{queue=\"(other)\"}"), "{query}");
    }
    let mut nulls = Vec::new();
    texts(&scaler, "ignoreNullValues", &mut nulls);
    assert_eq!(nulls, vec!["false"; found.len()], "what is not told is not 0");
    let mut service = Service::start_with(&["--metrics-queues", "0"]);
    service.create("orders", json!({}));
    service.send("orders");
    let page = service.page_when(|page| page.of_queue("oldest_ready_age_seconds", "(other)") > 0.0);
    assert_eq!(page.find("ringmq_queue_oldest_ready_age_seconds", &[("queue", "orders")]), None);
}

#[test]
fn what_is_not_told_would_be_noticed() {
    let pages = pages();
    for wrong in [
        "sum(rate(ringmq_queue_sent_total[5m]))",
        "ringmq_queue_ready_messages{name=\"q\"}",
        "sum by (reason) (ringmq_queue_ready_messages)",
        "ringmq_queue_ready_messages / ringmq_queue_capacity",
    ] {
        let checked = std::panic::catch_unwind(|| check(&[wrong], &pages));
        assert!(checked.is_err(), "{wrong}");
    }
}
