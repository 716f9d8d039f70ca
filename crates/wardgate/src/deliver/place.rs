//! Where a secret is brought: what the API named, checked against what is configured.

use super::{COMMAND_TIMEOUT, DeliverFault, Settings, VAULT_TIMEOUT, command, file, kubernetes, vault};
use std::path::PathBuf;
use wardgate_console::Delivery;
use wardgate_model::{id::SecretName, secret::Secret};

/// Longest name of a file, in bytes.
const FILE_BYTES_MAX: usize = 128;
/// What a secret is called within what holds several, where nobody says otherwise.
const KEY: &str = "value";

/// A place that exists in the configuration.
#[derive(Debug)]
pub(super) enum Place {
    /// A file.
    File(PathBuf),
    /// A manifest in a file.
    Kubernetes { file: PathBuf, manifest: kubernetes::Manifest },
    /// A path in the Vault.
    Vault(vault::Entry),
    /// A command.
    Command(command::Command),
}

impl Place {
    /// Checks what was named.
    ///
    /// # Errors
    /// When it is not configured, or no name.
    pub(super) fn find(delivery: &Delivery, secret: &SecretName, settings: &Settings) -> Result<Self, DeliverFault> {
        let directory = || settings.directory.clone().ok_or_else(|| missing("a directory for delivered secrets", "deliver.directory"));
        match delivery {
            Delivery::File(name) => {
                check_file(name)?;
                Ok(Self::File(directory()?.join(&**name)))
            }
            Delivery::Kubernetes(name) => {
                let (name, key) = split_key(name);
                let manifest = kubernetes::Manifest::parse(name, key.unwrap_or(&secret.as_str().replace(':', "-")))?;
                Ok(Self::Kubernetes { file: directory()?.join(manifest.file()), manifest })
            }
            Delivery::Vault(path) => {
                let vault = settings.vault.as_ref().ok_or_else(|| missing("a Vault", "deliver.vault"))?;
                let (path, key) = split_key(path);
                Ok(Self::Vault(vault::Entry::parse(vault, path, key.unwrap_or(KEY))?))
            }
            Delivery::Command(name) => {
                let key = || format!("deliver.commands.{name}");
                let found = settings.commands.get(name).ok_or_else(|| missing(&format!("the command `{name}`"), &key()))?;
                Ok(Self::Command(command::Command::new(found, secret)))
            }
        }
    }

    /// Brings the secret there.
    ///
    /// # Errors
    /// When what is configured does not take it.
    pub(super) async fn bring(self, secret: &Secret<String>) -> Result<(), DeliverFault> {
        match self {
            Self::File(path) => write(path, Secret::new(secret.danger_expose().clone().into_bytes())).await,
            Self::Kubernetes { file, manifest } => write(file, manifest.with(secret)).await,
            Self::Vault(entry) => match tokio::time::timeout(VAULT_TIMEOUT, entry.put(secret)).await {
                Ok(put) => put,
                Err(_) => Err(DeliverFault::Failed(format!("the Vault did not answer within {} s", VAULT_TIMEOUT.as_secs()))),
            },
            Self::Command(command) => {
                let secret = secret.clone();
                blocking(move || command.run(&secret, COMMAND_TIMEOUT)).await
            }
        }
    }
}

async fn write(path: PathBuf, bytes: Secret<Vec<u8>>) -> Result<(), DeliverFault> {
    blocking(move || file::replace(&path, bytes.danger_expose())).await
}

async fn blocking(work: impl FnOnce() -> Result<(), DeliverFault> + Send + 'static) -> Result<(), DeliverFault> {
    tokio::task::spawn_blocking(work).await.map_err(DeliverFault::failed)?
}

fn missing(what: &str, key: &str) -> DeliverFault {
    DeliverFault::NotConfigured { what: what.to_owned(), key: key.to_owned() }
}

/// `NAME#KEY`: a thing, and what of it.
fn split_key(text: &str) -> (&str, Option<&str>) {
    text.split_once('#').map_or((text, None), |(name, key)| (name, Some(key)))
}

/// One name, no path: the directory is the operator's, and nothing outside it is ever written.
fn check_file(name: &str) -> Result<(), DeliverFault> {
    let wrong = |why| Err(DeliverFault::Name { given: name.escape_default().to_string(), what: "name of a file", why });
    if name.is_empty() || name.len() > FILE_BYTES_MAX {
        return wrong("it has 1 to 128 bytes");
    }
    if name.starts_with('.') || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')) {
        return wrong("use A-Z, a-z, 0-9, `.`, `_` and `-`, not beginning with `.`");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
