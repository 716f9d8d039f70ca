//! The SPIFFE Workload API against an agent by PyPI `grpcio`, which `./check` brings.

use crate::{
    feed::{Stage, rhythm},
    fixture::{key_set, reach, until},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};
use tempfile::TempDir;
use wardgate_feeds::{document::Document, feed::FeedSpec, pace::Rhythm};
use wardgate_model::{
    id::TrustName,
    trust::{Authority, Published, TrustSource, Vouches},
};

/// Where `./check` puts other stacks: beside what cargo builds.
fn python() -> PathBuf {
    let test = std::env::current_exe().expect("a program");
    let target = test.ancestors().find(|folder| folder.join("peers/bin/python").is_file());
    target.expect("`target/peers` is missing: run `./check`, which brings it").join("peers/bin/python")
}

/// An agent. Ended when dropped.
struct Agent {
    child: Child,
    input: ChildStdin,
    lines: BufReader<ChildStdout>,
}

impl Agent {
    fn start(socket: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/agent.py");
        let mut command = Command::new(python());
        command.arg("-B").arg(script).arg(socket).env("GRPC_VERBOSITY", "NONE");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python");
        let (input, output) = (child.stdin.take().expect("its input"), child.stdout.take().expect("its output"));
        let mut agent = Self { child, input, lines: BufReader::new(output) };
        agent.hears("ready");
        agent
    }

    fn hears(&mut self, what: &str) {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        assert_eq!(line.trim_end(), what);
    }

    fn told(&mut self, what: &str) {
        writeln!(self.input, "{what}").expect("it listens");
        self.hears("said");
    }

    /// From now on it says so: certificates and names of keys of the trust domain.
    fn says(&mut self, anchors: &[&[u8]], kids: &[&str]) {
        let keys = key_set(kids).replace(r#""use":"sig","#, "");
        let domain = "spiffe://acme.example";
        self.told(&json!({ "x509": { domain: STANDARD.encode(anchors.concat()) }, "jwt": { domain: keys } }).to_string());
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn authority() -> Vec<u8> {
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    params.self_signed(&rcgen::KeyPair::generate().expect("a key")).expect("a certificate").der().to_vec()
}

/// A trust domain whose bundle an agent streams, in a rhythm that leaves all that happens to the agent.
fn spec(place: &TempDir) -> (PathBuf, FeedSpec) {
    let socket = place.path().join("agent.sock");
    let authority = Authority {
        bundle: Published::Workload(socket.to_string_lossy().into()),
        revoked: Box::default(),
        reach: reach(&[]),
        trust_domain: Some("acme.example".into()),
        svids: None,
    };
    let source = TrustSource { name: TrustName::literal("ci"), vouches: Vouches::Certificates(Box::new(authority)) };
    let spec = FeedSpec::of(&source).unwrap().pop().unwrap();
    let Rhythm { retry_min, retry_max, .. } = rhythm();
    (socket, FeedSpec { rhythm: Rhythm { retry_min, retry_max, ..spec.rhythm }, ..spec })
}

/// What was fetched next: how many anchors, and the name of the key.
async fn next(stage: &Stage) -> (usize, Option<&'static str>) {
    let fetched = stage.fetched().await;
    let Document::Bundle(bundle) = &*fetched.document else { panic!("{fetched:?}") };
    (bundle.anchors().lives().len(), ["j1", "j2"].into_iter().find(|kid| bundle.keys().has(kid)))
}

#[tokio::test]
async fn an_agent_says_at_once_what_changes() {
    let place = tempfile::tempdir().unwrap();
    let (socket, spec) = spec(&place);
    let stage = Stage::new();
    stage.feeds.keep(vec![spec]).unwrap();
    until(|| stage.state().failure.is_some()).await;
    let why = stage.state().failure.unwrap().why;
    assert!(why.ends_with("agent.sock` cannot be connected to: No such file or directory (os error 2)"), "{why}");

    let (one, other) = (authority(), authority());
    let mut agent = Agent::start(&socket);
    agent.says(&[&one], &["j1"]);
    assert_eq!(next(&stage).await, (1, Some("j1")));
    agent.says(&[&one, &other], &["j2"]);
    // Both streams say it, one after the other.
    while next(&stage).await != (2, Some("j2")) {}
    assert!(stage.state().failure.is_none());
    // Each message is the whole state.
    agent.told(&json!({ "x509": {}, "jwt": {} }).to_string());
    while next(&stage).await != (0, None) {}
}

#[tokio::test]
async fn an_agent_that_goes_away_is_connected_to_again() {
    let place = tempfile::tempdir().unwrap();
    let (socket, spec) = spec(&place);
    let stage = Stage::new();
    let anchor = authority();
    let mut agent = Agent::start(&socket);
    agent.says(&[&anchor], &["j1"]);
    stage.feeds.keep(vec![spec]).unwrap();
    assert_eq!(next(&stage).await, (1, Some("j1")));
    // It ends its streams: they are opened again.
    agent.told("hang");
    agent.says(&[&anchor], &["j2"]);
    while next(&stage).await != (1, Some("j2")) {}
    // It is gone: the last good bundle stays, and why is said.
    drop(agent);
    until(|| stage.state().failure.is_some()).await;
    assert_eq!(stage.state().count, 2);
    std::fs::remove_file(&socket).unwrap_or_default();
    let mut agent = Agent::start(&socket);
    agent.says(&[&anchor], &["j1"]);
    while next(&stage).await != (1, Some("j1")) {}
}

#[tokio::test]
async fn an_agent_that_knows_nothing_for_us_says_so() {
    let place = tempfile::tempdir().unwrap();
    let (socket, spec) = spec(&place);
    let stage = Stage::new();
    let mut agent = Agent::start(&socket);
    agent.told("refuse");
    stage.feeds.keep(vec![spec]).unwrap();
    let why = async |begins: &str| until(|| stage.state().failure.is_some_and(|failure| failure.why.starts_with(begins))).await;
    why("the agent refused: status 7: `no identity issued`").await;
    agent.told(&json!({ "x509": { "spiffe://other.example": "" }, "jwt": {} }).to_string());
    why("the agent has no bundle of `acme.example`").await;
    agent.told(&json!({ "x509": { "spiffe://acme.example": STANDARD.encode(b"junk") }, "jwt": {} }).to_string());
    why("a message of the agent cannot be read: a bundle is no certificates in DER").await;
    assert_eq!(stage.state().count, 0);
}
