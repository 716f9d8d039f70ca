//! The bindings of one subject, or of one beginning of subjects.

use super::{Holder, Place};
use crate::jose::claims;
use serde_json::{Map, Value};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};
use wardgate_model::trust::{ClaimValue, Condition};

/// So many rules are looked through; more are indexed.
const SCANNED_MAX: usize = 8;

/// A binding, but for its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) conditions: Box<[Condition]>,
    pub(super) holder: Holder,
}

impl Rule {
    fn holds(&self, members: &Map<String, Value>) -> bool {
        self.conditions.iter().all(|condition| {
            let said = claims::find(members, &condition.claim);
            said.is_some_and(|said| each(said).any(|said| is(said, &condition.value)))
        })
    }
}

/// The rules of a place.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    place: Place,
    /// The one that says most first.
    rules: Box<[Rule]>,
    index: Option<Box<Index>>,
}

/// Where to look in a bucket of many rules. Numbers are places in the list of rules.
#[derive(Debug, Clone, Default)]
struct Index {
    /// Rules without a condition.
    unconditional: Vec<usize>,
    /// By the claim that a rule asks for, and by what it has to say.
    by_claim: BTreeMap<Box<str>, HashMap<Said, Vec<usize>>>,
}

/// [`ClaimValue`], fit to be a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Said {
    Text(Box<str>),
    Number(i64),
    Flag(bool),
}

impl Bucket {
    pub(super) fn new(place: Place, mut rules: Vec<Rule>) -> Self {
        rules.sort_by(|a, b| (Reverse(a.conditions.len()), &a.holder).cmp(&(Reverse(b.conditions.len()), &b.holder)));
        let index = (rules.len() > SCANNED_MAX).then(|| Box::new(Index::of(&rules)));
        Self { place, rules: rules.into(), index }
    }

    pub(super) const fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that hold, the one that says most first.
    pub(super) fn holding(&self, claims: &Map<String, Value>) -> impl Iterator<Item = &Rule> {
        let (all, chosen) = match &self.index {
            None => (&*self.rules, Vec::new()),
            Some(index) => (&[][..], index.chosen(claims)),
        };
        let chosen = chosen.into_iter().filter_map(|at| self.rules.get(at));
        all.iter().chain(chosen).filter(move |rule| rule.holds(claims))
    }

    /// The rules that can hold where these conditions hold: those that want something else of a claim are left out.
    pub(super) fn meeting(&self, conditions: &[Condition]) -> impl Iterator<Item = &Rule> {
        let (all, chosen) = match &self.index {
            None => (&*self.rules, Vec::new()),
            Some(index) => (&[][..], index.meeting(conditions)),
        };
        let chosen = chosen.into_iter().filter_map(|at| self.rules.get(at));
        all.iter().chain(chosen).filter(move |rule| !contradict(&rule.conditions, conditions))
    }
}

/// Whether two lists of conditions want different things of one claim. A claim that is a list could say both; then the
/// request is refused, as ever where two identities match.
fn contradict(one: &[Condition], other: &[Condition]) -> bool {
    one.iter().any(|a| other.iter().any(|b| a.claim == b.claim && a.value != b.value))
}

impl Index {
    /// Files each rule under the rarest of its conditions.
    fn of(rules: &[Rule]) -> Self {
        let mut often = HashMap::<(&str, Said), usize>::new();
        for condition in rules.iter().flat_map(|rule| &rule.conditions) {
            *often.entry((&condition.claim, Said::of(&condition.value))).or_default() += 1;
        }
        let mut index = Self::default();
        for (at, rule) in rules.iter().enumerate() {
            let rarest = rule.conditions.iter().min_by_key(|condition| often.get(&(&*condition.claim, Said::of(&condition.value))));
            match rarest {
                None => index.unconditional.push(at),
                Some(Condition { claim, value }) => {
                    index.by_claim.entry(claim.clone()).or_default().entry(Said::of(value)).or_default().push(at);
                }
            }
        }
        index
    }

    fn chosen(&self, members: &Map<String, Value>) -> Vec<usize> {
        let mut chosen = self.unconditional.clone();
        for (claim, by_value) in &self.by_claim {
            let said = claims::find(members, claim).into_iter().flat_map(each).filter_map(Said::read);
            chosen.extend(said.filter_map(|said| by_value.get(&said)).flatten());
        }
        // A list may say one thing twice.
        chosen.sort_unstable();
        chosen.dedup();
        chosen
    }

    fn meeting(&self, conditions: &[Condition]) -> Vec<usize> {
        let mut chosen = self.unconditional.clone();
        for (claim, by_value) in &self.by_claim {
            match conditions.iter().find(|condition| condition.claim == *claim) {
                Some(condition) => chosen.extend(by_value.get(&Said::of(&condition.value)).into_iter().flatten()),
                None => chosen.extend(by_value.values().flatten()),
            }
        }
        chosen.sort_unstable();
        chosen
    }
}

impl Said {
    fn of(value: &ClaimValue) -> Self {
        match value {
            ClaimValue::Text(text) => Self::Text(text.clone()),
            ClaimValue::Number(number) => Self::Number(*number),
            ClaimValue::Flag(flag) => Self::Flag(*flag),
        }
    }

    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Text(text.as_str().into())),
            Value::Number(number) => number.as_i64().map(Self::Number),
            Value::Bool(flag) => Some(Self::Flag(*flag)),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

/// What a claim says: itself, or each of what it lists.
fn each(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(list) => list.iter(),
        one => std::slice::from_ref(one).iter(),
    }
}

/// Whether a claim says exactly this: text is no number, and `1.0` is not `1`.
fn is(value: &Value, wanted: &ClaimValue) -> bool {
    match wanted {
        ClaimValue::Text(text) => value.as_str() == Some(text),
        ClaimValue::Number(number) => value.as_i64() == Some(*number),
        ClaimValue::Flag(flag) => value.as_bool() == Some(*flag),
    }
}
