//! One HTTP connection with one request on its way at a time.

use std::io::{Error, ErrorKind, Read as _, Result, Write as _};
use std::net::{Ipv4Addr, TcpStream};

/// A connection to a server of this machine.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// How much of the buffer is the answer so far.
    filled: usize,
}

/// An answer that has come as a whole.
pub struct Answer<'client> {
    pub status: u16,
    head: &'client [u8],
    pub body: &'client [u8],
}

impl Client {
    pub fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new(), filled: 0 })
    }

    /// From now on [`try_answer`](Self::try_answer) does not wait.
    pub fn do_not_wait(&self) -> Result<()> {
        self.stream.set_nonblocking(true)
    }

    pub fn send(&mut self, request: &[u8]) -> Result<()> {
        self.filled = 0;
        self.stream.write_all(request)
    }

    /// Waits for the answer.
    pub fn answer(&mut self) -> Result<Answer<'_>> {
        while !self.is_whole()? {
            self.read_more()?;
        }
        self.parsed()
    }

    /// The answer, if it has come.
    pub fn try_answer(&mut self) -> Result<Option<Answer<'_>>> {
        match self.read_more() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            read => read?,
        }
        if self.is_whole()? { self.parsed().map(Some) } else { Ok(None) }
    }

    fn read_more(&mut self) -> Result<()> {
        if self.filled == self.buffer.len() {
            self.buffer.resize((2 * self.filled).max(512), 0);
        }
        match self.stream.read(&mut self.buffer[self.filled..])? {
            0 => Err(Error::new(ErrorKind::UnexpectedEof, "the server closed the connection")),
            more => {
                self.filled += more;
                Ok(())
            }
        }
    }

    fn is_whole(&self) -> Result<bool> {
        let answer = &self.buffer[..self.filled];
        let Some(end) = end_of_head(answer) else { return Ok(false) };
        Ok(answer.len() - end >= body_length(&answer[..end])?)
    }

    fn parsed(&self) -> Result<Answer<'_>> {
        let answer = &self.buffer[..self.filled];
        let (head, body) = answer.split_at(end_of_head(answer).unwrap_or(answer.len()));
        let status = head.get(9..12).and_then(number).ok_or_else(malformed)?;
        Ok(Answer { status: status as u16, head, body })
    }
}

impl Answer<'_> {
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        header(self.head, name)
    }
}

fn end_of_head(answer: &[u8]) -> Option<usize> {
    answer.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

fn body_length(head: &[u8]) -> Result<usize> {
    header(head, "content-length").map_or(Ok(0), |text| number(text).ok_or_else(malformed))
}

fn header<'head>(head: &'head [u8], name: &str) -> Option<&'head [u8]> {
    let value = head.split(|byte| *byte == b'\n').find_map(|line| {
        let (own, value) = line.split_at_checked(name.len())?;
        own.eq_ignore_ascii_case(name.as_bytes()).then(|| value.strip_prefix(b":"))?
    });
    value.map(<[u8]>::trim_ascii)
}

fn number(text: &[u8]) -> Option<usize> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn malformed() -> Error {
    Error::new(ErrorKind::InvalidData, "what came is no HTTP answer")
}
