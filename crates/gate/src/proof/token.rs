//! Tokens of issuers outside: signed ones, and opaque ones that their issuer is asked about (RFC 7662).

use super::{Failed, Genuine, on_record, ours};
use crate::{
    snapshot::Snapshot,
    step::{Answer, Introspection, Need},
    trust::{AskedIssuer, Token, Trouble},
};
use std::sync::Arc;
use wardgate_model::{
    api::Api,
    credential::CredentialKind,
    id::TrustName,
    proof::{CertificateChain, ProofFacts, ProofKind},
    reason::Reason,
    secret::Secret,
    time::Time,
};
use wardgate_proof::{api_key, jose::claims::Confirmation, x509::Thumbprint};

/// The record that a signed token stands for.
pub(super) fn vouched(text: &str, api: &Api, chain: Option<&CertificateChain>, snapshot: &Snapshot, now: Time) -> Result<Genuine, Failed> {
    let token = match snapshot.trust().token(text, now) {
        Err(Trouble::Refused(Reason::ProofExpired)) if !snapshot.trust().remembers(text) => return Err(Failed::Overdue),
        found => found?,
    };
    if token.ours {
        let bound = is_bound(&token, chain)?;
        return Ok(ours::shown(&token, api, bound, snapshot)?);
    }
    stands_for(&token, chain, snapshot)
}

/// The record that an opaque token stands for. Its issuer is asked, unless what it said is remembered still.
pub(super) fn introspected(
    text: &str,
    issuer: &AskedIssuer,
    chain: Option<&CertificateChain>,
    answer: Option<&Answer>,
    snapshot: &Snapshot,
    now: Time,
) -> Result<Genuine, Failed> {
    let token = match (issuer.remembered(text, now), answer) {
        (Some(remembered), _) => remembered?,
        (None, Some(Answer::Introspection { of, said })) if of == issuer.name() => match said {
            Introspection::Active(members) => issuer.active(text, members, now)?,
            Introspection::Inactive => return Err(issuer.inactive(text, now).into()),
            Introspection::Silent => return Err(Failed::Needs(need(issuer.name(), text))),
        },
        (None, _) => return Err(Failed::Needs(need(issuer.name(), text))),
    };
    stands_for(&token, chain, snapshot)
}

fn need(trust: &TrustName, text: &str) -> Need {
    Need::Introspection { trust: trust.clone(), token: Secret::new(text.to_owned()) }
}

pub(super) fn stands_for(token: &Token, chain: Option<&CertificateChain>, snapshot: &Snapshot) -> Result<Genuine, Failed> {
    let bound = is_bound(token, chain)?;
    let subjects = snapshot.population().bindings().subjects();
    let found = subjects.find(&token.trust, &token.subject, token.claims.all());
    let credential = on_record(found, (&token.trust, Some(&*token.subject), CredentialKind::Oidc), snapshot)?;
    let on_behalf_of = token.on_behalf_of.as_deref().map(|person| api_key::pseudonym(snapshot.pepper(), token.trust.as_str(), person));
    let proof = ProofFacts { kind: ProofKind::Jwt, bound, since: token.since, ends: Some(token.ends) };
    Ok(Genuine { credential, proof, token: Some(Arc::clone(&token.facts)), on_behalf_of })
}

/// Whether a token is bound to something that was shown with it (RFC 8705 §3).
fn is_bound(token: &Token, chain: Option<&CertificateChain>) -> Result<bool, Reason> {
    match token.confirmation() {
        None => Ok(false),
        Some(Confirmation::Certificate(thumbprint)) if chain.is_some_and(|chain| Thumbprint::of(chain.leaf()).0 == thumbprint) => Ok(true),
        Some(Confirmation::Certificate(_) | Confirmation::Key(_) | Confirmation::Other) => Err(Reason::ProofBinding),
    }
}
