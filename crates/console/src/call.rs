//! One request, from what the gate judged to an answer.

use crate::{
    answer::Answer,
    credentials, events, explain,
    idempotency::Remembered,
    input::{self, Query},
    openapi,
    operations::{AdminOperation, Key, Needs, Place, row_of},
    problem::{Code, Problem},
    records, secrets, sessions,
    world::World,
};
use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use std::sync::Arc;
use wardgate_model::{
    api::{Operation, PathTemplate, Segment},
    facts::{Caller, Facts},
    inventory::{Identity, Role},
    proof::ProofKind,
    time::Time,
};
use wardgate_store::{Actor, Store, Who};

/// A judged request to the management API.
#[derive(Debug, Clone)]
pub struct Call {
    /// What was judged; the caller in it is proven.
    pub facts: Arc<Facts>,
    /// The operation that it was routed to.
    pub operation: Arc<Operation>,
    /// The method.
    pub method: Method,
    /// The canonical path.
    pub path: String,
    /// The query, without `?`.
    pub query: Option<String>,
    /// Header fields.
    pub headers: HeaderMap,
    /// The whole body; the edge has limited it.
    pub body: Bytes,
}

/// The management API. It answers what the gate let through.
pub struct Console {
    pub(crate) store: Arc<Store>,
    pub(crate) world: Arc<dyn World>,
    pub(crate) remembered: Remembered,
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console").field("store", &self.store).finish_non_exhaustive()
    }
}

/// A request that was read so far as all operations have in common.
pub(crate) struct Asked<'a> {
    pub(crate) call: &'a Call,
    pub(crate) caller: &'a Caller,
    pub(crate) query: Query,
    pub(crate) now: Time,
}

impl Asked<'_> {
    /// The segment of the path that stands where the template has a parameter.
    ///
    /// # Errors
    /// It is not percent-encoded UTF-8; or path and template do not fit, but the gate routes by the same template.
    pub(crate) fn parameter(&self, name: &str) -> Result<String, Problem> {
        let found = parameter(&self.call.operation.template, &self.call.path, name);
        let fault = || Problem::fault(format!("`{}` has no `{name}` of `{}`", self.call.path, self.call.operation.template));
        input::segment(found.ok_or_else(fault)?)
    }

    /// Who makes a change, and why.
    pub(crate) fn actor(&self, reason: Box<str>) -> Actor {
        Actor::new(Who::Identity(self.caller.identity.id.clone()), reason)
    }
}

fn parameter<'a>(template: &PathTemplate, path: &'a str, name: &str) -> Option<&'a str> {
    let at = template.segments().iter().position(|segment| matches!(segment, Segment::Parameter(p) if **p == *name))?;
    path.strip_prefix('/')?.split('/').nth(at).filter(|text| !text.is_empty())
}

/// Whether a caller may act upon what belongs to an identity: one whose only power is the role `owner` acts for what
/// its owner owns, and nobody hands out a role that it does not have.
pub(crate) enum Power {
    /// Ending something.
    Stop,
    /// Handing something out.
    Give,
}

pub(crate) fn within_reach(caller: &Identity, target: &Identity, power: &Power) -> Result<(), Problem> {
    let has = |role: Role| caller.roles.contains(&role);
    let wide = has(Role::Admin) || has(Role::Security) || has(Role::Operator);
    if has(Role::Owner) && !wide && caller.owner != target.owner {
        let detail = format!("`{}` is of the owner `{}`, the caller acts for `{}`", target.id, target.owner, caller.owner);
        return Err(Problem::new(Code::Reach, detail));
    }
    let above = target.roles.iter().find(|role| !has(**role) && !has(Role::Admin));
    match (power, above) {
        (Power::Give, Some(role)) => {
            let detail = format!("`{}` has the role `{role}`, which the caller has not", target.id);
            Err(Problem::new(Code::Reach, detail))
        }
        (Power::Give, None) | (Power::Stop, _) => Ok(()),
    }
}

impl Console {
    /// A console over a store and a running gate.
    #[must_use]
    pub fn new(store: Arc<Store>, world: Arc<dyn World>) -> Self {
        Self { store, world, remembered: Remembered::default() }
    }

    /// Answers a judged request. After a change it answers only when the gate obeys it. Await it to its end: a change
    /// may be made although nobody hears of it.
    pub async fn answer(&self, call: Call, now: Time) -> Response<Bytes> {
        let answer = match self.ask(&call, now).await {
            Ok(answer) => answer,
            Err(problem) => problem.answer(call.facts.id),
        };
        answer.into_response()
    }

    async fn ask(&self, call: &Call, now: Time) -> Result<Answer, Problem> {
        let row = row_of(&call.operation).ok_or_else(|| Problem::fault(format!("no operation `{}`", call.operation.id)))?;
        let caller = call.facts.caller.as_ref().ok_or_else(|| Problem::fault("a judged request without a caller"))?;
        check_proof(row, caller.proof.kind)?;
        let known = row.parameters.iter().filter(|p| p.place == Place::Query).map(|p| p.name);
        let query = Query::read(call.query.as_deref(), known)?;
        if row.request.is_none() {
            input::no_body(&call.body)?;
        }
        let asked = Asked { call, caller, query, now };
        self.dispatch(row.key, &asked).await
    }

    async fn dispatch(&self, key: Key, asked: &Asked<'_>) -> Result<Answer, Problem> {
        match key {
            Key::SignIn => sessions::sign_in(self, asked).await,
            Key::RenewSession => sessions::renew(self, asked).await,
            Key::SignOut => sessions::sign_out(self, asked).await,
            Key::Whoami => sessions::whoami(asked),
            Key::ListCredentials => credentials::list(self, asked).await,
            Key::IssueCredential => credentials::issue(self, asked).await,
            Key::RevokeCredential => credentials::revoke(self, asked).await,
            Key::ListSecrets => secrets::list(self, asked).await,
            Key::PutSecret => secrets::put(self, asked).await,
            Key::ExplainRecorded => explain::recorded(self, asked).await,
            Key::ExplainDescribed => explain::described(self, asked),
            Key::ListEvents => events::list(self, asked).await,
            Key::ListResources => records::list(self, asked).await,
            Key::ReadResource => records::read(self, asked).await,
            Key::ListChanges => records::changes(self, asked).await,
            Key::OpenApi => Ok(Answer::json(http::StatusCode::OK, &openapi::document())),
        }
    }
}

/// A sign-in buys a session and nothing else; everything else takes a session. The policies say the same.
fn check_proof(row: &AdminOperation, kind: ProofKind) -> Result<(), Problem> {
    match (row.needs, kind) {
        (Needs::Session, ProofKind::Session) | (Needs::SignIn, ProofKind::SignIn) => Ok(()),
        (Needs::Session, other) => Err(Problem::new(Code::Proof, format!("this takes a session, not a proof of the kind `{other}`"))),
        (Needs::SignIn, other) => Err(Problem::new(Code::Proof, format!("this takes a sign-in, not a proof of the kind `{other}`"))),
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
