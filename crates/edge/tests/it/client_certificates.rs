//! Listeners that ask clients for certificates, with `curl` and `openssl` as clients.

use crate::{
    edge::{Running, Setup},
    upstream::Upstream,
};
use rustls::pki_types::PrivateKeyDer;
use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};
use wardgate_edge::{ClientCertificates, Proxies, handshake};
use wardgate_model::credential::CredentialKind;

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

    fn port(&self) -> u16 {
        self.edge.tls.expect("a listener").port()
    }

    /// `body version status` of a request by curl with the client's certificate or without, or `none` without an answer.
    fn curl(&self, with: Shown, arguments: &[&str]) -> String {
        let mut command = Command::new("curl");
        command.args(["--silent", "--max-time", "20", "--noproxy", "*", "--output", "-", "--write-out", " %{http_version} %{http_code}"]);
        command.arg("--cacert").arg(self.path("localhost.pem")).args(arguments);
        command.args(["--resolve", &format!("localhost:{}:127.0.0.1", self.port())]);
        if with == Shown::Certificate {
            command.arg("--cert").arg(self.path("client.pem")).arg("--key").arg(self.path("client.key"));
        }
        let output = command.arg(format!("https://localhost:{}/x", self.port())).output().expect("curl runs");
        if output.status.success() { String::from_utf8(output.stdout).expect("text") } else { "none".to_owned() }
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
    for field in ["X-Forwarded-For: 198.51.100.7", "Forwarded: for=198.51.100.7", "Forwarded: for=_hidden", "X-Forwarded-For: 127.0.0.1"] {
        assert_eq!(said(&["--http1.1", "-H", field]), "200", "{field}: an operation for anybody, called by nobody in particular");
        assert_eq!(said(&["--http2", "-H", field]), "200", "{field}");
    }
}
