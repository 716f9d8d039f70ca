//! What was typed about governing: discovery, the delivery of secrets, the break-glass door, where state lies.

use super::{Findings, defaults, text};
use crate::{
    bypass,
    deliver::{CommandSettings, Settings, VaultSettings},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};
use wardgate_model::id::ApiName;

/// Files of this process's own: the journal of quotas, the break-glass socket.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawState {
    /// Their directory; default: beside the database's file, `state/` where that is elsewhere.
    pub directory: Option<String>,
}

/// Unknown callers.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawDiscovery {
    /// How long somebody has to claim one.
    pub claim_within: Option<String>,
}

/// Ways round the gate: upstreams that answer whoever reaches them are looked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawBypass {
    /// How often each upstream is called with nothing to show, as in `6h`; `off`: only when somebody asks.
    pub every: Option<String>,
    /// APIs whose upstreams are not called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub except: Option<Vec<String>>,
    /// Operations (`API METHOD /full/template`) that are called although their method or class says that they change something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also: Option<Vec<String>>,
}

/// The door of last resort.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawBreakGlass {
    /// Its unix socket; default: `wardgate.glass` in the directory of state. Whoever may open it is an administrator for 15 minutes.
    pub socket: Option<String>,
}

/// Where new upstream secrets may be brought. The management API names these and nothing else.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawDeliver {
    /// The directory for files and manifests of Kubernetes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// A Vault with a KV version 2 engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vault: Option<RawVault>,
    /// Programs by name, each with its arguments; the secret comes on standard input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commands: Option<BTreeMap<String, Vec<String>>>,
}

/// A Vault.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawVault {
    /// `https://HOST[:PORT]`; `http://` only on this machine.
    pub url: String,
    /// Where the engine is mounted; default: `secret`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mount: Option<String>,
    /// The namespace, where the installation has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `file:PATH` of the token.
    pub token: String,
    /// `file:PATH` of the authority's certificates (PEM); needed for `https`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

impl RawDiscovery {
    pub(super) fn resolve(&self, findings: &mut Findings<'_>) -> Option<Duration> {
        findings.duration("discovery.claim_within", text(&self.claim_within))
    }
}

impl RawBypass {
    pub(super) fn resolve(self, findings: &mut Findings<'_>) -> bypass::Settings {
        let every = match text(&self.every) {
            "off" => None,
            every => findings.duration("bypass.every", every),
        };
        if every.is_some_and(|every| every < Duration::from_secs(1)) {
            findings.wrong("bypass.every", "`bypass.every` is less than a second".to_owned(), "write a time as in `6h`, or `off`");
        }
        let except = self.except.unwrap_or_default().into_iter().filter_map(|name| {
            let api = ApiName::parse(&name).ok();
            if api.is_none() {
                findings.wrong("bypass.except", format!("`{name}` is no name of an API"), "write names as in `kind: Api`, `name: ledger`");
            }
            api
        });
        let except = except.collect();
        let also = self.also.unwrap_or_default().into_iter().filter(|id| {
            let parts: Vec<&str> = id.split(' ').collect();
            let good = matches!(parts.as_slice(), [_, _, template] if template.starts_with('/'));
            if !good {
                findings.wrong("bypass.also", format!("`{id}` is no operation"), "write `API METHOD /full/template`, as events name it");
            }
            good
        });
        bypass::Settings { every, except, also: also.collect() }
    }
}

/// Where this process keeps files of its own.
pub(super) fn state_directory(state: Option<&RawState>, store: &str, base: &Path) -> PathBuf {
    let named = state.and_then(|state| state.directory.as_deref()).map(|directory| base.join(directory));
    let beside = || Some(Path::new(store.strip_prefix("sqlite:")?).parent()?.to_owned());
    let directory = named.or_else(beside).unwrap_or_else(|| base.join(defaults::STATE));
    // The folder that one stands in has no name of its own in a relative path.
    if directory.as_os_str().is_empty() { PathBuf::from(".") } else { directory }
}

impl RawDeliver {
    pub(super) fn resolve(self, findings: &mut Findings<'_>) -> Settings {
        let base = findings.base.to_owned();
        let vault = self.vault.and_then(|vault| vault.resolve(findings));
        let commands = self.commands.unwrap_or_default().into_iter().filter_map(|(name, words)| {
            let key = format!("deliver.commands.{name}");
            let mut words = words.into_iter();
            match words.next().map(PathBuf::from) {
                Some(program) if program.is_absolute() => {
                    Some((name.into_boxed_str(), CommandSettings { program, arguments: words.collect() }))
                }
                Some(_) | None => {
                    findings.wrong(
                        &key,
                        format!("`{key}` names no program by its full path"),
                        "write a list: `[/usr/bin/program, argument]`",
                    );
                    None
                }
            }
        });
        let commands = commands.collect();
        Settings { directory: self.directory.map(|directory| base.join(directory)), vault, commands }
    }
}

impl RawVault {
    fn resolve(self, findings: &mut Findings<'_>) -> Option<VaultSettings> {
        let url = findings.url("deliver.vault.url", &self.url);
        if let Err(fault) = crate::deliver::check_vault(&self.url) {
            findings.wrong("deliver.vault.url", fault.to_string(), "write `https://HOST[:PORT]`, or `http://` on this machine");
        }
        let token = findings.file("deliver.vault.token", &self.token);
        let ca = self.ca.as_deref().map(|ca| findings.file("deliver.vault.ca", ca));
        if url.as_deref().is_some_and(|url| url.starts_with("https:")) && ca.is_none() {
            findings.wrong(
                "deliver.vault.ca",
                "`deliver.vault.ca` is missing".to_owned(),
                "name the authority that the Vault's certificate is from",
            );
        }
        Some(VaultSettings {
            url: url?,
            mount: self.mount.as_deref().unwrap_or(defaults::VAULT_MOUNT).into(),
            namespace: self.namespace.map(Into::into),
            token: token?,
            ca: ca.flatten(),
        })
    }
}
