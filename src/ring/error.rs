//! Why the ring said no. A refused value always comes back.
//!
//! Spelt out, without `thiserror`, because the ring needs nothing but `crossbeam-utils`.

use std::fmt;

macro_rules! refusal {
    ($(#[$doc:meta])* $name:ident<T> { $($(#[$variant_doc:meta])* $variant:ident => $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub enum $name<T> { $($(#[$variant_doc])* $variant(T),)+ }

        impl<T> $name<T> {
            /// The value that was not pushed.
            pub fn into_inner(self) -> T {
                match self { $(Self::$variant(value) => value,)+ }
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant(_) => concat!(stringify!($variant), "(..)"),)+ })
            }
        }

        impl<T> fmt::Display for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant(_) => $text,)+ })
            }
        }

        impl<T> std::error::Error for $name<T> {}
    };
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $text,)+ })
            }
        }

        impl std::error::Error for $name {}
    };
}

refusal! {
    /// Why [`push`](super::RingBuffer::push) or [`force_push`](super::RingBuffer::force_push) gave
    /// the value back.
    PushError<T> {
        /// Every slot holds a value that was pushed and not yet popped.
        Full => "the ring is full",
        /// The ring was closed; no push will succeed again.
        Closed => "the ring is closed",
    }
}

refusal! {
    /// Why [`try_push`](super::RingBuffer::try_push) gave the value back.
    TryPushError<T> {
        /// Every slot holds a value that was pushed and not yet popped.
        Full => "the ring is full",
        /// There is room, but a consumer is still moving the value out of the slot in turn.
        Busy => "a consumer is inside its claim window",
        /// The ring was closed; no push will succeed again.
        Closed => "the ring is closed",
    }
}

refusal! {
    /// Why [`pop`](super::RingBuffer::pop) returned no value.
    PopError {
        /// No value is in the ring.
        Empty => "the ring is empty",
        /// The ring was closed and everything in it has been popped; no pop will succeed again.
        Closed => "the ring is closed and empty",
    }
}

refusal! {
    /// Why [`try_pop`](super::RingBuffer::try_pop) returned no value.
    TryPopError {
        /// No value is in the ring.
        Empty => "the ring is empty",
        /// A value is in the ring, but its producer is still moving it into the slot in turn.
        Busy => "a producer is inside its claim window",
        /// The ring was closed and everything in it has been popped; no pop will succeed again.
        Closed => "the ring is closed and empty",
    }
}

refusal! {
    /// Why a ring of the asked capacity was not made.
    CapacityError {
        /// A ring has at least one slot.
        Zero => "capacity must be at least 1",
        /// More slots than [`MAX_CAPACITY`](super::RingBuffer::MAX_CAPACITY), 2^31.
        TooLarge => "capacity must be at most 2147483648",
        /// The allocator has no memory of that size to give.
        OutOfMemory => "capacity is more than memory can hold",
    }
}
