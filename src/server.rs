//! Serving queues on a socket until told to stop.
//!
//! [`run`] takes the socket, the queues and the stop signal, so that it can be embedded: the binary
//! gives it SIGTERM, another program whatever it likes.

use std::future::{pending, poll_fn};
use std::io;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use actix_web::{HttpServer, rt};

use crate::broker::{Broker, QueueName};
use crate::http::dashboard::Hub;
use crate::http::{self, Metrics, UnderWay, sqs};
use crate::queue::Millis;

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
    /// How many queues have series of their own at `/metrics`; `None`, and there is no such path.
    pub metrics_queues: Option<usize>,
    /// Whether there is a dashboard.
    pub ui: bool,
}

/// Idle connections are kept for longer than clients and proxies keep theirs by default, so that it
/// is not the server that closes one at the moment it is used again.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

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
    let (capacity, workers) = (queue.capacity(), options.workers);
    let under_way = UnderWay::default();
    let face = Arc::new(sqs::Face::new(options.sqs));
    let metrics = options.metrics_queues.map(|most| Metrics::new(Arc::clone(&broker), most));
    let metrics = metrics.map(Arc::new);
    let hub = options.ui.then(|| Arc::new(Hub::new(Arc::clone(&broker))));
    let served = (Arc::clone(&broker), queue, under_way.clone(), face, metrics, hub);
    let front = move || {
        let (broker, queue, under_way, face, metrics, hub) = served.clone();
        http::front(broker, queue, options.max_body_bytes, under_way, face, metrics, hub)
    };
    let last_answers = options.drain_timeout.min(LAST_ANSWERS);
    let server = HttpServer::new(front)
        .workers(workers)
        .keep_alive(KEEP_ALIVE)
        .client_disconnect_timeout(LINGER)
        .shutdown_timeout(last_answers.as_secs())
        .tcp_nodelay(true)
        // A client that has gone is noticed while its request waits.
        .h1_allow_half_closed(false)
        .disable_signals()
        .listen(listener)?
        .run();
    log::info!("listening on {address}, capacity {capacity}, workers {workers}");

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
            let drain_timeout = Duration::from_secs(5);
            let sqs = sqs::Settings::default();
            let options = Options {
                workers: 1,
                max_body_bytes: 100,
                drain_timeout,
                sqs,
                metrics_queues: None,
                ui: true,
            };
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
