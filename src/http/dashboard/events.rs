//! `GET /ui/events`: what happens to all queues, as server-sent events.
//!
//! `whole` comes first, with everything, and then each second `change` with what changed. Who reads
//! slower than that gets no line of old ones: the connection asks for the next event when it has room, and
//! where one was left out that is `whole` again. The stream ends when the server is about to stop.

use std::convert::Infallible;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream::unfold;
use tokio::sync::watch;

use super::hub::{Hub, Look};
use super::{assets, refuse_method};

/// Tells proxies to pass on each event as it comes.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(super) fn answer(request: &HttpRequest, hub: &Arc<Hub>) -> HttpResponse {
    if let Some(refused) = refuse_method(request) {
        return refused;
    }
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("text/event-stream")))
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header((BUFFERING, HeaderValue::from_static("no")));
    assets::guard(&mut answer);
    if *request.method() == Method::HEAD {
        return answer.finish();
    }
    match hub.watch() {
        Ok(newest) => answer.streaming(unfold(Watcher { newest, seen: 0, ended: false }, next)),
        Err(error) => {
            log::error!("the dashboard has no thread: {error}");
            HttpResponse::ServiceUnavailable().finish()
        }
    }
}

/// Somebody who reads the stream.
struct Watcher {
    newest: watch::Receiver<Option<Arc<Look>>>,
    /// The number of the last look he was told of.
    seen: u64,
    ended: bool,
}

async fn next(mut watcher: Watcher) -> Option<(Result<Bytes, Infallible>, Watcher)> {
    if watcher.ended {
        return None;
    }
    let seen = watcher.seen;
    let is_newer = |look: &Option<Arc<Look>>| look.as_ref().is_some_and(|look| look.number > seen);
    let look = watcher.newest.wait_for(is_newer).await.ok()?.clone()?;
    let is_next = seen > 0 && look.number == seen + 1;
    let event = if is_next { look.change.clone() } else { look.whole() };
    (watcher.seen, watcher.ended) = (look.number, look.last);
    Some((Ok(event), watcher))
}

#[cfg(test)]
mod tests {
    use actix_web::rt::System;

    use super::*;
    use crate::broker::{Broker, QueueSettings};
    use crate::clock::Clock;
    use crate::http::Requests;

    #[test]
    fn who_missed_a_look_is_told_everything_again() {
        System::new().block_on(async {
            let broker = Broker::new(Clock::start(), 1000, QueueSettings::with_capacity(8));
            let hub = Arc::new(Hub::new(Arc::new(broker), Requests::new(false)));
            let mut newest = hub.watch().unwrap();
            let watcher = Watcher { newest: hub.watch().unwrap(), seen: 0, ended: false };
            let begins = |event: Result<Bytes, Infallible>, name: &str| {
                let text = String::from_utf8(event.unwrap().to_vec()).unwrap();
                assert!(text.starts_with(&format!("event: {name}\n")), "{text}");
            };
            let (event, watcher) = next(watcher).await.unwrap();
            begins(event, "whole");
            let (event, watcher) = next(watcher).await.unwrap();
            begins(event, "change");
            let missed = watcher.seen + 1;
            let is_later =
                |look: &Option<Arc<Look>>| look.as_ref().is_some_and(|it| it.number > missed);
            drop(newest.wait_for(is_later).await.unwrap());
            let (event, watcher) = next(watcher).await.unwrap();
            begins(event, "whole");
            let (event, _) = next(watcher).await.unwrap();
            begins(event, "change");
        });
    }
}
