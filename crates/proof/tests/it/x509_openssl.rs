//! Certificates of another make: those of the `openssl` command, which also gives its opinion on them.

use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use std::{fmt::Write as _, fs, path::PathBuf, process::Command};
use wardgate_model::{proof::CertificateChain, time::Time};
use wardgate_proof::x509::{self, CrlFault, Crls, Revocation, Trust, TrustBundle, TrustDomain, Verified};

const NOW: &str = "2026-06-01T12:00:00Z";
const CA: &str = "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign, cRLSign\nsubjectKeyIdentifier = hash";
const CONFIG: &str = "[ca]\ndefault_ca = a\n[a]\ndatabase = index.txt\nnew_certs_dir = .\nserial = serial\ndefault_md = sha256\npolicy = any\n\
unique_subject = no\ncrl_extensions = list\n[any]\ncommonName = supplied\n[req]\ndistinguished_name = dn\n[dn]\n[list]\n\
authorityKeyIdentifier = keyid\n";

/// A directory in which certificates are made.
struct Office(tempfile::TempDir);

/// A certificate: the name of its files without their endings.
type Name<'a> = &'a str;

impl Office {
    fn new() -> Self {
        let office = Self(tempfile::tempdir().expect("a directory"));
        for (file, text) in [("index.txt", ""), ("serial", "1000"), ("plain.cnf", CONFIG)] {
            fs::write(office.path(file), text).expect("a file");
        }
        office
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    /// Runs `openssl` with these words: what it says, and whether it is content.
    fn ask(&self, words: &str) -> (bool, String) {
        let run = Command::new("openssl").args(words.split(' ')).current_dir(self.0.path()).output().expect("the `openssl` command");
        (run.status.success(), format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr)))
    }

    fn run(&self, words: &str) -> String {
        let (content, said) = self.ask(words);
        assert!(content, "openssl {words}: {said}");
        said
    }

    /// Makes a certificate with a key of `algorithm`, issued by another or by itself, and gives its DER.
    fn issue(&self, name: Name<'_>, algorithm: &str, by: Option<Name<'_>>, extensions: &str) -> Vec<u8> {
        self.issue_with(name, algorithm, by, extensions, "-startdate 20260101000000Z -enddate 20270101000000Z")
    }

    fn issue_with(&self, name: Name<'_>, algorithm: &str, by: Option<Name<'_>>, extensions: &str, more: &str) -> Vec<u8> {
        fs::write(self.path(&format!("{name}.cnf")), format!("{CONFIG}[ext]\n{extensions}\n")).expect("a file");
        // A name has one key: making it anew takes longer than all the rest.
        if !self.path(&format!("{name}.csr")).exists() {
            self.run(&format!("req -new -newkey {algorithm} -nodes -keyout {name}.key -out {name}.csr -config plain.cnf -subj /CN={name}"));
        }
        let issuer = by.map_or_else(|| format!("-selfsign -keyfile {name}.key"), |by| format!("-cert {by}.pem -keyfile {by}.key"));
        self.run(&format!("ca -batch -notext -config {name}.cnf {issuer} -in {name}.csr -extensions ext {more} -out {name}.pem"));
        self.der(name)
    }

    fn der(&self, name: Name<'_>) -> Vec<u8> {
        CertificateDer::from_pem_file(self.path(&format!("{name}.pem"))).expect("a certificate").to_vec()
    }

    /// Trust in one authority.
    fn trust(&self, name: Name<'_>, domain: Option<&str>) -> Trust {
        let pem = fs::read(self.path(&format!("{name}.pem"))).expect("a certificate");
        let domain = domain.map(|domain| TrustDomain::parse(domain).expect("a trust domain"));
        let bundle = TrustBundle::parse(&pem, domain.as_ref()).expect("a bundle");
        Trust { bundle, crls: Crls::default(), revocation: Revocation::default(), domain }
    }
}

fn at(text: &str) -> Time {
    Time::parse(text).expect("a moment")
}

fn verify(certificates: &[&[u8]], trust: &Trust, now: &str) -> Result<Verified, x509::Refusal> {
    x509::verify(&CertificateChain::new(certificates.iter().copied()).expect("a chain"), trust, at(now))
}

/// The SPIFFE id or the names of hosts, or the code of the refusal.
fn outcome(certificates: &[&[u8]], trust: &Trust, now: &str) -> String {
    match verify(certificates, trust, now) {
        Ok(Verified { spiffe_id: Some(id), .. }) => id.to_string(),
        Ok(Verified { names, .. }) => names.dns.join(" "),
        Err(refusal) => refusal.code().to_owned(),
    }
}

#[test]
fn x509svid_rules_by_openssl() {
    let office = Office::new();
    office.issue("root", "ec -pkeyopt ec_paramgen_curve:P-256", None, &format!("{CA}\nsubjectAltName = URI:spiffe://a.example"));
    let trust = office.trust("root", Some("a.example"));
    let (id, usage) = ("subjectAltName = URI:spiffe://a.example/x", "keyUsage = critical, digitalSignature");
    for (extensions, proves) in [
        (
            format!("{id}\n{usage}\nbasicConstraints = critical, CA:FALSE\nextendedKeyUsage = clientAuth, serverAuth"),
            "spiffe://a.example/x",
        ),
        (format!("{id}\n{usage}"), "spiffe://a.example/x"),
        (format!("{id}, DNS:x.example, IP:10.0.0.1, email:x@a.example, otherName:1.2.3.4;UTF8:x\n{usage}"), "spiffe://a.example/x"),
        (format!("{id}\n{usage}\nextendedKeyUsage = clientAuth"), "svid_purpose"),
        (format!("{id}\n{usage}\nextendedKeyUsage = serverAuth"), "purpose"),
        (format!("{id}\nkeyUsage = digitalSignature"), "key_usage"),
        (format!("{id}\nkeyUsage = critical, keyAgreement"), "key_usage"),
        (format!("{id}\nkeyUsage = critical, digitalSignature, keyCertSign"), "key_usage"),
        (format!("{id}\nkeyUsage = critical, digitalSignature, cRLSign"), "key_usage"),
        (id.to_owned(), "key_usage"),
        (format!("{id}\n{usage}, keyCertSign\nbasicConstraints = critical, CA:TRUE"), "authority"),
        (format!("{id}, URI:spiffe://a.example/y\n{usage}"), "many_uris"),
        (format!("{id}, URI:https://a.example/x\n{usage}"), "many_uris"),
        (format!("subjectAltName = DNS:x.example\n{usage}"), "no_uri"),
        (usage.to_owned(), "no_uri"),
        (format!("subjectAltName = URI:https://a.example/x\n{usage}"), "spiffe_id"),
        (format!("subjectAltName = URI:spiffe://a.example:443/x\n{usage}"), "spiffe_id"),
        (format!("subjectAltName = URI:spiffe://a.example/../x\n{usage}"), "spiffe_id"),
        (format!("subjectAltName = URI:spiffe://a.example\n{usage}"), "no_workload"),
        (format!("subjectAltName = URI:spiffe://b.example/x\n{usage}"), "other_domain"),
        (format!("{id}\n{usage}\n1.2.3.4.5 = critical, ASN1:UTF8:x"), "unreadable"),
        (format!("{id}\n{usage}\n1.2.3.4.5 = ASN1:UTF8:x"), "spiffe://a.example/x"),
    ] {
        let leaf = office.issue("leaf", "ec -pkeyopt ec_paramgen_curve:P-256", Some("root"), &extensions);
        assert_eq!(outcome(&[&leaf], &trust, NOW), proves, "{extensions}");
    }
}

#[test]
fn keys_and_signatures_of_every_kind_make_one_path() {
    let office = Office::new();
    let pss = "-startdate 20260101000000Z -enddate 20270101000000Z -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest";
    office.issue("root", "rsa:2048", None, CA);
    let first = office.issue("first", "rsa:3072", Some("root"), CA);
    let second = office.issue_with("second", "ec -pkeyopt ec_paramgen_curve:P-384", Some("first"), CA, pss);
    let third = office.issue("third", "ec -pkeyopt ec_paramgen_curve:P-521", Some("second"), CA);
    let fourth = office.issue("fourth", "ed25519", Some("third"), CA);
    let leaf = office.issue_with(
        "leaf",
        "ec -pkeyopt ec_paramgen_curve:P-256",
        Some("fourth"),
        "subjectAltName = DNS:X.Example\nkeyUsage = critical, digitalSignature\nextendedKeyUsage = clientAuth",
        "-startdate 20260101000000Z -enddate 20270101000000Z -md null",
    );
    let found = verify(&[&leaf, &fourth, &third, &second, &first], &office.trust("root", None), NOW).expect("good");
    assert_eq!(found.names.dns, [Box::from("x.example")]);

    // What OpenSSL reads in it is what is read here.
    let said = office.run("x509 -in leaf.pem -noout -serial -fingerprint -sha256 -dates -dateopt iso_8601");
    let mut ours = format!("serial={}\nsha256 Fingerprint=", found.serial.to_uppercase());
    for (index, byte) in found.thumbprint.0.iter().enumerate() {
        let _ = write!(ours, "{}{byte:02X}", if index == 0 { "" } else { ":" });
    }
    let date = |moment: Time| moment.to_rfc3339().replace('T', " ");
    let _ = writeln!(ours, "\nnotBefore={}\nnotAfter={}", date(found.not_before), date(found.not_after));
    assert_eq!(said, ours);
}

#[test]
fn expired_not_yet_valid_wrong_domain_self_signed_and_revoked_are_told_apart() {
    let office = Office::new();
    let key = "ec -pkeyopt ec_paramgen_curve:P-256";
    office.issue("root", key, None, CA);
    let svid = "subjectAltName = URI:spiffe://a.example/x\nkeyUsage = critical, digitalSignature";
    let leaf = office.issue("leaf", key, Some("root"), svid);
    let other = office.issue("other", key, Some("root"), svid);
    let own = office.issue("own", key, None, svid);
    let mut trust = office.trust("root", Some("a.example"));
    assert_eq!(outcome(&[&leaf], &trust, "2025-12-31T23:59:59Z"), "not_yet_valid");
    assert_eq!(outcome(&[&leaf], &trust, "2027-01-01T00:00:01Z"), "expired");
    assert_eq!(outcome(&[&leaf], &office.trust("root", Some("b.example")), NOW), "other_domain");
    assert_eq!(outcome(&[&own], &trust, NOW), "unknown_issuer");

    office.run("ca -config plain.cnf -cert root.pem -keyfile root.key -revoke leaf.pem");
    office.run("ca -config plain.cnf -cert root.pem -keyfile root.key -gencrl -crl_lastupdate 20260501000000Z -crl_nextupdate 20260701000000Z -out crl.pem");
    let list = fs::read(office.path("crl.pem")).expect("a list");
    trust.crls = Crls::parse([list.as_slice()]).expect("a list");
    assert_eq!((outcome(&[&leaf], &trust, NOW), outcome(&[&other], &trust, NOW)), ("revoked".into(), "spiffe://a.example/x".into()));
    assert_eq!(outcome(&[&other], &trust, "2026-07-01"), "stale_revocation");

    // Version 1, as OpenSSL makes it unless it is told otherwise: said, and not taken for no list.
    fs::write(office.path("one.cnf"), CONFIG.replace("crl_extensions = list\n", "")).expect("a file");
    office.run("ca -config one.cnf -cert root.pem -keyfile root.key -gencrl -crldays 30 -out one.pem");
    let list = fs::read(office.path("one.pem")).expect("a list");
    assert_eq!(Crls::parse([list.as_slice()]).map(|crls| crls.lists().len()), Err(CrlFault::Version { at: 1 }));
}

#[test]
fn weak_keys_and_signatures_and_old_versions_prove_nothing() {
    let office = Office::new();
    let dates = "-startdate 20260101000000Z -enddate 20270101000000Z";
    let names = "subjectAltName = DNS:x.example";
    office.issue("root", "rsa:2048", None, CA);
    let trust = office.trust("root", None);
    let sha1 = office.issue_with("sha1", "ed25519", Some("root"), names, &format!("{dates} -md sha1"));
    assert_eq!(outcome(&[&sha1], &trust, NOW), "algorithm");
    let weak = office.issue("weak", "rsa:1024", Some("root"), CA);
    let below = office.issue("below", "ed25519", Some("weak"), names);
    assert_eq!(outcome(&[&below, &weak], &trust, NOW), "signature");
    // Without extensions OpenSSL makes version 1.
    office.run("req -new -newkey ed25519 -nodes -keyout one.key -out one.csr -config plain.cnf -subj /CN=one");
    office.run("x509 -req -in one.csr -CA root.pem -CAkey root.key -set_serial 9 -days 30 -outform DER -out one.der");
    let one = fs::read(office.path("one.der")).expect("a certificate");
    assert_eq!(outcome(&[&one], &trust, NOW), "unreadable");
}

/// Whom OpenSSL does not take for a client of this authority is none here either.
#[test]
fn whatever_openssl_refuses_is_refused() {
    let office = Office::new();
    let key = "ec -pkeyopt ec_paramgen_curve:P-256";
    office.issue("root", key, None, CA);
    office.issue("stranger", key, None, CA);
    let constrained = |how: &str| format!("{CA}\nnameConstraints = critical, {how}");
    for (name, extensions) in [
        ("good", CA.to_owned()),
        ("shallow", CA.replace("CA:TRUE", "CA:TRUE, pathlen:0")),
        ("servers", format!("{CA}\nextendedKeyUsage = serverAuth")),
        ("usage", CA.replace("keyCertSign, ", "")),
        ("noca", CA.replace("CA:TRUE", "CA:FALSE")),
        ("hosts", constrained("permitted;DNS:a.example")),
        ("nohosts", constrained("excluded;DNS:example")),
        ("uris", constrained("permitted;URI:a.example")),
    ] {
        office.issue(name, key, Some("root"), &extensions);
    }
    office.issue("deeper", key, Some("shallow"), CA);
    let trust = office.trust("root", None);
    let (mut taken, mut refused) = (0, 0);
    for path in ["good", "shallow", "servers", "usage", "noca", "hosts", "nohosts", "uris", "deeper shallow", "deeper", "stranger"] {
        let issuers: Vec<&str> = path.split(' ').collect();
        for extensions in [
            "subjectAltName = DNS:x.example",
            "subjectAltName = DNS:x.a.example",
            "subjectAltName = URI:https://x.b.example/x",
            "subjectAltName = DNS:x.example\nextendedKeyUsage = clientAuth",
            "subjectAltName = DNS:x.example\nextendedKeyUsage = serverAuth",
            "subjectAltName = DNS:x.example\nkeyUsage = critical, digitalSignature",
            "subjectAltName = DNS:x.example\nkeyUsage = critical, cRLSign",
        ] {
            let leaf = office.issue("leaf", key, Some(issuers[0]), extensions);
            let others: Vec<Vec<u8>> = issuers.iter().map(|name| office.der(name)).collect();
            let shown: Vec<&[u8]> = std::iter::once(&*leaf).chain(others.iter().map(Vec::as_slice)).collect();
            let ours = verify(&shown, &trust, NOW);
            let pem: String =
                issuers.iter().map(|name| fs::read_to_string(office.path(&format!("{name}.pem"))).expect("a certificate")).collect();
            fs::write(office.path("others.pem"), pem).expect("a file");
            let seconds = at(NOW).as_seconds();
            let (theirs, said) = office
                .ask(&format!("verify -x509_strict -purpose sslclient -attime {seconds} -CAfile root.pem -untrusted others.pem leaf.pem"));
            assert!(theirs || ours.is_err(), "{path}: {extensions}: {said}");
            (taken, refused) = (taken + u32::from(ours.is_ok()), refused + u32::from(ours.is_err()));
        }
    }
    assert!(taken >= 10 && refused >= 40, "{taken} {refused}");
}
