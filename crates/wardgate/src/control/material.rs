//! Keys: the master key opens what the store keeps sealed.

use crate::{builtin, clock, config::Config};
use anyhow::Context as _;
use std::{sync::Arc, time::Duration};
use wardgate_gate::assertion::Mint;
use wardgate_model::{
    credential::CredentialKind,
    id::{EnvironmentName, IdentityId, SecretName},
    secret::Secret,
};
use wardgate_proof::{
    api_key::{self, KeyKind, Pepper},
    entropy::SystemEntropy,
    jws::Signer,
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
    mint: Arc<Mint>,
    first: Option<Secret<String>>,
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
        let mint = Mint::new(signer(&keyring, store).await?, config.issuer.as_str().into());
        let ever = store
            .credentials(&CredentialFilter { kind: Some(CredentialKind::SignIn), limit: Some(1), ..CredentialFilter::default() })
            .await?;
        let first = if ever.is_empty() { Some(issue_sign_in(&keyring, store).await?) } else { None };
        Ok(Self {
            pepper: Arc::new(keyring.pepper()),
            secrets: keyring.sealing_key(SealPurpose::UpstreamSecret),
            hooks: keyring.sealing_key(SealPurpose::WebhookSecret),
            mint: Arc::new(mint),
            first,
        })
    }

    /// The same, with keys that were kept beside the store: it is away.
    ///
    /// # Errors
    /// None of them signs, or it was sealed under another master key.
    pub(super) fn kept(keyring: &Keyring, config: &Config, keys: &[StoredSigningKey]) -> anyhow::Result<Self> {
        let signer = on_record(keyring, keys)?.context("no signing key was kept")?;
        Ok(Self {
            pepper: Arc::new(keyring.pepper()),
            secrets: keyring.sealing_key(SealPurpose::UpstreamSecret),
            hooks: keyring.sealing_key(SealPurpose::WebhookSecret),
            mint: Arc::new(Mint::new(signer, config.issuer.as_str().into())),
            first: None,
        })
    }

    /// What keys are hashed with.
    #[must_use]
    pub fn pepper(&self) -> &Arc<Pepper> {
        &self.pepper
    }

    /// Who signs assertions.
    #[must_use]
    pub fn mint(&self) -> &Arc<Mint> {
        &self.mint
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

/// The signing key on record.
fn on_record(keyring: &Keyring, keys: &[StoredSigningKey]) -> anyhow::Result<Option<Signer>> {
    let Some(key) = keys.iter().find(|key| key.state == SigningKeyState::Signing) else { return Ok(None) };
    let sealing = keyring.sealing_key(SealPurpose::SigningKey);
    let pkcs8 =
        sealing.open(&key.kid, key.sealed.bytes()).context("the signing key on record cannot be opened: is this another master key?")?;
    Signer::load(pkcs8.danger_expose()).map(Some).context("the signing key on record cannot be read")
}

/// The signing key on record, or a new one.
async fn signer(keyring: &Keyring, store: &Store) -> anyhow::Result<Signer> {
    if let Some(signer) = on_record(keyring, &store.signing_keys().await?)? {
        return Ok(signer);
    }
    let sealing = keyring.sealing_key(SealPurpose::SigningKey);
    let pkcs8 = Signer::generate()?;
    let signer = Signer::load(pkcs8.danger_expose())?;
    let sealed = Sealed::new(sealing.seal(signer.kid(), pkcs8.danger_expose(), &SystemEntropy)?);
    store.put_signing_key(&Actor::new(Who::Process, "first start"), signer.kid(), &sealed, clock::now()).await?;
    Ok(signer)
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
    signer(keyring, store).await?;
    issue_sign_in(keyring, store).await
}

#[cfg(test)]
mod tests;
