//! A control side of a test's own: files in a temporary directory, a store, a log. For tests.

use crate::{config::Config, control::Control};
use serde_json::Value;
use std::{fs, path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;
use wardgate_abuse::{MeterBounds, Meters, journal::Unrecorded};
use wardgate_audit::{
    reading::{self, Filter, Since},
    sink::{Log, Options, Writer},
};
use wardgate_model::{
    credential::{CredentialKind, KeyedHash},
    id::{CredentialId, EnvironmentName, IdentityId},
    time::Time,
};
use wardgate_store::{Actor, NewCredential, Who};

const CONFIG: &str = "
listeners: [{ name: public, address: '127.0.0.1:0', public_url: 'https://gate.test' }]
secrets: { key: file:wardgate.key }
resources: [world.yaml]
";

/// An owner and an environment; documents of a test's own come after them.
const WORLD: &str = "
kind: Owner
name: shop-team
spec: { accountable: ada@example.com, deputy: bo@example.com, contact: shop@example.com }
---
kind: Environment
name: production
spec: { production: true }
";

/// What a test stands on.
pub(crate) struct Ground {
    pub(crate) control: Arc<Control>,
    pub(crate) log: Arc<Log>,
    writer: Option<Writer>,
    directory: TempDir,
}

/// Runs a test on a ground with these documents beside owner and environment.
pub(crate) fn on(documents: &str, test: impl AsyncFnOnce(&mut Ground)) {
    let directory = tempfile::tempdir().unwrap();
    let world = format!("{WORLD}{documents}");
    for (name, text) in [("wardgate.yaml", CONFIG), ("world.yaml", &world), ("wardgate.key", &"7f3c9b04".repeat(8))] {
        fs::write(directory.path().join(name), text).unwrap();
    }
    let config = Config::read(&directory.path().join("wardgate.yaml")).unwrap();
    let options = Options { window: Duration::from_millis(1), ..Options::new("edge-1") };
    let (log, writer) = Log::start(&config.audit, &options).unwrap();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let meters = Meters::new(Arc::new(Unrecorded), MeterBounds::default());
        let control = Control::open(config, meters, Arc::clone(&log)).await.unwrap();
        drop(tokio::spawn(Arc::clone(&control).follow()));
        test(&mut Ground { control, log, writer: Some(writer), directory }).await;
    });
}

impl Ground {
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Who makes changes here.
    pub(crate) fn actor(&self) -> Actor {
        Actor::new(Who::Process, "test")
    }

    /// Puts an API key of an identity on record, and has the gate know it.
    pub(crate) async fn issue(&self, identity: &str, id: &str, expires: Time, now: Time) -> CredentialId {
        let new = NewCredential {
            id: CredentialId::parse(id).unwrap(),
            identity: IdentityId::parse(identity).unwrap(),
            name: "main".into(),
            kind: CredentialKind::ApiKey,
            environment: EnvironmentName::literal("production"),
            sources: Box::default(),
            hash: KeyedHash::new([1; 32]),
            expires,
            task: None,
        };
        let issued = self.control.store().issue_credential(&self.actor(), new, now).await.unwrap();
        self.control.obey(issued.revision).await.unwrap();
        issued.credential.id
    }

    /// Closes the log and reads what was recorded of this kind.
    pub(crate) fn recorded(&mut self, kind: &str) -> Vec<Value> {
        let closed = self.writer.take().unwrap().close(Duration::from_secs(5));
        assert_eq!(closed.lost, 0);
        let page = reading::tail(&self.control.config().audit, &Filter::default(), &Since::Oldest, usize::MAX).unwrap();
        let events = page.events.iter().map(|event| serde_json::to_value(event).unwrap());
        events.filter(|event| event["kind"] == kind).collect()
    }
}
