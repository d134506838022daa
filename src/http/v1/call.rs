//! What a request says: its queue, headers, parameters and body.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpMessage as _, Request};
use actix_web::http::Method;
use actix_web::http::header::HeaderName;
use actix_web::web::Bytes;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::headers::Headers;
use super::parameters::{self, Parameter};
use crate::broker::{Broker, Named, Refused};
use crate::duration;
use crate::http::answer::{Answer, Reply, number};
use crate::http::auth::{Caller, Role};
use crate::http::front::{Counted, Worker};
use crate::http::problem::Problem;
use crate::http::refusal::Refusal;

/// One request of this face, while it is carried out.
pub(super) struct Call<'request> {
    worker: &'request Rc<Worker>,
    request: &'request Request,
    /// As in the path.
    name: Cow<'request, str>,
    caller: &'request Caller,
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

pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl<'request> Call<'request> {
    /// A request about the queue that its path calls `name`; about none, if that is empty.
    pub(super) fn new(
        worker: &'request Rc<Worker>,
        request: &'request Request,
        name: &'request str,
        caller: &'request Caller,
        body: Result<Bytes, Refusal>,
        draining: bool,
    ) -> Self {
        Self {
            worker,
            request,
            name: decoded(name),
            caller,
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

    pub(super) fn broker(&self) -> &Broker {
        &self.worker.broker
    }

    /// Refuses what puts something in, if the server was about to stop when the request came; what
    /// has begun before is still carried out.
    pub(super) fn refuse_while_draining(&self) -> Result<(), Problem> {
        if self.draining { Err(crate::broker::Error::Draining.into()) } else { Ok(()) }
    }

    /// The same for a send, which the queue counts if there is one.
    pub(super) fn refuse_sends_while_draining(&self) -> Result<(), Problem> {
        if self.draining
            && let Ok(queue) = self.queue()
        {
            queue.count_refusal(Refused::Draining);
        }
        self.refuse_while_draining()
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
            let mut answer = answer.unwrap_or_else(|problem| problem.answer());
            mark(&mut answer, &queue);
            answer
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
    pub(super) fn mark(&self, answer: &mut Answer) {
        if let Some(queue) = self.queue.get() {
            mark(answer, queue);
        }
    }

    // Who asks.

    /// Who asks, as of when the request came. Known only where more than the queue of the path matters: to a list,
    /// and to who is admin of that queue.
    pub(super) fn caller(&self) -> &Caller {
        self.caller
    }

    /// Refuses a client that names a further queue and may not send to it.
    pub(super) fn check_target(&self, queue: &str) -> Result<(), Problem> {
        match self.caller().has(Role::Send, queue) {
            true => Ok(()),
            false => Err(Problem::forbidden(Role::Send.as_str(), queue)),
        }
    }

    // Headers and parameters.

    pub(super) fn headers(&self) -> Headers<'request> {
        Headers::of(self.request.headers())
    }

    /// The parameters of these names; there may be no others.
    pub(super) fn parameters<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<[Parameter<'request>; N], Problem> {
        parameters::read(self.request.uri().query().unwrap_or_default(), names)
    }

    /// For a path that has no parameters.
    pub(super) fn no_parameters(&self) -> Result<(), Problem> {
        self.parameters([]).map(|[]| ())
    }

    // The body.

    /// The whole body; empty the second time.
    pub(super) fn body(&self) -> Result<Bytes, Problem> {
        let body = self.body.take().unwrap_or_else(|| Ok(Bytes::new()));
        body.map_err(|refusal| match refusal {
            Refusal::BodyTooLarge { limit } => Problem::body_too_large(limit),
            Refusal::BodyTooSlow { limit } => Problem::body_too_slow(limit),
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

/// The name of a queue, as a path has it.
pub(in crate::http) fn decoded(name: &str) -> Cow<'_, str> {
    if !name.bytes().any(|byte| byte == b'%') {
        return Cow::Borrowed(name);
    }
    // No queue has a name that cannot be decoded either.
    percent_decode_str(name).decode_utf8().unwrap_or(Cow::Borrowed(name))
}

fn mark(answer: &mut Answer, queue: &Named) {
    let headers = answer.headers_mut();
    headers.append(DEPTH, number(queue.depth()));
    headers.append(CAPACITY, number(queue.capacity()));
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
