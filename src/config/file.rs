//! The settings file: the queues that are there from the start, and what is logged.
//!
//! ```toml
//! log = "info"
//!
//! [queues.orders]
//! capacity = 100_000
//! lease = "30s"
//! max_receives = 5
//! dead_letter = "orders.dead"
//!
//! [queues."orders.dead"]
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::broker::{Broker, QueueName, SettingsDocument};

/// What a settings file says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SettingsFile {
    #[serde(deserialize_with = "log_filter")]
    log: Option<String>,
    queues: BTreeMap<QueueName, SettingsDocument>,
}

fn log_filter<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    super::log_filter(&String::deserialize(value)?).map(Some).map_err(D::Error::custom)
}

impl SettingsFile {
    /// What is to be logged, if it says so: this is the setting that can be changed while a server runs.
    pub fn log(&self) -> Option<&str> {
        self.log.as_deref()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read or does not say what it should; the text names the place.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        toml::from_str(&text).map_err(|error| error.to_string().trim_end().to_owned())
    }

    /// Makes its queues.
    ///
    /// # Errors
    /// When a setting is out of its range; the text names the queue and the setting.
    pub fn declare(self, broker: &Broker) -> Result<(), String> {
        match self.apply(broker).1.into_iter().next() {
            Some(fault) => Err(fault),
            None => Ok(()),
        }
    }

    /// Makes its queues, or changes those that are there, as far as that can be done. Tells how many, and
    /// what is wrong with the others.
    pub fn apply(self, broker: &Broker) -> (usize, Vec<String>) {
        let mut faults = Vec::new();
        let mut declare = |name: &QueueName, settings| match broker.declare(name, settings) {
            Ok(_) => true,
            Err(error) => {
                faults.push(format!("queue `{name}`: {error}"));
                false
            }
        };
        // A dead-letter queue has to be there before it is named, and may stand anywhere here.
        let all: Vec<_> = self.queues.into_iter().collect();
        let made = |(name, settings): &(QueueName, SettingsDocument)| {
            declare(name, settings.clone().without_dead_letter())
        };
        let made: Vec<_> = all.iter().map(made).collect();
        let whole = made.into_iter().zip(all).filter(|(made, _)| *made);
        let count = whole.filter(|(_, (name, settings))| declare(name, settings.clone())).count();
        (count, faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::QueueSettings;
    use crate::clock::Clock;

    fn declared(text: &str) -> Result<Broker, String> {
        let file: SettingsFile = toml::from_str(text).map_err(|error| error.to_string())?;
        let broker = Broker::new(Clock::start(), u64::MAX, QueueSettings::with_capacity(1024));
        file.declare(&broker).map(|()| broker)
    }

    #[test]
    fn a_file_declares_queues_in_any_order() {
        let broker = declared(
            "[queues.a]\ncapacity = 7\nlease = \"1m\"\nttl = 1.5\ndead_letter = \"b.dead\"\n\
             [queues.\"b.dead\"]\n[queues.default]\ncapacity = 9\n",
        )
        .unwrap();
        let names: Vec<_> = broker.queues().iter().map(|queue| queue.name().to_string()).collect();
        assert_eq!(names, ["a", "b.dead", "default"]);
        assert_eq!(broker.queue("a").unwrap().capacity(), 7);
        let settings = broker.describe(&broker.queue("a").unwrap()).settings;
        assert_eq!(settings.dead_letter.unwrap().as_str(), "b.dead");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, named) in [
            ("[queue.a]", "queue"),
            ("[queues.a]\ncapasity = 1", "capasity"),
            ("[queues.a]\ncapacity = 0", "capacity"),
            ("[queues.\"a b\"]", "80"),
            ("[queues.a]\ndead_letter = \"none\"", "none"),
            ("[queues.a]\nlease = \"soon\"", "duration"),
            ("queues = 1", "line 1"),
            ("log = \"loud\"", "loud"),
            ("log = 1", "line 1"),
        ] {
            let error = declared(text).err().unwrap_or_else(|| panic!("{text} is taken"));
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
