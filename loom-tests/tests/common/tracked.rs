//! A value that counts its drops; included by the models.

use std::cell::RefCell;

use loom_tests::spec::Tag;

use crate::perform::Tagged;

/// Its tag, and nothing that a read of memory without a value could follow anywhere.
pub struct Tracked(Tag);

const TAGS: usize = 100;

thread_local! {
    // The threads of a model all run on the one thread that runs the model.
    static ALIVE: RefCell<[i8; TAGS]> = const { RefCell::new([0; TAGS]) };
}

impl Tagged for Tracked {
    fn new(tag: Tag) -> Self {
        ALIVE.with_borrow_mut(|alive| alive[usize::from(tag)] += 1);
        Self(tag)
    }

    fn tag(&self) -> Tag {
        self.0
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        ALIVE.with_borrow_mut(|alive| alive[usize::from(self.0)] -= 1);
    }
}

/// Begins a run: nothing is alive.
pub fn forget_all() {
    ALIVE.set([0; TAGS]);
}

/// Ends a run: every value that was made has been dropped, and none twice.
pub fn assert_all_dropped_once() {
    ALIVE.with_borrow(|alive| {
        for (tag, count) in alive.iter().enumerate() {
            assert_eq!(*count, 0, "values of tag {tag} made but not dropped, or dropped twice");
        }
    });
}
