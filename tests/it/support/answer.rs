//! What the server answered, and what every answer of a kind has in common.

use std::io;

use serde_json::Value;

pub const FULL: &str = "cannot enqueue to a full buffer\n";
pub const EMPTY: &str = "cannot dequeue from an empty buffer\n";

/// One answer of the server.
#[derive(Debug)]
pub struct Answer {
    pub version: String,
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub(super) fn parse(head: &[u8]) -> io::Result<Self> {
        let fault = || io::Error::other(format!("not an answer: {}", head.escape_ascii()));
        let head = str::from_utf8(head).map_err(|_| fault())?;
        let mut lines = head.split("\r\n");
        let mut start = lines.next().ok_or_else(fault)?.splitn(3, ' ');
        let version = start.next().ok_or_else(fault)?.to_owned();
        let status = start.next().and_then(|code| code.parse().ok()).ok_or_else(fault)?;
        let headers = lines
            .map(|line| {
                let (name, value) = line.split_once(':').ok_or_else(fault)?;
                Ok((name.to_ascii_lowercase(), value.trim().to_owned()))
            })
            .collect::<io::Result<_>>()?;
        Ok(Self { version, status, headers, body: Vec::new() })
    }

    /// The only value of the header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} is sent twice: {self:?}");
        value
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("every body is UTF-8")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    /// The event in a successful answer.
    pub fn event(&self) -> String {
        let json = self.json();
        json["event"].as_str().expect("a successful answer has its event").to_owned()
    }

    /// Success with exactly this JSON line.
    #[track_caller]
    pub fn assert_json(&self, line: &str) {
        assert_eq!((self.status, self.text()), (200, format!("{line}\n")));
        assert_eq!(self.header("content-type"), Some("application/json"));
    }

    /// Failure with exactly this line of text.
    #[track_caller]
    pub fn assert_error(&self, status: u16, line: &str) {
        assert_eq!((self.status, self.text()), (status, format!("{line}\n")));
        assert_eq!(self.header("content-type"), Some("text/plain; charset=utf-8"));
    }

    /// Failure with one line of text, which is given back for a closer look.
    #[track_caller]
    pub fn assert_error_line(&self, status: u16) -> String {
        let text = self.text();
        assert_eq!(self.status, status, "{text}");
        assert_eq!(self.header("content-type"), Some("text/plain; charset=utf-8"));
        let line = text.strip_suffix('\n').expect("the text ends in a newline");
        assert!(!line.is_empty() && !line.contains('\n'), "not one line: {text:?}");
        line.to_owned()
    }

    /// Failure told as RFC 9457 has it, by this code; the document is given back for a closer look.
    #[track_caller]
    pub fn assert_problem(&self, status: u16, code: &str) -> Value {
        let text = self.text();
        assert_eq!(self.status, status, "{text}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{text}");
        let problem = self.json();
        assert_eq!(problem["status"], status, "{text}");
        assert_eq!(problem["code"], code, "{text}");
        assert_eq!(problem["type"], format!("urn:ringmq:problem:{code}"), "{text}");
        for member in ["title", "detail"] {
            assert!(problem[member].as_str().is_some_and(|words| !words.is_empty()), "{text}");
        }
        problem
    }

    pub(super) fn body_length(&self) -> io::Result<usize> {
        if matches!(self.status, 100..200 | 204 | 304) {
            return Ok(0);
        }
        self.header("content-length")
            .and_then(|length| length.parse().ok())
            .ok_or_else(|| io::Error::other(format!("no length: {self:?}")))
    }
}
