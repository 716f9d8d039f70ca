//! After the rooms: takes the [`Facts`] of a request that was let in and is open still, and says whether the snapshot of now
//! would let it in too (AZ9). Refuses: what has no API or operation any more, whose identity or credential is gone or was
//! ended, whose certificate or token nobody vouches for any more, what no policy permits now.
//!
//! The request is judged as it came: at the time, from the address and for the purpose of then. So a change that does not
//! concern it cannot end it, however long ago it began. Nothing is counted, and nothing is asked of anybody: keys or lists that
//! are away say nothing against an open request, which ends by itself when what it shows does.

use crate::{
    credential::is_token,
    delegation,
    identity::is_contained,
    permit, proof,
    route::Found,
    snapshot::Snapshot,
    standing, task,
    trust::{Certificate, Token, Trouble},
};
use serde_json::Map;
use std::sync::Arc;
use wardgate_model::{
    api::{Api, Mode, Operation},
    credential::{Credential, CredentialKind, CredentialState},
    facts::{Caller, Facts},
    proof::CertificateChain,
    reason::Reason,
    time::Time,
    wire::Upgrade,
};
use wardgate_policy::Decision;
use wardgate_proof::binding::Match;

/// What an open request has shown and got, beside its facts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evidence<'a> {
    /// The token, where its proof is one.
    pub token: Option<&'a str>,
    /// The certificates that its connection was opened with.
    pub certificates: Option<&'a CertificateChain>,
    /// What it has gone over to.
    pub upgrade: Option<Upgrade>,
}

/// Whether identity and credential of a request are on record as they were when it was judged. Cheap: where nothing but these
/// can have changed, it need not be judged again.
#[must_use]
pub fn is_unchanged(facts: &Facts, snapshot: &Snapshot) -> bool {
    let Some(caller) = &facts.caller else { return true };
    let Some(then) = &caller.credential else { return true };
    let of_task = caller.task.as_ref().is_none_or(|task| snapshot.population().tasks().get(task.as_str()).is_some());
    of_task
        && caller.delegation.as_deref().is_none_or(|chain| delegation::is_unchanged(chain, snapshot))
        && snapshot.credential(then.id.as_str()).is_some_and(|now| Arc::ptr_eq(now, then))
        && snapshot.identity(&caller.identity.id).is_some_and(|now| Arc::ptr_eq(now, &caller.identity))
}

/// Judges an open request again. Gives when what it rests on now ends by itself.
///
/// # Errors
/// With the reason for which it would be refused now.
pub fn review(facts: &Facts, evidence: Evidence<'_>, snapshot: &Snapshot, now: Time) -> Result<Option<Time>, Reason> {
    let asked = find(facts, snapshot)?;
    let observed = |reason: Reason| asked.api.mode == Mode::Observe && !reason.binds_in_observe();
    let judged = again(facts, evidence, asked, snapshot, now);
    let as_before = || facts.caller.as_ref().and_then(|caller| permit::end(caller, None));
    judged.or_else(|reason| if observed(reason) { Ok(as_before()) } else { Err(reason) })
}

/// What a request is for, as it is now.
#[derive(Clone, Copy)]
struct Asked<'s> {
    api: &'s Arc<Api>,
    /// Why there is none, which only `mode: observe` lets go on.
    operation: Result<&'s Arc<Operation>, Reason>,
}

/// API and operation, as they are now.
fn find<'s>(facts: &Facts, snapshot: &'s Snapshot) -> Result<Asked<'s>, Reason> {
    let request = &facts.request;
    let (api, trie) = snapshot.routes().api(&request.host, &request.path, facts.door).ok_or(Reason::RouteNoApi)?;
    let operation = match trie.find(&request.method, &request.path) {
        Found::Operation(operation) => Ok(operation),
        Found::OtherMethods => Err(Reason::RouteNoMethod),
        Found::Nothing => Err(Reason::RouteNoOperation),
    };
    // Its bytes go to the upstream of the API that it was let in to, and to no other.
    match &facts.api {
        Some(then) if then.name == api.name => Ok(Asked { api, operation }),
        Some(_) | None => Err(Reason::RouteNoApi),
    }
}

fn again(facts: &Facts, evidence: Evidence<'_>, asked: Asked<'_>, snapshot: &Snapshot, now: Time) -> Result<Option<Time>, Reason> {
    let (api, operation) = (asked.api, asked.operation?);
    if evidence.upgrade.is_some_and(|upgrade| !api.upstream.wire.upgrade.contains(&upgrade)) {
        return Err(Reason::CanonUpgrade);
    }
    if let Some(stopped) = facts.stopped {
        return Err(stopped.reason);
    }
    let then = facts.caller.as_ref().ok_or(Reason::StandingFault)?;
    let caller = caller(then, evidence, facts, api, snapshot, now)?;
    let mut facts = facts.clone();
    facts.source.zone = snapshot.zone(facts.source.address).or_else(|| snapshot.zone_of(&caller)).cloned();
    facts.operation = Some(Arc::clone(operation));
    facts.api = Some(Arc::clone(api));
    facts.caller = Some(caller);
    let considered = standing::consider(&facts, snapshot).map_err(|denial| denial.reason)?;
    let answer = snapshot.policies().rule(&considered.standing, &facts, 0, facts.time);
    if answer.decision == Decision::Deny {
        return Err(answer.reason);
    }
    let acting = considered.acting.as_deref().map(|standing| snapshot.policies().rule(standing, &facts, 0, facts.time));
    if acting.as_ref().is_some_and(|acting| acting.decision == Decision::Deny) {
        return Err(Reason::RuleActor);
    }
    let grants = [answer.grant, acting.and_then(|acting| acting.grant)];
    Ok(permit::end(considered.caller, grants.iter().flatten().filter_map(|grant| snapshot.end_of(grant)).min()))
}

/// Who calls, as the record has it now; what it showed stands for it still.
fn caller(then: &Caller, evidence: Evidence<'_>, facts: &Facts, api: &Api, snapshot: &Snapshot, now: Time) -> Result<Caller, Reason> {
    let Some(shown) = &then.credential else {
        let identity = snapshot.identity(&then.identity.id).unwrap_or(&then.identity);
        return Ok(Caller { identity: Arc::clone(identity), ..then.clone() });
    };
    let credential = snapshot.credential(shown.id.as_str()).filter(|credential| credential.identity == shown.identity);
    let credential = credential.ok_or(Reason::ProofUnknown)?;
    let identity = snapshot.identity(&credential.identity).ok_or(Reason::IdentityUnknown)?;
    let chain = then.delegation.as_deref().map(|chain| delegation::again(chain, snapshot)).transpose()?;
    let caller = Caller { identity: Arc::clone(identity), credential: Some(Arc::clone(credential)), delegation: chain, ..then.clone() };
    if is_contained(&caller, snapshot) {
        return Err(if snapshot.denied().stops_credential(&caller) { Reason::ProofRevoked } else { Reason::IdentityContained });
    }
    if caller.task.is_some() && task::open(&caller, snapshot, now).is_none() {
        return Err(Reason::ProofRevoked);
    }
    if let Some(chain) = &caller.delegation {
        delegation::lives(chain, now)?;
    }
    let ours = is_ours(then, snapshot);
    if !(if ours { proof::opens(api, credential) } else { accepts(api, credential) }) {
        return Err(Reason::CredentialNotAccepted);
    }
    let over = |end: Option<Time>| end.is_some_and(|end| end <= now);
    match credential.state {
        CredentialState::Revoked { .. } => return Err(Reason::ProofRevoked),
        // Spent by the very request that is open.
        CredentialState::Spent | CredentialState::Live => {}
    }
    if over(credential.expires) {
        return Err(Reason::ProofExpired);
    }
    if over(identity.ends) {
        return Err(Reason::IdentityEnded);
    }
    if !proof::admits(credential, caller.delegation.as_deref(), facts.source.address) {
        return Err(Reason::ProofSource);
    }
    match evidence.token {
        Some(token) if ours => counts(of_ours(token, credential, api, snapshot, now), snapshot, now)?,
        _ => vouched(credential, evidence, snapshot, now)?,
    }
    Ok(caller)
}

/// Whether the API still takes this kind of credential. A key of foreign make comes as a key.
fn accepts(api: &Api, credential: &Credential) -> bool {
    let kind = if credential.kind == CredentialKind::ForeignKey { CredentialKind::ApiKey } else { credential.kind };
    api.accept.contains(&kind)
}

/// Whether it came by a token of our own token service: what that rests on is a credential of another kind.
fn is_ours(caller: &Caller, snapshot: &Snapshot) -> bool {
    caller.token.as_ref().is_some_and(|token| *token.issuer == **snapshot.mint().issuer())
}

/// Whether a token of ours is genuine still, for this API, and stands for the same credential.
fn of_ours(text: &str, credential: &Credential, api: &Api, snapshot: &Snapshot, now: Time) -> Result<(), Trouble> {
    let token = snapshot.trust().token(text, now)?;
    if !token.ours {
        return Err(Reason::ProofIssuer.into());
    }
    let genuine = proof::of_ours(&token, api, None, snapshot)?;
    if genuine.credential.id == credential.id { Ok(()) } else { Err(Reason::ProofSubject.into()) }
}

/// Whether a subject stands for the identity of a credential, as the record has it now.
fn is_of(found: Match<'_>, credential: &Credential) -> Result<(), Trouble> {
    match found {
        Match::One(holder) if holder.identity == credential.identity => Ok(()),
        Match::One(_) | Match::Nobody => Err(Reason::ProofSubject.into()),
        Match::Ambiguous(..) => Err(Reason::IdentityAmbiguous.into()),
    }
}

/// Whether a token stands for the same identity still: which claims it needs may have become different.
fn of_token(token: &Token, credential: &Credential, snapshot: &Snapshot) -> Result<(), Trouble> {
    is_of(snapshot.population().bindings().subjects().find(&token.trust, &token.subject, token.claims.all()), credential)
}

/// The same of a certificate, by any of its names: another trust source than before may vouch for it now.
fn of_certificate(certificate: &Certificate, credential: &Credential, snapshot: &Snapshot) -> Result<(), Trouble> {
    let (subjects, claims) = (snapshot.population().bindings().subjects(), Map::new());
    let judged = certificate.subjects.iter().map(|subject| is_of(subjects.find(&certificate.trust, subject, &claims), credential));
    judged.reduce(|one, other| one.or(other)).unwrap_or_else(|| Err(Reason::ProofSubject.into()))
}

/// Whether the issuer of an opaque token is one that is asked, still, and has not said otherwise meanwhile. Nobody is asked because
/// of a stream that is open.
fn opaque(text: &str, credential: &Credential, snapshot: &Snapshot, now: Time) -> Result<(), Trouble> {
    let issuer = snapshot.trust().asked(text).ok_or(Reason::ProofIssuer)?;
    if credential.binding.as_ref().is_some_and(|binding| binding.trust != *issuer.name()) {
        return Err(Reason::ProofIssuer.into());
    }
    match issuer.remembered(text, now) {
        Some(Err(reason)) => Err(reason.into()),
        Some(Ok(token)) => of_token(&token, credential, snapshot),
        None => Ok(()),
    }
}

/// Whether somebody vouches for what was shown, still, and for the same identity.
fn vouched(credential: &Credential, evidence: Evidence<'_>, snapshot: &Snapshot, now: Time) -> Result<(), Reason> {
    if credential.binding.is_none() {
        return Ok(());
    }
    let trust = snapshot.trust();
    let verified = match (credential.kind, evidence) {
        (CredentialKind::Oidc, Evidence { token: Some(token), .. }) if is_token(token) => {
            trust.token(token, now).and_then(|token| of_token(&token, credential, snapshot))
        }
        (CredentialKind::Oidc, Evidence { token: Some(token), .. }) => opaque(token, credential, snapshot, now),
        (CredentialKind::X509, Evidence { certificates: Some(chain), .. }) => {
            trust.certificate(chain, now).and_then(|certificate| of_certificate(&certificate, credential, snapshot))
        }
        _ => return Ok(()),
    };
    counts(verified, snapshot, now)
}

/// Whether what was found of a proof ends what rests on it.
fn counts(verified: Result<(), Trouble>, snapshot: &Snapshot, now: Time) -> Result<(), Reason> {
    match verified {
        Ok(()) | Err(Trouble::Refused(Reason::ProofKeysAway)) => Ok(()),
        Err(Trouble::Refused(reason)) => Err(reason),
        // Its key was taken back; or there are no keys at all, which says nothing.
        Err(Trouble::Keys { trust, .. }) if snapshot.trust().has_keys(&trust, now) => Err(Reason::ProofSignature),
        Err(Trouble::Keys { .. }) => Ok(()),
    }
}
