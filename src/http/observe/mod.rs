//! What is seen of every request: the one place where they all end.
//!
//! A worker's [`Observer`] looks at a request when it comes, and again when its answer is handed to the
//! connection. Between the two it keeps [`Seen`], which is small: what few requests need is kept apart.

mod id;
mod line;
mod requests;

use std::cell::Cell;
use std::time::{Duration, Instant};

use actix_http::{HttpMessage as _, Request};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::rt::time;

use self::id::Names;
use self::line::{Gist, Line};
pub(super) use self::requests::WorkerRequests;
pub use self::requests::{Face, FaceRequests, Requests};
use super::answer::Answer;

/// What one worker sees of requests.
pub(super) struct Observer {
    all: Requests,
    counts: Option<WorkerRequests>,
    names: Names,
}

/// What is kept of a request until it is answered.
pub(super) struct Seen {
    face: Face,
    came: Instant,
    waited: bool,
    more: Option<Box<More>>,
}

/// What is kept of some.
#[derive(Default)]
struct More {
    /// What the client calls it.
    id: Option<HeaderValue>,
    line: Option<Line>,
    /// For who asks what failed.
    gist: Option<Gist>,
}

/// By what the SQS face calls a request in its answer, whatever the client does.
const SQS_REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

thread_local! {
    /// Whether the request that is just being carried out waits. Whoever carries it out takes the note
    /// before it goes on to another.
    static WAITS: Cell<bool> = const { Cell::new(false) };
}

/// Sleeps, for a request that waits for a message or for room, and notes that it does: nobody polls this
/// before there was nothing to be had at once.
pub(super) async fn wait(duration: Duration) {
    WAITS.set(true);
    time::sleep(duration).await;
}

impl Observer {
    pub(super) fn new(all: &Requests) -> Self {
        Self { all: all.clone(), counts: all.worker(), names: Names::new() }
    }

    /// Looks at a request that came at this moment.
    #[inline]
    pub(super) fn came(&self, request: &Request, face: Face, came: Instant) -> Seen {
        let (id, line) = (id::said(request.headers()), Line::of(request));
        let some = id.is_some() || line.is_some();
        let more = some.then(|| Box::new(More { id, line, gist: None }));
        Seen { face, came, waited: false, more }
    }

    /// Looks at the answer.
    #[inline]
    pub(super) fn answered(&self, seen: &Seen, answer: &mut Answer) {
        if let Some(counts) = &self.counts {
            let took = (!seen.waited).then(|| seen.came.elapsed());
            counts.count(seen.face, answer.status(), took);
        }
        let is_named =
            seen.more.as_ref().is_some_and(|more| more.id.is_some() || more.line.is_some());
        if is_named || answer.status().as_u16() >= 400 {
            self.name(seen, answer);
        }
    }

    /// Calls the request by its name, in the answer and in the log.
    #[cold]
    fn name(&self, seen: &Seen, answer: &mut Answer) {
        // Told where the client calls it so, or to who may ask what went wrong. The classic face's errors
        // stay what they are, and the SQS face has a header of its own.
        let none = &More::default();
        let more = seen.more.as_deref().unwrap_or(none);
        let to_tell = match (&more.id, seen.face) {
            (Some(_), _) => true,
            (None, Face::V1 | Face::Ops | Face::Ui) => answer.status().as_u16() >= 400,
            (None, Face::Classic | Face::Sqs) => false,
        };
        let failed = line::is_failure(seen.face, answer) && line::failures_are_written();
        if !to_tell && !failed && more.line.is_none() {
            return;
        }
        let own = || answer.headers().get(&SQS_REQUEST_ID).cloned();
        let id = more.id.clone().or_else(own).unwrap_or_else(|| self.names.next());
        let text = id.to_str().unwrap_or_default();
        if failed && let Some(unlogged) = self.all.failed(answer.status(), seen.came) {
            line::write_failure(seen.face, more.gist.as_ref(), answer, text, unlogged);
        }
        if let Some(line) = &more.line {
            line.write(seen, answer, text, seen.came.elapsed());
        }
        if to_tell {
            answer.headers_mut().insert(id::REQUEST_ID, id);
        }
    }
}

impl Seen {
    /// When the request came.
    pub(super) fn came(&self) -> Instant {
        self.came
    }

    /// Keeps as much of a request as says which it was, should it fail: before it goes where nothing of it
    /// is kept, or once it has failed.
    #[inline]
    pub(super) fn keep(&mut self, request: &Request) {
        self.more.get_or_insert_default().gist = Some(Gist::of(request));
    }

    /// The same, if its answer says that it failed.
    #[inline]
    pub(super) fn keep_failed(&mut self, request: &Request, answer: &Answer) {
        if line::is_failure(self.face, answer) {
            self.keep(request);
        }
    }

    /// Whether the request waits, or has waited, for a message or for room.
    pub(super) fn waits(&self) -> bool {
        self.waited
    }

    /// Takes the note that what was just polled waits, if there is one.
    #[inline]
    pub(super) fn note_wait(&mut self) {
        self.waited |= WAITS.take();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::Poll;

    use actix_http::Request;
    use actix_http::test::TestRequest;
    use actix_web::dev::{AppConfig, Service, ServiceFactory as _};
    use actix_web::http::{Method, StatusCode};
    use actix_web::rt::System;

    use super::*;
    use crate::broker::{Broker, QueueName, QueueSettings, SettingsDocument};
    use crate::clock::Clock;
    use crate::http::auth::Guard;
    use crate::http::{Served, UnderWay, front, sqs};

    /// What is counted while a worker answers requests as `ask` says.
    fn counted<Ask: AsyncFnOnce(&dyn Fn(Request) -> Answering)>(ask: Ask) -> [FaceRequests; 5] {
        let requests = Requests::new(true);
        let broker = Arc::new(Broker::new(Clock::start(), 1000, QueueSettings::with_capacity(8)));
        broker.declare(&QueueName::default_queue(), SettingsDocument::default()).unwrap();
        let queue = broker.queue(QueueName::DEFAULT).unwrap();
        let served = Served {
            broker,
            queue,
            max_body_bytes: 100,
            under_way: UnderWay::default(),
            requests: requests.clone(),
            sqs: Arc::new(sqs::Face::new(sqs::Settings::default())),
            guard: Guard { auth: None, body_timeout: Duration::from_secs(30) },
            metrics: None,
            hub: None,
        };
        System::new().block_on(async move {
            let front = front(served);
            let worker = front.new_service(AppConfig::default()).await.unwrap();
            ask(&|request| {
                let answer = worker.call(request);
                Box::pin(async move { answer.await.unwrap().status() })
            })
            .await;
        });
        requests.snapshot().unwrap()
    }

    type Answering = std::pin::Pin<Box<dyn Future<Output = StatusCode>>>;

    fn request(method: Method, path: &str, body: &'static str) -> Request {
        TestRequest::with_uri(path).method(method).set_payload(body).finish()
    }

    #[test]
    fn every_answer_is_counted_under_its_face_and_status() {
        let requests = counted(async |ask| {
            for (method, path, body) in [
                (Method::POST, "/enqueue", "{\"event\":\"e\"}"),
                (Method::GET, "/dequeue", ""),
                (Method::GET, "/dequeue", ""),
                (Method::GET, "/v1/queues/none", ""),
                (Method::PUT, "/v1/queues/q", "{}"),
                (Method::POST, "/?Action=ListQueues", ""),
                (Method::POST, "/000000000000/q", "Action=Nonsense"),
                (Method::GET, "/livez", ""),
                (Method::GET, "/nowhere", ""),
                (Method::GET, "/uinowhere", ""),
            ] {
                ask(request(method, path, body)).await;
            }
        });
        let counts = |face: Face| {
            let found = requests.iter().find(|it| it.face == face).unwrap();
            let statuses = found.statuses.iter().map(|(status, count)| (status.as_u16(), *count));
            statuses.collect::<Vec<_>>()
        };
        assert_eq!(counts(Face::Classic), [(200, 2), (500, 1)]);
        assert_eq!(counts(Face::V1), [(201, 1), (404, 1)]);
        assert_eq!(counts(Face::Sqs), [(200, 1), (400, 1)]);
        assert_eq!(counts(Face::Ops), [(200, 1), (404, 2)]);
        for face in &requests {
            let answered: u64 = face.statuses.iter().map(|(_, count)| count).sum();
            assert_eq!(face.durations.iter().sum::<u64>(), answered, "{face:?}");
        }
    }

    #[test]
    fn how_long_a_request_waited_is_in_no_histogram() {
        let requests = counted(async |ask| {
            let receive =
                |wait| request(Method::POST, &format!("/v1/queues/default/receive?{wait}"), "");
            let send = || request(Method::POST, "/v1/queues/default/messages", "m");
            // One that waits, one that could have waited, one that would not.
            let mut waiting = pin!(ask(receive("wait=60")));
            poll_fn(|context| {
                assert!(waiting.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
            ask(send()).await;
            assert_eq!(waiting.await, StatusCode::OK);
            ask(send()).await;
            ask(receive("wait=60")).await;
            ask(receive("wait=0")).await;
        });
        let v1 = &requests[Face::V1 as usize];
        assert_eq!(v1.statuses, [(StatusCode::OK, 3), (StatusCode::CREATED, 2)]);
        assert_eq!((v1.waited, v1.durations.iter().sum::<u64>()), (1, 4));
    }
}
