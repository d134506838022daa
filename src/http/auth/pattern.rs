//! Names of queues, with `*` for any characters, also none.

use crate::broker::QueueName;

/// Which queues are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Box<str>);

impl Pattern {
    /// Reads a pattern; `None` if no queue could match it.
    pub(super) fn read(text: &str) -> Option<Self> {
        // A star may stand for nothing, or for a character that a name may have.
        let bare = text.replace('*', "");
        let fits = |name: &str| name.parse::<QueueName>().is_ok();
        let possible =
            if text.contains('*') { fits(&bare) || fits(&format!("{bare}x")) } else { fits(text) };
        possible.then(|| Self(text.into()))
    }

    /// Whether it means every queue.
    pub(super) fn is_all(&self) -> bool {
        self.0.bytes().all(|byte| byte == b'*')
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut at, mut place) = (0, 0);
        // Behind the last star, and where it ends at present.
        let mut star = None;
        while place < name.len() {
            match pattern.get(at) {
                Some(b'*') => {
                    at += 1;
                    star = Some((at, place));
                }
                Some(byte) if *byte == name[place] => {
                    at += 1;
                    place += 1;
                }
                _ => {
                    let Some((behind, end)) = star else { return false };
                    star = Some((behind, end + 1));
                    (at, place) = (behind, end + 1);
                }
            }
        }
        pattern[at..].iter().all(|byte| *byte == b'*')
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::read(pattern).expect(pattern).matches(name)
    }

    #[test]
    fn a_star_is_any_part_of_a_name() {
        for (pattern, name) in [
            ("*", "orders"),
            ("*", ""),
            ("orders", "orders"),
            ("orders.*", "orders.eu"),
            ("orders.*", "orders."),
            ("*.dead", "a.dead"),
            ("a*b*c", "axxbxbc"),
            ("a**b", "ab"),
            ("*a", "aaa"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("orders", "order"),
            ("orders", "orders.eu"),
            ("orders.*", "orders"),
            ("orders.*", "xorders.eu"),
            ("*.dead", "a.dead.b"),
            ("a*b*c", "acb"),
            ("orders", "Orders"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn what_no_queue_is_called_is_no_pattern() {
        for text in ["", "a b", "a/*", "ä", "[ab]", "a?", ".", &"x".repeat(81)] {
            assert_eq!(Pattern::read(text), None, "{text}");
        }
        for text in ["*", "**", ".*", "*.", "a.b", &"x".repeat(80)] {
            assert!(Pattern::read(text).is_some(), "{text}");
        }
        assert!(Pattern::read("**").expect("a pattern").is_all());
        assert!(!Pattern::read("a*").expect("a pattern").is_all());
    }

    proptest! {
        /// Beside a search that tries everything.
        #[test]
        fn as_if_every_way_were_tried(pattern in "[ab*]{1,8}", name in "[ab]{0,8}") {
            fn tried(pattern: &[u8], name: &[u8]) -> bool {
                match pattern.split_first() {
                    None => name.is_empty(),
                    Some((b'*', rest)) => (0..=name.len()).any(|skip| tried(rest, &name[skip..])),
                    Some((byte, rest)) => name.first() == Some(byte) && tried(rest, &name[1..]),
                }
            }
            prop_assert_eq!(matches(&pattern, &name), tried(pattern.as_bytes(), name.as_bytes()));
        }
    }
}
