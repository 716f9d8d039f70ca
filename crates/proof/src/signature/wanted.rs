//! `Accept-Signature` (RFC 9421 §5.1): which signature is wanted.

use http::HeaderName;

/// `Accept-Signature`.
pub const FIELD: HeaderName = HeaderName::from_static("accept-signature");

/// The field's text: these components, `created`, and this nonce where there is one.
///
/// The names of components are ours and the nonce is base64url: neither has anything in it that had to be escaped.
#[must_use]
pub fn text(components: &[&str], nonce: Option<&str>) -> String {
    let mut text = String::from("sig1=(");
    for (at, component) in components.iter().enumerate() {
        text.push_str(if at == 0 { "\"" } else { " \"" });
        text.push_str(component);
        text.push('"');
    }
    text.push_str(");created");
    if let Some(nonce) = nonce {
        text.push_str(";nonce=\"");
        text.push_str(nonce);
        text.push('"');
    }
    text
}
