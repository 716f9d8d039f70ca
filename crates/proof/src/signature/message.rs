//! A request as a signature sees it (RFC 9421 §2).

use http::{HeaderMap, Uri, Version};
use std::borrow::Cow;

/// A request as it was received.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Its method.
    pub method: &'a str,
    /// Scheme, host and port under which it is called, as [`crate::dpop::target::origin`] has them: in lower case, without the usual
    /// port. It comes from configuration, so that what was signed for somebody else is not for us.
    pub origin: &'a str,
    /// Its target.
    pub uri: &'a Uri,
    /// Its version: only HTTP/1 has the absolute form in its first line (RFC 9112 §3.2.2).
    pub version: Version,
    /// Its fields.
    pub headers: &'a HeaderMap,
}

impl<'a> Message<'a> {
    /// `@scheme` (RFC 9421 §2.2.4).
    #[must_use]
    pub fn scheme(&self) -> &'a str {
        self.origin.split_once("://").map_or("", |(scheme, _)| scheme)
    }

    /// `@authority` (RFC 9421 §2.2.3).
    #[must_use]
    pub fn authority(&self) -> &'a str {
        self.origin.split_once("://").map_or(self.origin, |(_, authority)| authority)
    }

    /// `@path` (RFC 9421 §2.2.6): as it was sent, escapes as they were.
    #[must_use]
    pub fn path(&self) -> &'a str {
        match self.uri.path() {
            "" => "/",
            path => path,
        }
    }

    /// The query, without its `?`.
    #[must_use]
    pub fn query(&self) -> Option<&'a str> {
        self.uri.query()
    }

    /// `@request-target` (RFC 9421 §2.2.5).
    #[must_use]
    pub fn target(&self) -> Cow<'a, str> {
        let absolute = self.uri.scheme().is_some() && self.version < Version::HTTP_2;
        match (absolute, self.uri.path_and_query()) {
            (false, Some(target)) if self.uri.path() != "" => Cow::Borrowed(target.as_str()),
            (false, _) => Cow::Owned(format!("/{}", self.query().map_or_else(String::new, |query| format!("?{query}")))),
            (true, _) => Cow::Owned(self.uri.to_string()),
        }
    }
}
