use super::*;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, RootCertStore,
    client::{ResolvesClientCert, Resumption, WebPkiServerVerifier},
    sign::CertifiedKey,
};
use std::sync::Arc;

const TLS12: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS12];
const TLS13: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// What a client has to show.
enum Has {
    Nothing,
    /// A certificate with its key, self-signed.
    Own,
    /// A certificate of the authority, and the authority's.
    Issued,
    /// A certificate whose key it has not.
    Stolen,
    /// Its own, and so many more.
    Many(usize),
}

struct World {
    server: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl World {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        Self { server: made.cert.der().clone(), key }
    }

    fn server(&self, clients: ClientCertificates) -> Arc<ServerConfig> {
        Arc::new(server_config(vec![self.server.clone()], self.key.clone_key(), clients).expect("a configuration"))
    }

    fn client(&self, has: &Has, versions: &[&'static rustls::SupportedProtocolVersion]) -> ClientConfig {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.server.clone()).expect("a root");
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().expect("a verifier");
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).expect("versions");
        let builder = builder.with_webpki_verifier(verifier);
        let mut config = match certificates(has) {
            None => builder.with_no_client_auth(),
            Some(shown) => builder.with_client_cert_resolver(Arc::new(Shows(Arc::new(shown)))),
        };
        config.resumption = Resumption::in_memory_sessions(8);
        config
    }
}

/// Shows it, whatever is asked for.
#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesClientCert for Shows {
    fn resolve(&self, hints: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        assert!(hints.is_empty(), "whom we trust is told");
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn certificates(has: &Has) -> Option<CertifiedKey> {
    let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("an authority");
    let client = CertificateParams::new(vec!["client.example".to_owned()]).expect("parameters");
    let (key, other) = (KeyPair::generate().expect("a key"), KeyPair::generate().expect("a key"));
    let own = client.self_signed(&key).expect("a certificate").der().clone();
    let (shown, key) = match has {
        Has::Nothing => return None,
        Has::Own => (vec![own], key),
        Has::Issued => (vec![client.signed_by(&key, &authority).expect("a certificate").der().clone(), authority.der().clone()], key),
        Has::Stolen => (vec![own], other),
        Has::Many(count) => (std::iter::once(own).chain(std::iter::repeat_n(authority.der().clone(), *count)).collect(), key),
    };
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).expect("a key");
    Some(CertifiedKey::new(shown, key))
}

/// One connection: the certificates that were seen, or `None` where there is no connection.
fn connect(
    server: &Arc<ServerConfig>,
    client: &ClientConfig,
) -> Option<(Option<Arc<CertificateChain>>, ServerConnection, ClientConnection)> {
    let mut server = ServerConnection::new(Arc::clone(server)).expect("a server");
    let mut client = ClientConnection::new(Arc::new(client.clone()), "localhost".try_into().expect("a name")).expect("a client");
    // A few flights more than any handshake has: session tickets come after it.
    for _ in 0..6 {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).expect("memory");
        }
        let mut sent = &wire[..];
        while !sent.is_empty() {
            server.read_tls(&mut sent).expect("memory");
            server.process_new_packets().ok()?;
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).expect("memory");
        }
        let mut sent = &wire[..];
        while !sent.is_empty() {
            client.read_tls(&mut sent).expect("memory");
            client.process_new_packets().ok()?;
        }
    }
    assert!(!server.is_handshaking() && !client.is_handshaking());
    Some((shown(&server), server, client))
}

/// How many certificates were seen: `refused` where there is no connection.
fn outcome(clients: ClientCertificates, has: &Has, versions: &[&'static rustls::SupportedProtocolVersion]) -> String {
    let world = World::new();
    match connect(&world.server(clients), &world.client(has, versions)) {
        None => "refused".to_owned(),
        Some((None, ..)) => "none".to_owned(),
        Some((Some(chain), ..)) => chain.all().len().to_string(),
    }
}

#[test]
fn what_is_shown_is_passed_on_and_what_is_not_possessed_breaks_the_handshake() {
    use ClientCertificates::{Off, Request, Require};
    for versions in [TLS12, TLS13] {
        for (clients, has, seen) in [
            (Off, Has::Nothing, "none"),
            (Off, Has::Own, "none"),
            (Request, Has::Nothing, "none"),
            (Request, Has::Own, "1"),
            (Request, Has::Issued, "2"),
            (Request, Has::Stolen, "refused"),
            (Request, Has::Many(7), "8"),
            (Request, Has::Many(8), "refused"),
            (Require, Has::Nothing, "refused"),
            (Require, Has::Own, "1"),
            (Require, Has::Issued, "2"),
            (Require, Has::Stolen, "refused"),
        ] {
            assert_eq!(outcome(clients, &has, versions), seen, "{clients:?} {versions:?}");
        }
    }
}

#[test]
fn a_session_is_resumed_only_where_no_certificate_is_asked_for() {
    use rustls::HandshakeKind::{Full, Resumed};
    for (versions, protocol) in [(TLS12, ProtocolVersion::TLSv1_2), (TLS13, ProtocolVersion::TLSv1_3)] {
        for (clients, second) in
            [(ClientCertificates::Off, Resumed), (ClientCertificates::Request, Full), (ClientCertificates::Require, Full)]
        {
            let world = World::new();
            let (server, client) = (world.server(clients), world.client(&Has::Own, versions));
            let kinds = [(); 2].map(|()| {
                let (_, server, client) = connect(&server, &client).expect("a connection");
                assert_eq!(server.protocol_version(), Some(protocol));
                (server.handshake_kind(), client.handshake_kind(), client.tls13_tickets_received() > 0)
            });
            let tickets = protocol == ProtocolVersion::TLSv1_3 && clients == ClientCertificates::Off;
            assert_eq!(kinds, [(Some(Full), Some(Full), tickets), (Some(second), Some(second), tickets)], "{clients:?} {versions:?}");
        }
    }
}

#[test]
fn a_listener_needs_the_key_of_its_certificate() {
    let (one, two) = (World::new(), World::new());
    assert!(server_config(vec![one.server], two.key, ClientCertificates::Off).is_err());
    assert!(server_config(Vec::new(), one.key, ClientCertificates::Off).is_err());
}
