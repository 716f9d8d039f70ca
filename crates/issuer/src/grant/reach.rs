//! What a token could open: for whom, at which APIs, which classes of operations, for how long.

mod lacking;

use crate::{
    against::Against,
    answer::{Error, Refusal},
    details::Asks,
    exchange::{Request, Terms},
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use wardgate_gate::{proof, prospect::Prospect};
use wardgate_model::{
    api::{Api, Doors, Operation, OperationClass, Sensitivity},
    credential::{Credential, CredentialKind},
    facts::{Caller, Facts, TokenFacts},
    id::{CredentialId, IdentityId},
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
    /// Of whom the token will be, and who will act in it.
    holder: Caller,
    /// What the token will be worth as a proof: room 5 makes the same of it.
    worth: ProofFacts,
    /// Of what is asked upon: these classes and no others.
    scopes: Option<&'a [Box<str>]>,
    /// Of what is asked upon: the token ends no later.
    until: Option<Time>,
    /// The task that the token is of.
    task: Option<&'a Asks>,
}

/// One of them, and all that it has proven itself by.
struct Party<'a> {
    caller: &'a Caller,
    credentials: Vec<&'a Credential>,
}

impl<'a> Reach<'a> {
    /// Of a client that asks, with what it has proven itself by. `facts`: the request by which the token is asked for.
    pub(crate) fn of(request: &'a Request<'a>, facts: &'a Facts, caller: &'a Caller, credential: &'a Credential) -> Self {
        let fresh = ProofFacts { kind: ProofKind::Jwt, bound: caller.holds.is_some(), fresh: false, since: request.now, ends: None };
        // What vouches for it may be over before the credential is. An assertion is good for a moment only, and for this alone.
        let until = matches!(credential.kind, CredentialKind::Oidc | CredentialKind::X509).then_some(caller.proof.ends).flatten();
        let worth = match credential.kind {
            CredentialKind::ApiKey | CredentialKind::ForeignKey => {
                ProofFacts { kind: ProofKind::ApiKey, since: credential.created, ..fresh }
            }
            // As old as what is asked upon.
            CredentialKind::Oidc => ProofFacts { since: caller.proof.since, ..fresh },
            _ => fresh,
        };
        let parties = vec![Party { caller, credentials: vec![credential] }];
        Self { request, facts, parties, holder: caller.clone(), worth, scopes: None, until, task: None }
    }

    /// And of whom a token stands for that it shows, ours or not: no better than that token, and no younger.
    pub(crate) fn for_subject(mut self, caller: &'a Caller, scopes: Option<&'a [Box<str>]>) -> Self {
        let actors = caller.delegation.iter().flat_map(|delegation| &delegation.actors).map(|actor| &*actor.credential);
        let credentials = caller.credential.as_deref().into_iter().chain(actors).collect();
        self.parties.push(Party { caller, credentials });
        let kind = if caller.proof.kind == ProofKind::ApiKey { ProofKind::ApiKey } else { self.worth.kind };
        self.worth = ProofFacts { kind, since: self.worth.since.min(caller.proof.since), ..self.worth };
        Self { scopes, holder: caller.clone(), ..self }
    }

    /// With those who act in it, outermost first.
    pub(crate) fn acted(self, actors: &[(IdentityId, CredentialId)]) -> Self {
        let actors = actors.iter().map(|(actor, _)| actor.clone()).collect();
        Self { holder: Caller { actors, ..self.holder }, ..self }
    }

    /// No later than that.
    pub(crate) fn until(self, end: Time) -> Self {
        Self { until: self.until.into_iter().chain([end]).min(), ..self }
    }

    /// Worth no more than a token that whoever has it may use.
    pub(crate) fn unbound(self, unbound: bool) -> Self {
        let bound = self.worth.bound && !unbound;
        Self { worth: ProofFacts { bound, ..self.worth }, ..self }
    }

    /// Within that task.
    pub(crate) fn of_task(self, task: Option<&'a Asks>) -> Self {
        Self { task, ..self }
    }

    /// As old as the token is: what it is got upon was made then.
    pub(crate) fn since(&self) -> Time {
        self.worth.since
    }

    /// Whoever shows the token, as the gate will know them then.
    fn shown(&self, audience: &str, classes: &BTreeSet<OperationClass>) -> Caller {
        let facts = TokenFacts {
            id: Box::default(),
            issuer: (**self.request.snapshot.mint().issuer()).into(),
            audience: [audience.into()].into(),
            scopes: classes.iter().map(|class| class.as_str().into()).collect(),
        };
        let task = self.task.map(|asks| asks.task.id.clone());
        Caller { proof: self.worth, token: Some(Arc::new(facts)), task, ..self.holder.clone() }
    }

    /// The API that the token is for, and the address by which it is named: what `resource` says
    /// (RFC 8707) or, in an exchange, `audience` (RFC 8693 §2.1), else the only one that it could be
    /// for. APIs that would not take the token are as ones that are not there.
    ///
    /// # Errors
    /// When there is none, or several are meant.
    pub(crate) fn target(&self) -> Result<(String, Arc<Api>), Refusal> {
        let refused = |why: &'static str, against| Err(Refusal::new(Error::InvalidTarget, why).because(against));
        let snapshot = self.request.snapshot;
        let named: BTreeSet<&str> = self.request.form.all("resource").chain(self.request.form.all("audience")).collect();
        let mut named = named.into_iter();
        match (named.next(), named.next()) {
            (Some(_), Some(_)) => refused("a token is for one `resource`: ask for one after the other", Against::Named),
            (Some(resource), None) => match snapshot.addressed(resource) {
                Some(api) if self.opens(resource, api) => Ok((resource.to_owned(), Arc::clone(api))),
                found => {
                    let against = found.map_or(Against::Unknown, |api| self.against(api));
                    refused("there is no such `resource` that this client may call with a token", against)
                }
            },
            (None, _) => {
                // Where tasks are started is nobody's only API: whoever wants a token for that says so.
                let address = |api: &Api| snapshot.addresses(&api.name).first().map(|address| (*address).to_owned());
                let opens = |api: &Arc<Api>| self.opens(&address(api).unwrap_or_default(), api);
                let mut all = snapshot.apis().iter().filter(|api| !api.is_tasks() && opens(api));
                let api = match (all.next(), all.next()) {
                    (Some(api), None) => api,
                    (None, _) => {
                        return refused(
                            "no API here takes a token of this client: none accepts what it would be got by, or it has no grant",
                            Against::Nothing,
                        );
                    }
                    (Some(_), Some(_)) => {
                        let why = "say by `resource` which API the token is for: its address, without a slash at the end";
                        return refused(why, Against::Several);
                    }
                };
                match address(api) {
                    Some(address) => Ok((address, Arc::clone(api))),
                    None => refused("the API has no address here", Against::Unknown),
                }
            }
        }
    }

    /// Why a token for an API would open nothing of it. For the record: it decides nothing.
    fn against(&self, api: &Arc<Api>) -> Against {
        let Request { snapshot, now, .. } = *self.request;
        let granted = |scopes: Option<&[Box<str>]>| {
            let caller = self.shown("", &OperationClass::ALL.iter().copied().collect());
            let prospect = Prospect { caller: &caller, asking: self.facts, snapshot, now };
            let stands =
                |operation: &Arc<Operation>| self.parties.iter().all(|party| prospect.stands(&party.caller.identity, api, operation));
            let within =
                |operation: &Operation| scopes.is_none_or(|scopes| scopes.iter().any(|scope| **scope == *operation.class.as_str()));
            api.operations.iter().any(|operation| within(operation) && self.wants(operation) && stands(operation))
        };
        let mut credentials = self.parties.iter().flat_map(|party| &party.credentials);
        if api.doors == Doors::Admin || api.is_issuer() {
            Against::Unknown
        } else if !api.accept.contains(&CredentialKind::Oidc) {
            Against::NoTokens
        } else if !credentials.all(|credential| takes_tokens(api, credential)) {
            Against::KeyNotAccepted
        } else if self.task.is_some_and(|asks| asks.task.api != api.name) {
            Against::Task
        } else if !granted(None) {
            Against::NoGrant
        } else if !granted(self.scopes) {
            Against::Subject
        } else if !self.worth.bound && api.require.iter().any(|require| require.bound) {
            Against::Unbound
        } else {
            Against::Policy
        }
    }

    /// The classes of operations of an API that a token for it could open; `asked`: one for these alone.
    fn classes(&self, audience: &str, api: &Arc<Api>, asked: Option<&BTreeSet<OperationClass>>) -> BTreeSet<OperationClass> {
        let mut credentials = self.parties.iter().flat_map(|party| &party.credentials);
        // Tasks are of whom a token is of: who acts for it neither starts nor ends any.
        let acts = api.is_tasks() && !self.holder.actors.is_empty();
        if acts || !credentials.all(|credential| takes_tokens(api, credential)) || self.task.is_some_and(|asks| asks.task.api != api.name) {
            return BTreeSet::new();
        }
        let within = |class: &OperationClass| {
            asked.is_none_or(|asked| asked.contains(class))
                && self.scopes.is_none_or(|scopes| scopes.iter().any(|scope| **scope == *class.as_str()))
        };
        let Request { snapshot, now, .. } = *self.request;
        let passing = |classes: &BTreeSet<OperationClass>, passes: &dyn Fn(&Prospect<'_>, &Identity, &Arc<Operation>) -> bool| {
            let caller = self.shown(audience, classes);
            let prospect = Prospect { caller: &caller, asking: self.facts, snapshot, now };
            let mut passed = BTreeSet::new();
            for operation in api.operations.iter().filter(|operation| self.wants(operation) && classes.contains(&operation.class)) {
                let all = || self.parties.iter().all(|party| passes(&prospect, &party.caller.identity, operation));
                if !passed.contains(&operation.class) && all() {
                    passed.insert(operation.class);
                }
            }
            passed
        };
        let mut classes = passing(&OperationClass::ALL.iter().copied().filter(within).collect(), &|prospect, identity, operation| {
            prospect.stands(identity, api, operation)
        });
        // Policies see what a token is for: where less comes of it, they are asked of that. It only ever becomes less.
        loop {
            let fewer = passing(&classes, &|prospect, identity, operation| prospect.could(identity, api, operation));
            if fewer == classes {
                return classes;
            }
            classes = fewer;
        }
    }

    /// Whether a token for an API would open anything: one for all that there is, or for what is asked for.
    fn opens(&self, audience: &str, api: &Arc<Api>) -> bool {
        let asked = self.asked();
        !self.classes(audience, api, None).is_empty() || (!asked.is_empty() && !self.classes(audience, api, Some(&asked)).is_empty())
    }

    /// The words of `scope`.
    fn words(&self) -> impl Iterator<Item = &str> {
        self.request.form.one("scope").into_iter().flat_map(|scope| scope.split(' ')).filter(|word| !word.is_empty())
    }

    /// Those of them that mean something here.
    fn asked(&self) -> BTreeSet<OperationClass> {
        self.words().filter_map(OperationClass::parse).collect()
    }

    /// Whether the token is to be for an operation at all.
    fn wants(&self, operation: &Operation) -> bool {
        !operation.anonymous && self.task.is_none_or(|asks| asks.covers(operation))
    }

    /// The scope of the token: what is asked for, else all there is (RFC 6749 §3.3). What is asked for and not there is refused, so that
    /// nobody believes to have it.
    ///
    /// # Errors
    /// When more is asked for than there is.
    pub(crate) fn scope(&self, audience: &str, api: &Arc<Api>) -> Result<String, Refusal> {
        let asked = self.asked();
        let granted = self.classes(audience, api, self.words().next().map(|_| &asked));
        match self.words().find(|word| OperationClass::parse(word).is_none_or(|class| !granted.contains(&class))) {
            Some(word) => Err(match OperationClass::parse(word) {
                Some(class) => self.lacks(audience, api, class),
                None => lacking::unknown(word),
            }),
            None => Ok(granted.iter().map(|class| class.as_str()).collect::<Vec<_>>().join(" ")),
        }
    }

    /// When the token ends: as the operator says, sooner where much depends on who calls or what is called, and never after what it
    /// rests on.
    pub(crate) fn ends(&self, api: &Api) -> Time {
        let of = |party: &Party<'a>| {
            let actors = party.caller.delegation.iter().flat_map(|delegation| &delegation.actors).filter_map(|actor| actor.identity.ends);
            let Identity { criticality, ends, .. } = &*party.caller.identity;
            let life = life(self.request.terms, *criticality, api.sensitivity);
            let credentials = party.credentials.iter().filter_map(|credential| credential.expires);
            credentials.chain(actors).chain([self.request.now + life]).chain(*ends).collect::<Vec<_>>()
        };
        let task = self.task.map(|asks| asks.task.ends);
        self.parties.iter().flat_map(of).chain(self.until).chain(task).min().unwrap_or(self.request.now)
    }
}

/// Whether an API takes tokens of ours that were got by this credential at all.
fn takes_tokens(api: &Api, credential: &Credential) -> bool {
    proof::opens(api, credential) && api.doors != Doors::Admin && !api.is_issuer()
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
