//! A profile that is made of calls that somebody says there were, as those calls would have made it.
//!
//! It becomes the profile of its identity at the end and all at once, and only where there is none: whoever has called is known by what it did,
//! and by nothing that somebody says of it. Peers, logins and the flows of all others learn nothing of such calls.

use super::{Effect, Heard, PROFILES_MAX, Payload, Profile, Watch};
use std::sync::{Arc, Mutex, atomic::Ordering};
use wardgate_model::{facts::Facts, id::IdentityId, risk::Assessment, ruling::Ruling, time::Time};

/// Why nothing can be taught of an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unteachable {
    /// It has called, or was taught already.
    #[error("it has a profile already")]
    Known,
    /// As many are watched as there may be.
    #[error("{PROFILES_MAX} identities are watched, and no more")]
    Full,
}

/// A profile that is being made, and is nobody's yet.
#[derive(Debug)]
pub struct Teaching<'w> {
    watch: &'w Watch,
    identity: IdentityId,
    profile: Arc<Mutex<Profile>>,
}

impl Watch {
    /// Begins a profile of an identity that has none.
    ///
    /// # Errors
    /// When it has one, or there is no room.
    pub fn teach(&self, identity: &IdentityId) -> Result<Teaching<'_>, Unteachable> {
        if self.profiles.pin().contains_key(identity) {
            return Err(Unteachable::Known);
        }
        if self.count() >= PROFILES_MAX {
            return Err(Unteachable::Full);
        }
        Ok(Teaching { watch: self, identity: identity.clone(), profile: Arc::default() })
    }

    /// Forgets the profile of an identity: from now on it is only learned again. Says whether there was one.
    pub fn forget_one(&self, identity: &IdentityId) -> bool {
        let gone = self.profiles.pin().remove(identity).is_some();
        if gone {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        gone
    }
}

impl Teaching<'_> {
    /// How far a call would have been from what was usual then. It counts as an attempt.
    #[must_use]
    pub fn assess(&self, facts: &Facts, now: Time) -> Assessment {
        let Some(sight) = self.watch.see(facts, now) else { return Assessment::default() };
        self.watch.assess_as(self.whose(facts), &sight, facts, &Payload::default())
    }

    /// What came of it then.
    pub fn learn(&self, facts: &Facts, ruling: &Ruling, effect: &Effect, now: Time) {
        if let Some(sight) = self.watch.see(facts, now) {
            self.watch.learn_as(self.whose(facts), Heard::Said, &sight, facts, ruling, effect);
        }
    }

    /// From now on it is the identity's.
    ///
    /// # Errors
    /// When the identity has called meanwhile, or there is no room any more. Then it is nobody's.
    pub fn end(self) -> Result<(), Unteachable> {
        let Self { watch, identity, profile } = self;
        if watch.count() >= PROFILES_MAX {
            return Err(Unteachable::Full);
        }
        watch.profiles.pin().try_insert(identity, profile).map_err(|_| Unteachable::Known)?;
        watch.count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn whose(&self, facts: &Facts) -> Option<&Mutex<Profile>> {
        super::machine(facts).filter(|caller| caller.identity.id == self.identity).map(|_| &*self.profile)
    }
}

#[cfg(test)]
mod tests;
