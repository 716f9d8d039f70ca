//! What is on record of the caller and the APIs behind the doors.

use std::sync::Arc;
use wardgate_abuse::Limits;
use wardgate_gate::{Change, Estate, Snapshot, World, assertion::Mint, denied::Denied, trust::Trust};
use wardgate_model::{
    api::Api,
    credential::Credential,
    diagnostic::Place,
    grant::{Grant, GrantTo, OperationSelector},
    id::{GrantId, SecretName},
    inventory::Identity,
    limit::Limit,
    secret::Secret,
    time::Time,
};
use wardgate_policy::{Names, PolicySource, compile};
use wardgate_proof::api_key::Pepper;

/// What is on record of the caller and the APIs, so that it can be changed while the doors are open.
pub(crate) struct OnFile {
    pub(crate) apis: Vec<Api>,
    /// Policies beside those that are shipped.
    pub(crate) policies: String,
    /// The grant that the caller has, and when it ends.
    pub(crate) grant: Option<Option<Time>>,
    pub(crate) identity: Identity,
    pub(crate) credential: Credential,
    pub(crate) limit: Limit,
    pub(crate) secrets: Vec<(&'static str, String)>,
    pub(crate) trust: Arc<Trust>,
    pub(crate) pepper: Arc<Pepper>,
    pub(crate) mint: Arc<Mint>,
    pub(crate) denied: Arc<Denied>,
    pub(crate) body_bytes_max: u64,
}

impl OnFile {
    /// The snapshot that it makes.
    pub(crate) fn snapshot(&self, number: u64) -> Snapshot {
        let apis: Vec<Arc<Api>> = self.apis.iter().cloned().map(Arc::new).collect();
        let grant = |until: Option<Time>, api: &Api| Grant {
            id: GrantId::literal("ledger-sync-reads"),
            to: GrantTo::Identity(self.identity.id.clone()),
            api: api.name.clone(),
            operations: api
                .operations
                .iter()
                .map(|operation| OperationSelector::Operation { method: operation.method.clone(), template: operation.template.clone() })
                .collect(),
            purpose: None,
            until,
            approver: None,
        };
        let grants: Vec<_> = self.grant.zip(apis.first()).map(|(until, api)| Arc::new(grant(until, api))).into_iter().collect();
        let names = Names { identities: ["ledger-sync"].into(), owners: ["shop"].into(), apis: &apis, ..Names::default() };
        let source = PolicySource { place: Place::file("policies.cedar"), text: self.policies.as_str().into() };
        let compiled = compile(&[source], &grants, &names);
        let policies = compiled.policies.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
        let credential = Arc::new(self.credential.clone());
        let credential = match credential.binding {
            Some(_) => Change::Declared(self.identity.id.clone(), [credential].into()),
            None => Change::Credential(credential),
        };
        let population = [Change::Identity(Arc::new(self.identity.clone())), credential].into_iter().collect();
        let estate = Estate::build(World {
            apis,
            grants,
            zones: vec![],
            secrets: self.secrets.iter().map(|(name, text)| (SecretName::literal(name), Secret::new(text.clone()))).collect(),
            policies: Arc::new(policies),
            limits: Arc::new(Limits::compile(&[Arc::new(self.limit.clone())])),
            pepper: Arc::clone(&self.pepper),
            mint: Arc::clone(&self.mint),
            denied: Arc::clone(&self.denied),
            body_bytes_max: self.body_bytes_max,
        });
        // Under which address proofs of possession are made for it.
        let called = self.apis.first().map(|api| (Box::from("https://gate.example"), api.name.clone()));
        let estate = estate.addressed(called);
        Snapshot::new(number, population, Arc::new(estate)).trusting(Arc::clone(&self.trust))
    }
}
