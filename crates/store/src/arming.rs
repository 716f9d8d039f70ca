//! Who had a hand in arming whom: kept with every credential, with every act that waits and every identity that is asked for.
//!
//! Why: whoever issues a sign-in sees it, and can use it. So whoever acts by it may be the one who issued it, or the one
//! who issued that one's. A second person is one only when none of these is in common.

use crate::{
    Store, StoreFault,
    credential::{self, Issuing, NewCredential, StoredCredential},
    database::{Conn, query},
    feed::{Actor, Who, Writing},
    sql, status,
};
use std::collections::BTreeSet;
use wardgate_model::{
    credential::CredentialKind,
    id::{ApprovalId, CredentialId, IdentityId},
    inventory::IdentityState,
    time::Time,
};

/// Most identities that are kept as having armed one credential, one after another.
pub const ARMERS_MAX: usize = 16;

/// Who had a hand in arming a credential: whoever issued it, whoever issued the sign-in of that one, and so on. Whose it
/// is does not stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Armers {
    /// These; none: this program itself handed it out, or whoever stood before the machine.
    Known(BTreeSet<IdentityId>),
    /// It is from before this was kept, or not on record.
    Unknown,
}

impl Default for Armers {
    fn default() -> Self {
        Self::Known(BTreeSet::new())
    }
}

impl Armers {
    /// As the database keeps it.
    pub(crate) fn text(&self) -> Option<String> {
        let Self::Known(all) = self else { return None };
        Some(serde_json::Value::from(all.iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>()).to_string())
    }

    pub(crate) fn read(text: Option<&str>, of: &str) -> Result<Self, StoreFault> {
        let Some(text) = text else { return Ok(Self::Unknown) };
        let corrupt = |why: String| StoreFault::corrupt("armers of", of, why);
        let names: Vec<String> = serde_json::from_str(text).map_err(|e| corrupt(e.to_string()))?;
        let ids = names.iter().map(|name| IdentityId::parse(name).map_err(|e| corrupt(e.to_string())));
        Ok(Self::Known(ids.collect::<Result<_, _>>()?))
    }

    /// With one more; whose it is, is none of them.
    fn and(self, who: &Who, of: &IdentityId) -> Self {
        let Self::Known(mut all) = self else { return Self::Unknown };
        if let Who::Identity(id) = who {
            all.insert(id.clone());
        }
        all.remove(of);
        Self::Known(all)
    }

    /// Whether it is known that nobody had a hand in it.
    #[must_use]
    pub fn is_nobody(&self) -> bool {
        matches!(self, Self::Known(all) if all.is_empty())
    }
}

/// What stands behind an actor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Behind {
    /// Nothing: the program itself, or an actor whose credential does not matter.
    #[default]
    Nothing,
    /// The credential by which it acts.
    Credential(CredentialId),
    /// These, as they were kept.
    Armers(Armers),
}

pub(crate) async fn of_credential(conn: &mut Conn, id: &CredentialId) -> Result<(Armers, bool), StoreFault> {
    let row: Option<(Option<String>, String)> = query(sql::CREDENTIAL_ARMED_BY).bind(id.as_str()).maybe(conn).await?;
    // A gate may know one that a restored store does not.
    let Some((text, kind)) = row else { return Ok((Armers::Unknown, false)) };
    Ok((Armers::read(text.as_deref(), id.as_str())?, kind == CredentialKind::BreakGlass.as_str()))
}

/// Who had a hand in arming an actor.
pub(crate) async fn behind(conn: &mut Conn, actor: &Actor) -> Result<Armers, StoreFault> {
    match &actor.behind {
        Behind::Nothing => Ok(Armers::default()),
        Behind::Credential(id) => Ok(of_credential(conn, id).await?.0),
        Behind::Armers(armers) => Ok(armers.clone()),
    }
}

/// Who has a hand in arming a credential that an actor issues for `identity`.
pub(crate) async fn armed(conn: &mut Conn, actor: &Actor, identity: &IdentityId) -> Result<Armers, StoreFault> {
    if let Behind::Credential(id) = &actor.behind {
        let (behind, broke_glass) = of_credential(conn, id).await?;
        // Whoever broke the glass stands before the machine, as this program does: loud, and for minutes.
        return bounded(if broke_glass { behind } else { behind.and(&actor.who, identity) }, identity);
    }
    bounded(behind(conn, actor).await?.and(&actor.who, identity), identity)
}

fn bounded(armers: Armers, identity: &IdentityId) -> Result<Armers, StoreFault> {
    match &armers {
        Armers::Known(all) if all.len() > ARMERS_MAX => {
            let why = format!("would be armed by more than {ARMERS_MAX} identities, one after another: have an earlier one issue it");
            Err(StoreFault::conflict("identity", identity, why))
        }
        Armers::Known(_) | Armers::Unknown => Ok(armers),
    }
}

/// Puts a credential on record within a change under way; an identity that was approved is in use from then on.
pub(crate) async fn issue_in_use(writing: &mut Writing, actor: &Actor, issuing: Issuing) -> Result<StoredCredential, StoreFault> {
    let stored = credential::issue(writing, actor, issuing).await?;
    if let Some(status) = status::find(writing.conn(), stored.credential.identity.as_str()).await?
        && status.state == IdentityState::Approved
    {
        status::shift(writing, actor, &status, IdentityState::Active).await?;
    }
    Ok(stored)
}

impl Store {
    /// Who had a hand in arming a credential; unknown of one that is not on record.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn armers(&self, id: &CredentialId) -> Result<Armers, StoreFault> {
        Ok(of_credential(&mut self.reader.acquire().await?, id).await?.0)
    }

    /// Who had a hand in arming the session by which an act was asked for.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn armers_of_approval(&self, id: &ApprovalId) -> Result<Armers, StoreFault> {
        let row: Option<(Option<String>,)> =
            query(sql::APPROVAL_ARMED_BY).bind(id.as_str()).maybe(&mut self.reader.acquire().await?).await?;
        let (text,) = row.ok_or_else(|| StoreFault::missing("approval", id))?;
        Armers::read(text.as_deref(), id.as_str())
    }

    /// Who had a hand in arming the session by which an identity was first declared.
    ///
    /// # Errors
    /// `NotFound` when it never was on record.
    pub async fn armers_of_request(&self, identity: &IdentityId) -> Result<Armers, StoreFault> {
        let row: Option<(Option<String>,)> =
            query(sql::STATUS_ARMED_BY).bind(identity.as_str()).maybe(&mut self.reader.acquire().await?).await?;
        let (text,) = row.ok_or_else(|| StoreFault::missing("identity", identity))?;
        Armers::read(text.as_deref(), identity.as_str())
    }

    /// As [`Store::issue_credential`], by whoever sets the installation up: as long as nobody but the actor has ever had a
    /// session, and nobody had a hand in arming the actor, what it issues counts as handed over, armed by nobody. From
    /// then on it is as any other.
    ///
    /// # Errors
    /// As [`Store::issue_credential`].
    pub async fn hand_over_credential(&self, actor: &Actor, new: NewCredential, now: Time) -> Result<StoredCredential, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let others: Option<(i64,)> = query(sql::SESSION_OF_ANOTHER).bind(actor.who.to_string()).maybe(writing.conn()).await?;
        let first = others.is_none() && behind(writing.conn(), actor).await?.is_nobody();
        let armers = if first { Armers::default() } else { armed(writing.conn(), actor, &new.identity).await? };
        let stored = issue_in_use(&mut writing, actor, Issuing { new, armers, sealed: None }).await?;
        writing.commit().await?;
        Ok(stored)
    }
}

#[cfg(test)]
mod tests;
