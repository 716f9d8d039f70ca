use super::{Control, clock};
use crate::config::Config;
use std::{fs, sync::Arc, time::Duration};
use wardgate_abuse::{MeterBounds, Meters, journal::Unrecorded};
use wardgate_audit::sink::{Log, Options};
use wardgate_console::{HereStop, Journaled, Stopping};
use wardgate_gate::denied::Subject;
use wardgate_model::{
    contain::Containable,
    credential::{CredentialKind, KeyedHash},
    id::{CredentialId, EnvironmentName, IdentityId, OwnerName},
    time::Time,
};
use wardgate_store::{Actor, NewCredential, Precondition, Who};

const CONFIG: &str = "
listeners: [{ name: public, address: '127.0.0.1:0', public_url: 'https://gate.test' }]
secrets: { key: file:wardgate.key }
resources: [world.yaml]
";
const WORLD: &str = "
kind: Environment
name: production
spec: { production: true }
";

/// Plays with a control side of its own.
fn with<F: Future<Output = ()>>(play: impl FnOnce(Arc<Control>) -> F) {
    with_world(WORLD, play);
}

/// The same, with other files.
pub(super) fn with_world<F: Future<Output = ()>>(world: &str, play: impl FnOnce(Arc<Control>) -> F) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("wardgate.yaml");
    for (name, text) in [("wardgate.yaml", CONFIG), ("world.yaml", world), ("wardgate.key", &"7f3c9b04".repeat(8))] {
        fs::write(directory.path().join(name), text).unwrap();
    }
    let config = Config::read(&file).unwrap();
    let (log, _writer) = Log::start(&config.audit, &Options::new("edge-1")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let meters = Meters::new(Arc::new(Unrecorded), MeterBounds::default());
        play(Control::open(config, meters, log).await.unwrap()).await;
    });
}

#[test]
fn what_was_stopped_here_is_put_on_record_as_it_was() {
    with(|control| async move {
        let at = Time::from_seconds(1_800_000_000);
        let stop = HereStop {
            stopping: Stopping::Contain(Containable::Identity),
            name: "caller".into(),
            actor: IdentityId::literal("op"),
            reason: "leaked".into(),
            at,
        };
        let caller = Subject::Identity(IdentityId::literal("caller"));
        let generation = control.denied.generation();
        assert_eq!(control.stop_here(stop).await, Ok(Journaled::OnDisk));
        assert!(control.denied.generation() > generation && control.pending.holds(&caller));
        // Somebody else released what was contained before: the later stop holds.
        let by = Actor::new(Who::Process, "test");
        control.store.contain(&by, Containable::Identity, "caller", at).await.unwrap();
        control.store.release(&by, Containable::Identity, "caller", at).await.unwrap();
        control.catch_up().await.unwrap();
        assert!(control.pending.holds(&caller) && control.heard().away().is_none());
        control.prove().await.unwrap();
        control.merge().await.unwrap();
        assert_eq!(control.unrecorded(), 0);
        let stored = control.store.containment(Containable::Identity, "caller").await.unwrap().unwrap();
        assert_eq!((&*stored.actor, &*stored.reason, stored.since), ("op", "leaked", at));
        assert!(control.heeded.lock().await.holds(&caller), "and is known from there");
        assert!(!control.config.state.join(super::pending::FILE).exists());
    });
}

#[test]
fn a_stop_does_not_wait_for_a_snapshot_that_is_being_made() {
    with(|control| async move {
        let (actor, now) = (Actor::new(Who::Process, "test"), clock::now());
        let new = NewCredential {
            id: CredentialId::parse("AAAAAAAAAAAA").unwrap(),
            identity: IdentityId::literal("caller"),
            name: "main".into(),
            kind: CredentialKind::ApiKey,
            environment: EnvironmentName::literal("production"),
            sources: Box::default(),
            hash: KeyedHash::new([1; 32]),
            expires: now + Duration::from_secs(60),
            task: None,
        };
        let issued = control.store().issue_credential(&actor, new, now).await.unwrap();
        let revoked = control.store().revoke_credential(&actor, &issued.credential.id, Precondition::Any, now).await.unwrap();
        let building = control.published.lock().await;
        let stopped = async {
            while control.denied.generation() == 0 {
                tokio::task::yield_now().await;
            }
            drop(building);
        };
        let (obeyed, ()) = tokio::join!(control.obey(revoked.revision), stopped);
        obeyed.unwrap();
        assert!(control.published.lock().await.seq < revoked.revision, "the snapshot comes later");
        assert_eq!(control.catch_up().await.unwrap(), revoked.revision);
        assert_eq!(control.published.lock().await.seq, revoked.revision);
    });
}

#[test]
fn a_stop_is_obeyed_although_the_feed_cannot_be_read_after_it() {
    with(|control| async move {
        let (actor, now) = (Actor::new(Who::Process, "test"), clock::now());
        let contained = control.store.contain(&actor, Containable::Identity, "caller", now).await.unwrap();
        let path = control.store.path().unwrap().to_owned();
        for end in ["", "-wal", "-shm"] {
            let mut file = path.clone().into_os_string();
            file.push(end);
            drop(fs::write(file, "no database"));
        }
        let before = control.denied.generation();
        let obeyed = control.obey_stop(contained.revision, Containable::Identity, "caller").await;
        assert!(obeyed.is_err(), "it cannot be read");
        assert_eq!(control.denied.generation(), before + 1);
        assert!(control.heeded.lock().await.seq() < contained.revision, "the feed tells of it later");
    });
}

#[test]
fn how_long_a_stop_took_from_the_record_is_counted_once() {
    with(|control| async move {
        let actor = Actor::new(Who::Process, "test");
        let counted =
            || control.lag().render().lines().find_map(|line| line.strip_prefix("wardgate_revocation_lag_seconds_count ")?.parse().ok());
        let owner = Containable::Owner;
        let since = Time::from_micros(clock::now().as_micros() - 30_000_000);
        control.store.contain(&actor, owner, "payments", since).await.unwrap();
        control.catch_up().await.unwrap();
        assert_eq!(counted(), Some(1_u64));
        // Of half a minute.
        let text = control.lag().render();
        assert!(text.contains("_bucket{le=\"10\"} 0\n") && text.contains("_bucket{le=\"60\"} 1\n"), "{text}");
        // It is in force here before the feed tells of it.
        control.denied.stop(Subject::Owner(OwnerName::literal("billing")), clock::now());
        control.store.contain(&actor, owner, "billing", since).await.unwrap();
        control.catch_up().await.unwrap();
        assert_eq!(counted(), Some(1));
    });
}

#[test]
fn what_the_feed_told_since_is_the_last_word() {
    with(|control| async move {
        let (actor, now) = (Actor::new(Who::Process, "test"), clock::now());
        let contained = control.store.contain(&actor, Containable::Owner, "payments", now).await.unwrap();
        let released = control.store.release(&actor, Containable::Owner, "payments", now).await.unwrap();
        control.obey(released).await.unwrap();
        let heeded = control.heeded.lock().await;
        assert_eq!(heeded.ahead(contained.revision, Containable::Owner, "payments"), None);
        assert!(heeded.ahead(released + 1, Containable::Owner, "payments").is_some());
    });
}

#[test]
fn another_database_of_the_same_numbers_is_read_anew() {
    with(|control| async move {
        let (actor, now) = (Actor::new(Who::Process, "test"), clock::now());
        let revision = control.store.contain(&actor, Containable::Owner, "payments", now).await.unwrap().revision;
        control.catch_up().await.unwrap();
        let number = async || control.published.lock().await.number;
        let first = number().await;
        assert_eq!(control.catch_up().await.unwrap(), revision);
        assert_eq!(number().await, first, "nothing changed");
        // A server took over that did not know the last change, and another one has its number since.
        let held = Subject::Owner(OwnerName::literal("payments"));
        control.known.lock().await.as_mut().unwrap().name = "owner/other".into();
        *control.heeded.lock().await = super::Heeded::at(revision, &[]);
        control.denied.release(&held);
        assert_eq!(control.catch_up().await.unwrap(), revision);
        assert_eq!(number().await, first + 1);
        assert!(control.heeded.lock().await.holds(&held), "what was stopped under a number that was seen is known");
        control.catch_up().await.unwrap();
        assert_eq!(number().await, first + 1, "once");
    });
}
