//! What a replay makes of a real log, beside the floor: what one static limit would have done with it.
//! `cargo run --release -p wardgate-governance --example floor -- sshd auth.log` (or `combined access.log`; unpacked).
//!
//! Nobody labelled such logs. Of logins the log itself tells enough: a source that failed five times or more and never came in is taken for one that
//! guesses, one that came in at least once for an honest one. Of other logs only who is told of can be said.

use std::{
    collections::BTreeMap,
    error::Error,
    fs::File,
    io::{self, Read, Write as _},
    sync::Arc,
};
use wardgate_governance::traffic::{
    Files, Format, Mapping, Reading, Settings, Years,
    reader::{Reader, Told},
    replay,
};

/// The static limit: so many calls a minute for each source.
const LIMIT: u64 = 10;
/// The same where calls are no logins.
const LIMIT_OF_CALLS: u64 = 60;
/// From this risk on somebody is told.
const TOLD: u8 = 30;
/// Failed logins that make a source one that guesses.
const GUESSES: u64 = 5;

/// A source, by what its log says of it.
#[derive(Debug, Default, Clone, Copy)]
struct Source {
    calls: u64,
    failed: u64,
    minute: i64,
    in_minute: u64,
    /// What the static limit refused; of these, what came in.
    over: u64,
    honest_over: u64,
}

/// What something did with the sources of a kind.
#[derive(Debug, Default)]
struct Row {
    sources: u64,
    met: u64,
    calls: u64,
    refused: u64,
}

type Is<'s> = &'s dyn Fn(&Source) -> bool;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [format, path] = words.as_slice() else { return Err("floor FORMAT FILE".into()) };
    let format = Format::parse(format).ok_or("no format of this name")?;
    let reading = Reading { format, mapping: Arc::new(Mapping::new([])?), years: Years::All(2025) };
    let limit = if format == Format::Sshd { LIMIT } else { LIMIT_OF_CALLS };
    let mut sources: BTreeMap<String, Source> = BTreeMap::new();
    let mut reader = Reader::new(File::open(path)?, &reading, 0);
    while let Some(told) = reader.read_on()? {
        let Told::Call(call) = told else { continue };
        let source = sources.entry(call.source.to_string()).or_default();
        let (minute, times) = (call.time.as_seconds().div_euclid(60), u64::from(call.times));
        if source.minute != minute {
            (source.minute, source.in_minute) = (minute, 0);
        }
        let failed = call.status.is_some_and(|status| status >= 400);
        source.in_minute += times;
        let over = source.in_minute.saturating_sub(limit).min(times);
        source.calls += times;
        source.failed += if failed { times } else { 0 };
        source.over += over;
        source.honest_over += if failed { 0 } else { over };
    }
    let open = |_: usize| -> io::Result<Box<dyn Read>> { Ok(Box::new(File::open(path)?)) };
    let files = Files { names: vec![path.clone()], open: &open };
    let report = replay(&files, &Settings { reading, top: usize::MAX }, None)?;

    let guesses = |source: &Source| format == Format::Sshd && source.failed >= GUESSES && source.failed == source.calls;
    let honest = |source: &Source| format != Format::Sshd || source.failed < source.calls;
    let mut out = io::stdout().lock();
    writeln!(out, "{:<34} {:>8} {:>8} {:>8} {:>8}", "", "sources", "met", "calls", "refused")?;
    let kinds: [(&str, Is<'_>); 2] = [("that guess", &guesses), ("others, at least once let in", &honest)];
    for (kind, is) in kinds {
        let (mut ours, mut floor) = (Row::default(), Row::default());
        for (name, source) in sources.iter().filter(|(_, source)| is(source)) {
            let ruled = report.identities.iter().find(|identity| identity.name == *name);
            let refused = ruled.map_or(0, |identity| identity.rulings.block + identity.rulings.challenge);
            let met = ruled.is_some_and(|identity| identity.risk_max >= TOLD);
            for (row, met, refused) in [(&mut ours, met, refused), (&mut floor, source.over > 0, source.over)] {
                row.sources += 1;
                row.met += u64::from(met);
                row.calls += source.calls;
                row.refused += refused;
            }
        }
        let by_limit = format!("one limit of {limit} a minute");
        for (by, row) in [("this judge", &ours), (by_limit.as_str(), &floor)] {
            writeln!(out, "{:<34} {:>8} {:>8} {:>8} {:>8}", format!("{kind}: {by}"), row.sources, row.met, row.calls, row.refused)?;
        }
    }
    let came_in: u64 = sources.values().map(|source| source.honest_over).sum();
    writeln!(out, "calls that went well and the limit refuses: {came_in}")?;
    let wrongly = report.identities.iter().filter_map(|identity| {
        let source = sources.get(&identity.name)?;
        Some((source.calls - source.failed).min(identity.rulings.block))
    });
    writeln!(out, "calls that went well and this judge refuses, at the most: {}", wrongly.sum::<u64>())?;
    Ok(())
}
