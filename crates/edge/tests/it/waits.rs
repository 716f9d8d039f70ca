//! Who calls before `Retry-After` is over, as a client of a real door: what the upstream asked for is known to the watch.

use crate::{
    edge::{Setup, StandingClock, said},
    upstream::{Play, Upstream},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use wardgate_model::{event::Event, risk::Signal};

fn deaf(event: &Event) -> Option<(u32, u8)> {
    event.ruling.signals.iter().find(|part| part.signal == Signal::Deaf).map(|part| (part.value, part.weight))
}

#[test]
fn what_an_upstream_asks_for_is_heard_of() {
    static CLOCK: StandingClock = StandingClock::new();
    let busy = Arc::new(AtomicBool::new(false));
    let upstream = Upstream::start({
        let busy = Arc::clone(&busy);
        move |_| {
            let answer: &[u8] = if busy.load(Ordering::SeqCst) {
                b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n"
            } else {
                b"HTTP/1.1 200 OK\r\nRetry-After: 30\r\nContent-Length: 2\r\n\r\nok"
            };
            Play::Answer(answer.to_vec())
        }
    });
    let edge = Setup::before(&upstream).clock(|| CLOCK.now()).one_thread().on_record(|_, limit| limit.rate = None).start();
    let request = format!("GET /guarded HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n", edge.key);
    let mut calls = 0;
    let mut call = |then: Duration| {
        let status = said(&edge.raw(&request));
        calls += 1;
        // Only when its event is there is it over.
        let event = deaf(&edge.sink.wait(calls)[calls - 1]);
        CLOCK.forward(then);
        (status, event)
    };
    // For a day it is only learned; an answer that is good asks for nothing.
    for _ in 0..40 {
        assert_eq!(call(Duration::from_mins(40)), ("200".to_owned(), None));
        assert_eq!(call(Duration::from_secs(3)), ("200".to_owned(), None));
    }
    busy.store(true, Ordering::SeqCst);
    // Who waits for as long as it was told is not deaf, however often.
    for _ in 0..20 {
        assert_eq!(call(Duration::from_secs(31)), ("429".to_owned(), None));
    }
    let told: Vec<_> = (0..12).map(|_| call(Duration::from_secs(3)).1).collect();
    assert_eq!(told[..10], [None; 10], "{told:?}");
    assert_eq!(told[10..], [Some((10, 10)), Some((11, 10))]);
}
