//! Counts of calls by day and kind: a page that shows an estate at a glance.

use super::{
    attacks::Family,
    calendar::day_of,
    call::{Call, Fate, Label},
    run::Estate,
};
use std::{collections::BTreeMap, fmt::Write as _};

/// How many calls there were.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    /// By kind of who calls honestly, and by day.
    honest: BTreeMap<&'static str, Vec<u64>>,
    /// Why honest calls were made.
    why: BTreeMap<&'static str, u64>,
    /// Honest calls that were slowed, challenged, blocked.
    harmed: [u64; 3],
    /// By family, and by day.
    attacks: BTreeMap<Family, Vec<u64>>,
    /// All of them.
    calls: u64,
}

impl Tally {
    /// Counts a call.
    pub fn count(&mut self, estate: &Estate, call: &Call, fate: Fate) {
        self.calls += 1;
        let days = match call.label {
            Label::Honest(why) => {
                *self.why.entry(why.as_str()).or_default() += 1;
                let [slowed, challenged, blocked] = &mut self.harmed;
                match fate {
                    Fate::Allowed => {}
                    Fate::Slowed(_) => *slowed += 1,
                    Fate::Challenged => *challenged += 1,
                    Fate::Blocked(_) => *blocked += 1,
                }
                self.honest.entry(estate.member(call).map_or("anonymous", |member| member.kind.as_str())).or_default()
            }
            Label::Attack { family, .. } => self.attacks.entry(family).or_default(),
        };
        let day = usize::try_from(day_of(call.time)).unwrap_or(0);
        if days.len() <= day {
            days.resize(day + 1, 0);
        }
        if let Some(count) = days.get_mut(day) {
            *count += 1;
        }
    }

    /// How many calls there were.
    #[must_use]
    pub const fn calls(&self) -> u64 {
        self.calls
    }

    /// Honest calls.
    #[must_use]
    pub fn honest(&self) -> u64 {
        self.why.values().sum()
    }

    /// Honest calls that were slowed, challenged, blocked.
    #[must_use]
    pub const fn harmed(&self) -> [u64; 3] {
        self.harmed
    }

    /// As tables for people.
    #[must_use]
    pub fn table(&self, estate: &Estate) -> String {
        let mut page = format!("{} calls, {} of them honest\n\nCALLS BY DAY\n", self.calls, self.honest());
        let days = self.honest.values().chain(self.attacks.values()).map(Vec::len).max().unwrap_or(0);
        let rows = self.honest.iter().map(|(kind, days)| (*kind, days));
        let attacks = self.attacks.iter().map(|(family, days)| (family.as_str(), days));
        for (name, counts) in rows.chain(attacks) {
            let _ = write!(page, "{name:<22}");
            for day in 0..days {
                let _ = write!(page, "{:>8}", counts.get(day).copied().unwrap_or(0));
            }
            page.push('\n');
        }
        page.push_str("\nHONEST CALLS BY CAUSE\n");
        for (why, count) in &self.why {
            let _ = writeln!(page, "{why:<22}{count:>8}");
        }
        page.push_str("\nATTACKS\nfamily                strength set       place        calls   reached measure   attempted    leaked\n");
        for attack in estate.attacks() {
            let (take, place) = (attack.take, if attack.place == super::Place::Own { "own" } else { "elsewhere" });
            let _ = writeln!(
                page,
                "{:<22}{:<9}{:<10}{place:<10}{:>8}{:>10} {:<8}{:>11}{:>10}",
                attack.family.as_str(),
                attack.strength.as_str(),
                attack.set.as_str(),
                take.calls,
                take.reached,
                attack.measure.as_str(),
                take.attempted,
                take.leaked
            );
        }
        page
    }

    /// The same for machines.
    #[must_use]
    pub fn json(&self, estate: &Estate) -> serde_json::Value {
        let attacks = estate.attacks().iter().map(|attack| {
            let take = attack.take;
            serde_json::json!({
                "family": attack.family.as_str(),
                "strength": attack.strength.as_str(),
                "set": attack.set.as_str(),
                "from": if attack.place == super::Place::Own { "own" } else { "elsewhere" },
                "victims": attack.victims.iter().filter_map(|at| Some(estate.members().get(usize::from(*at))?.name.as_str())).collect::<Vec<_>>(),
                "begins": attack.begins.to_rfc3339(),
                "ends": attack.ends.to_rfc3339(),
                "calls": take.calls,
                "reached": take.reached,
                "measure": attack.measure.as_str(),
                "attempted": take.attempted,
                "leaked": take.leaked,
            })
        });
        let by_family: BTreeMap<&str, &Vec<u64>> = self.attacks.iter().map(|(family, days)| (family.as_str(), days)).collect();
        serde_json::json!({
            "calls": self.calls,
            "honest": self.honest(),
            "honest_by_kind_and_day": self.honest,
            "honest_by_cause": self.why,
            "attacks_by_family_and_day": by_family,
            "attacks": attacks.collect::<Vec<_>>(),
        })
    }
}
