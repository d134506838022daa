//! Looking up a name once.

use std::sync::OnceLock;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Finds the addresses of the one server that is asked, and remembers them. The usual resolver looks
/// for them before every request, on a thread of its own, which a load test would measure.
#[derive(Debug, Default)]
pub(super) struct Remembered(OnceLock<Box<[std::net::SocketAddr]>>);

impl Resolver for Remembered {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        if let Some(known) = self.0.get() {
            let mut addresses = self.empty();
            known.iter().for_each(|address| addresses.push(*address));
            return Ok(addresses);
        }
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        // Another thread may have been first, and found the same.
        let _ = self.0.set(found.iter().copied().collect());
        Ok(found)
    }
}
