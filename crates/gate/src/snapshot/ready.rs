//! What the upstreams of APIs are shown, made ready once.

use crate::permit::{ClientCertificate, Show};
use ahash::AHashMap;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, header};
use std::sync::Arc;
use wardgate_model::{
    api::{Api, Target, UpstreamIdentity},
    id::SecretName,
    secret::Secret,
};

/// What the upstream of an API is shown, made ready.
#[derive(Debug)]
pub(super) enum Ready {
    /// Assertions for this audience.
    Assertion(Arc<str>),
    /// The same to everybody.
    Show(Show),
    /// Its secret is not on record.
    NoSecret,
}

/// Makes it ready.
pub(super) fn ready(api: &Api, secrets: &AHashMap<SecretName, Secret<String>>) -> Ready {
    let url = match &api.upstream.target {
        Target::InProcess => return Ready::Show(Show::Caller),
        Target::Http(urls) => urls.first().map(ToString::to_string).unwrap_or_default(),
    };
    let secret = |name, text: &dyn Fn(&str) -> String| {
        let value = secrets.get(name).and_then(|secret| HeaderValue::try_from(text(secret.danger_expose())).ok());
        value.map(|mut value| {
            value.set_sensitive(true);
            value
        })
    };
    let shown = match &api.upstream.identity {
        UpstreamIdentity::Assertion => return Ready::Assertion(url.into()),
        UpstreamIdentity::Keep => return Ready::Show(Show::Keep),
        UpstreamIdentity::ClientCertificate { secret: of } => {
            let pem = secrets.get(of).map(|pem| Secret::new(pem.danger_expose().clone()));
            return pem.map_or(Ready::NoSecret, |pem| Ready::Show(Show::Certificate(ClientCertificate::new(pem))));
        }
        UpstreamIdentity::Header { name, secret: of } => secret(of, &str::to_owned).map(|value| (name.clone(), value)),
        UpstreamIdentity::Basic { user, secret: of } => {
            // RFC 7617 §2: base64 of user-id ":" password.
            let value = secret(of, &|password| format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))));
            value.map(|value| (header::AUTHORIZATION, value))
        }
    };
    shown.map_or(Ready::NoSecret, |(name, value)| Ready::Show(Show::Secret { name, value }))
}
