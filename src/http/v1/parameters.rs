//! The parameters of a query.

use std::borrow::Cow;
use std::time::Duration;

use super::call::read_duration;
use crate::http::problem::Problem;

/// A parameter that a path has, given or not.
#[derive(Debug)]
pub(super) struct Parameter<'query> {
    name: &'static str,
    text: Option<Cow<'query, str>>,
}

/// The parameters of these names, read in one pass. Refuses others, and those that are given twice.
pub(super) fn read<'query, const N: usize>(
    query: &'query str,
    names: [&'static str; N],
) -> Result<[Parameter<'query>; N], Problem> {
    let mut parameters = names.map(|name| Parameter { name, text: None });
    let mut rest = Some(query);
    while let Some(text) = rest {
        let (pair, after) = split_once(text, b'&');
        rest = after;
        if pair.is_empty() {
            continue;
        }
        let (name, text) = decode(pair);
        let Some(parameter) = parameters.iter_mut().find(|parameter| parameter.name == name) else {
            return Err(unknown(&name, &names));
        };
        if parameter.text.replace(text).is_some() {
            return Err(Problem::invalid(&name, "is given twice"));
        }
    }
    Ok(parameters)
}

/// Name and value of one pair.
fn decode(pair: &str) -> (Cow<'_, str>, Cow<'_, str>) {
    if pair.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return form_urlencoded::parse(pair.as_bytes()).next().unwrap_or_default();
    }
    let (name, value) = split_once(pair, b'=');
    (Cow::Borrowed(name), Cow::Borrowed(value.unwrap_or_default()))
}

/// The text before the first of these ASCII characters, and that after it. What is split is short,
/// and then this is faster than what searches long texts.
fn split_once(text: &str, at: u8) -> (&str, Option<&str>) {
    match text.bytes().position(|byte| byte == at) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

#[cold]
fn unknown(name: &str, names: &[&str]) -> Problem {
    let problem = match names {
        [] => "is unknown: this path has no parameters".to_owned(),
        _ => format!("is unknown: there are `{}`", names.join("`, `")),
    };
    Problem::invalid(name, problem)
}

impl<'query> Parameter<'query> {
    pub(super) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// A number from `least` to `most`.
    pub(super) fn number(&self, least: u64, most: u64) -> Result<Option<u64>, Problem> {
        let Some(text) = self.text() else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        let problem = || {
            Problem::invalid(self.name, format!("must be a whole number from {least} to {most}"))
        };
        number.ok_or_else(problem).map(Some)
    }

    /// A duration from `least` to `most`.
    pub(super) fn duration(
        &self,
        least: Duration,
        most: Duration,
    ) -> Result<Option<Duration>, Problem> {
        let Some(text) = self.text() else { return Ok(None) };
        read_duration(self.name, text, least, most).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(query: &str) -> [Option<String>; 2] {
        let parameters = read(query, ["max", "wait"]).expect(query);
        parameters.map(|parameter| parameter.text().map(str::to_owned))
    }

    #[test]
    fn parameters_are_read_as_a_form_is() {
        let [max, wait, empty, odd] = ["1", "2s", "", "=1 +"].map(|text| Some(text.to_owned()));
        assert_eq!(texts(""), [None, None]);
        assert_eq!(texts("wait=2s&max=1"), [max.clone(), wait]);
        assert_eq!(texts("&&max=1&"), [max.clone(), None]);
        assert_eq!(texts("m%61x=%31"), [max, None]);
        assert_eq!(texts("max&wait="), [empty.clone(), empty]);
        assert_eq!(texts("max==1+%2B"), [odd, None]);
    }

    #[test]
    fn others_and_those_that_are_given_twice_are_refused() {
        for query in ["Max=1", "min=1", "=1", "max=1&max=1", "max&m%61x", "max=1&%", "wait;max=1"] {
            assert!(read(query, ["max", "wait"]).is_err(), "{query}");
        }
        assert!(read("max=1", []).is_err());
    }
}
