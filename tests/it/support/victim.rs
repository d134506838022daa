//! A server with something to lose, for tests that do it harm.

use super::{Client, Server};

/// A server whose queue holds one event, which no bad request may touch.
pub struct Victim(Server);

impl Victim {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    pub fn start_with(args: &[&str]) -> Self {
        let server = Server::start_with(args);
        server.client().put("kept");
        Self(server)
    }

    pub fn client(&self) -> Client {
        self.0.client()
    }

    /// On this connection and on a new one, good requests still work.
    #[track_caller]
    pub fn assert_unharmed_on(&self, same: &mut Client) {
        same.get("/size").assert_json(r#"{"size":1}"#);
        self.assert_unharmed();
    }

    #[track_caller]
    pub fn assert_unharmed(&self) {
        let mut client = self.client();
        client.get("/size").assert_json(r#"{"size":1}"#);
        client.put("kept");
        assert_eq!(client.take().as_deref(), Some("kept"));
        client.get("/size").assert_json(r#"{"size":1}"#);
    }

    /// Sends a request that is refused below the routes: the server says so and hangs up.
    #[track_caller]
    pub fn assert_refused_and_closed(&self, request: impl AsRef<[u8]>, statuses: &[u16]) {
        let mut client = self.client();
        client.send(&request);
        let answer = client.answer();
        let shown = request.as_ref()[..request.as_ref().len().min(100)].escape_ascii();
        assert!(statuses.contains(&answer.status), "{} to {shown}", answer.status);
        assert_eq!(client.until_closed(), b"", "{shown}");
        self.assert_unharmed();
    }
}
