//! Quarantine by risk: who opted in to it is contained as a person would contain it, once, away from any request's way.

use super::Risks;
use crate::{clock, control::Control};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use wardgate_audit::sink::{FindingRecord, Log};
use wardgate_model::{
    contain::Containable,
    event::{Event, EventSink as _},
    facts::Caller,
    id::IdentityId,
    inventory::IdentityState,
    risk::{Signal, Told},
    time::Time,
};
use wardgate_store::{Actor, StoreFault, Who};

/// Who it is that quarantines by risk: nobody else's name begins so.
pub(super) const ACTOR: &str = "wardgate:risk";
/// How long it waits after the store failed.
const AGAIN: Duration = Duration::from_secs(2);
/// How often it tries.
const TRIES: usize = 30;

/// An identity that its plan has quarantined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    identity: IdentityId,
    reason: String,
    signal: Signal,
    told: Vec<Told>,
}

impl Wanted {
    /// Whether a request is one after which its caller is quarantined: a plan that only watches quarantines nobody.
    pub(super) fn of(event: &Event, caller: &Caller) -> Option<Self> {
        let (api, identity) = (event.facts.api.as_deref()?, &*caller.identity);
        let plan = identity.risk.as_deref().map_or(api.risk, |containment| api.risk.with(&containment.steps));
        let from = plan.quarantine.filter(|_| !plan.observe)?;
        let risk = event.ruling.risk;
        // What stays alive whatever its risk is no reason either.
        let kept =
            identity.risk.as_deref().zip(event.facts.operation.as_deref()).is_some_and(|(plan, operation)| plan.keeps(api, operation));
        // What was judged under another snapshot, or came while it was on its way, is no reason to do it twice.
        if risk < from || kept || identity.state != IdentityState::Active {
            return None;
        }
        let parts = &event.ruling.signals;
        let named: Vec<_> = parts.iter().take(4).map(|part| format!("{} {}", part.signal.as_str(), part.weight)).collect();
        let reason = format!("risk {risk} of a request to `{}`, from {from} on it is quarantined: {}", api.name, named.join(", "));
        let told = identity.risk.as_deref().map_or(&[Told::Owner][..], |plan| plan.told()).to_vec();
        Some(Self { identity: identity.id.clone(), reason, signal: parts.first()?.signal, told })
    }
}

/// Quarantines whoever is to be, one after the other. Ends with its runtime.
#[must_use]
pub fn start(risks: Arc<Risks>, control: Arc<Control>, log: Arc<Log>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let Some(mut waiting) = risks.waiting() else { return };
        while let Some(wanted) = waiting.recv().await {
            for _ in 0..TRIES {
                match quarantine(&risks, &control, &log, &wanted, clock::now()).await {
                    Ok(()) => break,
                    Err(error) => {
                        tracing::error!(%error, identity = %wanted.identity, "it cannot be quarantined for its risk: it is tried again");
                        tokio::time::sleep(AGAIN).await;
                    }
                }
            }
        }
    })
}

/// Contains one, unless it is not active any more.
async fn quarantine(risks: &Risks, control: &Arc<Control>, log: &Log, wanted: &Wanted, now: Time) -> Result<(), StoreFault> {
    let identity = &wanted.identity;
    // Many requests of one may have come before the first was looked at.
    let state = match control.store().status(identity).await {
        Ok(status) => status.state,
        Err(StoreFault::NotFound { .. }) => return Ok(()),
        Err(fault) => return Err(fault),
    };
    if state != IdentityState::Active {
        return Ok(());
    }
    let actor = Actor::new(Who::Identity(IdentityId::literal(ACTOR)), wanted.reason.as_str());
    let contained = match control.store().contain(&actor, Containable::Identity, identity.as_str(), now).await {
        Ok(contained) => contained,
        Err(StoreFault::Conflict { .. } | StoreFault::NotFound { .. }) => return Ok(()),
        Err(fault) => return Err(fault),
    };
    control.obey(contained.revision).await?;
    risks.quarantined(identity, now);
    let told: Vec<_> = wanted.told.iter().map(|told| told.as_str()).collect();
    let what = format!("quarantined: {}; to be told: {}", wanted.reason, told.join(", "));
    tracing::warn!(%identity, "{what}");
    let finding = FindingRecord {
        time: now,
        code: wanted.signal.finding().into(),
        severity: "high".into(),
        kind: "identity".into(),
        name: identity.as_str().into(),
        what: what.into(),
    };
    if log.record_finding(finding).is_err() {
        log.count_dropped();
    }
    Ok(())
}

#[cfg(test)]
mod tests;
