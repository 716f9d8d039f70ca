//! What clients' handshakes tell of their software, by events: `curl`, `openssl` and rustls.

use crate::{
    edge::{Running, Setup},
    upstream::Upstream,
};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    process::{Command, Stdio},
    sync::Arc,
};
use wardgate_edge::{ClientCertificates, Proxies, handshake};

const REQUEST: &str = "GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

struct World {
    edge: Running,
    files: tempfile::TempDir,
    rustls: Arc<ClientConfig>,
}

impl World {
    fn new(proxies: Proxies) -> Self {
        let files = tempfile::tempdir().expect("a directory");
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        fs::write(files.path().join("root.pem"), made.cert.pem()).expect("written");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let certificate: CertificateDer<'static> = made.cert.der().clone();
        let config = handshake::server_config(vec![certificate.clone()], key, ClientCertificates::Off).expect("a configuration");
        let upstream = Upstream::plain();
        let edge = Setup { tls: Some(config), proxies, ..Setup::before(&upstream) }.start();
        let mut roots = RootCertStore::empty();
        roots.add(certificate).expect("a root");
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
        Self { edge, files, rustls: Arc::new(builder.with_root_certificates(roots).with_no_client_auth()) }
    }

    fn port(&self) -> u16 {
        self.edge.tls.expect("a listener").port()
    }

    fn curl(&self, arguments: &[&str]) {
        let mut command = Command::new("curl");
        command.args(["--silent", "--max-time", "60", "--noproxy", "*", "--output", "-"]).args(arguments);
        command.args(["--cacert", "root.pem", "--resolve", &format!("localhost:{}:127.0.0.1", self.port())]);
        command.arg(format!("https://localhost:{}/x", self.port())).current_dir(self.files.path());
        assert!(command.output().expect("curl runs").status.success());
    }

    fn openssl(&self, arguments: &[&str]) {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-connect", &format!("127.0.0.1:{}", self.port()), "-servername", "localhost"]);
        command.args(arguments).current_dir(self.files.path());
        let mut client = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("openssl runs");
        client.stdin.take().expect("a pipe").write_all(REQUEST.as_bytes()).expect("sent");
        client.wait_with_output().expect("openssl ends");
    }

    fn rustls(&self) -> HandshakeKind {
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = ClientConnection::new(Arc::clone(&self.rustls), name).expect("a connection");
        let mut stream = StreamOwned::new(connection, TcpStream::connect(("127.0.0.1", self.port())).expect("connects"));
        stream.write_all(REQUEST.as_bytes()).expect("sent");
        stream.read_to_end(&mut Vec::new()).expect("answered");
        stream.conn.handshake_kind().expect("it is over")
    }

    fn told(&self, count: usize) -> Vec<Option<String>> {
        self.edge.sink.wait(count).iter().map(|event| event.facts.source.tls.as_deref().map(str::to_owned)).collect()
    }
}

#[test]
fn one_software_has_one_fingerprint_and_another_another() {
    let world = World::new(Proxies::default());
    for _ in 0..2 {
        world.curl(&["--http1.1"]);
        world.openssl(&["-tls1_3"]);
    }
    // The second one resumes the session of the first, and is the same client.
    assert_eq!(world.rustls(), HandshakeKind::Full);
    assert_eq!(world.rustls(), HandshakeKind::Resumed);
    world.curl(&["--http2"]);
    world.curl(&["--http1.1", "--tls-max", "1.2"]);
    let told: Vec<String> = world.told(8).into_iter().map(|told| told.expect("by TLS")).collect();
    let [curl, openssl, again, once_more, rustls, resumed, http2, old] = &told[..] else { panic!("{told:?}") };
    assert_eq!((curl, openssl, rustls), (again, once_more, resumed), "{told:?}");
    let mut apart = [curl, openssl, rustls, http2, old];
    apart.sort();
    assert!(apart.windows(2).all(|pair| pair[0] != pair[1]), "{told:?}");
    assert!(curl.starts_with("w1_t13d") && old.starts_with("w1_t12d"), "{told:?}");
}

#[test]
fn who_comes_without_tls_or_is_passed_on_has_none() {
    let world = World::new(Proxies::new(["127.0.0.0/8".parse().expect("a network")]));
    world.edge.raw(REQUEST);
    world.curl(&["-H", "X-Forwarded-For: 198.51.100.7"]);
    world.curl(&["-H", "Forwarded: for=198.51.100.7"]);
    world.curl(&[]);
    let told = world.told(4);
    assert_eq!(told.iter().map(Option::is_some).collect::<Vec<_>>(), [false, false, false, true], "{told:?}");
}
