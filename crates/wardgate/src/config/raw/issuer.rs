//! What was typed of our own issuer.

use super::{Findings, RawIssuer, text};
use crate::config::TokenSettings;
use std::time::Duration;
use wardgate_proof::{access_token, jose::algorithm::Algorithm};

/// What is signed with, unless said.
pub(super) const ES256: &str = "ES256";
const EDDSA: &str = "EdDSA";
/// Shortest life of a token that is worth its signature.
const LIFE_MIN: Duration = Duration::from_secs(30);

impl RawIssuer {
    pub(super) fn tokens(&self, findings: &mut Findings<'_>) -> TokenSettings {
        let life = findings.duration("issuer.token_life", text(&self.token_life)).unwrap_or(LIFE_MIN);
        if !(LIFE_MIN..=access_token::LIFE_MAX).contains(&life) {
            let said = format!("`{}` is no life for a token: `issuer.token_life`", text(&self.token_life));
            findings.wrong("issuer.token_life", said, "write one from `30s` to `1h`, as in `5m`");
        }
        let algorithm = match findings.word("issuer.algorithm", text(&self.algorithm), [ES256, EDDSA]) {
            Some(EDDSA) => Algorithm::Ed25519,
            _ => Algorithm::Es256,
        };
        TokenSettings { life, algorithm }
    }
}
