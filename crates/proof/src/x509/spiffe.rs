//! SPIFFE ids and trust domains (SPIFFE-ID §2).

use super::names::NAME_BYTES_MAX;
use std::fmt;

/// Most bytes of a trust domain's name (SPIFFE-ID §2.3).
pub const TRUST_DOMAIN_BYTES_MAX: usize = 255;

const SCHEME: &str = "spiffe://";

/// Why a text is no SPIFFE id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpiffeIdError {
    /// It does not begin with `spiffe://`.
    #[error("a SPIFFE id begins with `spiffe://`")]
    Scheme,
    /// It is too long.
    #[error("a SPIFFE id has at most {NAME_BYTES_MAX} bytes")]
    Length,
    /// The trust domain is empty, too long or has other characters; a port or a user makes it so too.
    #[error("a trust domain has 1 to {TRUST_DOMAIN_BYTES_MAX} of the characters `a-z 0-9 . - _`")]
    TrustDomain,
    /// A segment of the path is empty, `.` or `..`, or has other characters; escapes, queries and fragments make it so too.
    #[error("the path of a SPIFFE id has segments of `a-z A-Z 0-9 . - _` between single slashes, none of them `.` or `..`")]
    Path,
}

/// The name of a trust domain, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrustDomain(Box<str>);

impl TrustDomain {
    /// Checks its grammar (SPIFFE-ID §2.1).
    ///
    /// # Errors
    /// When the text is not the name of a trust domain; `spiffe://` before it is not part of the name.
    pub fn parse(text: &str) -> Result<Self, SpiffeIdError> {
        check_domain(text).map(|()| Self(text.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A SPIFFE id: `spiffe://<trust domain>/<path>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpiffeId {
    // INVARIANT (one form): scheme and trust domain in lower case, so that equal ids are equal texts.
    text: Box<str>,
    domain: TrustDomain,
}

impl SpiffeId {
    /// Checks the grammar (SPIFFE-ID §2) of an id that somebody of ours wrote down: only the one form counts.
    ///
    /// # Errors
    /// Says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, SpiffeIdError> {
        if text.len() > NAME_BYTES_MAX {
            return Err(SpiffeIdError::Length);
        }
        let rest = text.strip_prefix(SCHEME).ok_or(SpiffeIdError::Scheme)?;
        let (domain, path) = rest.split_once('/').map_or((rest, None), |(domain, path)| (domain, Some(path)));
        let domain = TrustDomain::parse(domain)?;
        path.map_or(Ok(()), check_path)?;
        Ok(Self { text: text.into(), domain })
    }

    /// Reads an id that somebody else wrote: scheme and trust domain in any case (SPIFFE-ID §2.1).
    ///
    /// # Errors
    /// As [`SpiffeId::parse`].
    pub fn read(text: &str) -> Result<Self, SpiffeIdError> {
        if text.len() > NAME_BYTES_MAX {
            return Err(SpiffeIdError::Length);
        }
        let (scheme, rest) = text.split_at_checked(SCHEME.len()).ok_or(SpiffeIdError::Scheme)?;
        let (domain, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        Self::parse(&format!("{}{}{path}", scheme.to_ascii_lowercase(), domain.to_ascii_lowercase()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its trust domain.
    #[must_use]
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.domain
    }

    /// Whether it names a workload, and not the trust domain itself.
    #[must_use]
    pub fn names_workload(&self) -> bool {
        self.text.len() > SCHEME.len() + self.domain.0.len()
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn check_domain(text: &str) -> Result<(), SpiffeIdError> {
    let letters = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_'));
    if letters && (1..=TRUST_DOMAIN_BYTES_MAX).contains(&text.len()) { Ok(()) } else { Err(SpiffeIdError::TrustDomain) }
}

fn check_path(path: &str) -> Result<(), SpiffeIdError> {
    let segment = |segment: &str| {
        let letters = segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
        letters && !matches!(segment, "" | "." | "..")
    };
    if path.split('/').all(segment) { Ok(()) } else { Err(SpiffeIdError::Path) }
}

#[cfg(test)]
mod tests;
