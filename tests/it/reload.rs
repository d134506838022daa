//! SIGHUP: what is read again, and what it does not end.

use nix::sys::signal::Signal;

use crate::support::Server;

fn write(path: &str, text: &str) {
    std::fs::write(path, text).expect("the test can write there");
}

#[track_caller]
fn hang_up(server: &mut Server) -> String {
    server.process.signal(Signal::SIGHUP);
    server.process.stderr.wait_for(|line| line.contains("SIGHUP"))
}

#[test]
fn a_server_with_nothing_to_read_again_says_so_and_goes_on() {
    let mut server = Server::start();
    server.client().put("kept");
    for _ in 0..3 {
        assert!(hang_up(&mut server).contains("nothing to read again"));
    }
    assert_eq!(server.drain(), ["kept"]);
    let exit = server.stop(Signal::SIGTERM);
    assert!(exit.status.success(), "{exit:?}");
}

#[test]
fn queues_of_the_settings_file_come_and_change() {
    let path = format!("{}/reload-{}.toml", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    write(&path, "[queues.a]\ncapacity = 7\n");
    let mut server = Server::start_with(&["--config", &path]);
    let mut client = server.client();
    for text in ["one", "two", "three"] {
        assert_eq!(client.post("/v1/queues/a/messages", text).status, 201);
    }
    let capacity = |queue: &str| {
        let queue = server.client().get(&format!("/v1/queues/{queue}")).json();
        queue["settings"]["capacity"].as_u64()
    };
    assert_eq!((capacity("a"), capacity("b")), (Some(7), None));

    write(&path, "[queues.a]\ncapacity = 9\ndead_letter = \"b\"\n[queues.b]\ncapacity = 3\n");
    let line = hang_up(&mut server);
    assert!(line.contains("read again: 2 queues"), "{line}");
    let capacity = |server: &Server, queue: &str| {
        let queue = server.client().get(&format!("/v1/queues/{queue}")).json();
        queue["settings"]["capacity"].as_u64()
    };
    assert_eq!((capacity(&server, "a"), capacity(&server, "b")), (Some(9), Some(3)));

    // What cannot be done is named, and the rest is done.
    write(&path, "[queues.a]\ncapacity = 1\n[queues.b]\ncapacity = 4\n[queues.c]\n");
    let line = hang_up(&mut server);
    assert!(line.contains("ERROR") && line.contains("queue `a`"), "{line}");
    let line = server.process.stderr.wait_for(|line| line.contains("SIGHUP"));
    assert!(line.contains("read again: 2 queues"), "{line}");
    assert_eq!((capacity(&server, "a"), capacity(&server, "b")), (Some(9), Some(4)));
    assert_eq!(server.client().get("/v1/queues/c").status, 200);

    // A file that is none changes nothing; queues that it no longer names stay.
    for text in ["[queues.b\n", "[queues.b]\ncapasity = 5\n"] {
        write(&path, text);
        let line = hang_up(&mut server);
        assert!(line.contains("ERROR") && line.contains(&path), "{line}");
        assert_eq!(capacity(&server, "b"), Some(4), "{text}");
    }
    let answer = client.post("/v1/queues/a/receive?max=9&lease=0", "");
    assert_eq!(answer.json()["messages"].as_array().map(Vec::len), Some(3), "{}", answer.text());
}

#[test]
fn what_is_logged_can_be_changed() {
    let path = format!("{}/reload-log-{}.toml", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    write(&path, "log = \"warn,ringmq::server=info\"\n");
    let mut server = Server::start_with(&["--config", &path]);
    write(&path, "log = \"info\"\n");
    assert!(hang_up(&mut server).contains("log info"));
    write(&path, "log = \"loud\"\n");
    let line = hang_up(&mut server);
    assert!(line.contains("ERROR") && line.contains("loud"), "{line}");
    // Without a word of it, as at the start of the process.
    write(&path, "");
    assert!(hang_up(&mut server).contains("0 queues"));
}
