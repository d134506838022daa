//! Signatures, where the server has keys.

use jiff::Timestamp;
use serde_json::json;

use super::{Protocol, Service};
use crate::support::{Answer, Signer};

const KEYS: [&str; 4] = ["--sqs-access-key", "AKIDEXAMPLE", "--sqs-secret-key", "secret+/key"];

fn answer(service: &mut Service, bytes: &[u8]) -> Answer {
    service.client.send(bytes);
    service.client.answer()
}

#[track_caller]
fn assert_refused(answer: &Answer, code: &str, status: u16) {
    let failure = Protocol::Json.decode("ListQueues", answer).expect_err(code);
    assert_eq!((failure.code.as_str(), failure.status), (code, status), "{failure:?}");
}

#[test]
fn any_signature_will_do_without_keys() {
    let mut service = Service::json();
    for signer in [Signer::default(), Signer { secret: "other", ..Signer::default() }] {
        assert_eq!(answer(&mut service, &signer.bytes("{}")).status, 200);
    }
}

#[test]
fn only_who_knows_the_secret_is_let_in() {
    let mut service = Service::start_with(Protocol::Json, &KEYS);
    let signer = Signer::default();
    let good = answer(&mut service, &signer.bytes("{}"));
    assert_eq!(good.status, 200, "{}", good.text());

    let other = Signer { secret: "other", ..Signer::default() };
    assert_refused(&answer(&mut service, &other.bytes("{}")), "SignatureDoesNotMatch", 403);
    let other = Signer { access: "AKIDOTHER", ..Signer::default() };
    assert_refused(&answer(&mut service, &other.bytes("{}")), "InvalidClientTokenId", 403);
    let late = Timestamp::now() - jiff::SignedDuration::from_mins(16);
    let late = Signer { at: late, ..Signer::default() };
    let refused = answer(&mut service, &late.bytes("{}"));
    assert_refused(&refused, "SignatureDoesNotMatch", 403);
    assert!(refused.text().contains("Signature expired"), "{}", refused.text());

    // A body that was changed on its way.
    let changed = String::from_utf8(signer.bytes("{\"MaxResults\":1}")).expect("text");
    let changed = changed.replace("{\"MaxResults\":1}", "{\"MaxResults\":2}");
    assert_refused(&answer(&mut service, changed.as_bytes()), "SignatureDoesNotMatch", 403);
}

#[test]
fn who_does_not_sign_is_told() {
    let mut service = Service::start_with(Protocol::Json, &KEYS);
    let failure = service.fail(
        "ListQueues",
        json!({}),
        "MissingAuthenticationTokenException",
        "MissingAuthenticationToken",
    );
    assert_eq!(failure.status, 403);
    let headers = [("X-Amz-Target", "AmazonSQS.ListQueues"), ("Authorization", "Bearer x")];
    let refused = service.client.call("POST", "/", &headers, "{}");
    assert_refused(&refused, "IncompleteSignature", 400);
    service.protocol = Protocol::Query;
    service.fail("ListQueues", json!({}), "", "MissingAuthenticationToken");
    // The other faces have no keys.
    assert_eq!(service.server.client().get("/v1/queues").status, 200);
}

#[test]
fn a_header_beside_the_signature_chooses_no_action() {
    let mut service = Service::start_with(Protocol::Json, &KEYS);
    let signed = String::from_utf8(Signer::default().bytes("{}")).expect("text");
    let more = signed.replace("X-Amz-Date:", "X-Amz-Other: x\r\nX-Amz-Date:");
    assert_ne!(more, signed);
    let refused = answer(&mut service, more.as_bytes());
    assert_refused(&refused, "SignatureDoesNotMatch", 403);
    assert!(refused.text().contains("x-amz-other"), "{}", refused.text());
}
