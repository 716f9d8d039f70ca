//! What a reservation costs: nanoseconds per request and per meter, over several shapes of limits. `cargo bench -p wardgate-abuse`.

#![expect(clippy::expect_used, reason = "a bench may stop where its own fixture is wrong")]

use wardgate_abuse::Limits;

#[expect(clippy::disallowed_methods, reason = "a bench measures time; nothing is ruled by it")]
fn nanoseconds(rounds: u32, mut run: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..7 {
        let begin = std::time::Instant::now();
        (0..rounds).for_each(|_| run());
        best = best.min(begin.elapsed().as_secs_f64() * 1e9 / f64::from(rounds));
    }
    best
}

fn main() {
    world::shapes(|name, meters, run| {
        let cost = nanoseconds(200_000, run);
        world::line(&format!("{name:<58} {cost:>7.0} ns a request {:>6.0} ns a meter", cost / f64::from(meters)));
    });
}

#[path = "../src/testing.rs"]
#[expect(dead_code, reason = "shared with the tests of the crate, which use more of it")]
mod testing;

mod world {
    //! The shapes that are measured.

    use super::testing;
    use std::{io::Write, sync::Arc};
    use wardgate_abuse::{FileJournal, Journal, MeterBounds, Meters, Unrecorded};
    use wardgate_model::time::Time;

    const RATE: &str = "rate=1000000000/1000ms burst=1000000000";
    const QUOTA: &str = "quota=1000000000000/month";

    /// Prints a line.
    pub(super) fn line(text: &str) {
        let _closed = writeln!(std::io::stdout(), "{text}");
    }

    /// Shows each shape: its name, how many meters a request takes from, and one request.
    pub(super) fn shapes(mut show: impl FnMut(&str, u32, &mut dyn FnMut())) {
        let caller = testing::facts("identity=ledger-sync credential=AAAAAAAAAAAA op=GET:/entries/{id}");
        let mut now = 1_800_000_000_000_000;
        let mut tick = move || {
            now += 3;
            Time::from_micros(now)
        };
        let cases = [
            ("one rate", 1, format!("name=a per=identity {RATE}")),
            ("two rates with concurrency", 2, format!("name=a per=identity {RATE} concurrency=10\nname=b per=api {RATE} concurrency=10")),
            ("one quota", 1, format!("name=a per=identity {QUOTA}")),
            (
                "two limits: rate, concurrency and quota each",
                4,
                format!("name=a per=identity {RATE} concurrency=10 {QUOTA}\nname=b per=api {RATE} concurrency=10 {QUOTA}"),
            ),
            (
                "two rates among 100,000 limits of other identities",
                2,
                (0..100_000)
                    .map(|n| format!("name=l{n} per=identity identity=i{n} {RATE}\n"))
                    .chain([format!("name=a per=identity {RATE}\nname=b per=api {RATE}\n")])
                    .collect::<String>(),
            ),
        ];
        for (name, count, text) in cases {
            let limits = testing::limits(&text);
            let meters = Meters::new(Arc::new(Unrecorded), MeterBounds::default());
            show(name, count, &mut || drop(meters.reserve(&limits, &caller, tick()).expect("a place").commit()));
        }
        let limits = testing::limits(&format!("name=a per=identity {RATE} concurrency=10\nname=b per=api {RATE} concurrency=10"));
        let meters = Meters::new(Arc::new(Unrecorded), MeterBounds::default());
        show("two rates with concurrency, and their states", 2, &mut || {
            let now = tick();
            let reservation = meters.reserve(&limits, &caller, now).expect("a place");
            assert!(!std::hint::black_box(reservation.states(now)).is_empty());
            drop(reservation.commit());
        });
        let limits = testing::limits(&format!("name=s per=source {RATE}"));
        show("room 3: one source", 1, &mut || meters.admit_source(&limits, caller.source.address, tick()).expect("a place"));
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [
            ("one quota, journaled in blocks of 256", "quota=1000000000000/month"),
            ("one quota of 1,000 a minute, journaled one by one", "quota=1000/minute"),
        ] {
            let (journal, _) = FileJournal::open(&folder.path().join(name), tick()).expect("a journal");
            let meters = Meters::new(Arc::new(journal) as Arc<dyn Journal>, MeterBounds::default());
            let limits = testing::limits(&format!("name=a per=identity {text}"));
            let mut minute = Time::from_seconds(1_800_000_000);
            let mut asked = 0_u32;
            show(name, 1, &mut || {
                asked += 1;
                if asked.is_multiple_of(1000) {
                    minute = minute + std::time::Duration::from_secs(60);
                }
                drop(meters.reserve(&limits, &caller, minute).expect("a place").commit());
            });
        }
    }
}
