//! Listeners that ask clients for certificates, with `curl` and `openssl` as clients.

use crate::{
    edge::{Running, Setup},
    upstream::{Gatekeeper, Play, Upstream},
};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
};
use wardgate_edge::{ClientCertificates, Proxies, handshake};
use wardgate_gate::trust::{Gathered, Trust, TrustedAuthority};
use wardgate_model::{
    credential::CredentialKind,
    id::TrustName,
    trust::{Authority, Binding, Published, Reach, Subject},
};

/// A door that asks for certificates, and clients' certificates in files.
struct World {
    edge: Running,
    files: tempfile::TempDir,
}

/// What a client has to show.
#[derive(PartialEq)]
enum Shown {
    Nothing,
    Certificate,
}

impl World {
    fn new(upstream: &Upstream, clients: ClientCertificates) -> Self {
        Self::of(Setup::before(upstream), clients)
    }

    fn of(setup: Setup, clients: ClientCertificates) -> Self {
        let files = tempfile::tempdir().expect("a directory");
        let made = |name: &str| {
            let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
            fs::write(files.path().join(format!("{name}.pem")), made.cert.pem()).expect("written");
            fs::write(files.path().join(format!("{name}.key")), made.signing_key.serialize_pem()).expect("written");
            made
        };
        let server = made("localhost");
        made("client");
        let key = PrivateKeyDer::try_from(server.signing_key.serialize_der()).expect("a key");
        let config = handshake::server_config(vec![server.cert.der().clone()], key, clients).expect("a configuration");
        let edge = Setup { tls: Some(config), ..setup }.start();
        Self { edge, files }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// Has an authority certify the client; gives its own certificate.
    fn certify(&self) -> String {
        let (mut above, key) = (CertificateParams::new([]).expect("no names"), KeyPair::generate().expect("a key"));
        above.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = above.self_signed(&key).expect("a certificate").pem();
        let mut params = CertificateParams::new(["client".to_owned()]).expect("a name");
        params.distinguished_name.push(DnType::CommonName, "client");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let client = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&client, &Issuer::new(above, key)).expect("a certificate");
        fs::write(self.path("client.pem"), certificate.pem()).expect("written");
        fs::write(self.path("client.key"), client.serialize_pem()).expect("written");
        authority
    }

    fn port(&self) -> u16 {
        self.edge.tls.expect("a listener").port()
    }

    /// `body version status` of a request by curl with the client's certificate or without, or `none` without an answer.
    fn curl(&self, with: Shown, arguments: &[&str]) -> String {
        let mut command = self.command(with, arguments, "/x");
        let output = command.args(["--write-out", " %{http_version} %{http_code}"]).output().expect("curl runs");
        if output.status.success() { String::from_utf8(output.stdout).expect("text") } else { "none".to_owned() }
    }

    fn command(&self, with: Shown, arguments: &[&str], path: &str) -> Command {
        let mut command = Command::new("curl");
        command.args(["--silent", "--max-time", "60", "--noproxy", "*", "--output", "-"]);
        command.arg("--cacert").arg(self.path("localhost.pem")).args(arguments);
        command.args(["--resolve", &format!("localhost:{}:127.0.0.1", self.port())]);
        if with == Shown::Certificate {
            command.arg("--cert").arg(self.path("client.pem")).arg("--key").arg(self.path("client.key"));
        }
        command.arg(format!("https://localhost:{}{path}", self.port()));
        command
    }

    /// What `openssl s_client` says of a connection on which this is sent.
    fn openssl(&self, arguments: &[&str], sent: &str) -> String {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-connect", &format!("127.0.0.1:{}", self.port()), "-servername", "localhost"]);
        command.args(["-cert", "client.pem", "-key", "client.key"]).args(arguments).current_dir(self.files.path());
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut client = pipes.spawn().expect("openssl runs");
        client.stdin.take().expect("a pipe").write_all(sent.as_bytes()).expect("sent");
        String::from_utf8_lossy(&client.wait_with_output().expect("openssl ends").stdout).into_owned()
    }
}

#[test]
fn a_certificate_and_its_key_open_the_door_whoever_made_it() {
    let upstream = Upstream::plain();
    for (clients, without) in [(ClientCertificates::Off, "ok"), (ClientCertificates::Request, "ok"), (ClientCertificates::Require, "none")]
    {
        let world = World::new(&upstream, clients);
        for (arguments, protocol) in [
            (&["--http2"][..], "2"),
            (&["--http1.1"][..], "1.1"),
            (&["--http1.1", "--tls-max", "1.2"][..], "1.1"),
            (&["--http2", "--tls-max", "1.2"][..], "2"),
        ] {
            let served = format!("ok {protocol} 200");
            let nothing = if without == "none" { "none" } else { &*served };
            assert_eq!(world.curl(Shown::Nothing, arguments), nothing, "{clients:?} {arguments:?}");
            assert_eq!(world.curl(Shown::Certificate, arguments), served, "{clients:?} {arguments:?}");
        }
    }
}

#[test]
fn nobody_is_told_whom_we_trust() {
    let upstream = Upstream::plain();
    let world = World::new(&upstream, ClientCertificates::Request);
    for version in ["-tls1_2", "-tls1_3"] {
        let told = world.openssl(&[version], "");
        assert!(told.contains("No client certificate CA names sent"), "{told}");
    }
    let told = World::new(&upstream, ClientCertificates::Off).openssl(&["-tls1_3"], "");
    assert!(!told.contains("Client Certificate Types") && !told.contains("Requested Signature Algorithms"), "{told}");
}

#[test]
fn sessions_are_resumed_only_where_nobody_is_asked() {
    let upstream = Upstream::plain();
    for (clients, resumed) in [(ClientCertificates::Off, true), (ClientCertificates::Request, false), (ClientCertificates::Require, false)]
    {
        let world = World::new(&upstream, clients);
        // TLS 1.2: the same client comes again five times.
        let told = world.openssl(&["-tls1_2", "-reconnect"], "");
        assert_eq!((told.contains("New, "), told.contains("Reused, ")), (true, resumed), "{clients:?} {told}");
        // TLS 1.3: tickets come after the handshake, if at all, and before the answer ends.
        let request = "GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let told = world.openssl(&["-tls1_3", "-ign_eof", "-sess_out", "session"], request);
        assert!(told.contains("HTTP/1.1 200"), "{clients:?} {told}");
        assert_eq!(told.contains("Post-Handshake New Session Ticket arrived"), resumed, "{clients:?} {told}");
        assert_eq!(world.path("session").exists(), resumed, "{clients:?}");
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_any_more_ends_its_stream() {
    let keeper = Arc::new(Gatekeeper::default());
    let pieces = Arc::clone(&keeper);
    let piece = |text: &str| format!("{:x}\r\n{text}\r\n", text.len()).into_bytes();
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let upstream =
        Upstream::start(move |_| Play::Pieces(vec![[head.clone(), piece("one\n")].concat(), piece("two\n")], Arc::clone(&pieces)));
    for version in ["--http1.1", "--http2"] {
        let setup = Setup::before(&upstream).api(|api| api.accept = [CredentialKind::X509].into()).on_record(|credential, limit| {
            limit.rate = None;
            credential.kind = CredentialKind::X509;
            credential.hash = None;
            let subject = Subject::Exactly("dns:client".into());
            credential.binding = Some(Box::new(Binding { trust: TrustName::literal("mesh"), subject, claims: [].into() }));
        });
        let mut world = World::of(setup, ClientCertificates::Request);
        let anchors = world.certify();
        let vouching = || {
            let authority = Authority {
                bundle: Published::Here(anchors.as_str().into()),
                revoked: Box::default(),
                reach: Reach::default(),
                trust_domain: None,
                svids: None,
            };
            let authority = TrustedAuthority::new(&TrustName::literal("mesh"), &authority, Gathered::default()).expect("anchors");
            Arc::new(Trust::new([], [authority]))
        };
        world.edge.change(|file| file.trust = vouching());
        let mut curl =
            world.command(Shown::Certificate, &[version, "--no-buffer"], "/guarded").stdout(Stdio::piped()).spawn().expect("curl runs");
        let mut lines = BufReader::new(curl.stdout.take().expect("a pipe")).lines();
        let mut line = || lines.next().transpose().expect("text");
        keeper.open();
        assert_eq!(line().as_deref(), Some("one"));
        // The same again, as after every renewal.
        world.edge.change(|file| file.trust = vouching());
        keeper.open();
        assert_eq!(line().as_deref(), Some("two"));
        world.edge.change(|file| file.trust = Trust::nobody());
        assert!(!curl.wait().expect("curl ends").success());
        assert_eq!(world.edge.sink.told(1), ["proof.issuer cut 200 200"]);
    }
}

/// Tokens of nobody: the client is known by its certificate alone.
fn of_the_mesh(upstream: &Upstream) -> World {
    let setup = Setup::before(upstream).api(|api| api.accept = [CredentialKind::X509].into()).on_record(|credential, limit| {
        limit.rate = None;
        credential.kind = CredentialKind::X509;
        credential.hash = None;
        let subject = Subject::Exactly("dns:client".into());
        credential.binding = Some(Box::new(Binding { trust: TrustName::literal("mesh"), subject, claims: [].into() }));
    });
    let mut world = World::of(setup, ClientCertificates::Request);
    let authority = Authority {
        bundle: Published::Here(world.certify().into()),
        revoked: Box::default(),
        reach: Reach::default(),
        trust_domain: None,
        svids: None,
    };
    let authority = TrustedAuthority::new(&TrustName::literal("mesh"), &authority, Gathered::default()).expect("anchors");
    world.edge.change(|file| file.trust = Arc::new(Trust::new([], [authority])));
    world
}

/// A certificate shows itself in a handshake: whoever is challenged is told to come by a new connection, and passes on that.
#[test]
fn a_challenged_certificate_passes_by_a_new_handshake() {
    let upstream = Upstream::plain();
    for version in ["--http1.1", "--http2"] {
        let (before, world) = (of_the_mesh(&upstream), of_the_mesh(&upstream));
        let said = |world: &World, more: &[&str]| {
            let mut command = world.command(Shown::Certificate, &[version], "/guarded");
            command.args(more).args(["--write-out", "%{stderr}%{http_code} %{num_connects}\\n"]);
            let output = command.stdout(Stdio::null()).output().expect("curl runs");
            String::from_utf8(output.stderr).expect("text")
        };
        assert_eq!(said(&before, &[]), "200 1\n");
        crate::challenges::known_elsewhere(&world.edge, &before.edge.sink.wait(1)[0]);
        // One client, three calls: the connection on which it is challenged takes no further one, and the next is new.
        let url = format!("https://localhost:{}/guarded", world.port());
        assert_eq!(said(&world, &[&url, &url]), "401 1\n200 1\n200 0\n", "{version}");
        let told: Vec<_> = world.edge.sink.wait(3).iter().map(|event| event.ruling.reason().code()).collect();
        assert_eq!(told, ["risk.challenged", "rule.allowed", "rule.allowed"], "{version}");
    }
}

/// The confused deputy: a balancer has a certificate of its own, and passes on for anybody.
#[test]
fn what_a_trusted_proxy_shows_is_not_whom_it_passes_on() {
    let upstream = Upstream::plain();
    let proxies = Proxies::new(["127.0.0.0/8".parse().expect("a network")]);
    let setup = Setup { proxies, ..Setup::before(&upstream).api(|api| api.accept = [CredentialKind::X509].into()) };
    let world = World::of(setup, ClientCertificates::Request);
    let said = |arguments: &[&str]| {
        let said = world.curl(Shown::Certificate, arguments);
        said.rsplit(' ').next().unwrap_or_default().to_owned()
    };
    assert_eq!(said(&["--http1.1"]), "401", "its own call: nobody vouches for its certificate");
    assert_eq!(said(&["--http1.1", "-H", "Forwarded: for=_hidden"]), "400", "nobody in particular is nobody");
    for field in ["X-Forwarded-For: 198.51.100.7", "Forwarded: for=198.51.100.7", "X-Forwarded-For: 127.0.0.1"] {
        assert_eq!(said(&["--http1.1", "-H", field]), "200", "{field}: an operation for anybody, called by nobody in particular");
        assert_eq!(said(&["--http2", "-H", field]), "200", "{field}");
    }
}
