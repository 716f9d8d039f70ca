//! Whose proofs count.

use super::value::{DurationText, FileText, Name, NetworkText, Prose, TrustKind, Word};
use crate::yaml::At;
use schemars::JsonSchema;
use serde::Deserialize;
use wardgate_model::id::SecretName;

/// Where foreign proofs come from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TrustSource")]
pub(crate) struct RawTrustSource {
    /// What kind of source it is.
    #[serde(rename = "type")]
    pub(crate) kind: At<Word<TrustKind>>,
    /// The issuer's identifier, exactly as its tokens say it (`oidc`, `introspection`).
    pub(crate) issuer: Option<At<Prose>>,
    /// Of these its tokens name at least one in `aud` (`oidc`, `introspection`).
    pub(crate) audiences: Option<At<Vec<At<Prose>>>>,
    /// The origin of a bot that signs its requests, as its `Signature-Agent` says it; its keys are in its directory (`web_bot_auth`).
    pub(crate) agent: Option<At<Prose>>,
    /// Its keys, `file:` or `https:`, when they are not found by discovery (`oidc`) or in its directory (`web_bot_auth`).
    pub(crate) jwks: Option<At<Prose>>,
    /// The signature algorithms that count; every one that is safe unless said (`oidc`).
    pub(crate) algorithms: Option<At<Vec<At<Prose>>>>,
    /// The claim that says which machine calls; `sub` unless said (`oidc`, `introspection`).
    pub(crate) subject_claim: Option<At<Prose>>,
    /// The claim that says for which person it calls (`oidc`, `introspection`).
    pub(crate) on_behalf_of: Option<At<Prose>>,
    /// How far its clock may be from ours; 30s unless said (`oidc`, `introspection`).
    pub(crate) leeway: Option<At<DurationText>>,
    /// Longest life of a token; 24h unless said (`oidc`, `introspection`).
    pub(crate) life_max: Option<At<DurationText>>,
    /// Networks of ours that may be reached to fetch what it publishes; public addresses only unless said.
    pub(crate) networks: Option<At<Vec<At<NetworkText>>>>,
    /// Roots that its servers are verified with, PEM; the system's unless said.
    pub(crate) roots: Option<At<FileText>>,
    /// Its introspection endpoint (RFC 7662): it is asked about its opaque tokens (`introspection`).
    pub(crate) url: Option<At<Prose>>,
    /// Our id there (`introspection`).
    pub(crate) client_id: Option<At<Prose>>,
    /// The name of our secret there (`introspection`).
    pub(crate) secret: Option<At<Name<SecretName>>>,
    /// What its tokens begin with; of several sources the longest that fits is asked (`introspection`).
    pub(crate) prefix: Option<At<Prose>>,
    /// For how long its answer counts without asking again, up to 60s: as long as a revocation there may take to count here; 10s
    /// unless said (`introspection`).
    pub(crate) remember: Option<At<DurationText>>,
    /// The SPIFFE trust domain that it vouches for (`spiffe`).
    pub(crate) trust_domain: Option<At<Prose>>,
    /// Its certificates, `file:` or `https:`; PEM, for `spiffe` at an address its bundle, or `unix:` and the socket of an agent
    /// (`spiffe`, `x509_ca`).
    pub(crate) bundle: Option<At<Prose>>,
    /// The SPIFFE id that the server of `bundle` shows (profile `https_spiffe`); without it a public certificate is asked for (`spiffe`).
    pub(crate) endpoint_spiffe_id: Option<At<Prose>>,
    /// The bundle that the server of `bundle` is verified with the first time: of the trust domain of `endpoint_spiffe_id`, PEM or JSON
    /// (`spiffe`).
    pub(crate) endpoint_bundle: Option<At<FileText>>,
    /// Its revocation lists, `file:` (PEM) or `https:` (`spiffe`, `x509_ca`).
    pub(crate) revoked: Option<At<Vec<At<Prose>>>>,
}
