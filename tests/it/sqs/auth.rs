//! Signatures, where the server has keys.

use base16ct::lower::encode_string;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Protocol, Service};
use crate::support::Answer;
use crate::support::client::request;

const KEYS: [&str; 4] = ["--sqs-access-key", "AKIDEXAMPLE", "--sqs-secret-key", "secret+/key"];

/// A request as an SDK signs it.
struct Signer<'a> {
    access: &'a str,
    secret: &'a str,
    at: Timestamp,
}

impl Default for Signer<'_> {
    fn default() -> Self {
        Self { access: "AKIDEXAMPLE", secret: "secret+/key", at: Timestamp::now() }
    }
}

impl Signer<'_> {
    fn bytes(&self, body: &str) -> Vec<u8> {
        let date = self.at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = &date[..8];
        let target = "AmazonSQS.ListQueues";
        let names = "host;x-amz-date;x-amz-target";
        let canonical = format!(
            "POST\n/\n\nhost:ringmq\nx-amz-date:{date}\nx-amz-target:{target}\n\n{names}\n{}",
            encode_string(&Sha256::digest(body))
        );
        let scope = format!("{day}/eu-west-1/sqs/aws4_request");
        let hash = encode_string(&Sha256::digest(canonical));
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hash}");
        let secret = format!("AWS4{}", self.secret).into_bytes();
        let key = [day, "eu-west-1", "sqs", "aws4_request"]
            .iter()
            .fold(secret, |key, part| hmac(&key, part));
        let signature = encode_string(&hmac(&key, &text));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            self.access
        );
        let headers =
            [("X-Amz-Date", &*date), ("X-Amz-Target", target), ("Authorization", &authorization)];
        request("POST", "/", &headers, body.as_bytes())
    }
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    hmac.update(text.as_bytes());
    hmac.finalize().into_bytes().to_vec()
}

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
