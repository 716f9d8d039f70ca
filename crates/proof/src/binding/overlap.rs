//! Pairs of identities that one proof could stand for, found before such a proof comes.

use super::{Holder, Subjects, bucket::Rule};
use wardgate_model::{id::TrustName, trust::Subject};

/// So many pairs of rules are compared at most.
const COMPARED_MAX: usize = 5_000_000;

/// Two identities that one proof could stand for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Overlap {
    /// The trust source.
    pub trust: TrustName,
    /// The narrower subject, as files have it: a proof of it can stand for both.
    pub subject: Box<str>,
    /// The wider subject, or the same.
    pub wider: Box<str>,
    /// Whose the narrower one is.
    pub first: Holder,
    /// Whose the wider one is.
    pub second: Holder,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlaps {
    /// The pairs, sorted.
    pub pairs: Vec<Overlap>,
    /// Whether there may be more: the bound of pairs or of work was reached.
    pub more: bool,
}

impl Subjects {
    /// Every pair of identities that one proof could stand for, `at_most` of them.
    ///
    /// Decided by subject, and by claims that are to say different things. Whether an issuer ever makes a token for both is
    /// not known here: where it cannot, say so in the claims of one of them.
    #[must_use]
    pub fn overlaps(&self, at_most: usize) -> Overlaps {
        let mut found = Overlaps { pairs: Vec::new(), more: false };
        let mut left = COMPARED_MAX;
        for narrow in self.every() {
            let place = narrow.place();
            let spot = place.spot();
            let wider = self.beginnings(&place.trust, spot.text).filter(|wider| !wider.place().is_at(spot));
            for wide in std::iter::once(narrow).chain(wider) {
                let same = wide.place().is_at(spot);
                for first in narrow.rules() {
                    for second in wide.meeting(&first.conditions) {
                        let Some(less) = left.checked_sub(1) else { return found.cut(at_most) };
                        left = less;
                        if meet(first, second, same) {
                            found.pairs.push(Overlap {
                                trust: place.trust.clone(),
                                subject: written(&place.subject),
                                wider: written(&wide.place().subject),
                                first: first.holder.clone(),
                                second: second.holder.clone(),
                            });
                        }
                        if found.pairs.len() > at_most.saturating_mul(4) {
                            return found.cut(at_most);
                        }
                    }
                }
            }
        }
        found.pairs.sort();
        found.more = found.pairs.len() > at_most;
        found.pairs.truncate(at_most);
        found
    }
}

impl Overlaps {
    fn cut(mut self, at_most: usize) -> Self {
        self.pairs.sort();
        self.pairs.truncate(at_most);
        Self { more: true, ..self }
    }
}

/// Whether a pair counts. In one place every pair is seen twice.
fn meet(first: &Rule, second: &Rule, same_place: bool) -> bool {
    first.holder.identity != second.holder.identity && (!same_place || first.holder < second.holder)
}

fn written(subject: &Subject) -> Box<str> {
    subject.to_string().into()
}
