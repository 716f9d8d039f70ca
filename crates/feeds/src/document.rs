//! What was fetched, read: a document that cannot be read is a failed fetch, and the last good one stays.

use crate::fault::Shown;
use bytes::Bytes;
use std::{fmt, sync::Arc, time::Duration};
use wardgate_model::time::Time;
use wardgate_proof::{
    jose::{
        jwk::Accepting,
        key_set::{KeySet, SetFault},
    },
    signature,
    x509::{BundleFault, Crl, CrlFault, Crls, SpiffeBundle, SpiffeBundleFault, TrustBundle, TrustDomain},
};

/// What kind of document a feed fetches, and how it is read.
#[derive(Debug, Clone)]
pub enum Kind {
    /// The keys of an issuer: a JWK Set (RFC 7517 §5).
    Keys(Accepting),
    /// The directory of a bot (Web Bot Auth): a JWK Set too, whose keys are known by their thumbprints.
    Directory,
    /// The bundle of a trust domain (SPIFFE-Trust-Domain-and-Bundle §4).
    Bundle(TrustDomain),
    /// The anchors of an authority, PEM; for a trust domain, where it is one's authority.
    Anchors(Option<TrustDomain>),
    /// Revocation lists (RFC 5280 §5), PEM or DER.
    Revocations,
}

/// A kind's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// `keys`
    Keys,
    /// `bundle`
    Bundle,
    /// `anchors`
    Anchors,
    /// `revocations`
    Revocations,
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keys => "keys",
            Self::Bundle => "bundle",
            Self::Anchors => "anchors",
            Self::Revocations => "revocations",
        })
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Keys(one), Self::Keys(other)) => one.algorithms == other.algorithms && one.usage == other.usage,
            (Self::Bundle(one), Self::Bundle(other)) => one == other,
            (Self::Anchors(one), Self::Anchors(other)) => one == other,
            (Self::Revocations, Self::Revocations) | (Self::Directory, Self::Directory) => true,
            _ => false,
        }
    }
}

impl Kind {
    /// Its name.
    #[must_use]
    pub const fn topic(&self) -> Topic {
        match self {
            Self::Keys(_) | Self::Directory => Topic::Keys,
            Self::Bundle(_) => Topic::Bundle,
            Self::Anchors(_) => Topic::Anchors,
            Self::Revocations => Topic::Revocations,
        }
    }
}

/// A document, read.
#[derive(Debug)]
pub enum Document {
    /// The keys of an issuer. There may be none: then nothing of it verifies.
    Keys(KeySet),
    /// The bundle of a trust domain. It may be empty: then it vouches for nobody.
    Bundle(SpiffeBundle),
    /// The anchors of an authority.
    Anchors(TrustBundle),
    /// Revocation lists.
    Revocations(Arc<Crls>),
}

/// Why a document is not the one that it should be.
#[derive(Debug, thiserror::Error)]
pub enum DocumentFault {
    /// No set of keys.
    #[error("this is no set of keys: {0}")]
    Keys(#[from] SetFault),
    /// No bundle of the trust domain.
    #[error("this is no bundle of the trust domain: {0}")]
    Bundle(#[from] SpiffeBundleFault),
    /// No anchors.
    #[error("these are no anchors: {0}")]
    Anchors(#[from] BundleFault),
    /// No revocation lists.
    #[error("these are no revocation lists: {0}")]
    Revocations(#[from] CrlFault),
    /// It is older than the one that is there.
    #[error("it is older than the one that was fetched before: {0}")]
    Older(Box<str>),
    /// A list is not in it any more: whom that revoked would be good again.
    #[error("it has no list of {issuer} any more{}: the last one counts until {until}", if *elsewhere { " for the same distribution point" } else { "" })]
    Withdrawn {
        /// Whose list.
        issuer: Shown,
        /// Whether there is another list of that issuer, for another distribution point.
        elsewhere: bool,
        /// The `nextUpdate` of the last one: from then on it is not missed.
        until: Time,
    },
}

impl Document {
    /// Reads a document that takes the place of the last good one, and that must not be older than that, where it says how old it is,
    /// nor take back a revocation list before its `nextUpdate`.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn read(kind: &Kind, text: &Bytes, before: Option<&Self>, now: Time) -> Result<Self, DocumentFault> {
        let read = match kind {
            Kind::Keys(accepting) => Self::Keys(KeySet::parse(text, *accepting)?),
            Kind::Directory => Self::Keys(KeySet::parse(text, signature::accepting())?.by_thumbprint()),
            Kind::Bundle(domain) => Self::Bundle(SpiffeBundle::parse(text, domain)?),
            Kind::Anchors(domain) => Self::Anchors(TrustBundle::parse(text, domain.as_ref())?),
            Kind::Revocations => Self::Revocations(Arc::new(Crls::parse([&**text])?)),
        };
        match before.and_then(|before| read.takes_back(before, now)) {
            Some(fault) => Err(fault),
            None => Ok(read),
        }
    }

    /// Whoever can replay an old answer must not bring back what was taken away since.
    fn takes_back(&self, before: &Self, now: Time) -> Option<DocumentFault> {
        match (self, before) {
            (Self::Bundle(next), Self::Bundle(before)) => {
                let back = next.sequence() < before.sequence();
                let shown = |bundle: &SpiffeBundle| bundle.sequence().map_or_else(|| "none".to_owned(), |number| number.to_string());
                let why = || format!("`spiffe_sequence` {} after {}", shown(next), shown(before));
                back.then(|| DocumentFault::Older(why().into()))
            }
            (Self::Revocations(next), Self::Revocations(before)) => before.lists().iter().find_map(|list| missed(list, next, before, now)),
            _ => None,
        }
    }

    /// How many keys, anchors or lists it has.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::Keys(keys) => keys.keys().len(),
            Self::Bundle(bundle) => bundle.anchors().lives().len().saturating_add(bundle.keys().keys().len()),
            Self::Anchors(anchors) => anchors.lives().len(),
            Self::Revocations(lists) => lists.lists().len(),
        }
    }

    /// How many keys or anchors of it are left out, because they are not known or not for us.
    #[must_use]
    pub fn skipped(&self) -> usize {
        match self {
            Self::Keys(keys) => keys.skipped().len(),
            Self::Bundle(bundle) => bundle.skipped(),
            Self::Anchors(_) | Self::Revocations(_) => 0,
        }
    }

    /// Whether it has a key of this name for tokens.
    #[must_use]
    pub fn has(&self, kid: &str) -> bool {
        match self {
            Self::Keys(keys) => keys.has(kid),
            Self::Bundle(bundle) => bundle.keys().has(kid),
            Self::Anchors(_) | Self::Revocations(_) => false,
        }
    }

    /// How soon to ask again, by what its maker says and its server says; `usual` where nobody says anything, and `None` for the same.
    #[must_use]
    pub fn refresh_hint(&self, said: Option<Duration>, usual: Duration, now: Time) -> Option<Duration> {
        match self {
            // SPIFFE-Trust-Domain-and-Bundle §4.1.2: the hint of the bundle goes before all.
            Self::Bundle(bundle) => bundle.refresh_hint().or(said),
            // RFC 5280 §5.1.2.5: a newer one is to be there before the time of this one is over, and it takes more than one try.
            Self::Revocations(lists) => {
                let left = lists.lists().iter().map(|list| list.next_update().since(now) / 2).min();
                left.map(|left| left.min(said.unwrap_or(usual)))
            }
            Self::Keys(_) | Self::Anchors(_) => said,
        }
    }
}

/// What of a revocation list of before the next document would take back (RFC 5280 §5.1.2.4, §5.2.3): a list is followed by newer
/// ones of its issuer for its distribution point, whose numbers grow. Who signs lists may begin to count anew, or end one, when the
/// time of the last is over. Lists of a time to come are not asked yet, so they follow none: an older one beside them would be asked.
fn missed(list: &Crl, next: &Crls, before: &Crls, now: Time) -> Option<DocumentFault> {
    if !list.has_begun(now) {
        return None;
    }
    let of_issuer = |lists: &Crls| {
        let begun = lists.lists().iter().filter(|other| other.has_begun(now) && other.issuer() == list.issuer());
        begun.map(|other| other.this_update()).max()
    };
    let older = |is: Time, was: Time| (is < was).then(|| DocumentFault::Older(format!("a list of {is} after one of {was}").into()));
    if let Some(fault) = of_issuer(next).zip(of_issuer(before)).and_then(|(is, was)| older(is, was)) {
        return Some(fault);
    }
    if list.next_update() <= now {
        return None;
    }
    let in_its_place = || {
        let of_issuer = next.lists().iter().filter(|other| other.has_begun(now) && other.issuer() == list.issuer());
        of_issuer.filter(|other| other.distribution_point() == list.distribution_point())
    };
    if in_its_place().next().is_none() {
        let (issuer, until) = (Shown::quoted(list.issuer_texts().as_bytes()), list.next_update());
        return Some(DocumentFault::Withdrawn { issuer, elsewhere: of_issuer(next).is_some(), until });
    }
    // The newest is the first, and that is asked.
    let newest = in_its_place().find(|other| other.signer() == list.signer())?;
    if let Some(fault) = older(newest.this_update(), list.this_update()) {
        return Some(fault);
    }
    let (was, is) = (list.number()?, newest.number()?);
    let of = |number: &[u8]| number.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    (counted(is) < counted(was)).then(|| DocumentFault::Older(format!("a list of number 0x{} after 0x{}", of(is), of(was)).into()))
}

/// By what big-endian numbers without zeros before them are in order.
fn counted(number: &[u8]) -> (usize, &[u8]) {
    (number.len(), number)
}

#[cfg(test)]
mod tests;
