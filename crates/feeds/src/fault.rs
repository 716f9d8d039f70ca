//! Why a fetch came to nothing: who erred, in words for operators. Nothing here is longer than a line, whatever a server sent.

use crate::guard::Forbidden;
use http::StatusCode;
use std::{fmt, io, net::IpAddr, time::Duration};

/// Most of what a server said that is repeated, in characters.
const SHOWN_CHARACTERS_MAX: usize = 100;

/// What takes too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Finding the address.
    Resolve,
    /// The connection.
    Connect,
    /// The handshake.
    Handshake,
    /// All of it.
    Whole,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "no address was found",
            Self::Connect => "no connection was taken",
            Self::Handshake => "the TLS handshake was not over",
            Self::Whole => "the answer was not over",
        })
    }
}

/// Why a fetch came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum FetchFault {
    /// The name has no address.
    #[error("`{host}` has no address: {why}")]
    Resolve {
        /// The name.
        host: Box<str>,
        /// What the resolver said.
        why: Shown,
    },
    /// The guard refused an address of it.
    #[error("`{host}` is at `{address}`, {why}{}", hint(*why))]
    Forbidden {
        /// The name, or the address itself.
        host: Box<str>,
        /// The address that was refused.
        address: IpAddr,
        /// Why.
        why: Forbidden,
    },
    /// Clear text to somewhere else than this machine.
    #[error("`http://{host}` is not this machine: write `https://`")]
    ClearText {
        /// The host.
        host: Box<str>,
    },
    /// No address of it takes a connection.
    #[error("`{host}` cannot be connected to: {why}")]
    Connect {
        /// The host.
        host: Box<str>,
        /// What the network said of the last address that was tried.
        why: io::Error,
    },
    /// The server is not who it should be, or speaks no TLS that we do.
    #[error("`{host}` is not believed: {why}")]
    Tls {
        /// The host.
        host: Box<str>,
        /// What TLS said.
        why: Shown,
    },
    /// Too slow.
    #[error("{step} within {} ms", limit.as_millis())]
    Slow {
        /// What was.
        step: Step,
        /// The limit.
        limit: Duration,
    },
    /// What came is no HTTP, or the connection broke.
    #[error("the exchange broke: {0}")]
    Broke(Shown),
    /// Not what was asked for.
    #[error("it answered {status}")]
    Status {
        /// The status.
        status: StatusCode,
        /// For how long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// It sends us elsewhere.
    #[error("it sends us to {0}: redirects are not followed")]
    Redirected(Shown),
    /// The body is encoded, though the plain one was asked for.
    #[error("the body is encoded ({0}), though `identity` was asked for")]
    Encoded(Shown),
    /// The body is something else.
    #[error("the body is {0}")]
    Media(Shown),
    /// Too long.
    #[error("it has more than {bytes_max} bytes")]
    Long {
        /// The limit.
        bytes_max: usize,
    },
}

impl FetchFault {
    /// For how long the server asked to be left alone.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the server says that what was asked for is not there.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Status { status, .. } if matches!(*status, StatusCode::NOT_FOUND | StatusCode::GONE))
    }
}

/// Something that was said outside: cut to a line, without anything that a terminal would obey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown(Box<str>);

impl Shown {
    /// Of any text.
    pub fn new(text: impl fmt::Display) -> Self {
        let text = text.to_string();
        let mut shown = String::new();
        for c in text.chars().take(SHOWN_CHARACTERS_MAX) {
            match c {
                '\'' | '"' => shown.push(c),
                _ => shown.extend(c.escape_debug()),
            }
        }
        if text.chars().nth(SHOWN_CHARACTERS_MAX).is_some() {
            shown.push('…');
        }
        Self(shown.into())
    }

    /// Of bytes that should be a text, in backticks.
    #[must_use]
    pub fn quoted(bytes: &[u8]) -> Self {
        let cut = bytes.get(..SHOWN_CHARACTERS_MAX * 4).unwrap_or(bytes);
        Self(format!("`{}`", Self::new(String::from_utf8_lossy(cut))).into())
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an operator can do about a refused address.
const fn hint(why: Forbidden) -> &'static str {
    if why.can_be_named() { ": name its network in `networks` if that is meant" } else { "" }
}

/// Of an error: it and what caused it.
pub(crate) fn chain(error: &dyn std::error::Error) -> Shown {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        // Some say what caused them themselves.
        let said = inner.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = inner.source();
    }
    Shown::new(text)
}

#[cfg(test)]
mod tests {
    use super::Shown;

    #[test]
    fn what_others_said_stays_a_line() {
        assert_eq!(Shown::new("text/html").to_string(), "text/html");
        assert_eq!(Shown::quoted(b"\x1b[31m\xff\n").to_string(), "`\\u{1b}[31m\u{fffd}\\n`");
        assert_eq!(Shown::new("é".repeat(2_000)).to_string().chars().count(), 101);
        assert!(Shown::quoted(&[b'a'; 10_000]).to_string().len() < 200);
    }
}
