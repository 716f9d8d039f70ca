//! Who is to be slow waits here, and is in nobody's way.
//!
//! What waits has its connection, its head and what it reserved: neither the place of an event nor a byte of its body. So many wait on a
//! thread, and so many of one source in the whole process; whoever comes beyond that is told at once to come again (429, `Retry-After`).

use crate::{
    pause::rest,
    record::Exchange,
    sources::Entrance,
    thread::{Slowed, Thread},
};
use wardgate_model::time::Time;

/// The place of a request that waits.
struct Place<'a> {
    slowed: &'a Slowed,
    thread: &'a Thread,
    _of_source: Entrance,
}

impl<'a> Place<'a> {
    fn take(exchange: &Exchange, thread: &'a Thread) -> Option<Self> {
        let (slowed, limits) = (&thread.slowed, &thread.limits);
        if slowed.here.get() >= limits.slowed_max {
            return None;
        }
        let of_source = slowed.sources.enter(exchange.peer(), limits.slowed_source_max, thread.now())?;
        slowed.here.set(slowed.here.get() + 1);
        thread.metrics.slowing(1);
        Some(Self { slowed, thread, _of_source: of_source })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.slowed.here.set(self.slowed.here.get().saturating_sub(1));
        self.thread.metrics.slowing(-1);
    }
}

/// Waits until then, by the clock of the thread, or until the doors close. `false`: there is no room for one more who waits.
pub(crate) async fn wait(exchange: &Exchange, until: Time) -> bool {
    let thread = exchange.thread();
    let Some(place) = Place::take(exchange, thread) else {
        thread.metrics.unslowed();
        return false;
    };
    rest(thread, until.min(thread.now() + thread.limits.slow_max)).await;
    drop(place);
    true
}
