use super::{Control, clock};
use crate::config::Config;
use std::{fs, sync::Arc, time::Duration};
use wardgate_abuse::{MeterBounds, Meters, journal::Unrecorded};
use wardgate_audit::sink::{JsonLines, Options};
use wardgate_model::{
    credential::{CredentialKind, KeyedHash},
    id::{CredentialId, EnvironmentName, IdentityId},
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

#[test]
fn a_stop_does_not_wait_for_a_snapshot_that_is_being_made() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("wardgate.yaml");
    for (name, text) in [("wardgate.yaml", CONFIG), ("world.yaml", WORLD), ("wardgate.key", &"7f3c9b04".repeat(8))] {
        fs::write(directory.path().join(name), text).unwrap();
    }
    let config = Config::read(&file).unwrap();
    let (log, _writer) = JsonLines::start(&config.audit, &Options::new("edge-1")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let meters = Meters::new(Arc::new(Unrecorded), MeterBounds::default());
        let control = Control::open(config, meters, log).await.unwrap();
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
