//! What trust sources declare and publish, put together for the gate.

use super::State;
use wardgate_feeds::document::Document;
use wardgate_gate::trust::{Trust, TrustedAuthority, TrustedIssuer};
use wardgate_model::trust::{TrustSource, Vouches};

pub(super) fn ready(state: &State) -> Trust {
    let fetched = |source: &TrustSource| {
        let held = state.held.get(&source.name)?;
        match &*held.document {
            Document::Keys(keys) => Some((keys.clone(), held.good_until)),
            Document::Bundle(_) | Document::Anchors(_) | Document::Revocations { .. } => None,
        }
    };
    let issuers = state.sources.iter().filter_map(|source| match &source.vouches {
        Vouches::Tokens(issuer) => Some(TrustedIssuer::new(&source.name, issuer, fetched(source))),
        Vouches::Certificates(_) => None,
    });
    let authorities = state.sources.iter().filter_map(|source| match &source.vouches {
        Vouches::Certificates(authority) => match TrustedAuthority::new(&source.name, authority) {
            Ok(trusted) => Some(trusted),
            Err(why) => {
                // It was looked at when it was loaded.
                tracing::error!(trust = %source.name, %why, "a trust source cannot be used: it vouches for nobody");
                None
            }
        },
        Vouches::Tokens(_) => None,
    });
    Trust::new(issuers.collect::<Vec<_>>(), authorities.collect::<Vec<_>>())
}
