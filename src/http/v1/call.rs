//! What a request says: its queue, headers, parameters and body.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpMessage as _, Request};
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::broker::{Broker, Named};
use crate::duration;
use crate::http::answer::{Answer, Reply};
use crate::http::front::{Counted, Worker};
use crate::http::problem::Problem;
use crate::http::refusal::Refusal;

/// One request of this face, while it is carried out.
pub(super) struct Call<'request> {
    worker: &'request Rc<Worker>,
    request: &'request Request,
    query: &'request str,
    /// As in the path.
    name: Cow<'request, str>,
    queue: OnceCell<Arc<Named>>,
    /// Until somebody looks at it.
    body: Cell<Option<Result<Bytes, Refusal>>>,
    /// Whether the server was about to stop when the request came.
    draining: bool,
}

/// On every answer about a queue: how many messages it holds.
const DEPTH: HeaderName = HeaderName::from_static("queue-depth");
/// On every answer about a queue: how many it may hold.
const CAPACITY: HeaderName = HeaderName::from_static("queue-capacity");

const PREFER: HeaderName = HeaderName::from_static("prefer");

const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl<'request> Call<'request> {
    /// A request about the queue that its path calls `name`; about none, if that is empty.
    pub(super) fn new(
        worker: &'request Rc<Worker>,
        request: &'request Request,
        name: &'request str,
        body: Result<Bytes, Refusal>,
        draining: bool,
    ) -> Self {
        Self {
            worker,
            request,
            query: request.uri().query().unwrap_or_default(),
            // No queue has a name that cannot be decoded either.
            name: percent_decode_str(name).decode_utf8().unwrap_or(Cow::Borrowed(name)),
            queue: OnceCell::new(),
            body: Cell::new(Some(body)),
            draining,
        }
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

    /// Answers later, by what owns nothing of the request. Only after [`queue`](Self::queue).
    pub(super) fn later(
        &self,
        rest: impl AsyncFnOnce(&Broker, &Arc<Named>) -> Result<Answer, Problem> + 'static,
    ) -> Reply {
        let worker = Counted::new(self.worker, self.draining);
        let queue = Arc::clone(self.queue.get().expect("the queue was looked up"));
        Reply::Later(Box::pin(async move {
            let answer = rest(&worker.broker, &queue).await;
            mark(answer.unwrap_or_else(|problem| problem.answer(false)), &queue)
        }))
    }

    // The queue.

    /// The queue's name in the path.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The queue, which is there.
    pub(super) fn queue(&self) -> Result<&Arc<Named>, Problem> {
        if let Some(queue) = self.queue.get() {
            return Ok(queue);
        }
        let queue = self.broker().queue(&self.name)?;
        Ok(self.queue.get_or_init(|| queue))
    }

    /// Looks the queue up for `mark`, where the request was refused before that was done.
    pub(super) fn look_up_for_mark(&self) {
        if !self.name.is_empty() {
            let _ = self.queue();
        }
    }

    /// Puts how full the queue is on an answer about it.
    pub(super) fn mark(&self, answer: Answer) -> Answer {
        match self.queue.get() {
            Some(queue) => mark(answer, queue),
            None => answer,
        }
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
        if let Some(text) = self.parameter("wait") {
            let wait = read_duration("wait", &text, Duration::ZERO, LONGEST_WAIT)?;
            return Ok(Some(wait).filter(|wait| !wait.is_zero()));
        }
        let preferences = self.headers().get_all(PREFER).filter_map(|value| value.to_str().ok());
        let wait = preferences
            .flat_map(|preferences| preferences.split([',', ';']))
            .filter_map(|preference| preference.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))
            .and_then(|(_, wait)| duration::read(wait.trim().trim_matches('"')));
        Ok(wait.filter(|wait| !wait.is_zero()).map(|wait| wait.min(LONGEST_WAIT)))
    }

    // Parameters.

    /// A parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<Cow<'request, str>> {
        self.parameters().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    fn parameters(&self) -> form_urlencoded::Parse<'request> {
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
    pub(super) fn body(&self) -> Result<Bytes, Problem> {
        let body = self.body.take().unwrap_or_else(|| Ok(Bytes::new()));
        body.map_err(|refusal| match refusal {
            Refusal::BodyTooLarge { limit } => Problem::body_too_large(limit),
            _ => Problem::body_incomplete(),
        })
    }

    /// The body as a JSON document; the default where there is none.
    pub(super) fn document<T: DeserializeOwned + Default>(&self) -> Result<T, Problem> {
        let body = self.body()?;
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

fn mark(mut answer: Answer, queue: &Named) -> Answer {
    let headers = answer.headers_mut();
    headers.insert(DEPTH, HeaderValue::from(queue.depth()));
    headers.insert(CAPACITY, HeaderValue::from(queue.capacity()));
    answer
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
