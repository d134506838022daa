//! Load on the queue `bench` of a server that listens on 127.0.0.1, for `benches/http/service`.
//!
//! ```text
//! ringmq-load PORT PID take CONNECTIONS SECONDS    send, receive(lease=0); over and over
//! ringmq-load PORT PID lease CONNECTIONS SECONDS   send, receive, acknowledge; over and over
//! ringmq-load PORT PID sqs-send CONNECTIONS COUNT  COUNT messages by SendMessage
//! ringmq-load PORT PID sqs-drain CONNECTIONS COUNT COUNT times ReceiveMessage and DeleteMessage
//! ringmq-load PORT PID sqs CONNECTIONS SECONDS     SendMessage, ReceiveMessage, DeleteMessage; over and over
//! ringmq-load PORT PID batch ROUNDS                256 batches of 100 in, then out
//! ringmq-load PORT PID fill COUNT                  COUNT messages, in batches of 100
//! ringmq-load PORT PID wake ROUNDS                 a send that a parked receive waits for
//! ringmq-load PORT PID trip ROUNDS                 a send that nobody waits for
//! ringmq-load PORT PID park COUNT                  COUNT connections, then a parked receive on each
//! ringmq-load PORT PID sqs-park COUNT              the same by ReceiveMessage
//! ```
//!
//! SECONDS may have a fraction.
//!
//! Prints one line of JSON: what was done, the server's CPU time where PID is that of the server, and
//! times in microseconds. `park` prints a line for each step and takes the next one at a line of its
//! input. Every answer is checked; one that is wrong ends the program.
//!
//! One thread and blocking sockets, looked at in turn. With a request on its way on each of them that
//! costs less than asking the kernel which one is ready, so the server is what is busy.

mod client;
mod cpu;

use std::io::{Result, stdin};
use std::thread::sleep;
use std::time::{Duration, Instant};

use self::client::{Answer, Client};
use self::cpu::cpu_ns;

/// The message: 60 bytes.
const MESSAGE: &str = "event 0123456789 event 0123456789 event 0123456789 event 012";

const TAKE: &str = "/v1/queues/bench/receive?max=1&lease=0";
const LEASE: &str = "/v1/queues/bench/receive?max=1&lease=30";
const TAKE_BATCH: &str = "/v1/queues/bench/receive?max=100&lease=0";
const PARK: &str = "/v1/queues/bench/receive?max=1&lease=0&wait=60";

/// Messages of a batch.
const BATCH: usize = 100;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let [port, pid, what, numbers @ ..] = &args[..] else { panic!("see the head of main.rs") };
    let (port, pid) = (port.parse().expect("a port"), pid.parse().expect("a process id"));
    let number = |at: usize| numbers.get(at).and_then(|text| text.parse().ok()).expect("a number");
    let seconds = |at: usize| {
        let text = numbers.get(at).expect("seconds");
        Limit::Time(Duration::from_secs_f64(text.parse().expect("seconds")))
    };
    match *what {
        "take" => cycles(port, pid, number(0), seconds(1), &[Step::Send, Step::Take]),
        "lease" => {
            let steps = [Step::Send, Step::Lease, Step::Ack];
            cycles(port, pid, number(0), seconds(1), &steps)
        }
        "sqs-send" => cycles(port, pid, number(0), Limit::Cycles(number(1)), &[Step::SqsSend]),
        "sqs-drain" => {
            let steps = [Step::SqsReceive, Step::SqsDelete];
            cycles(port, pid, number(0), Limit::Cycles(number(1)), &steps)
        }
        "sqs" => {
            let steps = [Step::SqsSend, Step::SqsReceive, Step::SqsDelete];
            cycles(port, pid, number(0), seconds(1), &steps)
        }
        "batch" => batches(port, pid, number(0)),
        "fill" => fill(port, number(0)),
        "wake" => wake(port, number(0)),
        "trip" => trip(port, number(0)),
        "park" => park(port, number(0), &receive_request(PARK)),
        "sqs-park" => park(port, number(0), &sqs_receive(20)),
        _ => panic!("see the head of main.rs"),
    }
}

/// One request of a cycle.
#[derive(Clone, Copy)]
enum Step {
    Send,
    Take,
    Lease,
    Ack,
    SqsSend,
    SqsReceive,
    SqsDelete,
}

/// When a connection is done.
#[derive(Clone, Copy)]
enum Limit {
    Time(Duration),
    /// Of all connections together.
    Cycles(usize),
}

fn send_request() -> Vec<u8> {
    post("/v1/queues/bench/messages", "Content-Type: application/octet-stream\r\n", MESSAGE)
}

fn receive_request(path: &str) -> Vec<u8> {
    post(path, "Accept: application/octet-stream\r\n", "")
}

fn post(path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A request of the protocol of Amazon SQS, on the queue `bench`.
fn sqs(action: &str, members: &str) -> Vec<u8> {
    let headers =
        format!("Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AmazonSQS.{action}\r\n");
    let body = format!(r#"{{"QueueUrl":"http://bench/000000000000/bench"{members}}}"#);
    post("/", &headers, &body)
}

fn sqs_receive(wait: u32) -> Vec<u8> {
    sqs("ReceiveMessage", &format!(r#","MaxNumberOfMessages":1,"WaitTimeSeconds":{wait}"#))
}

/// The receipt in an answer to ReceiveMessage; the unit gives one that is none.
fn sqs_receipt(body: &[u8]) -> Vec<u8> {
    const BEFORE: &[u8] = b"\"ReceiptHandle\":\"";
    let at = body.windows(BEFORE.len()).position(|window| window == BEFORE);
    let behind = &body[at.expect("a message was received") + BEFORE.len()..];
    behind.split(|byte| *byte == b'"').next().unwrap_or_default().to_vec()
}

fn expect(answer: &Answer, status: u16) {
    let body = String::from_utf8_lossy(answer.body);
    assert_eq!(answer.status, status, "the server answered: {body}");
}

/// A connection that goes through the steps over and over.
struct Cycle {
    client: Client,
    /// Where it began and where it ends, so that the queue is left as it was.
    start: usize,
    step: usize,
    receipt: Vec<u8>,
    done: bool,
}

/// Lets each connection go through the steps, in turn, up to that limit.
///
/// Where the first step is a send, every other connection begins with the second one: the queue must
/// have as many messages.
fn cycles(port: u16, pid: u32, connections: usize, limit: Limit, steps: &[Step]) -> Result<()> {
    let (send, take, lease) = (send_request(), receive_request(TAKE), receive_request(LEASE));
    let sqs_send = sqs("SendMessage", &format!(r#","MessageBody":"{MESSAGE}""#));
    let sqs_receive = sqs_receive(0);
    let request = |cycle: &mut Cycle| match steps[cycle.step] {
        Step::Send => cycle.client.send(&send),
        Step::Take => cycle.client.send(&take),
        Step::Lease => cycle.client.send(&lease),
        Step::Ack => {
            let mut ack = b"DELETE /v1/queues/bench/leases/".to_vec();
            ack.extend_from_slice(&cycle.receipt);
            ack.extend_from_slice(b" HTTP/1.1\r\nHost: bench\r\n\r\n");
            cycle.client.send(&ack)
        }
        Step::SqsSend => cycle.client.send(&sqs_send),
        Step::SqsReceive => cycle.client.send(&sqs_receive),
        Step::SqsDelete => {
            let receipt = String::from_utf8_lossy(&cycle.receipt);
            cycle.client.send(&sqs("DeleteMessage", &format!(r#","ReceiptHandle":"{receipt}""#)))
        }
    };
    let from_second = steps.len() > 1 && matches!(steps[0], Step::Send | Step::SqsSend);
    let mut cycles = (0..connections)
        .map(|number| {
            let client = Client::connect(port)?;
            let step = if from_second { number % 2 } else { 0 };
            Ok(Cycle { client, start: step, step, receipt: Vec::new(), done: false })
        })
        .collect::<Result<Vec<Cycle>>>()?;

    let (before, begin) = (cpu_ns(pid), Instant::now());
    cycles.iter_mut().try_for_each(request)?;
    let (mut requests, mut left, mut begun) = (0_u64, connections, connections);
    while left > 0 {
        for cycle in cycles.iter_mut().filter(|cycle| !cycle.done) {
            let answer = cycle.client.answer()?;
            match steps[cycle.step] {
                Step::Send => expect(&answer, 201),
                Step::Ack => expect(&answer, 204),
                Step::Take | Step::Lease => {
                    expect(&answer, 200);
                    assert_eq!(answer.body, MESSAGE.as_bytes());
                }
                Step::SqsSend | Step::SqsDelete => expect(&answer, 200),
                Step::SqsReceive => {
                    expect(&answer, 200);
                    cycle.receipt = sqs_receipt(answer.body);
                }
            }
            if let Step::Lease = steps[cycle.step] {
                // The unit gives none and takes any.
                let receipt = answer.header("queue-receipt").unwrap_or(b"none");
                cycle.receipt.clear();
                cycle.receipt.extend_from_slice(receipt);
            }
            requests += 1;
            cycle.step = (cycle.step + 1) % steps.len();
            if cycle.step == cycle.start {
                cycle.done = match limit {
                    Limit::Time(time) => begin.elapsed() >= time,
                    Limit::Cycles(count) => begun >= count,
                };
                begun += 1;
            }
            if cycle.done {
                left -= 1;
            } else {
                request(cycle)?;
            }
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    let cpu_us = (cpu_ns(pid) - before) as f64 / 1e3 / requests as f64;
    println!(r#"{{"requests":{requests},"seconds":{seconds:.3},"cpu_us":{cpu_us:.4}}}"#);
    Ok(())
}

/// Batches into the queue and out of it again, `rounds` times. As many connections as for single
/// messages, each with its next request on its way as soon as the last one is answered: a server that
/// has to sleep between two of them pays for that, too.
fn batches(port: u16, pid: u32, rounds: usize) -> Result<()> {
    const CONNECTIONS: usize = 64;
    const BATCHES: usize = 4 * CONNECTIONS;
    let mut clients =
        (0..CONNECTIONS).map(|_| Client::connect(port)).collect::<Result<Vec<_>>>()?;
    let mut phase = |request: &[u8], proof: &[u8]| -> Result<u64> {
        let before = cpu_ns(pid);
        clients.iter_mut().try_for_each(|client| client.send(request))?;
        for number in 0..BATCHES {
            let client = &mut clients[number % CONNECTIONS];
            let answer = client.answer()?;
            expect(&answer, 200);
            let proofs = answer.body.windows(proof.len()).filter(|window| *window == proof).count();
            assert_eq!(proofs, BATCH, "each message of a batch is done");
            if number + CONNECTIONS < BATCHES {
                client.send(request)?;
            }
        }
        Ok(cpu_ns(pid) - before)
    };
    let send = post("/v1/queues/bench/messages/batch", "", &batch(BATCH));
    let receive = post(TAKE_BATCH, "", "");
    let (mut sent, mut received) = (0, 0);
    for _ in 0..rounds {
        sent += phase(&send, b"\"status\":201")?;
        received += phase(&receive, MESSAGE.as_bytes())?;
    }
    let a_message = |cpu_ns: u64| cpu_ns as f64 / 1e3 / (rounds * BATCHES * BATCH) as f64;
    let (send_us, receive_us) = (a_message(sent), a_message(received));
    println!(r#"{{"send_us":{send_us:.4},"receive_us":{receive_us:.4}}}"#);
    Ok(())
}

fn batch(messages: usize) -> String {
    format!("[{}]", vec![format!("\"{MESSAGE}\""); messages].join(","))
}

fn fill(port: u16, count: usize) -> Result<()> {
    let mut client = Client::connect(port)?;
    for begin in (0..count).step_by(BATCH) {
        let messages = BATCH.min(count - begin);
        client.send(&post("/v1/queues/bench/messages/batch", "", &batch(messages)))?;
        let answer = client.answer()?;
        expect(&answer, 200);
        let refused = answer.body.windows(12).any(|window| window == b"\"status\":429");
        assert!(!refused, "the queue has room for all");
    }
    println!(r#"{{"filled":{count}}}"#);
    Ok(())
}

/// Long enough for the server to have parked what was sent before, and to sleep.
const PAUSE: Duration = Duration::from_micros(200);

/// How much later than the send is answered a parked receive has its message.
fn wake(port: u16, rounds: usize) -> Result<()> {
    let (mut sender, mut receiver) = (Client::connect(port)?, Client::connect(port)?);
    sender.do_not_wait()?;
    receiver.do_not_wait()?;
    let (send, park) = (send_request(), receive_request(PARK));
    let (mut after, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        receiver.send(&park)?;
        sleep(PAUSE);
        let begin = Instant::now();
        sender.send(&send)?;
        let (mut answered, mut received) = (None, None);
        while answered.is_none() || received.is_none() {
            if answered.is_none()
                && let Some(answer) = sender.try_answer()?
            {
                answered = Some(Instant::now());
                expect(&answer, 201);
            }
            if received.is_none()
                && let Some(answer) = receiver.try_answer()?
            {
                received = Some(Instant::now());
                expect(&answer, 200);
            }
        }
        let (answered, received) = (answered.unwrap_or(begin), received.unwrap_or(begin));
        after.push(received.saturating_duration_since(answered));
        whole.push(received - begin);
    }
    let [p50, p99] = percentiles(after);
    let [whole_p50, whole_p99] = percentiles(whole);
    println!(
        r#"{{"p50_us":{p50:.2},"p99_us":{p99:.2},"whole_p50_us":{whole_p50:.2},"whole_p99_us":{whole_p99:.2}}}"#
    );
    Ok(())
}

/// From a send to its answer, looked for as [`wake`] does.
fn trip(port: u16, rounds: usize) -> Result<()> {
    let mut sender = Client::connect(port)?;
    sender.do_not_wait()?;
    let send = send_request();
    let mut times = Vec::new();
    for _ in 0..rounds {
        sleep(PAUSE);
        let begin = Instant::now();
        sender.send(&send)?;
        let answer = loop {
            if let Some(answer) = sender.try_answer()? {
                break answer;
            }
        };
        times.push(begin.elapsed());
        expect(&answer, 201);
    }
    let [p50, p99] = percentiles(times);
    println!(r#"{{"p50_us":{p50:.2},"p99_us":{p99:.2}}}"#);
    Ok(())
}

fn percentiles(mut times: Vec<Duration>) -> [f64; 2] {
    times.sort_unstable();
    [50, 99].map(|percent| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e6)
}

/// Connections that have been used once; then a parked receive on each; then their messages.
fn park(port: u16, count: usize, park: &[u8]) -> Result<()> {
    let mut clients = (0..count).map(|_| Client::connect(port)).collect::<Result<Vec<_>>>()?;
    for client in &mut clients {
        client.send(b"GET /livez HTTP/1.1\r\nHost: bench\r\n\r\n")?;
        client.answer()?;
    }
    next_step("connected")?;
    clients.iter_mut().try_for_each(|client| client.send(park))?;
    next_step("parked")?;
    for client in &mut clients {
        let answer = client.answer()?;
        expect(&answer, 200);
        let body = String::from_utf8_lossy(answer.body);
        assert!(body.contains(MESSAGE), "each has one message: {body}");
    }
    next_step("answered")
}

fn next_step(done: &str) -> Result<()> {
    println!("{done}");
    stdin().read_line(&mut String::new()).map(drop)
}
