//! The keys that we sign with are replaced by themselves: made, published, used, taken back (`wardgate_issuer::keys` plans it).

use super::{
    Control,
    publish::{Rebuild, aside},
};
use crate::clock;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use wardgate_issuer::keys::{self, Due, Known};
use wardgate_model::time::Time;
use wardgate_store::{Actor, Who};

/// How often it is looked what is due.
const LOOKED: Duration = Duration::from_mins(1);

impl Control {
    /// Replaces keys when they are due, for as long as the process runs.
    pub async fn renew_keys(self: Arc<Self>) {
        let mut tick = tokio::time::interval(LOOKED);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Err(error) = self.look_for_module().await {
                tracing::warn!(error = format!("{error:#}"), "the key in the module is not published yet");
            }
            // Where the store is away the last keys go on.
            if let Err(error) = self.renew_keys_once(clock::now()).await {
                tracing::warn!(error = format!("{error:#}"), "the signing keys could not be looked after");
            }
        }
    }

    /// Has tokens signed in the module that is there now and was away.
    async fn look_for_module(&self) -> anyhow::Result<()> {
        let there = aside(|| self.material.look_for_module());
        if there {
            self.publish(self.seen.load(Ordering::Acquire), Rebuild::Keys).await?;
        }
        Ok(())
    }

    /// Does what is due at `now`, and publishes it; says how much that was.
    ///
    /// # Errors
    /// When the store fails, or no key can be made.
    pub async fn renew_keys_once(&self, now: Time) -> anyhow::Result<usize> {
        let since = self.store.signing_keys_since().await?;
        let published = self.material.published();
        let known: Vec<Known> = published
            .iter()
            .map(|(key, algorithm)| Known {
                kid: key.kid.clone(),
                algorithm: *algorithm,
                state: key.state,
                created: key.created,
                since: since.get(&key.kid).copied().unwrap_or(key.created),
            })
            .collect();
        // Whoever of several gates is late finds a younger key than it knows, and makes none.
        let youngest = known.iter().map(|key| key.created).max().unwrap_or(now);
        let actor = Actor::new(Who::Process, "rotation of signing keys");
        let plan = keys::due(&known, self.config.tokens.algorithm, now);
        for due in &plan {
            let done = match due {
                Due::Announce(algorithm) => {
                    let (kid, sealed) = self.material.new_key(*algorithm)?;
                    self.store.announce_signing_key(&actor, &kid, &sealed, youngest, now).await?
                }
                Due::Sign(kid) => self.store.promote_signing_key(&actor, kid, now).await?,
                Due::Retire(kid) => Some(self.store.retire_signing_key(&actor, kid, now).await?),
            };
            if let Some(seq) = done {
                tracing::info!(?due, "a signing key");
                self.obey(seq).await?;
            }
        }
        Ok(plan.len())
    }
}
