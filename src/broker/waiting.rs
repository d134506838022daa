//! What operations that may wait share.

use std::pin::Pin;
use std::task::{Context, Poll};

/// Gives up a place in line, or asks to be polled again where another thread is just at it.
pub(super) fn give_up<T>(
    context: &mut Context<'_>,
    give_up: impl FnOnce() -> Option<T>,
) -> Poll<T> {
    match give_up() {
        Some(result) => Poll::Ready(result),
        None => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    }
}

/// Lets the executor run its other tasks once, whichever executor that is.
#[derive(Default)]
pub(crate) struct YieldNow {
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
