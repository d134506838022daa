//! A future that lets the executor run its other tasks once, whichever executor that is.

use std::pin::Pin;
use std::task::{Context, Poll};

/// Pending at its first poll, with the task already woken; ready at its second.
#[derive(Default)]
pub(super) struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
