//! A case: how far a request goes, in which world, how often.

use crate::{
    callgrind, grown,
    world::{Each, Scene, Shape},
};
use std::{hint::black_box, sync::Arc, time::Duration};
use wardgate_gate::{
    Arrival, Meters, Snapshot, Step, Verdict, canon, credential, decide, establish, inspect, proof, reserve, risk, route, rule, source,
    standing,
};
use wardgate_model::{facts::Facts, inventory::Identity, time::Time};
use wardgate_testkit::world::DAWN;

/// Between two requests. Slow enough for the limits that ship, and all rounds together use one assertion.
const BEAT: Duration = Duration::from_millis(3);
/// Requests before counting begins, so that caches are warm.
const WARM_UP: u32 = 200;
/// Requests that are counted.
const COUNTED: u32 = 2_000;

/// Up to which room a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Into none: what measuring itself costs.
    Nothing,
    Canon,
    Route,
    Source,
    Credential,
    Proof,
    /// The end of `establish`.
    Identity,
    Standing,
    Reserve,
    Inspect,
    Risk,
    Rule,
    /// The end of `decide`.
    Commit,
    /// What is learned once the answer is there.
    Learn,
}

impl Stage {
    /// The rooms of `establish`, in their order.
    pub(crate) const ESTABLISH: &[Self] = &[Self::Canon, Self::Route, Self::Source, Self::Credential, Self::Proof, Self::Identity];
    /// The rooms of `decide`, in their order.
    pub(crate) const DECIDE: &[Self] = &[Self::Standing, Self::Reserve, Self::Inspect, Self::Risk, Self::Rule, Self::Commit];

    /// The room's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Canon => "canon",
            Self::Route => "route",
            Self::Source => "source",
            Self::Credential => "credential",
            Self::Proof => "proof",
            Self::Identity => "identity",
            Self::Standing => "standing",
            Self::Reserve => "reserve",
            Self::Inspect => "inspect",
            Self::Risk => "risk",
            Self::Rule => "rule",
            Self::Commit => "commit",
            Self::Learn => "learn",
        }
    }

    /// The function that the room belongs to, or that is first gone through.
    pub(crate) fn whole(self) -> &'static str {
        if self == Self::Learn || Self::DECIDE.contains(&self) { "decide" } else { "establish" }
    }

    fn parse(name: &str) -> Option<Self> {
        let all = [&[Self::Nothing], Self::ESTABLISH, Self::DECIDE, &[Self::Learn]];
        all.into_iter().flatten().copied().find(|stage| stage.name() == name)
    }
}

/// One thing to measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    /// In which world.
    pub(crate) shape: Shape,
    /// How far.
    pub(crate) stage: Stage,
}

impl Case {
    /// `SHAPE.STAGE`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (shape, stage) = text.split_once('.')?;
        Some(Self { shape: Shape::parse(shape)?, stage: Stage::parse(stage)? })
    }

    /// Instructions a request.
    pub(crate) fn cost(self) -> Result<u64, String> {
        let count = callgrind::count(&format!("{}.{}", self.shape.name(), self.stage.name()))?;
        Ok(count / u64::from(COUNTED))
    }

    /// Runs it.
    pub(crate) fn run(self) -> Result<(), String> {
        let moments = (0..=WARM_UP + COUNTED).map(|beat| DAWN + BEAT * beat);
        let scene = Scene::new(self.shape, moments)?;
        let known = scene.facts()?;
        let facts = match self.shape {
            Shape::First => (0..WARM_UP + COUNTED).map(|revision| scene.newcomer(u64::from(revision))).collect::<Result<Vec<_>, _>>()?,
            Shape::Grown => (0..WARM_UP + COUNTED).map(|number| scene.another(number)).collect::<Result<Vec<_>, _>>()?,
            _ => vec![known],
        };
        let mut newcomers = facts.iter().cycle();
        let mut now = self.pass(&scene, &mut newcomers, DAWN, WARM_UP);
        now = measured(self, &scene, &mut newcomers, now);
        if let (Shape::Grown, Some(facts)) = (self.shape, facts.first()) {
            scene.is_grown(facts, now)?;
        }
        let seconds = now.since(DAWN).as_secs();
        if seconds < 60 { Ok(()) } else { Err(format!("{seconds} s have passed: an assertion was signed again")) }
    }

    /// One with a proof of its own. `nothing` is no room: what its signature alone costs.
    fn bound(self, each: &Each, facts: &Facts, scene: &Scene, now: Time) {
        let (snapshot, meters) = (&scene.world.snapshot, &scene.world.meters);
        match self.stage {
            Stage::Nothing => drop(black_box(scene.key.as_ref().is_some_and(|key| each.read.is_of(key)))),
            stage if stage.whole() == "decide" => deciding(stage, black_box(facts), snapshot, meters, now),
            stage => establishing(stage, black_box(&each.asked.arrival(now)), snapshot, meters, now),
        }
    }

    /// So many requests, one a beat.
    fn pass<'f>(self, scene: &Scene, facts: &mut impl Iterator<Item = &'f Facts>, begin: Time, rounds: u32) -> Time {
        let (snapshot, meters) = (&scene.world.snapshot, &scene.world.meters);
        let mut now = begin;
        for facts in facts.take(usize::try_from(rounds).unwrap_or(0)) {
            now = now + BEAT;
            if let Some(each) = scene.at(now) {
                self.bound(each, facts, scene, now);
                continue;
            }
            match self.stage.whole() {
                "decide" => deciding(self.stage, black_box(facts), snapshot, meters, now),
                _ => establishing(self.stage, black_box(&scene.asked.arrival(now)), snapshot, meters, now),
            }
        }
        now
    }
}

/// What is counted: callgrind looks for this name.
#[inline(never)]
fn measured<'f>(case: Case, scene: &Scene, facts: &mut impl Iterator<Item = &'f Facts>, begin: Time) -> Time {
    case.pass(scene, facts, begin, COUNTED)
}

fn establishing(stage: Stage, arrival: &Arrival<'_>, snapshot: &Snapshot, meters: &Meters, now: Time) {
    let canonical = || canon::read(arrival);
    let routed = || canonical().and_then(|canonical| route::find(canonical, snapshot));
    let sourced = || routed().and_then(|routed| source::admit(routed, snapshot, meters, now));
    let presented = || sourced().and_then(|sourced| credential::read(sourced, snapshot, now));
    let proven = || presented().ok().and_then(|presented| proof::verify(presented, &[], snapshot, meters, now).ok());
    match stage {
        Stage::Canon => drop(black_box(canonical())),
        Stage::Route => drop(black_box(routed())),
        Stage::Source => drop(black_box(sourced())),
        Stage::Credential => drop(black_box(presented())),
        Stage::Proof => drop(black_box(proven())),
        Stage::Identity => drop(black_box(establish(arrival, snapshot, meters, now))),
        _ => {}
    }
}

fn deciding(stage: Stage, facts: &Facts, snapshot: &Snapshot, meters: &Meters, now: Time) {
    let considered = || standing::consider(facts, snapshot);
    let reserved = || considered().ok().and_then(|considered| reserve::take(considered, snapshot, meters, now).ok());
    let inspected = || {
        reserved().and_then(|reserved| match inspect::inspect(reserved, None, snapshot) {
            Ok(inspect::Looked::Whole(inspected)) => Some(inspected),
            Ok(inspect::Looked::Waits(..)) | Err(_) => None,
        })
    };
    let assessed = || inspected().map(|inspected| risk::assess(inspected, meters, now));
    match stage {
        Stage::Standing => drop(black_box(considered())),
        Stage::Reserve => drop(black_box(reserved())),
        Stage::Inspect => drop(black_box(inspected())),
        Stage::Risk => drop(black_box(assessed())),
        Stage::Rule => drop(black_box(assessed().and_then(|assessed| rule::rule(assessed, snapshot, now).ok()))),
        Stage::Commit => drop(black_box(decide(facts, snapshot, meters, now))),
        Stage::Learn => grown::learning(facts, snapshot, meters, now),
        _ => {}
    }
}

impl Scene {
    /// The request of a moment, where each has its own.
    fn at(&self, now: Time) -> Option<&Each> {
        self.each.get(usize::try_from(now.since(DAWN).as_micros() / BEAT.as_micros()).ok()?)
    }

    /// Judges the request of the scene once.
    pub(crate) fn judge(&self, now: Time) -> Result<(Facts, Verdict), String> {
        self.world.judge(self.at(now).map_or(&self.asked, |each| &each.asked), now).ok_or_else(|| "the judge asks for something".to_owned())
    }

    /// The facts of the request, after what is expected of them was seen: a case that measures a refusal by mistake is none.
    pub(crate) fn facts(&self) -> Result<Facts, String> {
        let (facts, verdict) = self.judge(DAWN)?;
        let code = verdict.ruling.reason().code();
        if code == self.expected { Ok(facts) } else { Err(format!("the request was to end in `{}`, not in `{code}`", self.expected)) }
    }

    /// The facts of the request, whatever becomes of it.
    pub(crate) fn established(&self) -> Result<Facts, String> {
        match establish(&self.asked.arrival(DAWN), &self.world.snapshot, &self.world.meters, DAWN) {
            Step::Done(facts) => Ok(facts),
            Step::Wait(..) => Err("the judge asks for something".to_owned()),
        }
    }

    /// The same facts, about an identity in a revision that was never seen.
    pub(crate) fn newcomer(&self, revision: u64) -> Result<Facts, String> {
        let mut facts = self.established()?;
        if let Some(caller) = &mut facts.caller {
            caller.identity = Arc::new(Identity { revision: revision + 1, ..Identity::clone(&caller.identity) });
        }
        Ok(facts)
    }
}
