//! What APIs want of the requests of a class beside a grant, as policies: so that it is ruled, explained and proved as everything is.

use crate::source::PolicySource;
use std::sync::Arc;
use wardgate_model::{
    api::{Api, Require},
    diagnostic::Place,
};

/// What the ids of these policies begin with: `require:API:CLASS`.
pub const REQUIRE: &str = "require:";

/// The policies of all APIs, in one text, where there are any.
pub(crate) fn source(apis: &[Arc<Api>]) -> Option<PolicySource> {
    let policies = apis.iter().flat_map(|api| api.require.iter().filter_map(|require| policy(api, require)));
    let text: String = policies.collect();
    (!text.is_empty()).then(|| PolicySource { place: Place::file("require.cedar"), text: text.into() })
}

fn policy(api: &Api, require: &Require) -> Option<String> {
    let bound = require.bound.then(|| "context.proof.bound".to_owned());
    let age = require.max_age.map(|age| format!("context.proof.age_s <= {}", age.as_secs()));
    let purpose = require.purpose.then(|| "context has purpose".to_owned());
    let task = require.task.then(|| "context has task".to_owned());
    let wanted: Vec<String> = bound.into_iter().chain(age).chain(purpose).chain(task).collect();
    let (name, class) = (&api.name, require.class);
    (!wanted.is_empty()).then(|| {
        format!(
            "@id(\"{REQUIRE}{name}:{class}\")\nforbid (principal, action == Action::\"{class}\", resource in Api::\"{name}\")\nunless {{ {} }};\n",
            wanted.join(" && ")
        )
    })
}
