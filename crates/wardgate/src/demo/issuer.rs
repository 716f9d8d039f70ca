//! A CI service as an issuer of tokens: it publishes where its keys are and which, over real HTTP, and signs a token for each
//! job that it runs.

use super::sample::{Kind, Upstream};
use crate::clock;
use serde_json::{Value, json};
use std::sync::Arc;
use wardgate_model::secret::Secret;
use wardgate_proof::jws::{Signer, jwks};

/// Where its keys are.
pub(super) const KEYS: &str = "/keys";
/// Our token service, as the demo's configuration names it.
pub(super) const ISSUER: &str = "https://localhost";
/// How long its tokens live, in seconds.
const LIFE_S: i64 = 600;

/// An issuer.
#[derive(Debug)]
pub(super) struct Issuer {
    signer: Signer,
    pages: Upstream,
}

impl Issuer {
    /// Starts one on a port of its own.
    pub(super) async fn start() -> anyhow::Result<Self> {
        let signer = Signer::load(Signer::generate()?.danger_expose())?;
        let pages = Upstream::start(Kind::Issuer(Arc::new(jwks([&signer])))).await?;
        Ok(Self { signer, pages })
    }

    /// Its pages.
    pub(super) const fn pages(&self) -> &Upstream {
        &self.pages
    }

    /// What a job of the pipeline can say of itself, for an environment.
    pub(super) fn claims(&self, environment: &str) -> Value {
        let now = clock::now().as_seconds();
        json!({
            "iss": format!("http://{}", self.pages.address()),
            "sub": "repo:acme/checkout",
            "aud": "wardgate",
            "iat": now,
            "exp": now + LIFE_S,
            "jti": format!("{:x}", clock::entropy()),
            "environment": environment,
            "ref": "refs/heads/main",
        })
    }

    /// A token that says so.
    pub(super) fn sign(&self, claims: &Value) -> anyhow::Result<Secret<String>> {
        Ok(Secret::new(self.signer.sign("JWT", claims)?))
    }

    /// The token of a job for an environment, made out to our token service.
    pub(super) fn token_to_swap(&self, environment: &str) -> anyhow::Result<Secret<String>> {
        let mut claims = self.claims(environment);
        if let Some(claims) = claims.as_object_mut() {
            claims.insert("aud".to_owned(), ISSUER.into());
        }
        self.sign(&claims)
    }

    /// The token of a job for an environment.
    pub(super) fn token(&self, environment: &str) -> anyhow::Result<Secret<String>> {
        self.sign(&self.claims(environment))
    }

    /// How often it was asked for its keys.
    pub(super) fn asked(&self) -> usize {
        self.pages.since(0).iter().filter(|request| request.target == KEYS).count()
    }
}

/// A token that says what a real one says, by somebody who is not its issuer.
pub(super) fn forged(claims: &Value) -> anyhow::Result<Secret<String>> {
    Ok(Secret::new(Signer::load(Signer::generate()?.danger_expose())?.sign("JWT", claims)?))
}
