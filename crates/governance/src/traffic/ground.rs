//! What recorded calls are judged against: an installation's own documents, or what a first look at the log has taught.

use super::{
    callers::{OWNER, OnRecord},
    classes,
    held::Hosts,
    paths::Paths,
};
use std::{
    path::Path,
    sync::{Arc, LazyLock},
};
use wardgate_gate::{
    Limits, Snapshot,
    recorded::{Ground, NoKey},
};
use wardgate_model::{
    api::{Api, HostPattern, Operation, OperationId, PathTemplate},
    credential::CredentialKind,
    diagnostic::{Diagnostic, Place},
    grant::Grant,
    id::ApiName,
    inventory::Zone,
    proof::{ProofFacts, ProofKind},
    time::Time,
};
use wardgate_policy::{Names, PolicySet, PolicySource};
use wardgate_resources::{IdentitySpec, Inventory, Sources};

/// Operations that are learned in all.
const OPERATIONS_MAX: usize = 20_000;

/// An installation, as far as it judges what others recorded.
#[derive(Debug)]
pub struct Installation {
    apis: Vec<Arc<Api>>,
    grants: Vec<Arc<Grant>>,
    zones: Vec<Zone>,
    policies: Arc<PolicySet>,
    limits: Arc<Limits>,
    pub(super) on_record: OnRecord,
}

/// Callers that are on nobody's record are let in: what they do is to be looked at. All that forbids holds for them too.
const STRANGERS: &str = "@id(\"replay:recorded\") permit (principal in Owner::\"replay.recorded\", action, resource);\n";

/// Where nothing is on record: guardrails that read environments, states and proofs would read what no log tells.
const NO_GUARDRAILS: &str = "\
@id(\"guardrail:environments\") permit (principal in Owner::\"replay.recorded\", action, resource);
@id(\"guardrail:standing\") permit (principal in Owner::\"replay.recorded\", action, resource);
@id(\"guardrail:unowned\") permit (principal in Owner::\"replay.recorded\", action, resource);
@id(\"guardrail:power\") permit (principal in Owner::\"replay.recorded\", action, resource);
";

impl Installation {
    /// Of what documents declare, with the limits that are in force.
    ///
    /// # Errors
    /// With every diagnostic, when the policies do not compile.
    pub fn of(inventory: &Inventory, limits: Arc<Limits>) -> Result<Self, Vec<Diagnostic>> {
        let own = inventory.policies.iter().map(|(place, text)| PolicySource { place: place.clone(), text: Arc::clone(text) });
        let names = Names {
            identities: inventory.identities.iter().map(|spec| spec.identity.id.as_str()).collect(),
            beside: None,
            owners: inventory.owners.iter().map(|owner| owner.name.as_str()).chain([OWNER]).collect(),
            teams: inventory.owners.iter().flat_map(|owner| &owner.teams).map(wardgate_model::id::TeamName::as_str).collect(),
            environments: &inventory.environments,
            apis: &inventory.apis,
        };
        Ok(Self {
            apis: inventory.apis.clone(),
            grants: inventory.grants.clone(),
            zones: inventory.zones.clone(),
            policies: compiled(own.collect(), STRANGERS, &inventory.grants, &names)?,
            limits,
            on_record: inventory.identities.iter().map(on_record).collect(),
        })
    }

    /// How many identities it has on record.
    #[must_use]
    pub fn identities(&self) -> usize {
        self.on_record.len()
    }

    pub(super) fn snapshot(&self) -> Result<Snapshot, NoKey> {
        let ground = Ground {
            apis: self.apis.clone(),
            grants: self.grants.clone(),
            zones: self.zones.clone(),
            policies: Arc::clone(&self.policies),
            limits: Some(Arc::clone(&self.limits)),
        };
        ground.into_snapshot()
    }
}

/// An identity, and what is taken for its proof: of the first kind that it has on record, shown just now.
fn on_record(spec: &IdentitySpec) -> (Box<str>, (Arc<wardgate_model::inventory::Identity>, ProofFacts)) {
    let kind = spec.credentials.first().map(|credential| match credential.kind {
        CredentialKind::ApiKey | CredentialKind::ForeignKey => ProofKind::ApiKey,
        CredentialKind::Session => ProofKind::Session,
        CredentialKind::SignIn => ProofKind::SignIn,
        CredentialKind::BreakGlass => ProofKind::BreakGlass,
        CredentialKind::Oidc => ProofKind::Jwt,
        CredentialKind::X509 => ProofKind::X509,
        CredentialKind::PublicKey | CredentialKind::WebBotAuth => ProofKind::Signature,
        CredentialKind::Hmac => ProofKind::Hmac,
    });
    let proof = kind.map_or(ProofFacts::NONE, |kind| ProofFacts { kind, since: Time::from_micros(i64::MAX), ..ProofFacts::NONE });
    (spec.identity.id.as_str().into(), (Arc::new(spec.identity.clone()), proof))
}

/// What a first look at a log has taught.
pub(super) fn learned(hosts: &Hosts, paths: &[Paths]) -> Result<Snapshot, Unready> {
    let model = model().ok_or(Unready::Model)?;
    let mut names = Vec::new();
    let mut left = OPERATIONS_MAX;
    let mut apis = Vec::new();
    for (host, paths) in hosts.all().iter().zip(paths) {
        let (name, host) = (name(host, &mut names), &**host);
        let operations = operations(&name, host, paths, &model.operation, &mut left);
        if operations.is_empty() {
            continue;
        }
        let pattern = if host.is_empty() { HostPattern::Any } else { HostPattern::Exact(host.into()) };
        apis.push(Arc::new(Api { name, hosts: [pattern].into(), path_prefix: Box::default(), operations, ..Api::clone(&model.api) }));
    }
    let environments = [Arc::clone(&model.api.environment)];
    let names = Names { owners: [OWNER].into(), environments: &environments, apis: &apis, ..Names::default() };
    let policies = compiled(Vec::new(), &format!("{STRANGERS}{NO_GUARDRAILS}"), &[], &names).map_err(|_| Unready::Model)?;
    let ground = Ground { apis, grants: Vec::new(), zones: Vec::new(), policies, limits: None };
    Ok(ground.into_snapshot()?)
}

/// Why there is nothing to judge against.
#[derive(Debug, thiserror::Error)]
pub enum Unready {
    /// A key that is never used could not be made.
    #[error(transparent)]
    NoKey(#[from] NoKey),
    /// What learned APIs are made after does not load: a fault of ours.
    #[error("what learned APIs are made after does not load")]
    Model,
}

fn operations(api: &ApiName, host: &str, paths: &Paths, model: &Operation, left: &mut usize) -> Box<[Arc<Operation>]> {
    let mut learned = paths.learned();
    // Those with the most calls, should there not be room for all.
    if learned.len() > *left {
        learned.sort_by(|a, b| b.calls.cmp(a.calls).then_with(|| a.template.cmp(&b.template)));
        learned.truncate(*left);
    }
    *left -= learned.len();
    let made = learned.into_iter().filter_map(|learned| {
        let template = PathTemplate::parse(&learned.template).ok()?;
        Some(Arc::new(Operation {
            id: OperationId::new(api, &learned.method, &template),
            class: classes::class(&learned.method, host, &learned.template, learned.has_members),
            resource: learned.resource.map(Into::into),
            method: learned.method,
            template,
            ..model.clone()
        }))
    });
    made.collect()
}

/// A name for the API of a host, which no other has.
fn name(host: &str, taken: &mut Vec<Box<str>>) -> ApiName {
    let fits = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    let host = host.to_ascii_lowercase();
    let plain: String = host.trim_matches(|c: char| !c.is_ascii_alphanumeric()).chars().take(100).map(fits).collect();
    let plain = if plain.is_empty() { "recorded".to_owned() } else { plain };
    let own = if taken.iter().any(|known| **known == *plain) { format!("{plain}-{}", taken.len()) } else { plain };
    taken.push(own.as_str().into());
    ApiName::parse(&own).unwrap_or_else(|_| ApiName::literal("recorded"))
}

fn compiled(
    mut sources: Vec<PolicySource>,
    beside: &str,
    grants: &[Arc<Grant>],
    names: &Names<'_>,
) -> Result<Arc<PolicySet>, Vec<Diagnostic>> {
    sources.push(PolicySource { place: Place::file("replay.cedar"), text: beside.into() });
    let compiled = wardgate_policy::compile(&sources, grants, names);
    compiled.policies.map(Arc::new).ok_or(compiled.diagnostics)
}

/// What learned APIs and operations are like in all that a log does not tell.
#[derive(Debug)]
struct Model {
    api: Arc<Api>,
    operation: Operation,
}

const MODEL: &str = "\
kind: Environment
name: recorded
spec: { production: false, shared: true }
---
kind: Owner
name: replay.recorded
spec: { accountable: replay@recorded.invalid }
---
kind: Api
name: recorded
spec:
  policy_owner: replay.recorded
  business_owner: replay.recorded
  environment: recorded
  match: { path_prefix: /recorded }
  upstream: { urls: [\"http://127.0.0.1:9\"], identity: assertion }
  operations: [{ match: \"GET /\", class: read }]
";

fn model() -> Option<&'static Model> {
    static LOADED: LazyLock<Option<Model>> = LazyLock::new(|| {
        let sources = Sources { documents: vec![("replay.yaml".into(), MODEL.into())], policies: Vec::new() };
        let none = |_: &Path, _: &str| Err(std::io::ErrorKind::NotFound.into());
        let api = wardgate_resources::load(&sources, &none).inventory?.apis.into_iter().next()?;
        let operation = Operation::clone(api.operations.first()?);
        Some(Model { api, operation })
    });
    LOADED.as_ref()
}

#[cfg(test)]
mod tests {
    use super::{Hosts, Paths, learned, model, name};
    use http::Method;
    use wardgate_model::inventory::Environment;

    #[test]
    fn what_learned_apis_are_made_after_loads() {
        let model = model().unwrap();
        let Environment { shared, production, .. } = &*model.api.environment;
        assert!(*shared && !production);
    }

    #[test]
    fn apis_are_learned_host_by_host() {
        let mut hosts = Hosts::new();
        let mut paths = vec![Paths::default(), Paths::default()];
        hosts.place("Shop.Example:443");
        paths[0].take(&Method::GET, "/", 1);
        paths[1].take(&Method::GET, "/orders/7", 1);
        paths[1].take(&Method::POST, "/login", 1);
        let snapshot = learned(&hosts, &paths).unwrap();
        let told: Vec<String> = snapshot
            .apis()
            .iter()
            .flat_map(|api| api.operations.iter().map(move |operation| format!("{:?} {} {}", api.hosts, operation.id, operation.class)))
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        [Any] recorded GET / read
        [Exact("shop.example")] shop.example POST /login login
        [Exact("shop.example")] shop.example GET /orders/{id} read
        "#);
    }

    #[test]
    fn names_of_apis_are_their_own() {
        let mut taken = Vec::new();
        let names: Vec<String> =
            ["", "a.example", "A.EXAMPLE", "[2001:db8::1]", "-"].iter().map(|host| name(host, &mut taken).to_string()).collect();
        assert_eq!(names, ["recorded", "a.example", "a.example-2", "2001-db8--1", "recorded-4"]);
    }
}
