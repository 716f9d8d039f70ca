//! One request, from what the gate judged to an answer.

use crate::{
    access, announcements,
    answer::Answer,
    approvals, around, asking, changes, containments, credentials, declared, discoveries, erasures, events, explain,
    idempotency::{Begun, Remembered, Same},
    import,
    input::{self, Query},
    lifecycle, openapi,
    operations::{AdminOperation, IDEMPOTENCY_KEY, Key, Needs, Place, Reach, row_of},
    owners, power,
    problem::{Code, Problem},
    records, rehearsals, rollback, secrets, sessions, signing_keys, surface, tasks, timeline, usage,
    world::World,
};
use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use std::sync::Arc;
use wardgate_governance::lifecycle::Move;
use wardgate_model::{
    api::{Operation, PathTemplate, Segment},
    facts::{Caller, Facts},
    proof::ProofKind,
    time::Time,
};
use wardgate_store::{Actor, Armers, Store, Who};

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

    /// Who makes a change, by which credential, and why.
    pub(crate) fn actor(&self, reason: Box<str>) -> Actor {
        let actor = Actor::new(Who::Identity(self.caller.identity.id.clone()), reason);
        match &self.caller.credential {
            Some(credential) => actor.by(credential.id),
            None => actor.armed_by(Armers::Unknown),
        }
    }
}

fn parameter<'a>(template: &PathTemplate, path: &'a str, name: &str) -> Option<&'a str> {
    let at = template.segments().iter().position(|segment| matches!(segment, Segment::Parameter(p) if **p == *name))?;
    path.strip_prefix('/')?.split('/').nth(at).filter(|text| !text.is_empty())
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
            Err(problem) => {
                if problem.code == Code::Away {
                    self.world.doubt();
                }
                problem.while_away(self.world.away().as_ref()).answer(call.facts.id)
            }
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
        check_reach(row, &asked)?;
        // Large: kept on the heap while it runs.
        Box::pin(self.once(row, &asked)).await
    }

    /// Answers, or gives the answer that the same request had.
    async fn once(&self, row: &AdminOperation, asked: &Asked<'_>) -> Result<Answer, Problem> {
        let key = if row.reads_parameter(IDEMPOTENCY_KEY.name) { input::idempotency_key(&asked.call.headers)? } else { None };
        let Some(key) = key else { return self.dispatch(row.key, asked).await };
        let call = asked.call;
        let place = match self.remembered.begin(&asked.caller.identity.id, &key, Same::of(call), asked.now)? {
            Begun::New(place) => place,
            Begun::Known(first) => return Ok(first),
        };
        // Dropped on refusal: a request that changed nothing may be tried again with the same key.
        let answer = self.dispatch(row.key, asked).await?;
        place.keep(answer.clone());
        Ok(answer)
    }

    async fn dispatch(&self, key: Key, asked: &Asked<'_>) -> Result<Answer, Problem> {
        match key {
            Key::SignIn => sessions::sign_in(self, asked).await,
            Key::RenewSession => sessions::renew(self, asked).await,
            Key::SignOut => sessions::sign_out(self, asked).await,
            Key::Whoami => sessions::whoami(asked),
            Key::OpenApi => Ok(Answer::ok(openapi::document())),
            Key::ListCredentials => credentials::list(self, asked).await,
            Key::IssueCredential => credentials::issue(self, asked).await,
            Key::RevokeCredential => credentials::revoke(self, asked).await,
            Key::RotateCredential => credentials::rotate(self, asked).await,
            Key::ListSecrets => secrets::list(self, asked).await,
            Key::PutSecret => secrets::put(self, asked).await,
            Key::RotateSecret => secrets::rotate(self, asked).await,
            Key::ListSigningKeys => signing_keys::list(self).await,
            Key::RevokeSigningKey => signing_keys::revoke(self, asked).await,
            Key::ExplainRecorded => explain::recorded(self, asked).await,
            Key::ExplainDescribed => explain::described(self, asked),
            Key::ListEvents => events::list(self, asked).await,
            Key::AskLog => asking::ask(self, asked).await,
            Key::EraseEvents => erasures::erase(self, asked).await,
            Key::ReadErasure => erasures::read(self, asked).await,
            Key::Timeline => timeline::show(self, asked).await,
            Key::ListChanges => changes::list(self, asked).await,
            Key::ListUsage => usage::list(self, asked).await,
            Key::ListAccess => access::list(self, asked).await,
            Key::ListFindings => access::findings(self, asked).await,
            Key::ListOperations => surface::list(self, asked).await,
            Key::ListProbes => around::list(self, asked),
            Key::Probe => around::probe(self, asked).await,
            Key::ListResources => records::list(self, asked).await,
            Key::ReadResource => records::read(self, asked).await,
            other => self.dispatch_governed(other, asked).await,
        }
    }

    /// What changes what is declared, and what happens to it.
    async fn dispatch_governed(&self, key: Key, asked: &Asked<'_>) -> Result<Answer, Problem> {
        match key {
            Key::PutResource => declared::put(self, asked).await,
            Key::RemoveResource => declared::remove(self, asked).await,
            Key::Plan => declared::plan(self, asked).await,
            Key::Apply => declared::apply(self, asked).await,
            Key::Export => declared::export(self, asked).await,
            Key::Import => import::read(self, asked).await,
            Key::Rollback => rollback::roll_back(self, asked).await,
            Key::ApproveIdentity => lifecycle::step(self, asked, Move::Approve).await,
            Key::RejectIdentity => lifecycle::step(self, asked, Move::Reject).await,
            Key::SuspendIdentity => lifecycle::step(self, asked, Move::Suspend).await,
            Key::ResumeIdentity => lifecycle::step(self, asked, Move::Resume).await,
            Key::QuarantineIdentity => lifecycle::step(self, asked, Move::Quarantine).await,
            Key::RetireIdentity => lifecycle::step(self, asked, Move::Retire).await,
            Key::TransferIdentity => lifecycle::transfer(self, asked).await,
            Key::ListDiscoveries => discoveries::list(self, asked).await,
            Key::ClaimDiscovery => discoveries::claim(self, asked).await,
            Key::RejectDiscovery => discoveries::reject(self, asked).await,
            Key::DepartOwner => owners::depart(self, asked).await,
            Key::ReturnOwner => owners::come_back(self, asked).await,
            Key::AttestOwner => owners::attest(self, asked).await,
            Key::ListContainments => containments::list(self, asked).await,
            Key::Contain => containments::contain(self, asked).await,
            Key::Release => containments::release(self, asked).await,
            Key::ListAnnouncements => announcements::list(self, asked).await,
            Key::Announce => announcements::announce(self, asked).await,
            Key::ListRehearsals => rehearsals::list(self, asked).await,
            Key::BeginRehearsal => rehearsals::begin(self, asked).await,
            Key::EndRehearsal => rehearsals::end(self, asked).await,
            Key::ListApprovals => approvals::list(self, asked).await,
            Key::ReadApproval => approvals::read(self, asked).await,
            Key::Approve => approvals::approve(self, asked).await,
            Key::Deny => approvals::deny(self, asked).await,
            key @ (Key::ListTasks | Key::StartTask | Key::ReadTask | Key::HeartbeatTask | Key::CompleteTask | Key::FailTask) => {
                tasks::answer(self, key, asked).await
            }
            other => Err(Problem::fault(format!("no answer to `{}`", other.as_str()))),
        }
    }
}

/// A caller that is kept to one owner comes no further where everything is told or changed.
fn check_reach(row: &AdminOperation, asked: &Asked<'_>) -> Result<(), Problem> {
    match (row.reach, power::kept_to(&asked.caller.identity)) {
        (Reach::Wide, Some(own)) => {
            Err(Problem::new(Code::Reach, format!("this is not for the role `owner`: the caller acts for `{own}` and nobody else")))
        }
        _ => Ok(()),
    }
}

/// A sign-in buys a session and nothing else; everything else takes a session. The policies say the same.
fn check_proof(row: &AdminOperation, kind: ProofKind) -> Result<(), Problem> {
    match (row.needs, kind) {
        (Needs::Session, ProofKind::Session | ProofKind::BreakGlass) | (Needs::SignIn, ProofKind::SignIn) => Ok(()),
        (Needs::Session, other) => Err(Problem::new(Code::Proof, format!("this takes a session, not a proof of the kind `{other}`"))),
        (Needs::SignIn, other) => Err(Problem::new(Code::Proof, format!("this takes a sign-in, not a proof of the kind `{other}`"))),
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
