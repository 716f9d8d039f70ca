//! What is issued for an entry: a key, of which a hash is kept, or the secret of a sender of webhooks, which is kept sealed because
//! it is needed to verify with. Such a secret can be given: many senders make it themselves.

use crate::{
    call::Console,
    input,
    problem::{Code, Problem},
    world::Entry,
};
use std::time::Duration;
use wardgate_model::{
    credential::{CredentialKind, KeyedHash, SignatureScheme},
    id::{CredentialId, EnvironmentName},
    inventory::Identity,
    secret::Secret,
};
use wardgate_store::Sealed;

/// How long a secret of webhooks lasts unless its entry says.
pub(super) const LIFE: Duration = Duration::from_hours(365 * 24);
/// What is issued for entries.
pub(super) const ISSUED: [CredentialKind; 2] = [CredentialKind::ApiKey, CredentialKind::Hmac];

/// A fresh credential.
pub(super) struct Made {
    pub(super) id: CredentialId,
    pub(super) hash: KeyedHash,
    /// What is kept of it beside its hash.
    pub(super) sealed: Option<Sealed>,
    /// What is shown of it, once; `None`: whoever asked has it.
    pub(super) shown: Option<String>,
}

/// Makes a credential of a kind, with the secret that is given where one is.
pub(super) fn make(
    console: &Console,
    kind: CredentialKind,
    environment: &EnvironmentName,
    signed: Option<SignatureScheme>,
    given: Option<String>,
) -> Result<Made, Problem> {
    let (is_given, given) = (given.is_some(), given.map(Secret::new));
    let (minted, sealed) = match (kind, signed) {
        (CredentialKind::Hmac, Some(scheme)) => {
            let (minted, sealed) = console.world.hook(scheme, given)?;
            (minted, Some(sealed))
        }
        _ if is_given => {
            let detail = format!("a credential of the kind `{kind}` is made here: no `secret` is taken for it");
            return Err(Problem::new(Code::Unfit, detail).mend("leave `secret` (`--secret-file`) out"));
        }
        _ => (console.world.mint(kind, environment).map_err(Problem::fault)?, None),
    };
    let shown = (!is_given).then(|| minted.text.danger_expose().clone());
    Ok(Made { id: minted.id, hash: minted.hash, sealed, shown })
}

/// The entry that a key or secret is issued for, of the kind that is wanted where one is: the one that is named, or the only one there is.
pub(super) fn entry<'a>(
    identity: &Identity,
    entries: &'a [Entry],
    name: Option<&str>,
    wanted: Option<CredentialKind>,
) -> Result<&'a Entry, Problem> {
    let unfit = |detail: String| Problem::new(Code::Unfit, detail);
    let id = &identity.id;
    let takes = |entry: &Entry| ISSUED.contains(&entry.kind) && wanted.is_none_or(|kind| entry.kind == kind);
    let kind = wanted.unwrap_or(CredentialKind::ApiKey);
    let keys: Vec<&Entry> = entries.iter().filter(|entry| takes(entry)).collect();
    let names = || keys.iter().map(|e| format!("`{}`", e.name)).collect::<Vec<_>>().join(", ");
    let Some(name) = name else {
        return match keys.as_slice() {
            [] => Err(unfit(format!("`{id}` has no entry of the type `{kind}` in its `credentials`")).mend(without_entry(identity))),
            [only] => Ok(only),
            _ => Err(unfit(format!("`{id}` has several entries that take a key: {}", names())).mend("say which with `name` (`--name`)")),
        };
    };
    let found = entries.iter().find(|e| *e.name == *name);
    match found {
        Some(entry) if takes(entry) => Ok(entry),
        Some(entry) => Err(unfit(format!("the entry `{}` of `{id}` is of the type `{}`: no key is issued for it", entry.name, entry.kind))
            .mend(without_entry(identity))),
        None if keys.is_empty() => {
            let detail = format!("`{id}` has no entry `{}` in its `credentials`, and none that takes a key", input::shown(name));
            Err(unfit(detail).mend(without_entry(identity)))
        }
        None => {
            let detail = format!("`{id}` has no entry `{}` in its `credentials`", input::shown(name));
            Err(unfit(detail).mend(format!("name one that takes a key: {}", names())))
        }
    }
}

/// What to do where an identity has no entry that takes a key.
fn without_entry(identity: &Identity) -> &'static str {
    if identity.roles.is_empty() {
        "add an entry to its `credentials`, as in `{ name: main, type: api_key, expires_in: 30d }`"
    } else {
        "for the management API issue a sign-in: `--kind sign_in`; for other APIs add an entry of the type `api_key` to its `credentials`"
    }
}
