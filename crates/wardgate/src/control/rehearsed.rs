//! Identities that were made for rehearsals: their past is taught to this gate while they are under way, and forgotten afterwards.

use super::Control;
use crate::clock;
use std::sync::Arc;
use wardgate_console::Habits;
use wardgate_gate::{Habit, Software, Taught, Untaught};
use wardgate_model::id::IdentityId;
use wardgate_store::StoreFault;

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

    /// Teaches this gate what is taken to have been, and forgets what was taught for rehearsals that are over.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn rehearse(&self) -> Result<(), StoreFault> {
        let now = clock::now();
        for one in self.store.rehearsals().await? {
            if one.until <= now {
                self.gate.meters().watch().forget_one(&one.identity);
                continue;
            }
            let Ok(Some(habits)) = serde_json::from_value::<Option<Habits>>(one.taught) else { continue };
            let (gate, taught) = (Arc::clone(&self.gate), taught(&one.identity, &habits));
            match tokio::task::spawn_blocking(move || gate.teach(&taught, now)).await {
                // The gate that was asked has taught itself.
                Ok(Ok(_) | Err(Untaught::Known(_))) => {}
                Ok(Err(why)) => tracing::warn!(identity = one.identity.as_str(), %why, "the past of a rehearsal cannot be taught"),
                Err(error) => tracing::warn!(identity = one.identity.as_str(), %error, "the past of a rehearsal was not taught"),
            }
        }
        Ok(())
    }
}
