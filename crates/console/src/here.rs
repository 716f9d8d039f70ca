//! Stops while the store is away: obeyed by this gate at once, kept in a journal of its own, put on record when the store is
//! back. Whom they reach is read from what the gate knows.

use crate::{
    call::{Asked, Console},
    containments::{may_stop_issuer, may_stop_token},
    credentials::vouched,
    input,
    power::{self, Power, within_reach},
    problem::{Code, Problem},
    world::{HereStop, Journaled, Stopping},
};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;
use wardgate_model::{
    contain::Containable,
    credential::Credential,
    id::{CredentialId, IdentityId, OwnerName, TaskId, TrustName},
};
use wardgate_store::CONTAINED_BYTES_MAX;

/// What is said of a stop that is not on record yet.
const OBEYED: &str = "obeyed here, not yet on record; other gates do not know it";

/// That a stop is not on record yet.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OnlyHere {
    /// Always `false`: it is put on record when the store is back.
    on_record: bool,
    /// Whether it outlives a restart of this gate: not when the journal could not be written.
    outlives_restart: bool,
    /// What that means, for people.
    said: String,
}

impl OnlyHere {
    fn of(journaled: Journaled) -> Self {
        let (outlives_restart, said) = match journaled {
            Journaled::OnDisk => (true, format!("{OBEYED}; it is put on record when the store is back")),
            Journaled::InMemory => {
                (false, format!("{OBEYED}; the journal cannot be written, so a restart of this gate before the store is back undoes it"))
            }
        };
        Self { on_record: false, outlives_restart, said }
    }
}

/// Stops something that can be contained, here.
///
/// # Errors
/// This gate does not know it, the caller may not stop it, or as many stops wait for the store as may.
pub(crate) async fn contain(
    console: &Console,
    asked: &Asked<'_>,
    kind: Containable,
    name: &str,
    reason: &str,
) -> Result<OnlyHere, Problem> {
    let missing = || unknown(kind.as_str(), name);
    let caller = &asked.caller.identity;
    match kind {
        Containable::Owner => {
            let owner = input::name("the name of the owner", name, OwnerName::parse)?;
            console.world.owner(&owner).ok_or_else(missing)?;
            power::may_see(caller, &owner)?;
        }
        Containable::Credential => {
            let id = CredentialId::parse(name).ok_or_else(missing)?;
            credential(console, asked, &id)?;
        }
        Containable::Issuer => {
            let source = input::name("the name of the trust source", name, TrustName::parse)?;
            may_stop_issuer(caller, &source)?;
            if !console.world.trusts(&source) {
                return Err(missing());
            }
        }
        Containable::Token => may_stop_token(caller, name)?,
        Containable::Task => {
            let task = TaskId::parse(name).map_err(|_| missing())?;
            let identity = console.world.task_of(&task).ok_or_else(missing)?;
            let known = console.world.identity(&identity).ok_or_else(missing)?;
            within_reach(caller, &known, Power::Stop)?;
        }
        Containable::Identity => {
            let identity = input::name("the name of the identity", name, IdentityId::parse)?;
            let known = console.world.identity(&identity).ok_or_else(missing)?;
            within_reach(caller, &known, Power::Stop)?;
        }
    }
    if name.len() > CONTAINED_BYTES_MAX {
        return Err(missing());
    }
    stop(console, asked, Stopping::Contain(kind), name, reason).await
}

/// Ends a credential, here.
///
/// # Errors
/// As [`contain`].
pub(crate) async fn revoke(
    console: &Console,
    asked: &Asked<'_>,
    id: &CredentialId,
    reason: &str,
) -> Result<(Arc<Credential>, OnlyHere), Problem> {
    let known = credential(console, asked, id)?;
    vouched::not_issued(&known).map_or(Ok(()), Err)?;
    let only_here = stop(console, asked, Stopping::Revoke, id.as_str(), reason).await?;
    Ok((known, only_here))
}

/// A credential that this gate knows and the caller may end.
fn credential(console: &Console, asked: &Asked<'_>, id: &CredentialId) -> Result<Arc<Credential>, Problem> {
    let known = console.world.credential(id).ok_or_else(|| unknown("credential", id.as_str()))?;
    let caller = &asked.caller.identity;
    match console.world.identity(&known.identity) {
        Some(identity) => within_reach(caller, &identity, Power::Stop)?,
        None if power::kept_to(caller).is_some() => return Err(unknown("credential", id.as_str())),
        None => {}
    }
    Ok(known)
}

fn unknown(kind: &str, name: &str) -> Problem {
    let detail = format!("this gate knows no {kind} `{}`, and the store that may know it does not answer", input::shown(name));
    Problem::new(Code::NotFound, detail)
}

async fn stop(console: &Console, asked: &Asked<'_>, stopping: Stopping, name: &str, reason: &str) -> Result<OnlyHere, Problem> {
    let stop = HereStop { stopping, name: name.into(), actor: asked.caller.identity.id.clone(), reason: reason.into(), at: asked.now };
    console.world.stop_here(stop).await.map(OnlyHere::of)
}

#[cfg(test)]
mod tests;
