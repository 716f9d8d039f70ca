//! Tokens of the gate's own token service for canaries that hold a key: bound to it, as DPoP has it (RFC 9449 §5).

use super::{
    caller::{Bound, Call, Caller, Shown, proof_by},
    gateway::{Gateway, Software},
};
use crate::{client::segment, clock};
use anyhow::{Context as _, bail};
use http::{HeaderMap, Method};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use wardgate_model::secret::Secret;
use wardgate_proof::{
    client::{ASSERTION_TYPE, assertion},
    entropy::{Entropy as _, SystemEntropy},
    jws::Signer,
};

/// The token service of a gate, for one API.
#[derive(Debug, Clone)]
pub(super) struct Service {
    issuer: String,
    /// The path of the token endpoint, and its address.
    path: String,
    address: String,
    resource: String,
}

fn text(said: &Value, member: &str) -> Option<String> {
    said.get(member)?.as_str().map(str::to_owned)
}

impl Service {
    /// Finds it by what the gate publishes (RFC 8414, RFC 9728); `None`: there is none that gives tokens for this API.
    pub(super) async fn find(gate: &Arc<Gateway>, from: Option<std::net::IpAddr>, prefix: &str) -> Option<Self> {
        let mut nobody = Caller::new(Arc::clone(gate), from, Software::Usual, Shown::Nothing);
        let service = nobody.send(&Call::new(&Method::GET, "/.well-known/oauth-authorization-server")).await;
        let api = nobody.send(&Call::new(&Method::GET, format!("/.well-known/oauth-protected-resource{prefix}"))).await;
        let (issuer, address) = (text(&service.said, "issuer")?, text(&service.said, "token_endpoint")?);
        let resource = text(&api.said, "resource")?;
        let path = address.parse::<http::Uri>().ok()?.path().to_owned();
        Some(Self { issuer, path, address, resource })
    }

    /// Gets a token for an identity that has this key on record, bound to the same key.
    ///
    /// # Errors
    /// None is given.
    pub(super) async fn token(
        &self,
        gate: &Arc<Gateway>,
        from: Option<std::net::IpAddr>,
        identity: &str,
        key: &Arc<Signer>,
    ) -> anyhow::Result<Arc<Bound>> {
        let mut client = Caller::new(Arc::clone(gate), from, Software::Usual, Shown::Nothing);
        let mut nonce: Option<String> = None;
        for _ in 0..2 {
            let mut id = [0; 16];
            SystemEntropy.fill(&mut id)?;
            let shown = assertion(key, identity, &self.issuer, &id, clock::now())?;
            let pairs = [
                ("grant_type", "client_credentials"),
                ("resource", self.resource.as_str()),
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", shown.as_str()),
            ];
            let form: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", segment(value))).collect();
            let call = Call { body: Some(("application/x-www-form-urlencoded", form.join("&"))), ..Call::new(&Method::POST, &*self.path) };
            let mut fields = HeaderMap::new();
            fields.insert("dpop", proof_by(key, &Method::POST, &self.address, None, nonce.as_deref())?);
            let (status, fields, body) = client.exchange(&call, fields).await?;
            let said: Value = serde_json::from_slice(&body).unwrap_or_default();
            if status.is_success() {
                let token = text(&said, "access_token").context("the token service gave no token")?;
                return Ok(Arc::new(Bound { token: Secret::new(token), key: Arc::clone(key), nonce: Mutex::default() }));
            }
            match fields.get("dpop-nonce").and_then(|value| value.to_str().ok()) {
                Some(wanted) if nonce.is_none() => nonce = Some(wanted.to_owned()),
                _ => bail!("the token service gives `{identity}` no token: {status} {}", text(&said, "error").unwrap_or_default()),
            }
        }
        bail!("the token service gives `{identity}` no token: it wants one nonce after the other")
    }
}
