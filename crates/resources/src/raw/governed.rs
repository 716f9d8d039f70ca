//! Owners, environments, identities, grants, limits, zones, flows, purposes, policies.

use super::{
    risk::RawContainment,
    value::{
        BytesText, Count, CredentialWord, DurationText, HeaderText, Label, MatchText, MomentText, Name, NetworkText, PaceText, PolicyText,
        Prose, QuotaText, SelectorText, ShareText, Word,
    },
};
use crate::yaml::At;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use wardgate_model::{
    api::OperationClass,
    credential::SignatureScheme,
    facts::Lane,
    id::{ApiName, ContractName, EnvironmentName, IdentityId, OwnerName, PurposeName, TeamName, TrustName},
    inventory::{Criticality, IdentityKind, Role},
    limit::Per,
};

/// Someone accountable.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Owner")]
pub(crate) struct RawOwner {
    /// The accountable person.
    pub(crate) accountable: At<Prose>,
    /// Who stands in.
    pub(crate) deputy: Option<At<Prose>>,
    /// Where to reach them.
    pub(crate) contact: Option<At<Prose>>,
    /// Teams of this owner.
    pub(crate) teams: Option<At<Vec<At<Name<TeamName>>>>>,
}

/// Production, staging and so on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Environment")]
pub(crate) struct RawEnvironment {
    /// Whether it is production; false unless said.
    pub(crate) production: Option<At<bool>>,
    /// Whether it stands beside every environment; false unless said.
    pub(crate) shared: Option<At<bool>>,
}

/// A governed caller.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Identity")]
pub(crate) struct RawIdentity {
    /// What kind of machine it is.
    #[serde(rename = "type")]
    pub(crate) kind: At<Word<IdentityKind>>,
    /// Who answers for it.
    pub(crate) owner: At<Name<OwnerName>>,
    /// The team within the owner.
    pub(crate) team: Option<At<Name<TeamName>>>,
    /// Where it lives.
    pub(crate) environment: At<Name<EnvironmentName>>,
    /// Why it exists.
    pub(crate) purpose: At<Prose>,
    /// The business function it serves.
    pub(crate) business_function: Option<At<Prose>>,
    /// How much depends on it; medium unless said.
    pub(crate) criticality: Option<At<Word<Criticality>>>,
    /// What it may do in Wardgate itself.
    pub(crate) roles: Option<At<Vec<At<Word<Role>>>>>,
    /// The APIs that it is the workload behind: it may exchange the tokens that they are called with, to act for whoever called.
    pub(crate) serves: Option<At<Vec<At<Name<ApiName>>>>>,
    /// Its containment plan: what follows from a risk, before what the API says; that of the API unless said.
    pub(crate) risk: Option<At<RawContainment>>,
    /// When it ends by itself (exclusive); no end unless said.
    pub(crate) until: Option<At<MomentText>>,
    /// Free labels.
    pub(crate) tags: Option<At<BTreeMap<String, At<Prose>>>>,
    /// How it may prove itself.
    pub(crate) credentials: Option<At<Vec<At<RawCredential>>>>,
}

/// One way of an identity to prove itself.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Credential")]
pub(crate) struct RawCredential {
    /// Its name, once within the identity.
    pub(crate) name: At<Label>,
    /// What kind of thing it is.
    #[serde(rename = "type")]
    pub(crate) kind: At<Word<CredentialWord>>,
    /// How long after its issue it ends (`api_key`, unless a Waiver exempts it from `expiry`; `hmac`, 365d unless said).
    pub(crate) expires_in: Option<At<DurationText>>,
    /// Networks it may be used from; any unless said.
    pub(crate) sources: Option<At<Vec<At<NetworkText>>>>,
    /// The trust source (`oidc`, `x509`, `web_bot_auth`).
    pub(crate) trust: Option<At<Label>>,
    /// The subject of its tokens, `*` at the end for any rest (`oidc`).
    pub(crate) subject: Option<At<Prose>>,
    /// Claims its tokens have (`oidc`).
    pub(crate) claims: Option<At<BTreeMap<String, serde_json::Value>>>,
    /// Its SPIFFE id (`x509`; `oidc` where JWT-SVIDs say it).
    pub(crate) spiffe_id: Option<At<Prose>>,
    /// Its public key (`public_key`).
    pub(crate) jwk: Option<At<BTreeMap<String, serde_json::Value>>>,
    /// Whether every token that it is shown for has to be bound to a key (`public_key`); not unless said.
    pub(crate) bound_tokens: Option<At<bool>>,
    /// What its calls are signed like (`hmac`); `timestamped` unless said.
    pub(crate) scheme: Option<At<Word<SignatureScheme>>>,
    /// The header that the signature stands in (`hmac`); `webhook-signature` unless said, of `standard_webhooks` alone.
    pub(crate) header: Option<At<HeaderText>>,
    /// The header that the timestamp stands in (`hmac` of the scheme `versioned`).
    pub(crate) timestamp_header: Option<At<HeaderText>>,
    /// The API that it calls (`hmac`); those that it is granted something on unless said.
    pub(crate) api: Option<At<Name<ApiName>>>,
    /// How far the timestamp may be off, and for how long a signature is not taken twice (`hmac`); 5m unless said.
    pub(crate) tolerance: Option<At<DurationText>>,
}

/// Who may do what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Grant")]
pub(crate) struct RawGrant {
    /// To whom: an identity, or every identity of an owner.
    pub(crate) to: At<RawTo>,
    /// On which API.
    pub(crate) api: At<Name<ApiName>>,
    /// For which classes of operations, or which operations.
    pub(crate) operations: At<Vec<At<SelectorText>>>,
    /// For which registered purpose.
    pub(crate) purpose: Option<At<Name<PurposeName>>>,
    /// Until when (exclusive).
    pub(crate) until: Option<At<MomentText>>,
    /// Under which contract; it ends with the contract at the latest.
    pub(crate) contract: Option<At<Name<ContractName>>>,
}

/// To whom a grant is given: exactly one of the two.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "To")]
pub(crate) struct RawTo {
    /// One identity.
    pub(crate) identity: Option<At<Name<IdentityId>>>,
    /// Every identity of an owner.
    pub(crate) owner: Option<At<Name<OwnerName>>>,
}

/// How much of what, for whom.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Limit")]
pub(crate) struct RawLimit {
    /// Which requests it counts; all unless said.
    pub(crate) select: Option<At<RawSelect>>,
    /// What has a meter of its own.
    pub(crate) per: At<Word<Per>>,
    /// So many in a time.
    pub(crate) rate: Option<At<PaceText>>,
    /// How many at once after a rest; the count of `rate` unless said.
    pub(crate) burst: Option<At<Count>>,
    /// Requests in a calendar window.
    pub(crate) quota: Option<At<QuotaText>>,
    /// Requests at a time.
    pub(crate) concurrency: Option<At<u32>>,
    /// Bytes of bodies, both ways together, in a calendar window.
    pub(crate) bytes: Option<At<BytesText>>,
}

/// Which requests a limit counts: those that every member fits.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Select")]
pub(crate) struct RawSelect {
    /// Identities of this kind.
    #[serde(rename = "type")]
    pub(crate) kind: Option<At<Word<IdentityKind>>>,
    /// This identity.
    pub(crate) identity: Option<At<Name<IdentityId>>>,
    /// Identities of this owner.
    pub(crate) owner: Option<At<Name<OwnerName>>>,
    /// Identities of this environment.
    pub(crate) environment: Option<At<Name<EnvironmentName>>>,
    /// Requests to this API.
    pub(crate) api: Option<At<Name<ApiName>>>,
    /// Operations of this class.
    pub(crate) class: Option<At<Word<OperationClass>>>,
    /// This operation of `api`.
    pub(crate) operation: Option<At<MatchText>>,
    /// Only callers without a credential, or only those with one.
    pub(crate) anonymous: Option<At<bool>>,
    /// Requests of this lane: machines, people's sessions, or who shows nothing.
    pub(crate) lane: Option<At<Word<Lane>>>,
}

/// Where calls come from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Zone")]
pub(crate) struct RawZone {
    /// Its networks.
    pub(crate) networks: Option<At<Vec<At<NetworkText>>>>,
    /// The trust sources of its clusters: who is in none of all zones' networks and is vouched for by one of them calls from here.
    pub(crate) clusters: Option<At<Vec<At<Name<TrustName>>>>>,
    /// The trust sources of its CI providers, by whose tokens it is likewise.
    pub(crate) ci_providers: Option<At<Vec<At<Name<TrustName>>>>>,
    /// The environment that calls from it belong to.
    pub(crate) environment: Option<At<Name<EnvironmentName>>>,
}

/// Operations that begin something, and those that bring it to its end.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Flow")]
pub(crate) struct RawFlow {
    /// Whose operations they are.
    pub(crate) api: At<Name<ApiName>>,
    /// What begins something, as a hold; one at least.
    pub(crate) begin: At<Vec<At<MatchText>>>,
    /// What brings it to its end, as a purchase, or the release of the hold; one at least.
    pub(crate) finish: At<Vec<At<MatchText>>>,
    /// How long it takes at the most from the beginning to the end: 1m to 7d.
    pub(crate) within: At<DurationText>,
    /// What has to be left unfinished before anything is told of it.
    pub(crate) unfinished: Option<At<RawUnfinished>>,
}

/// What has to be left unfinished before anything is told of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Unfinished")]
pub(crate) struct RawUnfinished {
    /// So much of what is begun; 50% unless said.
    pub(crate) share: Option<At<ShareText>>,
    /// So much has to be begun; 20 unless said.
    pub(crate) at_least: Option<At<u32>>,
}

/// A registered purpose.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Purpose")]
pub(crate) struct RawPurpose {
    /// What it means.
    pub(crate) description: Option<At<Prose>>,
}

/// A Cedar policy.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Policy")]
pub(crate) struct RawPolicy {
    /// The text of one or more policies.
    pub(crate) cedar: At<PolicyText>,
}
