//! What a load test found, for people and for programs.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use super::super::exit::{Exit, Failure};
use super::super::output::{grouped, lines, one_line, pairs, table, time};
use super::tally::{Tally, Times};
use super::{MaxErrors, Mode, Run};

pub(super) struct Report {
    mode: Mode,
    queue: String,
    rate: f64,
    duration: Duration,
    /// From the beginning of measuring to the last answer.
    took: Duration,
    requests: u64,
    max_errors: MaxErrors,
    min_rate: f64,
    is_interrupted: bool,
    tally: Tally,
}

impl Report {
    pub(super) fn new(run: &Run, tally: Tally) -> Self {
        Self {
            mode: run.options.mode,
            queue: run.options.queue.to_string(),
            rate: run.options.rate,
            duration: run
                .schedule
                .duration
                .min(run.end().saturating_duration_since(run.schedule.measured_from())),
            took: tally.last.map_or(Duration::ZERO, |last| {
                last.saturating_duration_since(run.schedule.measured_from())
            }),
            requests: tally.requests(),
            max_errors: run.options.max_errors,
            min_rate: run.options.min_rate,
            is_interrupted: run.is_over(),
            tally,
        }
    }

    /// Messages a second: those answered before the schedule ended, over its duration; or where most came
    /// later, all of them over the time they took. The first alone would tell nothing of a server that is
    /// far behind, and the second would blame a short run for the one answer it ends with.
    fn achieved(&self) -> f64 {
        let over = |messages: u64, time: Duration| match time {
            // Ended before it began.
            Duration::ZERO => 0.0,
            time => messages as f64 / time.as_secs_f64(),
        };
        let all = over(self.tally.messages, self.took.max(self.duration));
        over(self.tally.messages_in_time, self.duration).max(all)
    }

    /// What ends it in error, if anything.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        let (failures, rate) = (self.tally.failures(), self.achieved());
        let (of_consumers, missing) = (self.tally.consumer_failures(), self.missing());
        if !self.max_errors.allows(failures + of_consumers + missing, self.requests) {
            let mut text = format!("{failures} of {} requests failed", self.requests);
            if of_consumers + missing > 0 {
                text.push_str(&format!(
                    ", and {of_consumers} of consumers; {missing} messages are missing"
                ));
            }
            return Err(Failure::because(Exit::TooManyErrors, text));
        }
        // How much there is to receive is not this test's to say.
        if self.mode != Mode::Receive && !self.is_interrupted && rate < self.min_rate * self.rate {
            let text =
                format!("{rate:.1} messages a second were answered, and {} offered", self.rate);
            return Err(Failure::because(Exit::RateMissed, text));
        }
        Ok(())
    }

    /// Messages that were sent and that no consumer received, so that no end-to-end time tells of them.
    fn missing(&self) -> u64 {
        match self.mode {
            Mode::Both => self.tally.messages.saturating_sub(self.tally.received),
            Mode::Send | Mode::Receive => 0,
        }
    }

    fn mode(&self) -> &'static str {
        match self.mode {
            Mode::Both => "both",
            Mode::Send => "send",
            Mode::Receive => "receive",
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let tally = &self.tally;
        let mut report = Map::new();
        let mut add = |name: &str, value: Value| report.insert(name.to_owned(), value);
        add("mode", self.mode().into());
        add("queue", self.queue.as_str().into());
        add("interrupted", self.is_interrupted.into());
        add("seconds", self.duration.as_secs_f64().into());
        add("offered_per_second", self.rate.into());
        add("achieved_per_second", self.achieved().into());
        add(
            "requests",
            json!({ "due": self.requests, "answered": tally.answered, "failed": tally.failures(),
                "not_sent": tally.not_sent }),
        );
        add("messages", tally.messages.into());
        add("errors", json!(tally.errors));
        add("response", summary(&tally.response));
        add("service", summary(&tally.service));
        add("lag", summary(&tally.lag));
        match self.mode {
            Mode::Both => {
                add("received", tally.received.into());
                add("missing", self.missing().into());
                add("strange", tally.strange.into());
                add("consumer_errors", json!(tally.consumer_errors));
                add("end_to_end", summary(&tally.end_to_end));
            }
            Mode::Receive => {
                add("empty", tally.empty.into());
            }
            Mode::Send => {}
        }
        let steps = steps(&tally.response.0).into_iter();
        let steps =
            steps.map(|(up_to, count)| json!({ "up_to_ms": millis(up_to), "count": count }));
        add("response_histogram", steps.collect());
        Value::Object(report)
    }

    pub(super) fn to_text(&self) -> String {
        let tally = &self.tally;
        let failed = match tally.failures() {
            0 => "none failed".to_owned(),
            failures => format!("{} failed", grouped(failures)),
        };
        let mut facts = vec![
            ("queue", format!("{}, {}", self.queue, self.mode())),
            ("offered", format!("{} messages/s for {}", self.rate, time(self.duration))),
            ("achieved", format!("{:.1} messages/s", self.achieved())),
            ("requests", format!("{} due, {failed}", grouped(self.requests))),
        ];
        match self.mode {
            Mode::Both => {
                let missing = match self.missing() {
                    0 => "none missing".to_owned(),
                    missing => format!("{} missing", grouped(missing)),
                };
                let received = grouped(tally.received);
                facts.push(("received", format!("{received} messages, {missing}")));
            }
            Mode::Receive => facts.push(("found nothing", grouped(tally.empty))),
            Mode::Send => {}
        }
        if tally.strange > 0 {
            facts.push((
                "of others",
                format!("{} messages, taken and lost", grouped(tally.strange)),
            ));
        }
        let mut text = pairs(facts);
        text.push_str(&errors("errors", &tally.errors));
        text.push_str(&errors("consumers' errors", &tally.consumer_errors));
        text.push('\n');
        text.push_str(&self.percentiles());
        text.push_str("\n\nresponse time\n");
        text.push_str(&histogram(&tally.response.0));
        if self.is_interrupted {
            let not_sent = grouped(tally.not_sent);
            text.push_str(&format!("\ninterrupted: {not_sent} requests were due and not sent\n"));
        }
        text
    }

    fn percentiles(&self) -> String {
        let tally = &self.tally;
        let mut rows = vec![
            ("response, since due", &tally.response),
            ("service, since sent", &tally.service),
            ("lag of this program", &tally.lag),
        ];
        if self.mode == Mode::Both {
            rows.insert(2, ("end to end, since due", &tally.end_to_end));
        }
        let head = ["TIME", ">P50", ">P90", ">P99", ">P99.9", ">MAX", ">MEAN"];
        let mut table = table(&head);
        for (name, times) in rows {
            let at = |quantile| time(micros(times.0.value_at_quantile(quantile)));
            let mean = time(Duration::from_secs_f64(times.0.mean() / 1e6));
            let max = time(micros(times.0.max()));
            table.add_row([name.into(), at(0.5), at(0.9), at(0.99), at(0.999), max, mean]);
        }
        lines(&table).join("\n")
    }
}

fn errors(head: &str, errors: &BTreeMap<String, u64>) -> String {
    let line =
        |(why, count): (&String, &u64)| format!("  {} × {}\n", grouped(*count), one_line(why));
    match errors.is_empty() {
        true => String::new(),
        false => format!("{head}\n{}", errors.iter().map(line).collect::<String>()),
    }
}

fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

fn summary(times: &Times) -> Value {
    let at = |quantile| millis(times.0.value_at_quantile(quantile));
    json!({
        "count": times.0.len(),
        "p50_ms": at(0.5),
        "p90_ms": at(0.9),
        "p99_ms": at(0.99),
        "p999_ms": at(0.999),
        "max_ms": millis(times.0.max()),
        "mean_ms": times.0.mean() / 1000.0,
    })
}

/// Counts up to bounds that double, from the first that has any to the last: (bound in µs, count).
fn steps(times: &Histogram<u32>) -> Vec<(u64, u64)> {
    const FIRST: u64 = 64;
    let bounds = std::iter::successors(Some(FIRST), |bound| bound.checked_mul(2));
    let mut steps = Vec::new();
    let mut from = 0;
    for bound in bounds {
        if times.is_empty() || from > times.max() {
            break;
        }
        let count = times.count_between(from, bound - 1);
        from = bound;
        if count > 0 || !steps.is_empty() {
            steps.push((bound, count));
        }
    }
    steps
}

fn histogram(times: &Histogram<u32>) -> String {
    const WIDTH: f64 = 40.0;
    let steps = steps(times);
    let most = steps.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    let mut text = String::new();
    for (bound, count) in steps {
        // What is there at all shows.
        let share = count as f64 / most as f64 * WIDTH;
        let bar = "█".repeat((share.round() as usize).max(usize::from(count > 0)));
        let bound = time(micros(bound));
        text.push_str(&format!("{:>12}  {bar:<40}  {}\n", format!("< {bound}"), grouped(count)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(max_errors: MaxErrors, in_time: u64, failures: u64) -> Report {
        let mut tally = Tally { messages_in_time: in_time, messages: in_time, ..Tally::default() };
        for _ in 0..failures {
            tally.failed("429 queue_full");
        }
        for millis in [1, 2, 400] {
            tally.response.record(Duration::from_millis(millis));
        }
        Report {
            mode: Mode::Send,
            queue: "q".into(),
            rate: 100.0,
            duration: Duration::from_secs(1),
            took: Duration::from_secs(1),
            requests: 100,
            max_errors,
            min_rate: 0.95,
            is_interrupted: false,
            tally,
        }
    }

    #[test]
    fn the_verdict_names_errors_first_and_then_the_rate() {
        let code = |report: Report| report.verdict().map_err(|failure| failure.exit_code);
        assert_eq!(code(report(MaxErrors::Count(0), 100, 0)), Ok(()));
        assert_eq!(code(report(MaxErrors::Count(0), 99, 1)), Err(Exit::TooManyErrors as u8));
        assert_eq!(code(report(MaxErrors::Count(1), 99, 1)), Ok(()));
        assert_eq!(code(report(MaxErrors::Share(0.5), 50, 50)), Err(Exit::RateMissed as u8));
    }

    #[test]
    fn consumers_and_missing_messages_count_as_errors() {
        let code = |report: Report| report.verdict().map_err(|failure| failure.exit_code);
        let both = |received| {
            let mut report = report(MaxErrors::Count(1), 100, 0);
            report.mode = Mode::Both;
            report.tally.received = received;
            report
        };
        assert_eq!(code(both(100)), Ok(()));
        assert_eq!(code(both(99)), Ok(()));
        assert_eq!(code(both(98)), Err(Exit::TooManyErrors as u8));
        assert_eq!(both(98).to_json()["missing"], 2);
        let mut refused = both(99);
        refused.tally.consumer_errors.insert("403 forbidden".into(), 1);
        assert_eq!(code(refused), Err(Exit::TooManyErrors as u8));
    }

    #[test]
    fn a_run_that_ended_before_it_began_has_no_rate() {
        let mut report = report(MaxErrors::Count(0), 0, 0);
        (report.duration, report.took) = (Duration::ZERO, Duration::ZERO);
        assert!((report.achieved() - 0.0).abs() < f64::EPSILON);
    }

    #[test]
    fn every_time_is_in_one_step() {
        let report = report(MaxErrors::Count(0), 100, 0);
        let steps = steps(&report.tally.response.0);
        assert_eq!(steps.iter().map(|(_, count)| count).sum::<u64>(), 3);
        assert_eq!((steps[0].1, steps[steps.len() - 1].1), (1, 1));
        assert!(steps.iter().all(|(bound, _)| bound.is_power_of_two()));
        let text = report.to_text();
        for part in ["response, since due", "service, since sent", "█", "achieved"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(report.to_json()["response"]["count"], 3);
    }

    #[test]
    fn nothing_measured_is_no_step() {
        assert_eq!(steps(&Times::default().0), []);
    }
}
