//! The event log of a gate that is killed: what it may lack, and that the next one says so.

use crate::{
    evidence::{VERIFY, sealing},
    gate::{Place, until},
    http::bearer,
    process::wardgate,
    upstream::Upstream,
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

/// The window of the log, and what the threads of a machine that has other things to do may take to get there.
const AT_MOST: Duration = Duration::from_secs(2);

#[expect(clippy::disallowed_methods, reason = "a client has a clock of its own")]
fn now() -> Instant {
    Instant::now()
}

/// What a caller was answered, and when.
type Answered = Vec<(String, Instant)>;

/// Asks until the gate is gone.
fn ask_until_it_ends(public: SocketAddr, key: &str) -> Answered {
    let mut socket = TcpStream::connect(public).unwrap();
    let ask = format!("GET /shop/things HTTP/1.1\r\nHost: a\r\nAuthorization: {key}\r\n\r\n");
    let (mut answered, mut piece, mut text) = (Vec::new(), [0; 4096], String::new());
    while socket.write_all(ask.as_bytes()).is_ok() {
        text.clear();
        // The upstream's answers are short: head and body come whole, or the gate is gone.
        while !is_whole(&text) {
            match socket.read(&mut piece) {
                Ok(count) if count > 0 => text.push_str(&String::from_utf8_lossy(&piece[..count])),
                _ => return answered,
            }
        }
        let field =
            text.lines().find_map(|line| line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("wardgate-request-id")));
        answered.push((field.expect("an id").1.to_owned(), now()));
    }
    answered
}

fn is_whole(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return false };
    let field = head.lines().find_map(|line| line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("content-length")));
    body.len() >= field.expect("a length").1.parse::<usize>().unwrap()
}

/// A gate that is killed in the midst of requests loses nothing that was signed, gives no number twice, records no event twice, and
/// lacks only what it answered last, within the window before. The next one says that it was killed.
#[test]
fn killed_again_and_again_under_load_the_log_stays_whole_and_lacks_at_most_a_window() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    sealing(&place, 40);
    let (mut key, mut answered, mut signed_before) = (None, Vec::new(), 0);
    for _ in 0..3 {
        let gate = place.serve();
        let key = key.get_or_insert_with(|| bearer(&place.issue(&gate, "caller").1)).clone();
        let public = gate.public;
        thread::scope(|scope| {
            let callers: Vec<_> = (0..2).map(|_| scope.spawn(|| ask_until_it_ends(public, &key))).collect();
            // Killed once something was sealed and something signed in this run, and nobody has stopped asking.
            until("a sealed segment", || gate.metric("wardgate_audit_sealed_total").filter(|sealed| *sealed > 0));
            until("events on disk", || gate.metric("wardgate_audit_written_total").filter(|written| *written > 60));
            let asked = now();
            until("answers that are to be on record", || (now() > asked + AT_MOST).then_some(()));
            let killed = now();
            gate.kill();
            answered.extend(callers.into_iter().map(|caller| (caller.join().unwrap(), killed)));
        });
        let said = wardgate(place.path(), &VERIFY).with(0).json();
        let events = said["events"]["sealed"].as_u64().unwrap() + said["events"]["in_tail"].as_u64().unwrap();
        assert!(events > signed_before, "{said}");
        signed_before = events;
    }
    let events = place.events();
    let numbers: Vec<u64> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let recorded: Vec<&str> = events.iter().filter_map(|event| event["request_id"].as_str()).collect();
    let once: BTreeSet<&str> = recorded.iter().copied().collect();
    assert_eq!(once.len(), recorded.len(), "no event twice");
    for (answered, killed) in &answered {
        let early = answered.iter().filter(|(_, at)| *at + AT_MOST < *killed).count();
        assert!(early > 10, "{early} of {}: it was asked for long enough", answered.len());
        let on_record: Vec<bool> = answered.iter().map(|(id, _)| once.contains(id.as_str())).collect();
        let first_lost = on_record.iter().position(|is| !is).unwrap_or(answered.len());
        assert!(first_lost >= early, "{first_lost} of {early} that were answered more than a window before");
        assert!(on_record[first_lost..].iter().all(|is| !is), "what is lost of a caller is the last of it");
    }
    assert_eq!(runs(&events), ["start", "start", "crash", "start", "crash"]);

    // Who ends by itself says so, and the next one says nothing.
    let gate = place.serve();
    assert_eq!(gate.metric("wardgate_audit_after_crash"), Some(1));
    assert_eq!(gate.end().0, Some(0));
    let gate = place.serve();
    assert_eq!(gate.metric("wardgate_audit_after_crash"), Some(0));
    assert_eq!(gate.end().0, Some(0));
    let events = place.events();
    assert_eq!(runs(&events)[5..], ["start", "crash", "stop", "start", "stop"]);
    let crash = events.iter().find(|event| event["change"]["what"] == "crash").unwrap();
    assert_eq!(crash["change"]["reason"], "the run before did not end by itself: up to 100 ms of events may be missing before this one");
}

/// What was done to runs.
fn runs(events: &[Value]) -> Vec<&str> {
    events.iter().filter(|event| event["change"]["kind"] == "run").filter_map(|event| event["change"]["what"].as_str()).collect()
}
