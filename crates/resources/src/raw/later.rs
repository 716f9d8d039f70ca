//! Kinds that are parsed and refused as not yet enforced.

use super::value::{FileText, Prose, TrustKind, Word};
use crate::yaml::At;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Where foreign proofs come from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TrustSource")]
#[expect(dead_code, reason = "parsed and refused as not yet enforced")]
pub(crate) struct RawTrustSource {
    /// What kind of source it is.
    #[serde(rename = "type")]
    pub(crate) kind: At<Word<TrustKind>>,
    /// The issuer's identifier.
    pub(crate) issuer: Option<At<Prose>>,
    /// Audiences that its tokens must name.
    pub(crate) audiences: Option<At<Vec<At<Prose>>>>,
    /// Its keys, when they are not found by discovery.
    pub(crate) jwks: Option<At<FileText>>,
    /// The SPIFFE trust domain.
    pub(crate) trust_domain: Option<At<Prose>>,
    /// Its certificates.
    pub(crate) bundle: Option<At<FileText>>,
}

/// A kind whose keys are not yet fixed: any mapping.
pub(crate) type RawLater = BTreeMap<String, serde_json::Value>;
