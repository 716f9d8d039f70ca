//! What became of whom.

use super::judge::Judged;
use crate::estate::{Attack, Call, Estate, Family, Fate, Label, Set, Strength, Why};
use std::{cmp::Reverse, collections::BTreeMap, fmt::Write as _, time::Duration};
use wardgate_model::{reason::Reason, risk::Signal, time::Time};

/// From this risk on an owner is told: it counts as detected.
const TOLD: u8 = 30;

/// Cases of harm that are shown with the attacks, the most frequent first.
const CASES_SHOWN: usize = 60;

/// What became of one attack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The attack.
    pub attack: Attack,
    /// When it was first met by the risk, or told of.
    pub detected: Option<Time>,
    /// By which signal, the heaviest.
    pub by: Option<Signal>,
    /// Its calls that policies or limits refused.
    pub refused: u64,
    /// What its caller can show.
    pub bound: bool,
}

/// What became of an estate.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Each attack.
    pub rows: Vec<Row>,
    /// Honest calls.
    pub honest: u64,
    /// Of these: slowed, challenged without an answer, blocked by the risk.
    pub harmed: [u64; 3],
    /// Challenged, and passed at once.
    pub passed: u64,
    /// Refused by limits or policies.
    pub refused: u64,
    /// Honest identities that were slowed, challenged or blocked.
    pub who: BTreeMap<String, u64>,
    /// Honest calls that were harmed, by who makes them, what they call and all that was told of them, with the highest risk.
    pub cases: BTreeMap<String, (u64, u8)>,
    /// By which signals honest calls were harmed, the heaviest of each.
    pub by: BTreeMap<&'static str, u64>,
    /// Honest calls with any risk, by signal.
    pub noise: BTreeMap<&'static str, u64>,
    /// Honest identities that were told of and whose credential nobody else used, with the signal.
    pub told: BTreeMap<String, &'static str>,
    /// Why honest calls were made that were harmed.
    pub why: BTreeMap<&'static str, u64>,
    names: Vec<String>,
}

impl Report {
    /// For an estate.
    #[must_use]
    pub fn new(estate: &Estate) -> Self {
        let names = estate.members().iter().map(|member| member.name.clone()).collect();
        let row = |attack: &Attack| {
            let bound = attack
                .victims
                .first()
                .and_then(|victim| estate.members().get(usize::from(*victim)))
                .is_some_and(|member| member.proof.bound());
            Row { attack: attack.clone(), detected: None, by: None, refused: 0, bound }
        };
        Self { rows: estate.attacks().iter().map(row).collect(), names, ..Self::default() }
    }

    /// Counts a call.
    pub fn count(&mut self, call: &Call, judged: &Judged) {
        let by_risk = matches!(judged.reason, Reason::RiskSlowed | Reason::RiskChallenged | Reason::RiskStepUp | Reason::RiskBlocked);
        match call.label {
            Label::Attack { attack, .. } => {
                let Some(row) = self.rows.get_mut(usize::from(attack)) else { return };
                if (by_risk || judged.assessment.risk >= TOLD || judged.reason == Reason::ProofRepeated) && row.detected.is_none() {
                    row.detected = Some(call.time);
                    row.by = judged.assessment.parts.first().map(|part| part.signal);
                }
                row.refused += u64::from(!by_risk && !judged.fate.reached());
            }
            Label::Honest(why) => self.honest(call, why, judged, by_risk),
        }
    }

    fn honest(&mut self, call: &Call, why: Why, judged: &Judged, by_risk: bool) {
        self.honest += 1;
        for part in &judged.assessment.parts {
            *self.noise.entry(part.signal.as_str()).or_default() += 1;
        }
        let name = call.member.and_then(|member| self.names.get(usize::from(member))).map_or("anonymous", String::as_str);
        if judged.assessment.risk >= TOLD
            && !self.rows.iter().any(|row| call.member.is_some_and(|member| row.attack.victims.contains(&member)))
        {
            let by = judged.assessment.parts.first().map_or("-", |part| part.signal.as_str());
            if !self.told.contains_key(name) {
                self.told.insert(name.to_owned(), by);
            }
        }
        if !by_risk {
            self.refused += u64::from(!judged.fate.reached());
            return;
        }
        let [slowed, challenged, blocked] = &mut self.harmed;
        match judged.fate {
            Fate::Allowed => return,
            Fate::Slowed(_) => *slowed += 1,
            Fate::Challenged if call.shown.proof.bound() => {
                self.passed += 1;
                return;
            }
            Fate::Challenged => *challenged += 1,
            Fate::Blocked(_) => *blocked += 1,
        }
        *self.who.entry(format!("{name} {}", judged.fate_word())).or_default() += 1;
        *self.why.entry(why.as_str()).or_default() += 1;
        let parts: Vec<String> = judged.assessment.parts.iter().map(|part| format!("{} {}", part.signal.as_str(), part.weight)).collect();
        let case = format!("{name} {} {} ({}): {}", judged.fate_word(), call.operation.id(), why.as_str(), parts.join(" + "));
        let (count, risk) = self.cases.entry(case).or_default();
        (*count, *risk) = (*count + 1, judged.assessment.risk.max(*risk));
        if let Some(part) = judged.assessment.parts.first() {
            *self.by.entry(part.signal.as_str()).or_default() += 1;
        }
    }

    /// Takes what came of the attacks.
    pub fn end(&mut self, estate: &Estate) {
        for (row, attack) in self.rows.iter_mut().zip(estate.attacks()) {
            row.attack = attack.clone();
        }
    }
}

impl Judged {
    fn fate_word(&self) -> &'static str {
        match self.fate {
            Fate::Allowed => "allowed",
            Fate::Slowed(_) => "slowed",
            Fate::Challenged => "challenged",
            Fate::Blocked(_) => "blocked",
        }
    }
}

/// An estate twice: with policies and limits alone, and with risk.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// Without any signal.
    pub free: Report,
    /// With all.
    pub met: Report,
}

/// One line of the table: attacks of a family and strength, of however many estates.
#[derive(Debug, Clone, Copy, Default)]
struct Line {
    attacks: u32,
    detected: u32,
    seconds: u64,
    taken: u64,
    leaked: u64,
    /// What leaked of each attack, in parts of what it would have had, summed up.
    shares: u64,
}

/// Parts of a share.
const PARTS: u64 = 10_000;

impl Outcome {
    /// The table for people, of several seeds.
    #[must_use]
    pub fn table(outcomes: &[Self]) -> String {
        let mut page = String::new();
        for set in Set::ALL {
            let _ = writeln!(
                page,
                "\n{} FAMILIES\nfamily                  strength  detected        time    leaked     of take  mean of each",
                set.as_str().to_uppercase()
            );
            for family in Family::ALL {
                for strength in Strength::ALL {
                    let line = Self::line(outcomes, |row| {
                        row.attack.set == *set && row.attack.family == *family && row.attack.strength == *strength
                    });
                    if line.attacks > 0 {
                        let _ = writeln!(page, "{:<24}{:<10}{line}", family.as_str(), strength.as_str());
                    }
                }
            }
            for strength in Strength::ALL {
                let line = Self::line(outcomes, |row| row.attack.set == *set && row.attack.strength == *strength);
                let _ = writeln!(page, "{:<24}{:<10}{line}", "all of them", strength.as_str());
            }
            for (bound, says) in [(true, "callers with a key"), (false, "callers without")] {
                let line =
                    Self::line(outcomes, |row| row.attack.set == *set && row.attack.strength == Strength::Normal && row.bound == bound);
                let _ = writeln!(page, "{says:<24}{:<10}{line}", "normal");
            }
        }
        page.push_str(&Self::honest(outcomes));
        page
    }

    /// The head of [`Outcome::brief`].
    pub const BRIEF: &str = "tuned: found     leaked   held out: found     leaked   honest blocked   slowed";

    /// Attacks of normal strength and honest calls, on one line.
    #[must_use]
    pub fn brief(&self) -> String {
        let of = |set: Set| Self::line(std::slice::from_ref(self), |row| row.attack.set == set && row.attack.strength == Strength::Normal);
        let (tuned, held_out) = (of(Set::Tuned), of(Set::HeldOut));
        format!(
            "{:>7} of {:<3}{:>9}{:>12} of {:<3}{:>12}{:>16}{:>9}",
            tuned.detected,
            tuned.attacks,
            share(tuned.shares, u64::from(tuned.attacks) * PARTS),
            held_out.detected,
            held_out.attacks,
            share(held_out.shares, u64::from(held_out.attacks) * PARTS),
            self.met.harmed[2],
            self.met.harmed[0]
        )
    }

    /// Of the attacks that take a little more than usual for days (slow scraping of normal strength), how many were found within three
    /// days, and how many there were.
    #[must_use]
    pub fn drips(outcomes: &[Self]) -> (u32, u32) {
        let of = |row: &Row| row.attack.family == Family::SlowScraping && row.attack.strength == Strength::Normal;
        let soon = |row: &Row| {
            let spent = row.detected.zip(row.attack.take.first).map(|(detected, first)| detected.since(first));
            spent.is_some_and(|spent| spent <= Duration::from_secs(3 * 86_400))
        };
        (Self::line(outcomes, |row| of(row) && soon(row)).attacks, Self::line(outcomes, of).attacks)
    }

    fn honest(outcomes: &[Self]) -> String {
        let mut page = String::from("\nHONEST CALLS\n");
        let sum = |of: &dyn Fn(&Report) -> u64| outcomes.iter().map(|outcome| of(&outcome.met)).sum::<u64>();
        let all = sum(&|met| met.honest);
        let shares = [
            ("blocked", sum(&|met| met.harmed[2])),
            ("slowed", sum(&|met| met.harmed[0])),
            ("challenged and failed", sum(&|met| met.harmed[1])),
            ("challenged and passed", sum(&|met| met.passed)),
            ("refused by limits or policies", sum(&|met| met.refused)),
        ];
        let _ = writeln!(page, "{:<32}{all:>10}", "all");
        for (says, count) in shares {
            let per_million = count.saturating_mul(1_000_000) / all.max(1);
            let _ = writeln!(page, "{says:<32}{count:>10}{per_million:>8} in a million");
        }
        let told = sum(&|met| u64::try_from(met.told.len()).unwrap_or(0));
        let _ = writeln!(page, "{:<32}{told:>10} in {} estates", "identities told without cause", outcomes.len());
        for (title, of) in [
            ("by signal", (|met: &Report| &met.by) as fn(&Report) -> &BTreeMap<&'static str, u64>),
            ("by cause", |met| &met.why),
            ("with a signal", |met| &met.noise),
        ] {
            let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
            for outcome in outcomes {
                for (name, count) in of(&outcome.met) {
                    *counts.entry(name).or_default() += count;
                }
            }
            let _ =
                writeln!(page, "{title}: {}", counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", "));
        }
        page
    }

    fn line(outcomes: &[Self], of: impl Fn(&Row) -> bool) -> Line {
        let mut line = Line::default();
        for outcome in outcomes {
            for (free, met) in outcome.free.rows.iter().zip(&outcome.met.rows).filter(|(_, met)| of(met)) {
                // An attack that takes nothing where nobody meets it is none to measure by.
                if free.attack.take.calls == 0 {
                    continue;
                }
                line.attacks += 1;
                if let (Some(detected), Some(first)) = (met.detected, met.attack.take.first) {
                    line.detected += 1;
                    line.seconds += detected.since(first).as_secs();
                }
                line.taken += free.attack.take.leaked;
                line.leaked += met.attack.take.leaked;
                line.shares += (met.attack.take.leaked * PARTS).checked_div(free.attack.take.leaked).unwrap_or(0).min(PARTS);
            }
        }
        line
    }

    /// Each attack, a line each.
    #[must_use]
    pub fn attacks(&self) -> String {
        let mut page = String::new();
        for (free, met) in self.free.rows.iter().zip(&self.met.rows) {
            let (attack, take) = (&met.attack, met.attack.take);
            let detected = met.detected.zip(take.first).map(|(detected, first)| span(detected.since(first)));
            let _ = writeln!(
                page,
                "{:<22}{:<8}{:<10}{:>8}{:>8}{:>9}{:>9}{:>9}  {:<9}{:<14}{}",
                attack.family.as_str(),
                attack.strength.as_str(),
                if met.bound { "bound" } else { "" },
                take.calls,
                take.reached,
                free.attack.take.leaked,
                take.leaked,
                met.refused,
                detected.unwrap_or_else(|| "never".to_owned()),
                met.by.map_or("-", Signal::as_str),
                attack
                    .victims
                    .iter()
                    .filter_map(|victim| self.met.names.get(usize::from(*victim)))
                    .take(2)
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(" "),
            );
        }
        let _ = writeln!(page, "harmed: {:?}\ntold without cause: {:?}", self.met.who, self.met.told);
        let mut cases: Vec<_> = self.met.cases.iter().collect();
        cases.sort_by_key(|(_, (count, _))| Reverse(*count));
        for (case, (count, risk)) in cases.into_iter().take(CASES_SHOWN) {
            let _ = writeln!(page, "{count:>8} of risk up to {risk}: {case}");
        }
        page
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mean = self.seconds.checked_div(u64::from(self.detected)).map(Duration::from_secs);
        write!(
            f,
            "{:>4} of {:<4}{:>9}{:>10}{:>12}{:>12}",
            self.detected,
            self.attacks,
            mean.map_or_else(|| "-".to_owned(), span),
            self.leaked,
            share(self.leaked, self.taken),
            share(self.shares, u64::from(self.attacks) * PARTS)
        )
    }
}

fn share(part: u64, of: u64) -> String {
    (part * 10_000).checked_div(of).map_or_else(|| "-".to_owned(), |share| format!("{}.{:02} %", share / 100, share % 100))
}

fn span(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}
