//! The table of `ringmq stats`.

use std::time::Duration;

use console::Style;
use serde_json::Value;

use super::output::{grouped, lines, one_line, table, time};

/// What is told of one queue.
#[derive(Debug)]
pub(super) struct Row {
    name: String,
    ready: u64,
    in_flight: u64,
    delayed: u64,
    depth: u64,
    capacity: u64,
    oldest: Option<Duration>,
    waiting: u64,
    paused: bool,
    pub(super) in_per_second: Option<f64>,
    pub(super) out_per_second: Option<f64>,
}

impl Row {
    /// A queue as the server tells of it, and as it did before, so many seconds ago.
    pub(super) fn new(queue: &Value, before: Option<(&Value, f64)>) -> Self {
        let count = |field: &str| queue["counts"][field].as_u64().unwrap_or(0);
        let rate = |field: &str| {
            let (before, seconds) = before?;
            let (now, then) = (queue["totals"][field].as_u64()?, before["totals"][field].as_u64()?);
            // Less than before: a new queue of that name.
            Some(now.checked_sub(then).unwrap_or(now) as f64 / seconds)
        };
        Self {
            name: one_line(queue["name"].as_str().unwrap_or("?")),
            ready: count("ready"),
            in_flight: count("in_flight"),
            delayed: count("delayed"),
            depth: count("depth"),
            capacity: queue["settings"]["capacity"].as_u64().unwrap_or(0),
            oldest: queue["oldest_age_ms"].as_u64().map(Duration::from_millis),
            waiting: count("waiting_receives"),
            paused: queue["paused"] == true,
            in_per_second: rate("sent"),
            // What a queue lets go, for whatever reason.
            out_per_second: rate("gone"),
        }
    }

    fn state(&self) -> &'static str {
        match (self.paused, self.depth >= self.capacity && self.capacity > 0) {
            (true, _) => "paused",
            (false, true) => "full",
            (false, false) => "",
        }
    }
}

/// How wide a bar is.
const BAR: usize = 10;

/// A bar that is as full as the queue. Anything in it shows.
fn bar(depth: u64, capacity: u64) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let share = if capacity == 0 { 0.0 } else { (depth as f64 / capacity as f64).min(1.0) };
    let eighths = (share * (BAR * 8) as f64).round() as usize;
    let eighths = eighths.max(usize::from(depth > 0));
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8]);
    }
    format!("{bar:<BAR$}")
}

fn rate(rate: Option<f64>) -> String {
    match rate {
        None => "-".into(),
        Some(rate) if rate < 10.0 && rate > 0.0 => format!("{rate:.1}"),
        Some(rate) => grouped(rate.round() as u64),
    }
}

/// The lines of the table, at most so many; with columns for rates where there are any.
pub(super) fn draw(rows: &[Row], with_rates: bool, most: usize) -> Vec<String> {
    let mut head =
        vec!["QUEUE", ">READY", ">IN FLIGHT", ">DELAYED", ">CAPACITY", "USED", ">OLDEST"];
    if with_rates {
        head.extend([">IN/S", ">OUT/S"]);
    }
    head.extend([">WAITING", "STATE"]);
    let mut table = table(&head);
    let shown = if rows.len() < most { rows.len() } else { most.saturating_sub(2) };
    for row in &rows[..shown] {
        let mut cells = vec![
            row.name.clone(),
            grouped(row.ready),
            grouped(row.in_flight),
            grouped(row.delayed),
            grouped(row.capacity),
            bar(row.depth, row.capacity),
            row.oldest.map_or_else(|| "-".into(), time),
        ];
        if with_rates {
            cells.extend([rate(row.in_per_second), rate(row.out_per_second)]);
        }
        cells.extend([grouped(row.waiting), row.state().to_owned()]);
        table.add_row(cells);
    }
    let mut lines = lines(&table);
    for (line, row) in lines.iter_mut().skip(1).zip(rows) {
        let style = match row.state() {
            "full" => Style::new().red(),
            "paused" => Style::new().yellow(),
            _ => continue,
        };
        *line = style.apply_to(&line).to_string();
    }
    if shown < rows.len() {
        lines.push(format!("… and {} more than there is room for", rows.len() - shown));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn queue(sent: u64, gone: u64) -> Value {
        json!({"name": "q", "settings": {"capacity": 10}, "paused": false, "oldest_age_ms": 1500,
            "counts": {"depth": 5, "ready": 3, "in_flight": 2, "delayed": 0, "waiting_receives": 1},
            "totals": {"sent": sent, "gone": gone}})
    }

    #[test]
    fn rates_are_of_the_time_between() {
        let (then, now) = (queue(10, 5), queue(30, 6));
        let row = Row::new(&now, Some((&then, 2.0)));
        assert_eq!((row.in_per_second, row.out_per_second), (Some(10.0), Some(0.5)));
        // A queue that was deleted and made again counts from nothing.
        let row = Row::new(&queue(4, 0), Some((&now, 2.0)));
        assert_eq!((row.in_per_second, row.out_per_second), (Some(2.0), Some(0.0)));
        assert_eq!(Row::new(&now, None).in_per_second, None);
    }

    #[test]
    fn a_bar_is_as_full_as_the_queue() {
        assert_eq!(bar(0, 10), " ".repeat(10));
        assert_eq!(bar(5, 10), "█████     ");
        assert_eq!(bar(10, 10), "█".repeat(10));
        assert_eq!(bar(1, 1_000_000), "▏         ");
        assert_eq!(bar(20, 10), "█".repeat(10));
    }

    #[test]
    fn what_there_is_no_room_for_is_counted() {
        let rows: Vec<Row> = (0..10).map(|_| Row::new(&queue(0, 0), None)).collect();
        let drawn = draw(&rows, true, 6);
        assert_eq!(drawn.len(), 6);
        assert!(drawn[5].contains("6 more"), "{drawn:?}");
        assert_eq!(draw(&rows, false, usize::MAX).len(), 11);
    }
}
