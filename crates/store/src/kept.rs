//! Records as text, a line each: what a gate keeps beside the store, to go on from while the store is away.
//!
//! It holds what a gate rests on and nothing else: specs, states, keyed hashes, sealed blobs. No reason, no evidence, no
//! history. Whoever keeps it sees to it that nobody writes into it.

use crate::{
    Claim, IdentityRecord, Origin, ResourceId, Sealed, SigningKeyState, StoredCredential, StoredResource, StoredSecret, StoredSigningKey,
    StoredStatus,
};
use serde_json::{Map, Value, json};
use wardgate_model::{
    contain::Containable,
    credential::{Credential, CredentialKind, CredentialState, KeyedHash},
    id::{CredentialId, EnvironmentName, IdentityId, SecretName, TaskId},
    inventory::IdentityState,
    resource::Kind,
    time::Time,
};

/// One line of what is kept.
#[derive(Debug, Clone)]
pub enum Kept {
    /// A resource that is no identity.
    Resource(StoredResource),
    /// An upstream secret, sealed: the version in use.
    Secret(StoredSecret),
    /// A signing key, sealed.
    SigningKey(StoredSigningKey),
    /// Something that is stopped.
    Contained(Containable, Box<str>),
    /// Something that was stopped otherwise, while this was written: a credential was ended, an identity suspended.
    Stopped(Containable, Box<str>),
    /// An identity with what is its own.
    Identity(IdentityRecord),
}

/// A line that is none of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a line cannot be read at `{0}`")]
pub struct Unreadable(&'static str);

impl Kept {
    /// The line, without its end.
    #[must_use]
    pub fn line(&self) -> String {
        match self {
            Self::Resource(resource) => json!({ "resource": resource_value(resource) }),
            Self::Secret(secret) => json!({ "secret": {
                "name": secret.name.as_str(),
                "sealed": hex(secret.sealed.bytes()),
                "version": secret.version,
                "updated": secret.updated.as_micros(),
                "revision": secret.revision,
            } }),
            Self::SigningKey(key) => json!({ "signing_key": {
                "kid": &*key.kid,
                "sealed": hex(key.sealed.bytes()),
                "created": key.created.as_micros(),
                "state": key.state.as_str(),
                "revision": key.revision,
            } }),
            Self::Contained(kind, name) => json!({ "contained": { "kind": kind.as_str(), "name": &**name } }),
            Self::Stopped(kind, name) => json!({ "stopped": { "kind": kind.as_str(), "name": &**name } }),
            Self::Identity(record) => json!({ "identity": identity_value(record) }),
        }
        .to_string()
    }

    /// Reads a line.
    ///
    /// # Errors
    /// Names the member that is missing or wrong.
    pub fn read(line: &str) -> Result<Self, Unreadable> {
        let value: Value = serde_json::from_str(line).map_err(|_| Unreadable("the line"))?;
        let (what, members) = value.as_object().and_then(|all| all.iter().next()).ok_or(Unreadable("the line"))?;
        let of = Members(members.as_object().ok_or(Unreadable("the line"))?);
        Ok(match what.as_str() {
            "resource" => Self::Resource(of.resource()?),
            "secret" => Self::Secret(of.secret()?),
            "signing_key" => Self::SigningKey(of.signing_key()?),
            "contained" => Self::Contained(of.word("kind", Containable::parse)?, of.text("name")?.into()),
            "stopped" => Self::Stopped(of.word("kind", Containable::parse)?, of.text("name")?.into()),
            "identity" => Self::Identity(of.identity()?),
            _ => return Err(Unreadable("the line")),
        })
    }
}

fn resource_value(resource: &StoredResource) -> Value {
    json!({
        "kind": resource.id.kind().as_str(),
        "name": resource.id.name(),
        "spec": resource.spec,
        "origin": resource.origin.to_string(),
        "revision": resource.revision,
    })
}

fn identity_value(record: &IdentityRecord) -> Value {
    let mut members = Map::new();
    members.insert("name".to_owned(), record.identity.as_str().into());
    if let Some(resource) = &record.resource {
        members.insert("resource".to_owned(), resource_value(resource));
    }
    if let Some(status) = &record.status {
        let overdue = status.claim == Claim::Overdue;
        let status = json!({ "state": status.state.as_str(), "overdue": overdue, "revision": status.revision });
        members.insert("status".to_owned(), status);
    }
    if !record.credentials.is_empty() {
        members.insert("credentials".to_owned(), record.credentials.iter().map(credential_value).collect());
    }
    members.into()
}

fn credential_value(stored: &StoredCredential) -> Value {
    let credential = &stored.credential;
    let (state, at) = match credential.state {
        CredentialState::Live => ("live", None),
        CredentialState::Revoked { at } => ("revoked", Some(at.as_micros())),
        CredentialState::Spent => ("spent", None),
    };
    json!({
        "id": credential.id.as_str(),
        "name": &*credential.name,
        "kind": credential.kind.as_str(),
        "environment": credential.environment.as_str(),
        "sources": credential.sources.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "hash": credential.hash.as_ref().map(|hash| hex(hash.bytes())),
        "sealed": stored.sealed.as_ref().map(|sealed| hex(sealed.bytes())),
        "created": credential.created.as_micros(),
        "expires": credential.expires.map(Time::as_micros),
        "state": state,
        "at": at,
        "task": credential.task,
        "revision": stored.revision,
        "seq": stored.created_seq,
    })
}

/// The members of a line, read by name.
struct Members<'a>(&'a Map<String, Value>);

impl<'a> Members<'a> {
    fn text(&self, name: &'static str) -> Result<&'a str, Unreadable> {
        self.0.get(name).and_then(Value::as_str).ok_or(Unreadable(name))
    }

    fn word<T>(&self, name: &'static str, parse: impl Fn(&str) -> Option<T>) -> Result<T, Unreadable> {
        parse(self.text(name)?).ok_or(Unreadable(name))
    }

    fn number(&self, name: &'static str) -> Result<u64, Unreadable> {
        self.0.get(name).and_then(Value::as_u64).ok_or(Unreadable(name))
    }

    fn time(&self, name: &'static str) -> Result<Time, Unreadable> {
        self.maybe_time(name)?.ok_or(Unreadable(name))
    }

    fn maybe_time(&self, name: &'static str) -> Result<Option<Time>, Unreadable> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_i64().map(Time::from_micros).map(Some).ok_or(Unreadable(name)),
        }
    }

    fn maybe_task(&self) -> Result<Option<TaskId>, Unreadable> {
        match self.0.get("task") {
            None | Some(Value::Null) => Ok(None),
            Some(_) => TaskId::parse(self.text("task")?).map(Some).map_err(|_| Unreadable("task")),
        }
    }

    fn inner(&self, name: &'static str) -> Result<Option<Members<'a>>, Unreadable> {
        self.0.get(name).map(|value| value.as_object().map(Members).ok_or(Unreadable(name))).transpose()
    }

    fn sealed(&self) -> Result<Sealed, Unreadable> {
        Ok(Sealed::new(unhex(self.text("sealed")?).ok_or(Unreadable("sealed"))?))
    }

    fn resource(&self) -> Result<StoredResource, Unreadable> {
        let (kind, revision) = (self.word("kind", Kind::parse)?, self.number("revision")?);
        Ok(StoredResource {
            id: ResourceId::parse(kind, self.text("name")?).map_err(|_| Unreadable("name"))?,
            spec: self.0.get("spec").cloned().ok_or(Unreadable("spec"))?,
            origin: self.word("origin", Origin::parse)?,
            revision,
            created_seq: revision,
        })
    }

    fn secret(&self) -> Result<StoredSecret, Unreadable> {
        let (version, updated) = (self.number("version")?, self.time("updated")?);
        Ok(StoredSecret {
            name: SecretName::parse(self.text("name")?).map_err(|_| Unreadable("name"))?,
            sealed: self.sealed()?,
            version,
            staged: None,
            previous: None,
            created: updated,
            updated,
            staged_at: None,
            promoted_at: None,
            latest: version,
            revision: self.number("revision")?,
        })
    }

    fn signing_key(&self) -> Result<StoredSigningKey, Unreadable> {
        Ok(StoredSigningKey {
            kid: self.text("kid")?.into(),
            sealed: self.sealed()?,
            created: self.time("created")?,
            state: self.word("state", SigningKeyState::parse)?,
            revision: self.number("revision")?,
        })
    }

    fn identity(&self) -> Result<IdentityRecord, Unreadable> {
        let identity = IdentityId::parse(self.text("name")?).map_err(|_| Unreadable("name"))?;
        let credentials = self.0.get("credentials").and_then(Value::as_array).into_iter().flatten();
        let credentials = credentials.map(|one| Members(one.as_object().ok_or(Unreadable("credentials"))?).credential(&identity));
        Ok(IdentityRecord {
            resource: self.inner("resource")?.map(|of| of.resource()).transpose()?,
            status: self.inner("status")?.map(|of| of.status(&identity)).transpose()?,
            credentials: credentials.collect::<Result<_, _>>()?,
            identity,
        })
    }

    fn status(&self, identity: &IdentityId) -> Result<StoredStatus, Unreadable> {
        let overdue = self.0.get("overdue").and_then(Value::as_bool).ok_or(Unreadable("overdue"))?;
        Ok(StoredStatus {
            identity: identity.clone(),
            state: self.word("state", IdentityState::parse)?,
            claim: if overdue { Claim::Overdue } else { Claim::InTime },
            claim_by: None,
            resumes_to: None,
            resumes_then: None,
            requester: None,
            approver: None,
            evidence: Box::default(),
            reason: Box::default(),
            updated: Time::from_micros(0),
            revision: self.number("revision")?,
        })
    }

    fn credential(&self, identity: &IdentityId) -> Result<StoredCredential, Unreadable> {
        let sources = self.0.get("sources").and_then(Value::as_array).ok_or(Unreadable("sources"))?;
        let sources = sources.iter().map(|one| one.as_str().and_then(|text| text.parse().ok()).ok_or(Unreadable("sources")));
        let hash = match self.0.get("hash") {
            None | Some(Value::Null) => None,
            Some(_) => Some(KeyedHash::new(self.word("hash", |text| unhex(text)?.try_into().ok())?)),
        };
        let credential = Credential {
            id: self.word("id", CredentialId::parse)?,
            identity: identity.clone(),
            name: self.text("name")?.into(),
            kind: self.word("kind", CredentialKind::parse)?,
            environment: EnvironmentName::parse(self.text("environment")?).map_err(|_| Unreadable("environment"))?,
            sources: sources.collect::<Result<_, _>>()?,
            hash,
            binding: None,
            created: self.time("created")?,
            expires: self.maybe_time("expires")?,
            warn_from: None,
            task: self.maybe_task()?,
            state: match self.text("state")? {
                "live" => CredentialState::Live,
                "revoked" => CredentialState::Revoked { at: self.time("at")? },
                "spent" => CredentialState::Spent,
                _ => return Err(Unreadable("state")),
            },
        };
        let sealed = match self.0.get("sealed") {
            None | Some(Value::Null) => None,
            Some(_) => Some(Sealed::new(self.word("sealed", unhex)?)),
        };
        Ok(StoredCredential { credential, sealed, revision: self.number("revision")?, created_seq: self.number("seq")? })
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?));
    bytes.collect::<Option<_>>().filter(|_| rest.is_empty())
}

#[cfg(test)]
mod tests;
