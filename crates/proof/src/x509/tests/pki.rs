//! Authorities and certificates, made from a line of words.

use crate::x509::{Crls, Refusal, Revocation, Trust, TrustBundle, TrustDomain, Verified, verify};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, CrlDistributionPoint,
    CrlIssuingDistributionPoint, CustomExtension, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyIdMethod, KeyPair,
    KeyUsagePurpose, NameConstraints, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use wardgate_model::{proof::CertificateChain, time::Time};

/// Midnight of a day, in the type of `rcgen`, whose crate is not ours to name.
macro_rules! midnight {
    ($text:expr) => {{
        let (year, month, day) = day($text);
        date_time_ymd(year, month, day)
    }};
}

/// The moment of most tests.
pub(super) const NOW: &str = "2026-06-01T12:00:00Z";

pub(super) fn at(text: &str) -> Time {
    Time::parse(text).expect("a moment")
}

/// An authority.
pub(super) struct Ca(CertifiedIssuer<'static, KeyPair>);

impl Ca {
    /// A root: `name` and the words of [`params`].
    pub(super) fn root(name: &str, words: &str) -> Self {
        Self(CertifiedIssuer::self_signed(params(name, &format!("ca {words}")), key()).expect("a root"))
    }

    /// An authority below this one.
    pub(super) fn below(&self, name: &str, words: &str) -> Self {
        Self(CertifiedIssuer::signed_by(params(name, &format!("ca {words}")), key(), &self.0).expect("an authority"))
    }

    /// The same name and key under another authority, or under itself.
    pub(super) fn der(&self) -> Vec<u8> {
        self.0.der().to_vec()
    }

    /// The certificate as operators hand it in.
    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A client's certificate.
    pub(super) fn leaf(&self, words: &str) -> Vec<u8> {
        params("client", words).signed_by(&key(), &self.0).expect("a certificate").der().to_vec()
    }

    /// A revocation list: when it was made, when it ends, and the serial numbers in it.
    pub(super) fn crl(&self, made: &str, ends: &str, serials: &[u64]) -> Vec<u8> {
        self.crl_at(None, made, ends, serials)
    }

    /// The same, said to be for a distribution point.
    pub(super) fn crl_at(&self, point: Option<&str>, made: &str, ends: &str, serials: &[u64]) -> Vec<u8> {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: midnight!("2026-01-02"),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: midnight!(made),
            next_update: midnight!(ends),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: point.map(|uri| CrlIssuingDistributionPoint { distribution_point: distribution(uri), scope: None }),
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.0).expect("a revocation list").der().to_vec()
    }

    /// Trust in this authority alone, in SPIFFE ids of a domain or in other names.
    pub(super) fn trust(&self, domain: Option<&str>) -> Trust {
        trust(&[self], domain)
    }
}

/// Trust in authorities.
pub(super) fn trust(authorities: &[&Ca], domain: Option<&str>) -> Trust {
    let pem: String = authorities.iter().map(|authority| authority.pem()).collect();
    let domain = domain.map(|domain| TrustDomain::parse(domain).expect("a trust domain"));
    let bundle = TrustBundle::parse(pem.as_bytes(), domain.as_ref()).expect("a bundle");
    Trust { bundle, crls: Crls::default(), revocation: Revocation::default(), domain }
}

/// A chain, leaf first.
pub(super) fn chain(certificates: &[Vec<u8>]) -> CertificateChain {
    CertificateChain::new(certificates.iter().map(Vec::as_slice)).expect("a chain")
}

/// Who was verified, or the code of the refusal.
pub(super) fn outcome(result: Result<Verified, Refusal>) -> String {
    match result {
        Ok(Verified { spiffe_id: Some(id), .. }) => id.to_string(),
        Ok(Verified { names, .. }) => {
            let all = names.dns.iter().chain(&names.uris).chain(&names.emails).map(|name| (**name).to_owned());
            all.chain(names.addresses.iter().map(ToString::to_string)).collect::<Vec<_>>().join(" ")
        }
        Err(refusal) => refusal.code().to_owned(),
    }
}

/// What comes of a chain now.
pub(super) fn shown(certificates: &[Vec<u8>], trust: &Trust) -> String {
    outcome(verify(&chain(certificates), trust, at(NOW)))
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

/// Year, month and day of `2026-01-31`.
fn day(text: &str) -> (i32, u8, u8) {
    let mut parts = text.split('-').map(|part| part.parse::<u16>().expect("a number"));
    let (year, month, day) = (parts.next().expect("a year"), parts.next().expect("a month"), parts.next().expect("a day"));
    (i32::from(year), u8::try_from(month).expect("a month"), u8::try_from(day).expect("a day"))
}

/// What a certificate is made of: `uri:`, `dns:`, `email:`, `ip:` names; `from:` and `to:` dates; `serial:`; `crl:` where its list is
/// said to be; `ku:` and `eku:` lists or `none`; `ca`, `depth:`; `permit:` a host; `san:`, `usage:`, `constraints:`, `critical:` the
/// content of an extension, hexadecimal. What is not said is as a well-made certificate has it.
fn params(name: &str, words: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (midnight!("2026-01-01"), midnight!("2027-01-01"));
    params.use_authority_key_identifier_extension = true;
    let ca = words.split(' ').any(|word| word == "ca");
    params.key_usages = usages(if ca { "cert,crl" } else { "sign" });
    params.extended_key_usages = purposes(if ca { "none" } else { "client,server" });
    for word in words.split(' ').filter(|word| !word.is_empty()) {
        let (what, text) = word.split_once(':').unwrap_or((word, ""));
        match what {
            "ca" if params.is_ca == IsCa::NoCa => params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
            "ca" => {}
            "depth" => params.is_ca = IsCa::Ca(BasicConstraints::Constrained(text.parse().expect("a depth"))),
            "uri" => params.subject_alt_names.push(SanType::URI(text.try_into().expect("a URI"))),
            "dns" => params.subject_alt_names.push(SanType::DnsName(text.try_into().expect("a name"))),
            "email" => params.subject_alt_names.push(SanType::Rfc822Name(text.try_into().expect("an address"))),
            "ip" => params.subject_alt_names.push(SanType::IpAddress(text.parse().expect("an address"))),
            "from" => params.not_before = midnight!(text),
            "to" => params.not_after = midnight!(text),
            "serial" => params.serial_number = Some(SerialNumber::from(text.parse::<u64>().expect("a number"))),
            "crl" => params.crl_distribution_points.push(distribution(text)),
            "ku" => params.key_usages = usages(text),
            "eku" => params.extended_key_usages = purposes(text),
            "permit" => {
                let permitted_subtrees = vec![GeneralSubtree::DnsName(text.to_owned())];
                params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
            }
            "san" => params.custom_extensions.push(extension(&[2, 5, 29, 17], text, false)),
            "usage" => params.custom_extensions.push(extension(&[2, 5, 29, 15], text, false)),
            "constraints" => params.custom_extensions.push(extension(&[2, 5, 29, 30], text, true)),
            "critical" => params.custom_extensions.push(extension(&[1, 3, 6, 1, 4, 1, 99999, 1], text, true)),
            "odd" => params.custom_extensions.push(extension(&[1, 3, 6, 1, 4, 1, 99999, text.len() as u64], text, false)),
            other => panic!("what is `{other}`?"),
        }
    }
    params
}

fn distribution(uri: &str) -> CrlDistributionPoint {
    CrlDistributionPoint { uris: vec![uri.to_owned()] }
}

fn extension(oid: &[u64], hex: &str, critical: bool) -> CustomExtension {
    let digits: Vec<u8> =
        hex.bytes().map(|digit| u8::try_from(char::from(digit).to_digit(16).expect("a digit")).expect("a digit")).collect();
    let mut extension = CustomExtension::from_oid_content(oid, digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect());
    extension.set_criticality(critical);
    extension
}

fn usages(words: &str) -> Vec<KeyUsagePurpose> {
    let usage = |word| match word {
        "sign" => KeyUsagePurpose::DigitalSignature,
        "cert" => KeyUsagePurpose::KeyCertSign,
        "crl" => KeyUsagePurpose::CrlSign,
        "agree" => KeyUsagePurpose::KeyAgreement,
        other => panic!("what is `{other}`?"),
    };
    if words == "none" { Vec::new() } else { words.split(',').map(usage).collect() }
}

fn purposes(words: &str) -> Vec<ExtendedKeyUsagePurpose> {
    let purpose = |word| match word {
        "client" => ExtendedKeyUsagePurpose::ClientAuth,
        "server" => ExtendedKeyUsagePurpose::ServerAuth,
        "mail" => ExtendedKeyUsagePurpose::EmailProtection,
        "any" => ExtendedKeyUsagePurpose::Any,
        other => panic!("what is `{other}`?"),
    };
    if words == "none" { Vec::new() } else { words.split(',').map(purpose).collect() }
}
