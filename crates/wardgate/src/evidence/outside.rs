//! Evidence elsewhere: where checkpoints and segments go, and by what keys segments are read where they lie.

use crate::{
    clock,
    config::{self, AccessKey, AnchorPlace, Config, StorePlace},
};
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use wardgate_audit::{
    anchor::Anchor,
    store::{self, Credentials, Lent, Storage, Store},
    web::Web,
};
use wardgate_model::secret::Secret;

/// Second places for checkpoints.
///
/// # Errors
/// When the file of an authority cannot be read.
pub(super) fn anchors(config: &Config) -> anyhow::Result<Vec<Anchor>> {
    config.audit_outside.anchors.iter().map(anchor).collect()
}

fn anchor(place: &AnchorPlace) -> anyhow::Result<Anchor> {
    Ok(match place {
        AnchorPlace::File(path) => Anchor::File(path.clone()),
        AnchorPlace::Url { site, ca } => Anchor::Url(site.clone(), web(ca.as_deref())?),
    })
}

/// The anchor that a command line names. By whom the certificate of a URL may be vouched for says the configuration, where it names the
/// same one; else it is the public's.
///
/// # Errors
/// When the file of an authority cannot be read.
pub fn anchor_named(place: &AnchorPlace, file: &Path) -> anyhow::Result<Anchor> {
    let AnchorPlace::Url { site: named, .. } = place else { return anchor(place) };
    let is_same = |known: &&AnchorPlace| matches!(known, AnchorPlace::Url { site, .. } if site == named);
    let configured = Config::read(file).map(|config| config.audit_outside.anchors).unwrap_or_default();
    anchor(configured.iter().find(is_same).unwrap_or(place))
}

/// A client that believes the authority in a file, or those of the public.
fn web(ca: Option<&Path>) -> anyhow::Result<Web> {
    let Some(ca) = ca else { return Ok(Web::new(None)?) };
    let pem = std::fs::read(ca).with_context(|| format!("cannot read the authority `{}`", ca.display()))?;
    Web::new(Some(&pem)).with_context(|| format!("the authority `{}`", ca.display()))
}

/// Where segments go; `None`: nowhere.
///
/// # Errors
/// When a key, or the file of an authority, cannot be read.
pub(super) fn storage(config: &Config) -> anyhow::Result<Option<Storage>> {
    let Some(place) = &config.audit_outside.store else { return Ok(None) };
    let store = Store { bucket: place.bucket.clone(), credentials: credentials(place)?, web: web(place.ca.as_deref())?, clock: clock::now };
    Ok(Some(Storage { store, local: place.local }))
}

fn credentials(place: &StorePlace) -> anyhow::Result<Credentials> {
    let trimmed = |source, what| -> anyhow::Result<Secret<String>> {
        let text = config::secret_text(source, what)?;
        Ok(Secret::new(text.danger_expose().trim().to_owned()))
    };
    let access_key = match &place.access_key {
        AccessKey::Text(text) => text.clone(),
        AccessKey::Elsewhere(source) => trimmed(source, "`audit.segments.s3.access_key`")?.danger_expose().clone(),
    };
    let secret_key = trimmed(&place.secret_key, "`audit.segments.s3.secret_key`")?;
    let session_token = place.session_token.as_ref().map(|source| trimmed(source, "`audit.segments.s3.session_token`")).transpose()?;
    Ok(Credentials { access_key, secret_key, session_token })
}

/// From now on this process reads segments in the store that a configuration names.
///
/// # Errors
/// When a key, or the file of an authority, cannot be read.
pub fn reach(config: &Config) -> anyhow::Result<()> {
    if let Some(storage) = storage(config)? {
        store::own(&config.audit, &storage.store.bucket);
        store::allow(storage.store);
    }
    Ok(())
}

/// As [`reach`], where a configuration can be read and one of the directories is that of its log: who names a directory need not
/// name the key of its store as well.
///
/// # Errors
/// As [`reach`].
pub fn reach_where_named(directories: &[PathBuf], file: &Path) -> anyhow::Result<()> {
    // What else is wrong with the configuration is no concern of who names the log.
    match Config::read(file) {
        Ok(config) if directories.iter().any(|directory| is_same(directory, &config.audit)) => reach(&config),
        _ => Ok(()),
    }
}

/// As [`environment`], where a configuration can be read and every directory is that of its log; a child has one key only.
///
/// # Errors
/// As [`environment`].
pub fn environment_of_named(directories: &[PathBuf], file: &Path) -> anyhow::Result<Vec<(&'static str, Secret<String>)>> {
    match Config::read(file) {
        Ok(config) if directories.iter().all(|directory| is_same(directory, &config.audit)) => environment(&config),
        _ => Ok(Vec::new()),
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

/// From now on this process reads segments with the key that the environment holds, if there is one ([`store::VARIABLES`]).
///
/// # Errors
/// When what the environment says is none.
pub fn reach_as_lent() -> anyhow::Result<()> {
    if let Some(lent) = Lent::from_environment(config::variable, clock::now)? {
        store::allow_lent(lent);
    }
    Ok(())
}

/// What a child is to find in its environment so that it reads segments in the store that a configuration names, and in no other.
///
/// # Errors
/// When a key cannot be read.
pub fn environment(config: &Config) -> anyhow::Result<Vec<(&'static str, Secret<String>)>> {
    let Some(place) = &config.audit_outside.store else { return Ok(Vec::new()) };
    let Credentials { access_key, secret_key, session_token } = credentials(place)?;
    let [id, key, session, endpoint, authority] = store::VARIABLES;
    let mut found = vec![(id, Secret::new(access_key)), (key, secret_key), (endpoint, Secret::new(place.bucket.endpoint.to_string()))];
    found.extend(session_token.map(|token| (session, token)));
    found.extend(place.ca.as_ref().map(|ca| (authority, Secret::new(ca.display().to_string()))));
    Ok(found)
}
