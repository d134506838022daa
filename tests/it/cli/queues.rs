//! `queues` and `create`.

use super::{assert_failed, json, ok, run, with_queue};
use crate::support::Server;

#[test]
fn queues_are_listed_by_prefix() {
    let server = with_queue("{}");
    ok(&server, &["create", "orders.new"]);
    let names = |args: &[&str]| {
        let list = json(&server, args);
        let queues = list["queues"].as_array().expect("a list").clone();
        queues
            .iter()
            .map(|queue| queue["name"].as_str().expect("a name").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&["queues"]), ["default", "orders.new", "q"]);
    assert_eq!(names(&["queues", "--prefix", "orders."]), ["orders.new"]);
    assert_eq!(names(&["queues", "--prefix", "a&b=c%"]), [""; 0]);
    let table = ok(&server, &["queues", "--output", "table"]);
    let rows: Vec<&str> =
        table.lines().map(|line| line.split(' ').next().expect("a word")).collect();
    assert_eq!(rows, ["QUEUE", "default", "orders.new", "q"]);
}

#[test]
fn a_queue_is_made_with_every_setting() {
    let server = with_queue("{}");
    let made = json(
        &server,
        &[
            "create",
            "orders",
            "--capacity",
            "100_000",
            "--max-bytes",
            "5000000",
            "--max-message-bytes",
            "999",
            "--overflow",
            "drop_oldest",
            "--lease",
            "1m",
            "--max-receives",
            "5",
            "--dead-letter",
            "q",
            "--retry-delay",
            "2s",
            "--ttl",
            "1h",
            "--delay",
            "1s",
            "--max-in-flight",
            "7",
            "--idempotency-window",
            "10m",
            "--receive-wait",
            "5s",
            "--label",
            "team=shop",
            "--label",
            "tier=1=2",
        ],
    );
    assert_eq!(
        made["settings"],
        serde_json::json!({
            "capacity": 100_000, "max_bytes": 5_000_000, "max_message_bytes": 999,
            "overflow": "drop_oldest", "lease": "60s", "max_receives": 5, "dead_letter": "q",
            "retry_delay": "2s", "ttl": "3600s", "delay": "1s", "max_in_flight": 7,
            "idempotency_window": "600s", "receive_wait": "5s", "fifo": false,
            "labels": {"team": "shop", "tier": "1=2"}
        })
    );
    // What is not said stays; `default` goes back.
    let changed = json(&server, &["create", "orders", "--ttl", "default", "--capacity", "7"]);
    assert_eq!(changed["settings"]["ttl"], serde_json::Value::Null);
    assert_eq!(
        (&changed["settings"]["capacity"], &changed["settings"]["lease"]),
        (&7.into(), &"60s".into())
    );
    assert_eq!(json(&server, &["create", "line", "--fifo"])["settings"]["fifo"], true);
}

#[test]
fn a_table_tells_whether_a_queue_is_new() {
    let server = Server::start();
    for word in ["created", "was there"] {
        let told = ok(&server, &["create", "orders", "--output", "table"]);
        assert!(told.contains(&format!("orders ({word})")), "{told}");
        assert!(
            told.lines().any(|line| line.split_whitespace().eq(["capacity", "1", "024"])),
            "{told}"
        );
    }
}

#[test]
fn settings_are_read_from_a_file() {
    let server = Server::start();
    let file = |end: &str, text: &str| {
        let path = format!("{}/create-{}.{end}", env!("CARGO_TARGET_TMPDIR"), std::process::id());
        std::fs::write(&path, text).expect("the test can write there");
        path
    };
    for path in [
        file("toml", "capacity = 7\nlease = \"2m\"\n[labels]\nteam = \"a\"\n"),
        file("json", r#"{"capacity":7,"lease":"2m","labels":{"team":"a"}}"#),
    ] {
        let made = json(&server, &["create", "orders", "--from", &path, "--capacity", "9"]);
        let settings = &made["settings"];
        assert_eq!((&settings["capacity"], &settings["lease"]), (&9.into(), &"120s".into()));
        assert_eq!(settings["labels"]["team"], "a");
        ok(&server, &["delete", "orders", "--yes"]);
    }
    let bad = file("bad.toml", "capasity = 7\n");
    assert_failed(&run(&server, &["create", "orders", "--from", &bad]), 2, &["capasity"]);
    let broken = file("broken.toml", "capacity = \n");
    let exit = run(&server, &["create", "orders", "--from", &broken]);
    assert_eq!(exit.status.code(), Some(2));
    assert!(exit.stderr.contains(&broken) && exit.stderr.contains("line 1"), "{}", exit.stderr);
    assert_failed(&run(&server, &["stats", "orders"]), 3, &["orders"]);
}

/// `RINGMQ_OUTPUT` is how it is usually wanted, and a switch that a variable turns off is off.
#[test]
fn the_line_wins_over_variables() {
    let server = Server::start();
    let with = |variables: &[(&str, &str)], args: &[&str]| {
        let mut command = super::client(&server);
        crate::support::Process::run(command.envs(variables.iter().copied()).args(args))
    };
    let told = with(&[("RINGMQ_OUTPUT", "table")], &["queues", "--json"]);
    assert!(told.stdout.starts_with('{'), "{told:?}");
    let nothing = with(&[("RINGMQ_SEND_LINES", "0")], &["send", "default"]);
    assert_failed(&nothing, 2, &["BODY"]);
    let body = ["send", "default", "x", "--wait", "5s", "--idempotency-key", "k"];
    assert!(with(&[("RINGMQ_SEND_LINES", "0")], &body).status.success());
    let raw = with(&[("RINGMQ_OUTPUT", "json")], &["browse", "default", "--raw", "-n", "1"]);
    assert_eq!(raw.stdout, "x\n", "{raw:?}");
    let off = ["RAW", "FOLLOW", "ACK"].map(|word| format!("RINGMQ_RECEIVE_{word}"));
    let off: Vec<_> = off.iter().map(|variable| (variable.as_str(), "0")).collect();
    let told = with(&off, &["receive", "default", "--json"]);
    assert!(told.stdout.starts_with('{'), "{told:?}");
    let nothing = with(&[("RINGMQ_BROWSE_RAW", "0")], &["browse", "default", "--json"]);
    assert_failed(&nothing, 3, &["nothing ready"]);
    let made = with(&[("RINGMQ_CREATE_FIFO", "0")], &["create", "orders"]);
    assert!(made.stdout.contains("\"fifo\":false"), "{made:?}");
    assert!(with(&[("RINGMQ_STATS_WATCH", "0")], &["stats"]).status.success());
    for word in ["purge", "delete"] {
        let variable = format!("RINGMQ_{}_YES", word.to_uppercase());
        assert_failed(&with(&[(&variable, "0")], &[word, "orders"]), 2, &["--yes"]);
    }
    let off = [("RINGMQ_HEALTH_LIVE", "0"), ("RINGMQ_HEALTH_INSECURE", "0")];
    assert!(with(&off, &["health"]).status.success());
    let off = [("RINGMQ_LOAD_CREATE", "0"), ("RINGMQ_LOAD_ACK", "0")];
    assert_failed(&with(&off, &["load"]), 3, &["--create"]);
}

#[test]
fn an_option_may_be_given_by_its_variable() {
    let server = Server::start();
    let mut command = super::client(&server);
    command.arg("create").env("RINGMQ_QUEUE", "orders").env("RINGMQ_CREATE_CAPACITY", "5");
    let exit = crate::support::Process::run(command.env("RINGMQ_CREATE_FIFO", "1"));
    assert!(exit.status.success(), "{exit:?}");
    let made: serde_json::Value = serde_json::from_str(&exit.stdout).expect("JSON");
    assert_eq!((&made["name"], &made["settings"]["capacity"]), (&"orders".into(), &5.into()));
    assert_eq!(made["settings"]["fifo"], true);
}
