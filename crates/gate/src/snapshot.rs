//! The snapshot: all that the rooms look things up in, immutable. A change makes a new one, which shares with the one
//! before what did not change: a change of identities or credentials copies a few hundred entries ([`crate::shards::Shards`]), a change of
//! anything else the estate, which is small.
//!
//! INVARIANT (immutable): nothing in it changes after it was made, but for the caches that [`Mint`] and the policy
//! set keep of their own answers, the [`Denied`] overlay, the [`Spent`] signatures and the proofs of [`Possessions`], which all snapshots share.

mod addresses;
mod population;
mod ready;

pub use addresses::RESOURCE_METADATA;
pub use population::{Change, Population};

use crate::{
    assertion::Mint, challenge::Handshakes, denied::Denied, heard::LastHeard, hooks::Granted, permit::Show, possession::Possessions,
    route::Routes, spent::Spent, trust::Trust,
};
use ahash::AHashMap;
use ipnet::IpNet;
use ready::{Ready, ready};
use std::{
    net::IpAddr,
    sync::{Arc, LazyLock},
};
use wardgate_abuse::Limits;
use wardgate_model::{
    api::{Api, Operation, UpstreamIdentity},
    atlas::Atlas,
    credential::Credential,
    facts::{Caller, Lane, Purpose, SourceZone},
    grant::Grant,
    id::{ApiName, GrantId, IdentityId, PurposeName, SecretName, TrustName},
    inventory::{Identity, Zone},
    reason::Reason,
    secret::Secret,
    task::Task,
    time::Time,
};
use wardgate_policy::PolicySet;
use wardgate_proof::{api_key::Pepper, assertion::AssertionClaims, dpop::nonce::NonceKey};

/// What the rest of a snapshot is made of. Whoever makes one has already resolved every reference in it.
#[derive(Debug, Clone)]
pub struct World {
    /// APIs.
    pub apis: Vec<Arc<Api>>,
    /// Grants, for the purposes that they register; their permits are in `policies`.
    pub grants: Vec<Arc<Grant>>,
    /// Zones.
    pub zones: Vec<Zone>,
    /// Secrets of upstreams, opened.
    pub secrets: Vec<(SecretName, Secret<String>)>,
    /// The compiled policies.
    pub policies: Arc<PolicySet>,
    /// The compiled limits.
    pub limits: Arc<Limits>,
    /// What keys are hashed with.
    pub pepper: Arc<Pepper>,
    /// Who signs assertions.
    pub mint: Arc<Mint>,
    /// The overlay, shared with all snapshots.
    pub denied: Arc<Denied>,
    /// Largest body of a request, in bytes.
    pub body_bytes_max: u64,
}

/// What is governed beside identities and credentials, made ready for look-ups. Small: a change of it makes all of it anew.
#[derive(Debug)]
pub struct Estate {
    routes: Routes,
    apis: Vec<Arc<Api>>,
    ready: AHashMap<ApiName, Ready>,
    secrets: AHashMap<SecretName, Secret<String>>,
    purposes: AHashMap<GrantId, PurposeName>,
    granted: Granted,
    ends: AHashMap<GrantId, Time>,
    zones: Vec<(IpNet, SourceZone)>,
    vouched: AHashMap<TrustName, SourceZone>,
    addresses: AHashMap<Box<str>, ApiName>,
    origins: AHashMap<ApiName, Box<[Box<str>]>>,
    resources: AHashMap<Box<str>, (Box<str>, ApiName)>,
    nonces: Box<NonceKey>,
    policies: Arc<PolicySet>,
    limits: Arc<Limits>,
    pepper: Arc<Pepper>,
    mint: Arc<Mint>,
    denied: Arc<Denied>,
    heard: Arc<LastHeard>,
    body_bytes_max: u64,
}

impl Estate {
    /// Says when the control side was last heard; without it, nothing grows old.
    #[must_use]
    pub fn heard(self, heard: Arc<LastHeard>) -> Self {
        Self { heard, ..self }
    }

    /// The compiled policies.
    #[must_use]
    pub fn policies(&self) -> &Arc<PolicySet> {
        &self.policies
    }

    /// A secret of ours at somebody else's, by name.
    #[must_use]
    pub fn secret(&self, name: &SecretName) -> Option<&Secret<String>> {
        self.secrets.get(name)
    }

    /// Builds the look-ups.
    #[must_use]
    pub fn build(world: World) -> Self {
        let secrets: AHashMap<_, _> = world.secrets.into_iter().collect();
        let seen = |zone: &Zone| SourceZone { name: zone.name.clone(), environment: zone.environment.clone() };
        let mut zones: Vec<_> =
            world.zones.iter().flat_map(|zone| zone.networks.iter().map(move |network| (*network, seen(zone)))).collect();
        let vouched = world.zones.iter().flat_map(|zone| zone.vouched.iter().map(move |trust| (trust.clone(), seen(zone)))).collect();
        zones.sort_by_key(|(network, _)| std::cmp::Reverse(network.prefix_len()));
        let purposes = world.grants.iter().filter_map(|grant| Some((grant.id.clone(), grant.purpose.clone()?)));
        let ends = world.grants.iter().filter_map(|grant| Some((grant.id.clone(), grant.until?)));
        Self {
            routes: Routes::build(&world.apis),
            ready: world.apis.iter().map(|api| (api.name.clone(), ready(api, &secrets))).collect(),
            secrets,
            purposes: purposes.collect(),
            granted: Granted::new(&world.apis, &world.grants),
            ends: ends.collect(),
            apis: world.apis,
            zones,
            vouched,
            addresses: AHashMap::new(),
            origins: AHashMap::new(),
            resources: AHashMap::new(),
            nonces: Box::new(NonceKey::of(&world.pepper)),
            policies: world.policies,
            limits: world.limits,
            pepper: world.pepper,
            mint: world.mint,
            denied: world.denied,
            heard: Arc::default(),
            body_bytes_max: world.body_bytes_max,
        }
    }
}

/// The state of the world at one moment.
#[derive(Debug)]
pub struct Snapshot {
    number: u64,
    population: Population,
    anonymous: Arc<Identity>,
    people: Arc<Identity>,
    estate: Arc<Estate>,
    trust: Arc<Trust>,
    /// `None` until it comes after another: then what that one knew.
    atlas: Option<Arc<Atlas>>,
    spent: Arc<Spent>,
    possessions: Arc<Possessions>,
    handshakes: Arc<Handshakes>,
}

impl Snapshot {
    /// The number of a snapshot grows with each that is published.
    #[must_use]
    pub fn new(number: u64, population: Population, estate: Arc<Estate>) -> Self {
        let anonymous = population.identities.get(Identity::ANONYMOUS).cloned();
        let anonymous = anonymous.unwrap_or_else(|| Arc::new(Identity::anonymous()));
        Self {
            number,
            population,
            anonymous,
            people: Arc::new(Identity::people()),
            estate,
            trust: Trust::nobody(),
            atlas: None,
            spent: Arc::default(),
            possessions: Arc::default(),
            handshakes: Arc::default(),
        }
    }

    /// Believes whom `trust` says; nobody outside without it.
    #[must_use]
    pub fn trusting(self, trust: Arc<Trust>) -> Self {
        Self { trust, ..self }
    }

    /// Knows this of addresses; without it, what the snapshot before it knew.
    #[must_use]
    pub fn knowing(self, atlas: Arc<Atlas>) -> Self {
        Self { atlas: Some(atlas), ..self }
    }

    /// Remembers which signatures and proofs were taken, and what is known of addresses, as the snapshot before it does.
    pub(crate) fn after(self, before: &Self) -> Self {
        Self {
            atlas: self.atlas.or_else(|| before.atlas.clone()),
            spent: Arc::clone(&before.spent),
            possessions: Arc::clone(&before.possessions),
            handshakes: Arc::clone(&before.handshakes),
            ..self
        }
    }

    /// Which signatures were taken.
    #[must_use]
    pub fn spent(&self) -> &Spent {
        &self.spent
    }

    /// Which proofs of possession were taken.
    #[must_use]
    pub fn possessions(&self) -> &Possessions {
        &self.possessions
    }

    /// What is known of addresses.
    #[must_use]
    pub fn atlas(&self) -> &Atlas {
        static NOTHING: LazyLock<Atlas> = LazyLock::new(Atlas::default);
        self.atlas.as_deref().unwrap_or(&NOTHING)
    }

    /// Whom a full handshake was asked of.
    #[must_use]
    pub fn handshakes(&self) -> &Handshakes {
        &self.handshakes
    }

    /// Who is granted something on the APIs that take signatures.
    #[must_use]
    pub fn granted(&self) -> &Granted {
        &self.estate.granted
    }

    /// Whose proofs count.
    #[must_use]
    pub fn trust(&self) -> &Arc<Trust> {
        &self.trust
    }

    /// Who calls, and by what.
    #[must_use]
    pub fn population(&self) -> &Population {
        &self.population
    }

    /// The rest.
    #[must_use]
    pub fn estate(&self) -> &Arc<Estate> {
        &self.estate
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// An identity by name.
    #[must_use]
    pub fn identity(&self, id: &IdentityId) -> Option<&Arc<Identity>> {
        // INVARIANT (nobody is `people`): whoever was on record by that name before it was reserved is nobody's identity now.
        if id.as_str() == Identity::PEOPLE { Some(&self.people) } else { self.population.identities.get(id.as_str()) }
    }

    /// The caller that shows no credential.
    #[must_use]
    pub fn anonymous(&self) -> &Arc<Identity> {
        &self.anonymous
    }

    /// What stands for people's sessions.
    #[must_use]
    pub fn people(&self) -> &Arc<Identity> {
        &self.people
    }

    /// A credential by its public id.
    #[must_use]
    pub fn credential(&self, id: &str) -> Option<&Arc<Credential>> {
        self.population.credentials.get(id)
    }

    /// A task of an identity that is under way at `now` and was not stopped.
    #[must_use]
    pub fn task(&self, id: &str, identity: &IdentityId, now: Time) -> Option<&Arc<Task>> {
        self.population.tasks.get(id).filter(|task| task.identity == *identity && task.is_open(now))
    }

    /// The APIs.
    #[must_use]
    pub fn apis(&self) -> &[Arc<Api>] {
        &self.estate.apis
    }

    /// The table of routes.
    #[must_use]
    pub fn routes(&self) -> &Routes {
        &self.estate.routes
    }

    /// The zone with the narrowest network around an address.
    #[must_use]
    pub fn zone(&self, address: IpAddr) -> Option<&SourceZone> {
        self.estate.zones.iter().find(|(network, _)| network.contains(&address)).map(|(_, zone)| zone)
    }

    /// The zone that a trust source vouches for which a caller's proof rests on. It counts only where the address lies in none.
    #[must_use]
    pub fn zone_of(&self, caller: &Caller) -> Option<&SourceZone> {
        self.estate.vouched.get(&caller.holder()?.binding.as_ref()?.trust)
    }

    /// The compiled policies.
    #[must_use]
    pub fn policies(&self) -> &PolicySet {
        &self.estate.policies
    }

    /// The compiled limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.estate.limits
    }

    /// What keys are hashed with.
    #[must_use]
    pub fn pepper(&self) -> &Pepper {
        &self.estate.pepper
    }

    /// Who signs assertions.
    #[must_use]
    pub fn mint(&self) -> &Arc<Mint> {
        &self.estate.mint
    }

    /// The overlay of what was stopped.
    #[must_use]
    pub fn denied(&self) -> &Arc<Denied> {
        &self.estate.denied
    }

    /// When the control side was last heard.
    #[must_use]
    pub fn heard(&self) -> &LastHeard {
        &self.estate.heard
    }

    /// The purpose that a grant registers.
    #[must_use]
    pub fn purpose_of(&self, grant: &GrantId) -> Option<PurposeName> {
        self.estate.purposes.get(grant).cloned()
    }

    /// When a grant ends, where it does.
    #[must_use]
    pub fn end_of(&self, grant: &GrantId) -> Option<Time> {
        self.estate.ends.get(grant).copied()
    }

    /// Largest body of a request, in bytes.
    #[must_use]
    pub fn body_bytes_max(&self) -> u64 {
        self.estate.body_bytes_max
    }

    /// What the upstream of an API is shown for this caller.
    ///
    /// # Errors
    /// When its secret is not on record, or signing failed.
    pub(crate) fn show(
        &self,
        api: &Api,
        operation: Option<&Operation>,
        caller: Option<&Caller>,
        purpose: Option<&Purpose>,
        now: Time,
    ) -> Result<Show, Reason> {
        // What the upstream knows its machines by is not for a session that anybody can make up.
        let assured = matches!(api.upstream.identity, UpstreamIdentity::Assertion | UpstreamIdentity::Keep);
        if !assured && caller.is_some_and(|caller| caller.lane() == Lane::People) {
            return Ok(Show::Nothing);
        }
        let audience = match self.estate.ready.get(&api.name) {
            Some(Ready::Show(show)) => return Ok(show.clone()),
            Some(Ready::Assertion(audience)) => audience,
            Some(Ready::NoSecret) | None => return Err(Reason::ForwardNoSecret),
        };
        // Under `mode: observe` a request may go on although nobody is proven: then there is nothing to assert.
        let (Some(operation), Some(caller)) = (operation, caller) else { return Ok(Show::Nothing) };
        let identity = &caller.identity;
        let claims = AssertionClaims {
            issuer: Arc::clone(self.estate.mint.issuer()),
            audience: Arc::clone(audience),
            identity: identity.id.clone(),
            owner: identity.owner.clone(),
            environment: identity.environment.name.clone(),
            actors: caller.actors.clone(),
            operation: operation.id.clone(),
            purpose: purpose.map(|purpose| purpose.value.clone()),
            task: caller.task.clone(),
        };
        self.estate.mint.assert(claims, identity.revision, now).map(Show::Assertion).ok_or(Reason::ForwardFault)
    }
}
