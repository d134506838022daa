//! Messages on their way to a consumer.

use std::sync::Arc;

use super::named::Named;
use super::receipt::{ID_LENGTH, RECEIPT_LENGTH};
use crate::clock::Clock;
use crate::queue::Delivery;

/// Messages that a consumer is about to get. Dropped before it is [passed on](Self::passed_on), they
/// go back to the front of the line, not counted: nobody saw them.
pub struct Delivered {
    queue: Arc<Named>,
    deliveries: Vec<Delivery>,
    /// Whether they are gone as soon as they were passed on: a lease of zero.
    take: bool,
    clock: Clock,
    passed_on: bool,
    /// Whether they stay where they are.
    looked_at: bool,
}

impl Delivered {
    pub(super) fn new(
        queue: Arc<Named>,
        deliveries: Vec<Delivery>,
        take: bool,
        clock: Clock,
    ) -> Self {
        Self { queue, deliveries, take, clock, passed_on: false, looked_at: false }
    }

    /// Messages that their consumer may have already: they stay with him, whatever becomes of this.
    pub(super) fn renewed(queue: Arc<Named>, deliveries: Vec<Delivery>, clock: Clock) -> Self {
        Self { queue, deliveries, take: false, clock, passed_on: true, looked_at: false }
    }

    /// Messages that stay where they are.
    pub(super) fn looked_at(queue: Arc<Named>, looks: Vec<Delivery>, clock: Clock) -> Self {
        Self { queue, deliveries: looks, take: false, clock, passed_on: true, looked_at: true }
    }

    /// The messages, in order.
    pub fn deliveries(&self) -> &[Delivery] {
        &self.deliveries
    }

    /// Whether the consumer has to say what becomes of the messages.
    pub fn needs_receipts(&self) -> bool {
        !self.take && !self.looked_at
    }

    /// The queue they come from.
    pub fn queue(&self) -> &Named {
        &self.queue
    }

    /// The receipt of one of them, as text.
    pub fn receipt(&self, delivery: &Delivery) -> [u8; RECEIPT_LENGTH] {
        self.queue.texts.of_receipt(delivery.receipt)
    }

    /// The id of one of them, as text.
    pub fn id(&self, delivery: &Delivery) -> [u8; ID_LENGTH] {
        self.queue.texts.of_id(delivery.id)
    }

    /// The consumer gets them now.
    pub fn passed_on(mut self) {
        self.passed_on = true;
        if self.take {
            let receipts = self.deliveries.iter().map(|delivery| delivery.receipt);
            // Refused only where the queue was purged meanwhile.
            self.queue.queue.ack_batch(receipts, self.clock.now(), |_| {});
        }
    }
}

impl Drop for Delivered {
    fn drop(&mut self) {
        if !self.passed_on {
            let now = self.clock.now();
            for delivery in &self.deliveries {
                // Refused only where the lease ran out or the queue was purged meanwhile.
                let _ = self.queue.queue.take_back(delivery.receipt, now);
            }
        }
    }
}
