//! Who stands behind a session: whoever had a hand in arming it, as it is on record now.

use crate::{
    call::{Asked, Console},
    problem::Problem,
};
use std::sync::Arc;
use wardgate_governance::second::apart::{Armer, Behind};
use wardgate_model::inventory::Identity;
use wardgate_store::Armers;

/// What to do when two sessions are not known to be two people's.
pub(crate) const APART: &str =
    "sign in by a sign-in that neither of them had a hand in, or have somebody else decide: docs/governance.md, `A second person`";

/// Who had a hand in arming a session, each with what it is now; `None`: nobody knows.
#[derive(Debug, Clone)]
pub(crate) struct Standing(Option<Vec<Armer<Arc<Identity>>>>);

impl Standing {
    /// As it was kept, with what each is now.
    pub(crate) fn of(console: &Console, armers: &Armers) -> Self {
        let Armers::Known(all) = armers else { return Self(None) };
        let armer = |id: &_| {
            let known = console.world.identity(id);
            let is_person = known.as_ref().is_some_and(|known| console.world.is_person(known));
            Armer { id: Clone::clone(id), known, is_person }
        };
        Self(Some(all.iter().map(armer).collect()))
    }

    /// Behind the session that asks.
    pub(crate) async fn of_caller(console: &Console, asked: &Asked<'_>) -> Result<Self, Problem> {
        let armers = match asked.caller.credential.as_ref() {
            Some(credential) => console.store.armers(&credential.id).await?,
            None => Armers::Unknown,
        };
        Ok(Self::of(console, &armers))
    }

    pub(crate) fn behind(&self) -> Behind<'_, Arc<Identity>> {
        Behind(self.0.as_deref())
    }
}

#[cfg(test)]
pub(crate) mod tests;
