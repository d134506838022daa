//! The ring on real threads. `loom-tests` has its models.
//!
//! Each module shrinks under miri, which runs this binary too (`loom-tests/miri`), and so does
//! ThreadSanitizer (`loom-tests/tsan`).

use ringmq::ring;

mod basics;
mod drops;
mod histories;
#[path = "../../loom-tests/tests/common/perform.rs"]
mod perform;
mod sequential;
mod stress;

/// How often to do something: less often under miri, which is hundreds of times slower.
const fn times(native: usize, miri: usize) -> usize {
    if cfg!(miri) { miri } else { native }
}

impl perform::Tagged for loom_tests::spec::Tag {
    fn new(tag: Self) -> Self {
        tag
    }

    fn tag(&self) -> Self {
        *self
    }
}
