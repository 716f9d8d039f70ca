//! What is on record, read together: everything but identities, and the identities that are asked for.

use super::Wanted;
use crate::{call::Console, problem::Problem};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use wardgate_governance::{person, second::power};
use wardgate_model::{
    contain::Containable,
    credential::Credential,
    id::{CredentialId, IdentityId},
    inventory::{Identity, Role},
    resource::Kind,
};
use wardgate_store::{IdentityRecord, Precondition, ResourceChange, ResourceId, StoredResource};

/// What is on record, as of one change of the feed or a little later.
pub(crate) struct Scene {
    /// What was looked at is at least as new as this change: what is decided upon it names it as its basis.
    pub(crate) seq: u64,
    estate: BTreeMap<ResourceId, StoredResource>,
    identities: HashMap<Box<str>, IdentityRecord>,
    contained: Vec<Box<str>>,
    formers: Vec<(Box<str>, Value)>,
    stopped: Vec<Arc<Credential>>,
    tagged: Vec<(IdentityId, Box<str>)>,
    serving: Vec<Arc<Identity>>,
}

impl Scene {
    /// Reads the estate and the identities among `named`; with an API among them, those that were removed, too.
    pub(crate) async fn read<'a>(console: &Console, named: impl IntoIterator<Item = &'a ResourceId>) -> Result<Self, Problem> {
        let (mut identities, mut apis, mut owners) = (Vec::new(), false, false);
        for id in named {
            apis |= id.kind() == Kind::Api;
            owners |= id.kind() == Kind::Owner;
            identities.extend(IdentityId::parse(id.name()).ok().filter(|_| id.kind() == Kind::Identity));
        }
        let formers = if apis { console.store.removed_of(Kind::Api).await? } else { Vec::new() };
        let estate = console.store.estate().await?;
        let records = console.store.identity_records(&identities).await?;
        let containments = console.store.containments().await?;
        let mut seq = estate.seq.min(records.seq);
        // The gate is asked for these, which follows the store: what it does not know yet was not looked at.
        if apis || owners || containments.iter().any(|one| one.kind == Containable::Credential) {
            if console.world.followed() < seq {
                console.world.published(seq).await;
            }
            seq = seq.min(console.world.followed());
        }
        let (mut contained, mut stopped) = (Vec::new(), Vec::new());
        for one in containments {
            match one.kind {
                Containable::Owner => contained.push(one.name),
                Containable::Credential => {
                    let known = CredentialId::parse(&one.name).and_then(|id| console.world.credential(&id));
                    stopped.extend(known.filter(|known| known.binding.is_some()));
                }
                _ => {}
            }
        }
        let tagged = if owners { console.world.tagged(person::TAG) } else { Vec::new() };
        let serving = if apis { console.world.serving() } else { Vec::new() };
        Ok(Self {
            seq,
            estate: estate.resources.into_iter().map(|resource| (resource.id.clone(), resource)).collect(),
            identities: records.records.into_iter().map(|record| (record.identity.as_str().into(), record)).collect(),
            contained,
            formers,
            stopped,
            tagged,
            serving,
        })
    }

    /// Every resource but identities, by kind and name.
    pub(crate) fn resources(&self) -> impl Iterator<Item = &StoredResource> {
        self.estate.values()
    }

    /// A resource; of identities only those that were asked for.
    pub(crate) fn resource(&self, id: &ResourceId) -> Option<&StoredResource> {
        if id.kind() == Kind::Identity {
            return self.identities.get(id.name())?.resource.as_ref();
        }
        self.estate.get(id)
    }

    /// Owners that are contained.
    pub(crate) fn contained(&self) -> impl Iterator<Item = &str> {
        self.contained.iter().map(|name| &**name)
    }

    /// What the APIs were that are not on record any more.
    pub(crate) fn formers(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.formers.iter().map(|(name, spec)| (&**name, spec))
    }

    /// Proofs that others vouch for and that are contained: of which identity, and its entry.
    pub(crate) fn stopped(&self) -> impl Iterator<Item = (&str, &str)> {
        self.stopped.iter().map(|one| (one.identity.as_str(), &*one.name))
    }

    /// Identities that say for which person they stand, when owners are looked at.
    pub(crate) fn tagged(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tagged.iter().map(|(identity, address)| (identity.as_str(), &**address))
    }

    /// Identities that say to stand behind an API, when APIs are looked at: identity, its owner, the API.
    pub(crate) fn serving(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.serving.iter().flat_map(|one| one.serves.iter().map(move |api| (one.id.as_str(), one.owner.as_str(), api.as_str())))
    }

    /// What an identity of an owner is granted on the management API itself, as the role that has as much.
    pub(crate) fn granted(&self, identity: &str, owner: &str) -> Option<Role> {
        let grants = self.estate.values().filter(|resource| resource.id.kind() == Kind::Grant);
        power::most(grants.map(|grant| &grant.spec), identity, owner)
    }

    /// Who answers for an API.
    pub(crate) fn policy_owner(&self, api: &str) -> Option<String> {
        let id = ResourceId::parse(Kind::Api, api).ok()?;
        self.estate.get(&id)?.spec.get("policy_owner")?.as_str().map(str::to_owned)
    }

    /// A wish, with what is on record.
    pub(crate) fn wanted(&self, id: ResourceId, spec: Option<Value>, expect: Precondition) -> Wanted {
        let known = id.kind() == Kind::Identity && self.identities.get(id.name()).is_some_and(|record| record.status.is_some());
        let before = self.resource(&id).cloned();
        Wanted { change: ResourceChange { id, spec, expect }, before, known }
    }
}
