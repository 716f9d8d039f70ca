//! What was declared and what had happened at an earlier moment of the feed, resolved again: for questions about the past.

use super::{Control, Loaded, load::Gathered, people};
use serde_json::Value;
use std::{collections::HashMap, sync::Arc};
use wardgate_console::Refused;
use wardgate_model::{
    id::IdentityId,
    inventory::{Identity, IdentityState},
    resource::Kind,
};
use wardgate_resources::Document;

/// Identities of a past that are looked at; with more, such a question would cost too much.
const IDENTITIES_MAX: usize = 100_000;

/// A past.
#[derive(Debug)]
pub struct Past {
    /// What was declared. OpenAPI documents are read as they are now: the feed does not hold files.
    pub loaded: Loaded,
    /// The identities, by name, in the states that they were in.
    pub identities: Vec<Identity>,
}

impl Control {
    /// Makes an earlier moment present again.
    ///
    /// # Errors
    /// When the store fails, or what was declared then does not resolve any more.
    pub async fn past(&self, seq: u64) -> Result<Past, Refused> {
        let (mut declared, mut people): (Vec<Document>, Vec<Document>) = (Vec::new(), Vec::new());
        for (id, spec) in self.store.resources_at(seq).await? {
            let list = if id.kind() == Kind::Identity { &mut people } else { &mut declared };
            list.push(people::declared(&id, spec));
        }
        people.truncate(IDENTITIES_MAX);
        let statuses: HashMap<IdentityId, Value> = self.store.statuses_at(seq).await?.into_iter().collect();
        let gathered = Arc::new(Gathered::nothing(&self.config));
        let beside = people::OnRecord::of(&people);
        let past = move || {
            let loaded = Loaded::resolve(gathered, declared, &beside).map_err(Refused::Diagnostics)?;
            let identities = people.iter().filter_map(|document| people::recorded(document, &loaded.inventory).ok());
            let mut identities: Vec<Identity> = identities
                .map(|recorded| {
                    let identity = recorded.spec.identity;
                    let status = statuses.get(&identity.id);
                    with_status(identity, status)
                })
                .collect();
            identities.sort_by(|a, b| a.id.cmp(&b.id));
            Ok(Past { loaded, identities })
        };
        let resolved = tokio::task::spawn_blocking(past).await;
        resolved.unwrap_or_else(|error| Err(wardgate_console::WorldFault(error.to_string().into()).into()))
    }
}

/// The identity in the state that the feed tells of it.
pub(crate) fn with_status(mut identity: Identity, status: Option<&Value>) -> Identity {
    if let Some(state) = status.and_then(|status| status.get("state")?.as_str().and_then(IdentityState::parse)) {
        identity.state = state;
    }
    identity.claim_overdue = status.and_then(|status| status.get("claim_overdue")?.as_bool()).unwrap_or(false);
    identity
}
