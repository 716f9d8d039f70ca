//! Proofs that others vouch for, through the binary: tokens of PyPI-and-npm issuers, certificates by `openssl`.

use crate::{
    gate::{Gate, Place, until},
    http::{self, Answer, bearer},
    provider::Provider,
    upstream::{Nobody, Upstream},
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::SocketAddr,
    os::unix::fs::symlink,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

const API: &str = "\
kind: Api
name: ledger
spec:
  policy_owner: shop-team
  business_owner: shop-team
  environment: production
  match: { path_prefix: /ledger }
  accept: [ACCEPT]
  upstream: { urls: ['UPSTREAM'] }
  operations: [{ match: 'GET /entries', class: list }]
---
kind: Identity
name: ledger-ci
spec:
  type: ci_job
  owner: shop-team
  environment: production
  purpose: deploys the ledger
  credentials: [{ name: main, CREDENTIAL }]
---
kind: Grant
name: ledger-ci-lists
spec: { to: { identity: ledger-ci }, api: ledger, operations: [list] }
---
";

pub(crate) fn world(place: &Place, upstream: &Upstream, accept: &str, credential: &str, trust: &str) {
    let api = API.replace("ACCEPT", accept).replace("CREDENTIAL", credential).replace("UPSTREAM", &upstream.url());
    place.write("resources/ledger.yaml", &format!("{api}{trust}"));
}

fn list(gate: &Gate, token: &str) -> Answer {
    http::ask(gate.public, "GET /ledger/entries", &[("Authorization", &bearer(token))], "")
}

#[test]
fn an_issuer_rotates_its_keys_under_load_and_no_honest_request_is_lost() {
    let (upstream, place, issuer) = (Upstream::plain(), Place::bare(), Provider::start());
    let at = issuer.address;
    let trust = format!(
        "kind: TrustSource\nname: ci\nspec: {{ type: oidc, issuer: 'http://{at}', audiences: [wardgate], networks: [127.0.0.0/8], life_max: 10m }}\n"
    );
    world(&place, &upstream, "jwt", "type: oidc, trust: ci, subject: ledger-ci", &trust);
    let gate = place.serve();
    // The first request may come before the first fetch has ended: it waits for it.
    let first = issuer.token("ledger-ci");
    assert_eq!(list(&gate, &first).said(), "200");
    assert_eq!(list(&gate, &issuer.token("stranger")).said(), "401 proof.invalid");
    assert_eq!(list(&gate, &format!("{}x", first)).said(), "401 proof.invalid");
    let (stop, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let load: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let answer = list(&gate, &issuer.token("ledger-ci"));
                        assert_eq!(answer.said(), "200", "{answer:?}");
                        served.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let more = |count: usize| until("the load", || (served.load(Ordering::Relaxed) >= count).then_some(()));
        more(4);
        issuer.told("POST /rotate");
        // A token by the new key is let in at once, and one by the old key still is.
        assert_eq!(list(&gate, &issuer.token("ledger-ci")).said(), "200");
        assert_eq!(list(&gate, &first).said(), "200");
        more(served.load(Ordering::Relaxed) + 4);
        stop.store(true, Ordering::Relaxed);
        load.into_iter().for_each(|thread| thread.join().unwrap());
    });
    let told = gate.metric("wardgate_trust_fetches_total{trust=\"ci\"}");
    assert!(told.is_some_and(|fetches| (2..10).contains(&fetches)), "{told:?} fetches");
    assert!(gate.metric("wardgate_trust_keys{trust=\"ci\"}").is_some_and(|keys| keys > 0));
    assert!(gate.metric("wardgate_trust_age_seconds{trust=\"ci\"}").is_some_and(|age| age < 60));
    assert_eq!(gate.metric("wardgate_trust_failing{trust=\"ci\"}"), Some(0));
    assert_eq!(http::ask(gate.admin, "GET /readyz", &[], "").body, "ready\n");
    assert_eq!(gate.end().0, Some(0));
    let events = place.events();
    let mut named = events.iter().filter(|event| event["identity"]["name"] == "ledger-ci" && event["proof"]["kind"] == "jwt").peekable();
    assert!(named.peek().is_some() && named.all(|event| event["token"]["issuer"] == format!("http://{at}")));
}

#[test]
fn an_issuer_that_never_answered_is_named_where_operators_look() {
    let (upstream, place) = (Upstream::plain(), Place::bare());
    let taken = Nobody::new();
    let nobody = taken.address;
    let trust = format!(
        "kind: TrustSource\nname: ci\nspec: {{ type: oidc, issuer: 'http://{nobody}', audiences: [wardgate], networks: [127.0.0.0/8] }}\n"
    );
    world(&place, &upstream, "jwt", "type: oidc, trust: ci, subject: ledger-ci", &trust);
    let gate = place.serve();
    until("the first failure", || gate.metric("wardgate_trust_failing{trust=\"ci\"}").filter(|failing| *failing == 1));
    let ready = http::ask(gate.admin, "GET /readyz", &[], "");
    assert_eq!(ready.status, 200, "others are served: {ready:?}");
    let line = format!("trust source `ci`: the keys from `http://{nobody}` were never fetched: ");
    assert!(ready.body.lines().any(|told| told.strip_prefix(&line).is_some_and(|why| why.len() > 10)), "{ready:?}");
    assert_eq!(gate.metric("wardgate_trust_keys{trust=\"ci\"}"), Some(0));
    assert_eq!(gate.metric("wardgate_trust_age_seconds{trust=\"ci\"}"), None, "there is nothing that could be old");
    let part = |json: &str| {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        URL_SAFE_NO_PAD.encode(json)
    };
    let claims = format!("{{\"iss\":\"http://{nobody}\",\"sub\":\"ledger-ci\",\"aud\":\"wardgate\",\"exp\":4102444800}}");
    let answer = list(&gate, &format!("{}.{}.{}", part("{\"alg\":\"ES256\",\"kid\":\"k\"}"), part(&claims), part(&"s".repeat(64))));
    assert_eq!(answer.said(), "503 proof.keys_away", "whether it is genuine nobody knows");
    assert!(answer.field("retry-after").is_some_and(|after| after.parse::<u64>().is_ok_and(|after| after > 0)), "{answer:?}");
}

#[test]
fn an_issuer_is_asked_about_its_opaque_tokens_and_what_it_revokes_is_refused() {
    let (upstream, place, issuer) = (Upstream::plain(), Place::bare(), Provider::start());
    let at = issuer.address;
    let trust = format!(
        "kind: TrustSource\nname: idp\nspec: {{ type: introspection, issuer: 'http://{at}', audiences: [wardgate], \
         url: 'http://{at}/token/introspection', client_id: gate, secret: idp-secret, subject_claim: client_id, remember: 1ms, \
         networks: [127.0.0.0/8] }}\n"
    );
    world(&place, &upstream, "jwt, api_key", "type: oidc, trust: idp, subject: opaque-ci", &trust);
    let gate = place.serve();
    let token = issuer.token("opaque-ci");
    assert!(!token.contains('.'), "it is opaque: {token}");
    // Who we are there is not on record yet: nobody knows what the token is, and nothing reaches the upstream.
    assert_eq!(list(&gate, &token).said(), "503 proof.keys_away");
    place.run(&gate, &["secret", "put", "idp-secret"], "another").with(0);
    assert_eq!(list(&gate, &token).said(), "503 proof.keys_away", "the issuer does not know us");
    let ready = http::ask(gate.admin, "GET /readyz", &[], "").body;
    assert!(ready.contains("trust source `idp`: its tokens cannot be asked about: the introspection endpoint does not accept"), "{ready}");
    place.run(&gate, &["secret", "put", "idp-secret"], "of-the-test").with(0);
    assert!(upstream.received().is_empty());
    assert_eq!(list(&gate, &token).said(), "200");
    assert_eq!(http::ask(gate.admin, "GET /readyz", &[], "").body, "ready\n");
    assert_eq!(list(&gate, "not-one-of-its-tokens").said(), "401 proof.invalid");
    assert_eq!(issuer.form("POST /token/revocation", "opaque-ci", &format!("token={token}")).status, 200);
    until("the revocation counts", || (list(&gate, &token).said() == "401 proof.invalid").then_some(()));
    assert_eq!(gate.end().0, Some(0));
    let events = place.events();
    let let_in: Vec<_> = events.iter().filter(|event| event["ruling"]["response"] == "allow" && event["api"]["name"] == "ledger").collect();
    assert!(!let_in.is_empty(), "{events:?}");
    assert_eq!((&let_in[0]["identity"]["name"], &let_in[0]["proof"]["kind"]), (&"ledger-ci".into(), &"jwt".into()));
    assert_eq!(let_in[0]["token"]["issuer"], format!("http://{at}"));
    assert!(!format!("{events:?}").contains(&token), "no event holds the token");
}

/// An authority of a test.
pub(crate) struct Authority(pub(crate) CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate with this name and number, into `name.pem` and `name.key`.
    pub(crate) fn certify(&self, directory: &Path, file: &str, name: SanType, serial: u64) {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![name];
        params.serial_number = Some(SerialNumber::from(serial));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        std::fs::write(directory.join(format!("{file}.pem")), certificate.pem()).unwrap();
        std::fs::write(directory.join(format!("{file}.key")), key.serialize_pem()).unwrap();
    }

    /// Its revocation list of this number, PEM.
    pub(crate) fn revoked(&self, serial: Option<u64>, number: u64) -> String {
        let revoked = serial.map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 2),
            next_update: date_time_ymd(2060, 1, 1),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: revoked.into_iter().collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let issuer: &Issuer<'_, KeyPair> = &self.0;
        params.signed_by(issuer).unwrap().pem().unwrap()
    }
}

/// `openssl s_client` with a certificate, on one connection.
pub(crate) struct Client {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Client {
    pub(crate) fn open(directory: &Path, address: SocketAddr, certificate: &str) -> Self {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-ign_eof", "-connect", &address.to_string(), "-servername", "localhost"]);
        command.args(["-cert", &format!("{certificate}.pem"), "-key", &format!("{certificate}.key")]).current_dir(directory);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    /// The status of an answer, and the code of a refusal; or `cut`, and the connection is no use then (docs/wire.md).
    pub(crate) fn ask(&mut self) -> String {
        self.input.write_all(b"GET /ledger/entries HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        self.input.flush().unwrap();
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).unwrap() == 0 {
                return "cut".to_owned();
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        if self.output.read_exact(&mut body).is_err() {
            return "cut".to_owned();
        }
        let status = head.split(' ').nth(1).unwrap().to_owned();
        let code = serde_json::from_slice::<serde_json::Value>(&body).ok().and_then(|body| body["code"].as_str().map(str::to_owned));
        code.map_or(status.clone(), |code| format!("{status} {code}"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_certificate_is_revoked_on_an_open_connection() {
    let (upstream, place) = (Upstream::plain(), Place::bare());
    let (mesh, strangers) = (Authority::new(), Authority::new());
    let spiffe = |path: &str| SanType::URI(format!("spiffe://acme.example/{path}").try_into().unwrap());
    mesh.certify(place.path(), "workload", spiffe("prod/ledger"), 7);
    mesh.certify(place.path(), "other", spiffe("prod/other"), 8);
    strangers.certify(place.path(), "forged", spiffe("prod/ledger"), 7);
    mesh.certify(place.path(), "edge", SanType::DnsName("localhost".try_into().unwrap()), 9);
    place.write("resources/mesh.pem", &mesh.0.pem());
    place.write("resources/revoked.pem", &mesh.revoked(None, 1));
    place.change(
        "wardgate.yaml",
        "public_url: 'https://gate.test' }",
        "public_url: 'https://gate.test', tls: { certificate: file:edge.pem, key: file:edge.key, client_certificates: request } }",
    );
    let trust = "kind: TrustSource\nname: mesh\nspec: { type: spiffe, trust_domain: acme.example, bundle: file:mesh.pem, revoked: [file:revoked.pem] }\n";
    world(&place, &upstream, "x509", "type: x509, trust: mesh, spiffe_id: spiffe://acme.example/prod/ledger", trust);
    let gate = place.serve();
    let open = |certificate: &str| Client::open(place.path(), gate.public, certificate);
    let mut stolen = open("workload");
    assert_eq!(stolen.ask(), "200");
    assert_eq!(stolen.ask(), "200", "the same connection");
    assert_eq!(open("other").ask(), "401 proof.invalid", "a genuine certificate of nobody on record");
    assert_eq!(open("forged").ask(), "401 proof.invalid", "the right name by the wrong authority");
    place.write("resources/revoked.pem", &mesh.revoked(Some(7), 2));
    until("the revocation", || (open("workload").ask() == "401 proof.invalid").then_some(()));
    assert_eq!(stolen.ask(), "401 proof.invalid", "the connection that was open before");
    let events =
        until("the events", || Some(place.events()).filter(|events| events.iter().any(|event| event["ruling"]["code"] == "proof.revoked")));
    let good = events.iter().find(|event| event["ruling"]["code"] == "rule.allowed").unwrap();
    assert_eq!((&good["proof"]["kind"], &good["proof"]["bound"]), (&"x509".into(), &true.into()));
}

#[test]
fn files_that_nobody_follows_are_obeyed_however_others_are_put_in_their_place() {
    let (upstream, place, mesh) = (Upstream::plain(), Place::bare(), Authority::new());
    let spiffe = |path: &str| SanType::URI(format!("spiffe://acme.example/{path}").try_into().unwrap());
    mesh.certify(place.path(), "workload", spiffe("prod/ledger"), 7);
    mesh.certify(place.path(), "other", spiffe("prod/other"), 8);
    mesh.certify(place.path(), "edge", SanType::DnsName("localhost".try_into().unwrap()), 9);
    // A volume as Kubernetes makes it, beside the resources.
    place.write("trust/v1/mesh.pem", &mesh.0.pem());
    place.write("trust/v1/revoked.pem", &mesh.revoked(None, 1));
    let trust = place.path().join("trust");
    for (link, to) in [("..data", "v1"), ("mesh.pem", "..data/mesh.pem"), ("revoked.pem", "..data/revoked.pem")] {
        symlink(to, trust.join(link)).unwrap();
    }
    place.change(
        "wardgate.yaml",
        "public_url: 'https://gate.test' }",
        "public_url: 'https://gate.test', tls: { certificate: file:edge.pem, key: file:edge.key, client_certificates: request } }",
    );
    let source = "kind: TrustSource\nname: mesh\nspec: { type: spiffe, trust_domain: acme.example, bundle: file:trust/mesh.pem, revoked: [file:../trust/revoked.pem] }\n";
    world(&place, &upstream, "x509", "type: x509, trust: mesh, spiffe_id: spiffe://acme.example/prod/ledger", source);
    let gate = place.serve();
    let open = |certificate: &str| Client::open(place.path(), gate.public, certificate);
    let mut stolen = open("workload");
    assert_eq!((stolen.ask(), open("other").ask()), ("200".into(), "401 proof.invalid".into()));

    // The volume is swapped: only a link changes, and nowhere that is followed.
    place.write("trust/v2/mesh.pem", &mesh.0.pem());
    place.write("trust/v2/revoked.pem", &mesh.revoked(Some(7), 2));
    symlink("v2", trust.join("..next")).unwrap();
    fs::rename(trust.join("..next"), trust.join("..data")).unwrap();
    until("the revocation", || match &*stolen.ask() {
        "cut" => {
            stolen = open("workload");
            None
        }
        said => (said == "401 proof.invalid").then_some(()),
    });

    // Another directory of resources is moved into the place of the one that is followed, and then changed where it is.
    let bound = |path: &str| format!("spiffe_id: spiffe://acme.example/prod/{path}");
    let text = |name: &str| fs::read_to_string(place.path().join(name)).unwrap();
    place.write("next/ground.yaml", &text("resources/ground.yaml"));
    place.write("next/ledger.yaml", &text("resources/ledger.yaml").replace(&bound("ledger"), &bound("other")));
    fs::rename(place.path().join("resources"), place.path().join("last")).unwrap();
    fs::rename(place.path().join("next"), place.path().join("resources")).unwrap();
    until("the other directory", || (open("other").ask() == "200").then_some(()));
    place.change("resources/ledger.yaml", &bound("other"), &bound("nobody"));
    until("a change in it", || (open("other").ask() == "401 proof.invalid").then_some(()));
}
