//! Tokens that our own token service gave out (RFC 9068): they stand for the credential that they were got by, and end with it.

use super::{Genuine, claim, is_in_time};
use crate::{identity::is_contained, snapshot::Snapshot, trust::Token};
use std::sync::Arc;
use wardgate_model::{
    api::Api,
    credential::{Credential, CredentialKind},
    facts::Caller,
    id::IdentityId,
    proof::{HeldKey, ProofFacts, ProofKind},
    reason::Reason,
    time::Time,
};
use wardgate_proof::access_token::{CREDENTIAL, ON_BEHALF_OF};

/// The record that a token of ours stands for, where it is for this API and no other (RFC 8707 §2).
pub(crate) fn shown(token: &Token, api: &Api, holds: Option<HeldKey>, snapshot: &Snapshot) -> Result<Genuine, Reason> {
    let mut audiences = token.facts.audience.iter();
    let (Some(audience), None) = (audiences.next(), audiences.next()) else { return Err(Reason::ProofClaims) };
    if snapshot.addressed(audience).is_none_or(|meant| meant.name != api.name) {
        return Err(Reason::ProofClaims);
    }
    let genuine = genuine(token, holds, snapshot)?;
    if opens(api, &genuine.credential) { Ok(genuine) } else { Err(Reason::CredentialNotAccepted) }
}

/// Whether an API takes tokens of ours that were got by this credential: it takes tokens, and where a key got them, keys too. What
/// refuses a key refuses what the key was swapped for.
#[must_use]
pub fn opens(api: &Api, credential: &Credential) -> bool {
    let by_key = matches!(credential.kind, CredentialKind::ApiKey | CredentialKind::ForeignKey);
    api.accept.contains(&CredentialKind::Oidc) && (!by_key || api.accept.contains(&CredentialKind::ApiKey))
}

/// What a token of ours stands for, wherever it is shown.
fn genuine(token: &Token, holds: Option<HeldKey>, snapshot: &Snapshot) -> Result<Genuine, Reason> {
    let credential = token.claims.text(CREDENTIAL).and_then(|id| snapshot.credential(id));
    // What it was got by is not on record any more, or stands for somebody else now.
    let credential = credential.filter(|credential| credential.identity.as_str() == &*token.subject).ok_or(Reason::ProofRevoked)?;
    Ok(Genuine {
        proof: worth(credential, token, holds.is_some()),
        credential: Arc::clone(credential),
        token: Some(Arc::clone(&token.facts)),
        on_behalf_of: token.claims.text(ON_BEHALF_OF).map(Into::into),
        holds,
    })
}

/// A token is worth what it was got by: whoever shows a key must not gain by swapping it first, neither in kind nor in age.
fn worth(credential: &Credential, token: &Token, bound: bool) -> ProofFacts {
    let ends = Some(token.ends);
    match credential.kind {
        CredentialKind::ApiKey | CredentialKind::ForeignKey => {
            ProofFacts { kind: ProofKind::ApiKey, bound, since: credential.created, ends }
        }
        _ => {
            let since = token.claims.authenticated().unwrap_or(token.since).min(token.since);
            ProofFacts { kind: ProofKind::Jwt, bound, since, ends }
        }
    }
}

/// A token of ours that would be taken now, by the API that it is for.
#[derive(Debug)]
pub struct Live {
    /// The token.
    pub token: Arc<Token>,
    /// Whom it stands for.
    pub caller: Caller,
    /// The API that it is for.
    pub api: Arc<Api>,
}

/// Whether a text is a token of ours that would be taken now (RFC 7662 §2.2): rooms 5 and 6 once more, but for the source that it is
/// shown from. `None` does not say why it is not.
#[must_use]
pub fn live(text: &str, snapshot: &Snapshot, now: Time) -> Option<Live> {
    let token = snapshot.trust().token(text, now).ok().filter(|token| token.ours)?;
    let api = Arc::clone(snapshot.addressed(token.facts.audience.first()?)?);
    let genuine = genuine(&token, None, snapshot).ok()?;
    is_in_time(&genuine, now).ok().filter(|()| opens(&api, &genuine.credential))?;
    let identity = snapshot.identity(&IdentityId::parse(&token.subject).ok()?)?;
    let caller = claim(identity, genuine);
    let over = identity.ends.is_some_and(|end| end <= now);
    (!over && !is_contained(&caller, snapshot)).then_some(Live { token, caller, api })
}
