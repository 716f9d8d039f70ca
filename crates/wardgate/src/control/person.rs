//! A person whom an issuer vouches for, on record: an identity of its own, with the roles that its groups give it now, and
//! sessions that nobody renews.
//!
//! INVARIANT (vouched): nothing but a sign-in at the issuer writes such an identity. Its name is reserved, so no document
//! declares it; it has no credential but sessions that are made here.

use super::Control;
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};
use wardgate_audit::sink::FindingRecord;
use wardgate_console::PERSON_SESSION;
use wardgate_governance::person;
use wardgate_model::{
    contain::Containable,
    credential::CredentialKind,
    event::EventSink as _,
    id::{EnvironmentName, IdentityId, OwnerName},
    inventory::{Identity, IdentityState, Role},
    resource::Kind,
    secret::Secret,
    time::Time,
};
use wardgate_proof::{
    api_key::{self, KeyKind},
    entropy::SystemEntropy,
};
use wardgate_store::{Actor, Armers, NewCredential, Precondition, ResourceChange, ResourceId, StoreFault, Who};

/// Whom an issuer vouches for, in our words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The identity: it says of nobody who it is.
    pub id: IdentityId,
    /// The issuer.
    pub issuer: Box<str>,
    /// For whom it acts.
    pub owner: OwnerName,
    /// Where it lives.
    pub environment: EnvironmentName,
    /// What it may do here, by its groups and by nothing else.
    pub roles: Box<[Role]>,
    /// Its address, where the issuer has verified it.
    pub address: Option<Box<str>>,
}

/// A session of a person.
#[derive(Debug)]
pub struct PersonSession {
    /// What is shown as `Authorization: Bearer`.
    pub token: Secret<String>,
    /// Its public id.
    pub id: Box<str>,
    /// When it ends; nobody renews it.
    pub expires: Time,
}

/// Why somebody whom an issuer vouches for is not let in.
#[derive(Debug, thiserror::Error)]
pub enum NotLetIn {
    /// Operator: the configuration names an owner that is not on record.
    #[error("the Owner `{0}`, for which you would act, is not on record")]
    NoOwner(OwnerName),
    /// Operator: the configuration names an environment that is not on record.
    #[error("the Environment `{0}` of `admin.sign_in.environment` is not on record")]
    NoEnvironment(EnvironmentName),
    /// The owner is gone.
    #[error("the Owner `{0}`, for which you would act, has departed")]
    Departed(OwnerName),
    /// Somebody stopped it.
    #[error("`{0}` is contained")]
    Contained(Box<str>),
    /// Its life does not allow it.
    #[error("your identity `{0}` is {1}")]
    State(IdentityId, IdentityState),
    /// It has as many sessions as there may be.
    #[error("you have too many sessions: end one of them with `wardgate logout`, or wait until one ends")]
    Full,
    /// The store failed, or does not answer.
    #[error("the store does not take it at present")]
    Store(#[source] StoreFault),
    /// Ours.
    #[error("it cannot be done at present")]
    Fault(#[source] anyhow::Error),
}

impl From<StoreFault> for NotLetIn {
    fn from(fault: StoreFault) -> Self {
        match fault {
            StoreFault::Limit { .. } => Self::Full,
            other => Self::Store(other),
        }
    }
}

fn actor(issuer: &str) -> Actor {
    Actor::new(Who::Process, format!("sign-in at {issuer}"))
}

impl Person {
    fn spec(&self, address: Option<&str>) -> Value {
        let mut spec = json!({
            "type": "service_account",
            "owner": self.owner.as_str(),
            "environment": self.environment.as_str(),
            "purpose": format!("a person who signs in at {}", self.issuer),
            "roles": self.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>(),
        });
        if let (Some(members), Some(address)) = (spec.as_object_mut(), address) {
            members.insert("tags".to_owned(), json!({ person::TAG: address }));
        }
        spec
    }
}

impl Control {
    /// Puts a person on record as its issuer describes it now: what it lost since counts no more, in no session.
    ///
    /// # Errors
    /// Why it is not let in.
    pub async fn put_person(&self, person: &Person, now: Time) -> Result<(), NotLetIn> {
        let loaded = self.loaded();
        let owners = &loaded.inventory.owners;
        if !owners.iter().any(|owner| owner.name == person.owner) {
            return Err(NotLetIn::NoOwner(person.owner.clone()));
        }
        if !loaded.inventory.environments.iter().any(|environment| environment.name == person.environment) {
            return Err(NotLetIn::NoEnvironment(person.environment.clone()));
        }
        // An address is kept where it is on record already, of somebody who answers for an owner, and nowhere else.
        let known = |address: &&str| owners.iter().flat_map(person::people).any(|of_owner| person::same(of_owner, address));
        self.write_person(&person.id, person.spec(person.address.as_deref().filter(known)), &person.issuer, now).await?;
        self.may_come(&person.id).await.map(drop)
    }

    /// Takes every role from a person whom the issuer vouches for without any; nothing happens where it is not on record.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn strip_person(&self, id: &IdentityId, issuer: &str, now: Time) -> Result<(), NotLetIn> {
        let resource = ResourceId::parse(Kind::Identity, id.as_str()).map_err(|error| NotLetIn::Fault(error.into()))?;
        let Some(stored) = self.store.resource(&resource).await? else { return Ok(()) };
        let mut spec = stored.spec;
        if let Some(members) = spec.as_object_mut() {
            members.insert("roles".to_owned(), json!([]));
        }
        self.write_person(id, spec, issuer, now).await
    }

    async fn write_person(&self, id: &IdentityId, spec: Value, issuer: &str, now: Time) -> Result<(), NotLetIn> {
        let id = ResourceId::parse(Kind::Identity, id.as_str()).map_err(|error| NotLetIn::Fault(error.into()))?;
        let change = ResourceChange { id, spec: Some(spec), expect: Precondition::Any };
        let applied = self.store.change_resources(&actor(issuer), &[change], None, now).await?;
        Ok(self.obey(applied.seq).await?)
    }

    /// The identity, if it may have a session now.
    async fn may_come(&self, id: &IdentityId) -> Result<Arc<Identity>, NotLetIn> {
        let found = self.gate.snapshot().identity(id).map(Arc::clone);
        let identity = found.ok_or_else(|| NotLetIn::Fault(anyhow::anyhow!("`{id}` is on record and not known")))?;
        for (kind, name) in [(Containable::Identity, id.as_str()), (Containable::Owner, identity.owner.as_str())] {
            if self.store.containment(kind, name).await?.is_some() {
                return Err(NotLetIn::Contained(name.into()));
            }
        }
        let gone = self.store.owner_statuses().await?.into_iter().any(|owner| owner.owner == identity.owner && owner.departed.is_some());
        match identity.state {
            IdentityState::Active if gone => Err(NotLetIn::Departed(identity.owner.clone())),
            IdentityState::Active => Ok(identity),
            other => Err(NotLetIn::State(id.clone(), other)),
        }
    }

    /// Gives a person a session until `until`, which nobody renews. Whoever else goes by its address stands behind it.
    ///
    /// # Errors
    /// Why it gets none.
    pub async fn open_person_session(&self, person: &Person, until: Time, now: Time) -> Result<PersonSession, NotLetIn> {
        let identity = self.may_come(&person.id).await?;
        let environment = &identity.environment.name;
        let (id, token) =
            api_key::generate(KeyKind::Session, environment, &SystemEntropy).map_err(|error| NotLetIn::Fault(error.into()))?;
        let new = NewCredential {
            id,
            identity: identity.id.clone(),
            name: PERSON_SESSION.into(),
            kind: CredentialKind::Session,
            environment: environment.clone(),
            sources: Box::default(),
            hash: api_key::hash(self.material.pepper(), token.danger_expose()),
            expires: until,
            task: None,
        };
        let actor = actor(&person.issuer).armed_by(Armers::Known(self.also(person)));
        let issued = self.store.issue_credential(&actor, new, now).await?;
        self.obey(issued.revision).await?;
        Ok(PersonSession { token, id: id.to_string().into(), expires: until })
    }

    /// The other identities of the same person: what one of them asks for, the other does not decide.
    fn also(&self, person: &Person) -> BTreeSet<IdentityId> {
        let Some(address) = person.address.as_deref() else { return BTreeSet::new() };
        let snapshot = self.gate.snapshot();
        let same = |other: &&Arc<Identity>| other.tags.get(person::TAG).is_some_and(|tag| person::same(tag, address));
        let others = snapshot.population().identities().iter().filter(same).filter(|other| other.id != person.id);
        others.map(|other| other.id.clone()).collect()
    }

    /// Tells whoever watches that somebody was not let in whom the issuer knows.
    pub fn tell_not_let_in(&self, id: &IdentityId, why: &str, now: Time) {
        tracing::warn!(identity = %id, why, "somebody signed in at the issuer and is not let in");
        let (code, severity, kind) = ("sign_in.refused".into(), "notice".into(), "identity".into());
        let finding = FindingRecord { time: now, code, severity, kind, name: id.as_str().into(), what: why.into() };
        if self.log.record_finding(finding).is_err() {
            self.log.count_dropped();
        }
    }
}
