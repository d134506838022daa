//! Signatures (AWS Signature Version 4): checked only if the server has keys.
//!
//! A request is signed in the header `Authorization`, or in its query (a *presigned* URL). Either way it is
//! put into one canonical form, of which the signature is an HMAC with a key that is derived from the
//! secret, the date, the region and the service. Who it says it comes from, and when it was signed, stands in its
//! head: that is checked before there is a body, and only the HMAC behind it.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use percent_encoding::{
    AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode, utf8_percent_encode,
};
use sha2::{Digest as _, Sha256};

use super::errors::{Kind, SqsError};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE_FORMAT: &str = "%Y%m%dT%H%M%SZ";
const SERVICE: &str = "sqs";
const END: &str = "aws4_request";

/// How far a client's clock may be off.
const SKEW: Duration = Duration::from_secs(15 * 60);
/// How long a presigned URL may be valid: seven days.
const LONGEST_VALID: u64 = 604_800;

/// What is not escaped in the canonical form.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const ESCAPED_IN_PATHS: &AsciiSet = &ESCAPED.remove(b'/');

/// A request as it was signed.
pub(super) struct Signed<'request> {
    pub(super) method: &'request str,
    pub(super) path: &'request str,
    pub(super) query: &'request str,
    pub(super) headers: &'request HeaderMap,
}

/// What a request says about its signature.
struct Claim<'request> {
    credential: Cow<'request, str>,
    signed_headers: Cow<'request, str>,
    signature: Cow<'request, str>,
    date: Cow<'request, str>,
    /// Seconds, of a presigned URL.
    valid: Option<u64>,
}

/// Who signed, when, and for what.
struct Scope<'claim> {
    access_key: &'claim str,
    date: &'claim str,
    region: &'claim str,
}

/// A request whose head is in order: what is left to see is whether its body was signed too, and with the
/// secret.
pub(super) struct Claimed<'request, T> {
    request: Signed<'request>,
    claim: Claim<'request>,
    who: T,
    secret: String,
}

/// Checks who a request says it comes from: `known` tells who has an access key, and the secret of it.
pub(super) fn claimed<'request, T>(
    request: Signed<'request>,
    known: impl FnOnce(&str) -> Option<(T, String)>,
    now: SystemTime,
) -> Result<Claimed<'request, T>, SqsError> {
    let claim = request.claim()?;
    let scope = claim.scope()?;
    let (who, secret) = known(scope.access_key).ok_or_else(unknown)?;
    claim.check_headers(request.headers)?;
    claim.check_time(now)?;
    if !claim.date.starts_with(scope.date) {
        return Err(no_match(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP",
        ));
    }
    Ok(Claimed { request, claim, who, secret })
}

impl<T> Claimed<'_, T> {
    /// Whether the secret's holder signed the request with this body; then who that is.
    pub(super) fn verify(self, body: &[u8]) -> Result<T, SqsError> {
        let Self { request, claim, who, secret: own_secret } = self;
        let scope = claim.scope()?;
        let canonical = request.canonical(&claim, body)?;
        let text = format!(
            "{ALGORITHM}\n{}\n{}/{}/{SERVICE}/{END}\n{}",
            claim.date,
            scope.date,
            scope.region,
            hexadecimal(&Sha256::digest(canonical.as_bytes()))
        );
        let signature = base16ct::lower::decode_vec(&*claim.signature).unwrap_or_default();
        let mut secret = b"AWS4".to_vec();
        secret.extend_from_slice(own_secret.as_bytes());
        let key = [scope.date, scope.region, SERVICE, END]
            .iter()
            .fold(secret, |key, part| hmac(&key, part).finalize().into_bytes().to_vec());
        // In a time that does not depend on where the two differ.
        hmac(&key, &text).verify_slice(&signature).map_err(|_| {
            no_match(
                "The request signature we calculated does not match the signature you provided. Check your \
                 AWS Secret Access Key and signing method. Consult the service documentation for details.",
            )
        })?;
        Ok(who)
    }
}

/// Nobody has this access key or token.
#[cold]
pub(super) fn unknown() -> SqsError {
    SqsError::new(
        Kind::InvalidClientTokenId,
        "The security token included in the request is invalid.",
    )
}

fn hmac(key: &[u8], text: &str) -> Hmac<Sha256> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length will do");
    hmac.update(text.as_bytes());
    hmac
}

fn hexadecimal(digest: &[u8]) -> String {
    base16ct::lower::encode_string(digest)
}

#[cold]
fn no_match(text: impl Into<String>) -> SqsError {
    SqsError::new(Kind::SignatureDoesNotMatch, text)
}

#[cold]
pub(super) fn incomplete(text: impl Into<String>) -> SqsError {
    SqsError::new(Kind::IncompleteSignature, text)
}

impl<'request> Signed<'request> {
    fn claim(&self) -> Result<Claim<'request>, SqsError> {
        let header = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(authorization) = self.headers.get(AUTHORIZATION) {
            let text = authorization.to_str().unwrap_or_default().trim();
            let parts = text.strip_prefix(ALGORITHM).ok_or_else(|| {
                incomplete(format!("Authorization header requires the algorithm {ALGORITHM}."))
            })?;
            let part = |name: &str| {
                let found = parts
                    .split(',')
                    .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
                let missing =
                    || incomplete(format!("Authorization header requires '{name}' parameter."));
                found.ok_or_else(missing).map(Cow::Borrowed)
            };
            let missing =
                || incomplete("Authorization header requires existence of a 'X-Amz-Date' header.");
            return Ok(Claim {
                credential: part("Credential")?,
                signed_headers: part("SignedHeaders")?,
                signature: part("Signature")?,
                date: header("x-amz-date").ok_or_else(missing)?.into(),
                valid: None,
            });
        }
        if self.parameter("X-Amz-Algorithm").is_none() {
            return Err(SqsError::new(
                Kind::MissingAuthenticationToken,
                "Request is missing Authentication Token",
            ));
        }
        let part = |name: &str| {
            let missing = || incomplete(format!("The request must contain the parameter {name}."));
            self.parameter(name).ok_or_else(missing)
        };
        let valid = part("X-Amz-Expires")?.parse().ok().filter(|valid| *valid <= LONGEST_VALID);
        Ok(Claim {
            credential: part("X-Amz-Credential")?,
            signed_headers: part("X-Amz-SignedHeaders")?,
            signature: part("X-Amz-Signature")?,
            date: part("X-Amz-Date")?,
            valid: Some(valid.ok_or_else(|| incomplete("X-Amz-Expires must be at most a week."))?),
        })
    }

    /// The parameters of the query, divided and unescaped as forms are, so that what is signed is what is
    /// read; but as bytes, because of two queries that are no UTF-8 only one was signed.
    fn parameters(&self) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
        self.query.split('&').filter(|parameter| !parameter.is_empty()).map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let decode = |text: &str| {
                let blanks = text.replace('+', " ");
                percent_decode(blanks.as_bytes()).collect::<Vec<u8>>()
            };
            (decode(name), decode(value))
        })
    }

    fn parameter(&self, name: &str) -> Option<Cow<'request, str>> {
        let (_, value) = self.parameters().find(|(own, _)| own == name.as_bytes())?;
        Some(String::from_utf8_lossy(&value).into_owned().into())
    }

    /// The parameters of the query in the form that is signed.
    fn canonical_query(&self, claim: &Claim<'_>) -> Result<String, SqsError> {
        let mut parameters: Vec<(String, String)> = self
            .parameters()
            .filter(|(name, _)| claim.valid.is_none() || name != b"X-Amz-Signature")
            .map(|(name, value)| (encode(&name), encode(&value)))
            .collect();
        parameters.sort();
        // The first of them is read, and the signature does not say which that is.
        if !parameters.is_sorted_by(|one, next| one.0 < next.0) {
            return Err(no_match("A parameter of the query is there twice."));
        }
        let query: Vec<_> =
            parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok(query.join("&"))
    }

    /// The one form of the request that is signed.
    fn canonical(&self, claim: &Claim<'_>, body: &[u8]) -> Result<String, SqsError> {
        let query = self.canonical_query(claim)?;
        let mut headers = String::new();
        for name in claim.signed_headers.split(';') {
            let mut values = self.headers.get_all(name).filter_map(|value| value.to_str().ok());
            let first = values.next().ok_or_else(|| {
                no_match(format!("The signed header '{name}' is not in the request."))
            })?;
            headers.push_str(&format!("{name}:{}", words(first)));
            values.for_each(|value| headers.push_str(&format!(",{}", words(value))));
            headers.push('\n');
        }
        Ok(format!(
            "{}\n{}\n{}\n{headers}\n{}\n{}",
            self.method,
            utf8_percent_encode(self.path, ESCAPED_IN_PATHS),
            query,
            claim.signed_headers,
            hexadecimal(&Sha256::digest(body)),
        ))
    }
}

fn encode(bytes: &[u8]) -> String {
    percent_encode(bytes, ESCAPED).to_string()
}

/// A header's value with single blanks.
fn words(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

impl Claim<'_> {
    fn scope(&self) -> Result<Scope<'_>, SqsError> {
        let mut parts = self.credential.rsplitn(5, '/');
        let mut part = || parts.next().unwrap_or_default();
        let (end, service, region, date, access_key) = (part(), part(), part(), part(), part());
        if access_key.is_empty() || end != END {
            return Err(incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. \
                 keyid/date/region/service/term.",
            ));
        }
        if service != SERVICE {
            return Err(no_match(format!(
                "Credential should be scoped to correct service: '{SERVICE}'."
            )));
        }
        Ok(Scope { access_key, date, region })
    }

    /// Refuses a request that says more than was signed: a header that has a meaning, such as the action,
    /// must not be put beside a signature that does not cover it.
    fn check_headers(&self, headers: &HeaderMap) -> Result<(), SqsError> {
        let is_signed = |name: &str| self.signed_headers.split(';').any(|signed| signed == name);
        if !is_signed("host") {
            return Err(no_match(
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
            ));
        }
        let unsigned = headers.keys().map(|name| name.as_str());
        let mut unsigned = unsigned.filter(|name| name.starts_with("x-amz-") && !is_signed(name));
        match unsigned.next() {
            Some(name) => Err(no_match(format!(
                "There were headers present in the request which were not signed: {name}"
            ))),
            None => Ok(()),
        }
    }

    fn check_time(&self, now: SystemTime) -> Result<(), SqsError> {
        let signed = DateTime::strptime(DATE_FORMAT, &*self.date)
            .and_then(|date| date.to_zoned(TimeZone::UTC))
            .map(|date| SystemTime::from(date.timestamp()))
            .map_err(|_| incomplete("Date must be in ISO-8601 'basic format'."))?;
        let valid = self.valid.map_or(SKEW, Duration::from_secs);
        if signed + valid < now {
            let (earliest, now) = (written(now - valid), written(now));
            return Err(no_match(format!(
                "Signature expired: {} is now earlier than {earliest} ({now} - {} min.)",
                self.date,
                valid.as_secs() / 60
            )));
        }
        if now + SKEW < signed {
            let (latest, now) = (written(now + SKEW), written(now));
            return Err(no_match(format!(
                "Signature not yet current: {} is still later than {latest} ({now} + 15 min.)",
                self.date
            )));
        }
        Ok(())
    }
}

fn written(at: SystemTime) -> String {
    Timestamp::try_from(at)
        .map_or_else(|_| String::new(), |at| at.strftime(DATE_FORMAT).to_string())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HOST, HeaderName, HeaderValue};

    use super::*;

    const PRESIGNED: &str = "Action=SendMessage&MessageBody=a%20b%2Bc%C3%A9&X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Credential=AKIDEXAMPLE%2F20261122%2Fus-east-1%2Fsqs%2Faws4_request\
        &X-Amz-Date=20261122T120000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host\
        &X-Amz-Signature=14c3c4cd8e2590587a1429d31653b85c977030109ced0004c696106e3a8cd386";
    const AUTHORIZED: &str = "AWS4-HMAC-SHA256 \
        Credential=AKIDEXAMPLE/20261122/us-east-1/sqs/aws4_request, \
        SignedHeaders=content-type;host;x-amz-date;x-amz-target, \
        Signature=a87c919f2f15e9cb38e4cbe64ba5a8e7d686d30a9abe79c7cfae2a3234540950";
    const BODY: &[u8] = br#"{"QueueName":"a"}"#;

    fn known(access: &str) -> Option<((), String)> {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned();
        (access == "AKIDEXAMPLE").then_some(((), secret))
    }

    fn verify(request: Signed<'_>, body: &[u8], now: SystemTime) -> Result<(), SqsError> {
        claimed(request, known, now)?.verify(body)
    }

    fn at(text: &str) -> SystemTime {
        text.parse::<Timestamp>().expect(text).into()
    }

    fn headers(authorization: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut put = |name: &'static str, value: &str| {
            let value = HeaderValue::from_str(value).expect("visible ASCII");
            headers.insert(HeaderName::from_static(name), value);
        };
        put("content-type", "application/x-amz-json-1.0");
        put("x-amz-date", "20261122T120000Z");
        put("x-amz-target", "AmazonSQS.GetQueueUrl");
        authorization.into_iter().for_each(|value| put("authorization", value));
        headers.insert(HOST, HeaderValue::from_static("localhost:8080"));
        headers
    }

    fn signed(authorization: &str, body: &[u8], now: &str) -> Result<(), Kind> {
        let headers = headers(Some(authorization));
        let request = Signed { method: "POST", path: "/", query: "", headers: &headers };
        verify(request, body, at(now)).map_err(|error| error.kind)
    }

    fn presigned(query: &str, now: &str) -> Result<(), Kind> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("localhost:8080"));
        let path = "/000000000000/a";
        let request = Signed { method: "GET", path, query, headers: &headers };
        verify(request, b"", at(now)).map_err(|error| error.kind)
    }

    // The signatures are botocore's.

    #[test]
    fn a_signed_request_is_let_in_for_a_quarter_of_an_hour_around() {
        for now in ["2026-11-22T11:45:00Z", "2026-11-22T12:00:00Z", "2026-11-22T12:15:00Z"] {
            assert_eq!(signed(AUTHORIZED, BODY, now), Ok(()), "{now}");
        }
        for now in ["2026-11-22T11:44:59Z", "2026-11-22T12:15:01Z"] {
            assert_eq!(signed(AUTHORIZED, BODY, now), Err(Kind::SignatureDoesNotMatch), "{now}");
        }
    }

    #[test]
    fn a_presigned_url_is_let_in_until_it_expires() {
        for now in ["2026-11-22T11:50:00Z", "2026-11-22T13:00:00Z"] {
            assert_eq!(presigned(PRESIGNED, now), Ok(()), "{now}");
        }
        let late = presigned(PRESIGNED, "2026-11-22T13:00:01Z");
        assert_eq!(late, Err(Kind::SignatureDoesNotMatch));
        let changed = PRESIGNED.replace("MessageBody=a", "MessageBody=b");
        assert_eq!(presigned(&changed, "2026-11-22T12:00:00Z"), Err(Kind::SignatureDoesNotMatch));
    }

    #[test]
    fn what_is_not_as_it_was_signed_is_refused() {
        let now = "2026-11-22T12:00:00Z";
        assert_eq!(signed(AUTHORIZED, b"{}", now), Err(Kind::SignatureDoesNotMatch));
        for (part, other, kind) in [
            ("AKIDEXAMPLE", "AKIDOTHER", Kind::InvalidClientTokenId),
            ("Signature=a8", "Signature=b8", Kind::SignatureDoesNotMatch),
            ("Signature=a8", "Signature=xx", Kind::SignatureDoesNotMatch),
            ("Signature=a8", "Signature=", Kind::SignatureDoesNotMatch),
            ("us-east-1", "us-east-2", Kind::SignatureDoesNotMatch),
            ("20261122/", "20261121/", Kind::SignatureDoesNotMatch),
            ("/sqs/", "/sns/", Kind::SignatureDoesNotMatch),
            ("host;", "", Kind::SignatureDoesNotMatch),
            ("x-amz-target", "x-amz-other", Kind::SignatureDoesNotMatch),
            ("/aws4_request", "", Kind::IncompleteSignature),
            ("Credential=", "Credentials=", Kind::IncompleteSignature),
            ("Signature=a8", "Sig=a8", Kind::IncompleteSignature),
            ("AWS4-HMAC-SHA256 ", "Bearer ", Kind::IncompleteSignature),
        ] {
            assert_ne!(AUTHORIZED.replace(part, other), AUTHORIZED);
            assert_eq!(signed(&AUTHORIZED.replace(part, other), BODY, now), Err(kind), "{other}");
        }
        assert_eq!(presigned("Action=ListQueues", now), Err(Kind::MissingAuthenticationToken));
    }

    #[test]
    fn headers_that_mean_something_are_signed() {
        let now = at("2026-11-22T12:00:00Z");
        let (target, other) = ("x-amz-target", "x-amz-other");
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("localhost:8080"));
        let check = |headers: &HeaderMap| {
            let path = "/000000000000/a";
            let request = Signed { method: "GET", path, query: PRESIGNED, headers };
            verify(request, b"", now).map_err(|error| error.kind)
        };
        assert_eq!(check(&headers), Ok(()));
        headers.insert(
            HeaderName::from_static(target),
            HeaderValue::from_static("AmazonSQS.PurgeQueue"),
        );
        assert_eq!(check(&headers), Err(Kind::SignatureDoesNotMatch));

        let mut headers = self::headers(Some(AUTHORIZED));
        headers.insert(HeaderName::from_static(other), HeaderValue::from_static("x"));
        let request = Signed { method: "POST", path: "/", query: "", headers: &headers };
        let error = verify(request, BODY, now).unwrap_err();
        assert!(error.message.ends_with("not signed: x-amz-other"), "{}", error.message);
    }

    #[test]
    fn what_is_signed_is_what_is_read() {
        let now = "2026-11-22T12:00:00Z";
        // A form has a plus for a blank, so these two are read alike.
        assert_eq!(presigned(&PRESIGNED.replace("a%20b", "a+b"), now), Ok(()));
        for (part, other) in [
            // Read as a blank, where a plus was signed.
            ("b%2Bc", "b+c"),
            ("%C3%A9", "%EF%BF%BD"),
            ("&X-Amz-Date", "&MessageBody=x&X-Amz-Date"),
        ] {
            let changed = PRESIGNED.replace(part, other);
            assert_ne!(changed, PRESIGNED);
            assert_eq!(presigned(&changed, now), Err(Kind::SignatureDoesNotMatch), "{other}");
        }
        let canonical = |query: &str| {
            let headers = HeaderMap::new();
            let request = Signed { method: "GET", path: "/", query, headers: &headers };
            let claim = Claim {
                credential: "".into(),
                signed_headers: "".into(),
                signature: "".into(),
                date: "".into(),
                valid: Some(1),
            };
            request.canonical_query(&claim).map_err(|error| error.kind)
        };
        assert_eq!(canonical("b=%FF&a=x+y&&c"), Ok("a=x%20y&b=%FF&c=".to_owned()));
        assert_ne!(canonical("b=%FF"), canonical("b=%EF%BF%BD"));
        assert_eq!(canonical("b=1&%62=2"), Err(Kind::SignatureDoesNotMatch));
    }
}
