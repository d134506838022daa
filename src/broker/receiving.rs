//! Receiving, and looking at messages without receiving them.

use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};

use super::waiting::{YieldNow, give_up};
use super::wakes::Stamped;
use super::{Broker, Delivered, Error, Named, attempts};
use crate::queue::{Delivery, Message, Millis, Request, TryReceiveError};

impl Broker {
    /// Receives messages; where none is ready, waits for one until `until` is done, and then returns
    /// none.
    ///
    /// Dropped before it is done, it has received nothing.
    ///
    /// # Errors
    /// When the queue was deleted.
    pub async fn receive(
        &self,
        queue: &Arc<Named>,
        request: Request,
        until: Option<impl Future<Output = ()>>,
    ) -> Result<Delivered, Error> {
        let mut received = Vec::new();
        while let Err(TryReceiveError::Busy) =
            queue.queue.try_receive(request, self.now(), &mut received)
        {
            YieldNow::default().await;
        }
        if let (true, Some(until)) = (received.is_empty(), until) {
            received = self.wait_to_receive(queue, request, until).await;
        }
        self.delivered(queue, request, received)
    }

    /// Receives messages, now: none, if none is ready. `None` where another thread is just at the
    /// next one: ask again.
    ///
    /// # Errors
    /// When the queue was deleted.
    pub fn try_receive(
        &self,
        queue: &Arc<Named>,
        request: Request,
        now: Millis,
    ) -> Result<Option<Delivered>, Error> {
        let mut received = Vec::new();
        match queue.queue.try_receive(request, now, &mut received) {
            Err(TryReceiveError::Busy) => Ok(None),
            Ok(()) | Err(TryReceiveError::Empty) => {
                self.delivered(queue, request, received).map(Some)
            }
        }
    }

    fn delivered(
        &self,
        queue: &Arc<Named>,
        request: Request,
        received: Vec<Delivery>,
    ) -> Result<Delivered, Error> {
        if received.is_empty() && queue.queue.is_closed() && !self.is_draining() {
            return Err(Error::NotFound(queue.name.clone()));
        }
        let take = request.lease.is_some_and(|lease| lease.is_zero());
        Ok(Delivered::new(Arc::clone(queue), received, take, self.clock))
    }

    /// As [`receive`](Self::receive), for a consumer of a FIFO queue that says which `attempt` it is. One
    /// that comes again within five minutes is given the same deliveries, their leases begun anew, if all
    /// of them are still in flight and nobody has touched them since.
    ///
    /// # Errors
    /// As for [`receive`](Self::receive).
    pub async fn receive_attempt(
        &self,
        queue: &Arc<Named>,
        request: Request,
        attempt: &str,
        until: Option<impl Future<Output = ()>>,
    ) -> Result<Delivered, Error> {
        let lease = request.lease.unwrap_or_else(|| queue.queue.settings().lease);
        if !queue.is_fifo() || lease.is_zero() {
            return self.receive(queue, request, until).await;
        }
        let now = self.now();
        if let Some(leased) = queue.attempts.find(attempt, now)
            && let Some(received) = queue.queue.renew(&leased, lease, now)
        {
            queue.attempts.renewed(attempt, leases(queue, &received), now);
            return Ok(Delivered::renewed(Arc::clone(queue), received, self.clock));
        }
        let delivered = self.receive(queue, request, until).await?;
        if !delivered.deliveries().is_empty() {
            // Nobody has the receipts yet, so nobody has touched them.
            queue.attempts.note(attempt, leases(queue, delivered.deliveries()), self.now());
        }
        Ok(delivered)
    }

    async fn wait_to_receive(
        &self,
        queue: &Named,
        request: Request,
        until: impl Future<Output = ()>,
    ) -> Vec<Delivery> {
        let mut until = pin!(until);
        let mut waiting = queue.queue.wait_to_receive(request);
        let stamped = queue.queue.is_counted().then(|| Stamped::new(self.clock));
        std::future::poll_fn(|context| {
            let mut poll = |context: &mut Context<'_>| waiting.poll(context, self.now());
            let (polled, woken) = match &stamped {
                Some(stamped) => stamped.poll(context, poll),
                None => (poll(context), None),
            };
            if let Poll::Ready(received) = polled {
                if let Some(ago) = woken.filter(|_| !received.is_empty()) {
                    queue.queue.count_wake(ago);
                }
                return Poll::Ready(received);
            }
            let over = self.is_draining() || queue.queue.is_closed();
            if over || until.as_mut().poll(context).is_ready() {
                return give_up(context, || waiting.give_up());
            }
            Poll::Pending
        })
        .await
    }

    /// Takes one message for good, now: what the classic face does.
    ///
    /// # Errors
    /// When none is ready. *Busy* is to be asked again.
    #[inline]
    pub fn try_take(&self, queue: &Named) -> Result<Message, TryReceiveError> {
        self.try_take_at(queue, self.now())
    }

    /// As [`try_take`](Self::try_take), for a request that came at `now`.
    ///
    /// # Errors
    /// As for [`try_take`](Self::try_take).
    #[inline]
    pub fn try_take_at(&self, queue: &Named, now: Millis) -> Result<Message, TryReceiveError> {
        queue.queue.try_take(now)
    }

    /// The first messages in line, without receiving them; see [`Queue::browse`](crate::queue::Queue::browse).
    /// Those behind the first that have more than `max_bytes` together are left out.
    pub fn browse(&self, queue: &Arc<Named>, max: usize, max_bytes: u64) -> Delivered {
        let _no_message_moves = self.moves.read().unwrap_or_else(PoisonError::into_inner);
        let mut looks = queue.queue.browse(max, self.now());
        let mut bytes = 0;
        let fit = looks.iter().take_while(|look| {
            bytes += look.message.size();
            bytes <= max_bytes
        });
        let fit = fit.count().max(1);
        looks.truncate(fit);
        Delivered::looked_at(Arc::clone(queue), looks, self.clock)
    }

    /// One message, wherever it is, without receiving it. Nothing, if it is gone or never was.
    pub fn find_message(&self, queue: &Arc<Named>, id: &str) -> Option<Delivered> {
        let id = queue.texts.id(id)?;
        let look = queue.queue.find_message(id, self.now())?;
        Some(Delivered::looked_at(Arc::clone(queue), vec![look], self.clock))
    }
}

/// When the leases of these deliveries end.
fn leases(queue: &Named, deliveries: &[Delivery]) -> attempts::Leased {
    let receipts = deliveries.iter().map(|delivery| delivery.receipt);
    receipts.map(|receipt| (receipt, queue.queue.lease_end(receipt).unwrap_or_default())).collect()
}
