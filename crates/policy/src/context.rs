//! The request as Cedar sees it: built from typed [`Facts`] alone, and only the fields that somebody reads. The same
//! fields, written out in full, are the key under which an answer is remembered.

use cedar_policy::{Context, RestrictedExpression};
use smallvec::SmallVec;
use wardgate_model::{
    facts::{Caller, Facts, Lane},
    proof::ProofFacts,
    time::Time,
};

/// One leaf of the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Field {
    ProofKind,
    ProofBound,
    ProofAge,
    Token,
    Task,
    Purpose,
    Risk,
    Zone,
    Network,
    Country,
    Known,
    OnBehalfOf,
    Actors,
    Time,
    Path,
    Query,
    Lane,
}

const LEAVES: [(Field, &[&str]); 17] = [
    (Field::ProofKind, &["proof", "kind"]),
    (Field::ProofBound, &["proof", "bound"]),
    (Field::ProofAge, &["proof", "age_s"]),
    (Field::Token, &["token"]),
    (Field::Task, &["task"]),
    (Field::Purpose, &["purpose"]),
    (Field::Risk, &["risk"]),
    (Field::Zone, &["source", "zone"]),
    (Field::Network, &["source", "network"]),
    (Field::Country, &["source", "country"]),
    (Field::Known, &["source", "known"]),
    (Field::OnBehalfOf, &["on_behalf_of"]),
    (Field::Actors, &["actors"]),
    (Field::Time, &["time"]),
    (Field::Path, &["request", "path"]),
    (Field::Query, &["request", "query"]),
    (Field::Lane, &["lane"]),
];

/// A set of leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub(crate) struct Fields(u32);

impl Fields {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const ALL: Self = Self(u32::MAX);
    /// Values that hardly repeat: remembering answers by them would only fill the cache.
    pub(crate) const FRESH: Self = Self(
        Self::one(Field::ProofAge).0
            | Self::one(Field::Network).0
            | Self::one(Field::Time).0
            | Self::one(Field::Path).0
            | Self::one(Field::Query).0,
    );

    /// Values that a proof has wherever, whenever and for whatever it is shown.
    pub(crate) const SHOWN: Self = Self(
        Self::one(Field::ProofKind).0
            | Self::one(Field::ProofBound).0
            | Self::one(Field::Token).0
            | Self::one(Field::Task).0
            | Self::one(Field::OnBehalfOf).0
            | Self::one(Field::Actors).0
            | Self::one(Field::Lane).0,
    );

    pub(crate) const fn one(field: Field) -> Self {
        Self(1 << field as u8)
    }

    /// The leaves at, above or below `path`. Asking whether a path is there (`has`) reads it too.
    pub(crate) fn of_path(path: &[&str]) -> Self {
        LEAVES
            .iter()
            .filter(|(_, leaf)| leaf.iter().zip(path).all(|(a, b)| a == b))
            .fold(Self::NONE, |fields, (field, _)| fields.and(Self::one(*field)))
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn has(self, field: Field) -> bool {
        self.0 & Self::one(field).0 != 0
    }

    pub(crate) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) const fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// What is read of a request, beside the facts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) risk: u8,
    pub(crate) now: Time,
}

/// Longest key of a remembered answer, in bytes. What is longer is evaluated each time.
pub(crate) const KEY_BYTES_MAX: usize = 1024;

/// The values of the fields, written so that no two lists of values look the same.
pub(crate) type Key = SmallVec<[u8; 128]>;

impl Asked<'_> {
    fn proof(&self) -> ProofFacts {
        self.facts.caller.as_ref().map_or(ProofFacts::NONE, |caller| caller.proof)
    }

    /// Who is not known to call shows nothing.
    fn lane(&self) -> Lane {
        self.facts.lane().unwrap_or(Lane::Anonymous)
    }

    /// The person whom a proof names. A session names nobody: anybody can make one up.
    fn vouched(&self) -> Option<&str> {
        self.facts.caller.as_ref().filter(|caller| caller.lane() == Lane::Machine)?.on_behalf_of.as_deref()
    }

    /// The values of those `fields` by which answers are remembered.
    pub(crate) fn key(&self, fields: Fields) -> Key {
        let mut key = Key::new();
        let caller = self.facts.caller.as_ref();
        if fields.has(Field::ProofKind) {
            key.push(self.proof().kind as u8);
        }
        if fields.has(Field::ProofBound) {
            key.push(u8::from(self.proof().bound));
        }
        if fields.has(Field::Risk) {
            key.push(self.risk);
        }
        if fields.has(Field::Zone) {
            option(&mut key, self.facts.source.zone.as_ref().map(|zone| zone.as_str()));
        }
        if fields.has(Field::Country) {
            option(&mut key, self.facts.source.country.as_ref().map(|country| country.as_str()));
        }
        if fields.has(Field::Purpose) {
            option(&mut key, self.facts.purpose.as_ref().map(|purpose| purpose.value.as_str()));
        }
        if fields.has(Field::Task) {
            option(&mut key, caller.and_then(|caller| caller.task.as_ref()).map(|task| task.as_str()));
        }
        if fields.has(Field::Lane) {
            key.push(self.lane() as u8);
        }
        if fields.has(Field::OnBehalfOf) {
            option(&mut key, self.vouched());
        }
        if fields.has(Field::Actors) {
            list(&mut key, caller.iter().flat_map(|caller| acting(caller)));
        }
        if fields.has(Field::Token) {
            let token = caller.and_then(|caller| caller.token.as_ref());
            option(&mut key, token.map(|token| &*token.issuer));
            list(&mut key, token.iter().flat_map(|token| token.scopes.iter().map(|scope| &**scope)));
            list(&mut key, token.iter().flat_map(|token| token.audience.iter().map(|audience| &**audience)));
        }
        key
    }

    /// A context of just these fields, or `None` when a value cannot be given to Cedar.
    pub(crate) fn context(&self, fields: Fields) -> Option<Context> {
        let caller = self.facts.caller.as_ref();
        let mut pairs: Vec<(String, RestrictedExpression)> = Vec::new();
        let mut put = |name: &str, value: RestrictedExpression| pairs.push((name.to_owned(), value));
        self.proof_record(fields).into_iter().try_for_each(|record| record.map(|record| put("proof", record)))?;
        self.source_record(fields).into_iter().try_for_each(|record| record.map(|record| put("source", record)))?;
        self.request_record(fields).into_iter().try_for_each(|record| record.map(|record| put("request", record)))?;
        if fields.has(Field::Risk) {
            put("risk", RestrictedExpression::new_long(i64::from(self.risk)));
        }
        if fields.has(Field::Purpose) {
            self.facts.purpose.iter().for_each(|purpose| put("purpose", text(purpose.value.as_str())));
        }
        if fields.has(Field::Task) {
            caller.and_then(|caller| caller.task.as_ref()).into_iter().for_each(|task| put("task", text(task.as_str())));
        }
        if fields.has(Field::Actors) {
            let actors = caller.iter().flat_map(|caller| acting(caller)).map(text);
            put("actors", RestrictedExpression::new_set(actors));
        }
        if fields.has(Field::Time) {
            put("time", RestrictedExpression::new_datetime(moment(self.now)?));
        }
        if fields.has(Field::Lane) {
            put("lane", text(self.lane().as_str()));
        }
        if let Some(subject) = self.vouched().filter(|_| fields.has(Field::OnBehalfOf)) {
            put("on_behalf_of", record([("subject", text(subject))])?);
        }
        if let Some(token) = caller.and_then(|caller| caller.token.as_ref()).filter(|_| fields.has(Field::Token)) {
            let set = |words: &[Box<str>]| RestrictedExpression::new_set(words.iter().map(|word| text(word)));
            put("token", record([("scopes", set(&token.scopes)), ("audience", set(&token.audience)), ("issuer", text(&token.issuer))])?);
        }
        Context::from_pairs(pairs).ok()
    }

    /// Outer `None`: nobody reads it. Inner `None`: it cannot be given to Cedar.
    fn proof_record(&self, fields: Fields) -> Option<Option<RestrictedExpression>> {
        let proof = self.proof();
        let mut members = Vec::new();
        if fields.has(Field::ProofKind) {
            members.push(("kind", text(proof.kind.as_str())));
        }
        if fields.has(Field::ProofBound) {
            members.push(("bound", RestrictedExpression::new_bool(proof.bound)));
        }
        if fields.has(Field::ProofAge) {
            members.push(("age_s", RestrictedExpression::new_long(proof.age_s(self.now))));
        }
        (!members.is_empty()).then(|| record(members))
    }

    fn source_record(&self, fields: Fields) -> Option<Option<RestrictedExpression>> {
        let source = &self.facts.source;
        let mut members = Vec::new();
        if fields.has(Field::Zone) {
            members.push(("zone", text(source.zone.as_ref().map_or("", |zone| zone.as_str()))));
        }
        if fields.has(Field::Network) {
            members.push(("network", RestrictedExpression::new_ip(source.address.to_string())));
        }
        if fields.has(Field::Country) {
            members.push(("country", text(source.country.as_ref().map_or("", |country| country.as_str()))));
        }
        if fields.has(Field::Known) {
            members.push(("known", RestrictedExpression::new_bool(false)));
        }
        (!members.is_empty()).then(|| record(members))
    }

    fn request_record(&self, fields: Fields) -> Option<Option<RestrictedExpression>> {
        let mut members = Vec::new();
        if fields.has(Field::Path) {
            members.push(("path", text(&self.facts.request.path)));
        }
        if fields.has(Field::Query) {
            members.push(("query", text(self.facts.request.query.as_deref().unwrap_or_default())));
        }
        (!members.is_empty()).then(|| record(members))
    }
}

/// Who acts, as far as a policy sees of it: the outermost actor. Those before it are told and recorded, and nothing rests on them
/// (RFC 8693 §4.1).
fn acting(caller: &Caller) -> impl Iterator<Item = &str> {
    caller.actors.iter().take(1).map(|actor| actor.as_str())
}

fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

fn record<'a>(members: impl IntoIterator<Item = (&'a str, RestrictedExpression)>) -> Option<RestrictedExpression> {
    RestrictedExpression::new_record(members.into_iter().map(|(name, value)| (name.to_owned(), value))).ok()
}

/// A moment in the form of Cedar's `datetime`: UTC, to the millisecond, rounded down.
pub(crate) fn moment(time: Time) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(time.as_micros().div_euclid(1000)).ok()?;
    Some(format!("{at:.3}"))
}

fn sized(key: &mut Key, text: &str) {
    key.extend_from_slice(&text.len().to_le_bytes());
    key.extend_from_slice(text.as_bytes());
}

fn option(key: &mut Key, text: Option<&str>) {
    key.push(u8::from(text.is_some()));
    text.into_iter().for_each(|text| sized(key, text));
}

fn list<'a>(key: &mut Key, words: impl Iterator<Item = &'a str>) {
    let at = key.len();
    key.extend_from_slice(&[0; 8]);
    let mut count = 0_u64;
    for word in words {
        sized(key, word);
        count += 1;
    }
    for (slot, byte) in key.iter_mut().skip(at).zip(count.to_le_bytes()) {
        *slot = byte;
    }
}

#[cfg(test)]
mod tests;
