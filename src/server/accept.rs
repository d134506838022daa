//! From a socket to a connection that speaks HTTP: a place for it, and TLS where there is any.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use actix_http::error::DispatchError;
use actix_service::{ServiceFactory, fn_service};
use actix_web::rt::net::TcpStream;
use actix_web::rt::time::timeout;

use super::connection::{Connection, Timeouts};
use super::places::Places;
use super::transport::Transport;
use crate::http::no_place;
use crate::logging::Sparingly;
use crate::queue::Millis;
use crate::tls::Tls;

/// Told to who speaks HTTP where TLS is spoken.
const NO_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    content-length: 35\r\nconnection: close\r\n\r\n\
    this server speaks HTTPS, not HTTP\n";

/// How long a client that was refused may take to find that out.
const FAREWELL: Duration = Duration::from_secs(1);

/// How often it is logged at most that connections are refused.
const REFUSALS_EVERY: Duration = Duration::from_secs(10);

/// How many of those there are at once; the others find a closed connection.
const MOST_FAREWELLS: usize = 256;

/// What becomes of every socket.
#[derive(Clone)]
pub(super) struct Acceptor {
    tls: Option<Arc<Tls>>,
    timeouts: Timeouts,
    places: Places,
    /// Told to who comes when there is no place left.
    no_place: Arc<[u8]>,
    farewells: Arc<AtomicUsize>,
    refusals: Arc<Sparingly>,
    started: Instant,
}

impl Acceptor {
    pub(super) fn new(tls: Option<Arc<Tls>>, timeouts: Timeouts, places: Places) -> Self {
        Self {
            tls,
            timeouts,
            places,
            no_place: no_place().into(),
            farewells: Arc::default(),
            refusals: Arc::default(),
            started: Instant::now(),
        }
    }

    /// As a service of sockets.
    pub(super) fn into_factory(
        self,
    ) -> impl ServiceFactory<
        TcpStream,
        Config = (),
        Response = (Connection, Option<SocketAddr>),
        Error = DispatchError,
        InitError = (),
    > {
        fn_service(move |stream| {
            let acceptor = self.clone();
            async move { acceptor.accept(stream).await.map_err(DispatchError::Io) }
        })
    }

    async fn accept(self, stream: TcpStream) -> io::Result<(Connection, Option<SocketAddr>)> {
        let peer = stream.peer_addr().ok();
        let Some(place) = self.places.take() else {
            let told: &[u8] = if self.tls.is_some() { b"" } else { &self.no_place };
            self.log_refusal();
            self.refuse(stream, told).await;
            return Err(io::ErrorKind::ConnectionRefused.into());
        };
        stream.set_nodelay(true)?;
        let transport = match &self.tls {
            None => Transport::Plain(stream),
            Some(tls) => timeout(self.timeouts.head, self.handshake(tls, stream)).await??,
        };
        Ok((Connection::new(transport, self.timeouts, place), peer))
    }

    async fn handshake(&self, tls: &Tls, stream: TcpStream) -> io::Result<Transport> {
        let mut first = [0];
        stream.peek(&mut first).await?;
        if first[0].is_ascii_uppercase() {
            self.refuse(stream, NO_TLS).await;
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Transport::Tls(Box::new(tls.acceptor().accept(stream).await?)))
    }

    #[cold]
    fn log_refusal(&self) {
        let now = u64::try_from(self.started.elapsed().as_millis()).map_or(Millis::NEVER, Millis);
        if let Some(unlogged) = self.refusals.allow(REFUSALS_EVERY, now) {
            let limit = self.places.most();
            log::warn!(limit, unlogged; "connections are refused: there are as many as may be");
        }
    }

    /// Says why, and reads on for a moment: what is unread when a connection is closed takes along what was
    /// said.
    async fn refuse(&self, stream: TcpStream, told: &[u8]) {
        // Relaxed: it is a count and nothing else.
        if self.farewells.fetch_add(1, Ordering::Relaxed) < MOST_FAREWELLS {
            let _ = timeout(FAREWELL, farewell(&stream, told)).await;
        }
        self.farewells.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn farewell(stream: &TcpStream, told: &[u8]) -> io::Result<()> {
    let mut rest = told;
    while !rest.is_empty() {
        stream.writable().await?;
        match stream.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    socket2::SockRef::from(stream).shutdown(std::net::Shutdown::Write)?;
    let mut unread = [0; 1024];
    loop {
        stream.readable().await?;
        match stream.try_read(&mut unread) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_answers_say_how_long_they_are() {
        for answer in [no_place(), NO_TLS.to_vec()] {
            let text = str::from_utf8(&answer).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            let length =
                head.split_once("content-length: ").unwrap().1.split("\r\n").next().unwrap();
            assert_eq!(length.parse::<usize>().unwrap(), body.len(), "{text}");
        }
    }
}
