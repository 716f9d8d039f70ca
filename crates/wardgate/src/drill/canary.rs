//! Canaries: identities that are made for a rehearsal through the management API, and taken away when it ends, however it ends.
//!
//! INVARIANT (ends): each has an end of its own on record from the moment it is there. Should this process be killed, the gate ends them.

use super::{Wanted, target::Target};
use crate::{
    client::{Asking, Client, ClientFault, segment},
    clock,
};
use anyhow::Context as _;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use wardgate_console::{CANARY, Habits};
use wardgate_model::secret::Secret;
use wardgate_proof::jws::Signer;

/// How much longer than the rehearsal they may live.
const SLACK: Duration = Duration::from_mins(5);
/// How much earlier they end than what the gate remembers of them.
const EARLIER: Duration = Duration::from_secs(10);
/// Each change of the feed says so.
const REASON: &str = "rehearsal of an attack";

/// What a canary proves itself by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// An API key: whoever has a copy of it can show it.
    Key,
    /// A private key, by which it gets tokens that are bound to it.
    Private,
}

/// A canary that is to be made.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Its part in the play: the middle of its name.
    pub(super) role: &'static str,
    pub(super) holds: Holds,
    /// What it is granted: an API, and classes or operations of it.
    pub(super) grants: Vec<(String, Vec<String>)>,
    /// What it is taken to have done before.
    pub(super) past: Option<Habits>,
}

/// A canary.
#[derive(Debug)]
pub(super) struct Canary {
    pub(super) name: String,
    /// Its API key, where it has one.
    pub(super) key: Option<Secret<String>>,
    /// Its private key, where it has one.
    pub(super) private: Option<Arc<Signer>>,
}

/// All that was made.
#[derive(Debug)]
pub(super) struct Canaries<'c> {
    client: &'c Client,
    /// What is in every name of this rehearsal.
    mark: String,
    owner: String,
    environment: String,
    production: bool,
    lasting: Duration,
    /// Names of what has to be taken away: also of what may not have come to be.
    identities: Vec<String>,
    grants: Vec<String>,
    rehearsed: Vec<String>,
    /// Ids of keys.
    keys: Vec<String>,
}

/// What was refused is not there; what was not answered may be.
fn forget_refused(names: &mut Vec<String>, error: &anyhow::Error) {
    let refused = error.chain().any(|cause| matches!(cause.downcast_ref::<ClientFault>(), Some(ClientFault::Refused(_))));
    if refused {
        names.pop();
    }
}

impl<'c> Canaries<'c> {
    /// None yet.
    pub(super) fn new(client: &'c Client, wanted: &Wanted, target: &Target) -> Self {
        Self {
            client,
            mark: format!("{CANARY}{}-{:06x}", wanted.scenario.as_str(), clock::entropy() & 0xFF_FFFF),
            owner: wanted.owner.as_ref().unwrap_or(&target.owner).clone(),
            environment: wanted.environment.as_ref().unwrap_or(&target.environment).clone(),
            production: wanted.production,
            lasting: wanted.lasting + SLACK,
            identities: Vec::new(),
            grants: Vec::new(),
            rehearsed: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// Makes one.
    ///
    /// # Errors
    /// The gate refuses; what was made until then is taken away by [`Canaries::take_away`].
    pub(super) async fn make(&mut self, plan: &Plan) -> anyhow::Result<Canary> {
        let name = format!("{}-{}", self.mark, plan.role);
        // Not later than the rehearsal.
        let until = (clock::now() + self.lasting.saturating_sub(EARLIER)).to_rfc3339();
        let private = match plan.holds {
            Holds::Key => None,
            Holds::Private => Some(Arc::new(Signer::load(Signer::generate()?.danger_expose())?)),
        };
        let credential = match &private {
            None => json!({ "name": "key", "type": "api_key", "expires_in": "2h" }),
            Some(key) => json!({ "name": "key", "type": "public_key", "jwk": key.jwk() }),
        };
        let identity = json!({
            "type": "bot", "owner": self.owner, "environment": self.environment, "purpose": REASON, "until": until,
            "credentials": [credential],
        });
        self.identities.push(name.clone());
        if let Err(error) = self.put("identity", &name, &identity).await {
            forget_refused(&mut self.identities, &error);
            return Err(error);
        }
        for (number, (api, operations)) in plan.grants.iter().enumerate() {
            let grant = format!("{name}-{number}");
            let spec = json!({ "to": { "identity": name }, "api": api, "operations": operations, "until": until });
            self.grants.push(grant.clone());
            if let Err(error) = self.put("grant", &grant, &spec).await {
                forget_refused(&mut self.grants, &error);
                return Err(error);
            }
        }
        let mut begun = json!({
            "identity": name, "for": format!("{}s", self.lasting.as_secs()), "production": self.production,
            "reason": REASON,
        });
        if let (Some(past), Some(members)) = (&plan.past, begun.as_object_mut()) {
            members.insert("taught".to_owned(), serde_json::to_value(past)?);
        }
        self.rehearsed.push(name.clone());
        self.client
            .ask(&Asking::once("/api/v1/rehearsals").body(&begun).patiently())
            .await
            .with_context(|| format!("cannot rehearse with `{name}`"))?;
        let key = match plan.holds {
            Holds::Private => None,
            Holds::Key => {
                let issued =
                    self.client.ask(&Asking::once("/api/v1/credentials").body(&json!({ "identity": name, "reason": REASON }))).await?;
                let text = |member: &str| issued.body.get(member).and_then(Value::as_str).map(str::to_owned);
                self.keys.extend(text("id"));
                Some(Secret::new(text("key").context("no key was issued")?))
            }
        };
        Ok(Canary { name, key, private })
    }

    async fn put(&self, kind: &str, name: &str, spec: &Value) -> anyhow::Result<()> {
        let body = json!({ "spec": spec });
        let asking = Asking::new(Method::PUT, format!("/api/v1/resources/{kind}/{}", segment(name))).body(&body);
        let answer = self.client.ask(&asking).await.with_context(|| format!("cannot make the {kind} `{name}`"))?;
        anyhow::ensure!(answer.status != StatusCode::ACCEPTED, "the {kind} `{name}` waits for a second person");
        Ok(())
    }

    /// Takes all of them away; says what is left, which ends by itself.
    pub(super) async fn take_away(self) -> Vec<String> {
        let reason = "?reason=the%20rehearsal%20is%20over";
        let mut left = Vec::new();
        for id in &self.keys {
            self.delete(format!("/api/v1/credentials/{}{reason}", segment(id)), id, &mut left).await;
        }
        for name in &self.rehearsed {
            self.delete(format!("/api/v1/rehearsals/{}{reason}", segment(name)), name, &mut left).await;
        }
        for name in &self.grants {
            self.delete(format!("/api/v1/resources/grant/{}{reason}", segment(name)), name, &mut left).await;
        }
        for name in &self.identities {
            self.delete(format!("/api/v1/resources/identity/{}{reason}", segment(name)), name, &mut left).await;
        }
        left
    }

    /// What is not there needs not be taken away.
    async fn delete(&self, path: String, name: &str, left: &mut Vec<String>) {
        match self.client.call(Method::DELETE, &path, None).await {
            Ok(answer) if answer.status != StatusCode::ACCEPTED => {}
            Err(ClientFault::Refused(refusal)) if refusal.status == StatusCode::NOT_FOUND => {}
            Ok(_) => left.push(format!("{name}: waits for a second person")),
            Err(error) => left.push(format!("{name}: {error}")),
        }
    }
}
