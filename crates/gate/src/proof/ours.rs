//! Tokens that our own token service gave out (RFC 9068): they stand for the credential that they were got by, and end with it.

use super::{Genuine, claim, is_in_time};
use crate::{delegation, identity::is_contained, snapshot::Snapshot, task, trust::Token};
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

/// The record that a token of ours stands for, where it is for this API and no other (RFC 8707 §2).
pub(crate) fn shown(token: &Token, api: &Api, holds: Option<HeldKey>, snapshot: &Snapshot) -> Result<Genuine, Reason> {
    let mut audiences = token.facts.audience.iter();
    let (Some(audience), None) = (audiences.next(), audiences.next()) else { return Err(Reason::ProofClaims) };
    if snapshot.addressed(audience).is_none_or(|meant| meant.name != api.name) {
        return Err(Reason::ProofClaims);
    }
    let genuine = genuine(token, holds, snapshot)?;
    if opens_all(api, &genuine) { Ok(genuine) } else { Err(Reason::CredentialNotAccepted) }
}

/// Whether an API takes tokens of ours that were got by this credential: it takes tokens, and where a key got them, keys too. What
/// refuses a key refuses what the key was swapped for.
#[must_use]
pub fn opens(api: &Api, credential: &Credential) -> bool {
    let by_key = matches!(credential.kind, CredentialKind::ApiKey | CredentialKind::ForeignKey);
    api.accept.contains(&CredentialKind::Oidc) && (!by_key || api.accept.contains(&CredentialKind::ApiKey))
}

/// The same of all that a token rests on.
fn opens_all(api: &Api, genuine: &Genuine) -> bool {
    delegation::credentials(&genuine.credential, genuine.delegation.as_deref()).all(|credential| opens(api, credential))
}

/// What a token of ours stands for, wherever it is shown.
fn genuine(token: &Token, holds: Option<HeldKey>, snapshot: &Snapshot) -> Result<Genuine, Reason> {
    let credential = token.told.credential.as_deref().and_then(|id| snapshot.credential(id));
    // What it was got by is not on record any more, or stands for somebody else now.
    let credential = credential.filter(|credential| credential.identity.as_str() == &*token.subject).ok_or(Reason::ProofRevoked)?;
    let delegation = delegation::of(token, snapshot)?;
    Ok(Genuine {
        // Whoever caught the one that it came of had to show nothing.
        proof: worth(delegation::credentials(credential, delegation.as_deref()), token, holds.is_some() && !is_unbound(token)),
        credential: Arc::clone(credential),
        token: Some(Arc::clone(&token.facts)),
        on_behalf_of: token.told.on_behalf_of.clone(),
        holds,
        delegation,
        task: token.task.clone(),
    })
}

/// Whether a token of ours came of one that is bound to nobody's key.
pub(super) const fn is_unbound(token: &Token) -> bool {
    token.told.unbound
}

/// A token is worth what it was got by: whoever shows a key must not gain by swapping it first, neither in kind nor in age.
fn worth<'a>(credentials: impl Iterator<Item = &'a Credential>, token: &Token, bound: bool) -> ProofFacts {
    let since = token.told.authenticated.unwrap_or(token.since).min(token.since);
    let best = ProofFacts { kind: ProofKind::Jwt, bound, fresh: false, since, ends: Some(token.ends) };
    let keys = credentials.filter(|credential| matches!(credential.kind, CredentialKind::ApiKey | CredentialKind::ForeignKey));
    keys.fold(best, |worth, key| ProofFacts { kind: ProofKind::ApiKey, since: worth.since.min(key.created), ..worth })
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
    is_in_time(&genuine, now).ok().filter(|()| opens_all(&api, &genuine))?;
    let identity = snapshot.identity(&IdentityId::parse(&token.subject).ok()?)?;
    let caller = claim(identity, genuine);
    let over = identity.ends.is_some_and(|end| end <= now);
    let over = over || (caller.task.is_some() && task::open(&caller, snapshot, now).is_none());
    (!over && !is_contained(&caller, snapshot)).then_some(Live { token, caller, api })
}
