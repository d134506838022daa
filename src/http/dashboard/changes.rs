//! What the stream tells: the figures of all queues, and then only those that changed.
//!
//! A queue has a number for as long as somebody watches. Its figures are an array in the order of
//! [`FIELDS`]; a change is its number, a mask of the figures that changed and those figures, so ten
//! thousand queues under load take some twenty bytes each.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::web::Bytes;

use crate::broker::{Broker, Glance, QueueName};
use crate::clock::Clock;
use crate::http::Requests;
use crate::queue::Millis;

/// The names of a queue's figures, in their order.
pub(super) const FIELDS: [&str; 20] = [
    "flags",
    "capacity",
    "ready",
    "in_flight",
    "delayed",
    "dying",
    "bytes",
    "sent",
    "gone",
    "expired",
    "dropped",
    "dead_letters",
    "lease_ends",
    "received",
    "acked",
    "refused",
    "waiting_receivers",
    "waiting_senders",
    // Both are times of day in milliseconds, 0 for none: so they change only when something happens.
    "oldest_at",
    "modified_at",
];

/// Bits of the figure `flags`.
const PAUSED: u64 = 1;
const FIFO: u64 = 2;
const COUNTED: u64 = 4;

type Figures = [u64; FIELDS.len()];

fn figures(glance: &Glance, clock: Clock) -> Figures {
    let counts = &glance.counts;
    let flag = |flag, is_set| if is_set { flag } else { 0 };
    let time_of_day = |at| millis_of_day(clock.time_of_day(at));
    [
        flag(PAUSED, glance.paused) | flag(FIFO, glance.fifo) | flag(COUNTED, glance.counted),
        glance.capacity,
        counts.ready,
        counts.in_flight,
        counts.delayed,
        counts.dying,
        counts.bytes,
        counts.sent,
        counts.gone,
        counts.expired,
        counts.dropped,
        counts.dead_letters,
        counts.lease_ends,
        counts.received,
        counts.acked,
        glance.refused,
        counts.waiting_receivers,
        counts.waiting_senders,
        glance.oldest_sent_at.map_or(0, time_of_day),
        time_of_day(glance.modified_at),
    ]
}

fn millis_of_day(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// One queue.
struct Row {
    number: u32,
    name: QueueName,
    figures: Figures,
}

/// All queues at one moment, by name.
#[derive(Default)]
pub(super) struct State {
    head: String,
    /// When the server was started, by which a watcher knows that another one counts from zero.
    started: u64,
    rows: Vec<Row>,
    /// The number of the next queue that is new.
    next: u32,
}

impl State {
    /// Looks at all queues: what is now, and what changed since `before` as an event.
    pub(super) fn look(broker: &Broker, requests: &Requests, before: &Self) -> (Self, Bytes) {
        let clock = broker.clock();
        let mut next = before.next;
        let mut known = before.rows.iter().peekable();
        let (mut new, mut changed, mut gone) = (String::new(), String::new(), String::new());
        let queues = broker.queues();
        let mut rows = Vec::with_capacity(queues.len());
        for queue in &queues {
            let name = queue.name();
            while let Some(row) = known.next_if(|row| row.name < *name) {
                let _ = write!(gone, "{},", row.number);
            }
            let figures = figures(&queue.glance(clock), clock);
            let number = match known.next_if(|row| row.name.cmp(name) == Ordering::Equal) {
                Some(row) => {
                    write_change(&mut changed, row, &figures);
                    row.number
                }
                None => {
                    next += 1;
                    next
                }
            };
            let row = Row { number, name: name.clone(), figures };
            if number > before.next {
                write_row(&mut new, &row);
            }
            rows.push(row);
        }
        for row in known {
            let _ = write!(gone, "{},", row.number);
        }
        let head = head(broker, requests);
        let change = format!(
            "event: change\ndata: {{{head},\"new\":[{}],\"changed\":[{}],\"gone\":[{}]}}\n\n",
            without_comma(&new),
            without_comma(&changed),
            without_comma(&gone),
        );
        let started = millis_of_day(clock.time_of_day(Millis(0)));
        (Self { head, started, rows, next }, change.into())
    }

    /// All of it, as an event.
    pub(super) fn whole(&self) -> Bytes {
        let mut rows = String::with_capacity(self.rows.len() * 128);
        self.rows.iter().for_each(|row| write_row(&mut rows, row));
        let (head, started, rows) = (&self.head, self.started, without_comma(&rows));
        let (version, fields) = (env!("CARGO_PKG_VERSION"), FIELDS.join("\",\""));
        format!(
            "event: whole\ndata: {{{head},\"version\":\"{version}\",\"started\":{started},\
             \"fields\":[\"{fields}\"],\"new\":[{rows}]}}\n\n"
        )
        .into()
    }
}

/// What is not about one queue: members of a JSON object.
fn head(broker: &Broker, requests: &Requests) -> String {
    let (clock, memory) = (broker.clock(), broker.memory());
    let mut head = format!(
        "\"time\":{},\"draining\":{},\"out_of_memory\":{},\"memory\":[{},{}]",
        millis_of_day(clock.time_of_day(clock.now())),
        broker.is_draining(),
        memory.is_out(),
        memory.used(),
        memory.limit(),
    );
    if let Some(faces) = requests.snapshot() {
        let statuses = || faces.iter().flat_map(|face| &face.statuses);
        let all: u64 = statuses().map(|(_, count)| count).sum();
        let failed = statuses().filter(|(status, _)| status.is_server_error());
        let failed: u64 = failed.map(|(_, count)| count).sum();
        let _ = write!(head, ",\"requests\":[{all},{failed}]");
    }
    head
}

/// `[number,"name",figures…],`. No name has a character that JSON escapes.
fn write_row(out: &mut String, row: &Row) {
    let _ = write!(out, "[{},\"{}\"", row.number, row.name);
    for figure in row.figures {
        let _ = write!(out, ",{figure}");
    }
    out.push_str("],");
}

/// `[number,mask,figures…],`, or nothing where nothing changed.
fn write_change(out: &mut String, row: &Row, now: &Figures) {
    let differs = |field: &usize| row.figures[*field] != now[*field];
    let mask = (0..FIELDS.len()).filter(differs).fold(0_u32, |mask, field| mask | 1 << field);
    if mask == 0 {
        return;
    }
    let _ = write!(out, "[{},{mask}", row.number);
    for field in (0..FIELDS.len()).filter(differs) {
        let _ = write!(out, ",{}", now[field]);
    }
    out.push_str("],");
}

fn without_comma(items: &str) -> &str {
    items.strip_suffix(',').unwrap_or(items)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::broker::{QueueSettings, SettingsDocument};
    use crate::queue::Message;

    fn broker(names: &[&str]) -> Broker {
        let broker = Broker::new(Clock::start(), 1000, QueueSettings::with_capacity(8));
        names.iter().for_each(|name| declare(&broker, name));
        broker
    }

    fn declare(broker: &Broker, name: &str) {
        broker.declare(&name.parse().unwrap(), SettingsDocument::default()).unwrap();
    }

    fn look(broker: &Broker, before: &State) -> (State, Bytes) {
        State::look(broker, &Requests::new(true), before)
    }

    fn data(event: &Bytes) -> Value {
        let text = std::str::from_utf8(event).unwrap();
        let (_, data) = text.strip_suffix("\n\n").unwrap().split_once("\ndata: ").unwrap();
        serde_json::from_str(data).unwrap()
    }

    #[test]
    fn a_change_tells_nothing_of_a_queue_in_which_nothing_happens() {
        let broker = broker(&["a", "b"]);
        let (state, _) = look(&broker, &State::default());
        let queue = broker.queue("b").unwrap();
        broker.try_send(&queue, Message::text("four")).unwrap();
        let (state, change) = look(&broker, &state);
        let changed = data(&change)["changed"].take();
        let rows = changed.as_array().unwrap();
        assert_eq!(rows.len(), 1, "{changed}");
        let field = |name| 1 << FIELDS.iter().position(|field| *field == name).unwrap();
        let mask = field("ready") | field("bytes") | field("sent") | field("oldest_at");
        assert_eq!((&rows[0][0], &rows[0][1]), (&json!(2), &json!(mask)));
        assert_eq!((&rows[0][2], &rows[0][4]), (&json!(1), &json!(1)));
        assert_eq!(data(&look(&broker, &state).1)["changed"], json!([]));
    }

    #[test]
    fn queues_come_and_go_and_keep_their_numbers() {
        let broker = broker(&["b", "c"]);
        let (state, first) = look(&broker, &State::default());
        assert_eq!(data(&first)["new"], data(&state.whole())["new"]);
        declare(&broker, "a");
        broker.delete("b", false).unwrap();
        let (state, change) = look(&broker, &state);
        let change = data(&change);
        assert_eq!((&change["new"][0][0], &change["new"][0][1]), (&json!(3), &json!("a")));
        assert_eq!((&change["gone"], &change["changed"]), (&json!([1]), &json!([])));
        let whole = data(&state.whole());
        let names: Vec<_> = whole["new"].as_array().unwrap().iter().map(|row| &row[1]).collect();
        assert_eq!(names, ["a", "c"]);
        assert_eq!(whole["new"][1][0], 2);
        broker.delete("c", false).unwrap();
        assert_eq!(data(&look(&broker, &state).1)["gone"], json!([2]));
    }
}
