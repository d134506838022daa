//! Requests that several actions have in common.

use std::borrow::Cow;

use serde::Deserialize;

use super::absent;

/// A request that only names a queue.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct OfQueue<'request> {
    #[serde(borrow, deserialize_with = "absent::text")]
    pub(super) queue_url: Cow<'request, str>,
}
