//! Which form of an answer a client accepts (RFC 9110, section 12.5.1).

use actix_web::http::header::HeaderValue;

use crate::http::answer::BYTES;

/// What the headers `Accept` of a request say of the two forms there are.
#[derive(Default)]
pub(super) struct Accept {
    raw: Quality,
    json: Quality,
}

/// How much a form is wanted, by the range that names it most closely.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Quality {
    /// 1 for any type, 2 for any of a kind, 3 for this one; 0 where none names it.
    closeness: u8,
    /// Of 1000.
    weight: u16,
}

impl Accept {
    /// One header more.
    pub(super) fn add(&mut self, value: &HeaderValue) {
        if value == BYTES {
            // What those say who want nothing but that.
            self.raw = self.raw.max(Quality { closeness: 3, weight: 1000 });
            return;
        }
        for range in value.to_str().unwrap_or_default().split(',') {
            let mut parts = range.split(';');
            let name = parts.next().unwrap_or_default().trim();
            let heard = |closeness| Quality { closeness, weight: weight(parts) };
            match name {
                "*/*" => {
                    let any = heard(1);
                    (self.raw, self.json) = (self.raw.max(any), self.json.max(any));
                }
                name if name.eq_ignore_ascii_case("application/*") => {
                    let any = heard(2);
                    (self.raw, self.json) = (self.raw.max(any), self.json.max(any));
                }
                name if name.eq_ignore_ascii_case("application/octet-stream") => {
                    self.raw = self.raw.max(heard(3));
                }
                name if name.eq_ignore_ascii_case("application/json") => {
                    self.json = self.json.max(heard(3));
                }
                _ => {}
            }
        }
    }

    /// Whether a message as it was sent is wanted rather than JSON: more than that, or as much and
    /// named itself.
    pub(super) fn wants_raw(&self) -> bool {
        let (raw, json) = (self.raw, self.json);
        raw.weight > json.weight
            || (raw.closeness == 3 && raw.weight > 0 && raw.weight == json.weight)
    }
}

/// The weight `q` among a range's parameters. One that cannot be read is no reason to refuse.
fn weight<'range>(parameters: impl Iterator<Item = &'range str>) -> u16 {
    let mut pairs = parameters.filter_map(|parameter| parameter.split_once('='));
    let weight = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    let weight = weight.and_then(|(_, weight)| weight.trim().parse::<f32>().ok());
    weight.map_or(1000, |weight| (weight.clamp(0.0, 1.0) * 1000.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants_raw(headers: &[&'static str]) -> bool {
        let mut accept = Accept::default();
        headers.iter().for_each(|header| accept.add(&HeaderValue::from_static(header)));
        accept.wants_raw()
    }

    #[test]
    fn a_message_as_it_is_has_to_be_asked_for() {
        for headers in [
            &["application/octet-stream"][..],
            &["text/html, Application/Octet-Stream ; q=0.1"],
            &["application/json", "application/octet-stream"],
            &["application/octet-stream, */*;q=0.9"],
            &["application/json;q=0.5, application/octet-stream;q=0.6"],
            &["application/*, application/json;q=0.5"],
            &["application/octet-stream;q=soon"],
        ] {
            assert!(wants_raw(headers), "{headers:?}");
        }
        for headers in [
            &[][..],
            &["*/*"],
            &["application/*"],
            &["text/html"],
            &["application/octet-stream;q=0"],
            &["application/octet-stream; Q=0.000, */*"],
            &["application/octet-stream;q=0.5, application/json"],
            &["application/octet-stream;q=0.5", "*/*"],
        ] {
            assert!(!wants_raw(headers), "{headers:?}");
        }
    }
}
