//! What the documents mean, typed: the inventory that policy, gate, edge and issuer work with.

use ipnet::IpNet;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use wardgate_model::{
    api::Api,
    credential::{CredentialKind, SignatureForm, TokenBinding},
    diagnostic::Place,
    flow::Flow,
    govern::{Contract, Rotation, Waiver},
    grant::Grant,
    id::PurposeName,
    inventory::{Environment, Identity, Owner, Zone},
    limit::Limit,
    resource::Kind,
    time::Time,
    trust::{Binding, TrustSource},
};

/// Everything governed, resolved: each reference leads somewhere. Ordered by name within each kind.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// Who answers.
    pub owners: Vec<Owner>,
    /// Environments.
    pub environments: Vec<Arc<Environment>>,
    /// Callers, with how they may prove themselves.
    pub identities: Vec<IdentitySpec>,
    /// What is called.
    pub apis: Vec<Arc<Api>>,
    /// Who may do what.
    pub grants: Vec<Arc<Grant>>,
    /// How much; the limits of contracts, `contract:NAME`, among them.
    pub limits: Vec<Arc<Limit>>,
    /// What was agreed with partners.
    pub contracts: Vec<Arc<Contract>>,
    /// Exemptions.
    pub waivers: Vec<Arc<Waiver>>,
    /// How often credentials are replaced.
    pub rotations: Vec<Arc<Rotation>>,
    /// Whose proofs count.
    pub trust: Vec<Arc<TrustSource>>,
    /// Where calls come from.
    pub zones: Vec<Zone>,
    /// What is begun and brought to its end; also at the operations of their APIs.
    pub flows: Vec<Arc<Flow>>,
    /// Registered purposes.
    pub purposes: Vec<Purpose>,
    /// Cedar texts, each with the place of its first character.
    pub policies: Vec<(Place, Arc<str>)>,
    /// Where each resource stands.
    pub places: BTreeMap<(Kind, Box<str>), Place>,
    /// Where the public key of a credential stands, by the names of identity and entry.
    pub keys: BTreeMap<(Box<str>, Box<str>), Place>,
}

/// An identity as files know it: its state is `active`, its revision 0; a store puts its status over them.
#[derive(Debug, Clone, PartialEq)]
pub struct IdentitySpec {
    /// The identity.
    pub identity: Identity,
    /// How it may prove itself; names are unique.
    pub credentials: Vec<CredentialSpec>,
}

/// One way to prove itself that files allow an identity. Ids, hashes and dates are status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialSpec {
    /// Its name within the identity.
    pub name: Box<str>,
    /// What kind of thing it is.
    pub kind: CredentialKind,
    /// How long after its issue it ends; always there for `api_key`, unless `waived_until` is.
    pub expires_in: Option<Duration>,
    /// When the waiver ends by which it needs no `expires_in`; its credential ends then.
    pub waived_until: Option<Time>,
    /// Networks it may be used from; empty means any.
    pub sources: Box<[IpNet]>,
    /// Which foreign proofs it stands for; there exactly for `oidc` and `x509`.
    pub binding: Option<Binding>,
    /// How its calls are signed; there exactly for `hmac`.
    pub signed: Option<SignatureForm>,
    /// Its public key, a JWK as JSON text; there exactly for `public_key`.
    pub jwk: Option<Arc<str>>,
    /// Whether the tokens that it is shown for have to be bound to a key; only of `public_key`.
    pub tokens: TokenBinding,
}

/// A registered purpose: what grants and `Wardgate-Purpose` name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purpose {
    /// Its name.
    pub name: PurposeName,
    /// What it means.
    pub description: Option<Box<str>>,
}
