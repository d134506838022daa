//! What a request says: its queue, headers, parameters and body.

use std::borrow::Cow;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpMessage as _, Request};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, Uri};
use actix_web::web::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::broker::{Broker, Named};
use crate::duration;
use crate::http::answer::Answer;
use crate::http::body::Body;
use crate::http::front::Counted;
use crate::http::problem::Problem;
use crate::http::refusal::Refusal;

/// One request of this face, while it is carried out.
pub(super) struct Call<'uri> {
    worker: Counted,
    request: Request,
    query: &'uri str,
    /// As in the path.
    name: Cow<'uri, str>,
    queue: Option<Arc<Named>>,
    /// Whether the server was about to stop when the request came.
    draining: bool,
}

/// On every answer about a queue: how many messages it holds.
const DEPTH: HeaderName = HeaderName::from_static("queue-depth");
/// On every answer about a queue: how many it may hold.
const CAPACITY: HeaderName = HeaderName::from_static("queue-capacity");

const PREFER: HeaderName = HeaderName::from_static("prefer");

const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl<'uri> Call<'uri> {
    pub(super) fn new(worker: Counted, request: Request, uri: &'uri Uri) -> Self {
        let draining = worker.broker.is_draining();
        let query = uri.query().unwrap_or_default();
        Self { worker, request, query, name: Cow::Borrowed(""), queue: None, draining }
    }

    pub(super) fn method(&self) -> &Method {
        self.request.method()
    }

    pub(super) fn is_get(&self) -> bool {
        matches!(*self.method(), Method::GET | Method::HEAD)
    }

    pub(super) fn is_head(&self) -> bool {
        *self.method() == Method::HEAD
    }

    pub(super) fn broker(&self) -> &Broker {
        &self.worker.broker
    }

    /// Refuses what puts something in, if the server was about to stop when the request came; what
    /// has begun before is still carried out.
    pub(super) fn refuse_while_draining(&self) -> Result<(), Problem> {
        if self.draining { Err(crate::broker::Error::Draining.into()) } else { Ok(()) }
    }

    // The queue.

    pub(super) fn name_queue(&mut self, name: &'uri str) {
        // No queue has a name that cannot be decoded either.
        let decoded = percent_encoding::percent_decode_str(name).decode_utf8();
        self.name = decoded.unwrap_or(Cow::Borrowed(name));
    }

    /// The queue's name in the path.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The queue, which is there.
    pub(super) fn queue(&mut self) -> Result<Arc<Named>, Problem> {
        let queue = self.worker.broker.queue(&self.name)?;
        self.queue = Some(Arc::clone(&queue));
        Ok(queue)
    }

    /// Looks the queue up for `mark`, where the request was refused before that was done.
    pub(super) fn mark_as_named(&mut self) {
        if self.queue.is_none() && !self.name.is_empty() {
            self.queue = self.worker.broker.queue(&self.name).ok();
        }
    }

    /// Puts how full the queue is on an answer about it.
    pub(super) fn mark(&self, mut answer: Answer) -> Answer {
        if let Some(queue) = &self.queue {
            let headers = answer.headers_mut();
            headers.insert(DEPTH, HeaderValue::from(queue.depth()));
            headers.insert(CAPACITY, HeaderValue::from(queue.capacity()));
        }
        answer
    }

    // Headers.

    pub(super) fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// The value of a header that may stand once.
    pub(super) fn header(&self, name: &HeaderName) -> Result<Option<&str>, Problem> {
        let mut values = self.headers().get_all(name);
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Problem::invalid(name.as_str(), "is given twice"));
        }
        match value.to_str() {
            Ok(text) => Ok(Some(text.trim())),
            Err(_) => {
                Err(Problem::invalid(name.as_str(), "has other characters than visible ASCII"))
            }
        }
    }

    /// A header that is a duration of at most `most`.
    pub(super) fn duration_header(
        &self,
        name: &HeaderName,
        most: Duration,
    ) -> Result<Option<Duration>, Problem> {
        let Some(text) = self.header(name)? else { return Ok(None) };
        read_duration(name.as_str(), text, Duration::ZERO, most).map(Some)
    }

    /// How long the client wants to wait, by the parameter `wait` or the header `Prefer: wait=N`.
    /// A preference is no error, whatever it says.
    pub(super) fn wait(&self) -> Result<Option<Duration>, Problem> {
        self.wait_or(Duration::ZERO)
    }

    /// As [`wait`](Self::wait), or `unsaid` where the request does not say.
    pub(super) fn wait_or(&self, unsaid: Duration) -> Result<Option<Duration>, Problem> {
        let wait = self.said_wait()?.unwrap_or(unsaid);
        Ok(Some(wait).filter(|wait| !wait.is_zero()))
    }

    fn said_wait(&self) -> Result<Option<Duration>, Problem> {
        if let Some(text) = self.parameter("wait") {
            return read_duration("wait", &text, Duration::ZERO, LONGEST_WAIT).map(Some);
        }
        let preferences = self.headers().get_all(PREFER).filter_map(|value| value.to_str().ok());
        let wait = preferences
            .flat_map(|preferences| preferences.split([',', ';']))
            .filter_map(|preference| preference.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))
            .and_then(|(_, wait)| duration::read(wait.trim().trim_matches('"')));
        Ok(wait.map(|wait| wait.min(LONGEST_WAIT)))
    }

    // Parameters.

    /// A parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<Cow<'uri, str>> {
        self.parameters().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    fn parameters(&self) -> form_urlencoded::Parse<'uri> {
        form_urlencoded::parse(self.query.as_bytes())
    }

    /// Refuses parameters of other names than these, and those that are given twice.
    pub(super) fn know_parameters(&self, known: &[&str]) -> Result<(), Problem> {
        let mut seen = 0_u32;
        for (name, _) in self.parameters() {
            let Some(place) = known.iter().position(|known| *known == name) else {
                let problem = match known {
                    [] => "is unknown: this path has no parameters".to_owned(),
                    _ => format!("is unknown: there are `{}`", known.join("`, `")),
                };
                return Err(Problem::invalid(&name, problem));
            };
            if seen & 1 << place != 0 {
                return Err(Problem::invalid(&name, "is given twice"));
            }
            seen |= 1 << place;
        }
        Ok(())
    }

    /// A parameter that is a number from `least` to `most`.
    pub(super) fn number(&self, name: &str, least: u64, most: u64) -> Result<Option<u64>, Problem> {
        let Some(text) = self.parameter(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        let problem =
            || Problem::invalid(name, format!("must be a whole number from {least} to {most}"));
        number.ok_or_else(problem).map(Some)
    }

    /// A parameter that is a duration from `least` to `most`.
    pub(super) fn duration(
        &self,
        name: &str,
        least: Duration,
        most: Duration,
    ) -> Result<Option<Duration>, Problem> {
        let Some(text) = self.parameter(name) else { return Ok(None) };
        read_duration(name, &text, least, most).map(Some)
    }

    // The body.

    /// The whole body; empty the second time.
    pub(super) async fn body(&mut self) -> Result<Bytes, Problem> {
        let payload = self.request.take_payload();
        let limit = self.worker.max_body_bytes;
        let body = Body::announced(self.request.head(), payload, limit);
        let read = match body {
            Ok(None) => return Ok(Bytes::new()),
            Ok(Some(mut body)) => poll_fn(|context| body.poll(context)).await,
            Err(refusal) => Err(refusal),
        };
        read.map_err(|refusal| match refusal {
            Refusal::BodyTooLarge { limit } => Problem::body_too_large(limit),
            _ => Problem::body_incomplete(),
        })
    }

    /// The body as a JSON document; the default where there is none.
    pub(super) async fn document<T: DeserializeOwned + Default>(&mut self) -> Result<T, Problem> {
        let body = self.body().await?;
        if body.is_empty() {
            return Ok(T::default());
        }
        // The parser would also take an array of the fields' values.
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err(Problem::body("the body must be a JSON object"));
        }
        serde_json::from_slice(&body).map_err(|error| {
            let problem = Problem::body(error.to_string());
            match wrong_field::<T>(&body) {
                Some(field) => problem.about(&field),
                None => problem,
            }
        })
    }
}

/// The first field that spoils a document also when it stands alone. For documents in which every
/// field may be left out.
#[cold]
fn wrong_field<T: DeserializeOwned>(body: &[u8]) -> Option<String> {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else { return None };
    fields.into_iter().find_map(|(field, value)| {
        let alone = Value::Object([(field.clone(), value)].into_iter().collect());
        T::deserialize(alone).is_err().then_some(field)
    })
}

/// Reads a duration from `least` to `most`.
pub(super) fn read_duration(
    name: &str,
    text: &str,
    least: Duration,
    most: Duration,
) -> Result<Duration, Problem> {
    let read = duration::read(text).filter(|duration| (least..=most).contains(duration));
    read.ok_or_else(|| {
        let (least, most) = (duration::write(least), duration::write(most));
        let allowed = format!(
            "must be a duration from {least} to {most}: a number of seconds, or one with a unit out \
             of ms, s, m, h, d"
        );
        Problem::invalid(name, allowed)
    })
}
