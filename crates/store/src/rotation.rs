//! One credential after another: the new one is there before the old one ends.

use crate::{
    Store, StoreFault, arming,
    credential::{self, Condition, Issuing, NewCredential, StoredCredential},
    database::query,
    feed::{Act, Actor, Writing, signed},
    sql,
    vault::Sealed,
};
use wardgate_model::{credential::Credential, id::CredentialId, time::Time};

/// Two credentials, one of which takes over from the other.
#[derive(Debug, Clone)]
pub struct Rotated {
    /// The one that ends.
    pub old: StoredCredential,
    /// The one that takes over.
    pub new: StoredCredential,
}

/// Lets a live credential end at `at` unless it ends before, within a change under way.
async fn end_at(writing: &mut Writing, actor: &Actor, old: StoredCredential, act: Act, at: Time) -> Result<StoredCredential, StoreFault> {
    if Condition::of(&old.credential, writing.now) != Condition::Live {
        return Err(credential::unusable(&old, writing.now, old.credential.kind));
    }
    if act == Act::Shorten && old.credential.expires.is_some_and(|end| end <= at) {
        return Ok(old);
    }
    let seq = writing.allocate(1).await?;
    let end = old.credential.expires.map_or(at, |end| end.min(at));
    query(sql::CREDENTIAL_END).bind(old.credential.id.as_str()).bind(end.as_micros()).bind(signed(seq)).execute(writing.conn()).await?;
    let credential = Credential { expires: Some(end), ..old.credential.clone() };
    credential::tell(writing, seq, actor, act, Some(&old.credential), &credential).await?;
    Ok(StoredCredential { credential, revision: seq, ..old })
}

impl Store {
    /// Puts a credential on record that takes over from another, which ends at `old_ends`: both or neither. The old
    /// one's end is only ever brought forward.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the old one has ended, or the new one is another identity's; what
    /// [`Store::issue_credential`] says of the new one: the old one counts among the live ones until it ends.
    pub async fn rotate_credential(
        &self,
        actor: &Actor,
        old: &CredentialId,
        new: NewCredential,
        old_ends: Time,
        now: Time,
    ) -> Result<Rotated, StoreFault> {
        self.rotate_to(actor, old, (new, None), old_ends, now).await
    }

    /// As [`Store::rotate_credential`], of one whose secret is kept.
    ///
    /// # Errors
    /// As there; `Conflict` also for a blob that is empty or too large.
    pub async fn rotate_sealed_credential(
        &self,
        actor: &Actor,
        old: &CredentialId,
        new: (NewCredential, Sealed),
        old_ends: Time,
        now: Time,
    ) -> Result<Rotated, StoreFault> {
        let (new, sealed) = new;
        self.rotate_to(actor, old, (new, Some(sealed)), old_ends, now).await
    }

    async fn rotate_to(
        &self,
        actor: &Actor,
        old: &CredentialId,
        (new, sealed): (NewCredential, Option<Sealed>),
        old_ends: Time,
        now: Time,
    ) -> Result<Rotated, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let stored = credential::load_one(writing.conn(), old).await?;
        if stored.credential.identity != new.identity {
            let why = format!("is `{}`'s, the new one would be `{}`'s", stored.credential.identity, new.identity);
            return Err(StoreFault::conflict("credential", old, why));
        }
        if stored.credential.task != new.task {
            return Err(StoreFault::conflict("credential", old, "is of a task, or of none, and the new one is not of the same"));
        }
        let old = end_at(&mut writing, actor, stored, Act::Rotate, old_ends).await?;
        let armers = arming::armed(writing.conn(), actor, &new.identity).await?;
        let new = credential::issue(&mut writing, actor, Issuing { new, armers, sealed }).await?;
        writing.commit().await?;
        Ok(Rotated { old, new })
    }

    /// Lets a credential end at `at`. One that ends before stays as it is.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it has ended.
    pub async fn end_credential_at(&self, actor: &Actor, id: &CredentialId, at: Time, now: Time) -> Result<StoredCredential, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let stored = credential::load_one(writing.conn(), id).await?;
        let ended = end_at(&mut writing, actor, stored, Act::Shorten, at).await?;
        writing.commit().await?;
        Ok(ended)
    }
}

#[cfg(test)]
mod tests;
