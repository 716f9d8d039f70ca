//! Who else sees each request's event: on the writing thread, never on a request's path.

use std::panic::{AssertUnwindSafe, catch_unwind};
use wardgate_model::event::Event;

/// What is shown each event of a request once, before its line is written. It must be quick: the log waits for it.
pub type Observer = Box<dyn FnMut(&Event) + Send>;

/// The observer in its place. One that breaks down is shown nothing any more; the log goes on.
pub(crate) struct Observing(Option<Observer>);

impl Observing {
    pub(crate) const fn new(observer: Option<Observer>) -> Self {
        Self(observer)
    }

    pub(crate) fn see(&mut self, event: &Event) {
        let Some(observer) = &mut self.0 else { return };
        // Whatever it left half done is dropped with it.
        if catch_unwind(AssertUnwindSafe(|| observer(event))).is_err() {
            tracing::error!("the observer of audit events broke down: use is not counted any more, the log goes on");
            self.0 = None;
        }
    }
}
