//! Discovery: from an issuer's identifier to where its keys are (OpenID Connect Discovery 1.0 §4, RFC 8414 §3).
//!
//! The document counts only when its `issuer` is exactly the identifier that led to it (§4.3 there, §3.3 here): otherwise one
//! issuer could speak for another.

use crate::{
    fault::{FetchFault, Shown},
    fetch::{Asking, Bounds, Fetcher, Media, Message},
    roots::Roots,
    target::{Scheme, Target, TargetFault},
};
use serde_json::Value;
use std::{fmt, time::Duration};
use wardgate_model::trust::Reach;
use wardgate_proof::jose::json::{self, JsonFault};

/// What a discovery document may hold.
const BOUNDS: json::Bounds = json::Bounds { depth: 8, values: 4_096 };

/// The identifier of an issuer, and the place that it names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Issuer {
    /// As configured, character for character.
    text: Box<str>,
    place: Target,
}

/// Why a text identifies no issuer that can be discovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IssuerFault {
    /// It is no address.
    #[error(transparent)]
    Target(#[from] TargetFault),
    /// It has a query (RFC 8414 §2).
    #[error("a query does not belong to an issuer's identifier")]
    Query,
}

/// What an issuer says of itself, as far as it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Where its keys are.
    pub jwks_uri: Target,
    /// Where people sign in.
    pub authorization_endpoint: Option<Target>,
    /// Where codes become tokens.
    pub token_endpoint: Option<Target>,
    /// Where its tokens are introspected.
    pub introspection_endpoint: Option<Target>,
    /// Whether every answer of its authorization endpoint says whose it is (RFC 9207 §3).
    pub names_issuer: bool,
}

/// Why an issuer is not discovered.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryFault {
    /// The document cannot be had.
    #[error("`{place}`: {fault}")]
    Fetch {
        /// Where it was looked for.
        place: Box<str>,
        /// Why not.
        fault: FetchFault,
    },
    /// It is not the document that it should be.
    #[error("the discovery document cannot be read: {0}")]
    Unreadable(#[from] JsonFault),
    /// It is somebody else's.
    #[error("the discovery document is of the issuer {said}, not of `{issuer}`")]
    Issuer {
        /// Whose it should be.
        issuer: Box<str>,
        /// Whose it says it is.
        said: Shown,
    },
    /// It does not say where the keys are, or says what cannot be fetched.
    #[error("`jwks_uri` of the discovery document: {0}")]
    Keys(TargetFault),
    /// It leads from TLS to clear text.
    #[error("`jwks_uri` of the discovery document is not `https://`")]
    ClearText,
}

impl DiscoveryFault {
    /// For how long the server asked to be left alone.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Fetch { fault, .. } => fault.retry_after(),
            Self::Unreadable(_) | Self::Issuer { .. } | Self::Keys(_) | Self::ClearText => None,
        }
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Issuer {
    /// Reads an identifier.
    ///
    /// # Errors
    /// When it is no address, or has a query or a fragment.
    pub fn parse(text: &str) -> Result<Self, IssuerFault> {
        let place = Target::parse(text)?;
        if text.contains('?') { Err(IssuerFault::Query) } else { Ok(Self { text: text.into(), place }) }
    }

    /// Where its document may be: as OpenID Connect has it, as RFC 8414 has it, and OpenID Connect's name at RFC 8414's place (§5).
    ///
    /// # Errors
    /// When the identifier is too long for it.
    pub fn places(&self) -> Result<Vec<Target>, TargetFault> {
        let origin = format!("{}://{}", self.place.scheme(), self.place.authority());
        let path = self.place.path().trim_end_matches('/');
        let mut places = vec![Target::parse(&format!("{origin}{path}/.well-known/openid-configuration"))?];
        for name in ["oauth-authorization-server", "openid-configuration"] {
            let place = Target::parse(&format!("{origin}/.well-known/{name}{path}"))?;
            if !places.contains(&place) {
                places.push(place);
            }
        }
        Ok(places)
    }

    /// Reads its document.
    ///
    /// # Errors
    /// When it is no such document, another issuer's, or names no place for the keys that may be fetched.
    pub fn read(&self, document: &[u8]) -> Result<Metadata, DiscoveryFault> {
        let members = json::object(document, BOUNDS)?;
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let said = text("issuer").unwrap_or_default();
        if *said != *self.text {
            return Err(DiscoveryFault::Issuer { issuer: self.text.clone(), said: Shown::quoted(said.as_bytes()) });
        }
        let jwks_uri = Target::parse(text("jwks_uri").unwrap_or_default()).map_err(DiscoveryFault::Keys)?;
        if !self.leads_to(&jwks_uri) {
            return Err(DiscoveryFault::ClearText);
        }
        let endpoint = |name: &str| text(name).and_then(|text| Target::parse(text).ok()).filter(|target| self.leads_to(target));
        Ok(Metadata {
            jwks_uri,
            authorization_endpoint: endpoint("authorization_endpoint"),
            token_endpoint: endpoint("token_endpoint"),
            introspection_endpoint: endpoint("introspection_endpoint"),
            names_issuer: members.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
        })
    }

    /// What was found under TLS never leads to clear text.
    fn leads_to(&self, target: &Target) -> bool {
        target.scheme() == Scheme::Https || self.place.scheme() == Scheme::Http
    }

    /// Finds and reads its document, and how long its server says that it stays fresh.
    ///
    /// # Errors
    /// Says what is wrong, with the first place that had anything at all, or with the last one where none had.
    pub async fn discover(
        &self,
        fetcher: &Fetcher,
        reach: &Reach,
        roots: &Roots,
        bounds: Bounds,
    ) -> Result<(Metadata, Option<Duration>), DiscoveryFault> {
        let mut last = DiscoveryFault::Keys(TargetFault::Long);
        for place in self.places().map_err(DiscoveryFault::Keys)? {
            let asking = Asking { target: &place, message: Message::Read, media: Media::Json, reach, roots, bounds };
            match fetcher.fetch(&asking).await {
                Ok(answer) => return Ok((self.read(&answer.body)?, answer.fresh_for)),
                Err(fault) => {
                    let absent = fault.is_absent();
                    last = DiscoveryFault::Fetch { place: place.to_string().into(), fault };
                    // Only what is not there is looked for elsewhere: a server in trouble is not asked three times.
                    if !absent {
                        break;
                    }
                }
            }
        }
        Err(last)
    }
}

#[cfg(test)]
mod tests;
