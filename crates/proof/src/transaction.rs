//! `Txn-Token`: what is true of one request, signed for whatever it sets off within a trust domain
//! (draft-ietf-oauth-transaction-tokens-10, July 2026; older texts have other claims).
//!
//! | claim | says | from |
//! |---|---|---|
//! | `iss` | who signs: the issuer whose `/.well-known/jwks.json` holds the key | RFC 7519 §4.1.1 |
//! | `aud` | the trust domain; outside of it everybody must refuse it | the draft |
//! | `iat`, `exp` | seconds since the epoch | RFC 7519 §4.1.4, §4.1.6 |
//! | `txn` | the request, by its id in the record | RFC 8417 §2.2 |
//! | `sub` | the identity for which it is done | RFC 7519 §4.1.2 |
//! | `scope` | what it was let through for: the class of the operation | RFC 8693 §4.2 |
//! | `req_wl` | who had it made: the gate, by its issuer's URL | the draft |
//! | `tctx` | what does not change on the way: `operation`, `purpose`, `task`, `actors` | the draft |
//! | `rctx` | how it came: `req_ip` and `authn` | the draft |
//!
//! It names a request, so none is used twice. It is no credential: it opens nothing, here or elsewhere, and `typ` keeps it from passing for
//! one that does (RFC 8725 §3.11).

use crate::jose::{
    kind::TokenKind,
    signer::{SignError, Signer},
};
use serde_json::{Map, Value, json};
use std::{net::IpAddr, time::Duration};
use wardgate_model::{
    api::{OperationClass, OperationId},
    id::{IdentityId, PurposeName, RequestId, TaskId},
    proof::ProofKind,
    time::Time,
};

/// How long it is good: as long as an assertion at most.
pub const LIFE: Duration = Duration::from_secs(90);

/// What is said of a request.
#[derive(Debug, Clone, Copy)]
pub struct Transaction<'a> {
    /// Who signs: the issuer's URL.
    pub issuer: &'a str,
    /// The trust domain.
    pub domain: &'a str,
    /// The request.
    pub request: RequestId,
    /// For whom it is done.
    pub identity: &'a IdentityId,
    /// Who acts for it, outermost first.
    pub actors: &'a [IdentityId],
    /// What it was let through to.
    pub operation: &'a OperationId,
    /// The class of that.
    pub class: OperationClass,
    /// Why.
    pub purpose: Option<&'a PurposeName>,
    /// As part of what.
    pub task: Option<&'a TaskId>,
    /// From where it came.
    pub address: IpAddr,
    /// How the caller proved itself.
    pub proof: ProofKind,
}

impl Transaction<'_> {
    /// Signs it at `now`: good for [`LIFE`].
    ///
    /// # Errors
    /// When the signature fails.
    pub fn sign(&self, signer: &Signer, now: Time) -> Result<String, SignError> {
        let mut business = Map::new();
        business.insert("operation".to_owned(), self.operation.as_str().into());
        business.extend(self.purpose.map(|purpose| ("purpose".to_owned(), purpose.as_str().into())));
        business.extend(self.task.map(|task| ("task".to_owned(), task.as_str().into())));
        if !self.actors.is_empty() {
            business.insert("actors".to_owned(), self.actors.iter().map(|actor| Value::from(actor.as_str())).collect());
        }
        let claims = json!({
            "iss": self.issuer,
            "aud": self.domain,
            "iat": now.as_seconds(),
            "exp": (now + LIFE).as_seconds(),
            "txn": self.request.to_string(),
            "sub": self.identity.as_str(),
            "scope": self.class.as_str(),
            "req_wl": self.issuer,
            "tctx": business,
            "rctx": { "req_ip": self.address.to_string(), "authn": self.proof.as_str() },
        });
        signer.sign(TokenKind::Transaction.typ(), &claims)
    }
}

#[cfg(test)]
mod tests;
