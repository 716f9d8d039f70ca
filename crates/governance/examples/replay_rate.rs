//! How many recorded calls are replayed a second, on one core: `cargo run --release -p wardgate-governance --example replay_rate`, with
//! `-- CALLS CALLERS` for another log than one of a million calls by 2,000 callers. The log is made in memory, in the combined format.

use std::{
    error::Error,
    fmt::Write as _,
    io::{self, Read, Write as _},
    sync::Arc,
    time::Instant,
};
use wardgate_governance::traffic::{Files, Format, Mapping, Reading, Settings, Years, replay};

const AGENTS: [&str; 4] =
    ["curl/8.5.0", "python-requests/2.31", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)", "okhttp/4.12"];

/// The same numbers for the same seed.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// Calls of so many callers over a day, a little out of order; most by few of them.
fn log(calls: u64, callers: u64) -> Result<String, std::fmt::Error> {
    let (mut text, mut state) = (String::new(), 7);
    for call in 0..calls {
        let second = (call * 86_000 / calls).saturating_sub(next(&mut state) % 3);
        let reach = 1 + next(&mut state) % callers;
        let caller = next(&mut state) % reach;
        let (thing, agent) = (next(&mut state) % 5_000, AGENTS.get(usize::try_from(caller % 4).unwrap_or(0)).copied().unwrap_or_default());
        let target = match next(&mut state) % 5 {
            0 => "/orders?page=2".to_owned(),
            1 => format!("/orders/{thing}/items"),
            2 => format!("/customers/{thing}"),
            3 => "/catalogue/search?q=a".to_owned(),
            _ => format!("/orders/{thing}"),
        };
        writeln!(
            text,
            "10.{}.{}.{} - - [01/Mar/2026:{:02}:{:02}:{:02} +0000] \"GET {target} HTTP/1.1\" 200 {} \"-\" \"{agent}\"",
            caller >> 16 & 255,
            caller >> 8 & 255,
            caller & 255,
            second / 3_600,
            second / 60 % 60,
            second % 60,
            400 + thing,
        )?;
    }
    Ok(text)
}

#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<u64> = std::env::args().skip(1).map(|word| word.parse()).collect::<Result<_, _>>()?;
    let (calls, callers) = (words.first().copied().unwrap_or(1_000_000), words.get(1).copied().unwrap_or(2_000).max(1));
    let text: Arc<[u8]> = log(calls, callers)?.into_bytes().into();
    let open = |_: usize| -> io::Result<Box<dyn Read>> { Ok(Box::new(io::Cursor::new(Arc::clone(&text)))) };
    let files = Files { names: vec!["made".to_owned()], open: &open };
    let reading = Reading { format: Format::Combined, mapping: Arc::new(Mapping::new([])?), years: Years::All(2000) };
    let mut out = io::stdout().lock();
    for round in 1..=3 {
        let begin = Instant::now();
        let report = replay(&files, &Settings { reading: reading.clone(), top: 20 }, None)?;
        let seconds = begin.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate, for people")]
        let rate = report.calls as f64 / seconds;
        let (calls, callers) = (report.calls, report.callers.count);
        writeln!(out, "round {round}: {calls} calls by {callers} callers in {seconds:.2} s, both looks: {rate:.0} calls/s")?;
    }
    Ok(())
}
