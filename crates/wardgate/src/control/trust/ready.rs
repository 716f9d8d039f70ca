//! What trust sources declare and publish, put together for the gate.

use super::{Held, State};
use wardgate_feeds::{document::Document, feed::FeedSpec};
use wardgate_gate::trust::{AskedIssuer, Gathered, Trust, TrustedAuthority, TrustedIssuer};
use wardgate_model::{
    time::Time,
    trust::{Keys, TrustSource, Vouches},
};
use wardgate_proof::jose::key_set::KeySet;

pub(super) fn ready(state: &State) -> Trust {
    let (mut issuers, mut asked, mut authorities) = (Vec::new(), Vec::new(), Vec::new());
    for source in &state.sources {
        let gathered = Fetched::of(source, state);
        match &source.vouches {
            Vouches::Tokens(issuer) => match &issuer.keys {
                Keys::Asked(how) => asked.push(AskedIssuer::new(&source.name, issuer, how)),
                Keys::Discovered(_) | Keys::At(..) | Keys::Here(_) => {
                    issuers.push(TrustedIssuer::new(&source.name, issuer, gathered.keys()));
                }
            },
            Vouches::Certificates(authority) => match TrustedAuthority::new(&source.name, authority, gathered.gathered()) {
                Ok(trusted) => authorities.push(trusted),
                // It was looked at when it was loaded, and each document when it came: they are too much together.
                Err(why) => tracing::error!(trust = %source.name, %why, "a trust source cannot be used: it vouches for nobody"),
            },
        }
    }
    Trust::new(issuers, authorities).asking(asked)
}

/// What was fetched for a trust source, document by document; `None`: that one is not there.
struct Fetched<'a>(Vec<Option<&'a Held>>);

impl<'a> Fetched<'a> {
    fn of(source: &TrustSource, state: &'a State) -> Self {
        let specs = FeedSpec::of(source).unwrap_or_default();
        Self(specs.iter().map(|spec| state.held.get(&spec.id())).collect())
    }

    /// The keys of an issuer.
    fn keys(&self) -> Option<(KeySet, Time)> {
        self.0.iter().flatten().find_map(|held| match &*held.document {
            Document::Keys(keys) => Some((keys.clone(), held.good_until)),
            Document::Bundle(_) | Document::Anchors(_) | Document::Revocations { .. } => None,
        })
    }

    /// Anchors, keys of JWT-SVIDs and revocation lists of an authority.
    fn gathered(&self) -> Gathered {
        let (mut gathered, mut lists) = (Gathered::default(), Vec::new());
        for held in self.0.iter().flatten() {
            match &*held.document {
                Document::Bundle(bundle) => gathered.bundle = Some((bundle.anchors().clone(), Some(bundle.keys().clone()))),
                Document::Anchors(anchors) => gathered.bundle = Some((anchors.clone(), None)),
                Document::Revocations { text, .. } => {
                    lists.push(text.clone());
                    gathered.revoked_until = gathered.revoked_until.into_iter().chain([held.good_until]).min();
                    continue;
                }
                Document::Keys(_) => continue,
            }
            gathered.bundle_until = Some(held.good_until);
        }
        gathered.revoked = self.0.iter().all(Option::is_some).then_some(lists);
        gathered
    }
}
