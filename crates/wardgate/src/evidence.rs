//! The event log of this process: where it is, how it works, and who signs it.

mod outside;

pub use outside::{anchor_named, environment, environment_of_named, reach, reach_as_lent, reach_where_named};

use crate::{config::Config, control};
use anyhow::Context as _;
use std::sync::Arc;
use wardgate_audit::{
    note::{Signer, Verifier},
    seal::Seal,
    sink::Options,
};
use wardgate_proof::log_key::LogKey;

/// How the log works.
///
/// # Errors
/// When the master key cannot be read: what is recorded must be sealed.
pub fn options(config: &Config) -> anyhow::Result<Options> {
    Ok(Options {
        queue_events: config.audit_queue_events,
        bytes_max: config.audit_bytes_max,
        retain: config.audit_retain,
        window: config.audit_window,
        seal_events: config.audit_seal.events,
        seal_after: config.audit_seal.after,
        seal: Some(Seal(Arc::new(Key::of(config, &config.edge.name)?))),
        anchors: outside::anchors(config)?,
        storage: outside::storage(config)?,
        ..Options::new(&config.edge.name)
    })
}

/// Whom to believe what the log of this process says.
///
/// # Errors
/// When the master key cannot be read.
pub fn verifier(config: &Config) -> anyhow::Result<Verifier> {
    verifier_of(config, &config.edge.name)
}

/// Whom to believe what the log of an edge says that has the same master key.
///
/// # Errors
/// When the master key cannot be read.
pub fn verifier_of(config: &Config, edge: &str) -> anyhow::Result<Verifier> {
    Verifier::of(&Key::of(config, edge)?).context("the key of the event log")
}

/// The log's key under its name.
struct Key {
    name: String,
    key: LogKey,
}

impl Key {
    fn of(config: &Config, edge: &str) -> anyhow::Result<Self> {
        Ok(Self { name: Seal::origin(edge), key: control::keyring(config)?.log_key(edge) })
    }
}

impl Signer for Key {
    fn name(&self) -> &str {
        &self.name
    }

    fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.key.sign(text)
    }

    fn public(&self) -> [u8; 32] {
        self.key.public()
    }
}
