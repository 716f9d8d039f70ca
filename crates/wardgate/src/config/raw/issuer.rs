//! What was typed of our own issuer.

use super::{Findings, RawIssuer, text};
use crate::config::{KeySource, ModuleSettings, TokenSettings};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use wardgate_proof::{access_token, jose::algorithm::Algorithm};

/// What is signed with, unless said.
pub(super) const ES256: &str = "ES256";
const EDDSA: &str = "EdDSA";
/// Shortest life of a token that is worth its signature.
const LIFE_MIN: Duration = Duration::from_secs(30);

/// Where tokens are signed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSigner {
    /// In a hardware module.
    pub pkcs11: Option<RawModule>,
}

/// A key in a hardware module (PKCS #11), for ES256.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawModule {
    /// The module: `file:PATH` of a shared library.
    pub module: Option<String>,
    /// The label of the token.
    pub token: Option<String>,
    /// What opens the token: `file:PATH`, or `env:NAME` of a variable.
    pub pin: Option<String>,
    /// The label of the key and of its public half.
    pub key: Option<String>,
}

impl RawSigner {
    fn module(&self, findings: &mut Findings<'_>) -> Option<ModuleSettings> {
        let Some(raw) = &self.pkcs11 else {
            findings.wrong("issuer.signer", "`issuer.signer` names nothing".to_owned(), "name `pkcs11`, or leave `signer` out");
            return None;
        };
        let mut needed = |key: &str, value: &Option<String>| {
            let value = value.clone().filter(|value| !value.is_empty());
            if value.is_none() {
                findings.wrong(key, format!("`{key}` is missing"), "`pkcs11` needs `module`, `token`, `pin` and `key`");
            }
            value
        };
        let module = needed("issuer.signer.pkcs11.module", &raw.module);
        let token = needed("issuer.signer.pkcs11.token", &raw.token);
        let pin = needed("issuer.signer.pkcs11.pin", &raw.pin);
        let key = needed("issuer.signer.pkcs11.key", &raw.key);
        let module = findings.file("issuer.signer.pkcs11.module", &module?);
        let pin = findings.pin("issuer.signer.pkcs11.pin", &pin?);
        Some(ModuleSettings { module: module?, token: token?, pin: pin?, key: key? })
    }
}

impl Findings<'_> {
    fn pin(&mut self, key: &str, source: &str) -> Option<KeySource> {
        match source.strip_prefix("env:") {
            Some(name) if !name.is_empty() => Some(KeySource::Env(name.to_owned())),
            _ => self.file(key, source).map(KeySource::File),
        }
    }
}

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
        let module = self.signer.as_ref().and_then(|signer| signer.module(findings));
        TokenSettings { life, algorithm, module }
    }
}
