//! A page of `/metrics`, read strictly: whatever either format forbids fails the test that reads it.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::support::{Answer, Client};

/// The two formats, by what asks for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    OpenMetrics,
    Prometheus,
}

pub const BOTH: [Format; 2] = [Format::OpenMetrics, Format::Prometheus];

impl Format {
    pub fn accept(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0",
            Self::Prometheus => "text/plain; version=0.0.4",
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

type Labels = BTreeMap<String, String>;

/// Every sample of a page.
#[derive(Debug, Default)]
pub struct Page {
    /// By the name of each sample, as an expression would name it.
    samples: BTreeMap<String, Vec<(Labels, f64)>>,
    /// What is a counter, or a part of a histogram: by name.
    growing: HashSet<String>,
}

#[derive(Debug, Default)]
struct Family {
    name: String,
    kind: String,
    helped: bool,
}

impl Page {
    /// Asks for a page and reads it.
    #[track_caller]
    pub fn scrape(client: &mut Client, format: Format) -> Self {
        let answer = client.call("GET", "/metrics", &[("Accept", format.accept())], "");
        Self::of(&answer, format)
    }

    #[track_caller]
    pub fn of(answer: &Answer, format: Format) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), Some(format.content_type()));
        Self::read(&answer.text(), format)
    }

    #[track_caller]
    pub fn read(text: &str, format: Format) -> Self {
        let mut page = Self::default();
        let (mut family, mut done) = (Family::default(), HashSet::new());
        let text = match format {
            Format::OpenMetrics => text.strip_suffix("# EOF\n").expect("it ends in # EOF"),
            Format::Prometheus => text,
        };
        assert!(text.ends_with('\n'), "the last line is whole");
        for line in text.lines() {
            let words: Vec<&str> = line.splitn(4, ' ').collect();
            match words[..] {
                ["#", "HELP", name, help] => {
                    assert!(!help.is_empty(), "{line}");
                    assert!(done.insert(family.name.clone()), "{line}: told twice");
                    assert!(!done.contains(name), "{line}: told twice");
                    family = Family { name: name.to_owned(), helped: true, ..Family::default() };
                }
                ["#", "TYPE", name, kind] => {
                    assert!(
                        family.helped && family.name == name && family.kind.is_empty(),
                        "{line}"
                    );
                    family.kind = kind.to_owned();
                }
                ["#", "UNIT", name, unit] => {
                    assert_eq!(format, Format::OpenMetrics, "{line}");
                    assert_eq!(family.name, name, "{line}");
                    assert!(name.ends_with(&format!("_{unit}")), "{line}");
                }
                ["#", ..] => panic!("{line}: no comment is expected"),
                _ => page.add(line, &family, format),
            }
        }
        page.check_histograms();
        page
    }

    #[track_caller]
    fn add(&mut self, line: &str, family: &Family, format: Format) {
        let (name, labels, value) = sample(line);
        let suffix = name.strip_prefix(&family.name).unwrap_or_else(|| panic!("{line}: strange"));
        let suffixes: &[&str] = match (family.kind.as_str(), format) {
            ("counter", Format::OpenMetrics) => &["_total"],
            ("info", Format::OpenMetrics) => &["_info"],
            ("counter" | "gauge", _) => &[""],
            ("histogram", _) => &["_bucket", "_sum", "_count"],
            other => panic!("{line}: {other:?}"),
        };
        assert!(suffixes.contains(&suffix), "{line} of {family:?}");
        if format == Format::Prometheus && family.kind == "counter" {
            assert!(name.ends_with("_total"), "{line}");
        }
        if matches!(family.kind.as_str(), "counter" | "histogram") {
            assert!(value >= 0.0, "{line}");
            self.growing.insert(name.clone());
        }
        assert_eq!(suffix == "_bucket", labels.contains_key("le"), "{line}");
        let samples = self.samples.entry(name).or_default();
        assert!(samples.iter().all(|(before, _)| *before != labels), "{line}: told twice");
        samples.push((labels, value));
    }

    /// Buckets go up, and the last of them is the count.
    #[track_caller]
    fn check_histograms(&self) {
        let buckets = self
            .samples
            .iter()
            .filter_map(|(name, samples)| Some((name.strip_suffix("_bucket")?, samples)));
        for (name, samples) in buckets {
            let mut last: HashMap<Labels, (f64, f64)> = HashMap::new();
            for (labels, value) in samples {
                let mut labels = labels.clone();
                let bound = match labels.remove("le").expect("it was looked for").as_str() {
                    "+Inf" => f64::INFINITY,
                    bound => bound.parse().expect("a bound is a number"),
                };
                let before = last.insert(labels, (bound, *value));
                let (bound_before, before) = before.unwrap_or((0.0, 0.0));
                assert!(bound_before < bound && before <= *value, "{name} {bound}: {value}");
            }
            assert!(!last.is_empty());
            for (labels, (bound, value)) in last {
                assert_eq!(bound, f64::INFINITY, "{name}");
                let labels: Vec<_> =
                    labels.iter().map(|(name, value)| (&**name, &**value)).collect();
                assert_eq!(self.value(&format!("{name}_count"), &labels), value, "{name}");
                assert!(self.value(&format!("{name}_sum"), &labels) >= 0.0, "{name}");
            }
        }
    }

    /// The names of all samples.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.samples.keys().map(String::as_str)
    }

    /// Whether there is such a sample, and whether one has such a label.
    pub fn has(&self, name: &str, label: &str) -> bool {
        let samples = self.samples.get(name).into_iter().flatten();
        samples.into_iter().any(|(labels, _)| labels.contains_key(label))
    }

    /// The value of the only sample with these labels.
    #[track_caller]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.find(name, labels).unwrap_or_else(|| panic!("no {name} {labels:?}"))
    }

    pub fn find(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let labels: Labels = labels.iter().map(owned).collect();
        let samples = self.samples.get(name)?;
        samples.iter().find(|(own, _)| *own == labels).map(|(_, value)| *value)
    }

    /// A counter or gauge of a queue.
    #[track_caller]
    pub fn of_queue(&self, name: &str, queue: &str) -> f64 {
        self.value(&format!("ringmq_queue_{name}"), &[("queue", queue)])
    }

    /// The sum over all series of a name.
    pub fn sum(&self, name: &str) -> f64 {
        self.samples.get(name).into_iter().flatten().map(|(_, value)| value).sum()
    }

    /// The queues that have series of their own, and `(other)` if it has.
    pub fn queues(&self) -> Vec<&str> {
        let samples = self.samples.get("ringmq_queue_sent_messages_total").into_iter().flatten();
        samples.map(|(labels, _)| labels["queue"].as_str()).collect()
    }

    /// Fails if anything that only grows has fallen since `before`, where it is still told.
    #[track_caller]
    pub fn assert_grown_from(&self, before: &Self) {
        for name in &before.growing {
            for (labels, value) in &before.samples[name] {
                let labels: Vec<_> =
                    labels.iter().map(|(name, value)| (&**name, &**value)).collect();
                if let Some(now) = self.find(name, &labels) {
                    assert!(now >= *value, "{name} {labels:?} fell from {value} to {now}");
                }
            }
        }
    }
}

/// `name{label="value",…} number`
#[track_caller]
fn sample(line: &str) -> (String, Labels, f64) {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("{line}: no value"));
    let (name, mut rest) = line.split_at(end);
    let is_name = |text: &str| {
        let all = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        !text.is_empty() && text.bytes().all(all) && !text.as_bytes()[0].is_ascii_digit()
    };
    assert!(is_name(name), "{line}");
    let mut labels = Labels::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
            assert!(is_name(label), "{line}");
            let (value, after) = quoted(after).unwrap_or_else(|| panic!("{line}: unquoted"));
            assert!(labels.insert(label.to_owned(), value).is_none(), "{line}: {label} twice");
            match after.as_bytes() {
                [b',', ..] => rest = &after[1..],
                [b'}', ..] => {
                    rest = &after[1..];
                    break;
                }
                _ => panic!("{line}"),
            }
        }
    }
    let number = rest.strip_prefix(' ').unwrap_or_else(|| panic!("{line}"));
    (name.to_owned(), labels, number.parse().unwrap_or_else(|_| panic!("{line}: no number")))
}

/// What stands before the closing quote, its escapes undone, and what stands behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (mut value, mut chars) = (String::new(), text.char_indices());
    while let Some((place, char)) = chars.next() {
        match char {
            '"' => return Some((value, &text[place + 1..])),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                escaped @ ('\\' | '"') => escaped,
                _ => return None,
            }),
            '\n' => return None,
            _ => value.push(char),
        }
    }
    None
}

#[test]
fn what_is_not_allowed_is_noticed() {
    let good = "# HELP a_total A\n# TYPE a_total counter\na_total{q=\"x\\\"\\\\\\n\"} 1\n";
    let page = Page::read(good, Format::Prometheus);
    assert_eq!(page.value("a_total", &[("q", "x\"\\\n")]), 1.0);
    for bad in [
        "# HELP a A\n# TYPE a counter\na 1\n",
        "# HELP a_total A\n# TYPE a_total counter\na_total 1",
        "# HELP a_total A\n# TYPE a_total counter\na_total -1\n",
        "# HELP a_total A\n# TYPE a_total counter\na_total{q=\"x\"} 1\na_total{q=\"x\"} 2\n",
        "# HELP a_total A\n# TYPE a_total counter\na_total{q=\"\\x\"} 1\n",
        "# HELP a_total A\n# TYPE a_total counter\na_total{q=x} 1\n",
        "# TYPE a gauge\na 1\n",
        "# HELP a A\na 1\n",
        "# HELP a A\n# TYPE a gauge\nb 1\n",
        "# HELP a A\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n",
        "# HELP a A\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n",
        "# HELP a A\n# TYPE a gauge\na 1\n# HELP a A\n# TYPE a gauge\n",
    ] {
        let read = std::panic::catch_unwind(|| Page::read(bad, Format::Prometheus));
        assert!(read.is_err(), "{bad}");
    }
}
