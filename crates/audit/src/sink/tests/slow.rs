//! A disk that is slow and does not refuse: nobody waits for it who records, and no place is given beyond those there are.

use super::{PATIENCE, options, record};
use crate::{
    directory::{Append, Batch, Found, Standing},
    sink::Log,
};
use std::{
    io,
    sync::{
        Arc, Condvar, Mutex,
        mpsc::{SyncSender, sync_channel},
    },
};
use wardgate_model::{
    event::{EventSink, NoPlace, Place, Share},
    time::Time,
};

/// A disk that writes when it is let: each time it is asked it says so first.
struct Slow {
    open: Arc<(Mutex<bool>, Condvar)>,
    asked: SyncSender<usize>,
}

impl Append for Slow {
    fn append(&mut self, batch: &Batch, _: u64, _: Time) -> io::Result<()> {
        // Nobody may be listening any more.
        let _ = self.asked.try_send(batch.leaves.len());
        let (open, turned) = &*self.open;
        drop(turned.wait_while(open.lock().expect("whole"), |open| !*open).expect("whole"));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn bytes(&self) -> u64 {
        0
    }

    fn recount(&mut self) -> io::Result<u64> {
        Ok(0)
    }

    fn begin_another(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn is_old(&self, _: Time) -> bool {
        false
    }

    fn standing(&self) -> Option<Standing> {
        None
    }
}

#[test]
fn while_the_disk_is_slow_the_queue_fills_and_then_no_place_is_given() {
    const PLACES: usize = 5;
    let (asked, ask) = sync_channel(64);
    let open = Arc::new((Mutex::new(false), Condvar::new()));
    let disk = Box::new(Slow { open: Arc::clone(&open), asked });
    let (log, writer) =
        Log::start_with(disk, &Found { next_seq: 1, torn_bytes: 0 }, &options(PLACES), None, Arc::default(), None).expect("starts");
    let sink: Arc<dyn EventSink> = log.clone();
    // The first is being written: who records the others does not wait for it.
    record(&log).expect("a place");
    assert_eq!(ask.recv_timeout(PATIENCE), Ok(1));
    for _ in 1..PLACES {
        record(&log).expect("a place");
    }
    assert_eq!(Place::reserve(&sink, Share::Whole).map(|_| ()), Err(NoPlace), "`audit: required` refuses");
    assert_eq!(Place::reserve(&sink, Share::Half).map(|_| ()), Err(NoPlace), "a refusal is only counted");
    sink.count_dropped();
    let counters = log.counters();
    assert_eq!((counters.queued, counters.written, counters.dropped, counters.failing), (PLACES, 0, 1, false), "{counters:?}");

    *open.0.lock().expect("whole") = true;
    open.1.notify_all();
    // It was never refused anything: what is written gives its place back.
    assert_eq!(ask.recv_timeout(PATIENCE), Ok(PLACES - 1));
    let counters = writer.close(PATIENCE);
    assert_eq!((counters.written, counters.dropped, counters.lost, counters.queued), (PLACES as u64, 1, 0, 0), "{counters:?}");
}
