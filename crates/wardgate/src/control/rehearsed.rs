//! Identities that were made for rehearsals: their past is taught to this gate while they are under way, and forgotten when they are over,
//! by themselves or because somebody says so.
//!
//! It is done beside the feed and after it: what is taught may be a hundred thousand calls, and no stop and no snapshot waits for that.

use super::Control;
use crate::clock;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use wardgate_console::Habits;
use wardgate_gate::{Habit, Software, Taught, Untaught};
use wardgate_model::{id::IdentityId, time::Time};
use wardgate_store::StoredRehearsal;

/// How often it is looked whether one is over, while any is under way or something has to be tried again.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is known of rehearsals, and what was done about each: by the number of its last change.
#[derive(Debug, Default)]
struct Known {
    // INVARIANT (bounded): the store has `REHEARSALS_MAX` under way, and those that are over for a day.
    all: Vec<StoredRehearsal>,
    taught: BTreeSet<u64>,
    forgotten: BTreeSet<u64>,
    /// What could not be taught, and was said to be so.
    failed: BTreeSet<u64>,
}

impl Known {
    /// Takes what is on record now.
    fn take(&mut self, all: Vec<StoredRehearsal>) {
        let there: BTreeSet<u64> = all.iter().map(|one| one.revision).collect();
        for done in [&mut self.taught, &mut self.forgotten, &mut self.failed] {
            done.retain(|revision| there.contains(revision));
        }
        self.all = all;
    }

    /// Whether nothing is left to be done before something else is on record.
    fn is_settled(&self) -> bool {
        self.all.iter().all(|one| self.forgotten.contains(&one.revision))
    }
}

fn taught(identity: &IdentityId, habits: &Habits) -> Taught {
    let software = |tls: &Option<String>, agent: &Option<String>| match (tls, agent) {
        (Some(tls), _) => Software::Tls(tls.as_str().into()),
        (None, Some(agent)) => Software::Agent(agent.as_str().into()),
        (None, None) => Software::Untold,
    };
    let each = habits.habits.iter().map(|habit| Habit {
        operation: habit.operation.as_str().into(),
        per_hour: habit.per_hour,
        hours: habit.hours.clone().unwrap_or_else(|| (0..24).collect()),
        from: habit.from,
        software: software(&habit.tls, &habit.user_agent),
        records: habit.records,
    });
    Taught { identity: identity.clone(), days: habits.days, habits: each.collect() }
}

impl Control {
    /// Takes an identity to have done something before. It is much work, so it is done on a thread for that.
    ///
    /// # Errors
    /// In words, when it cannot be taught.
    pub(crate) async fn teach(&self, identity: &IdentityId, habits: &Habits) -> Result<(), String> {
        let (gate, taught) = (Arc::clone(&self.gate), taught(identity, habits));
        match tokio::task::spawn_blocking(move || gate.teach(&taught, clock::now())).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(why)) => Err(why.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Takes back what was taught of an identity that is not rehearsed with after all.
    pub(crate) fn unteach(&self, identity: &IdentityId) {
        self.gate.meters().watch().forget_one(identity);
    }

    /// Follows rehearsals for as long as the process runs.
    pub async fn follow_rehearsals(self: Arc<Self>) {
        self.follow_rehearsals_by(clock::now).await;
    }

    async fn follow_rehearsals_by(&self, now: impl Fn() -> Time) {
        let (mut known, mut read, mut failing) = (Known::default(), false, false);
        loop {
            if !read {
                match self.store.rehearsals().await {
                    Ok(all) => {
                        known.take(all);
                        (read, failing) = (true, false);
                    }
                    // What is known of them goes on, and ends.
                    Err(error) if !failing => {
                        failing = true;
                        tracing::warn!(%error, "rehearsals under way could not be read: it is tried again");
                    }
                    Err(_) => {}
                }
            }
            self.rehearse(&mut known, now()).await;
            let rest = async {
                if read && known.is_settled() {
                    std::future::pending::<()>().await;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            };
            tokio::select! {
                () = self.rehearsed.notified() => read = false,
                () = rest => {}
            }
        }
    }

    /// Forgets what was taught for rehearsals that are over, once each: somebody else may have their names later. Teaches what is taken to
    /// have been of those under way; what cannot be taught yet is tried again.
    async fn rehearse(&self, known: &mut Known, now: Time) {
        for one in known.all.iter().filter(|one| one.until <= now) {
            if known.forgotten.insert(one.revision) {
                self.gate.meters().watch().forget_one(&one.identity);
            }
        }
        for one in known.all.iter().filter(|one| now < one.until) {
            if known.taught.contains(&one.revision) {
                continue;
            }
            let why = match serde_json::from_value::<Option<Habits>>(one.taught.clone()) {
                Ok(None) => None,
                Ok(Some(habits)) => self.teach_again(&one.identity, &habits, now).await,
                Err(error) => Some(error.to_string()),
            };
            match why {
                None => drop(known.taught.insert(one.revision)),
                Some(why) if known.failed.insert(one.revision) => {
                    tracing::warn!(identity = one.identity.as_str(), %why, "the past of a rehearsal cannot be taught yet");
                }
                Some(_) => {}
            }
        }
    }

    /// Why not, where it cannot be.
    async fn teach_again(&self, identity: &IdentityId, habits: &Habits, now: Time) -> Option<String> {
        let (gate, taught) = (Arc::clone(&self.gate), taught(identity, habits));
        match tokio::task::spawn_blocking(move || gate.teach(&taught, now)).await {
            // The gate that was asked has taught itself.
            Ok(Ok(_) | Err(Untaught::Known(_))) => None,
            Ok(Err(why)) => Some(why.to_string()),
            Err(error) => Some(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
