//! What an API that takes our tokens is told of as: metadata of a protected resource (RFC 9728 §2).

use crate::place::Mutual;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use wardgate_model::api::{Api, OperationClass};
use wardgate_proof::dpop;

/// The document of an API, by the address that it is called by.
#[must_use]
pub fn metadata(address: &str, api: &Api, issuer: &str, mutual: &Mutual) -> Value {
    let classes: BTreeSet<OperationClass> = api.operations.iter().filter(|operation| !operation.anonymous).map(|one| one.class).collect();
    let bound = |class: &OperationClass| api.require.iter().any(|require| require.class == *class && require.bound);
    // A certificate binds as well as a key does.
    let only_keys = *mutual == Mutual::Nowhere && !classes.is_empty() && classes.iter().all(bound);
    let scopes: Vec<&str> = classes.iter().map(|class| class.as_str()).collect();
    json!({
        "resource": address,
        "resource_name": api.name,
        "authorization_servers": [issuer],
        "scopes_supported": scopes,
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": dpop::algorithms(),
        "dpop_bound_access_tokens_required": only_keys,
        "tls_client_certificate_bound_access_tokens": *mutual != Mutual::Nowhere,
    })
}
