//! Upstreams that ask for a certificate of ours.

use crate::{
    edge::{Running, Setup, answer, said},
    upstream::Upstream,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};
use wardgate_model::{
    api::{Target, UpstreamIdentity, UpstreamUrl},
    id::SecretName,
};

/// An authority that certifies the upstream and us.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate for a name, and its key.
    fn certify(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> (String, String) {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        // A name of its own: whoever has the name of its issuer is taken for an authority by some.
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    /// As our secret has it: the chain and the key, one after the other.
    fn secret(&self, name: &str) -> String {
        let (chain, key) = self.certify(name, ExtendedKeyUsagePurpose::ClientAuth);
        chain + &key
    }
}

/// An upstream that lets only certificates of the authority in, and answers with the last byte of what it was shown.
fn demanding(authority: &Authority) -> u16 {
    let (chain, key) = authority.certify("localhost", ExtendedKeyUsagePurpose::ServerAuth);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = Arc::new(builder.with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let config = Arc::clone(&config);
            thread::spawn(move || {
                let mut stream = rustls::StreamOwned::new(rustls::ServerConnection::new(config).unwrap(), socket);
                let (mut head, mut byte) = (Vec::new(), [0]);
                while matches!(stream.read(&mut byte), Ok(1)) {
                    head.push(byte[0]);
                    if head.ends_with(b"\r\n\r\n") {
                        head.clear();
                        let body = fingerprint(&stream.conn.peer_certificates().unwrap()[0]);
                        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                        if stream.write_all(answer.as_bytes()).is_err() {
                            return;
                        }
                    }
                }
            });
        }
    });
    port
}

/// By what a certificate can be told from another.
fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate);
    hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn fingerprint_of(secret: &str) -> String {
    fingerprint(&CertificateDer::from_pem_slice(secret.as_bytes()).unwrap())
}

fn start(authority: &Authority, port: u16, secrets: Vec<(&'static str, String)>) -> Running {
    let unused = Upstream::plain();
    let mut setup = Setup::before(&unused).api(|api| {
        api.upstream.target = Target::Http([UpstreamUrl { tls: true, host: "localhost".into(), port }].into());
        api.upstream.wire.ca = Some(authority.pem.as_bytes().into());
        api.upstream.identity = UpstreamIdentity::ClientCertificate { secret: SecretName::literal("edge") };
    });
    setup.secrets = secrets;
    setup.start()
}

/// The body of an answer, or what was refused.
fn get(edge: &Running) -> String {
    let told = edge.raw("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    if said(&told) == "200" { told.rsplit("\r\n").next().unwrap().to_owned() } else { said(&told) }
}

#[test]
fn the_upstream_sees_the_certificate_of_the_secret() {
    let authority = Authority::new();
    let port = demanding(&authority);
    let secret = authority.secret("edge.example");
    let edge = start(&authority, port, vec![("edge", secret.clone())]);
    assert_eq!(get(&edge), fingerprint_of(&secret));
    // The key may come first.
    let (chain, key) = authority.certify("edge.example", ExtendedKeyUsagePurpose::ClientAuth);
    let edge = start(&authority, port, vec![("edge", format!("{key}{chain}"))]);
    assert_eq!(get(&edge), fingerprint_of(&chain));
}

#[test]
fn without_a_certificate_that_can_be_used_nobody_is_called() {
    let authority = Authority::new();
    let port = demanding(&authority);
    let (chain, key) = authority.certify("edge.example", ExtendedKeyUsagePurpose::ClientAuth);
    let (_, foreign) = authority.certify("edge.example", ExtendedKeyUsagePurpose::ClientAuth);
    for secrets in [
        vec![],
        vec![("edge", "no certificate".to_owned())],
        vec![("edge", chain.clone())],
        vec![("edge", key.clone())],
        vec![("edge", format!("{chain}{foreign}"))],
    ] {
        assert_eq!(get(&start(&authority, port, secrets)), "503 forward.no_secret");
    }
    // One of somebody else is refused by the upstream.
    let told = get(&start(&authority, port, vec![("edge", Authority::new().secret("edge.example"))]));
    assert!(told.starts_with("502 forward."), "{told}");
}

#[test]
fn another_certificate_is_taken_up_without_a_failed_request() {
    let authority = Authority::new();
    let port = demanding(&authority);
    let secrets = [authority.secret("edge.example"), authority.secret("edge.example")];
    let prints = secrets.clone().map(|secret| fingerprint_of(&secret));
    let mut edge = start(&authority, port, vec![("edge", secrets[0].clone())]);
    let (over, taken) = (AtomicBool::new(false), AtomicUsize::new(0));
    let address = edge.public;
    thread::scope(|scope| {
        let callers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut socket = crate::edge::connect(address);
                    let mut shown = Vec::new();
                    while !over.load(Ordering::SeqCst) {
                        socket.write_all(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
                        let told = answer(&mut socket);
                        assert_eq!(said(&told), "200");
                        shown.push(told.rsplit("\r\n").next().unwrap().to_owned());
                        taken.fetch_add(1, Ordering::SeqCst);
                    }
                    shown
                })
            })
            .collect();
        let wait = |more: usize| {
            let until = taken.load(Ordering::SeqCst) + more;
            while taken.load(Ordering::SeqCst) < until {
                thread::yield_now();
            }
        };
        wait(50);
        // A change of something else makes no new connection, let alone another certificate.
        edge.change(|_| {});
        wait(50);
        edge.change(|file| file.secrets = vec![("edge", secrets[1].clone())]);
        wait(50);
        over.store(true, Ordering::SeqCst);
        for caller in callers {
            let mut shown = caller.join().unwrap();
            shown.dedup();
            assert!(shown == prints || shown == prints[..1] || shown == prints[1..], "{shown:?}");
        }
    });
    assert_eq!(get(&edge), prints[1]);
}

#[test]
fn openssl_verifies_it() {
    let authority = Authority::new();
    let files = tempfile::tempdir().unwrap();
    let (chain, key) = authority.certify("localhost", ExtendedKeyUsagePurpose::ServerAuth);
    for (name, text) in [("ca.pem", &authority.pem), ("server.pem", &chain), ("server.key", &key)] {
        fs::write(files.path().join(name), text).unwrap();
    }
    let mut command = Command::new("openssl");
    command.args(["s_server", "-accept", "127.0.0.1:0", "-Verify", "2", "-verify_return_error", "-www"]);
    command.args(["-CAfile", "ca.pem", "-cert", "server.pem", "-key", "server.key"]).current_dir(files.path());
    let mut server = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let port = loop {
        let line = lines.next().unwrap().unwrap();
        if let Some(port) = line.strip_prefix("ACCEPT ").and_then(|place| place.rsplit(':').next()) {
            break port.trim().parse().unwrap();
        }
    };
    let edge = start(&authority, port, vec![("edge", authority.secret("edge.example"))]);
    let told = edge.raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(said(&told), "200", "{told}");
    assert!(told.contains("Client certificate") && told.contains("DNS:edge.example"), "{told}");
    let stranger = start(&authority, port, vec![("edge", Authority::new().secret("edge.example"))]);
    let told = said(&stranger.raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert!(told.starts_with("502 forward."), "{told}");
    server.kill().unwrap();
    server.wait().unwrap();
}
