//! The bundle of a SPIFFE trust domain (SPIFFE-Trust-Domain-and-Bundle §4): a JWK Set whose entries are anchors for X509-SVIDs
//! and keys for JWT-SVIDs.

use super::{BundleFault, TrustBundle, TrustDomain};
use crate::jose::{
    algorithm::Algorithms,
    json::{self, JsonFault},
    jwk::{Accepting, Usage},
    key_set::{KeySet, SetFault},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use std::time::Duration;

/// What a bundle may hold.
const BOUNDS: json::Bounds = json::Bounds { depth: 6, values: 8_192 };
/// Why a document is no bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpiffeBundleFault {
    /// It cannot be read in one way.
    #[error("it cannot be read: {0}")]
    Json(#[from] JsonFault),
    /// Its keys cannot be used.
    #[error(transparent)]
    Keys(#[from] SetFault),
    /// Its anchors cannot be used.
    #[error("an anchor: {0}")]
    Anchors(#[from] BundleFault),
    /// `spiffe_sequence` is no number from 0 on.
    #[error("`spiffe_sequence` is no whole number from 0 on")]
    Sequence,
}

/// The bundle of a trust domain.
#[derive(Debug)]
pub struct SpiffeBundle {
    anchors: TrustBundle,
    keys: KeySet,
    sequence: Option<u64>,
    refresh_hint: Option<Duration>,
    skipped: usize,
}

impl SpiffeBundle {
    /// Reads a bundle. Entries whose `use` is unknown are left out, and so are `x509-svid` entries without `x5c` (§4.2.1).
    ///
    /// # Errors
    /// When it must not be used at all.
    pub fn parse(document: &[u8], domain: &TrustDomain) -> Result<Self, SpiffeBundleFault> {
        let members = json::object(document, BOUNDS)?;
        let accepting = Accepting { algorithms: Algorithms::JWT_SVID, usage: Usage::JwtSvid };
        let keys = KeySet::parse(document, accepting)?;
        let entries = members.get("keys").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let certificates: Vec<Vec<u8>> = entries.iter().filter_map(Value::as_object).filter_map(certificate).collect();
        let anchors = TrustBundle::of(certificates.iter().map(Vec::as_slice), Some(domain))?;
        let sequence = match members.get("spiffe_sequence") {
            None => None,
            Some(number) => Some(number.as_u64().ok_or(SpiffeBundleFault::Sequence)?),
        };
        // §4.1.2: a hint that cannot be read is no hint.
        let refresh_hint = members.get("spiffe_refresh_hint").and_then(Value::as_u64).map(Duration::from_secs);
        let skipped = entries.len().saturating_sub(certificates.len()).saturating_sub(keys.keys().len());
        Ok(Self { anchors, keys, sequence, refresh_hint, skipped })
    }

    /// What X509-SVIDs of the domain are verified with.
    #[must_use]
    pub const fn anchors(&self) -> &TrustBundle {
        &self.anchors
    }

    /// What JWT-SVIDs of the domain are verified with.
    #[must_use]
    pub const fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// Its number: one that follows is never smaller (§4.1.1).
    #[must_use]
    pub const fn sequence(&self) -> Option<u64> {
        self.sequence
    }

    /// How soon to ask again (§4.1.2).
    #[must_use]
    pub const fn refresh_hint(&self) -> Option<Duration> {
        self.refresh_hint
    }

    /// How many entries are left out.
    #[must_use]
    pub const fn skipped(&self) -> usize {
        self.skipped
    }
}

/// The certificate of an `x509-svid` entry: the first of `x5c` (§4.2.1), which is Base64 with padding (RFC 7517 §4.7).
fn certificate(entry: &Map<String, Value>) -> Option<Vec<u8>> {
    if entry.get("use")?.as_str()? != "x509-svid" {
        return None;
    }
    STANDARD.decode(entry.get("x5c")?.as_array()?.first()?.as_str()?).ok()
}
