//! What a token could open: for whom, at which APIs, which classes of operations, for how long.

use crate::{
    answer::{Error, Refusal},
    exchange::{Request, Terms},
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use wardgate_gate::{proof, prospect};
use wardgate_model::{
    api::{Api, Doors, OperationClass, Sensitivity},
    credential::{Credential, CredentialKind},
    facts::{Caller, Facts, TokenFacts},
    inventory::{Criticality, Identity},
    proof::{ProofFacts, ProofKind},
    time::Time,
};
use wardgate_proof::access_token;

/// Those who stand behind a token: what it opens, the gate would have to let each of them in to.
pub(crate) struct Reach<'a> {
    request: &'a Request<'a>,
    facts: &'a Facts,
    parties: Vec<Party<'a>>,
    /// Of what is asked upon: the token ends no later.
    until: Option<Time>,
}

/// One of them.
struct Party<'a> {
    credential: &'a Credential,
    /// As it will be when the token is shown.
    shown: Caller,
}

impl<'a> Reach<'a> {
    /// Of these, each with what it has proven itself by. `facts`: the request by which the token is asked for.
    pub(crate) fn of(request: &'a Request<'a>, facts: &'a Facts, parties: impl IntoIterator<Item = (&'a Caller, &'a Credential)>) -> Self {
        let party = |(caller, credential)| Party { credential, shown: shown(caller, credential, request) };
        Self { request, facts, parties: parties.into_iter().map(party).collect(), until: None }
    }

    /// No later than that.
    pub(crate) fn until(self, end: Time) -> Self {
        Self { until: Some(end), ..self }
    }

    /// The API that the token is for, and the address by which it is named: what `resource` says
    /// (RFC 8707) or, as an exchange may have it, `audience` (RFC 8693 §2.1), else the only one that it could be
    /// for. APIs that would not take the token are as ones that are not there.
    ///
    /// # Errors
    /// When there is none, or several are meant.
    pub(crate) fn target(&self) -> Result<(String, Arc<Api>), Refusal> {
        let refused = |why: &str| Err(Refusal::new(Error::InvalidTarget, why));
        let snapshot = self.request.snapshot;
        let named: BTreeSet<&str> = self.request.form.all("resource").chain(self.request.form.all("audience")).collect();
        let mut named = named.into_iter();
        match (named.next(), named.next()) {
            (Some(_), Some(_)) => refused("a token is for one `resource`: ask for one after the other"),
            (Some(resource), None) => match snapshot.addressed(resource).filter(|api| !self.classes(api).is_empty()) {
                Some(api) => Ok((resource.to_owned(), Arc::clone(api))),
                None => refused("there is no such `resource` that this client may call with a token"),
            },
            (None, _) => {
                let mut all = snapshot.apis().iter().filter(|api| !self.classes(api).is_empty());
                let api = match (all.next(), all.next()) {
                    (Some(api), None) => api,
                    (None, _) => {
                        return refused(
                            "no API here takes a token of this client: none accepts what it would be got by, or it has no grant",
                        );
                    }
                    (Some(_), Some(_)) => {
                        return refused("say by `resource` which API the token is for: its address, without a slash at the end");
                    }
                };
                let Some(address) = snapshot.addresses(&api.name).first().map(|address| (*address).to_owned()) else {
                    return refused("the API has no address here");
                };
                Ok((address, Arc::clone(api)))
            }
        }
    }

    /// The classes of operations of an API that the token could open.
    fn classes(&self, api: &Arc<Api>) -> BTreeSet<OperationClass> {
        let mut classes = BTreeSet::new();
        if self.parties.iter().any(|party| !takes_tokens(api, party.credential)) {
            return classes;
        }
        let Request { snapshot, now, .. } = *self.request;
        for operation in api.operations.iter().filter(|operation| !operation.anonymous) {
            let could = |party: &Party<'_>| prospect::could(&party.shown, api, operation, self.facts, snapshot, now);
            if !classes.contains(&operation.class) && self.parties.iter().all(could) {
                classes.insert(operation.class);
            }
        }
        classes
    }

    /// The scope of the token: what is asked for, else all there is (RFC 6749 §3.3). What is asked for and not there is refused, so that
    /// nobody believes to have it.
    ///
    /// # Errors
    /// When more is asked for than there is.
    pub(crate) fn scope(&self, api: &Arc<Api>) -> Result<String, Refusal> {
        let (granted, mut asked) = (self.classes(api), BTreeSet::new());
        for word in self.request.form.one("scope").into_iter().flat_map(|scope| scope.split(' ')).filter(|word| !word.is_empty()) {
            match OperationClass::parse(word).filter(|class| granted.contains(class)) {
                Some(class) => drop(asked.insert(class)),
                None => return Err(Refusal::new(Error::InvalidScope, &format!("the scope `{word}` opens nothing here to this client"))),
            }
        }
        let scope = if asked.is_empty() { &granted } else { &asked };
        Ok(scope.iter().map(|class| class.as_str()).collect::<Vec<_>>().join(" "))
    }

    /// When the token ends: as the operator says, sooner where much depends on who calls or what is called, and never after what it
    /// rests on.
    pub(crate) fn ends(&self, api: &Api) -> Time {
        let of = |party: &Party<'_>| {
            let Identity { criticality, ends, .. } = &*party.shown.identity;
            let life = life(self.request.terms, *criticality, api.sensitivity);
            [Some(self.request.now + life), *ends, party.credential.expires]
        };
        self.parties.iter().flat_map(of).chain([self.until]).flatten().min().unwrap_or(self.request.now)
    }
}

/// Whether an API takes tokens of ours that were got by this credential at all.
fn takes_tokens(api: &Api, credential: &Credential) -> bool {
    proof::opens(api, credential) && api.doors != Doors::Admin && !api.is_issuer()
}

/// A caller as it will be when it shows the token: room 5 makes the same of it.
fn shown(caller: &Caller, credential: &Credential, request: &Request<'_>) -> Caller {
    let (kind, since) = match credential.kind {
        CredentialKind::ApiKey | CredentialKind::ForeignKey => (ProofKind::ApiKey, credential.created),
        // As old as what is asked upon.
        CredentialKind::Oidc => (ProofKind::Jwt, caller.proof.since),
        _ => (ProofKind::Jwt, request.now),
    };
    let facts = TokenFacts {
        id: Box::default(),
        issuer: (**request.snapshot.mint().issuer()).into(),
        audience: Box::default(),
        scopes: OperationClass::ALL.iter().map(|class| class.as_str().into()).collect(),
    };
    Caller {
        proof: ProofFacts { kind, bound: request.caller.holds.is_some(), since, ends: None },
        token: Some(Arc::new(facts)),
        ..caller.clone()
    }
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
