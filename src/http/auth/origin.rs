//! Pages of other origins: a browser sends their requests as it does its user's own.
//!
//! A page that somebody happens to look at must not purge a queue of a server on the same machine. A
//! browser says where what changes something comes from (`Origin`, `Sec-Fetch-Site`), and lets
//! no page say otherwise; other clients say nothing, and are not asked.

use actix_http::{HttpMessage as _, Request};
use actix_web::http::Method;
use actix_web::http::header::{HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, REFERER};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// How the client called a proxy in front of this server.
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Whether a request that does something comes from a page of another origin.
pub(super) fn is_foreign(request: &Request, is_sqs: bool) -> bool {
    let headers = request.headers();
    match *request.method() {
        // Pages are fetched across origins, and whoever fetches figures cannot read them. But this takes
        // something away.
        Method::GET | Method::HEAD => {
            (is_sqs || request.path() == "/dequeue") && is_fetched(headers)
        }
        _ => headers.get(ORIGIN).is_some_and(|origin| is_other(origin, headers)),
    }
}

/// Whether a page elsewhere has an image or the like here. To servers that are neither this machine nor HTTPS,
/// browsers say no more than which page it is on, if that allows it.
fn is_fetched(headers: &HeaderMap) -> bool {
    match site(headers) {
        Some(site) => is_other_site(site),
        None => headers.get(REFERER).is_some_and(|page| is_elsewhere(page, headers)),
    }
}

fn site(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers.get(FETCH_SITE)
}

fn is_other_site(site: &HeaderValue) -> bool {
    // `none`: the user typed the address. Another port of this machine is `same-site`.
    site != "same-origin" && site != "none"
}

#[cold]
fn is_other(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    if let Some(site) = site(headers) {
        return is_other_site(site);
    }
    is_elsewhere(origin, headers)
}

/// Whether a URL is of another host than the one that was asked.
#[cold]
fn is_elsewhere(url: &HeaderValue, headers: &HeaderMap) -> bool {
    let host = url.to_str().ok().and_then(|url| url.split_once("://")?.1.split(['/', '?']).next());
    let Some(host) = host else { return true };
    let named = |name: HeaderName| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.eq_ignore_ascii_case(host))
    };
    !named(HOST) && !named(FORWARDED_HOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(
        method: Method,
        path: &'static str,
        headers: &[(&'static str, &'static str)],
    ) -> bool {
        let mut request = Request::new();
        request.head_mut().method = method;
        request.head_mut().uri = path.parse().expect("a path");
        for (name, value) in headers {
            let name = HeaderName::from_static(name);
            request.head_mut().headers.append(name, HeaderValue::from_static(value));
        }
        is_foreign(&request, false)
    }

    const HERE: (&str, &str) = ("host", "localhost:8080");

    #[test]
    fn what_a_page_of_another_origin_sends_is_seen() {
        for headers in [
            &[HERE, ("origin", "https://evil.example")][..],
            &[HERE, ("origin", "null")],
            &[HERE, ("origin", "http://localhost:3000")],
            &[HERE, ("origin", "http://localhost:8080"), ("sec-fetch-site", "cross-site")],
            &[HERE, ("origin", "http://localhost:3000"), ("sec-fetch-site", "same-site")],
        ] {
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                assert!(foreign(method, "/v1/queues/q/purge", headers), "{headers:?}");
            }
        }
        for site in ["cross-site", "same-site"] {
            assert!(foreign(Method::GET, "/dequeue", &[HERE, ("sec-fetch-site", site)]), "{site}");
        }
        // As to an address in the network, in the clear.
        for page in [
            "http://evil.example/",
            "http://evil.example/localhost:8080",
            "http://localhost:3000/",
            "http://localhost:8080.evil.example/",
            "about:blank",
        ] {
            assert!(foreign(Method::GET, "/dequeue", &[HERE, ("referer", page)]), "{page}");
        }
    }

    #[test]
    fn own_pages_and_other_clients_are_let_in() {
        for headers in [
            &[][..],
            &[HERE],
            &[HERE, ("origin", "http://localhost:8080")],
            &[HERE, ("origin", "http://proxied.example"), ("x-forwarded-host", "proxied.example")],
            &[HERE, ("origin", "https://proxied.example"), ("sec-fetch-site", "same-origin")],
        ] {
            assert!(!foreign(Method::POST, "/enqueue", headers), "{headers:?}");
        }
        for site in ["same-origin", "none"] {
            assert!(!foreign(Method::GET, "/dequeue", &[HERE, ("sec-fetch-site", site)]), "{site}");
        }
        for page in ["http://localhost:8080/docs", "http://localhost:8080"] {
            assert!(!foreign(Method::GET, "/dequeue", &[HERE, ("referer", page)]), "{page}");
        }
        // A link to the dashboard on another page.
        assert!(!foreign(Method::GET, "/", &[HERE, ("referer", "http://evil.example/")]));
        assert!(!foreign(Method::GET, "/", &[HERE, ("sec-fetch-site", "cross-site")]));
    }
}
