//! Whose proofs count.

use super::value::{DurationText, FileText, NetworkText, Prose, TrustKind, Word};
use crate::yaml::At;
use schemars::JsonSchema;
use serde::Deserialize;

/// Where foreign proofs come from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TrustSource")]
pub(crate) struct RawTrustSource {
    /// What kind of source it is.
    #[serde(rename = "type")]
    pub(crate) kind: At<Word<TrustKind>>,
    /// The issuer's identifier, exactly as its tokens say it (`oidc`).
    pub(crate) issuer: Option<At<Prose>>,
    /// Of these its tokens name at least one in `aud` (`oidc`).
    pub(crate) audiences: Option<At<Vec<At<Prose>>>>,
    /// Its keys, `file:` or `https:`, when they are not found by discovery (`oidc`).
    pub(crate) jwks: Option<At<Prose>>,
    /// The signature algorithms that count; every one that is safe unless said (`oidc`).
    pub(crate) algorithms: Option<At<Vec<At<Prose>>>>,
    /// The claim that says which machine calls; `sub` unless said (`oidc`).
    pub(crate) subject_claim: Option<At<Prose>>,
    /// The claim that says for which person it calls (`oidc`).
    pub(crate) on_behalf_of: Option<At<Prose>>,
    /// How far its clock may be from ours; 30s unless said (`oidc`).
    pub(crate) leeway: Option<At<DurationText>>,
    /// Longest life of a token; 24h unless said (`oidc`).
    pub(crate) life_max: Option<At<DurationText>>,
    /// Networks of ours that may be reached to fetch its keys; public addresses only unless said (`oidc`).
    pub(crate) networks: Option<At<Vec<At<NetworkText>>>>,
    /// Roots that its server is verified with, PEM; the system's unless said (`oidc`).
    pub(crate) roots: Option<At<FileText>>,
    /// The SPIFFE trust domain that it vouches for (`spiffe`).
    pub(crate) trust_domain: Option<At<Prose>>,
    /// Its certificates, PEM (`spiffe`, `x509_ca`).
    pub(crate) bundle: Option<At<FileText>>,
    /// Its revocation lists, PEM (`spiffe`, `x509_ca`).
    pub(crate) revoked: Option<At<Vec<At<FileText>>>>,
}
