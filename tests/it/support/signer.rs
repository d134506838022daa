//! Requests of the SQS protocol, signed.

use base16ct::lower::encode_string;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::client::request;

/// A request as an SDK signs it.
pub struct Signer<'a> {
    pub access: &'a str,
    pub secret: &'a str,
    pub action: &'a str,
    pub at: Timestamp,
}

impl Default for Signer<'_> {
    fn default() -> Self {
        Self {
            access: "AKIDEXAMPLE",
            secret: "secret+/key",
            action: "ListQueues",
            at: Timestamp::now(),
        }
    }
}

impl Signer<'_> {
    pub fn bytes(&self, body: &str) -> Vec<u8> {
        let date = self.at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = &date[..8];
        let target = &*format!("AmazonSQS.{}", self.action);
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
