//! Keys: the master key opens what the store keeps sealed.

use super::module::Module;
use crate::{builtin, clock, config::Config};
use anyhow::Context as _;
use arc_swap::ArcSwap;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use wardgate_gate::{assertion::Mint, trust::TrustedIssuer};
use wardgate_model::{
    credential::CredentialKind,
    id::{EnvironmentName, IdentityId, SecretName},
    secret::Secret,
};
use wardgate_proof::{
    api_key::{self, KeyKind, Pepper},
    entropy::SystemEntropy,
    jose::{
        algorithm::{Algorithm, Algorithms},
        jwk::{Accepting, Usage},
        key_set::KeySet,
    },
    jws::{self, Signer},
    keyring::Keyring,
    seal::{SealPurpose, SealingKey},
};
use wardgate_store::{Actor, CredentialFilter, NewCredential, Sealed, SigningKeyState, Store, StoredSecret, StoredSigningKey, Who};

/// For how long the first admin credential can be used.
const SIGN_IN_LIFE: Duration = Duration::from_hours(24);

/// Keys, ready for use.
pub struct Material {
    pepper: Arc<Pepper>,
    secrets: SealingKey,
    /// Of senders of webhooks (`control::hooks`).
    pub(super) hooks: SealingKey,
    signing: SealingKey,
    issuer: Arc<str>,
    ring: ArcSwap<Ring>,
    /// Where tokens are signed, if not here.
    module: Option<Module>,
    first: Option<Secret<String>>,
}

/// The keys that our tokens and assertions are signed with.
struct Ring {
    mint: Arc<Mint>,
    /// All that are published, the one that signs among them.
    published: Vec<(StoredSigningKey, Signer)>,
    /// One that is in a module.
    outside: Option<Signer>,
}

impl Ring {
    /// From what is on record; `None`: none of it signs.
    ///
    /// # Errors
    /// When one cannot be opened: it was sealed under another master key.
    fn open(sealing: &SealingKey, issuer: &Arc<str>, keys: &[StoredSigningKey], module: Option<&Module>) -> anyhow::Result<Option<Self>> {
        let mut published = Vec::new();
        let mut mint = None;
        for key in keys.iter().filter(|key| key.state != SigningKeyState::Retired) {
            if key.state == SigningKeyState::Signing {
                let here = Mint::new(opened(sealing, key)?, Arc::clone(issuer));
                mint = Some(Arc::new(match module {
                    Some(module) => here.with_tokens_by(module.signer()),
                    None => here,
                }));
            }
            published.push((key.clone(), opened(sealing, key)?));
        }
        let outside = module.and_then(Module::signer);
        Ok(mint.map(|mint| Self { mint, published, outside }))
    }

    fn jwks(&self) -> Value {
        jws::jwks(self.published.iter().map(|(_, signer)| signer).chain(&self.outside))
    }
}

fn opened(sealing: &SealingKey, key: &StoredSigningKey) -> anyhow::Result<Signer> {
    let pkcs8 =
        sealing.open(&key.kid, key.sealed.bytes()).context("the signing key on record cannot be opened: is this another master key?")?;
    Signer::load(pkcs8.danger_expose()).context("the signing key on record cannot be read")
}

impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Material(…)")
    }
}

impl Material {
    /// Opens the master key, makes the signing key where there is none, and the first admin credential where there has
    /// never been one.
    ///
    /// # Errors
    /// When the master key is missing or another than the one that sealed the store.
    pub async fn open(config: &Config, store: &Store) -> anyhow::Result<Self> {
        let keyring = keyring(config)?;
        let signing = keyring.sealing_key(SealPurpose::SigningKey);
        sign_with_something(&signing, store).await?;
        let issuer: Arc<str> = config.issuer.as_str().into();
        let module = config.tokens.module.as_ref().map(Module::open);
        let ring = Ring::open(&signing, &issuer, &store.signing_keys().await?, module.as_ref())?.context("no key signs")?;
        let ever = store
            .credentials(&CredentialFilter { kind: Some(CredentialKind::SignIn), limit: Some(1), ..CredentialFilter::default() })
            .await?;
        let first = if ever.is_empty() { Some(issue_sign_in(&keyring, store).await?) } else { None };
        Ok(Self {
            pepper: Arc::new(keyring.pepper()),
            secrets: keyring.sealing_key(SealPurpose::UpstreamSecret),
            hooks: keyring.sealing_key(SealPurpose::WebhookSecret),
            signing,
            issuer,
            ring: ArcSwap::from_pointee(ring),
            module,
            first,
        })
    }

    /// The same, with keys that were kept beside the store: it is away.
    ///
    /// # Errors
    /// None of them signs, or it was sealed under another master key.
    pub(super) fn kept(keyring: &Keyring, config: &Config, keys: &[StoredSigningKey]) -> anyhow::Result<Self> {
        let signing = keyring.sealing_key(SealPurpose::SigningKey);
        let issuer: Arc<str> = config.issuer.as_str().into();
        let module = config.tokens.module.as_ref().map(Module::open);
        let ring = Ring::open(&signing, &issuer, keys, module.as_ref())?.context("no signing key was kept")?;
        Ok(Self {
            pepper: Arc::new(keyring.pepper()),
            secrets: keyring.sealing_key(SealPurpose::UpstreamSecret),
            hooks: keyring.sealing_key(SealPurpose::WebhookSecret),
            signing,
            issuer,
            ring: ArcSwap::from_pointee(ring),
            module,
            first: None,
        })
    }

    /// What keys are hashed with.
    #[must_use]
    pub fn pepper(&self) -> &Arc<Pepper> {
        &self.pepper
    }

    /// Who signs assertions and tokens at present.
    #[must_use]
    pub fn mint(&self) -> Arc<Mint> {
        Arc::clone(&self.ring.load().mint)
    }

    /// The published keys (RFC 7517 §5).
    #[must_use]
    pub fn jwks(&self) -> Value {
        self.ring.load().jwks()
    }

    /// Our own token service, as the gate believes it: by every key that is published.
    #[must_use]
    pub fn ours(&self) -> TrustedIssuer {
        let keys = KeySet::parse(self.jwks().to_string().as_bytes(), Accepting { algorithms: Algorithms::ALL, usage: Usage::Signature });
        if let Err(why) = &keys {
            tracing::error!(%why, "our own keys cannot be read: no token of ours is good");
        }
        TrustedIssuer::ours(&self.issuer, keys.unwrap_or_else(|_| KeySet::of(Algorithms::ALL, [])))
    }

    /// The published keys with what each signs with.
    #[must_use]
    pub fn published(&self) -> Vec<(StoredSigningKey, Algorithm)> {
        self.ring.load().published.iter().map(|(key, signer)| (key.clone(), signer.algorithm())).collect()
    }

    /// Takes the keys that are on record now. `false`: they cannot be used, and those before stay.
    pub fn take_keys(&self, keys: &[StoredSigningKey]) -> bool {
        match Ring::open(&self.signing, &self.issuer, keys, self.module.as_ref()) {
            Ok(Some(ring)) => {
                self.ring.store(Arc::new(ring));
                true
            }
            Ok(None) => {
                tracing::error!("no key on record signs: the last one goes on");
                false
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the signing keys on record cannot be used: the last ones go on");
                false
            }
        }
    }

    /// Looks for the module that signs tokens, where it was away. `true`: it is there now, and the keys are to be taken anew.
    #[must_use]
    pub fn look_for_module(&self) -> bool {
        self.module.as_ref().is_some_and(Module::look)
    }

    /// A new signing key: its name, and what is kept of it.
    ///
    /// # Errors
    /// When none can be made.
    pub fn new_key(&self, algorithm: Algorithm) -> anyhow::Result<(String, Sealed)> {
        new_key(&self.signing, algorithm)
    }

    /// The first admin credential, when this start made it. To be shown once.
    #[must_use]
    pub fn first_credential(&self) -> Option<&Secret<String>> {
        self.first.as_ref()
    }

    /// Seals a secret of an upstream under its name.
    ///
    /// # Errors
    /// When it is too long.
    pub fn seal(&self, name: &SecretName, plain: &[u8]) -> anyhow::Result<Sealed> {
        Ok(Sealed::new(self.secrets.seal(name.as_str(), plain, &SystemEntropy)?))
    }

    /// Opens the secrets of upstreams.
    ///
    /// # Errors
    /// When one was sealed under another master key, or altered.
    pub fn open_secrets(&self, stored: &[StoredSecret]) -> anyhow::Result<Vec<(SecretName, Secret<String>)>> {
        let open = |secret: &StoredSecret| {
            let plain =
                self.secrets.open(secret.name.as_str(), secret.sealed.bytes()).with_context(|| format!("the secret `{}`", secret.name))?;
            let text =
                String::from_utf8(plain.danger_expose().clone()).with_context(|| format!("the secret `{}` is no text", secret.name))?;
            Ok((secret.name.clone(), Secret::new(text)))
        };
        stored.iter().map(open).collect()
    }
}

pub(crate) fn keyring(config: &Config) -> anyhow::Result<Keyring> {
    Keyring::parse(config.key_text()?.danger_expose()).context("the master key cannot be used")
}

/// Sees to it that a key signs: the one on record, or a new one.
async fn sign_with_something(sealing: &SealingKey, store: &Store) -> anyhow::Result<()> {
    if let Some(key) = store.signing_keys().await?.iter().find(|key| key.state == SigningKeyState::Signing) {
        return opened(sealing, key).map(drop);
    }
    let (kid, sealed) = new_key(sealing, Algorithm::Es256)?;
    store.put_signing_key(&Actor::new(Who::Process, "first start"), &kid, &sealed, clock::now()).await?;
    Ok(())
}

fn new_key(sealing: &SealingKey, algorithm: Algorithm) -> anyhow::Result<(String, Sealed)> {
    let pkcs8 = Signer::generate_for(algorithm)?;
    let kid = Signer::load(pkcs8.danger_expose())?.kid().to_owned();
    let sealed = Sealed::new(sealing.seal(&kid, pkcs8.danger_expose(), &SystemEntropy)?);
    Ok((kid, sealed))
}

async fn issue_sign_in(keyring: &Keyring, store: &Store) -> anyhow::Result<Secret<String>> {
    let environment = EnvironmentName::literal(builtin::OWN);
    let (id, text) = api_key::generate(KeyKind::SignIn, &environment, &SystemEntropy)?;
    let now = clock::now();
    let new = NewCredential {
        id,
        identity: IdentityId::literal(builtin::OPERATOR),
        name: builtin::OPERATOR_ENTRY.into(),
        kind: CredentialKind::SignIn,
        environment,
        sources: Box::default(),
        hash: api_key::hash(&keyring.pepper(), text.danger_expose()),
        expires: now + SIGN_IN_LIFE,
        task: None,
    };
    store.issue_credential(&Actor::new(Who::Process, "sign-in of the operator"), new, now).await?;
    Ok(text)
}

/// Makes a single-use admin credential, opening the store itself. For `init` and `sign-in --offline`, when nothing serves.
///
/// # Errors
/// When the store is in use, or the master key is another.
pub async fn mint_sign_in(config: &Config) -> anyhow::Result<Secret<String>> {
    let store = Store::open(&config.store).await.with_context(|| format!("cannot open `{}`", config.shown_store()))?;
    let minted = mint_into(&keyring(config)?, &store).await;
    store.close().await;
    minted
}

/// Under another master key than the store's the credential would never be good: that is said here, not at the sign-in.
async fn mint_into(keyring: &Keyring, store: &Store) -> anyhow::Result<Secret<String>> {
    sign_with_something(&keyring.sealing_key(SealPurpose::SigningKey), store).await?;
    issue_sign_in(keyring, store).await
}

#[cfg(test)]
mod tests;
