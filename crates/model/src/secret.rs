//! Values that must not be seen: wiped when dropped, redacted when printed.

use std::fmt;
use zeroize::Zeroize;

/// Whether a text can be a secret that somebody writes down: no control character is in it, but for the line ends of PEM
/// (RFC 7468), of which a client certificate with its key is made.
#[must_use]
pub fn is_writable(text: &str) -> bool {
    let pem = text.starts_with("-----BEGIN ") && text.ends_with("-----");
    !text.contains(|c: char| c.is_control() && !(pem && matches!(c, '\r' | '\n')))
}

/// A secret. `Debug` shows nothing of it; there is no `Display` and no `Serialize`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Shows the value. The caller must not log, store or send it but where that is the purpose.
    pub const fn danger_expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::{Secret, is_writable};

    #[test]
    fn only_pem_has_line_ends() {
        let pem = "-----BEGIN A-----\r\nAA==\n-----END A-----";
        assert!(is_writable("hunter2") && is_writable(pem));
        for wrong in ["a\nb", "a\0b", &format!("{pem}\nX-Evil: 1"), &format!("x\n{pem}"), &pem.replace("AA", "A\tA")] {
            assert!(!is_writable(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new(String::from("hunter2"))), "Secret(…)");
    }
}
