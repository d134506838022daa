//! A small raw HTTP/1.1 client: it sends what it is given and reads one answer at a time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};

use super::answer::EMPTY;
use super::{Answer, DEADLINE, event_body};

/// One keep-alive connection. Every read and write has a deadline.
pub struct Client {
    stream: TcpStream,
    /// Bytes read beyond the last answer.
    ahead: Vec<u8>,
}

impl Client {
    pub fn connect(addr: SocketAddr) -> Self {
        Self::try_connect(addr).expect("the server accepts connections")
    }

    pub fn try_connect(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&addr, DEADLINE)?;
        // Where no server listens, a socket can be given the very port it looks for and meet itself.
        if stream.local_addr()? == stream.peer_addr()? {
            return Err(ErrorKind::ConnectionRefused.into());
        }
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        Ok(Self { stream, ahead: Vec::new() })
    }

    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("the server reads what it is sent");
    }

    /// The next answer to anything but `HEAD`.
    pub fn answer(&mut self) -> Answer {
        self.try_answer().expect("the server answers")
    }

    pub fn try_answer(&mut self) -> io::Result<Answer> {
        let mut answer = self.read_head()?;
        let length = answer.body_length()?;
        while self.ahead.len() < length {
            self.read_more().map_err(|error| cut_if(true, error))?;
        }
        answer.body = self.ahead.drain(..length).collect();
        Ok(answer)
    }

    /// An answer to `HEAD`: its lengths speak of a body that is not sent.
    pub fn answer_to_head(&mut self) -> Answer {
        self.read_head().expect("the server answers")
    }

    /// A request without a body.
    pub fn request(&mut self, method: &str, target: &str) -> Answer {
        self.send(format!("{method} {target} HTTP/1.1\r\nHost: ringmq\r\n\r\n"));
        if method == "HEAD" { self.answer_to_head() } else { self.answer() }
    }

    pub fn get(&mut self, target: &str) -> Answer {
        self.request("GET", target)
    }

    pub fn post(&mut self, target: &str, body: impl AsRef<[u8]>) -> Answer {
        self.send(post(target, body.as_ref()));
        self.answer()
    }

    /// Any request, its length told.
    pub fn call(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer {
        self.send(request(method, target, headers, body.as_ref()));
        if method == "HEAD" { self.answer_to_head() } else { self.answer() }
    }

    pub fn enqueue(&mut self, event: &str) -> Answer {
        self.post("/enqueue", event_body(event))
    }

    /// Enqueues and insists on success.
    pub fn put(&mut self, event: &str) {
        let answer = self.enqueue(event);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    pub fn dequeue(&mut self) -> Answer {
        self.get("/dequeue")
    }

    /// Dequeues: the event, or nothing when the server says that it is empty.
    pub fn take(&mut self) -> Option<String> {
        let answer = self.dequeue();
        match answer.status {
            200 => Some(answer.event()),
            _ => {
                assert_eq!((answer.status, answer.text().as_str()), (500, EMPTY));
                None
            }
        }
    }

    /// Takes events until the server says that it is empty.
    pub fn drain(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.take()).collect()
    }

    /// Says that nothing more will be sent; answers can still be read.
    pub fn finish_sending(&self) {
        // The server may have closed first, which is for the caller to find out.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Vanishes with a reset instead of a farewell.
    pub fn reset(self) {
        let at_once = libc::linger { l_onoff: 1, l_linger: 0 };
        setsockopt(&self.stream, sockopt::Linger, &at_once).expect("linger can be set");
    }

    /// Reads until the server closes, in whatever way, and gives back what still came.
    #[track_caller]
    pub fn until_closed(mut self) -> Vec<u8> {
        match self.read_to_end() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                panic!("the server keeps the connection open")
            }
            Ok(_) | Err(_) => self.ahead,
        }
    }

    /// Reads until the server says farewell; a reset is an error.
    pub fn read_to_end(&mut self) -> io::Result<&[u8]> {
        self.stream.read_to_end(&mut self.ahead)?;
        Ok(&self.ahead)
    }

    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    fn read_head(&mut self) -> io::Result<Answer> {
        loop {
            if let Some(end) = self.ahead.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let head: Vec<u8> = self.ahead.drain(..end + 4).collect();
                return Answer::parse(&head[..end]);
            }
            let begun = !self.ahead.is_empty();
            self.read_more().map_err(|error| cut_if(begun, error))?;
        }
    }

    /// Reads what has come, at least one byte.
    fn read_more(&mut self) -> io::Result<()> {
        let mut bytes = [0; 16 * 1024];
        match self.stream.read(&mut bytes)? {
            0 => Err(ErrorKind::ConnectionAborted.into()),
            count => {
                self.ahead.extend_from_slice(&bytes[..count]);
                Ok(())
            }
        }
    }
}

/// Whether the connection ended before the first byte of an answer, rather than in the middle of
/// one or not at all.
pub fn ended_between_answers(error: &io::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset)
}

/// Sets an end in the middle of an answer apart from an end between two of them.
fn cut_if(begun: bool, error: io::Error) -> io::Error {
    if begun && ended_between_answers(&error) { ErrorKind::UnexpectedEof.into() } else { error }
}

/// Any request, its length told.
pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: ringmq\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    [head.as_bytes(), body].concat()
}

/// A `POST` as most clients send it.
pub fn post(target: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: ringmq\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A `POST` in chunks of the given sizes; the last chunk takes what remains.
pub fn post_chunked(target: &str, body: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut bytes =
        format!("POST {target} HTTP/1.1\r\nHost: ringmq\r\nTransfer-Encoding: chunked\r\n\r\n")
            .into_bytes();
    let mut rest = body;
    for size in sizes.iter().copied().chain([body.len()]) {
        let (chunk, after) = rest.split_at(size.min(rest.len()));
        // An empty chunk would end the body.
        if !chunk.is_empty() {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        rest = after;
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}
