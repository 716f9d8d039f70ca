//! The gate, asked about each call of an estate.

use crate::{
    estate::{Call, Estate, Fate, Happening, Operation, Proof, What},
    world::{Asked, ShippedLimits, TestWorld, Texts},
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use wardgate_abuse::watch::{Announced, Effect};
use wardgate_gate::{Need, Step, decide, establish};
use wardgate_model::{
    facts::{Facts, Stopped, TokenFacts},
    id::ApiName,
    proof::ProofFacts,
    reason::Reason,
    risk::{Assessment, Signal},
    ruling::{Response, Ruling},
};

/// For how long a deploy is announced, and a new version.
const DEPLOY: Duration = Duration::from_hours(24);
const VERSION: Duration = Duration::from_hours(24 * 12);

/// For how long an upstream that fails asks to be left alone (`Retry-After`), in seconds.
const FAILING_S: u64 = 30;

/// What the gate made of a call.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What became of it.
    pub fate: Fate,
    /// Its risk.
    pub assessment: Assessment,
    /// Why, where it is not the risk.
    pub reason: Reason,
}

/// A gate for an estate. Proofs are taken as verified: who shows a key, a token or a signature of the estate is who it says.
#[derive(Debug)]
pub struct Judge {
    world: TestWorld,
    /// What is known of a member's call of an operation, but for what is of one call alone.
    known: HashMap<(Option<u16>, &'static Operation), Facts>,
    /// What was made for one request and has been shown.
    shown: HashSet<u64>,
    fingerprints: HashMap<u64, Arc<str>>,
    happenings: Vec<Happening>,
    told: usize,
}

impl Judge {
    /// A gate with the estate's own documents, and the limits that ship.
    ///
    /// # Errors
    /// When the documents are not read.
    pub fn new(estate: &Estate, without: &[Signal]) -> Result<Self, String> {
        let documents = estate.documents();
        let texts = Texts { yaml: &documents.yaml, cedar: &[], files: documents.files, grants: &[], shipped: ShippedLimits::On };
        let world = texts.world()?;
        for signal in without {
            world.meters.watch().mute(*signal);
        }
        Ok(Self {
            world,
            known: HashMap::new(),
            shown: HashSet::new(),
            fingerprints: HashMap::new(),
            happenings: estate.happenings().to_vec(),
            told: 0,
        })
    }

    /// What is held of all identities.
    #[must_use]
    pub fn world(&self) -> &TestWorld {
        &self.world
    }

    /// Rules on a call, and learns what came of it.
    ///
    /// # Errors
    /// When the call makes no request.
    pub fn judge(&mut self, estate: &Estate, call: &Call) -> Result<Judged, String> {
        self.tell(estate, call);
        let facts = self.facts(estate, call)?;
        let (snapshot, meters) = (&self.world.snapshot, &self.world.meters);
        let (ruling, slowed) = match decide(&facts, snapshot, meters, call.time) {
            Step::Done(verdict) => (verdict.ruling, None),
            Step::Wait(held, Need::Delay { until }) => {
                let resumed = wardgate_gate::resume(held, &wardgate_gate::step::Answer::Elapsed, &facts, snapshot, meters, until);
                let Step::Done(verdict) = resumed else { return Err("it waits again".to_owned()) };
                (verdict.ruling, Some(until.since(call.time)))
            }
            Step::Wait(..) => return Err(format!("{call:?} waits for something")),
        };
        let fate = fate(&ruling, slowed);
        let reached = fate.reached();
        let effect = Effect {
            status: reached.then_some(call.answer.status),
            records: (reached && call.answer.records > 0).then_some(u64::from(call.answer.records)),
            bytes: if reached { call.answer.bytes } else { 0 },
            subject: call.subject,
        };
        meters.watch().learn(&facts, &ruling, &effect, call.time);
        // Whoever is refused is told when to come back, and so says an upstream that fails.
        let told = match fate {
            Fate::Blocked(told) => told.map(|told| told.as_secs()),
            Fate::Allowed | Fate::Slowed(_) => (call.answer.status == 503).then_some(FAILING_S),
            Fate::Challenged => None,
        };
        if let Some(seconds) = told {
            meters.watch().told_to_wait(&facts, seconds, call.time);
        }
        let reason = ruling.reason();
        Ok(Judged { fate, assessment: Assessment { risk: ruling.risk, parts: ruling.signals, place_known: ruling.place_known }, reason })
    }

    /// Tells the gate what an operator would.
    fn tell(&mut self, estate: &Estate, call: &Call) {
        while let Some(happening) = self.happenings.get(self.told).filter(|happening| happening.from <= call.time) {
            self.told += 1;
            if !happening.told {
                continue;
            }
            let watch = self.world.meters.watch();
            match happening.what {
                What::NewVersion { api } | What::ApiChange { api } => {
                    if let Ok(api) = ApiName::parse(api) {
                        watch.announce(&Announced::Api(api), happening.from + VERSION);
                    }
                }
                What::Deploy { member } | What::OwnerChange { member, .. } | What::KeyRotation { member } | What::Move { member } => {
                    let identity = estate.members().get(usize::from(member)).and_then(|member| self.world.identity(&member.name));
                    if let Some(identity) = identity {
                        watch.announce(&Announced::Identity(identity), happening.from + DEPLOY);
                    }
                }
                What::Outage { .. } | What::Incident { .. } | What::Holiday => {}
            }
        }
    }

    fn facts(&mut self, estate: &Estate, call: &Call) -> Result<Facts, String> {
        let place = (call.member, call.operation);
        if !self.known.contains_key(&place) {
            let asked = Asked::parse(&format!("{} https://gate.example{}", call.operation.method, call.path)).ok_or("no request")?;
            let asked = match estate.member(call) {
                Some(member) => asked.bearer(self.world.key(&member.name)),
                None => asked,
            };
            // All keys are from before the estate begins.
            let then = crate::world::DAWN + Duration::from_secs(1);
            let Step::Done(facts) = establish(&asked.arrival(then), &self.world.snapshot, &self.world.meters, then) else {
                return Err("a key waits for something".to_owned());
            };
            self.known.insert(place, facts);
        }
        let mut facts = self.known.get(&place).cloned().ok_or("no facts")?;
        facts.time = call.time;
        facts.request.path = call.path.clone();
        facts.request.query = call.query.clone();
        facts.source.address = call.source.address;
        facts.source.zone = self.world.snapshot.zone(call.source.address).cloned();
        facts.source.user_agent = Some(call.user_agent.as_ref().into());
        let tls = self.fingerprints.entry(call.fingerprint).or_insert_with(|| format!("{:016x}", call.fingerprint).into());
        facts.source.tls = Some(Arc::clone(tls));
        facts.resource = call.resource.map(|resource| resource.to_string().into());
        let shown = call.shown;
        if let Some(caller) = facts.caller.as_mut().filter(|_| shown.proof != Proof::None) {
            caller.proof = ProofFacts {
                kind: shown.proof.kind(),
                bound: shown.proof.bound(),
                fresh: shown.answers && shown.proof.bound(),
                since: shown.token.map_or(caller.proof.since, |token| token.issued),
                ends: None,
            };
            caller.token = shown.token.map(|token| {
                let id = format!("{:016x}", token.id).into();
                Arc::new(TokenFacts { id, issuer: "https://tokens.example".into(), audience: Box::default(), scopes: Box::default() })
            });
        }
        // What is made for one request is taken once.
        if shown.once.is_some_and(|once| !self.shown.insert(once)) {
            facts.stopped = Some(Stopped::because(Reason::ProofRepeated));
        }
        Ok(facts)
    }
}

fn fate(ruling: &Ruling, slowed: Option<Duration>) -> Fate {
    match ruling.response {
        Response::Allow => Fate::Allowed,
        Response::Slow { delay } => Fate::Slowed(slowed.unwrap_or(delay)),
        Response::Challenge { .. } => Fate::Challenged,
        Response::Block => Fate::Blocked(ruling.retry_after_s.map(Duration::from_secs)),
    }
}
