//! Tokens of issuers outside: signed ones, and opaque ones that their issuer is asked about (RFC 7662).

use super::{Beside, Failed, Genuine, on_record, ours};
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
    proof::{HeldKey, ProofFacts, ProofKind},
    reason::Reason,
    secret::Secret,
    time::Time,
};
use wardgate_proof::{api_key, jose::claims::Confirmation, x509::Thumbprint};

/// The record that a signed token stands for; `seen`: the token, where it was looked for already.
pub(super) fn vouched(
    text: &str,
    seen: Option<&Token>,
    api: &Api,
    beside: &Beside<'_, '_>,
    snapshot: &Snapshot,
    now: Time,
) -> Result<Genuine, Failed> {
    let found;
    // One that is over goes on, where it was seen good: what it stands for is not in force then, and the record says whose it was.
    let token = match seen {
        Some(token) => token,
        None => {
            found = match snapshot.trust().token(text, now) {
                Err(Trouble::Refused(Reason::ProofExpired)) => match snapshot.trust().seen(text, now) {
                    Some(token) => token,
                    None if snapshot.trust().remembers(text) => return Err(Reason::ProofExpired.into()),
                    None => return Err(Failed::Overdue),
                },
                found => found?,
            };
            &*found
        }
    };
    if token.ours {
        return Ok(ours::shown(token, api, held(token, beside, snapshot)?, snapshot)?);
    }
    stands_for(token, beside, snapshot)
}

/// The record that an opaque token stands for. Its issuer is asked, unless what it said is remembered still.
pub(super) fn introspected(
    text: &str,
    issuer: &AskedIssuer,
    beside: &Beside<'_, '_>,
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
    stands_for(&token, beside, snapshot)
}

fn need(trust: &TrustName, text: &str) -> Need {
    Need::Introspection { trust: trust.clone(), token: Secret::new(text.to_owned()) }
}

pub(super) fn stands_for(token: &Token, beside: &Beside<'_, '_>, snapshot: &Snapshot) -> Result<Genuine, Failed> {
    // Nothing on record here says who acts with it, so nobody could be asked for, recorded or stopped (RFC 8693 §4.1).
    if token.told.acts {
        return Err(Reason::ProofClaims.into());
    }
    let holds = held(token, beside, snapshot)?;
    let subjects = snapshot.population().bindings().subjects();
    let found = subjects.find(&token.trust, &token.subject, token.claims.all());
    let credential = on_record(found, (&token.trust, Some(&*token.subject), CredentialKind::Oidc), snapshot)?;
    let on_behalf_of = token.on_behalf_of.as_deref().map(|person| api_key::pseudonym(snapshot.pepper(), token.trust.as_str(), person));
    let proof = ProofFacts { kind: ProofKind::Jwt, bound: holds.is_some(), fresh: false, since: token.since, ends: Some(token.ends) };
    Ok(Genuine { credential, proof, token: Some(Arc::clone(&token.facts)), on_behalf_of, holds, delegation: None, task: None })
}

/// The key that a token is bound to, whose possession was shown with it (RFC 8705 §3, RFC 9449 §7.1); `None`: it is bound to none.
fn held(token: &Token, beside: &Beside<'_, '_>, snapshot: &Snapshot) -> Result<Option<HeldKey>, Reason> {
    match (token.confirmation(), beside) {
        (None, _) => Ok(None),
        (Some(Confirmation::Certificate(bound)), Beside { chain: Some(chain), .. }) if Thumbprint::of(chain.leaf()).0 == bound => {
            Ok(Some(HeldKey::Certificate(bound)))
        }
        (Some(Confirmation::Key(bound)), Beside { held: Some(held), .. }) => held.of(token, &bound, snapshot).map(Some),
        (Some(Confirmation::Certificate(_) | Confirmation::Key(_) | Confirmation::Other), _) => Err(Reason::ProofBinding),
    }
}
