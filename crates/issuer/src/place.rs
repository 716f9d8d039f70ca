//! Where the token service is, and what it publishes of itself (RFC 8414).

use crate::{details, grant};
use serde_json::{Value, json};
use wardgate_model::api::OperationClass;
use wardgate_proof::{client, dpop};

/// Where metadata is (RFC 8414 §3); the issuer's path comes after it.
const METADATA: &str = "/.well-known/oauth-authorization-server";
/// Where OpenID Connect Discovery 1.0 §4 looks for it: after the issuer's path. Both say the same.
const DISCOVERY: &str = "/.well-known/openid-configuration";
/// Where the keys are; beside what they verify, at the root of the host.
pub const KEYS: &str = "/.well-known/jwks.json";
/// What every path of the service begins with, after the issuer's own.
const PREFIX: &str = "/oauth";

/// Where tasks are, after the issuer's own path.
const TASKS: &str = "/tasks";

/// One of its endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Tokens are given out (RFC 6749 §3.2).
    Token,
    /// It is said what a token is (RFC 7662).
    Introspection,
    /// A token is ended (RFC 7009).
    Revocation,
}

impl Endpoint {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Token, Self::Introspection, Self::Revocation];

    /// Its last segment, with the slash before it.
    #[must_use]
    pub const fn segment(self) -> &'static str {
        match self {
            Self::Token => "/token",
            Self::Introspection => "/introspect",
            Self::Revocation => "/revoke",
        }
    }
}

/// Where clients may prove themselves to it by certificates (RFC 8705).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mutual {
    /// Nowhere: no listener asks for them.
    Nowhere,
    /// Where it is.
    Here,
    /// At another port of its host: scheme, host and port of a listener that asks for them.
    At(Box<str>),
}

/// Whether anybody gets a token who shows nothing but the token of somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Federation {
    /// Nobody: no trust source vouches for tokens.
    Off,
    /// Whom a trust source vouches for.
    On,
}

/// Where the token service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    url: Box<str>,
    origin: Box<str>,
    host: Box<str>,
    path: Box<str>,
}

impl Place {
    /// From the issuer's URL: `http` or `https`, a host, perhaps a port and a path, and nothing else. `None`: it is none.
    #[must_use]
    pub fn parse(url: &str) -> Option<Self> {
        let url = url.trim_end_matches('/');
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        if authority.is_empty() || url.contains(['?', '#', '@', ' ']) {
            return None;
        }
        let host = match authority.strip_prefix('[') {
            Some(v6) => v6.split(']').next()?,
            None => authority.split(':').next()?,
        };
        let origin = url.strip_suffix(path)?;
        Some(Self { url: url.into(), origin: origin.into(), host: host.to_ascii_lowercase().into(), path: path.into() })
    }

    /// The issuer's identifier: `iss`, compared exactly.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The host in lower case, without a port.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whole segments that the paths of its endpoints begin with.
    #[must_use]
    pub fn prefix(&self) -> String {
        format!("{}{PREFIX}", self.path)
    }

    /// Whole segments that the paths begin with by which tasks are started and ended.
    #[must_use]
    pub fn tasks(&self) -> String {
        format!("{}{TASKS}", self.path)
    }

    fn endpoint(&self, endpoint: Endpoint) -> String {
        format!("{}{PREFIX}{}", self.url, endpoint.segment())
    }

    /// The address of the token endpoint.
    #[must_use]
    pub fn token_endpoint(&self) -> String {
        self.endpoint(Endpoint::Token)
    }

    /// Whether metadata is asked for by this path: as RFC 8414 §3.1 has it, between host and path, or as OpenID Connect Discovery has
    /// it, behind both.
    #[must_use]
    pub fn is_metadata(&self, path: &str) -> bool {
        path.strip_prefix(METADATA) == Some(&*self.path) || path.strip_suffix(DISCOVERY) == Some(&*self.path)
    }

    /// The metadata (RFC 8414 §2).
    #[must_use]
    pub fn metadata(&self, mutual: &Mutual, federation: Federation) -> Value {
        let certificates: &[&str] = if *mutual == Mutual::Nowhere { &[] } else { &["tls_client_auth", "self_signed_tls_client_auth"] };
        let ways: Vec<&str> = ["private_key_jwt", "client_secret_basic"].iter().chain(certificates).copied().collect();
        let mut said = self.said(&ways);
        let Some(members) = said.as_object_mut() else { return said };
        // What is asked upon is the proof (RFC 8693 §2.1, RFC 7523 §2.1): at this endpoint and no other, and for RFC 7591 §2 that is `none`.
        if let (Federation::On, Some(Value::Array(ways))) = (federation, members.get_mut("token_endpoint_auth_methods_supported")) {
            ways.push("none".into());
        }
        members.insert("tls_client_certificate_bound_access_tokens".to_owned(), (*mutual != Mutual::Nowhere).into());
        if let Mutual::At(origin) = mutual {
            let at = |endpoint: Endpoint| format!("{origin}{}{PREFIX}{}", self.path, endpoint.segment());
            let aliases = json!({
                "token_endpoint": at(Endpoint::Token),
                "introspection_endpoint": at(Endpoint::Introspection),
                "revocation_endpoint": at(Endpoint::Revocation),
            });
            members.insert("mtls_endpoint_aliases".to_owned(), aliases);
        }
        said
    }

    fn said(&self, ways: &[&str]) -> Value {
        let algorithms = client::algorithms();
        let scopes: Vec<&str> = OperationClass::ALL.iter().map(|class| class.as_str()).collect();
        json!({
            "issuer": self.url(),
            "token_endpoint": self.endpoint(Endpoint::Token),
            "jwks_uri": format!("{}{KEYS}", self.origin),
            "scopes_supported": scopes,
            "response_types_supported": [],
            "authorization_details_types_supported": [details::TYPE],
            "grant_types_supported": grant::ALL,
            "token_endpoint_auth_methods_supported": ways,
            "token_endpoint_auth_signing_alg_values_supported": algorithms,
            "dpop_signing_alg_values_supported": dpop::algorithms(),
            "introspection_endpoint": self.endpoint(Endpoint::Introspection),
            "introspection_endpoint_auth_methods_supported": ways,
            "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
            "revocation_endpoint": self.endpoint(Endpoint::Revocation),
            "revocation_endpoint_auth_methods_supported": ways,
            "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Federation, Mutual, Place};

    #[test]
    fn an_address_is_taken_apart() {
        for (url, origin, host, prefix) in [
            ("https://gate.example", "https://gate.example", "gate.example", "/oauth"),
            ("https://Gate.example:8443/", "https://Gate.example:8443", "gate.example", "/oauth"),
            ("http://127.0.0.1:80/eu/west", "http://127.0.0.1:80", "127.0.0.1", "/eu/west/oauth"),
            ("https://[::1]:8443", "https://[::1]:8443", "::1", "/oauth"),
        ] {
            let place = Place::parse(url).expect(url);
            assert_eq!((place.origin(), place.host(), &*place.prefix()), (origin, host, prefix), "{url}");
        }
        for url in
            ["", "gate.example", "ftp://gate.example", "https://", "https://a@gate.example", "https://gate.example/?a", "https://g/#a"]
        {
            assert_eq!(Place::parse(url), None, "{url}");
        }
    }

    /// RFC 8414 §3.1, OpenID Connect Discovery 1.0 §4: one between host and path, one behind both, and nothing like them.
    #[test]
    fn metadata_is_found_in_both_ways() {
        let (plain, tenant) = (Place::parse("https://g").expect("a place"), Place::parse("https://g/t1").expect("a place"));
        for (path, of_plain, of_tenant) in [
            ("/.well-known/oauth-authorization-server", true, false),
            ("/.well-known/openid-configuration", true, false),
            ("/.well-known/oauth-authorization-server/t1", false, true),
            ("/t1/.well-known/openid-configuration", false, true),
            ("/.well-known/openid-configuration/t1", false, false),
            ("/t1/.well-known/oauth-authorization-server", false, false),
            ("/.well-known/oauth-authorization-server/", false, false),
        ] {
            assert_eq!((plain.is_metadata(path), tenant.is_metadata(path)), (of_plain, of_tenant), "{path}");
        }
    }

    #[test]
    fn metadata_says_what_is_there() {
        let said = Place::parse("https://g:8443/t1").expect("a place").metadata(&Mutual::Nowhere, Federation::Off);
        assert_eq!(said["issuer"], "https://g:8443/t1");
        assert_eq!(said["token_endpoint"], "https://g:8443/t1/oauth/token");
        assert_eq!(said["jwks_uri"], "https://g:8443/.well-known/jwks.json");
        let algorithms = said["token_endpoint_auth_signing_alg_values_supported"].as_array().expect("a list");
        assert!(algorithms.iter().any(|name| name == "EdDSA") && algorithms.iter().all(|name| name != "none"));
        assert_eq!(said["dpop_signing_alg_values_supported"], said["token_endpoint_auth_signing_alg_values_supported"]);
        assert_eq!((&said["tls_client_certificate_bound_access_tokens"], said.get("mtls_endpoint_aliases")), (&false.into(), None));
        let unproven = |said: &serde_json::Value, endpoint: &str| {
            let ways = said[format!("{endpoint}_endpoint_auth_methods_supported")].as_array().expect("a list");
            ways.iter().any(|way| way == "none")
        };
        assert!(!unproven(&said, "token"));
        // RFC 8705 §5: where another port asks for certificates, it is named beside.
        let place = Place::parse("https://g:8443/t1").expect("a place");
        let said = place.metadata(&Mutual::At("https://g:9443".into()), Federation::On);
        assert_eq!(said["token_endpoint"], "https://g:8443/t1/oauth/token");
        assert_eq!(said["mtls_endpoint_aliases"]["token_endpoint"], "https://g:9443/t1/oauth/token");
        assert_eq!(said["tls_client_certificate_bound_access_tokens"], true);
        let ways = said["token_endpoint_auth_methods_supported"].as_array().expect("a list");
        assert!(["tls_client_auth", "self_signed_tls_client_auth"].iter().all(|way| ways.iter().any(|other| other == way)));
        assert_eq!(["token", "introspection", "revocation"].map(|endpoint| unproven(&said, endpoint)), [true, false, false]);
        assert_eq!(place.metadata(&Mutual::Here, Federation::Off).get("mtls_endpoint_aliases"), None);
    }
}
