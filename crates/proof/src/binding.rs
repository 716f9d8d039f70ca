//! Which identity a foreign proof stands for: a trust source and the subject it names, with what claims say besides.
//!
//! Indexed by the subject, and where it is given by its beginning, by that beginning: a look-up costs a few hash look-ups,
//! however many identities there are. Where one beginning stands for many identities that claims tell apart, by the rarest
//! of these claims.
//!
//! Two identities for one proof are a refusal, never a choice: whoever could make the second match would choose who it is.
//! [`overlaps`](Subjects::overlaps) finds such pairs when resources are loaded, [`loose`] what is bound to more than it seems.
//!
//! A map in pieces, as all that changes with single identities: copying it shares them, changing it copies one.

mod bucket;
pub mod loose;
mod overlap;

pub use overlap::{Overlap, Overlaps};

use bucket::{Bucket, Rule};
use serde_json::{Map, Value};
use smallvec::SmallVec;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use wardgate_model::{
    id::{CredentialId, IdentityId, TrustName},
    trust::{Binding, Subject},
};

/// In how many pieces the map is: a million subjects make pieces of about a thousand.
const PIECES: usize = 1 << 10;

/// Whom a proof stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// The identity.
    pub identity: IdentityId,
    /// Its credential that says so.
    pub credential: CredentialId,
}

/// What a look-up found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match<'a> {
    /// Nobody.
    Nobody,
    /// One identity; of its credentials the one that says most.
    One(&'a Holder),
    /// Two identities: the proof must be refused. There may be more.
    Ambiguous(&'a Holder, &'a Holder),
}

/// Where a rule is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    trust: TrustName,
    subject: Subject,
}

/// The same, borrowed.
#[derive(Debug, Clone, Copy)]
struct Spot<'a> {
    trust: &'a TrustName,
    whole: bool,
    text: &'a str,
}

impl Place {
    fn spot(&self) -> Spot<'_> {
        let (whole, text) = match &self.subject {
            Subject::Exactly(text) => (true, text),
            Subject::Beginning(text) => (false, text),
        };
        Spot { trust: &self.trust, whole, text }
    }

    fn is_at(&self, spot: Spot<'_>) -> bool {
        let own = self.spot();
        own.whole == spot.whole && own.text == spot.text && own.trust == spot.trust
    }
}

impl Spot<'_> {
    /// Where it is kept. Quick, and without a secret: what is kept our own people wrote, and a stranger's subject is only looked up.
    /// So the order is the same in every process, and with it what [`Subjects::overlaps`] names first.
    fn hash(self) -> u64 {
        let mut hash = u64::from(self.whole);
        let mut add = |word: u64| {
            // The golden ratio, as in Fibonacci hashing: the highest bits, which choose the piece, come of all the others.
            let product = (hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            hash = product ^ (product >> 32);
        };
        for text in [self.trust.as_str(), self.text] {
            let (words, rest) = text.as_bytes().as_chunks();
            words.iter().for_each(|word| add(u64::from_le_bytes(*word)));
            let mut last = [0; 8];
            last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            add(u64::from_le_bytes(last));
            add(u64::try_from(text.len()).unwrap_or_default());
        }
        hash
    }
}

type Piece = BTreeMap<u64, SmallVec<[Arc<Bucket>; 1]>>;
/// How many beginnings of each length a trust source has, in bytes.
type Lengths = BTreeMap<usize, usize>;

/// Every binding of every identity.
#[derive(Debug, Clone)]
pub struct Subjects {
    // INVARIANT (pieces): PIECES of them.
    pieces: Vec<Arc<Piece>>,
    lengths: Arc<BTreeMap<TrustName, Lengths>>,
}

impl Default for Subjects {
    fn default() -> Self {
        Self { pieces: vec![Arc::default(); PIECES], lengths: Arc::default() }
    }
}

impl Subjects {
    /// Puts all of them in place.
    pub fn build(bound: impl IntoIterator<Item = (Binding, Holder)>) -> Self {
        let mut places = HashMap::<Place, Vec<Rule>>::new();
        for (Binding { trust, subject, claims }, holder) in bound {
            places.entry(Place { trust, subject }).or_default().push(Rule { conditions: claims, holder });
        }
        let mut subjects = Self::default();
        for (place, rules) in places {
            subjects.set(Bucket::new(place, rules));
        }
        subjects
    }

    /// Puts a binding in place, instead of the one that this credential has there.
    pub fn put(&mut self, binding: &Binding, holder: Holder) {
        let place = Place { trust: binding.trust.clone(), subject: binding.subject.clone() };
        let mut rules = self.bucket(place.spot()).map(|bucket| bucket.rules().to_vec()).unwrap_or_default();
        rules.retain(|rule| rule.holder.credential != holder.credential);
        rules.push(Rule { conditions: binding.claims.clone(), holder });
        self.set(Bucket::new(place, rules));
    }

    /// Takes the binding of a credential away.
    pub fn remove(&mut self, binding: &Binding, credential: &CredentialId) {
        let place = Place { trust: binding.trust.clone(), subject: binding.subject.clone() };
        let Some(bucket) = self.bucket(place.spot()) else { return };
        let mut rules = bucket.rules().to_vec();
        rules.retain(|rule| rule.holder.credential != *credential);
        self.set(Bucket::new(place, rules));
    }

    /// Whose a proof is that a trust source vouches for. `claims` are those of a token; a certificate has none.
    #[must_use]
    pub fn find(&self, trust: &TrustName, subject: &str, claims: &Map<String, Value>) -> Match<'_> {
        let mut found: Option<&Holder> = None;
        for bucket in self.buckets(trust, subject) {
            for rule in bucket.holding(claims) {
                match found {
                    None => found = Some(&rule.holder),
                    Some(before) if before.identity != rule.holder.identity => return Match::Ambiguous(before, &rule.holder),
                    Some(_) => {}
                }
            }
        }
        found.map_or(Match::Nobody, Match::One)
    }

    /// The buckets that a subject falls into, the one that says most first.
    fn buckets<'s, 'a>(&'s self, trust: &'a TrustName, subject: &'a str) -> impl Iterator<Item = &'s Arc<Bucket>> + use<'s, 'a> {
        let exact = self.bucket(Spot { trust, whole: true, text: subject });
        exact.into_iter().chain(self.beginnings(trust, subject))
    }

    /// The buckets of beginnings that a text has, the longest first.
    fn beginnings<'s, 'a>(&'s self, trust: &'a TrustName, text: &'a str) -> impl Iterator<Item = &'s Arc<Bucket>> + use<'s, 'a> {
        let lengths = self.lengths.get(trust).into_iter().flat_map(move |lengths| lengths.range(..=text.len()).rev());
        lengths.filter_map(move |(length, _)| self.bucket(Spot { trust, whole: false, text: text.get(..*length)? }))
    }

    fn every(&self) -> impl Iterator<Item = &Arc<Bucket>> {
        self.pieces.iter().flat_map(|piece| piece.values()).flatten()
    }

    fn bucket(&self, spot: Spot<'_>) -> Option<&Arc<Bucket>> {
        let hash = spot.hash();
        self.pieces.get(digit(hash))?.get(&hash)?.iter().find(|bucket| bucket.place().is_at(spot))
    }

    /// Puts a bucket in the place of the one before; an empty one takes it away.
    fn set(&mut self, bucket: Bucket) {
        let spot = bucket.place().spot();
        let hash = spot.hash();
        let Some(piece) = self.pieces.get_mut(digit(hash)).map(Arc::make_mut) else { return };
        let here = piece.entry(hash).or_default();
        let before = here.len();
        here.retain(|old| !old.place().is_at(spot));
        let (was, is) = (here.len() < before, !bucket.rules().is_empty());
        if !spot.whole && was != is {
            let lengths = Arc::make_mut(&mut self.lengths).entry(spot.trust.clone()).or_default();
            count(lengths, spot.text.len(), is);
        }
        if is {
            here.push(Arc::new(bucket));
        } else if here.is_empty() {
            piece.remove(&hash);
        }
    }
}

fn count(lengths: &mut Lengths, length: usize, more: bool) {
    let here = lengths.entry(length).or_default();
    *here = if more { here.saturating_add(1) } else { here.saturating_sub(1) };
    if *here == 0 {
        lengths.remove(&length);
    }
}

fn digit(hash: u64) -> usize {
    usize::try_from(hash >> 54).unwrap_or_default()
}
