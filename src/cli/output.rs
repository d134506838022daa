//! How the commands write: tables for people, JSON for everything else.

use std::io::{self, Write};
use std::time::Duration;

use clap::{Args, ValueEnum};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use console::{Style, Term};
use serde_json::Value;

use super::exit::Failure;

/// In what form.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Output")]
pub(super) struct Output {
    /// Form of the output [default: table on a terminal, json elsewhere]
    #[arg(long, env = "RINGMQ_OUTPUT", value_enum, value_name = "FORM")]
    output: Option<Form>,

    /// Short for --output json, over which it wins
    #[arg(long)]
    pub(super) json: bool,
}

/// The forms there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For people
    Table,
    /// One JSON document a line
    Json,
}

impl Output {
    /// The form that is wanted, or fits where the output goes.
    pub(super) fn form(self) -> Form {
        match (self.json, self.output) {
            // No conflict: clap takes RINGMQ_OUTPUT for given.
            (true, _) => Form::Json,
            (false, Some(form)) => form,
            (false, None) if Term::stdout().is_term() => Form::Table,
            (false, None) => Form::Json,
        }
    }

    /// Writes the document itself, or what a table makes of it.
    pub(super) fn tell(
        self,
        document: &Value,
        table: impl FnOnce(&Value) -> String,
    ) -> Result<(), Failure> {
        match self.form() {
            Form::Json => line(&json(document)),
            Form::Table => line(table(document).trim_end()),
        }
    }
}

/// A document as one line. What JSON allows as it is and a terminal takes for a command is escaped.
pub(super) fn json(document: &Value) -> String {
    let text = document.to_string();
    if !text.contains(is_command) {
        return text;
    }
    let escaped = |c: char| match is_command(c) {
        true => format!("\\u{:04x}", u32::from(c)),
        false => c.into(),
    };
    text.chars().map(escaped).collect()
}

/// Below U+0020 JSON escapes by itself.
fn is_command(c: char) -> bool {
    ('\u{7f}'..='\u{9f}').contains(&c)
}

/// Writes a line, and sees to it that it gets out.
pub(super) fn line(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// Words beside the output, on one line whatever a server put into them.
pub(super) fn note(text: &str) {
    say(&one_line(text));
}

/// To standard error, if somebody has that.
pub(super) fn say(text: &str) {
    // There is nowhere to tell that it cannot be told.
    let _ = writeln!(io::stderr(), "{text}");
}

/// What came from elsewhere, safe for a terminal and on one line.
pub(super) fn one_line(text: &str) -> String {
    harmless(text).replace(['\n', '\r'], " ")
}

/// A table with this head, to be filled; columns with numbers are named with a `>` before it.
pub(super) fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head.iter().map(|name| Cell::new(name.trim_start_matches('>'))));
    for (place, name) in head.iter().enumerate() {
        if let Some(column) = table.column_mut(place) {
            column.set_padding((0, 2));
            if name.starts_with('>') {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    table
}

/// Its lines, the head in bold where that is wanted.
pub(super) fn lines(table: &Table) -> Vec<String> {
    let bold = Style::new().bold();
    let mut lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    if let Some(head) = lines.first_mut() {
        *head = bold.apply_to(&head).to_string();
    }
    lines
}

/// Names and values, one pair a line.
pub(super) fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let pairs: Vec<_> = pairs.into_iter().collect();
    let widest = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let dim = Style::new().dim();
    let line = |(name, value): &(&str, String)| {
        format!("{}  {value}\n", dim.apply_to(format!("{name:<widest$}")))
    };
    pairs.iter().map(line).collect()
}

/// A JSON value as a person reads it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => one_line(text),
        Value::Number(number) => number.as_u64().map_or_else(|| number.to_string(), grouped),
        other => json(other),
    }
}

/// A whole number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes in the unit that fits.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// A time in the unit that fits.
pub(super) fn time(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 if span.as_millis() < 10 => format!("{:.2} ms", span.as_secs_f64() * 1000.0),
        0 => format!("{} ms", span.as_millis()),
        1..60 => format!("{:.1} s", span.as_secs_f64()),
        60..3600 => format!("{} m {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// What came from elsewhere, safe for a terminal: control characters would move its cursor or worse.
pub(super) fn harmless(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => c,
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(shown).collect()
}

/// Asks on the terminal before something is lost.
pub(super) fn confirm(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let terminal = Term::stderr();
    if !terminal.is_term() || !io::IsTerminal::is_terminal(&io::stdin()) {
        let text = format!("{question} There is no terminal to ask on: say --yes");
        return Err(Failure::because(super::exit::Exit::Usage, text));
    }
    terminal.write_str(&format!("{question} [y/N] "))?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new("nothing was done".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_bytes_and_times_are_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1 000", "1 234 567"]);
        assert_eq!([0, 1023, 1024, 1 << 20].map(bytes), ["0 B", "1023 B", "1.0 KiB", "1.0 MiB"]);
        let times = [0, 9, 10, 1500, 61_000, 3_600_000, 90_000_000];
        let told = times.map(|millis| time(Duration::from_millis(millis)));
        assert_eq!(told, ["0.00 ms", "9.00 ms", "10 ms", "1.5 s", "1 m 1 s", "1 h 0 m", "1 d 1 h"]);
    }

    #[test]
    fn control_characters_do_not_reach_a_terminal() {
        let hostile = Value::from("a\u{1b}[2J\u{9b}31m\u{7f}ä");
        assert_eq!(json(&hostile), r#""a\u001b[2J\u009b31m\u007fä""#);
        assert_eq!(serde_json::from_str::<Value>(&json(&hostile)).expect("it is JSON"), hostile);
        assert_eq!(plain(&hostile), "a\u{fffd}[2J\u{fffd}31m\u{fffd}ä");
        assert_eq!(one_line("a\r\nb\u{9b}"), "a\u{fffd} b\u{fffd}");
        assert_eq!(harmless("a\u{1b}[2J\tb\r\nc"), "a\u{fffd}[2J\tb\u{fffd}\nc");
    }
}
