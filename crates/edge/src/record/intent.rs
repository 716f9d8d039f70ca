//! `audit: durable`: that a request goes to its upstream outlasts the machine before anything of it goes there.
//!
//! Who is stopped meanwhile goes nowhere, nor does who waits for longer than a disk takes that is well.

use super::{Exchange, Strike};
use std::{future::poll_fn, pin::Pin, task::Poll};
use tokio::sync::oneshot;
use wardgate_model::{event::EventKind, reason::Reason};

impl Exchange {
    /// Has the log say that it goes to its upstream, and waits until that outlasts the machine. Its end is told by another event then,
    /// whatever comes of it.
    ///
    /// # Errors
    /// With the reason for which nothing of it may go there: there is no place for the event, it could not be made durable in time, or
    /// its caller was stopped meanwhile.
    pub(crate) async fn intend(&self) -> Result<(), Reason> {
        let event = self.opened_event().ok_or(Reason::ForwardFault)?;
        let place = self.place_of_opened().ok_or(Reason::CommitNoRecord)?;
        self.kind.set(EventKind::Closed);
        let (told, mut heard) = oneshot::channel();
        // Nobody listens any more when the client has gone meanwhile.
        place.record_durable(
            event,
            Box::new(move |outcome| {
                let _nobody_hears = told.send(outcome);
            }),
        );
        let until = self.now() + self.thread().limits.durable;
        poll_fn(|cx| {
            match self.struck() {
                None => {}
                Some(Strike::Cut) => return Poll::Ready(Err(self.stopped())),
                Some(Strike::Client) => return Poll::Ready(Err(Reason::WireTimeout)),
                Some(Strike::Upstream) => return Poll::Ready(Err(Reason::CommitNoRecord)),
            }
            match Pin::new(&mut heard).poll(cx) {
                Poll::Ready(Ok(Ok(()))) => Poll::Ready(Ok(())),
                // Untold: the log has ended.
                Poll::Ready(Ok(Err(_)) | Err(_)) => Poll::Ready(Err(Reason::CommitNoRecord)),
                Poll::Pending => {
                    self.down.until(cx, until);
                    Poll::Pending
                }
            }
        })
        .await?;
        self.down.clear();
        // Who was stopped since the last look is found here.
        self.charge(0)
    }
}
