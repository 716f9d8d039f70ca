//! `Accept-Signature` (RFC 9421 §5.1): which signature is wanted.

use http::HeaderName;

/// `Accept-Signature`.
pub const FIELD: HeaderName = HeaderName::from_static("accept-signature");

/// Of whom a signature is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// Of somebody whose key is on record.
    Registered,
    /// Of a bot that publishes its keys: it signs who it is, too, says until when, and under the tag of those.
    Bot,
}

/// The field's text: these components, `created`, and this nonce where there is one.
///
/// The names of components are ours and the nonce is base64url: neither has anything in it that had to be escaped.
#[must_use]
pub fn text(components: &[&str], nonce: Option<&str>, signer: Signer) -> String {
    let mut text = String::from("sig1=(");
    for (at, component) in components.iter().enumerate() {
        text.push_str(if at == 0 { "\"" } else { " \"" });
        text.push_str(component);
        text.push('"');
    }
    if signer == Signer::Bot {
        text.push_str(" \"signature-agent\";key=\"sig1\"");
    }
    text.push_str(");created");
    if signer == Signer::Bot {
        text.push_str(";expires");
    }
    if let Some(nonce) = nonce {
        text.push_str(";nonce=\"");
        text.push_str(nonce);
        text.push('"');
    }
    if signer == Signer::Bot {
        text.push_str(";tag=\"");
        text.push_str(super::agent::TAG);
        text.push('"');
    }
    text
}
