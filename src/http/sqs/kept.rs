//! What is kept with a queue for this face alone.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use super::call::Call;
use crate::broker::Named;

/// By queue.
#[derive(Default)]
pub(super) struct Store(Mutex<HashMap<String, [BTreeMap<String, String>; 2]>>);

fn with<T>(
    call: &Call,
    queue: &Named,
    act: impl FnOnce(&mut [BTreeMap<String, String>; 2]) -> T,
) -> T {
    let mut all = call.face().kept.0.lock().unwrap_or_else(PoisonError::into_inner);
    act(all.entry(queue.name().to_string()).or_default())
}

fn change(map: &mut BTreeMap<String, String>, changes: BTreeMap<String, Option<String>>) {
    for (name, value) in changes {
        match value {
            Some(value) => map.insert(name, value),
            None => map.remove(&name),
        };
    }
}

/// Everything but the tags.
pub(super) fn all(call: &Call, queue: &Named) -> BTreeMap<String, String> {
    with(call, queue, |kept| kept[0].clone())
}

/// One of them.
pub(super) fn get(call: &Call, queue: &Named, name: &str) -> Option<String> {
    with(call, queue, |kept| kept[0].get(name).cloned())
}

/// Sets some and removes others.
pub(super) fn set(call: &Call, queue: &Named, changes: BTreeMap<String, Option<String>>) {
    with(call, queue, |kept| change(&mut kept[0], changes));
}

/// The tags.
pub(super) fn tags(call: &Call, queue: &Named) -> BTreeMap<String, String> {
    with(call, queue, |kept| kept[1].clone())
}

/// Sets some tags and removes others.
pub(super) fn set_tags(call: &Call, queue: &Named, changes: BTreeMap<String, Option<String>>) {
    with(call, queue, |kept| change(&mut kept[1], changes));
}

/// Nothing is kept for a queue that is not there.
pub(super) fn forget(call: &Call, name: &str) {
    call.face().kept.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
}
