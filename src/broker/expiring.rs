//! What is remembered by its key for a while, and no more of it than so much.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::queue::Millis;

/// Values by key, each until its end. Where there are too many the oldest goes first.
pub(super) struct Expiring<V> {
    values: HashMap<Arc<str>, Entry<V>>,
    /// All values in order, and those whose place another one took.
    oldest: VecDeque<Noted>,
    /// How many were ever put here: the next one's number.
    count: u64,
    most: usize,
}

struct Entry<V> {
    number: u64,
    end: Millis,
    value: V,
}

struct Noted {
    key: Arc<str>,
    number: u64,
    end: Millis,
}

impl<V> Expiring<V> {
    /// Nothing yet, and never more than `most`.
    pub(super) fn new(most: usize) -> Self {
        Self { values: HashMap::new(), oldest: VecDeque::new(), count: 0, most }
    }

    /// The value of a key, if it has not ended. Forgets what has.
    pub(super) fn get(&mut self, key: &str, now: Millis) -> Option<&mut V> {
        self.forget(now);
        // One with a later end may stand before it in `oldest`.
        let found = self.values.get_mut(key).filter(|entry| entry.end > now);
        found.map(|entry| &mut entry.value)
    }

    /// Remembers a value until `end`, in the place of the one that the key had.
    pub(super) fn put(&mut self, key: &str, value: V, end: Millis) {
        let (key, number): (Arc<str>, _) = (key.into(), self.count);
        self.count += 1;
        self.values.insert(Arc::clone(&key), Entry { number, end, value });
        self.oldest.push_back(Noted { key, number, end });
        self.forget(Millis(0));
    }

    /// Whether it holds nothing.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.oldest.is_empty()
    }

    fn forget(&mut self, now: Millis) {
        while let Some(first) = self.oldest.front()
            && (first.end <= now || self.oldest.len() > self.most)
            && let Some(Noted { key, number, .. }) = self.oldest.pop_front()
        {
            if self.values.get(&key).is_some_and(|entry| entry.number == number) {
                self.values.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_remembered_until_its_end() {
        let mut map = Expiring::new(9);
        map.put("late", 1, Millis(20));
        map.put("early", 2, Millis(10));
        assert_eq!(map.get("early", Millis(9)), Some(&mut 2));
        assert_eq!(map.get("early", Millis(10)), None, "whatever stands before it");
        assert_eq!(map.get("late", Millis(19)), Some(&mut 1));
        assert_eq!(map.get("late", Millis(20)), None);
        assert!(map.is_empty());
    }

    #[test]
    fn the_oldest_goes_where_there_are_too_many() {
        let mut map = Expiring::new(2);
        map.put("a", 1, Millis(10));
        map.put("b", 2, Millis(10));
        // Of the same end, but not the same value.
        map.put("a", 3, Millis(10));
        assert_eq!(map.get("a", Millis(0)), Some(&mut 3));
        map.put("c", 4, Millis(10));
        assert_eq!(map.get("b", Millis(0)), None);
        assert_eq!(map.get("a", Millis(0)), Some(&mut 3));
        assert_eq!(map.values.len(), 2);
    }
}
