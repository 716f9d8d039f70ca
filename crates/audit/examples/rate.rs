//! How many events the log takes a second, with and without somebody who looks at each:
//! `cargo run --release -p wardgate-audit --example rate`. With `-- durable DIRECTORY`: how many requests of `audit: durable` the disk of
//! that directory lets through a second, by how many callers wait at once.

use std::{
    collections::HashMap,
    error::Error,
    io::Write as _,
    path::Path,
    sync::{Arc, Mutex, mpsc::sync_channel},
    thread,
    time::{Duration, Instant},
};
use wardgate_audit::{
    reading::{Filter, Since, tail},
    sink::{Log, Observer, Options},
};
use wardgate_model::{
    event::{CameOf, Ending, Event, EventKind, EventSink, NotDurable, Outcome, Place, Share},
    facts::{ContentFacts, Door, Facts, RequestFacts, SourceFacts},
    id::RequestId,
    reason::Reason,
    ruling::Ruling,
    time::Time,
};

const EVENTS: u32 = 200_000;
const ROUNDS: u32 = 5;
/// Callers that wait at once, and how long they go on asking.
const CALLERS: [u32; 4] = [1, 4, 16, 64];
const LASTS: Duration = Duration::from_secs(4);

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [word, directory] = words.as_slice() {
        if word != "durable" {
            return Err("what is measured is `durable` and a directory, or nothing is named".into());
        }
        for callers in CALLERS {
            let (rate, waited) = durable(Path::new(directory), callers)?;
            writeln!(out, "{callers:>2} callers: {rate:>7.0} durable requests/s, half of them after {:.2} ms", waited.as_secs_f64() * 1e3)?;
        }
        return Ok(());
    }
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

/// Requests a second of so many callers, each of which waits until its request outlasts the machine and then records how it ended; and how
/// long the median of them waited.
#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn durable(directory: &Path, callers: u32) -> Result<(f64, Duration), Box<dyn Error>> {
    let directory = tempfile::tempdir_in(directory)?;
    let (log, writer) = Log::start(directory.path(), &Options { queue_events: 65_536, ..Options::new("edge-1") })?;
    let sink: Arc<dyn EventSink> = Arc::clone(&log) as Arc<dyn EventSink>;
    let begun = Instant::now();
    let ask = |caller: u32| -> Result<Vec<Duration>, NotDurable> {
        let mut waited = Vec::new();
        while begun.elapsed() < LASTS {
            let [intent, end] = [(); 2].map(|()| Place::reserve(&sink, Share::Whole).map_err(|_| NotDurable));
            let (done, told) = sync_channel(1);
            let asked = Instant::now();
            let intent_of = Event { kind: EventKind::Opened, ..event(caller) };
            intent?.record_durable(intent_of, Box::new(move |outcome| done.send(outcome).unwrap_or(())));
            told.recv().unwrap_or(Err(NotDurable))?;
            waited.push(asked.elapsed());
            end?.record(event(caller));
        }
        Ok(waited)
    };
    let mut waited = thread::scope(|scope| {
        let asking: Vec<_> = (0..callers)
            .map(|caller| {
                scope.spawn({
                    let ask = &ask;
                    move || ask(caller)
                })
            })
            .collect();
        let asked = asking.into_iter().map(|asked| asked.join().unwrap_or(Err(NotDurable)));
        asked.collect::<Result<Vec<_>, _>>()
    })?
    .concat();
    let seconds = begun.elapsed().as_secs_f64();
    let _counters = writer.close(Duration::from_secs(60));
    waited.sort_unstable();
    let median = waited.get(waited.len() / 2).copied().unwrap_or_default();
    Ok((u32::try_from(waited.len()).map(f64::from)? / seconds, median))
}

/// Fills the log as fast as it gives places, and waits until all is on disk.
#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn rate(observer: Option<Observer>) -> Result<f64, Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let options = Options { queue_events: 65_536, ..Options::new("edge-1") };
    let (log, writer) = match observer {
        Some(observer) => Log::start_observed(directory.path(), &options, observer)?,
        None => Log::start(directory.path(), &options)?,
    };
    let sink: Arc<dyn EventSink> = Arc::clone(&log) as Arc<dyn EventSink>;
    let begun = Instant::now();
    for number in 0..EVENTS {
        let place = loop {
            match Place::reserve(&sink, Share::Whole) {
                Ok(place) => break place,
                Err(_full) => thread::yield_now(),
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
            source: SourceFacts { user_agent: Some("rate/1".into()), ..SourceFacts::at([10, b & 3, c & 15, d].into()) },
            request: RequestFacts {
                method: http::Method::GET,
                host: "ledger.example".into(),
                path: "/ledger/entries/7".into(),
                query: None,
                content_type: None,
                length: None,
                retry: None,
                content: ContentFacts::default(),
            },
            api: None,
            operation: None,
            resource: None,
            caller: None,
            unknown: None,
            assessed: None,
            purpose: None,
            stopped: None,
        },
        ruling: Ruling::refused(Reason::RouteNoApi),
        outcome: Outcome {
            end: time,
            ending: Ending::Complete,
            client_status: Some(404),
            upstream: None,
            effect: None,
            came_of: CameOf::default(),
        },
        snapshot: 1,
        judge_order: u64::from(number),
    }
}
