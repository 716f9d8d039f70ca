//! Weeks of somebody's log, replayed through the judge: one of six alike takes a third more than it used to, day after day, and never much at
//! a time. Then it is stopped for good, where it calls.

use super::Scene;
use crate::{
    commands::replay::{
        page::page,
        traffic::{installation, replayed},
    },
    demo::{
        caller::{Call, Protocol},
        play::{Play, Side, Want},
        stage::Stage,
    },
};
use anyhow::Context as _;
use http::Method;
use serde_json::json;
use std::{fmt::Write as _, fs, path::PathBuf, sync::Arc, time::Duration};
use wardgate_governance::traffic::{Format, Mapping, Reading, Report, Settings, YEARS};
use wardgate_model::time::Time;

/// The six, and which of them scrapes.
const RESELLERS: [&str; 6] = ["reseller-a", "reseller-b", "reseller-c", "reseller-d", "reseller-e", "reseller-f"];
const SCRAPER: usize = 3;
/// The log begins on a Monday: 2026-05-04. So many days it goes on, and from this one on the scraper takes more.
const MONDAY: Time = Time::from_seconds(1_777_852_800);
const DAYS: u32 = 24;
const TAKES_MORE: u32 = 17;
/// Where its numbers begin. They are made, and the same each time.
const SEED: u64 = 0x00C0_FFEE;
const DAY: Duration = Duration::from_hours(24);

pub(super) const SCENE: Scene = Scene {
    name: "slow-scraping-found",
    promise: "in replayed weeks the one caller is found that takes a third more than it used to, within three days, and nobody else is told of",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let (log, shown) = (stage.file("weeks.jsonl"), stage.file("weeks.html"));
    fs::write(&log, weeks()).context("cannot write the weeks")?;
    let resources = stage.resources();
    let (report, again) = tokio::task::spawn_blocking(move || anyhow::Ok((judged(&log, &resources)?, judged(&log, &resources)?))).await??;
    let html = page(&report);
    fs::write(&shown, &html).with_context(|| format!("cannot write `{}`", shown.display()))?;

    let told: Vec<&str> = report.identities.iter().filter(|one| !one.signals.is_empty()).map(|one| one.name.as_str()).collect();
    let scraper = RESELLERS.get(SCRAPER).copied().unwrap_or_default();
    let drip = report.signals.iter().find(|signal| signal.name == "drip");
    let after = drip.map(|drip| drip.first.since(MONDAY + DAY * TAKES_MORE));
    let found = told == [scraper] && report.signals.len() == 1 && after.is_some_and(|after| after <= 3 * DAY);
    let hours = after.map_or(0, |after| after.as_secs() / 3_600);
    play.claim(
        format!(
            "{} calls of {DAYS} days, replayed: of six resellers `{scraper}` alone is told of, by `drip`, {hours} hours after it began",
            report.calls
        ),
        found && report.callers.on_record == 6,
    );
    let all = report.rulings.allow == report.calls;
    play.claim("nobody was refused for it: a third more is worth a word with its owner, no more", all);
    play.claim("replayed again it is the same, to the byte", serde_json::to_string(&report)? == serde_json::to_string(&again)?);
    let figures = html.contains("<svg") && html.contains("drip") && html.contains(scraper) && !html.contains("<script");
    play.claim(format!("its page of figures is {}, while the tour serves", shown.display()), figures);

    // Its owner did not know: somebody had its key. What was found is stopped where it calls.
    let mut line = stage.gateway().open(Protocol::Http2).await?;
    let (_, key) = stage.issue(scraper).await?;
    let orders = || Call::get("/catalogue/orders");
    stage.ask(play, &mut line, (Side::Abuse, scraper), orders().key(&key).about("found, not yet stopped"), Want::Served).await?;
    let wanted =
        json!({ "kind": "identity", "name": scraper, "reason": "it takes a third more than it used to, and its owner does not know why" });
    stage.order(Method::POST, "/api/v1/containments", &wanted).await?;
    stage.ask(play, &mut line, (Side::Abuse, scraper), orders().key(&key).about("stopped"), Want::Refused("identity.contained")).await?;
    let (_, key) = stage.issue("reseller-a").await?;
    stage.ask(play, &mut line, (Side::Honest, "reseller-a"), orders().key(&key).about("as ever"), Want::Served).await?;
    Ok(())
}

/// By the demo's own documents, as `wardgate replay --format json --resources resources weeks.jsonl` does.
fn judged(log: &PathBuf, resources: &PathBuf) -> anyhow::Result<Report> {
    let installation =
        installation(std::slice::from_ref(resources)).map_err(|_| anyhow::anyhow!("the demo's own documents are refused"))?;
    let reading = Reading { format: Format::Json, mapping: Arc::new(Mapping::new(std::iter::empty::<&str>())?), years: YEARS };
    Ok(replayed(std::slice::from_ref(log), &Settings { reading, top: 20 }, installation.as_ref())?)
}

/// A call of each an hour, a line each: fewer records at weekends, and never quite as many as the day before.
fn weeks() -> String {
    let (mut lines, mut state) = (String::new(), SEED);
    for day in 0..DAYS {
        for hour in 0..24 {
            for (at, reseller) in RESELLERS.iter().enumerate() {
                let usual = 80 + 15 * u64::try_from(at).unwrap_or(0);
                let of_day = if day % 7 >= 5 { 60 } else { 100 };
                let more = if at == SCRAPER && day >= TAKES_MORE { 133 } else { 100 };
                let records = usual * of_day * more * (95 + chance(&mut state) % 11) / 1_000_000;
                let time = MONDAY + DAY * day + Duration::from_secs(hour * 3_600 + 600 + u64::try_from(at).unwrap_or(0) * 97);
                let _infallible = writeln!(
                    lines,
                    "{}",
                    json!({
                        "time": time.to_rfc3339(), "user": reseller, "source": format!("198.51.100.{}", 10 + at), "method": "GET",
                        "path": "/catalogue/orders", "status": 200, "records": records, "agent": "reseller/2.1",
                    })
                );
            }
        }
    }
    lines
}

/// The next number (SplitMix64).
fn chance(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
