//! Passwords that leaked elsewhere are tried here, from three hundred places, one try each: no source does anything that a person who mistypes
//! does not do.

use super::Scene;
use crate::demo::{
    caller::{Answer, Call, Gateway, Protocol},
    play::{Play, Side, Step},
    stage::Stage,
};
use http::StatusCode;
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use tokio::task::JoinSet;

/// From how many places it is tried, and from how many at a time.
const SOURCES: usize = 300;
const AT_ONCE: usize = 6;
/// People who sign in as ever, each at home.
const REGULARS: u8 = 16;
/// Tries that may come through before the kit is known, at the most.
const THROUGH_MAX: usize = 45;

pub(super) const SCENE: Scene = Scene {
    name: "stuffing-over-300-sources",
    promise: "leaked passwords tried from three hundred sources, once each, are stopped after a handful, and people go on signing in",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let people = || -> Vec<_> {
        (1..=REGULARS).map(|one| (stage.gateway().at(at_home(one)), sign_in(&format!("shopper-{one}"), "tea for two"))).collect()
    };
    regulars(stage, play, people(), "as ever").await?;

    // A kit of its own make, over a rented network of other people's machines.
    let kit = stage.gateway().by_other_software()?;
    let from = stage.reached();
    let tries: Vec<_> = (0..SOURCES).map(|number| (kit.at(rented(number)), sign_in(&format!("victim-{number}"), "123456"))).collect();
    let answers = all(tries).await?;
    let reached = stage.reached().saturating_sub(from);
    let wrong = answers.iter().filter(|answer| answer.status == StatusCode::UNAUTHORIZED).count();
    let blocked = answers.iter().filter(|answer| answer.code() == Some("risk.blocked")).count();
    play.steps.push(Step {
        side: Side::Abuse,
        who: "a kit".to_owned(),
        what: format!("{SOURCES} × POST /club/sessions from {SOURCES} networks"),
        answer: format!("{wrong} × 401, {blocked} × 403 risk.blocked"),
        sent: SOURCES,
        reached,
        held: wrong == reached && wrong + blocked == SOURCES && reached <= THROUGH_MAX,
    });

    let newcomer = stage.gateway().at(Ipv4Addr::new(127, 59, 1, 9));
    let signed_in = regulars(stage, play, vec![(newcomer, sign_in("shopper-0", "tea for two"))], "from somewhere new, meanwhile").await?;
    let request = signed_in.first().and_then(|answer| answer.field("wardgate-request-id")).unwrap_or_default();
    let event = stage.event("club", request).await?;
    let crowd = event
        .pointer("/ruling/signals")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .any(|signal| signal.get("name").is_some_and(|name| name == "crowd"));
    let risk = event.pointer("/ruling/risk").and_then(Value::as_u64).unwrap_or(100);
    play.claim(
        format!("whoever signs in for the first time just then is let in, and the log notes the crowd: risk {risk}"),
        crowd && risk < 50,
    );
    regulars(stage, play, people(), "as ever, right after it").await?;
    Ok(())
}

/// People sign in, and all of them can.
async fn regulars(stage: &Stage, play: &mut Play, people: Vec<(Gateway, Call)>, about: &str) -> anyhow::Result<Vec<Answer>> {
    let (sent, from) = (people.len(), stage.reached());
    let answers = all(people).await?;
    let served = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
    let reached = stage.reached().saturating_sub(from);
    play.steps.push(Step {
        side: Side::Honest,
        who: if sent == 1 { "a person".to_owned() } else { format!("{sent} people") },
        what: format!("{sent} × POST /club/sessions, {about}"),
        answer: format!("{served} × 201"),
        sent,
        reached,
        held: served == sent && reached == sent,
    });
    Ok(answers)
}

/// Makes all requests, each over a connection of its own, some at a time.
async fn all(calls: Vec<(Gateway, Call)>) -> anyhow::Result<Vec<Answer>> {
    let (mut answers, mut calls) = (Vec::with_capacity(calls.len()), calls.into_iter());
    let mut running = JoinSet::new();
    loop {
        while running.len() < AT_ONCE
            && let Some((gateway, call)) = calls.next()
        {
            running.spawn(async move { gateway.open(Protocol::Http1).await?.send(call).await });
        }
        match running.join_next().await {
            Some(answered) => answers.push(answered??),
            None => return Ok(answers),
        }
    }
}

fn sign_in(name: &str, password: &str) -> Call {
    Call::post("/club/sessions", &json!({ "username": name, "password": password }))
}

/// A network of its own each.
fn at_home(one: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 58, one, 9)
}

fn rented(number: usize) -> Ipv4Addr {
    let [.., high, low] = u32::try_from(number).unwrap_or(0).to_be_bytes();
    Ipv4Addr::new(127, 60 + high, low, 7)
}
