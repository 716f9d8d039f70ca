//! How many events the log takes a second, with and without somebody who looks at each:
//! `cargo run --release -p wardgate-audit --example rate`.

use std::{
    collections::HashMap,
    io::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};
use wardgate_audit::{
    reading::{Filter, Since, tail},
    sink::{Log, Observer, Options},
};
use wardgate_model::{
    event::{Ending, Event, EventKind, EventSink, Outcome, Place, Share},
    facts::{Door, Facts, RequestFacts, SourceFacts},
    id::RequestId,
    reason::Reason,
    ruling::Ruling,
    time::Time,
};

const EVENTS: u32 = 200_000;
const ROUNDS: u32 = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout().lock();
    for round in 0..ROUNDS {
        let counts: Arc<Mutex<HashMap<std::net::IpAddr, u64>>> = Arc::default();
        let watching = Arc::clone(&counts);
        let observer: Observer = Box::new(move |event| {
            if let Ok(mut counts) = watching.lock() {
                *counts.entry(event.facts.source.address).or_default() += 1;
            }
        });
        writeln!(out, "round {round}: alone {:>8.0} events/s, observed {:>8.0} events/s", rate(None)?, rate(Some(observer))?)?;
    }
    Ok(())
}

/// Fills the log as fast as it gives places, and waits until all is on disk.
#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn rate(observer: Option<Observer>) -> Result<f64, Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let options = Options { queue_events: 65_536, ..Options::new("edge-1") };
    let (log, writer) = match observer {
        Some(observer) => Log::start_observed(directory.path(), &options, observer)?,
        None => Log::start(directory.path(), &options)?,
    };
    let sink: Arc<dyn EventSink> = Arc::clone(&log) as Arc<dyn EventSink>;
    let begun = std::time::Instant::now();
    for number in 0..EVENTS {
        let place = loop {
            match Place::reserve(&sink, Share::Whole) {
                Ok(place) => break place,
                Err(_full) => std::thread::yield_now(),
            }
        };
        place.record(event(number));
    }
    let written = writer.close(Duration::from_secs(60)).written;
    let seconds = begun.elapsed().as_secs_f64();
    assert_eq!(written, u64::from(EVENTS));
    assert_eq!(tail(directory.path(), &Filter::default(), &Since::Newest, 1)?.events.len(), 1);
    Ok(f64::from(EVENTS) / seconds)
}

fn event(number: u32) -> Event {
    let time = Time::from_seconds(1_790_000_000) + Duration::from_micros(u64::from(number));
    let [_, b, c, d] = number.to_be_bytes();
    Event {
        kind: EventKind::Request,
        facts: Facts {
            id: RequestId::new(time, u128::from(number)),
            time,
            door: Door::Public,
            trace: None,
            source: SourceFacts { address: [10, b & 3, c & 15, d].into(), zone: None, user_agent: Some("rate/1".into()) },
            request: RequestFacts {
                method: http::Method::GET,
                host: "ledger.example".into(),
                path: "/ledger/entries/7".into(),
                query: None,
                content_type: None,
                length: None,
            },
            api: None,
            operation: None,
            resource: None,
            caller: None,
            unknown: None,
            purpose: None,
            stopped: None,
        },
        ruling: Ruling::refused(Reason::RouteNoApi),
        outcome: Outcome { end: time, ending: Ending::Complete, client_status: Some(404), upstream: None, effect: None },
        snapshot: 1,
        judge_order: u64::from(number),
    }
}
