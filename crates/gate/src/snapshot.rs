//! The snapshot: all that the rooms look things up in, immutable. A change makes a new one.
//!
//! INVARIANT (immutable): nothing in it changes after [`Snapshot::build`], but for the caches that [`Mint`] and the policy
//! set keep of their own answers, and the [`Denied`] overlay, which all snapshots share.

use crate::{assertion::Mint, denied::Denied, permit::Show, route::Routes};
use ahash::AHashMap;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, header};
use ipnet::IpNet;
use std::{net::IpAddr, sync::Arc};
use wardgate_abuse::Limits;
use wardgate_model::{
    api::{Api, Operation, Target, UpstreamIdentity},
    credential::Credential,
    facts::{Caller, Purpose},
    grant::Grant,
    id::{ApiName, CredentialId, GrantId, IdentityId, PurposeName, SecretName, ZoneName},
    inventory::{Identity, Zone},
    reason::Reason,
    secret::Secret,
    time::Time,
};
use wardgate_policy::PolicySet;
use wardgate_proof::{api_key::Pepper, assertion::AssertionClaims};

/// What a snapshot is made of. Whoever makes one has already resolved every reference in it.
#[derive(Debug, Clone)]
pub struct World {
    /// Number of the snapshot; grows.
    pub number: u64,
    /// Identities; `anonymous` is added.
    pub identities: Vec<Arc<Identity>>,
    /// Credentials.
    pub credentials: Vec<Arc<Credential>>,
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

/// What the upstream of an API is shown, made ready.
#[derive(Debug)]
enum Ready {
    Assertion(Arc<str>),
    Show(Show),
    NoSecret,
}

/// The state of the world at one moment.
#[derive(Debug)]
pub struct Snapshot {
    number: u64,
    identities: AHashMap<IdentityId, Arc<Identity>>,
    credentials: AHashMap<CredentialId, Arc<Credential>>,
    anonymous: Arc<Identity>,
    routes: Routes,
    apis: Vec<Arc<Api>>,
    ready: AHashMap<ApiName, Ready>,
    purposes: AHashMap<GrantId, PurposeName>,
    zones: Vec<(IpNet, ZoneName)>,
    policies: Arc<PolicySet>,
    limits: Arc<Limits>,
    pepper: Arc<Pepper>,
    mint: Arc<Mint>,
    denied: Arc<Denied>,
    body_bytes_max: u64,
}

impl Snapshot {
    /// Builds the look-ups.
    #[must_use]
    pub fn build(world: World) -> Self {
        let secrets: AHashMap<_, _> = world.secrets.into_iter().collect();
        let mut zones: Vec<_> =
            world.zones.iter().flat_map(|zone| zone.networks.iter().map(|network| (*network, zone.name.clone()))).collect();
        zones.sort_by_key(|(network, _)| std::cmp::Reverse(network.prefix_len()));
        let purposes = world.grants.iter().filter_map(|grant| Some((grant.id.clone(), grant.purpose.clone()?)));
        let anonymous = world.identities.iter().find(|identity| identity.is_anonymous()).cloned();
        let anonymous = anonymous.unwrap_or_else(|| Arc::new(Identity::anonymous()));
        let mut identities: AHashMap<_, _> = world.identities.into_iter().map(|identity| (identity.id.clone(), identity)).collect();
        identities.insert(anonymous.id.clone(), Arc::clone(&anonymous));
        Self {
            number: world.number,
            identities,
            anonymous,
            credentials: world.credentials.into_iter().map(|credential| (credential.id.clone(), credential)).collect(),
            routes: Routes::build(&world.apis),
            ready: world.apis.iter().map(|api| (api.name.clone(), ready(api, &secrets))).collect(),
            purposes: purposes.collect(),
            apis: world.apis,
            zones,
            policies: world.policies,
            limits: world.limits,
            pepper: world.pepper,
            mint: world.mint,
            denied: world.denied,
            body_bytes_max: world.body_bytes_max,
        }
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// An identity by name.
    #[must_use]
    pub fn identity(&self, id: &IdentityId) -> Option<&Arc<Identity>> {
        self.identities.get(id)
    }

    /// The caller that shows no credential.
    #[must_use]
    pub fn anonymous(&self) -> &Arc<Identity> {
        &self.anonymous
    }

    /// A credential by its public id.
    #[must_use]
    pub fn credential(&self, id: &str) -> Option<&Arc<Credential>> {
        self.credentials.get(id)
    }

    /// The APIs.
    #[must_use]
    pub fn apis(&self) -> &[Arc<Api>] {
        &self.apis
    }

    /// The table of routes.
    #[must_use]
    pub fn routes(&self) -> &Routes {
        &self.routes
    }

    /// The zone with the narrowest network around an address.
    #[must_use]
    pub fn zone(&self, address: IpAddr) -> Option<&ZoneName> {
        self.zones.iter().find(|(network, _)| network.contains(&address)).map(|(_, zone)| zone)
    }

    /// The compiled policies.
    #[must_use]
    pub fn policies(&self) -> &PolicySet {
        &self.policies
    }

    /// The compiled limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What keys are hashed with.
    #[must_use]
    pub fn pepper(&self) -> &Pepper {
        &self.pepper
    }

    /// Who signs assertions.
    #[must_use]
    pub fn mint(&self) -> &Arc<Mint> {
        &self.mint
    }

    /// The overlay of what was stopped.
    #[must_use]
    pub fn denied(&self) -> &Arc<Denied> {
        &self.denied
    }

    /// The purpose that a grant registers.
    #[must_use]
    pub fn purpose_of(&self, grant: &GrantId) -> Option<PurposeName> {
        self.purposes.get(grant).cloned()
    }

    /// Largest body of a request, in bytes.
    #[must_use]
    pub fn body_bytes_max(&self) -> u64 {
        self.body_bytes_max
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
        let audience = match self.ready.get(&api.name) {
            Some(Ready::Show(show)) => return Ok(show.clone()),
            Some(Ready::Assertion(audience)) => audience,
            Some(Ready::NoSecret) | None => return Err(Reason::ForwardNoSecret),
        };
        // Under `mode: observe` a request may go on although nobody is proven: then there is nothing to assert.
        let (Some(operation), Some(caller)) = (operation, caller) else { return Ok(Show::Nothing) };
        let identity = &caller.identity;
        let claims = AssertionClaims {
            issuer: Arc::clone(self.mint.issuer()),
            audience: Arc::clone(audience),
            identity: identity.id.clone(),
            owner: identity.owner.clone(),
            environment: identity.environment.name.clone(),
            actors: caller.actors.clone(),
            operation: operation.id.clone(),
            purpose: purpose.map(|purpose| purpose.value.clone()),
            task: caller.task.clone(),
        };
        self.mint.assert(claims, identity.revision, now).map(Show::Assertion).ok_or(Reason::ForwardFault)
    }
}

fn ready(api: &Api, secrets: &AHashMap<SecretName, Secret<String>>) -> Ready {
    let url = match &api.upstream.target {
        Target::InProcess => return Ready::Show(Show::Caller),
        Target::Http(urls) => urls.first().map(ToString::to_string).unwrap_or_default(),
    };
    let secret = |name, text: &dyn Fn(&str) -> String| {
        let value = secrets.get(name).and_then(|secret| HeaderValue::try_from(text(secret.danger_expose())).ok());
        value.map(|mut value| {
            value.set_sensitive(true);
            value
        })
    };
    let shown = match &api.upstream.identity {
        UpstreamIdentity::Assertion => return Ready::Assertion(url.into()),
        UpstreamIdentity::Keep => return Ready::Show(Show::Keep),
        UpstreamIdentity::Header { name, secret: of } => secret(of, &str::to_owned).map(|value| (name.clone(), value)),
        UpstreamIdentity::Basic { user, secret: of } => {
            // RFC 7617 §2: base64 of user-id ":" password.
            let value = secret(of, &|password| format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))));
            value.map(|value| (header::AUTHORIZATION, value))
        }
    };
    shown.map_or(Ready::NoSecret, |(name, value)| Ready::Show(Show::Secret { name, value }))
}
