//! kill -9 of the process, or a crash of the database server, loses no change that was acknowledged and leaves none half done.

use crate::replay;
use serde_json::json;
use std::{
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStderr, Command, Stdio},
    time::Duration,
};
use wardgate_model::{
    contain::Containable,
    credential::{CredentialKind, KeyedHash},
    id::{ApiName, ApprovalId, CredentialId, EnvironmentName, IdentityId, OwnerName, SecretName},
    inventory::IdentityState,
    resource::Kind,
    time::Time,
};
use wardgate_store::{
    Actor, Decision, DiscoveredBy, FileDocument, Needs, NewApproval, NewCredential, Precondition, ResourceChange, ResourceId, Sealed,
    SeenUnknown, Step, Store, UsageFilter, UsageRow, Who,
};
use wardgate_testkit::postgres::{Disk, Server};

const CHILD: &str = "WARDGATE_TEST_STORE";
const NOW: Time = Time::from_seconds(1_800_000_000);
const HOUR: Duration = Duration::from_secs(3_600);

/// Says something behind the test harness's back, which captures what `eprintln!` says.
fn tell(line: &str) {
    let mut out = std::io::stderr();
    out.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// One life of everything, a change after another; `round` makes the names of this one.
struct Life<'a> {
    store: &'a Store,
    actor: Actor,
    round: u64,
}

impl Life<'_> {
    fn name(&self) -> String {
        format!("n-{}", self.round)
    }

    fn identity(&self) -> IdentityId {
        IdentityId::parse(&self.name()).unwrap()
    }

    fn key(&self, letter: char) -> CredentialId {
        CredentialId::parse(&format!("{letter}{:011}", self.round)).unwrap()
    }

    fn credential(&self, letter: char) -> NewCredential {
        NewCredential {
            id: self.key(letter),
            identity: self.identity(),
            name: "main".into(),
            kind: CredentialKind::ApiKey,
            environment: EnvironmentName::parse("production").unwrap(),
            sources: Box::default(),
            hash: KeyedHash::new([7; 32]),
            expires: NOW + HOUR,
            task: None,
        }
    }

    async fn acknowledge(&self) {
        tell(&format!("acknowledged {}", self.store.last_seq().await.unwrap()));
    }

    async fn identities_and_credentials(&self) {
        let (store, actor, name) = (self.store, &self.actor, self.name());
        let made = |kind| ResourceChange {
            id: ResourceId::parse(kind, &name).unwrap(),
            spec: Some(json!({ "round": self.round })),
            expect: Precondition::Absent,
        };
        store.change_resources(actor, &[made(Kind::Owner), made(Kind::Identity)], None, NOW).await.unwrap();
        self.acknowledge().await;
        let step = Step { from: vec![IdentityState::Requested], to: IdentityState::Approved, evidence: None, claim_by: None };
        store.step_identity(actor, &self.identity(), &step, NOW).await.unwrap();
        self.acknowledge().await;
        store.issue_credential(actor, self.credential('A'), NOW).await.unwrap();
        self.acknowledge().await;
        store.contain(actor, Containable::Identity, &name, NOW).await.unwrap();
        self.acknowledge().await;
        store.release(actor, Containable::Identity, &name, NOW).await.unwrap();
        self.acknowledge().await;
        store.rotate_credential(actor, &self.key('A'), self.credential('B'), NOW + HOUR / 2, NOW).await.unwrap();
        self.acknowledge().await;
        store.revoke_credential(actor, &self.key('B'), Precondition::Any, NOW).await.unwrap();
        self.acknowledge().await;
        let document = FileDocument {
            id: ResourceId::parse(Kind::Zone, &name).unwrap(),
            spec: json!({ "round": self.round }),
            file: format!("{name}.yaml").into(),
        };
        // Takes the document of the round before away.
        store.apply_files(&[document], "apply", NOW).await.unwrap();
        self.acknowledge().await;
    }

    async fn everything_else(&self) {
        let (store, actor, name) = (self.store, &self.actor, self.name());
        let owner = OwnerName::parse(&name).unwrap();
        store.depart_owner(actor, &owner, NOW + HOUR, NOW).await.unwrap();
        self.acknowledge().await;
        store.return_owner(actor, &owner, NOW).await.unwrap();
        self.acknowledge().await;
        let (secret, sealed) = (SecretName::parse("erp").unwrap(), Sealed::new(*b"material"));
        store.put_secret(actor, &secret, &sealed, Precondition::Any, NOW).await.unwrap();
        self.acknowledge().await;
        store.stage_secret(actor, &secret, &sealed, NOW).await.unwrap();
        self.acknowledge().await;
        store.promote_secret(actor, &secret, NOW).await.unwrap();
        self.acknowledge().await;
        store.put_signing_key(actor, &name, &sealed, NOW).await.unwrap();
        self.acknowledge().await;
        let id = ApprovalId::parse(self.key('C').as_str()).unwrap();
        let (requester, summary) = (self.identity(), "do it".into());
        let ask = NewApproval { id, act: json!({}), summary, requester, owner, needs: Needs::Second, expires: NOW + HOUR };
        store.ask_approval(actor, ask, NOW).await.unwrap();
        self.acknowledge().await;
        store.decide_approval(actor, &id, Decision::Approve, NOW).await.unwrap();
        self.acknowledge().await;
        let what = DiscoveredBy::Source;
        let (apis, sources) = (vec![], vec!["192.0.2.0/24".into()]);
        let discovered = IdentityId::parse(&format!("discovered-{}", self.round)).unwrap();
        let seen = SeenUnknown {
            id: discovered.clone(),
            what,
            hash: None,
            vouched: None,
            environment: None,
            apis,
            sources,
            first: NOW,
            last: NOW,
            count: 1,
        };
        store.add_discoveries(&[seen], NOW + HOUR, NOW).await.unwrap();
        self.acknowledge().await;
        store.claim_discovery(actor, &discovered, &self.identity(), NOW).await.unwrap();
        self.acknowledge().await;
        let usage = UsageRow {
            credential: None,
            identity: self.identity(),
            api: ApiName::parse("payments").unwrap(),
            operation: "list".into(),
            source: "192.0.2.0/24".into(),
            first: NOW,
            last: NOW,
            allowed: 1,
            refused: 0,
        };
        store.add_usage(&[usage]).await.unwrap();
        tell("used");
    }
}

/// The child: changes things for ever and tells each change that was acknowledged. A plain run has nothing to do here.
#[tokio::test]
async fn writer() {
    let Some(url) = std::env::var_os(CHILD).and_then(|u| u.into_string().ok()) else { return };
    let store = Store::open(&url).await.unwrap();
    loop {
        let round = store.last_seq().await.unwrap();
        let life = Life { store: &store, actor: Actor::new(Who::Identity(IdentityId::parse("operator").unwrap()), "kill"), round };
        life.identities_and_credentials().await;
        life.everything_else().await;
    }
}

struct Writer {
    process: Child,
    lines: Lines<BufReader<ChildStderr>>,
    acknowledged: u64,
    used: u64,
}

impl Writer {
    fn start(url: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::writer", "--nocapture", "--test-threads", "1"])
            .env(CHILD, url)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        Self { process, lines, acknowledged: 0, used: 0 }
    }

    fn read(&mut self, line: &str) {
        if let Some(seq) = line.strip_prefix("acknowledged ") {
            self.acknowledged = seq.parse().unwrap();
        } else if line == "used" {
            self.used += 1;
        }
    }

    /// Reads so many lines.
    fn read_lines(&mut self, count: usize) {
        for _ in 0..count {
            let line = self.lines.next().unwrap().unwrap();
            self.read(&line);
        }
    }

    /// Ends the process at once, when it has not ended by itself, and reads what it had said.
    fn end(mut self) -> (u64, u64) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        while let Some(Ok(line)) = self.lines.next() {
            self.read(&line);
        }
        (self.acknowledged, self.used)
    }
}

/// What must be so after each end: all that was acknowledged is there, and nothing is half done.
async fn check(url: &str, (acknowledged, used): (u64, u64), round: usize) {
    let store = Store::open(url).await.unwrap();
    let last = replay::check(&store).await;
    assert!(last >= acknowledged, "round {round}: {acknowledged} was acknowledged, {last} is there");
    let there: u64 = store.usage(&UsageFilter::default()).await.unwrap().iter().map(|row| row.allowed).sum();
    assert!(there >= used, "round {round}: {used} was acknowledged, {there} is there");
    store.close().await;
}

#[tokio::test]
async fn what_was_acknowledged_outlives_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("wardgate.db").display());
    let mut used = 0;
    for round in 1..=8 {
        let mut writer = Writer::start(&url);
        // Another moment in each round.
        writer.read_lines(round * 5 + 1);
        let told = writer.end();
        used += told.1;
        check(&url, (told.0, used), round).await;
    }
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_crash_of_the_server() {
    let server = Server::start(Disk::Waits).unwrap();
    let url = server.database().unwrap();
    let mut used = 0;
    for round in 1..=6 {
        let mut writer = Writer::start(&url);
        writer.read_lines(round * 5 + 1);
        // In turns: the server dies, and the writer with it; the writer alone dies.
        if round % 2 == 0 {
            server.crash().unwrap();
        }
        let told = writer.end();
        used += told.1;
        if round % 2 == 0 {
            server.start_again().unwrap();
        }
        check(&url, (told.0, used), round).await;
    }
}
