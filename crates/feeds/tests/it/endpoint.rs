//! Bundle endpoints that are known by their SPIFFE id: real TLS with X.509-SVIDs, and who is not believed.

use crate::{
    feed::{Stage, rhythm},
    fixture::{Board, Server, json, until},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::{Arc, Mutex};
use tokio_rustls::TlsAcceptor;
use wardgate_feeds::{
    document::Kind,
    endpoint::SpiffeEndpoint,
    feed::{FeedSpec, Origin},
};
use wardgate_model::trust as model;
use wardgate_proof::x509::TrustDomain;

/// An authority of a trust domain.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    der: Vec<u8>,
}

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

impl Authority {
    fn of(domain: &str, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.subject_alt_names = vec![uri(&format!("spiffe://{domain}"))];
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).unwrap();
        let (pem, der) = (certificate.pem(), certificate.der().to_vec());
        Self { issuer: Issuer::new(params, key), pem, der }
    }

    /// What a server shows that has these names.
    fn certify(&self, names: &[SanType]) -> Arc<CertifiedKey> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.subject_alt_names = names.to_vec();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let key = aws_lc_rs::default_provider().key_provider.load_private_key(key).unwrap();
        Arc::new(CertifiedKey::new(vec![certificate.der().clone()], key))
    }

    /// The bundle that has this authority alone.
    fn bundle(&self) -> String {
        format!(r#"{{"keys":[{{"kty":"EC","use":"x509-svid","x5c":["{}"]}}]}}"#, STANDARD.encode(&self.der))
    }
}

/// What a server shows, which a test changes while it runs.
#[derive(Debug)]
struct Shown(Mutex<Arc<CertifiedKey>>);

impl Shown {
    fn show(&self, certificate: Arc<CertifiedKey>) {
        *self.0.lock().unwrap() = certificate;
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.lock().unwrap()))
    }
}

/// A bundle endpoint.
struct Published {
    server: Server,
    shown: Arc<Shown>,
    board: Board,
}

impl Published {
    async fn start(certificate: Arc<CertifiedKey>, document: String) -> Self {
        let shown = Arc::new(Shown(Mutex::new(certificate)));
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = builder.with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        let board = Board::new(document);
        let read = board.clone();
        let server = Server::start_tls(TlsAcceptor::from(Arc::new(config)), move |_, _| json(&read.read())).await;
        Self { server, shown, board }
    }

    fn spec(&self, stage: &Stage, id: &str, bundle: &str) -> FeedSpec {
        let url = format!("https://{}/bundle", self.server.address).into();
        let endpoint = SpiffeEndpoint::of(&model::SpiffeEndpoint { url, id: id.into(), bundle: bundle.into() }).unwrap();
        let domain = TrustDomain::parse("acme.example").unwrap();
        stage.spec("mesh", Kind::Bundle(domain), Origin::Spiffe(Box::new(endpoint)), rhythm())
    }
}

const ID: &str = "spiffe://acme.example/spire/server";

#[tokio::test]
async fn the_first_bundle_is_given_and_each_vouches_for_who_shows_the_next() {
    let (first, second) = (Authority::of("acme.example", "first"), Authority::of("acme.example", "second"));
    let published = Published::start(first.certify(&[uri(ID)]), second.bundle()).await;
    let stage = Stage::new();
    stage.feeds.keep(vec![published.spec(&stage, ID, &first.pem)]).unwrap();
    stage.take_all();
    // It hands over to another authority: what vouched for it before does so no more.
    until(|| stage.state().failure.is_some()).await;
    let state = stage.state();
    assert!(state.success.is_some() && state.count == 1, "{state:?}");
    let why = state.failure.unwrap().why;
    assert!(why.starts_with("`127.0.0.1` is not believed: ") && why.contains("its certificate proves no SPIFFE id: "), "{why}");
    published.shown.show(second.certify(&[uri(ID)]));
    until(|| stage.state().failure.is_none()).await;
    // A bundle without any authority vouches for nobody, not for who shows the next either, until it is too old to count.
    published.board.write(r#"{"keys":[]}"#);
    until(|| stage.state().failure.is_some()).await;
    assert_eq!(stage.state().count, 0);
    published.shown.show(first.certify(&[uri(ID)]));
    published.board.write(first.bundle());
    stage.advance(rhythm().hard_age);
    until(|| stage.state().count == 1).await;
    assert_eq!(stage.state().failure, None);
}

#[tokio::test]
async fn a_server_that_shows_anything_else_is_told_nothing() {
    let (ours, same_name) = (Authority::of("acme.example", "ca"), Authority::of("acme.example", "ca"));
    let address = SanType::IpAddress("127.0.0.1".parse().unwrap());
    for (certificate, why) in [
        (ours.certify(&[uri("spiffe://acme.example/prod/ledger")]), "it shows `spiffe://acme.example/prod/ledger`"),
        (ours.certify(&[uri("spiffe://acme.example")]), "its certificate proves no SPIFFE id: "),
        (ours.certify(&[uri("spiffe://other.example/spire/server")]), "its certificate proves no SPIFFE id: "),
        (ours.certify(&[uri(ID), uri("https://acme.example")]), "its certificate proves no SPIFFE id: "),
        (ours.certify(std::slice::from_ref(&address)), "its certificate proves no SPIFFE id: "),
        (same_name.certify(&[uri(ID), address]), "its certificate proves no SPIFFE id: "),
    ] {
        let published = Published::start(certificate, ours.bundle()).await;
        let stage = Stage::new();
        stage.feeds.keep(vec![published.spec(&stage, ID, &ours.bundle())]).unwrap();
        stage.take_all();
        until(|| stage.state().failure.is_some()).await;
        let said = stage.state().failure.unwrap().why;
        assert!(said.contains(why), "{said}");
        assert_eq!((published.server.requests().len(), stage.state().success), (0, None));
    }
}

#[tokio::test]
async fn an_endpoint_of_another_domain_is_known_by_the_bundle_that_was_given() {
    let (infra, acme) = (Authority::of("infra.example", "infra"), Authority::of("acme.example", "acme"));
    let id = "spiffe://infra.example/bundles";
    let published = Published::start(infra.certify(&[uri(id)]), acme.bundle()).await;
    let stage = Stage::new();
    stage.feeds.keep(vec![published.spec(&stage, id, &infra.pem)]).unwrap();
    stage.take_all();
    until(|| stage.state().fetches > 3).await;
    assert_eq!((stage.state().failure, stage.state().count), (None, 1));
    // What the domain publishes of itself says nothing of who shows it.
    published.shown.show(acme.certify(&[uri(ID)]));
    until(|| stage.state().failure.is_some()).await;
}

#[test]
fn what_is_declared_of_an_endpoint_is_read_strictly() {
    let (ours, other) = (Authority::of("acme.example", "ca"), Authority::of("other.example", "ca"));
    for (url, id, bundle, said) in [
        ("https://acme.example/b", ID, ours.pem.as_str(), ""),
        ("https://acme.example/b", ID, &ours.bundle(), ""),
        ("http://127.0.0.1/b", ID, &ours.pem, "`bundle`: an endpoint that shows a SPIFFE id is at `https://`"),
        ("https://user@acme.example/b", ID, &ours.pem, "`bundle`: user and password do not belong to it"),
        ("https://acme.example/b", "https://acme.example/x", &ours.pem, "`endpoint_spiffe_id`: "),
        ("https://acme.example/b", "spiffe://acme.example", &ours.pem, "`endpoint_spiffe_id`: it has no path"),
        ("https://acme.example/b", ID, &other.pem, "`endpoint_bundle`: "),
        ("https://acme.example/b", ID, r#"{"keys":[]}"#, "`endpoint_bundle`: there is no `x509-svid` key in it"),
        ("https://acme.example/b", ID, "", "`endpoint_bundle`: "),
    ] {
        let declared = model::SpiffeEndpoint { url: url.into(), id: id.into(), bundle: bundle.into() };
        let read = SpiffeEndpoint::of(&declared).map_or_else(|fault| fault.to_string(), |_| String::new());
        assert!(read.starts_with(said) && read.is_empty() == said.is_empty(), "{url} {id}: {read}");
    }
}
