//! AWS Signature Version 4, in header fields: who asks, and that nobody changed what is asked.
//!
//! "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)", Amazon S3 API Reference.

use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
};
use std::fmt::{self, Write as _};
use wardgate_model::{secret::Secret, time::Time};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "s3";
const END: &str = "aws4_request";

/// Who asks a store.
#[derive(Clone)]
pub struct Credentials {
    /// The id of the key: no secret.
    pub access_key: String,
    /// The key.
    pub secret_key: Secret<String>,
    /// What belongs to a key that was lent for a time.
    pub session_token: Option<Secret<String>>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// A request that is to be signed.
#[derive(Debug)]
pub(super) struct Unsigned<'a> {
    pub(super) method: &'a str,
    /// Host, and port where it is none of the scheme's.
    pub(super) host: &'a str,
    /// The path, encoded.
    pub(super) path: &'a str,
    /// The query, encoded and in order.
    pub(super) query: &'a str,
    /// Further fields, names in lower case.
    pub(super) headers: &'a [(String, String)],
    /// SHA-256 of the body, in hexadecimal digits.
    pub(super) body_sha256: &'a str,
}

/// The fields that the request is sent with: those that it has, and those that sign it.
pub(super) fn signed(request: &Unsigned<'_>, credentials: &Credentials, region: &str, now: Time) -> Vec<(String, String)> {
    let moment = moment(now);
    let day = moment.get(..8).unwrap_or_default();
    let mut headers = request.headers.to_vec();
    headers.push(("x-amz-content-sha256".to_owned(), request.body_sha256.to_owned()));
    headers.push(("x-amz-date".to_owned(), moment.clone()));
    if let Some(token) = &credentials.session_token {
        headers.push(("x-amz-security-token".to_owned(), token.danger_expose().clone()));
    }
    let mut all = headers.clone();
    all.push(("host".to_owned(), request.host.to_owned()));
    all.sort();
    let names = all.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
    let mut canonical = format!("{}\n{}\n{}\n", request.method, request.path, request.query);
    for (name, value) in &all {
        let _infallible = writeln!(canonical, "{name}:{}", value.trim());
    }
    let _infallible = write!(canonical, "\n{names}\n{}", request.body_sha256);
    let scope = format!("{day}/{region}/{SERVICE}/{END}");
    let text = format!("{ALGORITHM}\n{moment}\n{scope}\n{}", hex(digest(&SHA256, canonical.as_bytes()).as_ref()));
    let start = format!("AWS4{}", credentials.secret_key.danger_expose());
    let key = [day, region, SERVICE, END].iter().fold(start.into_bytes(), |key, part| mac(&key, part.as_bytes()));
    let signature = hex(&mac(&key, text.as_bytes()));
    let by = format!("{ALGORITHM} Credential={}/{scope},SignedHeaders={names},Signature={signature}", credentials.access_key);
    headers.push(("authorization".to_owned(), by));
    headers
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

/// `20130524T000000Z`.
fn moment(now: Time) -> String {
    let text: String = now.to_rfc3339().chars().filter(|letter| letter.is_ascii_digit()).take(14).collect();
    let (day, time) = text.split_at_checked(8).unwrap_or((&text, ""));
    format!("{day}T{time}Z")
}

/// Hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// A part of a path as S3 has it signed: everything but letters, digits and `-._~` is encoded; `/` parts it.
pub(super) fn encoded(path: &str) -> String {
    path.bytes().fold(String::with_capacity(path.len()), |mut text, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => text.push(char::from(byte)),
            other => {
                let _infallible = write!(text, "%{other:02X}");
            }
        }
        text
    })
}

#[cfg(test)]
mod tests;
