//! Who a server is: TLS with roots of our own, and what is refused.

use crate::fixture::{BOUNDS, Names, Reply, Server, Want, answer, json};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::{sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use wardgate_feeds::{fetch::Bounds, roots::Roots, target::Target};

/// An authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// What a server of this name shows, valid from and to these years.
    pub(crate) fn server(&self, name: &str, years: (i32, i32)) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
        params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let builder = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![certificate.der().clone()], key).unwrap()))
    }
}

pub(crate) const VALID: (i32, i32) = (2020, 2100);

fn want(authority: &Authority) -> Want {
    let names = Arc::new(Names::new(&[("issuer.example", &[&["127.0.0.1"]])]));
    Want { names, roots: Roots::only(&authority.pem).unwrap(), ..Want::new() }
}

fn target(server: &Server) -> Target {
    Target::parse(&format!("https://issuer.example:{}/keys", server.address.port())).unwrap()
}

#[tokio::test]
async fn a_server_is_believed_by_our_roots_and_no_others() {
    let (ours, others) = (Authority::new(), Authority::new());
    let server = Server::start_tls(ours.server("issuer.example", VALID), |_, _| json("{}")).await;
    assert_eq!(want(&ours).said(&target(&server)).await, "{}");
    for roots in [Roots::only(&others.pem).unwrap(), Roots::system().unwrap()] {
        let said = Want { roots, ..want(&ours) }.said(&target(&server)).await;
        assert!(said.starts_with("no: `issuer.example` is not believed: "), "{said}");
    }
    assert_eq!(server.requests().len(), 1, "nothing is said to whom we do not believe");
}

#[tokio::test]
async fn a_certificate_is_of_the_name_and_of_the_time() {
    let ours = Authority::new();
    for (name, years) in
        [("other.example", VALID), ("127.0.0.1", VALID), ("issuer.example", (2000, 2001)), ("issuer.example", (2099, 2100))]
    {
        let server = Server::start_tls(ours.server(name, years), |_, _| json("{}")).await;
        let said = want(&ours).said(&target(&server)).await;
        assert!(said.starts_with("no: `issuer.example` is not believed: "), "{name} {years:?}: {said}");
        assert!(server.requests().is_empty());
    }
    let server = Server::start_tls(ours.server("127.0.0.1", VALID), |_, _| json("{}")).await;
    let bare = Target::parse(&format!("https://127.0.0.1:{}/", server.address.port())).unwrap();
    assert_eq!(want(&ours).said(&bare).await, "{}", "an address is a name too");
}

#[tokio::test]
async fn who_speaks_no_tls_is_told_nothing() {
    let ours = Authority::new();
    let server = Server::start(|_, _| json("{}")).await;
    let bounds = Bounds { connect: Duration::from_millis(100), ..BOUNDS };
    let said = Want { bounds, ..want(&ours) }.said(&target(&server)).await;
    assert_eq!(said, "no: the TLS handshake was not over within 100 ms");
    assert!(server.requests().iter().all(|request| !request.contains("/keys")));

    // A listener that takes connections and never shakes hands.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::parse(&format!("https://issuer.example:{}/", silent.local_addr().unwrap().port())).unwrap();
    assert_eq!(Want { bounds, ..want(&ours) }.said(&target).await, "no: the TLS handshake was not over within 100 ms");
}

#[tokio::test]
async fn a_redirect_does_not_leave_tls() {
    let (ours, plain) = (Authority::new(), Server::start(|_, _| json("secret")).await);
    let location = format!("location: {}", plain.url("/"));
    let server = Server::start_tls(ours.server("issuer.example", VALID), move |_, _| answer("302 Found", &[&location], "")).await;
    let want = Want { bounds: Bounds { redirects_max: 5, ..BOUNDS }, ..want(&ours) };
    assert!(want.said(&target(&server)).await.ends_with("redirects are not followed"));
    assert_eq!(plain.connections(), 0);
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_no_body() {
    let ours = Authority::new();
    let cut = Reply::Whole(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"keys\":[]}".to_vec());
    let server = Server::start_tls(ours.server("issuer.example", VALID), move |_, _| cut.clone()).await;
    let said = want(&ours).said(&target(&server)).await;
    assert!(said.starts_with("no: the exchange broke: "), "{said}");
}
