//! Which of the two text formats a client accepts.

use actix_web::http::header::{ACCEPT, HeaderMap};

/// A text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// That of Prometheus, version 0.0.4.
    Prometheus,
}

impl Format {
    /// The one that the headers ask for: OpenMetrics, where it is named and nothing that is text is wanted
    /// more. Who says nothing, or asks for what there is not, gets the older one.
    pub(super) fn wanted(headers: &HeaderMap) -> Self {
        let values = headers.get_all(ACCEPT).filter_map(|value| value.to_str().ok());
        let (mut open_metrics, mut text) = (0.0, 0.0);
        for range in values.flat_map(|value| value.split(',')) {
            let mut parameters = range.split(';').map(str::trim);
            let name = parameters.next().unwrap_or_default();
            let weight = match name {
                _ if name.eq_ignore_ascii_case("application/openmetrics-text") => &mut open_metrics,
                _ if name.eq_ignore_ascii_case("text/plain") => &mut text,
                _ => continue,
            };
            *weight = quality(parameters).max(*weight);
        }
        if open_metrics > 0.0 && open_metrics >= text {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    /// The type of what is written in it.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => prometheus_client::encoding::prometheus_text::CONTENT_TYPE,
        }
    }
}

/// The weight `q` among a range's parameters; one that cannot be read is no reason to refuse.
fn quality<'range>(parameters: impl Iterator<Item = &'range str>) -> f32 {
    let mut pairs = parameters.filter_map(|parameter| parameter.split_once('='));
    let weight = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    weight.and_then(|(_, weight)| weight.trim().parse().ok()).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn wanted(accept: &'static str) -> Format {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        Format::wanted(&headers)
    }

    #[test]
    fn openmetrics_has_to_be_asked_for() {
        assert_eq!(Format::wanted(&HeaderMap::new()), Format::Prometheus);
        for accept in [
            "application/openmetrics-text",
            "Application/OpenMetrics-Text; version=1.0.0; charset=utf-8",
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            "text/plain;q=0.5, application/openmetrics-text;q=0.5",
        ] {
            assert_eq!(wanted(accept), Format::OpenMetrics, "{accept}");
        }
        for accept in [
            "*/*",
            "text/plain",
            "text/html, */*;q=0.1",
            "image/png",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=0.5, text/plain",
        ] {
            assert_eq!(wanted(accept), Format::Prometheus, "{accept}");
        }
    }
}
