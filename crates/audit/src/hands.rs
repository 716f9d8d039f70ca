//! Working on many things at once, and taking what comes of them in their order: what is found does not depend on how many work.

use std::{io, num::NonZeroUsize, ops::ControlFlow, sync::mpsc::sync_channel, thread};

/// Things that are worked on at once at most: each takes a thread, and memory for what is read.
pub(crate) const HANDS_MAX: NonZeroUsize = NonZeroUsize::MIN.saturating_add(15);
/// Results of one hand that may wait for those before them.
const AHEAD: usize = 2;

/// As many as the machine has processors for.
pub(crate) fn all() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN).min(HANDS_MAX)
}

/// Works on things, as many at once as there are hands, and takes the results in the order of the things until one is the last that
/// is wanted. One hand is the thread of the caller.
///
/// # Errors
/// When the system has no more threads.
pub(crate) fn in_order<T: Sync, R: Send>(
    hands: NonZeroUsize,
    things: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut take: impl FnMut(R) -> ControlFlow<()>,
) -> io::Result<()> {
    let hands = hands.min(HANDS_MAX).get().min(things.len());
    if hands <= 1 {
        let _stopped = things.iter().try_for_each(|thing| take(work(thing)));
        return Ok(());
    }
    thread::scope(|scope| {
        let mut results = Vec::with_capacity(hands);
        for hand in 0..hands {
            let (done, result) = sync_channel(AHEAD);
            let (work, share) = (&work, things.iter().skip(hand).step_by(hands));
            // Nobody listens any more when enough was taken.
            let working = move || share.map(work).try_for_each(|made| done.send(made)).unwrap_or(());
            thread::Builder::new().name("wardgate-hand".to_owned()).spawn_scoped(scope, working)?;
            results.push(result);
        }
        // A hand that broke down says so when all have ended.
        let mut made = results.iter().cycle().take(things.len()).map_while(|result| result.recv().ok());
        let _stopped = made.try_for_each(take);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::{HANDS_MAX, in_order};
    use std::{num::NonZeroUsize, ops::ControlFlow};

    fn taken(hands: usize, things: &[u64], until: u64) -> Vec<u64> {
        let mut taken = Vec::new();
        in_order(
            NonZeroUsize::new(hands).expect("hands"),
            things,
            |thing| thing * 10,
            |made| {
                taken.push(made);
                if made >= until { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        )
        .expect("threads");
        taken
    }

    #[test]
    fn results_come_in_the_order_of_the_things_and_end_where_they_are_enough() {
        let things: Vec<u64> = (0..100).collect();
        let all: Vec<u64> = (0..100).map(|thing| thing * 10).collect();
        for hands in [1, 2, 3, 7, 100, 1000] {
            assert_eq!(taken(hands, &things, u64::MAX), all, "{hands} hands");
            assert_eq!(taken(hands, &things, 300), all[..=30], "{hands} hands");
            assert_eq!(taken(hands, &[], u64::MAX), [0; 0], "{hands} hands");
            assert_eq!(taken(hands, &[4], u64::MAX), [40], "{hands} hands");
        }
        assert_eq!(HANDS_MAX.get(), 16);
    }
}
