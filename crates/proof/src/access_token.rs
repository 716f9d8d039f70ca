//! The access tokens that our token service gives out (RFC 9068), and what must hold of them where they are shown.
//!
//! | claim | value |
//! |---|---|
//! | `iss` | the issuer's URL |
//! | `sub`, `client_id` | the identity |
//! | `aud` | the one API that it is for, by its address (RFC 8707) |
//! | `scope` | the classes of operations that it is for, at least one |
//! | `jti` | 128 random bits, as 32 hexadecimal digits |
//! | `iat`, `exp` | seconds |
//! | `auth_time` | when the token was made that it was got upon, where it was; it is as old as that |
//! | [`ON_BEHALF_OF`] | keyed hash of the person whom that token named |
//! | `act` | who acts for `sub`, outermost first (RFC 8693 §4.1); `client_id` is that one then |
//! | [`ACTORS`], [`PARENTS`] | by what they were proven, and upon which tokens |
//! | [`UNBOUND`] | `true`: a token that it came of was bound to nobody's key, so it is worth no more than that one where possession is asked for |
//! | [`CREDENTIAL`] | the credential that it was got by: the token ends with it |
//! | `cnf` | the key or certificate whose possession has to be shown with it, where it is bound to one (RFC 7800 §3.1) |
//! | [`TASK`], [`DETAILS`] | the task that it is of, and what of it the token is for (RFC 9396 §9.1); the token ends with it |

use crate::jose::{
    base64url,
    claims::ACTORS_MAX,
    expected::{Expected, Sharing},
    kind::TokenKind,
    signer::{SignError, Signer},
};
use serde_json::{Value, json};
use std::time::Duration;
use wardgate_model::{
    id::{CredentialId, IdentityId, TaskId},
    proof::HeldKey,
    time::Time,
};

/// The claim that names the credential by which a token was got.
pub const CREDENTIAL: &str = "wardgate_credential";
/// The claim that holds the keyed hash of the person on whose behalf the caller calls.
pub const ON_BEHALF_OF: &str = "wardgate_on_behalf_of";
/// The claim that holds the credentials by which its actors were proven, outermost first: the token ends with each of them.
pub const ACTORS: &str = "wardgate_actors";
/// The claim that holds the `jti` of the tokens that it came of, nearest first: it ends with each of them.
pub const PARENTS: &str = "wardgate_parents";
/// The claim that names the task that a token is of.
pub const TASK: &str = "wardgate_task";
/// The claim that says what of the task it is for (RFC 9396 §9.1).
pub const DETAILS: &str = "authorization_details";
/// The claim that says that a token came of one that whoever has it may use: possession was not shown all the way.
pub const UNBOUND: &str = "wardgate_unbound";
/// Most tokens that one comes of: one for each who acts, and what the first was got upon.
pub const PARENTS_MAX: usize = ACTORS_MAX + 1;
/// Longest life of a token.
pub const LIFE_MAX: Duration = Duration::from_hours(1);
/// How far the clocks of two gates may be apart (STANDARDS §0, skew `S`).
pub const SKEW: Duration = wardgate_model::time::SKEW;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken<'a> {
    /// Who issues it.
    pub issuer: &'a str,
    /// Who calls.
    pub identity: &'a IdentityId,
    /// What it is for.
    pub audience: &'a str,
    /// Words between spaces.
    pub scope: &'a str,
    /// By what it was got.
    pub credential: CredentialId,
    /// Its own name.
    pub id: &'a str,
    /// When the token was made that it is got upon; `None`: it is got upon none.
    pub since: Option<Time>,
    /// Keyed hash of the person on whose behalf the caller calls.
    pub on_behalf_of: Option<&'a str>,
    /// Who acts for the caller and by what it was proven, outermost first.
    pub actors: &'a [(IdentityId, CredentialId)],
    /// The `jti` of the tokens that it came of, nearest first.
    pub parents: &'a [Box<str>],
    /// Whether it came of one that is bound to nobody's key.
    pub unbound: bool,
    /// When it is made.
    pub issued: Time,
    /// From then on it is not good.
    pub ends: Time,
    /// To what it is bound; `None`: whoever has it may use it.
    pub bound_to: Option<HeldKey>,
    /// The task that it is of, and what of it the token is for.
    pub task: Option<(&'a TaskId, &'a Value)>,
}

impl AccessToken<'_> {
    /// Signs it.
    ///
    /// # Errors
    /// When the signature fails.
    pub fn sign(&self, signer: &Signer) -> Result<String, SignError> {
        let mut claims = json!({
            "iss": self.issuer,
            "sub": self.identity,
            "client_id": self.actors.first().map_or(self.identity, |(actor, _)| actor),
            "aud": self.audience,
            "scope": self.scope,
            "jti": self.id,
            "iat": self.issued.as_seconds(),
            "exp": self.ends.as_seconds(),
            CREDENTIAL: self.credential,
        });
        let more = [
            self.since.map(|since| ("auth_time", since.as_seconds().into())),
            self.on_behalf_of.map(|person| (ON_BEHALF_OF, person.into())),
            self.bound_to.map(|key| ("cnf", confirmation(key))),
            act(self.actors).map(|act| ("act", act)),
            self.unbound.then(|| (UNBOUND, true.into())),
            (!self.actors.is_empty()).then(|| (ACTORS, self.actors.iter().map(|(_, credential)| credential.as_str()).collect())),
            (!self.parents.is_empty()).then(|| (PARENTS, self.parents.iter().map(|parent| &**parent).collect())),
        ];
        if let Some(claims) = claims.as_object_mut() {
            claims.extend(more.into_iter().flatten().map(|(name, value): (&str, Value)| (name.to_owned(), value)));
        }
        if let (Some((task, details)), Some(claims)) = (self.task, claims.as_object_mut()) {
            claims.insert(TASK.to_owned(), json!(task));
            claims.insert(DETAILS.to_owned(), details.clone());
        }
        signer.sign(TokenKind::Access.typ(), &claims)
    }
}

/// `cnf` of a token that is bound to a key (RFC 9449 §6.1) or a certificate (RFC 8705 §3.1).
#[must_use]
pub fn confirmation(key: HeldKey) -> Value {
    match key {
        HeldKey::Key(thumbprint) => json!({ "jkt": base64url::encode(&thumbprint) }),
        HeldKey::Certificate(thumbprint) => json!({ "x5t#S256": base64url::encode(&thumbprint) }),
    }
}

/// The chain of actors, each within the one that came after it (RFC 8693 §4.1).
#[must_use]
pub fn act(actors: &[(IdentityId, CredentialId)]) -> Option<Value> {
    actors.iter().rev().fold(None, |within, (actor, _)| {
        Some(match within {
            Some(within) => json!({ "sub": actor, "act": within }),
            None => json!({ "sub": actor }),
        })
    })
}

/// What must hold of our own tokens. Whether the one audience that each names is the API that is called is for whoever knows that.
#[must_use]
pub fn expected(issuer: &str) -> Expected {
    Expected {
        issuer: Some(issuer.into()),
        audiences: Box::default(),
        sharing: Sharing::OneOfMany,
        kinds: [TokenKind::Access].into(),
        trust_domain: None,
        subject_claim: "sub".into(),
        on_behalf_of: None,
        leeway: SKEW,
        life_max: LIFE_MAX,
    }
}

#[cfg(test)]
mod tests;
