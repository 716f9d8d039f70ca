//! The addresses by which APIs are called: what clients of our token service name as `resource`, and what stands in its tokens (RFC 8707).

use super::{Estate, Snapshot};
use ahash::AHashMap;
use std::sync::Arc;
use wardgate_model::{
    api::{Api, Doors},
    credential::CredentialKind,
    id::ApiName,
};
use wardgate_proof::dpop::{nonce::NonceKey, target};

impl Estate {
    /// Says by which addresses APIs are called: our own tokens name one of them as their audience (RFC 8707), and proofs of possession
    /// the one that is called (RFC 9449 §4.2).
    #[must_use]
    pub fn addressed(self, addresses: impl IntoIterator<Item = (Box<str>, ApiName)>) -> Self {
        let addresses: AHashMap<Box<str>, ApiName> = addresses.into_iter().collect();
        let mut origins: AHashMap<ApiName, Vec<Box<str>>> = AHashMap::new();
        // Our token service is where it says itself that it is.
        let issuer = (&**self.mint.issuer(), ApiName::literal(Api::ISSUER));
        for (address, api) in addresses.iter().map(|(address, api)| (&**address, api.clone())).chain([issuer]) {
            let known = origins.entry(api).or_default();
            if let Some(origin) = target::origin(address).filter(|origin| !known.contains(origin)) {
                known.push(origin);
            }
        }
        let origins = origins.into_iter().map(|(api, origins)| (api, origins.into())).collect();
        Self { resources: resources(&addresses), addresses, origins, ..self }
    }

    /// Our token service is called at this origin too: where clients prove themselves by certificates (`mtls_endpoint_aliases`, RFC 8705 §5).
    /// After [`Estate::addressed`].
    #[must_use]
    pub fn aliased(mut self, origin: &str) -> Self {
        if let Some(origin) = target::origin(origin) {
            let known = self.origins.entry(ApiName::literal(Api::ISSUER)).or_default();
            if !known.contains(&origin) {
                *known = known.iter().cloned().chain([origin]).collect();
            }
        }
        self
    }
}

/// By host and path under which address an API is told of: the first, and one with TLS before one without.
fn resources(addresses: &AHashMap<Box<str>, ApiName>) -> AHashMap<Box<str>, (Box<str>, ApiName)> {
    let mut all: Vec<(&Box<str>, &ApiName)> = addresses.iter().collect();
    all.sort_unstable_by_key(|(address, _)| (!address.starts_with("https://"), *address));
    let mut resources = AHashMap::new();
    for (address, api) in all {
        if let Some((host, path)) = split(address).and_then(|(origin, path)| Some((host(origin)?, path))) {
            resources.entry(place(&host, path)).or_insert_with(|| (address.clone(), api.clone()));
        }
    }
    resources
}

/// No host has a slash in it, and every path but the empty one begins with one.
fn place(host: &str, path: &str) -> Box<str> {
    format!("{}{path}", host.trim_matches(['[', ']'])).into()
}

/// Scheme, host and port of an address, and its path.
fn split(address: &str) -> Option<(&str, &str)> {
    let authority = address.find("://")? + "://".len();
    let end = address.get(authority..)?.find('/').map_or(address.len(), |at| authority + at);
    address.split_at_checked(end)
}

/// The host of an origin, in lower case.
fn host(origin: &str) -> Option<String> {
    let (_, authority) = origin.split_once("://")?;
    let end = authority.rfind(':').filter(|at| authority.get(*at..).is_some_and(|port| !port.contains(']'))).unwrap_or(authority.len());
    Some(authority.get(..end)?.trim_matches(['[', ']']).to_ascii_lowercase())
}

impl Snapshot {
    /// The API that is called by this address, compared exactly.
    #[must_use]
    pub fn addressed(&self, address: &str) -> Option<&Arc<Api>> {
        let name = self.estate.addresses.get(address)?;
        self.estate.apis.iter().find(|api| api.name == *name)
    }

    /// The addresses by which an API is called, in order.
    #[must_use]
    pub fn addresses(&self, api: &ApiName) -> Vec<&str> {
        let mut all: Vec<&str> = self.estate.addresses.iter().filter(|(_, name)| *name == api).map(|(address, _)| &**address).collect();
        all.sort_unstable();
        all
    }

    /// Under which schemes, hosts and ports an API is called.
    #[must_use]
    pub(crate) fn origins(&self, api: &ApiName) -> &[Box<str>] {
        self.estate.origins.get(api).map_or(&[], |origins| origins)
    }

    /// What nonces for proofs of possession are made and recognised with.
    #[must_use]
    pub(crate) fn nonces(&self) -> &NonceKey {
        &self.estate.nonces
    }

    /// The API that takes tokens of ours and is called by this host and whole prefix of paths, and its address: what is told of it as a
    /// protected resource (RFC 9728 §3). Of several addresses the first is meant, and one with TLS before one without.
    #[must_use]
    pub fn resource(&self, called: &str, path: &str) -> Option<(&str, &Arc<Api>)> {
        let (address, name) = self.estate.resources.get(&place(called, path))?;
        let api = self.estate.apis.iter().find(|api| api.name == *name)?;
        takes_tokens(api).then_some((address, api))
    }

    /// Where it is told what an API is as a protected resource, for who called it by this host (RFC 9728 §3.1: between host and path).
    #[must_use]
    pub fn resource_metadata(&self, api: &Api, called: &str) -> Option<String> {
        let (address, name) = self.estate.resources.get(&place(called, &api.path_prefix))?;
        let (origin, path) = split(address).filter(|_| *name == api.name && takes_tokens(api))?;
        Some(format!("{origin}{RESOURCE_METADATA}{path}"))
    }
}

/// Where metadata of protected resources are (RFC 9728 §3); the path of the API comes after it.
pub const RESOURCE_METADATA: &str = "/.well-known/oauth-protected-resource";

fn takes_tokens(api: &Api) -> bool {
    api.accept.contains(&CredentialKind::Oidc) && api.doors != Doors::Admin && !api.is_issuer()
}
