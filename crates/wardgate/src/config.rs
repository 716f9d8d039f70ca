//! `wardgate.yaml`: about this process only. What was typed ([`Raw`]), then what it means ([`Config`]).

mod named;
mod outside;
mod raw;
mod sign_in;

pub use outside::{AccessKey, AnchorPlace, Outside, StorePlace};
pub use raw::Raw;
pub use sign_in::SignIn;

use anyhow::Context as _;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};
use wardgate_edge::handshake::ClientCertificates;
use wardgate_model::{
    diagnostic::{Diagnostic, Place},
    secret::Secret,
};
use wardgate_proof::jose::algorithm::Algorithm;

/// The name of the file where no other is given.
pub const FILE: &str = "wardgate.yaml";

/// One listener for clients.
#[derive(Debug, Clone)]
pub struct Listener {
    /// Its name, for messages.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// What clients call it.
    pub public_url: Option<String>,
    /// Certificate chain and key, PEM files.
    pub tls: Option<TlsFiles>,
    /// Networks of proxies before it that are trusted to say from where a request comes.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Whether every connection begins with the PROXY protocol, version 2.
    pub proxy_protocol: bool,
}

/// Certificate and key of a listener.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// Chain, leaf first.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
    /// Whether clients are asked for certificates.
    pub clients: ClientCertificates,
}

/// What our tokens are like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSettings {
    /// How long one lives, where nothing critical is in play.
    pub life: Duration,
    /// What they are signed with.
    pub algorithm: Algorithm,
    /// Where they are signed; `None`: here.
    pub module: Option<ModuleSettings>,
}

/// A key in a module that speaks PKCS #11.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleSettings {
    /// The module: a shared library.
    pub module: PathBuf,
    /// The label of the token that the key is in.
    pub token: String,
    /// What opens the token.
    pub pin: KeySource,
    /// The label of the key, one for ES256.
    pub key: String,
}

/// When what was written to the event log is sealed: whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealConfig {
    /// After so many events.
    pub events: u64,
    /// So long after the first of them, whether another one comes or not.
    pub after: Duration,
}

/// Where the installation's master key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In a file.
    File(PathBuf),
    /// In an environment variable.
    Env(String),
}

/// What this process is told. Paths are resolved against the directory of the file.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file that it came from.
    pub file: PathBuf,
    /// Listeners for clients.
    pub listeners: Vec<Listener>,
    /// The admin listener.
    pub admin: SocketAddr,
    /// Whether `/metrics` answers there without a credential.
    pub metrics_open: bool,
    /// Where people sign in to the management API; `None`: nowhere.
    pub sign_in: Option<SignIn>,
    /// Our issuer's URL: `iss` of assertions and tokens.
    pub issuer: String,
    /// What its tokens are like.
    pub tokens: TokenSettings,
    /// The database.
    pub store: String,
    /// The directory of the event log.
    pub audit: PathBuf,
    /// Events that may wait to be written.
    pub audit_queue_events: usize,
    /// Bytes on disk that the event log may take.
    pub audit_bytes_max: u64,
    /// How long a segment of the event log is kept; `None`: until somebody takes it away.
    pub audit_retain: Option<Duration>,
    /// How long events are gathered before they are written.
    pub audit_window: Duration,
    /// When what was written is sealed.
    pub audit_seal: SealConfig,
    /// Where evidence goes besides its directory.
    pub audit_outside: Outside,
    /// The master key.
    pub key: KeySource,
    /// Directories and files of resources.
    pub resources: Vec<PathBuf>,
    /// Bounds of the edge.
    pub edge: EdgeSettings,
    /// The directory of this process's own files.
    pub state: PathBuf,
    /// The break-glass socket; `None`: in the directory of state.
    pub glass: Option<PathBuf>,
    /// How long somebody has to claim an unknown caller.
    pub claim_within: Duration,
    /// Ways round the gate that are looked for.
    pub bypass: crate::bypass::Settings,
    /// Where new upstream secrets may be brought.
    pub deliver: crate::deliver::Settings,
    /// Files that say something of addresses.
    pub sources: wardgate_feeds::charts::Settings,
}

/// Bounds of the edge; every one finite. The defaults are shown by `wardgate config show`.
#[derive(Debug, Clone)]
pub struct EdgeSettings {
    /// Name of this gate in its events. What runs without doors writes to the same log, and so under the same name.
    pub name: Box<str>,
    /// Threads that carry doors.
    pub threads: usize,
    /// Client connections at a time.
    pub connections_max: usize,
    /// Client connections of one source address at a time.
    pub source_connections_max: usize,
    /// Time for a request's head.
    pub head_timeout: Duration,
    /// Time between two pieces of a body.
    pub body_idle: Duration,
    /// Time an unused connection is kept.
    pub keep_alive: Duration,
    /// Bytes a second that a client must send of a body, and take of an answer.
    pub rate_min: u64,
    /// Largest body of a request, in bytes.
    pub body_bytes_max: u64,
    /// Time for running requests at the end.
    pub drain: Duration,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// With every diagnostic at once.
    pub fn read(file: &Path) -> Result<Self, Vec<Diagnostic>> {
        let bytes = std::fs::read(file).map_err(|error| {
            vec![
                Diagnostic::error(Place::file(file), "config.unreadable", format!("cannot read `{}`: {error}", file.display()))
                    .mend("make a starter with `wardgate init`, or name the file with `-c`"),
            ]
        })?;
        let raw: Raw = wardgate_resources::yaml::read(file, &bytes)?;
        raw.resolve(file, &bytes)
    }

    /// The master key's text.
    ///
    /// # Errors
    /// When file or variable cannot be read.
    pub fn key_text(&self) -> anyhow::Result<Secret<String>> {
        secret_text(&self.key, "the master key")
    }

    /// The database's address as it may be shown: without a password.
    #[must_use]
    pub fn shown_store(&self) -> String {
        let Some((scheme, rest)) = self.store.split_once("://") else { return self.store.clone() };
        let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
        // Parameters can hold a password as well.
        format!("{scheme}://{}", place.split('?').next().unwrap_or_default())
    }

    /// The break-glass socket.
    #[must_use]
    pub fn glass(&self) -> PathBuf {
        self.glass.clone().unwrap_or_else(|| self.state.join(raw::GLASS))
    }
}

/// A secret's text; `what` it is, for the message.
///
/// # Errors
/// When file or variable cannot be read.
pub fn secret_text(source: &KeySource, what: &str) -> anyhow::Result<Secret<String>> {
    match source {
        KeySource::File(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {what} `{}`", path.display()))?;
            Ok(Secret::new(text))
        }
        KeySource::Env(name) => {
            let text = variable(name).with_context(|| format!("cannot read {what} from the variable `{name}`"))?;
            Ok(Secret::new(text))
        }
    }
}

/// A variable of the environment.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where configuration reads the environment")]
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests;
