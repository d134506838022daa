//! The SQS face: the protocol of Amazon SQS, on the same queues as the other faces.
//!
//! A request comes in one of two protocols, JSON or query, and both are but codecs: either way it becomes
//! the typed request of one action, and what that answers is written in the same protocol. Errors
//! are one table, and the limits that a server can lift one object.

mod absent;
mod actions;
mod attributes;
mod auth;
mod batch;
mod call;
mod codec;
mod digests;
mod errors;
mod fifo;
mod incoming;
mod json;
mod limits;
mod message_attributes;
mod messages;
mod number;
mod page;
mod policy;
mod query;
mod receipts;
mod redrive;
mod requests;
mod settings;
mod tags;
mod xml;

use std::future::poll_fn;

use actix_http::{HttpMessage as _, Payload, Request};
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use uuid::Uuid;

use self::call::Call;
use self::codec::{Input, Protocol};
use self::errors::{Kind, SqsError};
use self::limits::Limits;
pub use self::limits::LimitsKind;
pub use self::settings::{Keys, Settings};
use super::answer::Answer;
use super::auth::{Caller, Given, REFUSED_BODY};
use super::body::Body;
use super::front::Counted;
use super::refusal::Refusal;
use crate::clock::Clock;

/// In the JSON protocol, the action with the service's name before it.
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const TARGET_PREFIX: &str = "AmazonSQS.";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const RETRY_AFTER: HeaderName = HeaderName::from_static("x-amz-retry-after");
/// The scheme by which a proxy in front of this server was asked.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

const FORM: &str = "application/x-www-form-urlencoded";

/// How much larger a request may be than those of the other faces: both protocols write a message with
/// escapes.
const ESCAPED: usize = 4;

/// What the requests of this face share.
pub struct Face {
    account: String,
    region: String,
    limits: Limits,
    keys: Option<Keys>,
}

impl Face {
    /// The face with these settings.
    pub fn new(settings: Settings) -> Self {
        Self {
            account: settings.account,
            region: settings.region,
            limits: settings.limits.into(),
            keys: settings.keys,
        }
    }
}

/// Whether a request is for this face.
pub(super) fn claims(request: &Request) -> bool {
    match (request.path(), request.method()) {
        ("/", &Method::POST) => {
            request.headers().contains_key(TARGET)
                || is_form(request.headers())
                || names_action(request)
        }
        ("/", &Method::GET) => names_action(request),
        (path, &Method::POST | &Method::GET) => queue_in(path).is_some(),
        _ => false,
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|text| {
        text.get(..FORM.len()).is_some_and(|start| start.eq_ignore_ascii_case(FORM))
    })
}

fn names_action(request: &Request) -> bool {
    let query = request.uri().query().unwrap_or_default();
    query.split('&').any(|parameter| parameter.starts_with("Action="))
}

/// The queue of a path `/<account>/<queue>`.
fn queue_in(path: &str) -> Option<&str> {
    let (account, queue) = path.strip_prefix('/')?.split_once('/')?;
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (is_account && !queue.is_empty() && !queue.contains('/')).then_some(queue)
}

/// Answers a request of this face.
pub(super) async fn answer(worker: Counted, mut request: Request) -> Answer {
    let target = request.headers().get(TARGET).cloned();
    let protocol = if target.is_some() { Protocol::Json } else { Protocol::Query };
    let mut call = Call {
        caller: Caller::Nobody,
        needed: None,
        host: request.headers().get(HOST).cloned(),
        secure: is_secure(request.headers()),
        path_queue: queue_in(request.path()).map(str::to_owned),
        request_id: Uuid::new_v4().to_string(),
        draining: worker.broker.is_draining(),
        worker,
    };
    let payload = request.take_payload();
    let asker = Asker::of(&call, &request);
    let limit = match &asker {
        Ok(_) => call.worker.max_body_bytes.saturating_mul(ESCAPED),
        Err(_) => call.worker.max_body_bytes.min(REFUSED_BODY),
    };
    let body = read_body(&request, payload, limit, &call.worker).await;
    let answered = match (asker, body) {
        // Whatever its body is.
        (Err(error), _) | (Ok(_), Err(error)) => Err(error),
        (Ok(asker), Ok(body)) => match asker.caller(&body) {
            Ok(caller) => {
                call.caller = caller;
                run(&mut call, &request, target.as_ref(), body).await
            }
            Err(error) => Err(error),
        },
    };
    let mut answer = answered.unwrap_or_else(|error| {
        let mut answer = protocol.error(&error, &call.request_id);
        if let Some(wait) = error.retry_after {
            // In milliseconds, which every SDK of today obeys.
            let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait));
        }
        if matches!(error.kind, Kind::ServiceUnavailable | Kind::RequestTimeout) {
            answer.head_mut().set_connection_type(actix_http::ConnectionType::Close);
        }
        answer
    });
    if let Ok(id) = HeaderValue::try_from(&call.request_id) {
        answer.headers_mut().insert(REQUEST_ID, id);
    }
    answer
}

async fn run(
    call: &mut Call,
    request: &Request,
    target: Option<&HeaderValue>,
    body: Bytes,
) -> Result<Answer, SqsError> {
    if let Some(target) = target {
        let action = target.to_str().ok().and_then(|target| target.strip_prefix(TARGET_PREFIX));
        let unknown = || SqsError::new(Kind::UnknownOperation, "There is no such operation.");
        return actions::run(action.ok_or_else(unknown)?, call, &Input::Json(body)).await;
    }
    let mut parameters = query::parameters(request.uri().query().unwrap_or_default().as_bytes());
    parameters.extend(query::parameters(&body));
    let action = parameters.iter().find(|(name, _)| name == "Action");
    let missing =
        || SqsError::new(Kind::MissingAction, "The request must contain the parameter Action.");
    let (_, action) = action.ok_or_else(missing)?;
    actions::run(action, call, &Input::Query(query::document(&parameters))).await
}

/// Who asks, as far as the head of the request says it.
enum Asker<'request> {
    Known(Caller),
    /// If the body goes with the signature.
    Signed(Box<auth::Claimed<'request, Caller>>),
}

impl<'request> Asker<'request> {
    /// Who asks: by the signature of the server's key or of a token, or by a bearer token. Whoever is not known
    /// fills no memory.
    fn of(call: &Call, request: &'request Request) -> Result<Self, SqsError> {
        let (keys, tokens) = (call.face().keys.as_ref(), call.worker.guard.auth.as_ref());
        if keys.is_none() && tokens.is_none() {
            return Ok(Self::Known(Caller::Anyone));
        }
        if let Some(tokens) = tokens {
            match Given::of(request.headers()) {
                Given::Token(token) => match tokens.bearer(token) {
                    Caller::Nobody => return Err(auth::unknown()),
                    caller => return Ok(Self::Known(caller)),
                },
                Given::Twice => return Err(auth::incomplete("Authorization is given twice.")),
                Given::Nothing | Given::Other => {}
            }
        }
        let signed = auth::Signed {
            method: request.method().as_str(),
            path: request.path(),
            query: request.uri().query().unwrap_or_default(),
            headers: request.headers(),
        };
        let known = |access: &str| match keys.filter(|keys| keys.access == access) {
            Some(keys) => Some((Caller::Anyone, keys.secret.clone())),
            None => tokens?.signer(access),
        };
        let claimed = auth::claimed(signed, known, Clock::system_time())?;
        Ok(Self::Signed(Box::new(claimed)))
    }

    /// The same, now that the body is there.
    fn caller(self, body: &[u8]) -> Result<Caller, SqsError> {
        match self {
            Self::Known(caller) => Ok(caller),
            Self::Signed(claimed) => claimed.verify(body),
        }
    }
}

async fn read_body(
    request: &Request,
    payload: Payload,
    limit: usize,
    worker: &Counted,
) -> Result<Bytes, SqsError> {
    let read = match Body::announced(request.head(), payload, limit, worker.guard.body_timeout) {
        Ok(None) => return Ok(Bytes::new()),
        Ok(Some(mut body)) => poll_fn(|context| body.poll(context)).await,
        Err(refusal) => Err(refusal),
    };
    read.map_err(|refusal| match refusal {
        Refusal::BodyTooLarge { limit } => SqsError::new(
            Kind::RequestTooLarge,
            format!("The request is larger than the limit of {limit} bytes."),
        ),
        Refusal::BodyTooSlow { limit } => SqsError::new(
            Kind::RequestTimeout,
            format!("The request did not come within {}.", crate::duration::write(limit)),
        ),
        _ => SqsError::new(Kind::Serialization, "The request is incomplete."),
    })
}

/// Whether a proxy in front says that the client came by HTTPS.
fn is_secure(headers: &HeaderMap) -> bool {
    let scheme = headers.get(FORWARDED_PROTO).and_then(|scheme| scheme.to_str().ok());
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_queue_behind_an_account() {
        assert_eq!(queue_in("/000000000000/q.fifo"), Some("q.fifo"));
        for path in
            ["/", "/q", "/000000000000", "/000000000000/", "/00000000000/q", "/00000000000a/q"]
        {
            assert_eq!(queue_in(path), None, "{path}");
        }
        assert_eq!(queue_in("/000000000000/q/r"), None);
    }
}
