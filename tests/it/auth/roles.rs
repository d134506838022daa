//! Every role on every route of the v1 face.

use super::{ask, create, start, start_with};

const ALL: [&str; 5] = ["sender", "receiver", "monitor", "admin", "root"];

/// Method, what follows the queue in the path, body, and the role that it needs. What else is wrong with the
/// request is only found behind the guard.
const ROUTES: [(&str, &str, &str, &str); 20] = [
    ("GET", "", "", "any"),
    ("HEAD", "", "", "any"),
    ("PUT", "", "{}", "admin"),
    ("POST", "", "", "admin"),
    ("POST", "/messages", "x", "sender"),
    ("POST", "/messages/batch", "[\"x\"]", "sender"),
    ("GET", "/messages", "", "receiver"),
    ("GET", "/messages/0", "", "receiver"),
    ("POST", "/receive", "", "receiver"),
    ("DELETE", "/leases/0", "", "receiver"),
    ("PATCH", "/leases/0?lease=1", "", "receiver"),
    ("POST", "/leases/0/release", "", "receiver"),
    ("POST", "/leases/ack", "{\"receipts\":[]}", "receiver"),
    ("POST", "/leases/extend", "{\"receipts\":[],\"lease\":1}", "receiver"),
    ("POST", "/leases/release", "{\"receipts\":[]}", "receiver"),
    ("POST", "/purge", "", "admin"),
    ("POST", "/pause", "", "admin"),
    ("POST", "/resume", "", "admin"),
    ("POST", "/redrive", "", "admin"),
    ("DELETE", "", "", "admin"),
];

#[test]
fn a_role_opens_its_routes_and_no_others() {
    let server = start();
    let mut client = server.client();
    for (method, rest, body, needed) in ROUTES {
        for who in ALL {
            // It may be gone from the round before.
            let made = ask(&mut client, "root", "PUT", "/v1/queues/orders.eu", "");
            assert!(matches!(made.status, 200 | 201), "{}", made.text());
            let target = format!("/v1/queues/orders.eu{rest}");
            let answer = ask(&mut client, who, method, &target, body);
            let may = needed == "any" || [needed, "admin", "root"].contains(&who);
            match may {
                true => assert!(
                    !matches!(answer.status, 401 | 403),
                    "{who} {method} {target}: {}",
                    answer.text()
                ),
                false => {
                    let problem = answer.assert_problem(403, "forbidden");
                    let role = match needed {
                        "sender" => "send",
                        "receiver" => "receive",
                        other => other,
                    };
                    assert_eq!(problem["role"], role, "{who} {method} {target}");
                    assert_eq!(problem["queue"], "orders.eu", "{who} {method} {target}");
                }
            }
        }
    }
}

#[test]
fn a_role_counts_on_no_other_queue() {
    let server = start();
    let mut client = server.client();
    create(&mut client, "orders");
    for (method, rest, body, _) in ROUTES {
        for who in ["sender", "receiver", "monitor", "admin"] {
            // Neither a queue that is there, nor one that is not, is told of.
            for queue in ["orders", "default", "nowhere", "xorders.eu", "orders%2Feu"] {
                let target = format!("/v1/queues/{queue}{rest}");
                let answer = ask(&mut client, who, method, &target, body);
                assert_eq!(answer.status, 403, "{who} {method} {target}: {}", answer.text());
            }
        }
    }
    // A name that is escaped is the same name.
    let answer = ask(&mut client, "admin", "PUT", "/v1/queues/orders%2Eeu", "");
    assert_eq!(answer.status, 201, "{}", answer.text());
}

#[test]
fn nothing_is_done_where_it_is_refused() {
    let server = start();
    let mut client = server.client();
    create(&mut client, "orders.eu");
    let sent = ask(&mut client, "sender", "POST", "/v1/queues/orders.eu/messages", "kept");
    assert_eq!(sent.status, 201, "{}", sent.text());
    for (who, method, rest) in [
        ("receiver", "POST", "/messages"),
        ("sender", "POST", "/receive?lease=0"),
        ("monitor", "POST", "/receive?lease=0"),
        ("receiver", "POST", "/purge"),
        ("sender", "POST", "/pause"),
        ("receiver", "DELETE", ""),
    ] {
        let target = format!("/v1/queues/orders.eu{rest}");
        assert_eq!(ask(&mut client, who, method, &target, "").status, 403, "{who} {method} {rest}");
    }
    let queue = ask(&mut client, "monitor", "GET", "/v1/queues/orders.eu", "").json();
    assert_eq!(
        (&queue["counts"]["ready"], &queue["paused"]),
        (&1.into(), &false.into()),
        "{queue}"
    );
}

#[test]
fn a_list_shows_the_queues_that_a_token_is_good_for() {
    let server = start();
    let mut client = server.client();
    for queue in ["orders.eu", "orders.us", "bills"] {
        create(&mut client, queue);
    }
    for (who, seen) in [
        ("sender", &["orders.eu", "orders.us"][..]),
        ("monitor", &["orders.eu", "orders.us"]),
        ("figures", &["bills", "default", "orders.eu", "orders.us"]),
        ("root", &["bills", "default", "orders.eu", "orders.us"]),
    ] {
        let list = ask(&mut client, who, "GET", "/v1/queues", "").json();
        let list = list["queues"].as_array().expect("a list");
        let names: Vec<_> =
            list.iter().map(|queue| queue["name"].as_str().expect("a name")).collect();
        assert_eq!(names, seen, "{who}");
    }
}

#[test]
fn a_further_queue_needs_the_right_to_send_to_it() {
    let server = start_with(
        "admin=admin-token-0123456789 admin:orders.*; \
         both=both-token-0123456789 admin:orders.* send:bills; root=root-token-0123456789 admin",
    );
    let mut client = server.client();
    for queue in ["orders.eu", "orders.dead", "bills"] {
        create(&mut client, queue);
    }
    for (target, body) in [
        ("/v1/queues/orders.eu", "{\"dead_letter\":\"bills\"}"),
        ("/v1/queues/orders.dead/redrive", "{\"to\":\"bills\"}"),
    ] {
        let method = if target.ends_with("redrive") { "POST" } else { "PUT" };
        let problem =
            ask(&mut client, "admin", method, target, body).assert_problem(403, "forbidden");
        assert_eq!((&problem["role"], &problem["queue"]), (&"send".into(), &"bills".into()));
        let answer = ask(&mut client, "both", method, target, body);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let answer = ask(
        &mut client,
        "admin",
        "PUT",
        "/v1/queues/orders.eu",
        "{\"dead_letter\":\"orders.dead\"}",
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a_head_is_refused_without_a_body() {
    let server = start();
    let mut client = server.client();
    let answer = client.request("HEAD", "/v1/queues/default");
    assert_eq!(answer.status, 401);
    let answer = ask(&mut client, "sender", "HEAD", "/v1/queues/default", "");
    assert_eq!(answer.status, 403);
    // In step.
    assert_eq!(ask(&mut client, "root", "GET", "/v1/queues/default", "").status, 200);
}
