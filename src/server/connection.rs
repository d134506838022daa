//! A client's connection as actix-http reads and writes it, with an eye on whoever is slow.
//!
//! actix-http times the first head of a connection, and the idle time between requests. What it leaves
//! open is closed here: a later head that does not come to its end, a body that nobody reads and that
//! does not come either, a client that takes hardly anything of its answers. The last is not read from either,
//! or its requests would pile up as answers; nor is one that goes on asking while a request of its is under way:
//! actix-http keeps a few requests behind that, and with a full buffer as well it would ask itself without
//! end whether that has changed.
//!
//! What a request costs more by this is a few stores: the timer of a connection is not set anew for
//! each, but looks, when its time is over, at what has happened since. Only while a request waits for what
//! others have to do, there is none, and nobody is woken.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use actix_web::rt::time::{Instant, Sleep, sleep};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::places::Place;
use super::transport::Transport;
use crate::http::LEAST_RATE;

/// So much may come, in bytes, before somebody looks at it, and behind a request that is under way: together
/// well below what actix-http keeps of what it has not looked at, which is 128 KiB.
const AHEAD: i64 = 16 << 10;

/// How long what is slow may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// For a request's head.
    pub(super) head: Duration,
    /// For enough of an answer to be taken.
    pub(super) answer: Duration,
    /// Until the next request comes.
    pub(super) keep_alive: Duration,
    /// For what a client still sends that nobody reads.
    pub(super) linger: Duration,
}

/// What the service of requests tells the connection they came by, and the timer that both begin and end.
pub(super) struct Progress {
    timeouts: Timeouts,
    /// Requests whose head was there, modulo 2^32.
    heads: Cell<u32>,
    /// Whether one of them is not answered yet.
    under_way: Cell<bool>,
    /// Whether anything came since the last answer was made, or since the head of a request.
    begun: Cell<bool>,
    /// Whether the last answer said that the connection is closed after it.
    closing: Cell<bool>,
    /// Whether the last answer goes on for as long as it likes.
    streams: Cell<bool>,
    /// Whether the last request has no body.
    bodiless: Cell<bool>,
    /// How many bytes are read for the time being.
    left: Cell<i64>,
    /// Whether nothing was under way when something was read last.
    fresh: Cell<bool>,
    /// While a body comes whose end is not known: what is left behind it.
    behind: Cell<Option<i64>>,
    /// Who goes on reading once something was answered.
    held: Cell<Option<Waker>>,
    /// Set once something has come or was answered, but not while a request waits for its answer.
    watch: RefCell<Option<Watch>>,
}

impl Progress {
    fn new(timeouts: Timeouts) -> Self {
        Self {
            timeouts,
            heads: Cell::default(),
            under_way: Cell::default(),
            begun: Cell::default(),
            closing: Cell::default(),
            streams: Cell::default(),
            bodiless: Cell::default(),
            left: Cell::default(),
            fresh: Cell::default(),
            behind: Cell::default(),
            held: Cell::default(),
            watch: RefCell::default(),
        }
    }

    /// A request's head is there, and a body behind it.
    pub(super) fn asked(&self, body: Announced) {
        self.heads.set(self.heads.get().wrapping_add(1));
        self.under_way.set(true);
        self.begun.set(false);
        self.streams.set(false);
        self.bodiless.set(body == Announced::Bytes(0));
        let left = if self.fresh.replace(false) { AHEAD } else { self.left.get() };
        match body {
            Announced::Bytes(count) => {
                self.left.set(left.saturating_add(i64::try_from(count).unwrap_or(i64::MAX)));
            }
            Announced::Chunks => {
                self.behind.set(Some(left));
                self.left.set(AHEAD);
            }
        }
    }

    /// A body has ended whose end was not known.
    pub(super) fn body_ended(&self) {
        if let Some(left) = self.behind.take() {
            self.left.set(left);
        }
    }

    /// Its answer has to wait for others. Meanwhile nobody needs a timer, which would wake the connection's
    /// task: that counts where ten thousand of them wait.
    pub(super) fn waits(&self) {
        self.watch.take();
    }

    /// Its answer is made, which may go on. What came meanwhile was its body, mostly, if it has one.
    pub(super) fn answered(&self, closing: bool, streams: bool, context: &mut Context<'_>) {
        self.body_ended();
        self.under_way.set(false);
        // Whatever is behind it may be the beginning of a head.
        self.watch.borrow_mut().get_or_insert_with(|| self.look(context));
        self.streams.set(streams);
        if !self.bodiless.get() {
            self.begun.set(false);
        }
        self.closing.set(closing);
        if let Some(waker) = self.held.take() {
            waker.wake();
        }
    }

    /// A look at whether the rest of a head comes in time.
    fn look(&self, context: &mut Context<'_>) -> Watch {
        Watch::new(self.timeouts.head, self.heads.get(), Awaited::Rest, context)
    }

    /// Whether what comes next is the head of a request, or something that nobody will look at.
    fn is_idle(&self) -> bool {
        !self.under_way.get() && !self.streams.get()
    }
}

/// The body behind a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announced {
    Bytes(u64),
    Chunks,
}

/// One connection.
pub(super) struct Connection {
    transport: Transport,
    progress: Rc<Progress>,
    /// Whether the client took anything since the look began; and before it, where an answer began it.
    wrote: bool,
    /// Set while there is more than the client takes.
    writing: Option<Writing>,
    _place: Place,
}

/// Something that is to be taken.
struct Writing {
    until: Pin<Box<Sleep>>,
    /// How much was since that began.
    taken: usize,
}

/// A look at what has happened since.
struct Watch {
    until: Pin<Box<Sleep>>,
    /// How many heads there were when it began.
    heads: u32,
    what: Awaited,
}

impl Watch {
    fn new(time: Duration, heads: u32, what: Awaited, context: &mut Context<'_>) -> Self {
        let mut until = Box::pin(sleep(time));
        // From now on the timer wakes this connection's task.
        let _ = until.as_mut().poll(context);
        Self { until, heads, what }
    }

    fn restart(&mut self, time: Duration, heads: u32, what: Awaited, context: &mut Context<'_>) {
        self.until.as_mut().reset(Instant::now() + time);
        let _ = self.until.as_mut().poll(context);
        (self.heads, self.what) = (heads, what);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaited {
    /// The rest of a head, or of a body that is not looked at.
    Rest,
    /// Anything at all.
    Next,
    /// The end: the last answer was given.
    End,
}

impl Connection {
    pub(super) fn new(transport: Transport, timeouts: Timeouts, place: Place) -> Self {
        let progress = Rc::new(Progress::new(timeouts));
        Self { transport, progress, wrote: false, writing: None, _place: place }
    }

    pub(super) fn progress(&self) -> Rc<Progress> {
        Rc::clone(&self.progress)
    }

    /// Nothing more can be read at present: whether that is so for too long.
    fn nothing_came(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Rc::clone(&self.progress);
        let timeouts = &progress.timeouts;
        let mut slot = progress.watch.borrow_mut();
        let watch = match &mut *slot {
            Some(watch) => watch,
            None if !progress.begun.get() || progress.under_way.get() => return Poll::Pending,
            slot => {
                self.wrote = false;
                slot.insert(progress.look(context))
            }
        };
        // Cheaper than to ask as futures are asked, and the same task waits all the time.
        while watch.until.is_elapsed() {
            let under_way = progress.under_way.get();
            let same = watch.heads == progress.heads.get() && !under_way && !self.wrote;
            let (what, next) = match (progress.begun.get(), under_way) {
                _ if watch.what == Awaited::End && !self.wrote => return Poll::Ready(Ok(())),
                _ if watch.what == Awaited::End => (Awaited::End, timeouts.linger),
                (true, _) if same && watch.what == Awaited::Rest => return self.refuse(context),
                (false, _) if same && watch.what == Awaited::Next => return Poll::Ready(Ok(())),
                // Whoever waits for an answer needs no timer; that answer begins another look.
                (_, true) => {
                    *slot = None;
                    return Poll::Pending;
                }
                (true, false) => (Awaited::Rest, timeouts.head),
                // actix-http closes idle connections, but not where it still waits for a body's end.
                (false, false) => (Awaited::Next, timeouts.keep_alive + timeouts.head),
            };
            self.wrote = false;
            watch.restart(next, progress.heads.get(), what, context);
        }
        Poll::Pending
    }

    /// Tells the client that its request took too long, as actix-http does of the first, and ends.
    fn refuse(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        const ANSWER: &[u8] =
            b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        log::debug!("a request's head did not come in time");
        // Nothing else is on its way out: what is read is only asked for once all is written.
        if let Poll::Ready(Ok(_)) = Pin::new(&mut self.transport).poll_write(context, ANSWER) {
            let _ = Pin::new(&mut self.transport).poll_flush(context);
        }
        Poll::Ready(Ok(()))
    }

    /// Something came where nothing had since the last answer.
    fn began(&mut self, context: &mut Context<'_>) {
        // From now on it is a head that is waited for, and actix-http does not time this one.
        if let Some(watch) = &mut *self.progress.watch.borrow_mut()
            && watch.what == Awaited::Next
        {
            self.wrote = false;
            let heads = self.progress.heads.get();
            watch.restart(self.progress.timeouts.head, heads, Awaited::Rest, context);
        }
    }

    /// A part of an answer was taken.
    fn taken(&mut self, count: usize, context: &mut Context<'_>) {
        self.wrote = true;
        if let Some(writing) = &mut self.writing {
            writing.taken += count;
        }
        if self.progress.closing.replace(false) {
            let (linger, heads) = (self.progress.timeouts.linger, self.progress.heads.get());
            let watch = Watch::new(linger, heads, Awaited::End, context);
            self.progress.watch.replace(Some(watch));
            self.wrote = false;
        }
    }

    /// Nothing can be written at present: whether too little was for too long.
    fn nothing_taken<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let timeout = self.progress.timeouts.answer;
        let writing = self
            .writing
            .get_or_insert_with(|| Writing { until: Box::pin(sleep(timeout)), taken: 0 });
        while writing.until.as_mut().poll(context).is_ready() {
            let least = LEAST_RATE as f64 * timeout.as_secs_f64();
            if (writing.taken as f64) < least {
                log::debug!("a client does not read its answer");
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            writing.taken = 0;
            writing.until.as_mut().reset(Instant::now() + timeout);
        }
        Poll::Pending
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.writing.is_some() {
            return Poll::Pending;
        }
        let idle = self.progress.is_idle();
        if idle && !self.progress.fresh.replace(true) {
            self.progress.left.set(AHEAD);
        }
        if self.progress.left.get() <= 0 {
            if idle || self.progress.behind.get().is_some() {
                // What came is looked at before there is more of it.
                self.progress.left.set(AHEAD);
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.progress.held.set(Some(context.waker().clone()));
            return self.nothing_came(context);
        }
        let before = buffer.filled().len();
        match Pin::new(&mut self.transport).poll_read(context, buffer) {
            Poll::Ready(read) => {
                let came = i64::try_from(buffer.filled().len() - before).unwrap_or(i64::MAX);
                self.progress.left.set(self.progress.left.get() - came);
                if !self.progress.begun.replace(true) {
                    self.began(context);
                }
                Poll::Ready(read)
            }
            // Either nothing yet, or an end as if the client had gone.
            Poll::Pending => {
                if idle {
                    self.progress.left.set(AHEAD);
                }
                self.nothing_came(context)
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.transport).poll_write(context, bytes);
        match written {
            Poll::Ready(ref count) => {
                self.taken(*count.as_ref().unwrap_or(&0), context);
                written
            }
            Poll::Pending => self.nothing_taken(context),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.transport).poll_flush(context);
        match flushed {
            Poll::Ready(_) => {
                // It was all; what is written next begins anew, and the client may be read from again.
                if self.writing.take().is_some() {
                    self.taken(0, context);
                    context.waker().wake_by_ref();
                }
                flushed
            }
            Poll::Pending => self.nothing_taken(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.transport).poll_shutdown(context);
        match shut {
            Poll::Ready(_) => shut,
            Poll::Pending => self.nothing_taken(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream as Peer};
    use std::task::ready;

    use actix_web::rt::System;
    use actix_web::rt::net::TcpStream;
    use actix_web::rt::time::timeout;

    use super::super::places::Places;
    use super::*;

    const HEAD: Duration = Duration::from_secs(5);
    const KEEP_ALIVE: Duration = Duration::from_secs(75);
    const ANSWER: Duration = Duration::from_secs(30);

    /// A connection and its client, by a clock of the test's own.
    fn connected<T>(test: impl AsyncFnOnce(Connection, Peer) -> T) -> T {
        System::new().block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let peer = Peer::connect(listener.local_addr().unwrap()).unwrap();
            let (stream, _) = listener.accept().unwrap();
            stream.set_nonblocking(true).unwrap();
            let stream = TcpStream::from_std(stream).unwrap();
            let (head, keep_alive, linger) = (HEAD, KEEP_ALIVE, Duration::from_secs(3));
            let timeouts = Timeouts { head, answer: ANSWER, keep_alive, linger };
            let place = Places::new(1).take().unwrap();
            let connection = Connection::new(Transport::Plain(stream), timeouts, place);
            tokio::time::pause();
            test(connection, peer).await
        })
    }

    /// Reads until something came, or the end: how much.
    async fn read(connection: &mut Connection) -> usize {
        let mut bytes = vec![0; 8192];
        poll_fn(|context| {
            let mut buffer = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut *connection).poll_read(context, &mut buffer)).unwrap();
            Poll::Ready(buffer.filled().len())
        })
        .await
    }

    /// Reads nothing for so long.
    async fn idle(connection: &mut Connection, time: Duration) {
        let mut pause = Box::pin(sleep(time));
        poll_fn(|context| {
            let mut bytes = [0; 10];
            let mut buffer = ReadBuf::new(&mut bytes);
            assert!(Pin::new(&mut *connection).poll_read(context, &mut buffer).is_pending());
            pause.as_mut().poll(context)
        })
        .await;
    }

    /// The request that is under way is answered.
    async fn answer(progress: &Progress) {
        poll_fn(|context| {
            progress.answered(false, false, context);
            Poll::Ready(())
        })
        .await;
    }

    #[test]
    fn a_later_head_has_its_time_however_long_the_connection_was_idle() {
        for pause in [Duration::ZERO, HEAD / 2, HEAD * 3] {
            connected(async |mut connection, mut peer| {
                let progress = connection.progress();
                peer.write_all(b"first").unwrap();
                assert_eq!(read(&mut connection).await, 5);
                idle(&mut connection, Duration::ZERO).await;
                progress.asked(Announced::Bytes(0));
                answer(&progress).await;
                idle(&mut connection, pause).await;
                peer.write_all(b"GET").unwrap();
                assert_eq!(read(&mut connection).await, 3);
                let began = Instant::now();
                assert_eq!(read(&mut connection).await, 0);
                assert!(began.elapsed() <= HEAD * 2, "{:?} after {pause:?}", began.elapsed());
                drop(connection);
                let mut told = String::new();
                peer.read_to_string(&mut told).unwrap();
                assert!(told.starts_with("HTTP/1.1 408 "), "{told}");
            });
        }
    }

    #[test]
    fn a_head_that_began_behind_a_request_without_a_body_has_its_time_as_well() {
        connected(async |mut connection, mut peer| {
            let progress = connection.progress();
            peer.write_all(b"first").unwrap();
            assert_eq!(read(&mut connection).await, 5);
            progress.asked(Announced::Bytes(0));
            peer.write_all(b"GET").unwrap();
            assert_eq!(read(&mut connection).await, 3);
            idle(&mut connection, HEAD * 3).await;
            answer(&progress).await;
            let began = Instant::now();
            assert_eq!(read(&mut connection).await, 0);
            assert!(began.elapsed() <= HEAD * 2, "{:?}", began.elapsed());
        });
    }

    #[test]
    fn who_waits_for_an_answer_has_no_timer_until_it_is_there() {
        connected(async |mut connection, mut peer| {
            let progress = connection.progress();
            // All in one read: nothing that comes later begins to wait for the rest of a head.
            peer.write_all(b"first GET").unwrap();
            assert_eq!(read(&mut connection).await, 9);
            idle(&mut connection, Duration::ZERO).await;
            progress.asked(Announced::Bytes(0));
            assert!(progress.watch.borrow().is_some());
            progress.waits();
            assert!(progress.watch.borrow().is_none());
            idle(&mut connection, KEEP_ALIVE * 3).await;
            assert!(progress.watch.borrow().is_none());
            answer(&progress).await;
            let end = timeout(KEEP_ALIVE + HEAD * 3, read(&mut connection)).await;
            assert_eq!(end.expect("the connection ends"), 0);
        });
    }

    #[test]
    fn a_body_that_nobody_read_and_that_does_not_end_is_not_waited_for() {
        connected(async |mut connection, mut peer| {
            let progress = connection.progress();
            // As much as is read before somebody looks at it, and then no more.
            peer.write_all(&[b'x'; AHEAD as usize]).unwrap();
            let mut came = 0;
            while came < AHEAD as usize {
                came += read(&mut connection).await;
            }
            idle(&mut connection, Duration::ZERO).await;
            progress.asked(Announced::Chunks);
            answer(&progress).await;
            let end = timeout(KEEP_ALIVE + HEAD * 3, read(&mut connection)).await;
            assert_eq!(end.expect("the connection ends"), 0);
        });
    }

    #[test]
    fn who_goes_on_asking_is_not_read_from_until_it_was_answered() {
        for (body, ends) in [(Announced::Bytes(0), false), (Announced::Chunks, true)] {
            connected(async |mut connection, mut peer| {
                let progress = connection.progress();
                // It may not all fit.
                peer.set_nonblocking(true).unwrap();
                let _ = peer.write(&vec![b'x'; 1 << 20]);
                assert_ne!(read(&mut connection).await, 0);
                progress.asked(body);
                if ends {
                    progress.body_ended();
                }
                let mut came = 0;
                poll_fn(|context| {
                    loop {
                        let mut bytes = [0; 8192];
                        let mut buffer = ReadBuf::new(&mut bytes);
                        match Pin::new(&mut connection).poll_read(context, &mut buffer) {
                            Poll::Ready(_) => came += buffer.filled().len(),
                            Poll::Pending if progress.left.get() <= 0 => return Poll::Ready(()),
                            Poll::Pending => return Poll::Pending,
                        }
                    }
                })
                .await;
                assert!((AHEAD as usize..=AHEAD as usize + 8192).contains(&came), "{came}");
                answer(&progress).await;
                assert!(progress.held.take().is_none());
                assert_ne!(read(&mut connection).await, 0);
            });
        }
    }

    /// Whether a client is cut that takes at most so many bytes each time.
    fn is_cut(part: usize) -> bool {
        connected(async |mut connection, mut peer| {
            peer.set_nonblocking(true).unwrap();
            for _ in 0..10 {
                let mut step = Box::pin(sleep(ANSWER - Duration::from_millis(1)));
                let cut = poll_fn(|context| {
                    loop {
                        match Pin::new(&mut connection).poll_write(context, &[0; 65536]) {
                            Poll::Ready(Ok(_)) => {}
                            Poll::Ready(Err(_)) => return Poll::Ready(true),
                            Poll::Pending => return step.as_mut().poll(context).map(|()| false),
                        }
                    }
                });
                if cut.await {
                    return true;
                }
                let mut rest = vec![0; part];
                while !rest.is_empty() {
                    let Ok(count) = peer.read(&mut rest) else { break };
                    rest.truncate(rest.len() - count);
                }
            }
            false
        })
    }

    #[test]
    fn who_takes_hardly_anything_of_an_answer_is_cut() {
        assert!(is_cut(1));
        assert!(!is_cut(64 << 20));
    }
}
