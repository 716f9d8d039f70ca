use super::{State, ready};
use crate::control::trust::Held;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType};
use std::{sync::Arc, time::Duration};
use wardgate_feeds::{document::Document, feed::FeedSpec};
use wardgate_gate::trust::{Certificate, Trouble, Trust};
use wardgate_model::{
    id::TrustName,
    proof::CertificateChain,
    reason::Reason,
    time::Time,
    trust::{Authority, Issuer, Keys, Published, Reach, TrustSource, Vouches},
};
use wardgate_proof::jws::{Signer, jwks};

const NOW: Time = Time::from_seconds(1_800_000_000);
const UNTIL: Time = Time::from_seconds(1_800_100_000);

/// An authority of certificates.
struct Ca(rcgen::CertifiedIssuer<'static, KeyPair>);

impl Ca {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self(rcgen::CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn certify(&self, name: SanType) -> CertificateChain {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![name];
        params.serial_number = Some(rcgen::SerialNumber::from(7_u64));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&KeyPair::generate().unwrap(), &self.0).unwrap();
        CertificateChain::new([certificate.der().as_ref()]).unwrap()
    }

    /// Its anchors, as a source of this kind publishes them.
    fn published(&self, spec: &FeedSpec) -> String {
        match spec.kind {
            wardgate_feeds::document::Kind::Anchors(_) => self.0.pem(),
            _ => format!(r#"{{"keys":[{{"kty":"EC","use":"x509-svid","x5c":["{}"]}}]}}"#, STANDARD.encode(self.0.der())),
        }
    }

    fn list(&self, number: u64, revoked: &[u64]) -> String {
        let revoked = revoked.iter().map(|serial| rcgen::RevokedCertParams {
            serial_number: rcgen::SerialNumber::from(*serial),
            revocation_time: rcgen::date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let params = rcgen::CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2024, 1, 2),
            next_update: rcgen::date_time_ymd(2060, 1, 1),
            crl_number: rcgen::SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        let issuer: &rcgen::Issuer<'_, KeyPair> = &self.0;
        params.signed_by(issuer).unwrap().pem().unwrap()
    }
}

fn authority(name: &str, domain: Option<&str>) -> Arc<TrustSource> {
    let at = |what: &str| Published::At(format!("https://{name}.example/{what}").into());
    let authority = Authority {
        bundle: at("bundle"),
        revoked: [at("list")].into(),
        reach: Reach::default(),
        trust_domain: domain.map(Into::into),
        svids: None,
    };
    Arc::new(TrustSource { name: TrustName::parse(name).unwrap(), vouches: Vouches::Certificates(Box::new(authority)) })
}

fn issuer(name: &str) -> Arc<TrustSource> {
    let issuer = Issuer {
        issuer: format!("https://{name}.example").into(),
        audiences: ["wardgate".into()].into(),
        keys: Keys::At(format!("https://{name}.example/keys").into(), Reach::default()),
        algorithms: Box::default(),
        subject_claim: "sub".into(),
        on_behalf_of: None,
        leeway: Duration::ZERO,
        life_max: Duration::from_secs(3_600),
    };
    Arc::new(TrustSource { name: TrustName::parse(name).unwrap(), vouches: Vouches::Tokens(Box::new(issuer)) })
}

/// What a source publishes as its document of this number.
fn put(state: &mut State, source: &Arc<TrustSource>, number: usize, text: impl FnOnce(&FeedSpec) -> String) {
    let spec = FeedSpec::of(source).unwrap().remove(number);
    let document = Document::read(&spec.kind, &Bytes::from(text(&spec)), None, NOW).unwrap();
    state.held.insert(spec.id(), Held { document: Arc::new(document), good_until: UNTIL, told_until: UNTIL });
}

fn good(trust: &Trust, chain: &CertificateChain) -> Arc<Certificate> {
    trust.certificate(chain, NOW).unwrap()
}

#[test]
fn a_new_document_forgets_what_was_found_by_its_source_and_by_no_other() {
    let (mesh_ca, far_ca, ca, other_ca) = (Ca::new("mesh"), Ca::new("far"), Ca::new("ca"), Ca::new("other"));
    let (mesh, far) = (authority("mesh", Some("mesh.example")), authority("far", Some("far.example")));
    let (plain, other) = (authority("plain", None), authority("other", None));
    let id = |text: &str| SanType::URI(text.try_into().unwrap());
    let name = |text: &str| SanType::DnsName(text.try_into().unwrap());
    let of_mesh = mesh_ca.certify(id("spiffe://mesh.example/a"));
    let of_far = far_ca.certify(id("spiffe://far.example/a"));
    let of_plain = ca.certify(name("a.plain.example"));
    let mut state = State { sources: vec![mesh.clone(), far.clone(), plain.clone(), other.clone()], ..State::default() };
    for (source, ca) in [(&mesh, &mesh_ca), (&far, &far_ca), (&plain, &ca), (&other, &other_ca)] {
        put(&mut state, source, 0, |spec| ca.published(spec));
        put(&mut state, source, 1, |_| ca.list(1, &[]));
    }
    let first = ready(&mut state);
    let found = [good(&first, &of_mesh), good(&first, &of_far), good(&first, &of_plain)];
    let kept = |trust: &Trust| {
        let again = [&of_mesh, &of_far, &of_plain].map(|chain| trust.certificate(chain, NOW));
        let kept = again.iter().zip(&found).map(|(again, found)| again.as_ref().is_ok_and(|again| Arc::ptr_eq(again, found)));
        kept.collect::<Vec<_>>()
    };
    assert_eq!(kept(&first), [true, true, true]);

    // The same documents, good for longer: nothing is read again, and all is remembered.
    for held in state.held.values_mut() {
        held.good_until = UNTIL + Duration::from_secs(1_000);
    }
    let renewed = ready(&mut state);
    assert_eq!(kept(&renewed), [true, true, true]);
    let chain = mesh_ca.certify(id("spiffe://mesh.example/b"));
    assert!(
        renewed.certificate(&chain, UNTIL).is_ok() && first.certificate(&mesh_ca.certify(id("spiffe://mesh.example/c")), UNTIL).is_err()
    );

    // A list that revokes: refused at once, under the snapshot of now. What others vouch for is as it was.
    put(&mut state, &mesh, 1, |_| mesh_ca.list(2, &[7]));
    let revoked = ready(&mut state);
    assert_eq!(kept(&revoked), [false, true, true]);
    assert_eq!(revoked.certificate(&of_mesh, NOW).err(), Some(Trouble::Refused(Reason::ProofRevoked)));
    // Whoever still has the snapshot of before brings nothing back for the others.
    assert!(first.certificate(&of_mesh, NOW).is_ok());
    assert_eq!(revoked.certificate(&of_mesh, NOW).err(), Some(Trouble::Refused(Reason::ProofRevoked)));

    // Of plain authorities the first that vouches counts: what one says may turn what is said of all.
    put(&mut state, &other, 1, |_| other_ca.list(2, &[]));
    assert_eq!(kept(&ready(&mut state)), [false, true, false]);
    // One that has no list any more vouches for nobody.
    let list = FeedSpec::of(&far).unwrap().remove(1).id();
    state.held.remove(&list);
    let lapsed = ready(&mut state);
    assert!(matches!(lapsed.certificate(&of_far, NOW), Err(Trouble::Keys { .. })));
}

#[test]
fn new_keys_of_an_issuer_forget_its_tokens_and_no_others() {
    let signer = || Signer::load(Signer::generate().unwrap().danger_expose()).unwrap();
    let token = |name: &str, signer: &Signer| {
        let (now, issuer) = (NOW.as_seconds(), format!("https://{name}.example"));
        let claims = serde_json::json!({ "iss": issuer, "sub": "a", "aud": "wardgate", "iat": now, "exp": now + 300 });
        signer.sign("JWT", &claims).unwrap()
    };
    let (one_key, other_key, next_key) = (signer(), signer(), signer());
    let (one, other) = (issuer("one"), issuer("other"));
    let mut state = State { sources: vec![one.clone(), other.clone()], ..State::default() };
    put(&mut state, &one, 0, |_| jwks([&one_key]).to_string());
    put(&mut state, &other, 0, |_| jwks([&other_key]).to_string());
    let first = ready(&mut state);
    let (of_one, of_other) = (token("one", &one_key), token("other", &other_key));
    let found = [&of_one, &of_other].map(|token| first.token(token, NOW).unwrap());
    let kept = |trust: &Trust| {
        let again = [&of_one, &of_other].map(|token| trust.token(token, NOW));
        again.iter().zip(&found).map(|(again, found)| again.as_ref().is_ok_and(|again| Arc::ptr_eq(again, found))).collect::<Vec<_>>()
    };
    assert_eq!(kept(&ready(&mut state)), [true, true]);
    put(&mut state, &one, 0, |_| jwks([&next_key]).to_string());
    let rotated = ready(&mut state);
    assert_eq!(kept(&rotated), [false, true]);
    assert!(matches!(rotated.token(&of_one, NOW), Err(Trouble::Keys { .. })), "its key is gone");
    assert!(rotated.token(&token("one", &next_key), NOW).is_ok());
    // Where there is another issuer, it may be whose a token is now.
    let third = issuer("third");
    state.sources.push(third);
    assert_eq!(kept(&ready(&mut state)), [false, false]);
    // What its declaration says now is what counts: the same keys, and nothing that was found before.
    let Vouches::Tokens(changed) = &other.vouches else { panic!("an issuer") };
    let changed = Issuer { audiences: ["elsewhere".into()].into(), ..(**changed).clone() };
    state.sources[1] = Arc::new(TrustSource { name: other.name.clone(), vouches: Vouches::Tokens(Box::new(changed)) });
    assert_eq!(ready(&mut state).token(&of_other, NOW).err(), Some(Trouble::Refused(Reason::ProofClaims)));
}
