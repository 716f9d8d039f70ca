//! Verifies `Wardgate-Assertion`: what an upstream does before it believes a word of a request.

use super::keys::Keys;
use http::{HeaderMap, Method};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;

/// The field.
const HEADER: &str = "wardgate-assertion";
/// Pinned: what a token says of itself decides nothing.
const ALGORITHM: Algorithm = Algorithm::ES256;
const TYP: &str = "wardgate-assertion+jwt";
/// How far the two clocks may be apart, in seconds.
const LEEWAY_S: u64 = 30;
/// Longest header that is looked at.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// What the gate says of the caller. There is more in it: see the table in the documentation.
#[derive(Debug, Deserialize)]
pub(crate) struct Claims {
    /// The identity that called.
    pub(crate) sub: String,
    /// When it was signed; it has to be there.
    #[serde(rename = "iat")]
    _iat: i64,
    /// What it was let through to: `API METHOD TEMPLATE`.
    operation: String,
    /// One, and no list: others would pass it on.
    #[serde(rename = "aud")]
    _aud: String,
}

/// Why a request is not believed: for one's own log, not for the caller.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// None, several, or one that is too long.
    #[error("there is not one assertion")]
    NotOne,
    /// It is signed otherwise, made for something else, or wants what is not known here.
    #[error("it is another kind of token")]
    Kind,
    /// The gate has published no such key.
    #[error("no key of the gate has this name")]
    Key,
    /// Signature, issuer, audience or time.
    #[error("{0}")]
    Token(#[from] jsonwebtoken::errors::Error),
    /// The caller was let through to something else.
    #[error("it is for another operation")]
    Operation,
}

/// Believes what one gate signed for one upstream.
#[derive(Debug)]
pub(crate) struct Verifier {
    validation: Validation,
    keys: Keys,
}

impl Verifier {
    pub(crate) fn new(issuer: String, audience: String, keys: Keys) -> Self {
        let mut validation = Validation::new(ALGORITHM);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["iss", "aud", "exp", "sub"]);
        validation.leeway = LEEWAY_S;
        Self { validation, keys }
    }

    /// Who called; anything else is to be answered with 401. `path` is without a query.
    pub(crate) async fn verify(&self, headers: &HeaderMap, method: &Method, path: &str) -> Result<Claims, Refused> {
        let mut values = headers.get_all(HEADER).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return Err(Refused::NotOne) };
        let token = value.to_str().ok().filter(|token| token.len() <= TOKEN_BYTES_MAX).ok_or(Refused::NotOne)?;
        let header = decode_header(token)?;
        if header.alg != ALGORITHM || header.typ.as_deref() != Some(TYP) || header.crit.is_some() {
            return Err(Refused::Kind);
        }
        let key = self.keys.find(header.kid.as_deref().ok_or(Refused::Key)?).await.ok_or(Refused::Key)?;
        let claims: Claims = decode(token, &key, &self.validation)?.claims;
        if is(&claims.operation, method, path) { Ok(claims) } else { Err(Refused::Operation) }
    }
}

/// Whether `API METHOD TEMPLATE` is this request. Where `upstream.path` replaces a prefix, replace it here too.
fn is(operation: &str, method: &Method, path: &str) -> bool {
    let parts: Vec<&str> = operation.split(' ').collect();
    let [_, of, template] = parts.as_slice() else { return false };
    let (segments, given): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    *of == method.as_str() && segments.len() == given.len() && segments.iter().zip(given).all(|(segment, part)| fits(segment, part))
}

/// Whether a segment of a path is one of these: a parameter in braces stands for one character or more.
fn fits(segment: &str, part: &str) -> bool {
    let Some((before, rest)) = segment.split_once('{') else { return segment == part };
    let Some((_, after)) = rest.split_once('}') else { return segment == part };
    let Some(left) = part.strip_prefix(before) else { return false };
    // What follows the parameter may begin behind any of its characters.
    left.char_indices().any(|(at, first)| left.get(at + first.len_utf8()..).is_some_and(|left| fits(after, left)))
}
