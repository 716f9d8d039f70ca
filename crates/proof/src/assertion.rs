//! `Wardgate-Assertion`: what an upstream is told of the caller, signed for this upstream alone.
//!
//! | claim | says | from |
//! |---|---|---|
//! | `iss` | who signs: the issuer whose `/.well-known/jwks.json` holds the key | RFC 7519 §4.1.1 |
//! | `aud` | the upstream; any other must refuse it | RFC 7519 §4.1.3 |
//! | `iat`, `exp` | seconds since the epoch | RFC 7519 §4.1.4, §4.1.6 |
//! | `sub`, `identity` | the identity, for JOSE libraries and for people | RFC 7519 §4.1.2 |
//! | `act`, `actors` | who acts for it, outermost first; absent when nobody does | RFC 8693 §4.1 |
//! | `owner`, `environment` | who answers for the identity, and where it lives | |
//! | `operation` | what it was let through to: `API METHOD TEMPLATE` | |
//! | `purpose`, `task` | why, and as part of what; absent where unknown | |
//!
//! There is no `jti`: an assertion is used again for the same caller and operation for up to [`REUSE_MAX`], so it names
//! no request (`Wardgate-Request-Id` does). Header `typ` is [`TYP`], so that it can pass for no other kind of token.

use crate::jose::signer::{SignError, Signer};
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use smallvec::SmallVec;
use std::{sync::Arc, time::Duration};
use wardgate_model::{
    api::OperationId,
    id::{EnvironmentName, IdentityId, OwnerName, PurposeName, TaskId},
    time::Time,
};

/// `typ` in the header of an assertion.
pub const TYP: &str = "wardgate-assertion+jwt";
/// For how long one assertion may be used again.
pub const REUSE_MAX: Duration = Duration::from_secs(60);
/// How far the upstream's clock may be ahead (STANDARDS §0, skew `S`).
pub const SKEW: Duration = wardgate_model::time::SKEW;

/// What is said of a caller. All but the time, so that an equal one can be used again: its `Eq` and `Hash` are the key
/// of that memory (beside the revision of the identity).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AssertionClaims {
    /// Who signs: the issuer's URL.
    pub issuer: Arc<str>,
    /// The upstream it is for.
    pub audience: Arc<str>,
    /// Who calls.
    pub identity: IdentityId,
    /// Who answers for it.
    pub owner: OwnerName,
    /// Where it lives.
    pub environment: EnvironmentName,
    /// Who acts for it, outermost first.
    pub actors: SmallVec<[IdentityId; 1]>,
    /// What it was let through to.
    pub operation: OperationId,
    /// Why.
    pub purpose: Option<PurposeName>,
    /// As part of what.
    pub task: Option<TaskId>,
}

impl AssertionClaims {
    /// Signs them at `now`: good for [`REUSE_MAX`] plus [`SKEW`], so that the last use still arrives in time.
    ///
    /// # Errors
    /// When the signature fails.
    pub fn sign(&self, signer: &Signer, now: Time) -> Result<String, SignError> {
        signer.sign(TYP, &Timed { claims: self, now })
    }
}

struct Timed<'a> {
    claims: &'a AssertionClaims,
    now: Time,
}

impl Serialize for Timed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { claims, now } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("iss", &*claims.issuer)?;
        map.serialize_entry("aud", &*claims.audience)?;
        map.serialize_entry("iat", &now.as_seconds())?;
        map.serialize_entry("exp", &(*now + REUSE_MAX + SKEW).as_seconds())?;
        map.serialize_entry("sub", &claims.identity)?;
        map.serialize_entry("identity", &claims.identity)?;
        map.serialize_entry("owner", &claims.owner)?;
        map.serialize_entry("environment", &claims.environment)?;
        map.serialize_entry("operation", claims.operation.as_str())?;
        if let Some(purpose) = &claims.purpose {
            map.serialize_entry("purpose", purpose)?;
        }
        if let Some(task) = &claims.task {
            map.serialize_entry("task", task)?;
        }
        if let Some(act) = Act::of(&claims.actors) {
            map.serialize_entry("act", &act)?;
            map.serialize_entry("actors", claims.actors.as_slice())?;
        }
        map.end()
    }
}

/// RFC 8693 §4.1: the current actor outermost, earlier ones within.
#[derive(Serialize)]
struct Act<'a> {
    sub: &'a IdentityId,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Box<Act<'a>>>,
}

impl<'a> Act<'a> {
    fn of(actors: &'a [IdentityId]) -> Option<Self> {
        actors.iter().rev().fold(None, |within, sub| Some(Self { sub, act: within.map(Box::new) }))
    }
}

#[cfg(test)]
mod tests;
