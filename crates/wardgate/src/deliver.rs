//! Upstream secrets, replaced without a failed request: laid ready, brought to where the upstream reads them, put into use,
//! and the old one dropped once the upstream is seen to take the new.
//!
//! The API names what the operator has configured and nothing else: no address, no directory, no argument comes from it.
//! A secret goes into a file of mode 0600, over TLS or to this machine, or to the standard input of a command; never into
//! a log, an argument or the environment.
//!
//! Reading order: [`Settings`] (what is configured), `place` (where to), `file`, `kubernetes`, `vault`, `command` (the ways),
//! `outcome` (what an answer of the upstream tells), `rotation` (the whole of it).

mod command;
mod file;
mod kubernetes;
mod outcome;
mod place;
mod rotation;
mod vault;

pub use rotation::{Deliveries, start};
pub(crate) use vault::check as check_vault;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};
use wardgate_console::{Code, Problem};

/// Time for one delivery over the network.
pub const VAULT_TIMEOUT: Duration = Duration::from_secs(15);
/// Time for a command.
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// Where new upstream secrets may be brought: `deliver` in wardgate.yaml.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The directory for files and manifests.
    pub directory: Option<PathBuf>,
    /// The Vault.
    pub vault: Option<VaultSettings>,
    /// Commands by name: program and arguments.
    pub commands: BTreeMap<Box<str>, CommandSettings>,
}

/// A Vault whose KV version 2 engine takes secrets.
#[derive(Debug, Clone)]
pub struct VaultSettings {
    /// `https://HOST[:PORT]`, or `http://` on this machine.
    pub url: String,
    /// Where the engine is mounted.
    pub mount: Box<str>,
    /// The namespace, where the installation has them.
    pub namespace: Option<Box<str>>,
    /// The file that holds the token; read for each delivery.
    pub token: PathBuf,
    /// Certificates of the authority that the Vault's own is from (PEM); needed for `https`.
    pub ca: Option<PathBuf>,
}

/// A program that takes a secret on its standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSettings {
    /// The program, by its full path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// Why a secret was not delivered. The old one stays in use.
#[derive(Debug, thiserror::Error)]
pub enum DeliverFault {
    /// Operator: there is nothing of the kind in the configuration.
    #[error("{what} is not configured: set `{key}` in wardgate.yaml")]
    NotConfigured {
        /// What is missing.
        what: String,
        /// Where it would stand.
        key: String,
    },
    /// Operator: the name makes no sense there.
    #[error("`{given}` is no {what}: {why}")]
    Name {
        /// As given.
        given: String,
        /// What it should be.
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// What was configured does not work.
    #[error("the secret was not delivered: {0}")]
    Failed(String),
}

impl DeliverFault {
    fn failed(what: impl std::fmt::Display) -> Self {
        Self::Failed(what.to_string())
    }
}

impl From<DeliverFault> for Problem {
    fn from(fault: DeliverFault) -> Self {
        let code = match &fault {
            DeliverFault::NotConfigured { .. } | DeliverFault::Name { .. } => Code::Unfit,
            DeliverFault::Failed(_) => Code::Conflict,
        };
        Self::new(code, fault.to_string())
    }
}
