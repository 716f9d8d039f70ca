//! The feed, followed: what stops somebody goes into the overlay at once, and every change into the event log.
//!
//! INVARIANT (stops first): stops are read apart from all other changes and under a lock of their own. So a stop waits
//! neither for a snapshot that is being made nor for the hundred thousand changes of an import before it.

use super::Control;
use crate::clock;
use serde_json::Value;
use std::collections::{BTreeSet, HashSet, VecDeque};
use wardgate_audit::sink::ChangeRecord;
use wardgate_gate::denied::{Denied, Subject as Stopped};
use wardgate_model::{
    contain::Containable,
    event::EventSink as _,
    id::{CredentialId, IdentityId, OwnerName, TaskId, TrustName},
    inventory::IdentityState,
    resource::Kind,
    time::Time,
};
use wardgate_store::{Act, Change, StoreFault, StoredContainment, Subject};

/// Changes read from the feed at a time.
const FEED_PAGE: u32 = 500;
/// Numbers of stops that are remembered; of an older one it is waited for its snapshot.
const STOPS_KEPT: usize = 1_000;

/// How far the feed was read for stops, and what is contained by name.
#[derive(Debug)]
pub(super) struct Heeded {
    seq: u64,
    /// The last changes that stopped somebody: these are obeyed before a snapshot has them.
    stops: VecDeque<u64>,
    contained: BTreeSet<(Containable, Box<str>)>,
    /// What was stopped otherwise, while the snapshot would still let it in: no release of a containment undoes that.
    stopped: HashSet<Stopped>,
}

impl Heeded {
    /// From a moment of the feed, and what was contained then.
    pub(super) fn at(seq: u64, contained: &[StoredContainment]) -> Self {
        let contained = contained.iter().map(|containment| (containment.kind, containment.name.clone())).collect();
        Self { seq, stops: VecDeque::new(), contained, stopped: HashSet::new() }
    }

    /// The last change that was read.
    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    /// Whether a change stopped somebody, and nothing else has to be obeyed of it.
    pub(super) fn is_stop(&self, seq: u64) -> bool {
        self.stops.contains(&seq)
    }

    /// From a moment of the feed, and what was kept of it: what was contained, and what was stopped otherwise.
    pub(super) fn kept(seq: u64, contained: &[(Containable, Box<str>)], stopped: &[(Containable, Box<str>)]) -> Self {
        let stopped = stopped.iter().filter_map(|(kind, name)| subject(*kind, name)).collect();
        Self { seq, stops: VecDeque::new(), contained: contained.iter().cloned().collect(), stopped }
    }

    /// What the change `seq` stopped, as the overlay knows it; `None`: the feed was read that far, and has the last word.
    pub(super) fn ahead(&self, seq: u64, kind: Containable, name: &str) -> Option<Stopped> {
        if self.seq < seq { subject(kind, name) } else { None }
    }

    fn note_stop(&mut self, seq: u64) {
        if self.stops.len() >= STOPS_KEPT {
            self.stops.pop_front();
        }
        self.stops.push_back(seq);
    }

    /// Everything that is stopped, as the overlay knows it.
    pub(super) fn stopped(&self) -> impl Iterator<Item = Stopped> {
        self.contained.iter().filter_map(|(kind, name)| subject(*kind, name)).chain(self.stopped.iter().cloned())
    }

    /// Whether it is contained by name.
    pub(super) fn holds(&self, subject: &Stopped) -> bool {
        let named = |kind, name: &str| self.contained.contains(&(kind, name.into()));
        match subject {
            Stopped::Identity(id) => named(Containable::Identity, id.as_str()),
            Stopped::Credential(id) => named(Containable::Credential, id.as_str()),
            Stopped::Owner(name) => named(Containable::Owner, name.as_str()),
            Stopped::Issuer(name) => named(Containable::Issuer, name.as_str()),
            Stopped::Token(id) => named(Containable::Token, id),
            Stopped::Task(id) => named(Containable::Task, id.as_str()),
        }
    }

    /// Keeps what was stopped before all was read anew.
    pub(super) fn keep(&mut self, stopped: Vec<Stopped>) {
        self.stopped.extend(stopped);
    }

    /// Whether anything that was read stops it.
    pub(super) fn stops(&self, subject: &Stopped) -> bool {
        self.holds(subject) || self.stopped.contains(subject)
    }

    /// Forgets what the published snapshot refuses by itself.
    pub(super) fn settle(&mut self, admitted: impl Fn(&Stopped) -> bool) {
        self.stopped.retain(admitted);
    }

    /// Notes a change. What it releases is released only when nothing else holds it.
    fn effect(&mut self, change: &Change) -> Option<Effect> {
        match (change.subject, change.act) {
            (Subject::Credential, Act::Revoke | Act::Spend) => {
                let subject = CredentialId::parse(&change.name).map(Stopped::Credential)?;
                self.stopped.insert(subject.clone());
                Some(Effect::Stops(subject))
            }
            (Subject::Containment, act) => {
                let (kind, name) = change.name.split_once('/')?;
                let kind = Containable::parse(kind)?;
                let subject = subject(kind, name);
                if act == Act::Release {
                    self.contained.remove(&(kind, name.into()));
                    // Of an identity its state follows, which says whether it is in again.
                    subject.filter(|subject| !self.stopped.contains(subject)).map(Effect::Releases)
                } else {
                    self.contained.insert((kind, name.into()));
                    subject.map(Effect::Stops)
                }
            }
            (Subject::Task, Act::State) => {
                let stopped = Stopped::Task(TaskId::parse(&change.name).ok()?);
                self.stopped.insert(stopped.clone());
                Some(Effect::Stops(stopped))
            }
            (Subject::Status, Act::State) => {
                let state = change.after.as_ref()?.get("state")?.as_str().and_then(IdentityState::parse)?;
                let identity = Stopped::Identity(IdentityId::parse(&change.name).ok()?);
                if is_stopped(state) {
                    self.stopped.insert(identity.clone());
                    Some(Effect::Stops(identity))
                } else {
                    self.stopped.remove(&identity);
                    let held = self.contained.contains(&(Containable::Identity, change.name.clone()));
                    (!held).then_some(Effect::Releases(identity))
                }
            }
            _ => None,
        }
    }
}

/// What a change does to the overlay.
enum Effect {
    Stops(Stopped),
    Releases(Stopped),
}

/// Stops that go in together.
#[derive(Default)]
struct Stops {
    subjects: Vec<Stopped>,
    /// When those were put on record that are not in force here yet.
    recorded: Vec<Time>,
}

impl Stops {
    fn add(&mut self, subject: Stopped, recorded: Time, denied: &Denied) {
        if !denied.holds(&subject) {
            self.recorded.push(recorded);
        }
        self.subjects.push(subject);
    }
}

/// What the overlay knows of things that can be contained.
fn subject(kind: Containable, name: &str) -> Option<Stopped> {
    match kind {
        Containable::Identity => IdentityId::parse(name).ok().map(Stopped::Identity),
        Containable::Credential => CredentialId::parse(name).map(Stopped::Credential),
        Containable::Owner => OwnerName::parse(name).ok().map(Stopped::Owner),
        Containable::Issuer => TrustName::parse(name).ok().map(Stopped::Issuer),
        Containable::Token => Some(Stopped::Token(name.into())),
        Containable::Task => TaskId::parse(name).ok().map(Stopped::Task),
    }
}

/// Whether an identity in this state is not let in, whatever it shows.
pub(super) fn is_stopped(state: IdentityState) -> bool {
    matches!(state, IdentityState::Suspended | IdentityState::Quarantined | IdentityState::Retired)
}

impl Control {
    /// Reads on in the feed for stops and releases. Says whether the change `seq` is a stop, which is obeyed with that; what
    /// lets somebody in is obeyed when a snapshot has it.
    pub(super) async fn heed(&self, seq: u64) -> Result<bool, StoreFault> {
        let mut heeded = self.heeded.lock().await;
        loop {
            let changes = self.store.stops_since(heeded.seq, FEED_PAGE).await?;
            let Some(last) = changes.last().map(|change| change.seq) else { return Ok(heeded.is_stop(seq)) };
            // In the order of the feed; stops that follow each other go in together.
            let mut stops = Stops::default();
            for change in &changes {
                match heeded.effect(change) {
                    Some(Effect::Stops(subject)) => {
                        heeded.note_stop(change.seq);
                        stops.add(subject, change.time, &self.denied);
                    }
                    // What waits to be put on record is a later stop, whatever the record says now.
                    Some(Effect::Releases(subject)) if self.pending.holds(&subject) => {}
                    Some(Effect::Releases(subject)) => {
                        self.stop(&mut stops);
                        self.denied.release(&subject);
                    }
                    None => {}
                }
            }
            self.stop(&mut stops);
            heeded.seq = last;
            if changes.len() < FEED_PAGE as usize {
                return Ok(heeded.is_stop(seq));
            }
        }
    }

    /// From here on they are in force.
    fn stop(&self, stops: &mut Stops) {
        self.denied.stop_all(stops.subjects.drain(..), clock::now());
        for recorded in stops.recorded.drain(..) {
            self.lag.note(recorded, clock::now());
        }
    }

    /// Reads on in the feed and puts every change into the event log, each once.
    pub(super) async fn record_changes(&self) -> Result<(), StoreFault> {
        let mut recorded = self.recorded.lock().await;
        loop {
            let changes = self.store.changes_since(*recorded, FEED_PAGE).await?;
            let Some(last) = changes.last() else { return Ok(()) };
            *recorded = last.seq;
            for change in &changes {
                self.record(change);
            }
            if changes.len() < FEED_PAGE as usize {
                return Ok(());
            }
        }
    }

    /// The change is in the feed already; a full log is counted there, and loses nothing that the feed does not have.
    fn record(&self, change: &Change) {
        let record = ChangeRecord {
            time: change.time,
            actor: change.actor.clone(),
            what: change.act.as_str().into(),
            kind: change.subject.as_str().into(),
            name: change.name.clone(),
            reason: Some(change.reason.clone()).filter(|reason| !reason.is_empty()),
            of: identities(change),
        };
        if self.log.record_change(record).is_err() {
            self.log.count_dropped();
            tracing::warn!(seq = change.seq, "no place in the event log for a change; it is in the feed");
        }
    }
}

/// Of which identities a credential or a grant was, and is.
fn identities(change: &Change) -> Vec<Box<str>> {
    let path = match change.subject {
        Subject::Credential | Subject::Task => "/identity",
        Subject::Resource(Kind::Grant) => "/to/identity",
        _ => return Vec::new(),
    };
    let named = |value: &Value| value.pointer(path).and_then(Value::as_str).map(Box::from);
    let mut of: Vec<Box<str>> = [&change.before, &change.after].into_iter().flatten().filter_map(named).collect();
    of.dedup();
    of
}

#[cfg(test)]
mod tests;
