//! The bar that moves while a load test runs, on a terminal only.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::super::output::grouped;
use super::Run;

/// How often it moves.
pub(super) const INTERVAL: Duration = Duration::from_millis(100);

/// Over how long its rate is taken.
const WINDOW: Duration = Duration::from_secs(1);

pub(super) struct Progress {
    bar: ProgressBar,
    begun: Instant,
    /// The messages there were at the beginning of the window, and the rate of the last one.
    seen: (Instant, u64),
    rate: f64,
}

impl Progress {
    pub(super) fn new(run: &Run) -> Self {
        let begun = Instant::now();
        let all = run.schedule.end().saturating_duration_since(begun).as_millis() as u64;
        let target = match Term::stderr().is_term() {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(all), target);
        let style = ProgressStyle::with_template("{wide_bar} {percent:>3} %  {msg}");
        bar.set_style(
            style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("█▉▊▋▌▍▎▏ "),
        );
        Self { bar, begun, seen: (begun, 0), rate: 0.0 }
    }

    pub(super) fn show(&mut self, run: &Run) {
        let messages = run.live.messages.load(Ordering::Relaxed);
        let errors = run.live.errors.load(Ordering::Relaxed);
        let (since, before) = self.seen;
        if since.elapsed() >= WINDOW {
            self.rate = (messages - before) as f64 / since.elapsed().as_secs_f64();
            self.seen = (Instant::now(), messages);
        }
        let rate = grouped(self.rate.round() as u64);
        let errors = grouped(errors);
        self.bar.set_message(format!("{rate}/s  {} messages  {errors} errors", grouped(messages)));
        self.bar.set_position(self.begun.elapsed().as_millis() as u64);
    }

    pub(super) fn end(self) {
        self.bar.finish_and_clear();
    }
}
