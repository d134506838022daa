//! Serving queues on a socket until told to stop.
//!
//! [`run`] takes the socket, the queues and the stop signal, so that it can be embedded: the binary
//! gives it SIGTERM, another program whatever it likes.

mod accept;
mod connection;
mod places;
mod transport;
mod watched;

use std::future::{pending, poll_fn};
use std::io;
use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread::available_parallelism;
use std::time::Duration;

use actix_http::HttpService;
use actix_server::ServerBuilder;
use actix_service::ServiceFactoryExt as _;
use actix_web::rt;

use self::accept::Acceptor;
use self::connection::{Connection, Timeouts};
use self::places::Places;
use self::watched::Watched;
use crate::broker::{Broker, QueueName};
use crate::http::auth::Auth;
use crate::http::dashboard::Hub;
use crate::http::{self, Metrics, Requests, UnderWay, sqs};
use crate::queue::Millis;
use crate::tls::Tls;

/// How to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// Worker threads, 1 to 512.
    pub workers: usize,
    /// The largest request body, in bytes, that is read.
    pub max_body_bytes: usize,
    /// How long a stopping server gives the requests that are under way.
    pub drain_timeout: Duration,
    /// The SQS face.
    pub sqs: sqs::Settings,
    /// What clients may take of the server's time and connections.
    pub limits: Limits,
    /// Whose tokens may do what; everybody may do everything if `None`.
    pub auth: Option<Arc<Auth>>,
    /// Certificate and key; in the clear if `None`.
    pub tls: Option<Arc<Tls>>,
    /// How many queues have series of their own at `/metrics`; `None`, and there is no such path.
    pub metrics_queues: Option<usize>,
    /// Whether there is a dashboard.
    pub ui: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: available_parallelism().map_or(1, NonZeroUsize::get),
            max_body_bytes: 1 << 20,
            drain_timeout: Duration::from_secs(25),
            sqs: sqs::Settings::default(),
            limits: Limits::default(),
            auth: None,
            tls: None,
            metrics_queues: Some(100),
            ui: true,
        }
    }
}

/// What clients may take of a server's time and connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections of all workers together; who comes then is told 503 and not served.
    pub max_connections: usize,
    /// How long a request's head may take, and a TLS handshake.
    pub head_timeout: Duration,
    /// How long a body may take in which less than a kilobyte a second comes, and how long an answer of
    /// which less is taken.
    pub body_timeout: Duration,
    /// How long a connection is kept on which there is no request.
    pub keep_alive: Duration,
}

impl Limits {
    /// Idle connections are kept for longer than clients and proxies keep theirs by default, so that it
    /// is not the server that closes one at the moment it is used again.
    pub const DEFAULT: Self = Self {
        max_connections: 25_600,
        head_timeout: Duration::from_secs(5),
        body_timeout: Duration::from_secs(30),
        keep_alive: Duration::from_secs(75),
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How long a client may still send what nobody reads (a body that was refused) before its
/// connection is cut, so that it finds the answer.
const LINGER: Duration = Duration::from_secs(3);

/// Of the drain timeout, what is left for answers on their way out.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Serves the queues of `broker` on `listener` until `stop` is done, then finishes the requests under
/// way. The classic routes work on the queue `default`.
///
/// To be awaited in an [`actix_web::rt::System`]. No signal handler is installed.
///
/// # Errors
///
/// When there is no queue `default`, the listener cannot be used or a worker thread cannot be started.
pub async fn run(
    listener: TcpListener,
    broker: Arc<Broker>,
    options: Options,
    stop: impl Future<Output = ()> + 'static,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let queue = broker.queue(QueueName::DEFAULT).map_err(io::Error::other)?;
    let (capacity, workers, limits) = (queue.capacity(), options.workers, options.limits);
    let under_way = UnderWay::default();
    let requests = Requests::new(options.metrics_queues.is_some());
    let metrics = options
        .metrics_queues
        .map(|most| Arc::new(Metrics::new(Arc::clone(&broker), requests.clone(), most)));
    let hub = options.ui.then(|| Arc::new(Hub::new(Arc::clone(&broker), requests.clone())));
    let served = http::Served {
        broker: Arc::clone(&broker),
        queue,
        max_body_bytes: options.max_body_bytes,
        under_way: under_way.clone(),
        requests,
        sqs: Arc::new(sqs::Face::new(options.sqs)),
        guard: http::auth::Guard { auth: options.auth, body_timeout: limits.body_timeout },
        metrics,
        hub,
    };
    let timeouts = Timeouts {
        head: limits.head_timeout,
        answer: limits.body_timeout,
        keep_alive: limits.keep_alive,
        linger: LINGER,
    };
    let tls = if options.tls.is_some() { ", TLS" } else { "" };
    let acceptor = Acceptor::new(options.tls, timeouts, Places::new(limits.max_connections));
    let last_answers = options.drain_timeout.min(LAST_ANSWERS);
    let server = ServerBuilder::new()
        .workers(workers)
        // Who is refused has a connection too, for as long as it takes to say so.
        .max_concurrent_connections(usize::MAX)
        .shutdown_timeout(last_answers.as_secs())
        .disable_signals();
    let stopping = server.graceful_shutdown_signal();
    let server = server.listen("ringmq", listener, move || {
        let stopping = stopping.clone();
        let requests = HttpService::build()
            .keep_alive(limits.keep_alive)
            .client_request_timeout(limits.head_timeout)
            .client_disconnect_timeout(LINGER)
            // A client that has gone is noticed while its request waits.
            .h1_allow_half_closed(false)
            .local_addr(address)
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .on_connect_ext(|connection: &Connection, data| {
                data.insert(connection.progress());
            })
            .h1(Watched(http::front(served.clone())));
        acceptor.clone().into_factory().and_then(requests)
    })?;
    let server = server.run();
    broker.begin();
    log::info!("listening on {address}, capacity {capacity}, workers {workers}{tls}");

    let time = rt::spawn(keep_time(Arc::clone(&broker)));
    let handle = server.handle();
    let stopped = Arc::clone(&broker);
    rt::spawn(async move {
        stop.await;
        // Probes and senders are told so for as long as requests are under way.
        stopped.drain();
        log::info!("stopping: {} requests under way", under_way.count());
        let finished = poll_fn(|context| under_way.poll_none(context));
        let _ = rt::time::timeout(options.drain_timeout - last_answers, finished).await;
        handle.stop(true).await;
    });
    let served = server.await;
    time.abort();
    served?;

    broker.drain();
    let left = broker.queues().iter().map(|queue| queue.counts()).fold([0; 3], |sum, counts| {
        // Letters on their way elsewhere are queued there, or would be.
        let queued = counts.ready + counts.dying;
        [sum[0] + queued, sum[1] + counts.in_flight, sum[2] + counts.delayed]
    });
    let [ready, in_flight, delayed] = left;
    log::info!("stopped: {ready} messages still queued, {in_flight} in flight, {delayed} delayed");
    Ok(())
}

/// Lets the queues do what is due, and sleeps until the next thing is.
async fn keep_time(broker: Arc<Broker>) {
    loop {
        let next = broker.tick();
        let mut sleep = pin!(async {
            match broker.clock().instant(next).filter(|_| next < Millis::NEVER) {
                Some(next) => rt::time::sleep_until(next.into()).await,
                None => pending().await,
            }
        });
        poll_fn(|context| match broker.poll_earlier(context) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => sleep.as_mut().poll(context),
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::{SocketAddr, TcpStream};
    use std::sync::Mutex;
    use std::task::Waker;
    use std::thread::{self, JoinHandle};

    use super::*;
    use crate::broker::{QueueSettings, SettingsDocument};
    use crate::clock::Clock;
    use crate::queue::Message;

    struct Running {
        address: SocketAddr,
        broker: Arc<Broker>,
        /// Whether to stop, and who waits for that.
        stop: Arc<Mutex<(bool, Option<Waker>)>>,
        server: JoinHandle<io::Result<()>>,
    }

    impl Running {
        fn start() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let settings = QueueSettings::with_capacity(8);
            let broker = Arc::new(Broker::new(Clock::start(), u64::MAX, settings));
            broker.declare(&QueueName::default_queue(), SettingsDocument::default()).unwrap();
            let stop = Arc::new(Mutex::new((false, None::<Waker>)));

            let (served, stopped) = (Arc::clone(&broker), Arc::clone(&stop));
            let stopped = poll_fn(move |context| {
                let mut stopped = stopped.lock().unwrap();
                stopped.1 = Some(context.waker().clone());
                if stopped.0 { Poll::Ready(()) } else { Poll::Pending }
            });
            let options = Options { workers: 1, max_body_bytes: 100, ..Options::default() };
            let server = thread::spawn(move || {
                rt::System::new().block_on(run(listener, served, options, stopped))
            });
            Self { address, broker, stop, server }
        }

        fn request(&self, request: &str) -> BufReader<TcpStream> {
            let mut stream = TcpStream::connect(self.address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            BufReader::new(stream)
        }

        /// What the server says until it closes the connection.
        fn ask(&self, request: &str) -> String {
            let mut answer = String::new();
            self.request(request).read_to_string(&mut answer).unwrap();
            answer
        }

        fn send(&self, text: &str) {
            let queue = self.broker.queue(QueueName::DEFAULT).unwrap();
            self.broker.try_send(&queue, Message::text(text)).unwrap();
        }

        fn stop(self) -> io::Result<()> {
            let waiting = {
                let mut stop = self.stop.lock().unwrap();
                stop.0 = true;
                stop.1.take()
            };
            waiting.into_iter().for_each(Waker::wake);
            self.server.join().unwrap()
        }
    }

    #[test]
    fn a_queue_is_shared_with_the_program_that_serves_it() {
        let running = Running::start();
        running.send("from the program");
        let answer = running.ask("GET /dequeue HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert!(answer.ends_with("\"event\":\"from the program\"}\n"), "{answer}");
        let answer = running.ask(
            "POST /enqueue HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 25\r\n\r\n\
             {\"event\":\"from a client\"}",
        );
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let queue = running.broker.queue(QueueName::DEFAULT).unwrap();
        let message = running.broker.try_take(&queue).unwrap();
        assert_eq!(message, Message::text("from a client"));
        running.stop().unwrap();
    }

    #[test]
    fn a_stopped_server_has_left_its_port_and_its_queues_as_they_were() {
        let running = Running::start();
        running.send("left");
        let (address, broker) = (running.address, Arc::clone(&running.broker));
        running.stop().unwrap();
        assert!(TcpStream::connect(address).is_err());
        assert!(broker.is_draining());
        let queue = broker.queue(QueueName::DEFAULT).unwrap();
        assert_eq!(broker.try_take(&queue).unwrap(), Message::text("left"));
    }

    #[test]
    fn a_request_to_change_protocols_is_answered_without_waiting_for_a_body() {
        let running = Running::start();
        for (path, status) in [("/size", "200 OK"), ("/nowhere", "404 Not Found")] {
            let mut answer = running.request(&format!(
                "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
            ));
            let mut line = String::new();
            answer.read_line(&mut line).unwrap();
            assert_eq!(line, format!("HTTP/1.1 {status}\r\n"));
        }
        running.stop().unwrap();
    }
}
