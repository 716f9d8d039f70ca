//! Rehearsals: an attack on a gate that serves, from outside and over real sockets, with honest traffic beside it (docs/drills.md).
//!
//! Reading order: `scenario` (what can be rehearsed), `target` (the API), `gateway` and `places` (the gate from outside, and from where),
//! `canary` (identities for it, made and taken away), `caller` and `tokens` (who sends, and what is shown), `script` (who does what), `course`
//! (how it goes), `evidence` (what the record says), `report`.

mod caller;
mod canary;
mod course;
mod evidence;
mod gateway;
mod places;
mod report;
mod scenario;
mod script;
mod shown;
mod target;
mod tokens;

pub use report::{Attack, Challenged, Challenges, First, Honest, Latency, Leaked, Report, Responses, Signalled};
pub use scenario::{Prey, Scenario, Strength};

use crate::client::{Client, query, segment};
use anyhow::Context as _;
use caller::{Bound, Call, Caller, Shown};
use canary::{Canaries, Canary, Holds, Plan};
use course::Bounds;
use gateway::{Gateway, Software};
use http::Method;
use indicatif::ProgressBar;
use places::{Chance, Places};
use report::Setting;
use script::{Bodies, Known, Making, Script, Shows};
use serde_json::Value;
use std::{
    collections::HashSet,
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};
use target::Target;
use tokens::Service;

/// Other APIs that a caller goes on to, at the most.
const OTHERS_MAX: usize = 4;

/// What whoever rehearses asks for makes no sense with this gate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Unfit {
    what: String,
}

impl Unfit {
    fn new(what: String) -> Self {
        Self { what }
    }
}

/// What is to be rehearsed, and how.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Which attack.
    pub scenario: Scenario,
    /// On which API.
    pub api: String,
    /// APIs that a caller goes on to; those beside it unless said.
    pub also: Vec<String>,
    /// How callers call the gate.
    pub gate: String,
    /// Where it is reached, when that is elsewhere.
    pub connect: Option<String>,
    /// Roots of its certificate.
    pub ca: Option<PathBuf>,
    /// Addresses to send from.
    pub from: Vec<IpAddr>,
    /// How hard.
    pub strength: Strength,
    /// By which numbers of chance.
    pub seed: u64,
    /// For how long at the most.
    pub lasting: Duration,
    /// Requests at the most.
    pub requests: u64,
    /// Owner of the canaries; that of the API unless said.
    pub owner: Option<String>,
    /// Their environment; that of the API unless said.
    pub environment: Option<String>,
    /// Operations that may be used although they change something.
    pub operations: Vec<String>,
    /// Whether all may that do.
    pub writes: bool,
    /// Whether the API may be one of production.
    pub production: bool,
    /// Body of attack requests that take one.
    pub body: Option<String>,
    /// Body of a login that succeeds.
    pub honest_login: Option<String>,
}

/// Rehearses. Whatever comes of it, what was made for it is taken away before this returns.
///
/// # Errors
/// [`Unfit`] when it makes no sense; the gate refuses or cannot be reached; `stop` came true.
pub async fn rehearse(client: &Client, wanted: &Wanted, bar: ProgressBar, stop: impl Future<Output = ()>) -> anyhow::Result<Report> {
    let mut target = Target::read(client, &wanted.api).await?;
    target.name_operations(&wanted.operations)?;
    target.writes = wanted.writes;
    if target.production && !wanted.production {
        let what = format!(
            "`{}` is of the production environment `{}`: rehearse on another, or say that it is meant (`--production`)",
            target.name, target.environment
        );
        return Err(Unfit::new(what).into());
    }
    let mut canaries = Canaries::new(client, wanted, &target);
    let rehearsed = {
        let rehearsing = Box::pin(play(client, wanted, &target, &mut canaries, bar));
        tokio::select! {
            biased;
            () = stop => Err(anyhow::anyhow!("it was interrupted")),
            rehearsed = rehearsing => rehearsed,
        }
    };
    let left = canaries.take_away().await;
    match rehearsed {
        Ok(report) => Ok(Report { left, ..report }),
        Err(error) if left.is_empty() => Err(error),
        Err(error) => Err(error.context(format!("what was made could not be taken away, and ends by itself: {}", left.join(", ")))),
    }
}

async fn play(client: &Client, wanted: &Wanted, target: &Target, canaries: &mut Canaries<'_>, bar: ProgressBar) -> anyhow::Result<Report> {
    let gate = Arc::new(Gateway::find(&wanted.gate, wanted.connect.as_deref(), wanted.ca.as_deref()).await?);
    let places = Places::of(gate.ip(), wanted.from.clone(), wanted.seed);
    // Who cannot be reached contains nothing: that is known before anything is made.
    drop(gate.open(places.at(0), Software::Usual).await?);
    drop(gate.open(places.at(1), Software::Other).await?);
    let accepts = |word: &str| target.accept.iter().any(|accepted| accepted == word);
    let service = if accepts("jwt") { Service::find(&gate, places.at(0), &target.prefix).await } else { None };
    let keys = accepts("api_key");
    if !keys && service.is_none() {
        let what = format!("`{}` takes neither API keys nor tokens of this gate: canaries have nothing else to show", target.name);
        return Err(Unfit::new(what).into());
    }
    let others = if wanted.scenario == Scenario::LateralMovement { others(client, wanted, target).await? } else { Vec::new() };
    let bodies = Bodies { attack: wanted.body.clone(), honest_login: wanted.honest_login.clone() };
    let mut making = Making {
        target,
        others: &others,
        places: &places,
        strength: wanted.strength,
        lasting: wanted.lasting,
        bodies: &bodies,
        known: Known::Agent,
        keys,
        tokens: service.is_some(),
        chance: Chance::new(wanted.seed),
    };
    // Whether it can be done at all is known before anything is made.
    script::script(wanted.scenario, &mut making)?;
    making.chance = Chance::new(wanted.seed);
    if gate.has_fingerprints() {
        making.known = fingerprint(client, &gate, &places, target, canaries, making.holds(), service.as_ref()).await?;
    }
    let Script { canaries: plans, lanes, notes, .. } = script::script(wanted.scenario, &mut making)?;
    let mut made = Vec::new();
    for plan in &plans {
        made.push(canaries.make(plan).await?);
    }
    let since = evidence::cursor(client).await?;
    let mut shown = Vec::new();
    for canary in &made {
        shown.push(show(canary, &gate, places.at(0), service.as_ref()).await?);
    }
    let lanes = lanes.into_iter().map(|lane| Ok((lane.clone(), shows(lane.shows, &shown)?))).collect::<anyhow::Result<Vec<_>>>()?;
    let ran = course::run(&gate, lanes, Bounds { requests: wanted.requests, lasting: wanted.lasting }, bar).await;
    let ids: HashSet<&str> = ran.sent.iter().flat_map(|one| &one.answered.requests).map(String::as_str).collect();
    let recorded = evidence::of_requests(client, since.as_deref(), &ids).await?;
    let setting = Setting {
        scenario: wanted.scenario,
        strength: wanted.strength,
        seed: wanted.seed,
        api: target.name.clone(),
        canaries: made.into_iter().map(|canary| canary.name).collect(),
        notes,
    };
    Ok(Report::of(setting, &ran, &recorded))
}

/// What a canary shows: its key, or a token that is bound to it.
async fn show(canary: &Canary, gate: &Arc<Gateway>, from: Option<IpAddr>, service: Option<&Service>) -> anyhow::Result<Shown> {
    match (&canary.key, &canary.private, service) {
        (Some(key), ..) => Ok(Shown::Key(key.clone())),
        (None, Some(private), Some(service)) => Ok(Shown::Token(service.token(gate, from, &canary.name, private).await?)),
        (None, ..) => Ok(Shown::Nothing),
    }
}

fn shows(shows: Shows, of: &[Shown]) -> anyhow::Result<Shown> {
    let one = |number: usize| of.get(number).cloned().context("a lane of no canary");
    match shows {
        Shows::Nothing => Ok(Shown::Nothing),
        Shows::Of(number) => one(number),
        Shows::Stolen(number) => match one(number)? {
            Shown::Token(bound) => {
                let own = wardgate_proof::jws::Signer::load(wardgate_proof::jws::Signer::generate()?.danger_expose())?;
                Ok(Shown::Token(Arc::new(Bound { token: bound.token.clone(), key: Arc::new(own), nonce: Mutex::default() })))
            }
            other => Ok(other),
        },
    }
}

/// How the usual software is known where it speaks TLS: the gate says so of a call that is made for that.
async fn fingerprint(
    client: &Client,
    gate: &Arc<Gateway>,
    places: &Places,
    target: &Target,
    canaries: &mut Canaries<'_>,
    holds: Holds,
    service: Option<&Service>,
) -> anyhow::Result<Known> {
    let reading = target.reading();
    let Some(operation) = reading.first() else { return Ok(Known::Agent) };
    let plan = Plan { role: "look", holds, grants: vec![(target.name.clone(), vec![operation.selector.clone()])], past: None };
    let canary = canaries.make(&plan).await?;
    let shown = show(&canary, gate, places.at(0), service).await?;
    let mut caller = Caller::new(Arc::clone(gate), places.at(0), Software::Usual, shown);
    let answered = caller.send(&Call::new(&Method::GET, operation.path("1"))).await;
    let told = evidence::fingerprints(client, &canary.name).await?;
    let found = answered.requests.iter().find_map(|id| told.get(id));
    Ok(found.map_or(Known::Agent, |fingerprint| Known::Fingerprint(fingerprint.clone())))
}

/// Other APIs that may be called: those that were named, else those beside the one that is attacked.
async fn others(client: &Client, wanted: &Wanted, target: &Target) -> anyhow::Result<Vec<Target>> {
    let mut names = wanted.also.clone();
    if names.is_empty() {
        let page = client.get(&format!("/api/v1/resources/api{}", query(&[("limit", Some("500"))]))).await?;
        let items = page.get("items").and_then(Value::as_array).into_iter().flatten();
        let beside = items.filter(|one| one.pointer("/spec/environment").and_then(Value::as_str) == Some(&target.environment));
        let text = |one: &Value| one.get("name").and_then(Value::as_str).map(str::to_owned);
        names = beside.filter_map(text).filter(|name| *name != target.name).collect();
    }
    let mut others = Vec::new();
    for name in names {
        let other = Target::read(client, &name).await.with_context(|| format!("`{}` is no API to go on to", segment(&name)))?;
        if other.production && !wanted.production {
            return Err(Unfit::new(format!("`{name}` is of the production environment `{}` (`--production`)", other.environment)).into());
        }
        let takes_keys = other.accept.iter().any(|accepted| accepted == "api_key");
        if takes_keys && !other.reading().is_empty() && others.len() < OTHERS_MAX {
            others.push(other);
        }
    }
    Ok(others)
}
