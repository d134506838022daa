//! `ringmq stats`: how queues fare, once or live.

use std::collections::HashMap;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use clap::Args;
use console::Term;
use ringmq::broker::QueueName;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{CallError, Client, Request};
use super::connection::{Connection, span};
use super::exit::Failure;
use super::output::{Form, Output, json as json_text, line, note, one_line};
use super::queues;
use super::signals::on_interrupt;
use super::stats_table::{self, Row};

/// Show how queues fare: depth, rates, oldest age
///
/// One look without rates, or with --watch a table that is drawn again in place, with what came in and
/// went out a second since the last look. Elsewhere than on a terminal it writes one JSON document for each
/// look. Once a look has succeeded, it goes on while the server is away.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ringmq stats
  ringmq stats orders --watch
  ringmq stats --watch --interval 10s --json >> figures.ndjson")]
pub(super) struct Stats {
    /// Only this queue
    #[arg(env = "RINGMQ_QUEUE", value_name = "QUEUE")]
    queue: Option<QueueName>,

    /// Only queues whose name begins with this
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    prefix: String,

    /// How many queues at most, the deepest first
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    top: u32,

    /// Go on until Ctrl-C
    #[arg(long, short)]
    watch: bool,

    /// Time between two looks, from 100ms
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    interval: Duration,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    output: Output,
}

fn interval(value: &str) -> Result<Duration, String> {
    let interval = span(value)?;
    let fits = (Duration::from_millis(100)..=Duration::from_hours(1)).contains(&interval);
    if fits { Ok(interval) } else { Err("must be from 100ms to 1h".into()) }
}

/// All that one look saw.
struct Look {
    at: Instant,
    /// What the server told of each queue.
    queues: Vec<Value>,
    /// How many queues there are that were left out.
    left_out: usize,
}

impl Stats {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = Client::new(&self.connection)?;
        if self.watch { self.watch(&client) } else { self.look_once(&client) }
    }

    fn look_once(&self, client: &Client) -> Result<(), Failure> {
        let look = self.look(client)?;
        match self.output.form() {
            Form::Json => line(&json_text(&document(&look, None))),
            Form::Table => {
                let table = stats_table::draw(&rows(&look, None), false, usize::MAX);
                line(&(table.join("\n") + &left_out(&look)))
            }
        }
    }

    fn watch(&self, client: &Client) -> Result<(), Failure> {
        let (to, interrupted) = mpsc::channel();
        on_interrupt(move || {
            let _ = to.send(());
        })?;
        let mut screen = (self.output.form() == Form::Table).then(Screen::new);
        let mut last: Option<Look> = None;
        let mut is_away = false;
        let mut next = Instant::now();
        loop {
            match self.look(client) {
                Ok(look) => {
                    match &mut screen {
                        None => line(&json_text(&document(&look, last.as_ref())))?,
                        Some(screen) => screen.show(&look, last.as_ref(), client)?,
                    }
                    last = Some(look);
                    is_away = false;
                }
                // Once it has worked, it will again; what was seen stays.
                Err(failure) if last.is_none() => return Err(failure),
                Err(failure) => {
                    match &mut screen {
                        Some(screen) => screen.show_trouble(&failure.text)?,
                        None if !is_away => {
                            note(&format!("{}; trying again until it works", failure.text));
                        }
                        None => {}
                    }
                    is_away = true;
                }
            }
            // Where a look took longer than an interval, the next begins at once, and none piles up.
            next = (next + self.interval).max(Instant::now());
            match interrupted.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Err(RecvTimeoutError::Timeout) => {}
                _ => return Ok(()),
            }
        }
    }

    fn look(&self, client: &Client) -> Result<Look, Failure> {
        let (names, left_out) = self.names(client)?;
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            match client.ask::<Value>(&Request::get(format!("/v1/queues/{name}"))) {
                Ok(queue) => found.push(queue),
                // Deleted between the list and the look.
                Err(CallError::Refused { status: 404, .. }) if self.queue.is_none() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Look { at: Instant::now(), queues: found, left_out })
    }

    /// The queues to look at, and how many others there are.
    fn names(&self, client: &Client) -> Result<(Vec<String>, usize), Failure> {
        #[derive(Deserialize)]
        struct Listed {
            name: String,
            depth: u64,
        }
        #[derive(Deserialize)]
        struct List {
            queues: Vec<Listed>,
        }
        if let Some(queue) = &self.queue {
            return Ok((vec![queue.to_string()], 0));
        }
        let List { mut queues } = client.ask(&queues::list(&self.prefix))?;
        let all = queues.len();
        if all > self.top as usize {
            // The deepest, and then again by name, so that rows keep their places.
            queues
                .sort_by(|one, other| other.depth.cmp(&one.depth).then(one.name.cmp(&other.name)));
            queues.truncate(self.top as usize);
            queues.sort_by(|one, other| one.name.cmp(&other.name));
        }
        let left_out = all - queues.len();
        Ok((queues.into_iter().map(|queue| queue.name).collect(), left_out))
    }
}

fn left_out(look: &Look) -> String {
    match look.left_out {
        0 => String::new(),
        count => format!("\n… and {count} queues more: --top shows them"),
    }
}

/// The look as JSON: what the server told, and the rates since the last.
fn document(look: &Look, last: Option<&Look>) -> Value {
    let rows = rows(look, last);
    let queues = look.queues.iter().zip(&rows).map(|(queue, row)| {
        let mut queue = queue.clone();
        if let (Some(sent), Some(gone)) = (row.in_per_second, row.out_per_second) {
            queue["rates"] = json!({ "in_per_second": sent, "out_per_second": gone });
        }
        queue
    });
    json!({ "queues": queues.collect::<Vec<_>>(), "left_out": look.left_out })
}

fn rows(look: &Look, last: Option<&Look>) -> Vec<Row> {
    let before: HashMap<&str, &Value> = last
        .iter()
        .flat_map(|last| &last.queues)
        .filter_map(|queue| Some((queue["name"].as_str()?, queue)))
        .collect();
    let seconds = last.map(|last| look.at.duration_since(last.at).as_secs_f64());
    let row = |queue: &Value| {
        let then = queue["name"].as_str().and_then(|name| before.get(name).copied());
        Row::new(queue, then.zip(seconds))
    };
    look.queues.iter().map(row).collect()
}

/// The lower part of a terminal, drawn again and again in place: what was there is written over and not
/// wiped first, all in one piece, so that nothing flickers.
struct Screen {
    terminal: Term,
    drawn: usize,
}

impl Screen {
    fn new() -> Self {
        let terminal = Term::buffered_stdout();
        let _ = terminal.hide_cursor();
        Self { terminal, drawn: 0 }
    }

    fn show(&mut self, look: &Look, last: Option<&Look>, client: &Client) -> Result<(), Failure> {
        let (height, width) = self.terminal.size();
        // A line for the words above and one where the cursor is.
        let room = usize::from(height).saturating_sub(3).max(2);
        let mut lines = vec![format!("{}  (Ctrl-C ends)", client.url())];
        lines.extend(stats_table::draw(&rows(look, last), true, room));
        if look.left_out > 0 {
            lines.push(left_out(look).trim_start().to_owned());
        }
        self.draw(&lines, usize::from(width))
    }

    fn show_trouble(&mut self, why: &str) -> Result<(), Failure> {
        let (_, width) = self.terminal.size();
        let line = console::truncate_str(&one_line(why), usize::from(width).saturating_sub(1), "…")
            .into_owned();
        self.terminal.write_str(&format!("\r{line}\x1b[K\r"))?;
        Ok(self.terminal.flush()?)
    }

    fn draw(&mut self, lines: &[String], width: usize) -> Result<(), Failure> {
        let mut frame = String::new();
        if self.drawn > 0 {
            frame.push_str(&format!("\x1b[{}A", self.drawn));
        }
        frame.push('\r');
        for line in lines {
            // A line that wraps would put everything below it out of place.
            frame.push_str(&console::truncate_str(line, width, "…"));
            frame.push_str("\x1b[K\n");
        }
        frame.push_str("\x1b[J");
        self.drawn = lines.len();
        self.terminal.write_str(&frame)?;
        Ok(self.terminal.flush()?)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.terminal.show_cursor();
        let _ = self.terminal.flush();
    }
}
