//! What the clock looks at: what is on record and can become due, as values for `governance::due`.

use super::DEEDS_MAX;
use crate::control::{Control, Loaded};
use std::{collections::HashSet, sync::Arc};
use wardgate_gate::Snapshot;
use wardgate_governance::{
    due::{self, Away, Due, Living, Situation, Waiting},
    stored,
};
use wardgate_model::{govern::Exemption, id::OwnerName, time::Time};
use wardgate_store::{ApprovalState, StoreFault, StoredApproval, StoredOwner};

/// How far one looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// At claims and acts that wait, which the store finds by their dates.
    AtClaims,
    /// At every identity too, and at every credential where a contract or waiver is over.
    AtAll,
}

/// What is due now. More than [`DEEDS_MAX`] may be found.
///
/// # Errors
/// When the store fails.
pub(super) async fn due(control: &Arc<Control>, look: Look, now: Time) -> Result<Vec<Due>, StoreFault> {
    let store = control.store();
    let most = u32::try_from(DEEDS_MAX).unwrap_or(u32::MAX);
    // Whatever has a claim that is over is marked, whether the gate knows it or not: else it would be found for ever.
    let claims = store.claims_due(now, most).await?;
    let claims = claims.into_iter().map(|status| Due::ClaimOverdue { identity: status.identity });
    let waiting = store.approvals(Some(ApprovalState::Waiting), 0, wardgate_store::WAITING_MAX).await?;
    let mut all: Vec<Due> = match look {
        Look::AtClaims => among(&[], &waiting, None, now),
        Look::AtAll => {
            let owners = store.owner_statuses().await?;
            let (snapshot, loaded) = (control.gate().snapshot(), control.loaded());
            // A million identities take a while to look at.
            let looked = tokio::task::spawn_blocking(move || among(&owners, &waiting, Some((&snapshot, &loaded)), now)).await;
            looked.unwrap_or_else(|error| {
                tracing::error!(%error, "what is due could not be found");
                Vec::new()
            })
        }
    };
    all.extend(claims);
    Ok(all)
}

/// What is due of what is given; the gate's own knowledge where all is looked at.
fn among(owners: &[StoredOwner], waiting: &[StoredApproval], known: Option<(&Snapshot, &Loaded)>, now: Time) -> Vec<Due> {
    let mut situation = Situation {
        away: stored::away(owners).collect(),
        waiting: waiting.iter().map(|approval| Waiting { approval: approval.id, expires: approval.expires }).collect(),
        ..Situation::default()
    };
    if let Some((snapshot, loaded)) = known {
        living(&mut situation, snapshot);
        lasting(&mut situation, snapshot, loaded, now);
    }
    due::due(&situation, now)
}

/// Identities that have an end, and those of owners who departed. Claims are looked at apart.
fn living<'a>(situation: &mut Situation<'a>, snapshot: &'a Snapshot) {
    let gone: HashSet<&OwnerName> = situation.away.iter().map(|away: &Away<'_>| away.owner).collect();
    let identities = snapshot.population().identities().iter();
    let of_interest = identities.filter(|identity| identity.ends.is_some() || gone.contains(&identity.owner));
    let of_interest: Vec<_> = of_interest.map(|identity| Living { identity, claim_by: None }).collect();
    drop(gone);
    situation.identities = of_interest;
}

/// Credentials that a contract or waiver, which is over, may have an end for.
fn lasting<'a>(situation: &mut Situation<'a>, snapshot: &'a Snapshot, loaded: &'a Loaded, now: Time) {
    let inventory = &loaded.inventory;
    situation.contracts = inventory.contracts.iter().map(AsRef::as_ref).collect();
    situation.waivers = inventory.waivers.iter().map(AsRef::as_ref).collect();
    let over: HashSet<&OwnerName> =
        situation.contracts.iter().filter(|contract| contract.until <= now).map(|contract| &contract.owner).collect();
    let unwaived = situation.waivers.iter().any(|waiver| waiver.exempts == Exemption::Expiry && waiver.until <= now);
    if over.is_empty() && !unwaived {
        return;
    }
    let population = snapshot.population();
    let owned = population.credentials().iter().filter_map(|credential| {
        let owner = &population.identities().get(credential.identity.as_str())?.owner;
        let of_interest = over.contains(owner) || (unwaived && credential.expires.is_none());
        of_interest.then_some((credential.as_ref(), owner))
    });
    let owned: Vec<_> = owned.collect();
    situation.credentials = owned;
}
