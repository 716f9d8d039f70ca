//! Whether the tables say what the feed says.

use serde_json::Value;
use std::collections::BTreeMap;
use wardgate_store::{Act, Change, CredentialFilter, DiscoveryFilter, Store, Subject};

/// The whole feed; its numbers must follow each other.
pub(crate) async fn feed(store: &Store) -> Vec<Change> {
    let mut feed: Vec<Change> = Vec::new();
    loop {
        let next = store.changes_since(feed.last().map_or(0, |c| c.seq), 1_000).await.unwrap();
        if next.is_empty() {
            break;
        }
        feed.extend(next);
    }
    assert_eq!(feed.iter().map(|c| c.seq).collect::<Vec<_>>(), (1..=feed.len() as u64).collect::<Vec<_>>());
    feed
}

/// The last that the feed tells of each thing of a kind, those that were removed or released left out.
fn last(feed: &[Change], of: impl Fn(Subject) -> bool) -> BTreeMap<String, (u64, Value)> {
    let mut last = BTreeMap::new();
    for change in feed.iter().filter(|c| of(c.subject)) {
        let name = match change.subject {
            Subject::Resource(kind) => format!("{kind}/{}", change.name),
            _ => change.name.to_string(),
        };
        match &change.after {
            Some(after) => last.insert(name, (change.seq, after.clone())),
            None => last.remove(&name),
        };
    }
    last
}

fn revisions(last: &BTreeMap<String, (u64, Value)>) -> Vec<(String, u64)> {
    last.iter().map(|(name, (seq, _))| (name.clone(), *seq)).collect()
}

/// Every table against the feed; gives the number of the last change.
pub(crate) async fn check(store: &Store) -> u64 {
    let feed = feed(store).await;
    assert_eq!(store.last_seq().await.unwrap(), feed.len() as u64);

    let told = last(&feed, |subject| matches!(subject, Subject::Resource(_)));
    let there = store.resources().await.unwrap();
    let mut there: Vec<_> = there.iter().map(|r| (r.id.to_string(), r.revision, r.spec.clone())).collect();
    there.sort_by(|a, b| a.0.cmp(&b.0));
    let told: Vec<_> = told.into_iter().map(|(name, (seq, spec))| (name, seq, spec)).collect();
    assert_eq!(there, told);

    let states: BTreeMap<_, _> = store.statuses_at(u64::MAX).await.unwrap().into_iter().map(|(id, v)| (id.to_string(), v)).collect();
    let statuses = store.statuses().await.unwrap();
    assert_eq!(statuses.len(), states.len());
    for status in &statuses {
        assert_eq!(states[status.identity.as_str()]["state"], status.state.as_str(), "{}", status.identity);
    }

    let told = last(&feed, |subject| subject == Subject::Containment);
    let there: Vec<_> = store.containments().await.unwrap().iter().map(|c| (format!("{}/{}", c.kind, c.name), c.revision)).collect();
    assert_eq!(there, revisions(&told));

    let told = last(&feed, |subject| subject == Subject::OwnerStatus);
    let there: Vec<_> = store.owner_statuses().await.unwrap().iter().map(|o| (o.owner.to_string(), o.revision)).collect();
    assert_eq!(there, revisions(&told));

    let told = last(&feed, |subject| subject == Subject::Credential);
    let there = store.credentials(&CredentialFilter::default()).await.unwrap();
    let mut there: Vec<_> = there.iter().map(|c| (c.credential.id.to_string(), c.revision)).collect();
    there.sort();
    assert_eq!(there, revisions(&told));

    let told = last(&feed, |subject| subject == Subject::Secret);
    let there = store.secrets().await.unwrap();
    assert_eq!(there.iter().map(|s| (s.name.to_string(), s.revision)).collect::<Vec<_>>(), revisions(&told));
    for secret in &there {
        assert_eq!(told[secret.name.as_str()].1["version"], secret.version);
    }

    let told = last(&feed, |subject| subject == Subject::Approval);
    let mut there: Vec<_> = store.approvals(None, 0, u32::MAX).await.unwrap().iter().map(|a| (a.id.to_string(), a.revision)).collect();
    there.sort();
    assert_eq!(there, revisions(&told));

    let told = last(&feed, |subject| subject == Subject::Discovery);
    let mut there: Vec<_> =
        store.discoveries(&DiscoveryFilter::default()).await.unwrap().iter().map(|d| (d.id.to_string(), d.revision)).collect();
    there.sort();
    assert_eq!(there, revisions(&told));

    let keys = feed.iter().filter(|c| c.subject == Subject::SigningKey && c.act == Act::Put).count();
    assert_eq!(store.signing_keys().await.unwrap().len(), keys);
    feed.len() as u64
}
