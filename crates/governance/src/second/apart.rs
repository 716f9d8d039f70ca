//! Whether two sessions are two people. Takes whose they are and who had a hand in arming them, gives yes or why not.
//!
//! Why: whoever issues a sign-in sees it and can use it, and whoever signed in by it can issue the next one. So everybody
//! who had a hand in a session **stands behind** it, beside whose it is, and a decision is looked at as if each of them
//! had made it.

use super::{Asked, Needed, Undecidable};
use wardgate_model::{
    id::{IdentityId, OwnerName},
    inventory::{Identity, IdentityState, Role},
};

/// Somebody who had a hand in arming a session, as it is on record now.
#[derive(Debug, Clone)]
pub struct Armer<I> {
    /// Who.
    pub id: IdentityId,
    /// What it is; `None`: it is not on record any more.
    pub known: Option<I>,
    /// Whether it stands for a person.
    pub is_person: bool,
}

/// Who had a hand in arming a session, beside whose it is; `None`: nobody knows, it is from before that was kept.
#[derive(Debug)]
pub struct Behind<'a, I>(pub Option<&'a [Armer<I>]>);

impl<I> Clone for Behind<'_, I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I> Copy for Behind<'_, I> {}

/// Why two are not known to be two people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Together {
    /// Nobody knows who armed a session.
    #[error("it is not known who armed the session of `{0}`, it is older than that is kept: it has to sign in anew")]
    Unknown(IdentityId),
    /// Somebody stands behind both.
    #[error(
        "`{who}` stands behind both `{requester}`, who asked for this, and `{decider}`: whoever issues a sign-in can use it, and so can \
         whoever issued the one before it"
    )]
    Same {
        /// Who.
        who: IdentityId,
        /// Who asked.
        requester: IdentityId,
        /// Who would decide.
        decider: IdentityId,
    },
    /// Somebody of one owner stands behind each.
    #[error("`{one}` stands behind whoever asked and `{other}` behind `{decider}`, and both belong to the owner `{owner}`")]
    Owner {
        /// Who stands behind the one that asked.
        one: IdentityId,
        /// Who stands behind the one that would decide.
        other: IdentityId,
        /// Who would decide.
        decider: IdentityId,
        /// The owner of both.
        owner: OwnerName,
    },
    /// Somebody who stands behind a session is gone.
    #[error("`{armer}`, who had a hand in the sign-in of `{of}`, is not on record any more: `{of}` has to sign in anew")]
    Gone {
        /// Who.
        armer: IdentityId,
        /// Whose session it is.
        of: IdentityId,
    },
    /// Whoever armed the one that decides could not decide.
    #[error("`{armer}`, who had a hand in the sign-in of `{decider}`, could not decide this itself: {why}")]
    Weaker {
        /// Who.
        armer: IdentityId,
        /// Who would decide.
        decider: IdentityId,
        /// Why not.
        why: Box<Undecidable>,
    },
}

/// Whether nobody stands behind both of two sessions: `one` and `other` are whose they are.
///
/// # Errors
/// Says who does, or that it is not known.
pub fn stand_apart<I>(
    (requester, asked_by): (&IdentityId, Behind<'_, I>),
    (decider, decided_by): (&IdentityId, Behind<'_, I>),
) -> Result<(), Together> {
    let known = |of: &IdentityId, behind: Behind<'_, I>| {
        let all = behind.0.ok_or_else(|| Together::Unknown(of.clone()))?;
        Ok(all.iter().map(|armer| armer.id.clone()).chain([of.clone()]).collect::<Vec<_>>())
    };
    let (ones, others) = (known(requester, asked_by)?, known(decider, decided_by)?);
    match ones.into_iter().find(|one| others.contains(one)) {
        Some(who) => Err(Together::Same { who, requester: requester.clone(), decider: decider.clone() }),
        None => Ok(()),
    }
}

/// Whether a decision is that of a second person: each who stands behind `decider` could make it itself, none stands behind
/// the request, and none belongs to an owner of those who do. What `decider` itself may, [`super::may_decide`] says.
///
/// # Errors
/// Says why not.
pub fn may_decide_behind<I: AsRef<Identity>>(
    asked: &Asked<'_>,
    asked_by: Behind<'_, I>,
    decider: &Identity,
    decided_by: Behind<'_, I>,
) -> Result<(), Together> {
    stand_apart((asked.requester, asked_by), (&decider.id, decided_by))?;
    let ones = owners((asked.requester, asked.owner), asked_by.0.unwrap_or_default())?;
    let others = owners((&decider.id, &decider.owner), decided_by.0.unwrap_or_default())?;
    for (one, owner) in &ones {
        if let Some((other, _)) = others.iter().find(|(_, its)| its == owner) {
            let (one, other, owner) = ((*one).clone(), (*other).clone(), (*owner).clone());
            return Err(Together::Owner { one, other, decider: decider.id.clone(), owner });
        }
    }
    let weak = |armer: &Armer<I>| {
        let why = armer.known.as_ref().and_then(|known| cannot(known.as_ref(), armer.is_person, asked.needed))?;
        Some(Together::Weaker { armer: armer.id.clone(), decider: decider.id.clone(), why: Box::new(why) })
    };
    decided_by.0.unwrap_or_default().iter().find_map(weak).map_or(Ok(()), Err)
}

/// Whose a session is and who stands behind it, each with its owner.
fn owners<'a, I: AsRef<Identity>>(
    of: (&'a IdentityId, &'a OwnerName),
    armers: &'a [Armer<I>],
) -> Result<Vec<(&'a IdentityId, &'a OwnerName)>, Together> {
    let owner = |armer: &'a Armer<I>| {
        let known = armer.known.as_ref().ok_or_else(|| Together::Gone { armer: armer.id.clone(), of: of.0.clone() })?;
        Ok((&armer.id, &known.as_ref().owner))
    };
    std::iter::once(Ok(of)).chain(armers.iter().map(owner)).collect()
}

/// Why an identity cannot decide, whoever asked.
pub(super) fn cannot(decider: &Identity, is_person: bool, needed: Needed) -> Option<Undecidable> {
    let id = || decider.id.clone();
    if decider.state != IdentityState::Active {
        Some(Undecidable::NotActive(id()))
    } else if !decider.roles.iter().any(|role| matches!(role, Role::Security | Role::Admin)) {
        Some(Undecidable::NoRole(id()))
    } else if needed == Needed::Person && !is_person {
        Some(Undecidable::NoPerson(id()))
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
