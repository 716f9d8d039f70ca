//! Small worlds from text: resource documents and policies as an operator writes them, judged in memory.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    sync::Arc,
    time::Duration,
};
use wardgate_abuse::{Limits, MeterBounds, Meters, journal::Unrecorded};
use wardgate_gate::{
    Arrival, Change, Estate, Snapshot, Step, Verdict, World,
    assertion::Mint,
    bindings,
    clients::{self, Client},
    decide,
    denied::Denied,
    establish,
    trust::{AskedIssuer, Gathered, Trust, TrustedAuthority, TrustedBot, TrustedIssuer},
};
use wardgate_model::{
    api::{Api, HostPattern},
    credential::{Credential, CredentialKind, CredentialState},
    facts::{Door, Facts},
    grant::Grant,
    id::{ApiName, CredentialId, IdentityId, RequestId, SecretName},
    limit::Limit,
    secret::Secret,
    time::Time,
    trust::{Keys, TrustSource, Vouches},
};
use wardgate_policy::{Names, PolicySet, PolicySource};
use wardgate_proof::{
    api_key::{self, KeyKind, Pepper},
    entropy::SystemEntropy,
    jose::{
        algorithm::Algorithms,
        jwk::{Accepting, Usage},
        key_set::KeySet,
        signer,
    },
    jws::Signer,
};
use wardgate_resources::{Inventory, Sources};

/// The moment at which these worlds begin: 2026-06-01T00:00:00Z.
pub const DAWN: Time = Time::from_seconds(1_780_272_000);

/// Where these worlds are, and who issues their tokens.
pub const ISSUER: &str = "https://gate.example";

/// A world in memory, with a key for every identity.
#[derive(Debug)]
pub struct TestWorld {
    /// What requests are judged against.
    pub snapshot: Snapshot,
    /// Counters.
    pub meters: Meters,
    /// The overlay.
    pub denied: Arc<Denied>,
    /// A live API key for each identity, by name.
    pub keys: BTreeMap<String, String>,
    trust: Vec<Arc<TrustSource>>,
}

/// Whether the limits that ship are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShippedLimits {
    /// They are.
    On,
    /// Only those of the text.
    Off,
}

/// What a world is made of, as an operator writes it.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'a> {
    /// Resource documents.
    pub yaml: &'a str,
    /// Files of policies.
    pub cedar: &'a [&'a str],
    /// What documents name with `file:`, by that name.
    pub files: &'a [(&'a str, &'a [u8])],
    /// Grants beside those of the documents, which are bounded in number. Nothing checks what they refer to.
    pub grants: &'a [Arc<Grant>],
    /// Whether the limits that ship are in force.
    pub shipped: ShippedLimits,
}

/// Reads resource documents and policies, and makes a world of them.
///
/// # Errors
/// With every diagnostic, a line each.
pub fn world(yaml: &str, cedar: &str, shipped: ShippedLimits) -> Result<TestWorld, String> {
    let cedar: &[&str] = if cedar.is_empty() { &[] } else { &[cedar] };
    Texts { yaml, cedar, files: &[], grants: &[], shipped }.world()
}

impl Texts<'_> {
    /// Makes the world.
    ///
    /// # Errors
    /// With every diagnostic, a line each.
    pub fn world(&self) -> Result<TestWorld, String> {
        self.world_with(&[])
    }

    /// The same with APIs that the process answers itself.
    ///
    /// # Errors
    /// With every diagnostic, a line each.
    pub fn world_with(&self, own: &[Arc<Api>]) -> Result<TestWorld, String> {
        let policies = self.cedar.iter().enumerate();
        let sources = Sources {
            documents: vec![("world.yaml".into(), self.yaml.into())],
            policies: policies.map(|(at, text)| (format!("world-{at}.cedar").into(), (*text).into())).collect(),
        };
        let files = |_: &Path, path: &str| {
            let found = self.files.iter().find(|(name, _)| *name == path);
            found.map(|(_, bytes)| bytes.to_vec()).ok_or_else(|| std::io::Error::other(format!("`{path}` is not in this world")))
        };
        let loaded = wardgate_resources::load(&sources, &files);
        let mut found: Vec<String> = loaded.diagnostics.iter().filter(|found| found.is_error()).map(ToString::to_string).collect();
        let mut inventory = loaded.inventory.ok_or_else(|| found.join("\n"))?;
        inventory.grants.extend(self.grants.iter().cloned());
        inventory.apis.extend(own.iter().cloned());
        let compiled = wardgate_policy::compile(&policies_of(&inventory), &inventory.grants, &names(&inventory));
        found.extend(compiled.diagnostics.iter().filter(|found| found.is_error()).map(ToString::to_string));
        build(&inventory, compiled.policies.ok_or_else(|| found.join("\n"))?, self.shipped)
    }
}

fn build(inventory: &Inventory, policies: PolicySet, shipped: ShippedLimits) -> Result<TestWorld, String> {
    let pepper = Arc::new(Pepper::new(&[7; 32]));
    let mut keys = BTreeMap::new();
    let mut credentials = Vec::new();
    for spec in &inventory.identities {
        let (id, text) = api_key::generate(KeyKind::ApiKey, &spec.identity.environment.name, &SystemEntropy).map_err(|e| e.to_string())?;
        credentials.push(Change::Credential(Arc::new(credential(spec, id, &pepper, text.danger_expose()))));
        keys.insert(spec.identity.id.to_string(), text.danger_expose().clone());
    }
    let own: Vec<_> = inventory.limits.clone();
    let all: Vec<Arc<Limit>> = match shipped {
        ShippedLimits::On => own.into_iter().chain(Limits::shipped().into_iter().map(Arc::new)).collect(),
        ShippedLimits::Off => own,
    };
    let denied = Arc::new(Denied::default());
    let signer = Signer::generate().and_then(|key| Signer::load(key.danger_expose())).map_err(|e| e.to_string())?;
    let identities = inventory.identities.iter().map(|spec| Change::Identity(Arc::new(spec.identity.clone())));
    let declared = inventory.identities.iter().map(|spec| {
        let entries = spec.credentials.iter().filter_map(|entry| Some((entry, entry.binding.as_ref()?)));
        let credentials =
            entries.map(|(entry, binding)| Arc::new(bindings::declared(&spec.identity, &entry.name, entry.kind, &entry.sources, binding)));
        Change::Declared(spec.identity.id.clone(), credentials.collect())
    });
    let clients = inventory.identities.iter().map(client).collect::<Result<Vec<_>, _>>()?;
    let population = identities.chain(credentials).chain(declared).chain(clients.into_iter().flatten()).collect();
    let estate = Estate::build(World {
        apis: inventory.apis.clone(),
        grants: inventory.grants.clone(),
        zones: inventory.zones.clone(),
        secrets: vec![(SecretName::literal("legacy"), Secret::new("the-legacy-secret".to_owned()))],
        policies: Arc::new(policies),
        limits: Arc::new(Limits::compile(&all)),
        pepper,
        mint: Arc::new(Mint::new(signer, ISSUER.into())),
        denied: Arc::clone(&denied),
        body_bytes_max: 1 << 20,
    })
    .addressed(addresses(&inventory.apis));
    let snapshot = Snapshot::new(1, population, Arc::new(estate)).trusting(Arc::new(trust(&inventory.trust, None)?));
    let meters = Meters::new(Arc::new(Unrecorded), MeterBounds::default());
    Ok(TestWorld { snapshot, meters, denied, keys, trust: inventory.trust.clone() })
}

/// What an identity is to the token service, by the public keys that it declares.
fn client(spec: &wardgate_resources::IdentitySpec) -> Result<Vec<Change>, String> {
    let identity = &spec.identity;
    let declared = spec.credentials.iter().filter_map(|entry| Some((entry, entry.jwk.as_deref()?)));
    let registered = declared
        .map(|(entry, jwk)| clients::registered(identity, &entry.name, &entry.sources, jwk, entry.tokens).map_err(|why| why.to_string()))
        .collect::<Result<Vec<_>, _>>()?;
    let keys = registered.iter().map(|one| Change::Credential(Arc::clone(&one.credential))).collect::<Vec<_>>();
    let client = Client::new(&identity.id, registered).map(Arc::new);
    Ok(keys.into_iter().chain([Change::Client(identity.id.clone(), client)]).collect())
}

/// Each API by its hosts over TLS, or by that of our issuer where it answers for any.
fn addresses(apis: &[Arc<Api>]) -> Vec<(Box<str>, ApiName)> {
    let of = |api: &Arc<Api>, host: &HostPattern| {
        let host = match host {
            HostPattern::Any => "gate.example",
            HostPattern::Exact(host) => host,
        };
        (format!("https://{host}{}", api.path_prefix).into(), api.name.clone())
    };
    apis.iter().flat_map(|api| api.hosts.iter().map(move |host| of(api, host))).collect()
}

/// The trust sources of an inventory, with what was fetched for them.
///
/// # Errors
/// With what of them cannot be used.
fn trust(sources: &[Arc<TrustSource>], fetched: Option<(&str, &str, Time)>) -> Result<Trust, String> {
    let (mut issuers, mut asked, mut authorities, mut bots) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for source in sources {
        match &source.vouches {
            Vouches::Tokens(issuer) => {
                if let Keys::Asked(how) = &issuer.keys {
                    asked.push(AskedIssuer::new(&source.name, issuer, how));
                    continue;
                }
                let fetched = fetched.filter(|(name, ..)| *name == source.name.as_str());
                let keys = |text: &str| TrustedIssuer::keys(issuer, text).map_err(|why| why.to_string());
                let fetched = fetched.map(|(_, text, until)| keys(text).map(|keys| (keys, until))).transpose()?;
                issuers.push(TrustedIssuer::new(&source.name, issuer, fetched));
            }
            Vouches::Signatures(bot) => {
                let fetched = fetched.filter(|(name, ..)| *name == source.name.as_str());
                let keys = |text: &str| TrustedBot::keys(text).map_err(|why| why.to_string());
                let fetched = fetched.map(|(_, text, until)| keys(text).map(|keys| (keys, until))).transpose()?;
                bots.push(TrustedBot::new(&source.name, bot, fetched));
            }
            Vouches::Certificates(authority) => {
                authorities.push(TrustedAuthority::new(&source.name, authority, Gathered::default()).map_err(|why| why.to_string())?);
            }
        }
    }
    Ok(Trust::new(issuers, authorities).asking(asked).with_bots(bots))
}

fn policies_of(inventory: &Inventory) -> Vec<PolicySource> {
    inventory.policies.iter().map(|(place, text)| PolicySource { place: place.clone(), text: Arc::clone(text) }).collect()
}

fn names(inventory: &Inventory) -> Names<'_> {
    Names {
        identities: inventory.identities.iter().map(|spec| spec.identity.id.as_str()).collect(),
        owners: inventory.owners.iter().map(|owner| owner.name.as_str()).collect(),
        teams: inventory.owners.iter().flat_map(|owner| &owner.teams).map(wardgate_model::id::TeamName::as_str).collect(),
        environments: &inventory.environments,
        apis: &inventory.apis,
        beside: None,
    }
}

fn credential(spec: &wardgate_resources::IdentitySpec, id: CredentialId, pepper: &Pepper, text: &str) -> Credential {
    let entry = spec.credentials.first();
    Credential {
        id,
        identity: spec.identity.id.clone(),
        name: entry.map_or("main".into(), |entry| entry.name.clone()),
        kind: CredentialKind::ApiKey,
        environment: spec.identity.environment.name.clone(),
        sources: entry.map_or(Box::default(), |entry| entry.sources.clone()),
        hash: Some(api_key::hash(pepper, text)),
        binding: None,
        created: DAWN,
        expires: Some(DAWN + entry.and_then(|entry| entry.expires_in).unwrap_or(Duration::from_hours(24))),
        warn_from: None,
        task: None,
        state: CredentialState::Live,
    }
}

/// A request as text: `METHOD URL`, then a header field a line.
#[derive(Debug)]
pub struct Asked {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    peer: IpAddr,
}

impl Asked {
    /// Reads the text. `None` when it is no request.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let (method, target) = lines.next()?.split_once(' ')?;
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(':')?;
            headers.append(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value.trim()).ok()?);
        }
        Some(Self { method: method.parse().ok()?, uri: target.parse().ok()?, headers, peer: IpAddr::V4(Ipv4Addr::LOCALHOST) })
    }

    /// Shows a key.
    #[must_use]
    pub fn bearer(mut self, key: &str) -> Self {
        if let Ok(value) = HeaderValue::try_from(format!("Bearer {key}")) {
            self.headers.insert(http::header::AUTHORIZATION, value);
        }
        self
    }

    /// Shows a token together with a proof of possession (RFC 9449 §7.1).
    #[must_use]
    pub fn possessed(mut self, token: &str, proof: &str) -> Self {
        if let (Ok(token), Ok(proof)) = (HeaderValue::try_from(format!("DPoP {token}")), HeaderValue::try_from(proof)) {
            self.headers.insert(http::header::AUTHORIZATION, token);
            self.headers.insert("dpop", proof);
        }
        self
    }

    /// Comes from another address.
    #[must_use]
    pub fn from(mut self, peer: IpAddr) -> Self {
        self.peer = peer;
        self
    }

    /// Whether its head speaks of a body behind it.
    fn follows(&self) -> bool {
        let length = self.headers.get(http::header::CONTENT_LENGTH);
        length.is_some_and(|length| length != "0") || self.headers.contains_key(http::header::TRANSFER_ENCODING)
    }

    /// The arrival of it at a public door.
    #[must_use]
    pub fn arrival(&self, now: Time) -> Arrival<'_> {
        Arrival {
            id: RequestId::new(now, 1),
            time: now,
            door: Door::Public,
            version: Version::HTTP_11,
            protocol: None,
            certificates: None,
            handshake: None,
            method: &self.method,
            uri: &self.uri,
            headers: &self.headers,
            body: self.follows(),
            peer: self.peer,
            via: "wardgate-test",
        }
    }
}

impl TestWorld {
    /// The key of an identity; empty where there is no such identity.
    #[must_use]
    pub fn key(&self, identity: &str) -> &str {
        self.keys.get(identity).map(String::as_str).unwrap_or_default()
    }

    /// Judges a request, through every room.
    #[must_use]
    pub fn judge(&self, asked: &Asked, now: Time) -> Option<(Facts, Verdict)> {
        let Step::Done(facts) = establish(&asked.arrival(now), &self.snapshot, &self.meters, now) else { return None };
        match decide(&facts, &self.snapshot, &self.meters, now) {
            Step::Done(verdict) => Some((facts, verdict)),
            Step::Wait(..) => None,
        }
    }

    /// What the keys of a trust source are from now on, as if they had been fetched: a JWK Set that counts until a moment.
    ///
    /// # Errors
    /// When it is none.
    pub fn fetched(&mut self, trust_source: &str, jwks: &str, until: Time) -> Result<(), String> {
        let trust = trust(&self.trust, Some((trust_source, jwks, until)))?;
        let before = &self.snapshot;
        let next = Snapshot::new(before.number() + 1, before.population().clone(), Arc::clone(before.estate()));
        self.snapshot = next.trusting(Arc::new(trust));
        Ok(())
    }

    /// The same with a token service of its own: tokens by its key count.
    ///
    /// # Errors
    /// When the key cannot be read again.
    pub fn issuing(mut self) -> Result<Self, String> {
        let published = signer::jwks([self.snapshot.mint().signer()]).to_string();
        let accepting = Accepting { algorithms: Algorithms::ALL, usage: Usage::Signature };
        let keys = KeySet::parse(published.as_bytes(), accepting).map_err(|why| why.to_string())?;
        let before = &self.snapshot;
        let next = Snapshot::new(before.number() + 1, before.population().clone(), Arc::clone(before.estate()));
        self.snapshot = next.trusting(Arc::new(Trust::new([TrustedIssuer::ours(ISSUER, keys)], [])));
        Ok(self)
    }

    /// An identity's name, typed.
    #[must_use]
    pub fn identity(&self, name: &str) -> Option<IdentityId> {
        IdentityId::parse(name).ok().filter(|id| self.snapshot.identity(id).is_some())
    }
}
