//! `GET /ui/events`: what happens to all queues, as server-sent events.
//!
//! `whole` comes first, with everything, and then each second `change` with what changed. Who reads
//! slower than that gets no line of old ones: the connection asks for the next event when it has room, and
//! where one was left out that is `whole` again. The stream ends when the server is about to stop, and
//! after five minutes: whoever comes again is asked again who he is.

use std::convert::Infallible;
use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream::unfold;
use tokio::sync::watch;

use super::hub::{Hub, Look};
use crate::http::answer::empty;
use crate::http::files::{guard, if_it_looks};

const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");

/// Tells proxies to pass on each event as it comes.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How many looks one stream tells of.
const MOST_LOOKS: u64 = 300;

/// The most that is given to the connection at once: what it takes it has copied.
const SLICE: usize = 32 * 1024;

pub(super) fn answer(request: &HttpRequest, hub: &Arc<Hub>) -> HttpResponse {
    if *request.method() != Method::GET {
        let mut head = empty(StatusCode::OK);
        head.headers_mut().insert(CONTENT_TYPE, EVENTS);
        return if_it_looks(request, head);
    }
    let newest = match hub.watch() {
        Ok(newest) => newest,
        Err(problem) => return if_it_looks(request, problem.answer()),
    };
    let watcher = Watcher::new(Arc::clone(hub), newest);
    let mut answer = HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, EVENTS))
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header((BUFFERING, HeaderValue::from_static("no")))
        .streaming(unfold(watcher, next));
    guard(answer.headers_mut());
    answer
}

/// Somebody who reads the stream.
struct Watcher {
    hub: Arc<Hub>,
    newest: watch::Receiver<Option<Arc<Look>>>,
    /// The number of the last look he was told of.
    seen: u64,
    /// The number of the last one he will be told of.
    last: u64,
    /// What is left of the event he is being told.
    rest: Bytes,
}

impl Watcher {
    fn new(hub: Arc<Hub>, newest: watch::Receiver<Option<Arc<Look>>>) -> Self {
        Self { hub, newest, seen: 0, last: u64::MAX, rest: Bytes::new() }
    }

    /// The event to tell of a look, once there is one.
    fn event(&self, look: &Look) -> Option<Bytes> {
        if look.number <= self.seen {
            return None;
        }
        if self.seen > 0 && look.number == self.seen + 1 {
            return Some(look.change.clone());
        }
        let whole = look.whole().cloned();
        if whole.is_none() {
            self.hub.want_whole();
        }
        whole
    }
}

async fn next(mut watcher: Watcher) -> Option<(Result<Bytes, Infallible>, Watcher)> {
    while watcher.rest.is_empty() {
        if watcher.seen >= watcher.last {
            return None;
        }
        let newest = watcher.newest.borrow_and_update().clone();
        let told = newest.and_then(|look| Some((watcher.event(&look)?, look)));
        let Some((event, look)) = told else {
            watcher.newest.changed().await.ok()?;
            continue;
        };
        if look.last {
            watcher.last = look.number;
        } else if watcher.seen == 0 {
            watcher.last = look.number + MOST_LOOKS - 1;
        }
        (watcher.seen, watcher.rest) = (look.number, event);
    }
    let slice = watcher.rest.split_to(watcher.rest.len().min(SLICE));
    Some((Ok(slice), watcher))
}

#[cfg(test)]
mod tests {
    use actix_web::rt::System;

    use super::super::hub::MOST_WATCHERS;
    use super::*;
    use crate::broker::{Broker, QueueSettings};
    use crate::clock::Clock;
    use crate::http::Requests;

    /// A hub that looks only when it is told to, and somebody who watches it.
    fn watched(queues: u32) -> (Arc<Hub>, watch::Sender<Option<Arc<Look>>>, Watcher) {
        let broker = Broker::new(Clock::start(), 1000, QueueSettings::with_capacity(8));
        for number in 0..queues {
            let name = format!("queue-{number}").parse().unwrap();
            broker.declare(&name, Default::default()).unwrap();
        }
        let hub = Arc::new(Hub::new(Arc::new(broker), Requests::new(false)));
        let (newest, watcher) = watch::channel(None);
        (Arc::clone(&hub), newest, Watcher::new(hub, watcher))
    }

    fn block_on(test: impl Future<Output = ()>) {
        System::new().block_on(test);
    }

    async fn told(watcher: Watcher) -> (String, Watcher) {
        let (event, watcher) = next(watcher).await.unwrap();
        (String::from_utf8(event.unwrap().to_vec()).unwrap(), watcher)
    }

    #[track_caller]
    fn assert_begins(event: &str, name: &str) {
        assert!(event.starts_with(&format!("event: {name}\n")), "{event}");
    }

    #[test]
    fn who_missed_a_look_is_told_everything_again() {
        block_on(async {
            let (hub, newest, mut watcher) = watched(1);
            let mut event;
            for (number, name) in [(7, "whole"), (8, "change"), (10, "whole"), (11, "change")] {
                newest.send_replace(Some(hub.look_with_whole(number)));
                (event, watcher) = told(watcher).await;
                assert_begins(&event, name);
            }
        });
    }

    #[test]
    fn everything_is_told_in_slices() {
        block_on(async {
            let (hub, newest, watcher) = watched(900);
            newest.send_replace(Some(hub.look_with_whole(1)));
            let (first, watcher) = told(watcher).await;
            let (second, watcher) = told(watcher).await;
            assert_begins(&first, "whole");
            assert_eq!(first.len(), SLICE);
            let whole = hub.look_with_whole(1).whole().unwrap().clone();
            assert!(whole.len() > SLICE + second.len() / 2);
            assert_eq!(watcher.rest.is_empty(), second.ends_with("\n\n"));
        });
    }

    #[test]
    fn a_stream_ends_after_so_many_looks() {
        block_on(async {
            let (hub, newest, mut watcher) = watched(1);
            for number in 5..5 + MOST_LOOKS {
                newest.send_replace(Some(hub.look_with_whole(number)));
                (_, watcher) = told(watcher).await;
            }
            newest.send_replace(Some(hub.look_with_whole(5 + MOST_LOOKS)));
            assert!(next(watcher).await.is_none());
        });
    }

    #[test]
    fn there_are_so_many_watchers_and_no_more() {
        let (hub, _, _) = watched(0);
        let mut watchers: Vec<_> = (0..MOST_WATCHERS).map(|_| hub.watch().unwrap()).collect();
        let refused = hub.watch().err().unwrap();
        assert_eq!(refused.answer().status(), StatusCode::SERVICE_UNAVAILABLE);
        watchers.pop();
        assert!(hub.watch().is_ok());
    }
}
