//! What a rehearsal has shown. Version 1 of its JSON: members are added, none changes its meaning.

use super::{
    course::{Ran, Sent},
    evidence::Ruled,
    scenario::{Prey, Scenario, Strength},
    script::Side,
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// From this risk on an identity has a finding (docs/signals.md), which says whom to tell.
const FINDING: u64 = 30;
/// An attack is contained when so many requests, and a tenth of all that it made, were refused after the last that reached the upstream; or all
/// were.
const CONTAINED: usize = 5;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// 1.
    pub v: u8,
    /// Which attack.
    pub scenario: &'static str,
    /// What it does, in a sentence.
    pub says: &'static str,
    /// Which API was attacked.
    pub api: String,
    /// How hard.
    pub strength: &'static str,
    /// By which numbers of chance.
    pub seed: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Whether the attack was contained.
    pub contained: bool,
    /// The attack.
    pub attack: Attack,
    /// How the gate answered it.
    pub responses: Responses,
    /// What told of it.
    pub signals: Vec<Signalled>,
    /// What it meant for others.
    pub honest: Honest,
    /// Who was asked to show its key, and could.
    pub challenges: Challenges,
    /// The identities that were made.
    pub canaries: Vec<String>,
    /// What of them could not be taken away; it ends by itself.
    pub left: Vec<String>,
    /// What whoever reads this should know.
    pub notes: Vec<String>,
}

/// The attack.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attack {
    /// Requests that were made.
    pub attempted: usize,
    /// Those that reached the upstream.
    pub reached: usize,
    /// Those without an answer.
    pub unanswered: usize,
    /// Those that the gate refused, by reason.
    pub refused: BTreeMap<String, usize>,
    /// What got through before it was contained.
    pub leaked: Leaked,
    /// Requests until it was contained; none: it was not.
    pub contained_after: Option<usize>,
    /// The same in seconds since the attack began.
    pub contained_after_s: Option<f64>,
    /// By which reason it was contained: that of most refusals afterwards.
    pub contained_by: Option<String>,
}

/// What got through.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Leaked {
    /// `records`, `logins`, `holds`, `acts` or `answers`.
    pub what: &'static str,
    /// How many.
    pub count: u64,
}

/// The first of its kind, since the attack began.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct First {
    /// The how manieth request of the attack it was.
    pub request: usize,
    /// When, in seconds.
    pub after_s: f64,
}

/// How the gate answered.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Default)]
pub struct Responses {
    /// It was made to wait.
    pub slowed: Option<First>,
    /// It was asked to show its key.
    pub challenged: Option<First>,
    /// It was refused.
    pub blocked: Option<First>,
    /// A finding says whom to tell.
    pub told: Option<First>,
    /// What would have been done, where the risk is only watched.
    pub would: Option<First>,
}

/// A signal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Signalled {
    /// Its name.
    pub name: String,
    /// Attack requests that it told of.
    pub requests: usize,
    /// Its greatest weight, 1 to 100.
    pub weight_max: f64,
    /// Honest requests that it told of.
    pub honest: usize,
}

/// Others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Honest {
    /// Their requests.
    pub requests: usize,
    /// Those that the gate refused or made to wait, or that got no answer.
    pub harmed: usize,
    /// Why.
    pub why: BTreeMap<String, usize>,
    /// How long they took before the attack.
    pub before: Latency,
    /// How long beside it.
    pub during: Latency,
}

/// How long requests took, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Default)]
pub struct Latency {
    /// How many there were.
    pub requests: usize,
    /// Half of them less.
    pub p50_ms: f64,
    /// Nineteen of twenty.
    pub p95_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// Challenges.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Default)]
pub struct Challenges {
    /// Of owners.
    pub owner: Challenged,
    /// Of the attack.
    pub thief: Challenged,
}

/// How often somebody was asked, and came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
pub struct Challenged {
    /// Asked.
    pub met: usize,
    /// Came through.
    pub passed: usize,
}

/// What was rehearsed.
pub(super) struct Setting {
    pub(super) scenario: Scenario,
    pub(super) strength: Strength,
    pub(super) seed: u64,
    pub(super) api: String,
    pub(super) canaries: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// A request with what the record says of it.
struct Judged<'r> {
    sent: &'r Sent,
    /// Every time that it was sent.
    ruled: Vec<&'r Ruled>,
}

impl Judged<'_> {
    fn reached(&self) -> bool {
        if self.ruled.is_empty() { self.sent.answered.reached() } else { self.ruled.iter().any(|ruled| ruled.reached) }
    }

    fn is(&self, response: &str) -> bool {
        self.ruled.iter().any(|ruled| ruled.response == response)
    }

    /// Why somebody honest was harmed by it; `None`: it was not.
    fn harm(&self) -> Option<String> {
        let answered = &self.sent.answered;
        match (&answered.reason, answered.status) {
            (_, None) => Some("no answer".to_owned()),
            (Some(_), Some(_)) if answered.is_upstreams_own() => None,
            (Some(reason), _) => Some(reason.clone()),
            (None, _) => self.is("slow").then(|| "risk.slowed".to_owned()),
        }
    }
}

/// Rounded to thousandths: nobody reads more.
fn seconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 1_000.0).round() / 1_000.0
}

fn milliseconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

impl Latency {
    fn of<'s>(sent: impl Iterator<Item = &'s Sent>) -> Self {
        let mut took: Vec<Duration> = sent.filter(|one| one.answered.status.is_some()).map(|one| one.took).collect();
        took.sort_unstable();
        let at = |share: usize| took.get((took.len() * share / 100).min(took.len().saturating_sub(1))).copied().map_or(0.0, milliseconds);
        Self { requests: took.len(), p50_ms: at(50), p95_ms: at(95), max_ms: at(100) }
    }
}

/// How much one request got.
fn prey(prey: Prey, judged: &Judged<'_>) -> u64 {
    let answered = &judged.sent.answered;
    let came = answered.reason.is_none() && answered.status.is_some_and(|status| status.is_success());
    match prey {
        Prey::Logins => u64::from(judged.reached()),
        Prey::Records if came => answered.records,
        Prey::Holds | Prey::Acts | Prey::Answers => u64::from(came),
        Prey::Records => 0,
    }
}

impl Report {
    /// Puts together what was sent and what was recorded.
    pub(super) fn of(setting: Setting, ran: &Ran, recorded: &HashMap<String, Ruled>) -> Self {
        let judged: Vec<Judged<'_>> = ran
            .sent
            .iter()
            .map(|sent| Judged { sent, ruled: sent.answered.requests.iter().filter_map(|id| recorded.get(id)).collect() })
            .collect();
        let attack: Vec<&Judged<'_>> = judged.iter().filter(|one| one.sent.side == Side::Attack).collect();
        let honest: Vec<&Judged<'_>> = judged.iter().filter(|one| one.sent.side != Side::Attack).collect();
        let (told, contained) = attacked(setting.scenario, &attack, ran.attack);
        let mut notes = setting.notes;
        let unseen = judged.iter().filter(|one| one.ruled.is_empty() && one.sent.answered.status.is_some()).count();
        if unseen > 0 {
            notes.push(format!("{unseen} requests were not found in the record: what they were ruled by is known by their answers alone"));
        }
        if ran.bounded {
            notes.push("it came to a bound of time or requests (`--for`, `--requests`)".to_owned());
        }
        Self {
            v: 1,
            scenario: setting.scenario.as_str(),
            says: setting.scenario.says(),
            api: setting.api,
            strength: setting.strength.as_str(),
            seed: setting.seed,
            seconds: seconds(ran.took),
            contained,
            responses: responses(&attack, ran.attack),
            signals: signals(&attack, &honest),
            attack: told,
            challenges: challenges(&judged),
            honest: harmed(&honest),
            canaries: setting.canaries,
            left: Vec::new(),
            notes,
        }
    }

    /// Whether it was contained and nobody honest was harmed.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.contained && self.honest.harmed == 0
    }
}

fn attacked(scenario: Scenario, attack: &[&Judged<'_>], began: Duration) -> (Attack, bool) {
    let last = attack.iter().rposition(|one| one.reached());
    let after = last.map_or(0, |last| last + 1);
    let vain = attack.get(after..).unwrap_or_default();
    // Who gets no answer was not refused: nothing is known of that.
    let refused = vain.iter().filter(|one| one.sent.answered.reason.is_some()).count();
    let contained = refused >= CONTAINED.max(attack.len() / 10) || (refused > 0 && refused == attack.len());
    let count = |all: &[&Judged<'_>]| {
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        for reason in all.iter().filter(|one| !one.reached()).filter_map(|one| one.sent.answered.reason.as_ref()) {
            *reasons.entry(reason.clone()).or_default() += 1;
        }
        reasons
    };
    let by = count(vain).into_iter().max_by_key(|(_, count)| *count).map(|(reason, _)| reason);
    let told = Attack {
        attempted: attack.len(),
        reached: attack.iter().filter(|one| one.reached()).count(),
        unanswered: attack.iter().filter(|one| one.sent.answered.status.is_none()).count(),
        refused: count(attack),
        leaked: Leaked { what: scenario.prey().as_str(), count: attack.iter().map(|one| prey(scenario.prey(), one)).sum() },
        contained_after: contained.then_some(after),
        contained_after_s: vain.first().filter(|_| contained).map(|one| seconds(one.sent.at.saturating_sub(began))),
        contained_by: by.filter(|_| contained),
    };
    (told, contained)
}

fn responses(attack: &[&Judged<'_>], began: Duration) -> Responses {
    let first = |is: &dyn Fn(&Judged<'_>) -> bool| {
        let at = attack.iter().position(|one| is(one))?;
        let after = attack.get(at)?.sent.at.saturating_sub(began);
        Some(First { request: at + 1, after_s: seconds(after) })
    };
    Responses {
        slowed: first(&|one| one.is("slow")),
        challenged: first(&|one| one.is("challenge")),
        blocked: first(&|one| one.is("block")),
        told: first(&|one| one.ruled.iter().any(|ruled| ruled.risk >= FINDING)),
        would: first(&|one| one.ruled.iter().any(|ruled| ruled.would.is_some())),
    }
}

fn signals(attack: &[&Judged<'_>], honest: &[&Judged<'_>]) -> Vec<Signalled> {
    let mut found: BTreeMap<&str, Signalled> = BTreeMap::new();
    for (all, attacks) in [(attack, true), (honest, false)] {
        for told in all.iter().flat_map(|one| &one.ruled).flat_map(|ruled| &ruled.signals) {
            let new = || Signalled { name: told.name.clone(), requests: 0, weight_max: 0.0, honest: 0 };
            let one = found.entry(&told.name).or_insert_with(new);
            if attacks {
                one.requests += 1;
                one.weight_max = one.weight_max.max(told.weight);
            } else {
                one.honest += 1;
            }
        }
    }
    let mut all: Vec<Signalled> = found.into_values().collect();
    all.sort_by(|a, b| b.requests.cmp(&a.requests).then_with(|| a.name.cmp(&b.name)));
    all
}

fn harmed(honest: &[&Judged<'_>]) -> Honest {
    let mut why: BTreeMap<String, usize> = BTreeMap::new();
    for reason in honest.iter().filter_map(|one| one.harm()) {
        *why.entry(reason).or_default() += 1;
    }
    let beside = |during: bool| honest.iter().map(|one| one.sent).filter(move |sent| sent.during == during);
    Honest {
        requests: honest.len(),
        harmed: why.values().sum(),
        before: Latency::of(beside(false)),
        during: Latency::of(beside(true)),
        why,
    }
}

fn challenges(judged: &[Judged<'_>]) -> Challenges {
    let mut all = Challenges::default();
    for one in judged.iter().filter(|one| one.sent.answered.challenged) {
        let side = match one.sent.side {
            Side::Attack => &mut all.thief,
            Side::Bystander | Side::Owner => &mut all.owner,
        };
        side.met += 1;
        side.passed += usize::from(one.sent.answered.passed);
    }
    all
}

#[cfg(test)]
mod tests;
