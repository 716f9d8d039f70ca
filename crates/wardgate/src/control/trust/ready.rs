//! What trust sources declare and publish, put together for the gate. What is as it was is not read again, and what was found
//! good by it is remembered.

use super::{Held, State};
use std::{collections::BTreeMap, sync::Arc};
use wardgate_feeds::{
    document::Document,
    feed::{FeedId, FeedSpec},
};
use wardgate_gate::trust::{AskedIssuer, Gathered, Trust, TrustedAuthority, TrustedBot, TrustedIssuer};
use wardgate_model::{
    id::TrustName,
    time::Time,
    trust::{Keys, TrustSource, Vouches},
};
use wardgate_proof::jose::key_set::KeySet;

/// What each trust source was made into last.
#[derive(Default)]
pub(super) struct Memory(BTreeMap<TrustName, Made>);

/// A trust source, and what it was made from.
struct Made {
    source: Arc<TrustSource>,
    feeds: Vec<FeedId>,
    documents: Vec<Option<Arc<Document>>>,
    vouching: Vouching,
}

enum Vouching {
    Issuer(TrustedIssuer),
    Asked(Arc<AskedIssuer>),
    Authority(TrustedAuthority),
    Bot(TrustedBot),
    /// It cannot be used.
    Nobody,
}

/// Makes what the sources of `state` and what was fetched for them say ready.
pub(super) fn ready(state: &mut State) -> Arc<Trust> {
    let mut before = std::mem::take(&mut state.memory.0);
    let (mut issuers, mut asked, mut authorities, mut bots) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for source in &state.sources {
        let same = before.remove(&source.name).filter(|made| Arc::ptr_eq(&made.source, source) || made.source == *source);
        let feeds = match &same {
            Some(made) => made.feeds.clone(),
            None => FeedSpec::of(source).unwrap_or_default().iter().map(FeedSpec::id).collect(),
        };
        let fetched = Fetched(feeds.iter().map(|feed| state.held.get(feed)).collect());
        let made = match same.filter(|made| fetched.is_of(&made.documents)) {
            Some(made) => made,
            None => Made { source: Arc::clone(source), documents: fetched.documents(), vouching: fetched.vouching(source), feeds },
        };
        match &made.vouching {
            Vouching::Issuer(issuer) => issuers.push(issuer.renewed(fetched.keys().map(|(_, until)| until))),
            Vouching::Asked(issuer) => asked.push(Arc::clone(issuer)),
            Vouching::Authority(authority) => {
                let (bundle_until, revoked_until) = fetched.until();
                authorities.push(authority.renewed(bundle_until, revoked_until));
            }
            Vouching::Bot(bot) => bots.push(bot.renewed(fetched.keys().map(|(_, until)| until))),
            Vouching::Nobody => {}
        }
        state.memory.0.insert(source.name.clone(), made);
    }
    // Last: whoever calls itself as we do is not believed in our place.
    issuers.extend(state.ours.as_ref().map(|ours| ours.renewed(None)));
    for held in state.held.values_mut() {
        held.told_until = held.good_until;
    }
    let trust = Arc::new(Trust::new(issuers, authorities).asking(asked).with_bots(bots).remembering(&state.trust));
    state.trust = Arc::clone(&trust);
    trust
}

/// What was fetched for a trust source, document by document; `None`: that one is not there.
struct Fetched<'a>(Vec<Option<&'a Held>>);

impl Fetched<'_> {
    fn documents(&self) -> Vec<Option<Arc<Document>>> {
        self.0.iter().map(|held| held.map(|held| Arc::clone(&held.document))).collect()
    }

    /// Whether it is these very documents.
    fn is_of(&self, documents: &[Option<Arc<Document>>]) -> bool {
        let same = |(held, document): (&Option<&Held>, &Option<Arc<Document>>)| match (held, document) {
            (Some(held), Some(document)) => Arc::ptr_eq(&held.document, document),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        self.0.len() == documents.len() && self.0.iter().zip(documents).all(same)
    }

    fn vouching(&self, source: &TrustSource) -> Vouching {
        match &source.vouches {
            Vouches::Tokens(issuer) => match &issuer.keys {
                Keys::Asked(how) => Vouching::Asked(Arc::new(AskedIssuer::new(&source.name, issuer, how))),
                Keys::Discovered(_) | Keys::At(..) | Keys::Here(_) => {
                    let keys = self.keys().map(|(keys, until)| (keys.clone(), until));
                    Vouching::Issuer(TrustedIssuer::new(&source.name, issuer, keys))
                }
            },
            Vouches::Signatures(bot) => {
                let keys = self.keys().map(|(keys, until)| (keys.clone(), until));
                Vouching::Bot(TrustedBot::new(&source.name, bot, keys))
            }
            Vouches::Certificates(authority) => match TrustedAuthority::new(&source.name, authority, self.gathered()) {
                Ok(trusted) => Vouching::Authority(trusted),
                Err(why) => {
                    // It was looked at when it was loaded, and each document when it came: they are too much together.
                    tracing::error!(trust = %source.name, %why, "a trust source cannot be used: it vouches for nobody");
                    Vouching::Nobody
                }
            },
        }
    }

    /// The keys of an issuer, and until when they can be believed.
    fn keys(&self) -> Option<(&KeySet, Time)> {
        self.0.iter().flatten().find_map(|held| match &*held.document {
            Document::Keys(keys) => Some((keys, held.good_until)),
            Document::Bundle(_) | Document::Anchors(_) | Document::Revocations(_) => None,
        })
    }

    /// Anchors, keys of JWT-SVIDs and revocation lists of an authority.
    fn gathered(&self) -> Gathered {
        let (mut gathered, mut lists) = (Gathered::default(), Vec::new());
        for held in self.0.iter().flatten() {
            match &*held.document {
                Document::Bundle(bundle) => gathered.bundle = Some((bundle.anchors().clone(), Some(bundle.keys().clone()))),
                Document::Anchors(anchors) => gathered.bundle = Some((anchors.clone(), None)),
                Document::Revocations(list) => lists.push(Arc::clone(list)),
                Document::Keys(_) => {}
            }
        }
        (gathered.bundle_until, gathered.revoked_until) = self.until();
        gathered.revoked = self.0.iter().all(Option::is_some).then_some(lists);
        gathered
    }

    /// Until when the bundle of an authority and its revocation lists can be believed, as far as they are fetched.
    fn until(&self) -> (Option<Time>, Option<Time>) {
        let (mut bundle, mut revoked) = (None, None);
        for held in self.0.iter().flatten() {
            let until: &mut Option<Time> = match &*held.document {
                Document::Bundle(_) | Document::Anchors(_) => &mut bundle,
                Document::Revocations(_) => &mut revoked,
                Document::Keys(_) => continue,
            };
            *until = Some(until.map_or(held.good_until, |until| until.min(held.good_until)));
        }
        (bundle, revoked)
    }
}

#[cfg(test)]
mod tests;
