//! A local certificate authority and a certificate of the edge, for trying things out. Its key is thrown away as soon as
//! it has signed: nothing can ever be signed under this authority again.

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{Timestamp, ToSpan as _};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use wardgate_model::{secret::Secret, time::Time};

/// How long the certificates are good, in days (below the 398 that clients accept).
const DAYS: i64 = 365;
/// What clients may call the edge.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A certificate authority's certificate, and a certificate that it signed.
#[derive(Debug)]
pub struct LocalPki {
    /// The authority's certificate, PEM: what clients are told to trust.
    pub ca: String,
    /// The edge's certificate, PEM.
    pub certificate: String,
    /// The edge's private key, PKCS#8 PEM.
    pub key: Secret<String>,
}

/// Characters in a line of PEM (RFC 7468 §2).
const PEM_LINE: usize = 64;

/// A private key (PKCS #8) as PEM (RFC 7468 §10).
#[must_use]
pub fn pem(pkcs8: &Secret<Vec<u8>>) -> Secret<String> {
    let encoded = Secret::new(STANDARD.encode(pkcs8.danger_expose()));
    let lines: Vec<&str> = encoded.danger_expose().as_bytes().chunks(PEM_LINE).filter_map(|part| std::str::from_utf8(part).ok()).collect();
    Secret::new(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")))
}

/// Makes an authority and an edge certificate for localhost, 127.0.0.1 and ::1 (ECDSA P-256).
///
/// # Errors
/// When there is no randomness, or `now` is no date.
pub fn local(now: Time) -> anyhow::Result<LocalPki> {
    let mut authority = params(Vec::new(), "Wardgate local CA", now)?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

    let mut edge = params(NAMES.map(str::to_owned).to_vec(), "Wardgate local edge", now)?;
    edge.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    edge.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    edge.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = edge.signed_by(&key, &authority)?;
    Ok(LocalPki { ca: authority.pem(), certificate: certificate.pem(), key: Secret::new(key.serialize_pem()) })
}

fn params(names: Vec<String>, common_name: &str, now: Time) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::new(names)?;
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    params.distinguished_name = name;
    let moment = Timestamp::from_second(now.as_seconds()).context("the clock shows no date")?;
    // A day's grace for clocks that are behind.
    let (year, month, day) = date(moment.checked_sub(24_i64.hours())?)?;
    params.not_before = date_time_ymd(year, month, day);
    let (year, month, day) = date(moment.checked_add((DAYS * 24).hours())?)?;
    params.not_after = date_time_ymd(year, month, day);
    Ok(params)
}

fn date(moment: Timestamp) -> anyhow::Result<(i32, u8, u8)> {
    let date = moment.to_zoned(jiff::tz::TimeZone::UTC).date();
    Ok((i32::from(date.year()), u8::try_from(date.month())?, u8::try_from(date.day())?))
}
