//! Credentials that others vouch for: declared with their identity and never issued, so there is no row of them. They are found in
//! what the gate knows, are as live as their entry, and are ended by containment.

use super::CredentialView;
use crate::{
    call::{Asked, Console},
    input,
    problem::{Code, Problem},
    world::DeclaredQuery,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};
use wardgate_model::{
    credential::{Credential, CredentialKind},
    id::{CredentialId, IdentityId},
    time::Time,
    trust::ClaimValue,
};
use wardgate_store::{StoreFault, StoredCredential, Use};

/// What cursors of declared credentials begin with.
const DECLARED: &str = "declared";

/// Who vouches for a credential, for whom, and when that was last shown.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct VouchedView {
    /// The trust source.
    trust: String,
    /// Whom it names: a subject, or a name in a certificate; `*` at its end stands for any rest.
    subject: String,
    /// What the claims of a token say besides.
    claims: BTreeMap<String, Value>,
    /// The first use that was counted (RFC 3339).
    first_used: Option<String>,
    /// The last use that was counted (RFC 3339).
    last_used: Option<String>,
}

impl CredentialView {
    /// One that is declared, and when it was used.
    pub(super) fn declared(credential: &Credential, used: Option<Use>, now: Time) -> Self {
        let vouched = credential.binding.as_ref().map(|binding| VouchedView {
            trust: binding.trust.to_string(),
            subject: binding.subject.to_string(),
            claims: binding.claims.iter().map(|wanted| (wanted.claim.to_string(), value(&wanted.value))).collect(),
            first_used: used.map(|used| used.first.to_rfc3339()),
            last_used: used.map(|used| used.last.to_rfc3339()),
        });
        Self { vouched, ..Self::shown(credential, now) }
    }
}

fn value(wanted: &ClaimValue) -> Value {
    match wanted {
        ClaimValue::Text(text) => text.to_string().into(),
        ClaimValue::Number(number) => (*number).into(),
        ClaimValue::Flag(flag) => (*flag).into(),
    }
}

/// Where a page of the list begins: first comes what was issued, then what is declared.
#[derive(Debug)]
pub(super) enum Place {
    /// After what was issued by this change.
    Issued(u64),
    /// After this identity and entry; `None`: at the first.
    Declared(Option<(String, String)>),
}

impl Place {
    /// Reads the `cursor`.
    pub(super) fn read(asked: &Asked<'_>) -> Result<Self, Problem> {
        let text = asked.query.value("cursor").unwrap_or_default();
        let Some(rest) = text.strip_prefix(DECLARED) else { return asked.query.cursor().map(Self::Issued) };
        let after = rest.strip_prefix('/').and_then(|place| place.split_once('/'));
        match (rest, after) {
            ("", _) => Ok(Self::Declared(None)),
            (_, Some((identity, name))) => Ok(Self::Declared(Some((identity.to_owned(), name.to_owned())))),
            (_, None) => Err(input::malformed(format!("`{}` is no cursor of this list", input::shown(text)))),
        }
    }

    /// What is declared from there on, and where the next page begins.
    pub(super) fn rest(self, console: &Console, identity: Option<IdentityId>, room: usize) -> (Vec<Arc<Credential>>, Option<String>) {
        let after = match self {
            Self::Issued(_) => None,
            Self::Declared(after) => after,
        };
        let mut found = console.world.declared(&DeclaredQuery { identity, after, limit: room.saturating_add(1) });
        let more = found.len() > room;
        found.truncate(room);
        let next = match found.last() {
            Some(last) => format!("{DECLARED}/{}/{}", last.identity, last.name),
            None => DECLARED.to_owned(),
        };
        (found, more.then_some(next))
    }
}

/// A credential on record, or one that is declared.
///
/// # Errors
/// `NotFound`.
pub(crate) async fn find(console: &Console, id: &CredentialId) -> Result<Credential, Problem> {
    match console.store.credential(id).await {
        Ok(stored) => Ok(stored.credential),
        Err(fault @ StoreFault::NotFound { .. }) => match console.world.credential(id) {
            Some(declared) if is_declared(&declared) => Ok(Credential::clone(&declared)),
            _ => Err(fault.into()),
        },
        Err(fault) => Err(fault.into()),
    }
}

/// A credential that was issued.
///
/// # Errors
/// `NotFound`; `Conflict` for one that is declared: what was not issued can be neither revoked nor replaced.
pub(super) async fn issued(console: &Console, id: &CredentialId) -> Result<StoredCredential, Problem> {
    match console.store.credential(id).await {
        Err(fault @ StoreFault::NotFound { .. }) => {
            let declared = console.world.credential(id).and_then(|known| not_issued(&known));
            Err(declared.unwrap_or_else(|| fault.into()))
        }
        found => Ok(found?),
    }
}

/// Whether a credential is declared with its identity: others vouch for it, or its public key stands there.
fn is_declared(credential: &Credential) -> bool {
    credential.binding.is_some() || credential.kind == CredentialKind::PublicKey
}

/// Why a credential can be neither revoked nor replaced; `None`: it was issued.
pub(crate) fn not_issued(credential: &Credential) -> Option<Problem> {
    if !is_declared(credential) {
        return None;
    }
    let by = match &credential.binding {
        Some(binding) => format!("`{}` vouches for it", binding.trust),
        None => "its key is its holder's own".to_owned(),
    };
    let (id, name, identity) = (credential.id, &credential.name, &credential.identity);
    let detail = format!("`{id}` was not issued: `{identity}` declares it as `{name}`, and {by}");
    let mend =
        format!("stop it with `wardgate contain credential {id}`, or take the entry `{name}` out of the `credentials` of `{identity}`");
    Some(Problem::new(Code::Conflict, detail).mend(mend))
}
