//! The manifest of a Kubernetes Secret, for whatever applies manifests from a directory.

use super::DeliverFault;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use wardgate_model::secret::Secret;

/// Longest label of DNS (RFC 1123 §2.1), and so of a namespace.
const LABEL_BYTES_MAX: usize = 63;
/// Longest name of a Secret, and of a key in it.
const NAME_BYTES_MAX: usize = 253;

/// What a manifest is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manifest {
    namespace: Box<str>,
    name: Box<str>,
    key: Box<str>,
}

impl Manifest {
    /// Reads `NAMESPACE/NAME` and the key within the Secret.
    ///
    /// # Errors
    /// When Kubernetes would not take them.
    pub(super) fn parse(text: &str, key: &str) -> Result<Self, DeliverFault> {
        let wrong = |why| DeliverFault::Name { given: text.escape_default().to_string(), what: "Kubernetes Secret", why };
        let (namespace, name) = text.split_once('/').ok_or_else(|| wrong("write NAMESPACE/NAME"))?;
        if !is_label(namespace) {
            return Err(wrong("a namespace is 1 to 63 of a-z, 0-9 and `-`, beginning and ending with a letter or digit"));
        }
        if name.len() > NAME_BYTES_MAX || !name.split('.').all(is_label) {
            return Err(wrong("a name is labels of a-z, 0-9 and `-`, joined by `.`"));
        }
        let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if key.is_empty() || key.len() > NAME_BYTES_MAX || key == "." || key.starts_with("..") || !key.bytes().all(good) {
            return Err(wrong("a key is A-Z, a-z, 0-9, `-`, `_` and `.`"));
        }
        Ok(Self { namespace: namespace.into(), name: name.into(), key: key.into() })
    }

    /// The name of its file.
    pub(super) fn file(&self) -> String {
        // A namespace has no dot, so no two Secrets have one file.
        format!("{}.{}.yaml", self.namespace, self.name)
    }

    /// The manifest with the secret in it. Every part was checked, so none can end the text that it stands in.
    pub(super) fn with(&self, secret: &Secret<String>) -> Secret<Vec<u8>> {
        let Self { namespace, name, key } = self;
        let value = Secret::new(STANDARD.encode(secret.danger_expose()));
        Secret::new(
            format!(
                "apiVersion: v1\nkind: Secret\nmetadata:\n  namespace: \"{namespace}\"\n  name: \"{name}\"\n  labels:\n    \
                 app.kubernetes.io/managed-by: wardgate\ntype: Opaque\ndata:\n  \"{key}\": \"{}\"\n",
                value.danger_expose()
            )
            .into_bytes(),
        )
    }
}

fn is_label(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [text.bytes().next(), text.bytes().next_back()];
    text.len() <= LABEL_BYTES_MAX && ends.iter().all(|end| end.is_some_and(good)) && text.bytes().all(|byte| good(byte) || byte == b'-')
}

#[cfg(test)]
mod tests;
