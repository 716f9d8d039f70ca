//! Assertions count once, whichever gate sees them first (STANDARDS §1.4). The gate that let one in remembers it by itself; where others
//! stand beside it on one store, they are asked by way of that.

use crate::exchange::Asked;
use wardgate_model::{credential::CredentialKind, proof::ProofKind, time::Time};
use wardgate_proof::{
    client::Assertion,
    form::Form,
    jose::{self, base64url},
};

/// What counts once, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// A hash of the credential and the assertion's `jti`.
    pub text: String,
    /// From then on it is not taken any more.
    pub ends: Time,
}

/// The assertion by which a request was let in; `None`: it was by something else.
#[must_use]
pub fn mark(asked: Asked<'_>) -> Option<Mark> {
    let caller = asked.facts.caller.as_ref()?;
    let credential = caller.credential.as_deref().filter(|credential| credential.kind == CredentialKind::PublicKey)?;
    if caller.proof.kind != ProofKind::Jwt {
        return None;
    }
    let form = Form::read(asked.body).ok()?;
    let assertion = Assertion::read(form.one("client_assertion")?).ok()?;
    let text = format!("assertion {} {}", credential.id, assertion.id()?);
    Some(Mark { text: base64url::encode(&jose::hash(&text)), ends: caller.proof.ends? })
}
