//! Tokens are given out: grant `client_credentials` (RFC 6749 §4.4) as RFC 9068 access tokens for one API (RFC 8707).
//!
//! INVARIANT (no more than the gate): a token is for classes of operations of which the gate could let this identity in to at least one
//! with what it is given (`gate::prospect`). What a token would not open is not in it, and where it would open nothing there is none.
//! The gate judges every use all the same: a token is never the reason why something is let in.

use crate::{
    answer::{self, Error, Refusal},
    exchange::{Request, Terms},
};
use bytes::Bytes;
use http::Response;
use serde_json::json;
use std::{collections::BTreeSet, fmt::Write as _, sync::Arc, time::Duration};
use wardgate_gate::{proof, prospect};
use wardgate_model::{
    api::{Api, Doors, OperationClass, Sensitivity},
    credential::{Credential, CredentialKind},
    facts::{Caller, Facts, TokenFacts},
    inventory::{Criticality, Identity},
    proof::{ProofFacts, ProofKind},
    time::Time,
};
use wardgate_proof::{
    access_token::{self, AccessToken},
    entropy::Entropy,
};

/// The one grant (RFC 6749 §4.4).
const GRANT: &str = "client_credentials";
/// Shortest life that is worth a token.
const LIFE_MIN: Duration = Duration::from_secs(1);

/// Gives a token out.
///
/// # Errors
/// What the client asks for is none, or more than it has.
pub(crate) fn issue(request: &Request<'_>, facts: &Facts, entropy: &dyn Entropy) -> Result<Response<Bytes>, Refusal> {
    match request.form.one("grant_type") {
        Some(GRANT) => {}
        Some(_) => return Err(Refusal::new(Error::UnsupportedGrantType, "the grant is `client_credentials`")),
        None => return Err(Refusal::new(Error::InvalidRequest, "`grant_type` is missing")),
    }
    let Some(credential) = request.caller.credential.as_deref() else {
        return Err(Refusal::new(Error::UnauthorizedClient, "nothing is on record that a token could rest on"));
    };
    let (audience, api) = target(request, facts, credential)?;
    let scope = scope(request, &granted(request, facts, credential, &api))?;
    let ends = ends(request, credential, &api);
    let seconds = ends.as_seconds() - request.now.as_seconds();
    if ends.since(request.now) < LIFE_MIN || seconds < 1 {
        return Err(Refusal::new(Error::InvalidTarget, "what the token would rest on ends now"));
    }
    let server = |_| Refusal::new(Error::Server, "no token could be made");
    let id = id(entropy).map_err(server)?;
    let token = AccessToken {
        issuer: request.snapshot.mint().issuer(),
        identity: &request.caller.identity.id,
        audience: &audience,
        scope: &scope,
        credential: credential.id,
        id: &id,
        issued: request.now,
        ends,
    };
    let text = token.sign(request.snapshot.mint().signer()).map_err(|_| Refusal::new(Error::Server, "no token could be signed"))?;
    let body = json!({ "access_token": text, "token_type": "Bearer", "expires_in": seconds, "scope": scope });
    Ok(answer::recorded(answer::document(&body), "issued", &id))
}

/// 128 random bits, in hexadecimal digits.
fn id(entropy: &dyn Entropy) -> Result<String, wardgate_proof::entropy::NoEntropy> {
    let mut bytes = [0_u8; 16];
    entropy.fill(&mut bytes)?;
    Ok(bytes.iter().fold(String::with_capacity(32), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    }))
}

/// The API that the token is for, and the address by which it is named: what `resource` says, else the only one that this client may
/// call. APIs that would not take the token are as ones that are not there.
fn target(request: &Request<'_>, facts: &Facts, credential: &Credential) -> Result<(String, Arc<Api>), Refusal> {
    let refused = |why: &str| Err(Refusal::new(Error::InvalidTarget, why));
    let may = |api: &Arc<Api>| !granted(request, facts, credential, api).is_empty();
    let named: BTreeSet<&str> = request.form.all("resource").collect();
    let mut named = named.into_iter();
    match (named.next(), named.next()) {
        (Some(_), Some(_)) => refused("a token is for one `resource`: ask for one after the other"),
        (Some(resource), None) => match request.snapshot.addressed(resource).filter(|api| may(api)) {
            Some(api) => Ok((resource.to_owned(), Arc::clone(api))),
            None => refused("there is no such `resource` that this client may call with a token"),
        },
        (None, _) => {
            let mut all = request.snapshot.apis().iter().filter(|api| may(api));
            let api = match (all.next(), all.next()) {
                (Some(api), None) => api,
                (None, _) => {
                    return refused("no API here takes a token of this client: none accepts what it would be got by, or it has no grant");
                }
                (Some(_), Some(_)) => {
                    return refused("say by `resource` which API the token is for: its address, without a slash at the end");
                }
            };
            let Some(address) = request.snapshot.addresses(&api.name).first().map(|address| (*address).to_owned()) else {
                return refused("the API has no address here");
            };
            Ok((address, Arc::clone(api)))
        }
    }
}

/// Whether an API takes tokens of ours that were got by this credential at all.
fn takes_tokens(api: &Api, credential: &Credential) -> bool {
    proof::opens(api, credential) && api.doors != Doors::Admin && !api.is_issuer()
}

/// The classes of operations of an API that a token by this credential could open.
fn granted(request: &Request<'_>, facts: &Facts, credential: &Credential, api: &Arc<Api>) -> BTreeSet<OperationClass> {
    let mut classes = BTreeSet::new();
    if !takes_tokens(api, credential) {
        return classes;
    }
    let caller = shown(request, credential);
    for operation in api.operations.iter().filter(|operation| !operation.anonymous) {
        if !classes.contains(&operation.class) && prospect::could(&caller, api, operation, facts, request.snapshot, request.now) {
            classes.insert(operation.class);
        }
    }
    classes
}

/// The caller as it will be when it shows the token: room 5 makes the same of it.
fn shown(request: &Request<'_>, credential: &Credential) -> Caller {
    let (kind, since) = match credential.kind {
        CredentialKind::ApiKey | CredentialKind::ForeignKey => (ProofKind::ApiKey, credential.created),
        _ => (ProofKind::Jwt, request.now),
    };
    let facts = TokenFacts {
        id: Box::default(),
        issuer: (**request.snapshot.mint().issuer()).into(),
        audience: Box::default(),
        scopes: OperationClass::ALL.iter().map(|class| class.as_str().into()).collect(),
    };
    Caller { proof: ProofFacts { kind, bound: false, since, ends: None }, token: Some(Arc::new(facts)), ..request.caller.clone() }
}

/// The scope of the token: what is asked for, else all there is (RFC 6749 §3.3). What is asked for and not there is refused, so that
/// nobody believes to have it.
fn scope(request: &Request<'_>, granted: &BTreeSet<OperationClass>) -> Result<String, Refusal> {
    let mut asked = BTreeSet::new();
    for word in request.form.one("scope").into_iter().flat_map(|scope| scope.split(' ')).filter(|word| !word.is_empty()) {
        match OperationClass::parse(word).filter(|class| granted.contains(class)) {
            Some(class) => drop(asked.insert(class)),
            None => return Err(Refusal::new(Error::InvalidScope, &format!("the scope `{word}` opens nothing here to this client"))),
        }
    }
    let scope = if asked.is_empty() { granted } else { &asked };
    Ok(scope.iter().map(|class| class.as_str()).collect::<Vec<_>>().join(" "))
}

/// When the token ends: as the operator says, sooner where much depends on who calls or what is called, and never after what it rests on.
fn ends(request: &Request<'_>, credential: &Credential, api: &Api) -> Time {
    let Identity { criticality, ends, .. } = &*request.caller.identity;
    let life = life(request.terms, *criticality, api.sensitivity);
    [Some(request.now + life), *ends, credential.expires].into_iter().flatten().min().unwrap_or(request.now)
}

/// How long a token lives.
fn life(terms: Terms, criticality: Criticality, sensitivity: Sensitivity) -> Duration {
    let of_caller = match criticality {
        Criticality::Low => access_token::LIFE_MAX,
        Criticality::Medium => Duration::from_mins(30),
        Criticality::High => Duration::from_mins(15),
        Criticality::Critical => Duration::from_mins(5),
    };
    let of_called = match sensitivity {
        Sensitivity::Low => access_token::LIFE_MAX,
        Sensitivity::Medium => Duration::from_mins(30),
        Sensitivity::High => Duration::from_mins(15),
        Sensitivity::Critical => Duration::from_mins(5),
    };
    terms.life.min(of_caller).min(of_called)
}
