//! What a message says of its own bytes: `Content-Digest` and `Repr-Digest` (RFC 9530).
//!
//! A digest that is not compared says nothing, and one of an algorithm that is not known here, or too weak, cannot be compared: where a
//! digest has to hold, one of SHA-256 or SHA-512 has to be there, and all of them have to fit.

use crate::signature::fields::{self, Unreadable};
use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{self, SHA256, SHA512},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName};
use sfv::{BareItem, ListEntry};

/// The name of [`CONTENT`].
pub const CONTENT_NAME: &str = "content-digest";
/// `Content-Digest` (RFC 9530 §2): of the bytes as they are sent.
pub const CONTENT: HeaderName = HeaderName::from_static(CONTENT_NAME);
/// `Repr-Digest` (RFC 9530 §3): of the representation, which in a request is what is sent unless that is a part of it.
pub const REPRESENTATION: HeaderName = HeaderName::from_static("repr-digest");

/// Whether bytes are what a field says of them. `false` also where it is not there, or says nothing that can be compared.
///
/// # Errors
/// When the field cannot be read in one way.
pub fn fits(headers: &HeaderMap, name: &HeaderName, bytes: &[u8]) -> Result<bool, Unreadable> {
    let mut compared = false;
    for member in fields::dictionary(headers, name)?.unwrap_or_default() {
        let algorithm = match &*member.key {
            "sha-256" => &SHA256,
            "sha-512" => &SHA512,
            // RFC 9530 §5: the others are for mistakes, not against anybody.
            _ => continue,
        };
        let ListEntry::Item(item) = &member.entry else { return Err(Unreadable::Syntax(name.clone())) };
        let BareItem::ByteSequence(said) = &item.bare_item else { return Err(Unreadable::Syntax(name.clone())) };
        if verify_slices_are_equal(digest::digest(algorithm, bytes).as_ref(), said).is_err() {
            return Ok(false);
        }
        compared = true;
    }
    Ok(compared)
}

/// The value of `Content-Digest` for a body.
#[must_use]
pub fn of(bytes: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(digest::digest(&SHA256, bytes)))
}

#[cfg(test)]
mod tests {
    use super::{CONTENT, fits, of};
    use http::{HeaderMap, HeaderValue};

    fn said(field: &str, body: &str) -> Option<bool> {
        let headers = HeaderMap::from_iter([(CONTENT, HeaderValue::from_str(field).expect("a value"))]);
        fits(&headers, &CONTENT, body.as_bytes()).ok()
    }

    /// The digests of RFC 9530 §B.1 and of RFC 9421 §B.2, of the bodies that stand there.
    const OBJECT: &str = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
    const WORLD: &str = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";

    #[test]
    fn a_body_is_what_all_digests_say() {
        assert_eq!(said(OBJECT, "{\"hello\": \"world\"}\n"), Some(true));
        assert_eq!(said(WORLD, r#"{"hello": "world"}"#), Some(true));
        assert_eq!(said(WORLD, r#"{"hello": "World"}"#), Some(false));
        let body = "one";
        assert_eq!(of(body.as_bytes()), "sha-256=:dpLDrTVAu4A8Ags67mbNiIcSMjTqDG5xQ8Ct1z/0Me0=:");
        let good = of(body.as_bytes());
        assert_eq!(said(&format!("{good}, md5=:AAAA:"), body), Some(true));
        assert_eq!(said(&format!("{good}, sha-512=:AAAA:"), body), Some(false), "one fits, one does not");
    }

    /// STANDARDS §3.4: what is not known passes nothing.
    #[test]
    fn what_cannot_be_compared_does_not_fit() {
        for field in ["", "md5=:AAAA:", "sha=:AAAA:", "unixsum=:AAAA:", "crc32c=:AAAA:", "adler=:AAAA:", "sha-256=:AAAA:", "x=1"] {
            assert_eq!(said(field, "one"), Some(false), "{field}");
        }
        assert_eq!(fits(&HeaderMap::new(), &CONTENT, b"").ok(), Some(false));
        let good = of(b"one");
        for field in ["sha-256=1", "sha-256=(1)", "sha-256", "SHA-256=:AAAA:", &format!("{good}, {good}"), &good.replace("=:", ":")] {
            assert_eq!(said(field, "one"), None, "{field}");
        }
    }
}
