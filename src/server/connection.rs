//! A client's connection as actix-http reads and writes it, with an eye on whoever is slow.
//!
//! actix-http times the first head of a connection, and the idle time between requests. What it leaves
//! open is closed here: a later head that does not come to its end, a body that nobody reads and that
//! does not come either, a client that takes nothing of its answers. The last is not read from either,
//! or its requests would pile up as answers.
//!
//! What a request costs more by this is a few stores: the timer of a connection is not set anew for
//! each, but looks, when its time is over, at what has happened since.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use actix_web::rt::time::{Instant, Sleep, sleep};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

/// How long what is slow may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// For a request's head.
    pub(super) head: Duration,
    /// For a part of an answer to be taken.
    pub(super) answer: Duration,
    /// Until the next request comes.
    pub(super) keep_alive: Duration,
    /// For what a client still sends that nobody reads.
    pub(super) linger: Duration,
}

/// What the service of requests tells the connection they came by.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Requests whose head was there, modulo 2^32.
    heads: Cell<u32>,
    /// Whether one of them is not answered yet.
    under_way: Cell<bool>,
    /// Whether anything came since the last answer was made, or since the head of a request.
    begun: Cell<bool>,
    /// Whether the last answer said that the connection is closed after it.
    closing: Cell<bool>,
}

impl Progress {
    /// A request's head is there.
    pub(super) fn asked(&self) {
        self.heads.set(self.heads.get().wrapping_add(1));
        self.under_way.set(true);
        self.begun.set(false);
    }

    /// Its answer is made. What came meanwhile was its body, mostly.
    pub(super) fn answered(&self, closing: bool) {
        self.under_way.set(false);
        self.begun.set(false);
        self.closing.set(closing);
    }
}

/// Bytes in the clear or by TLS.
pub(super) enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// One connection.
pub(super) struct Connection {
    transport: Transport,
    progress: Rc<Progress>,
    timeouts: Timeouts,
    /// Set once something has come, until a look at its end finds nothing to wait for.
    reading: Option<Watch>,
    /// Whether the client took anything since that look began.
    wrote: bool,
    /// Set while the client takes nothing.
    writing: Option<Pin<Box<Sleep>>>,
    _place: Place,
}

/// A look at what has happened since.
struct Watch {
    until: Pin<Box<Sleep>>,
    /// How many heads there were when it began.
    heads: u32,
    what: Awaited,
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
        let progress = Rc::new(Progress::default());
        Self {
            transport,
            progress,
            timeouts,
            reading: None,
            wrote: false,
            writing: None,
            _place: place,
        }
    }

    pub(super) fn progress(&self) -> Rc<Progress> {
        Rc::clone(&self.progress)
    }

    /// Nothing more can be read at present: whether that is so for too long.
    fn nothing_came(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = &self.progress;
        let watch = match &mut self.reading {
            Some(watch) => watch,
            None if !progress.begun.get() => return Poll::Pending,
            reading => {
                let until = Box::pin(sleep(self.timeouts.head));
                let heads = progress.heads.get();
                let watch = reading.insert(Watch { until, heads, what: Awaited::Rest });
                // From now on the timer wakes this connection's task.
                let _ = watch.until.as_mut().poll(context);
                self.wrote = false;
                watch
            }
        };
        // Cheaper than to ask as futures are asked, and the same task waits all the time.
        while watch.until.is_elapsed() {
            let under_way = progress.under_way.get();
            let same = watch.heads == progress.heads.get() && !under_way && !self.wrote;
            let (what, next) = match (progress.begun.get(), under_way) {
                _ if watch.what == Awaited::End && !self.wrote => return Poll::Ready(Ok(())),
                _ if watch.what == Awaited::End => (Awaited::End, self.timeouts.linger),
                (true, _) if same && watch.what == Awaited::Rest => return self.refuse(context),
                (false, _) if same && watch.what == Awaited::Next => return Poll::Ready(Ok(())),
                (true, _) => (Awaited::Rest, self.timeouts.head),
                // Whoever waits for an answer needs no timer.
                (false, true) => {
                    self.reading = None;
                    return Poll::Pending;
                }
                // actix-http closes idle connections, but not where it still waits for a body's end.
                (false, false) => (Awaited::Next, self.timeouts.keep_alive + self.timeouts.head),
            };
            watch.heads = progress.heads.get();
            watch.what = what;
            self.wrote = false;
            watch.until.as_mut().reset(Instant::now() + next);
            let _ = watch.until.as_mut().poll(context);
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

    /// A part of an answer was taken.
    fn taken(&mut self, context: &mut Context<'_>) {
        self.wrote = true;
        if self.writing.take().is_some() {
            // It may be read from again.
            context.waker().wake_by_ref();
        }
        if self.progress.closing.replace(false) {
            let mut until = Box::pin(sleep(self.timeouts.linger));
            let _ = until.as_mut().poll(context);
            let heads = self.progress.heads.get();
            self.reading = Some(Watch { until, heads, what: Awaited::End });
            self.wrote = false;
        }
    }

    /// Nothing can be written at present: whether that is so for too long.
    fn nothing_taken<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let writing = self.writing.get_or_insert_with(|| Box::pin(sleep(self.timeouts.answer)));
        ready!(writing.as_mut().poll(context));
        log::debug!("a client does not read its answer");
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
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
        match Pin::new(&mut self.transport).poll_read(context, buffer) {
            Poll::Ready(read) => {
                self.progress.begun.set(true);
                Poll::Ready(read)
            }
            // Either nothing yet, or an end as if the client had gone.
            Poll::Pending => self.nothing_came(context),
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
            Poll::Ready(_) => {
                self.taken(context);
                written
            }
            Poll::Pending => self.nothing_taken(context),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.transport).poll_flush(context);
        match flushed {
            Poll::Ready(_) => {
                if self.writing.is_some() {
                    self.taken(context);
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

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// How many connections there may be, and are.
#[derive(Clone)]
pub(super) struct Places {
    taken: Arc<AtomicUsize>,
    most: usize,
}

impl Places {
    pub(super) fn new(most: usize) -> Self {
        Self { taken: Arc::default(), most }
    }

    /// How many there may be.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// A place for one more, if there is one.
    pub(super) fn take(&self) -> Option<Place> {
        // Relaxed: it is a count and nothing else.
        if self.taken.fetch_add(1, Ordering::Relaxed) < self.most {
            return Some(Place(Arc::clone(&self.taken)));
        }
        self.taken.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

/// A place that is given back when this is dropped.
pub(super) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
