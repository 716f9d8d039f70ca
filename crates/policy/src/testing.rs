//! Worlds as text, for tests: `NAME key=value …`.

use crate::{Answer, Compiled, Decision, Names, PolicySet, PolicySource, compile};
use http::Method;
use std::{collections::BTreeMap, fmt::Write as _, sync::Arc, time::Duration};
use wardgate_model::{
    api::{
        Api, AuditMode, Consumers, Doors, Exposure, Mode, Operation, OperationClass, OperationId, PathTemplate, Sensitivity, Target,
        Upstream, UpstreamIdentity, UpstreamTimeouts,
    },
    atlas::Country,
    diagnostic::Place,
    facts::{Basis, Caller, ContentFacts, Door, Facts, Purpose, RequestFacts, SourceFacts, TokenFacts},
    grant::{Grant, GrantTo, OperationSelector},
    id::{ApiName, EnvironmentName, GrantId, IdentityId, OwnerName, PurposeName, RequestId, TaskId, TeamName, ZoneName},
    inventory::{Criticality, Environment, Identity, IdentityKind, IdentityState, Role},
    proof::{ProofFacts, ProofKind},
    time::Time,
};

/// Noon of a day in 2026: `now` of every test.
pub(crate) const NOON: Time = Time::from_seconds(1_780_315_200);

/// The words after the name: `key=value`, or `key` alone.
struct Words<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Words<'a> {
    fn read(text: &'a str) -> (&'a str, Self) {
        let mut parts = text.split_whitespace();
        let name = parts.next().unwrap_or_default();
        (name, Self(parts.map(|part| part.split_once('=').unwrap_or((part, ""))).collect()))
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find(|(k, _)| *k == key).map(|(_, value)| *value)
    }

    fn all(&self, key: &str) -> Vec<&'a str> {
        self.get(key).into_iter().flat_map(|value| value.split(',')).filter(|word| !word.is_empty()).collect()
    }
}

pub(crate) fn environment(name: &str) -> Arc<Environment> {
    Arc::new(Environment { name: EnvironmentName::parse(name).unwrap(), production: name == "production", shared: name == "shared" })
}

/// `ledger-sync owner=payments team=settlement env=production state=active roles=viewer type=workload tags=tier:gold overdue`
pub(crate) fn identity(text: &str) -> Identity {
    let (name, words) = Words::read(text);
    if name == Identity::ANONYMOUS {
        return Identity::anonymous();
    }
    if name == Identity::PEOPLE {
        return Identity::people();
    }
    Identity {
        id: IdentityId::parse(name).unwrap(),
        kind: words.get("type").map_or(IdentityKind::Workload, |word| IdentityKind::parse(word).unwrap()),
        owner: OwnerName::parse(words.get("owner").unwrap_or("payments")).unwrap(),
        team: words.get("team").map(|team| TeamName::parse(team).unwrap()),
        environment: environment(words.get("env").unwrap_or("production")),
        purpose: "testing".into(),
        business_function: None,
        criticality: Criticality::Medium,
        roles: words.all("roles").into_iter().map(|role| Role::parse(role).unwrap()).collect(),
        tags: words
            .all("tags")
            .into_iter()
            .map(|tag| tag.split_once(':').unwrap())
            .map(|(k, v)| (k.into(), v.into()))
            .collect::<BTreeMap<_, _>>(),
        ends: None,
        state: words.get("state").map_or(IdentityState::Active, |word| IdentityState::parse(word).unwrap()),
        serves: Box::default(),
        risk: None,
        registered: Box::default(),
        claim_overdue: words.get("overdue").is_some(),
        quality: words.get("quality").map_or(100, |word| word.parse().unwrap()),
        revision: words.get("revision").map_or(1, |word| word.parse().unwrap()),
    }
}

/// `ledger env=production owner=payments`, then a line an operation: `GET /entries list [anonymous] [people]`.
pub(crate) fn api(text: &str) -> Arc<Api> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let (name, words) = Words::read(lines.next().unwrap());
    let name = ApiName::parse(name).unwrap();
    let operations = lines
        .map(|line| {
            let parts: Vec<&str> = line.split(' ').collect();
            let method: Method = parts[0].parse().unwrap();
            let template = PathTemplate::parse(parts[1]).unwrap();
            Arc::new(Operation {
                id: OperationId::new(&name, &method, &template),
                method,
                template,
                class: OperationClass::parse(parts[2]).unwrap(),
                resource: None,
                records: None,
                anonymous: parts.contains(&"anonymous"),
                people: parts.contains(&"people"),
                query: Box::default(),
                ending: None,
                request: None,
                login: None,
                flows: Box::default(),
            })
        })
        .collect();
    Arc::new(Api {
        name,
        policy_owner: OwnerName::parse(words.get("owner").unwrap_or("payments")).unwrap(),
        business_owner: None,
        business_function: None,
        environment: environment(words.get("env").unwrap_or("production")),
        sensitivity: Sensitivity::High,
        exposure: Exposure::Internal,
        consumers: Consumers::Machine,
        people: None,
        hosts: Box::default(),
        path_prefix: "".into(),
        audit: AuditMode::Required,
        mode: Mode::Enforce,
        accept: Box::default(),
        api_key_header: None,
        upstream: Upstream {
            target: Target::InProcess,
            path: None,
            identity: UpstreamIdentity::Assertion,
            timeouts: UpstreamTimeouts { connect: Duration::ZERO, response: Duration::ZERO, idle: Duration::ZERO },
            connections_max: 1,
            wire: wardgate_model::wire::UpstreamWire::default(),
            transactions: None,
        },
        operations,
        doors: Doors::Public,
        stale_after: None,
        require: Box::default(),
        risk: wardgate_model::risk::Plan::of(Sensitivity::High),
        inspect: wardgate_model::shape::Inspect::NOTHING,
    })
}

/// `writes to=ledger-sync|owner:payments api=ledger ops=read,GET:/export purpose=settlement until=2027-06-30`
pub(crate) fn grant(text: &str) -> Arc<Grant> {
    let (name, words) = Words::read(text);
    let to = words.get("to").unwrap();
    let selector = |word: &str| match word.split_once(':') {
        Some((method, path)) => {
            OperationSelector::Operation { method: method.parse().unwrap(), template: PathTemplate::parse(path).unwrap() }
        }
        None => OperationSelector::Class(OperationClass::parse(word).unwrap()),
    };
    Arc::new(Grant {
        id: GrantId::parse(name).unwrap(),
        to: match to.strip_prefix("owner:") {
            Some(owner) => GrantTo::Owner(OwnerName::parse(owner).unwrap()),
            None => GrantTo::Identity(IdentityId::parse(to).unwrap()),
        },
        api: ApiName::parse(words.get("api").unwrap_or("ledger")).unwrap(),
        operations: words.all("ops").into_iter().map(selector).collect(),
        purpose: words.get("purpose").map(|purpose| PurposeName::parse(purpose).unwrap()),
        until: words.get("until").map(|until| Time::parse(until).unwrap()),
        approver: None,
    })
}

/// `- proof=jwt bound age=30 zone=lan purpose=x task=t obo=h actors=a,b scopes=s path=/x query=q address=10.0.0.1 risk=5`
pub(crate) fn facts(identity: &Identity, text: &str) -> (Facts, u8) {
    let (_, words) = Words::read(text);
    let kind = words.get("proof").map_or(ProofKind::None, |word| ProofKind::parse(word).unwrap());
    let age = Duration::from_secs(words.get("age").map_or(0, |age| age.parse().unwrap()));
    let since = Time::from_micros(NOON.as_micros() - i64::try_from(age.as_micros()).unwrap());
    let list = |key: &str| words.all(key).into_iter().map(Box::from).collect::<Box<[Box<str>]>>();
    let token = words
        .get("scopes")
        .map(|_| Arc::new(TokenFacts { id: "1".into(), issuer: "here".into(), audience: list("audience"), scopes: list("scopes") }));
    let facts = Facts {
        id: RequestId::new(NOON, 1),
        time: NOON,
        door: Door::Public,
        trace: None,
        request: RequestFacts {
            method: Method::GET,
            host: "".into(),
            path: words.get("path").unwrap_or("/").into(),
            query: words.get("query").map(Into::into),
            content_type: None,
            length: None,
            retry: None,
            content: ContentFacts::default(),
        },
        source: SourceFacts {
            zone: words.get("zone").map(|zone| ZoneName::parse(zone).unwrap().into()),
            country: words.get("country").map(|country| Country::parse(country).unwrap()),
            ..SourceFacts::at(words.get("address").unwrap_or("10.0.0.1").parse().unwrap())
        },
        api: None,
        operation: None,
        resource: None,
        caller: Some(Caller {
            identity: Arc::new(identity.clone()),
            credential: None,
            proof: ProofFacts { kind, bound: words.get("bound").is_some(), fresh: false, since, ends: None },
            token,
            on_behalf_of: words.get("obo").map(Into::into),
            actors: words.all("actors").into_iter().map(|actor| IdentityId::parse(actor).unwrap()).collect(),
            holds: None,
            delegation: None,
            task: words.get("task").map(|task| TaskId::parse(task).unwrap()),
        }),
        purpose: words.get("purpose").map(|value| Purpose { value: PurposeName::parse(value).unwrap(), basis: Basis::Declared }),
        unknown: None,
        assessed: None,
        stopped: None,
    };
    (facts, words.get("risk").map_or(0, |risk| risk.parse().unwrap()))
}

/// A world to ask.
pub(crate) struct Town {
    pub(crate) set: PolicySet,
    pub(crate) apis: Vec<Arc<Api>>,
    pub(crate) identities: Vec<Identity>,
}

pub(crate) fn apis() -> Vec<Arc<Api>> {
    vec![
        api(
            "ledger env=production\nGET /entries list\nGET /entries/{id} read\nPOST /entries write\nGET /export bulk\nGET /status read anonymous",
        ),
        api("events env=staging owner=data\nGET /events list\nDELETE /events/{id} delete"),
        api(
            "wardgate-admin env=shared owner=wardgate\nGET /api/v1/identities list\nPOST /api/v1/sessions login\nPOST /api/v1/credentials write\nDELETE /api/v1/credentials/{id} delete\nPOST /api/v1/apply write\nPOST /api/v1/contain admin",
        ),
    ]
}

pub(crate) fn with_names<T>(identities: &[Identity], apis: &[Arc<Api>], then: impl FnOnce(&Names<'_>) -> T) -> T {
    let environments = [environment("production"), environment("staging"), environment("shared")];
    then(&Names {
        identities: identities.iter().map(|identity| identity.id.as_str()).collect(),
        beside: None,
        owners: ["payments", "data"].into(),
        teams: ["settlement", "analytics"].into(),
        environments: &environments,
        apis,
    })
}

pub(crate) fn source(file: &str, text: &str) -> PolicySource {
    PolicySource { place: Place::file(file), text: text.into() }
}

/// Compiles a text against the standard names; `identities` and `grants` a line each.
pub(crate) fn compiled(policies: &str, identities: &str, grants: &str) -> (Compiled, Vec<Identity>) {
    let identities: Vec<_> = identities.lines().map(str::trim).filter(|line| !line.is_empty()).map(identity).collect();
    let grants: Vec<_> = grants.lines().map(str::trim).filter(|line| !line.is_empty()).map(grant).collect();
    let compiled = with_names(&identities, &apis(), |names| compile(&[source("test.cedar", policies)], &grants, names));
    (compiled, identities)
}

impl Town {
    pub(crate) fn new(policies: &str, identities: &str, grants: &str) -> Self {
        let (compiled, identities) = compiled(policies, identities, grants);
        let errors: Vec<_> = compiled.diagnostics.iter().map(ToString::to_string).collect();
        let set = compiled.policies.unwrap_or_else(|| panic!("{}", errors.join("\n")));
        Self { set, apis: apis(), identities }
    }

    pub(crate) fn identity(&self, name: &str) -> Identity {
        if name == Identity::ANONYMOUS {
            return Identity::anonymous();
        }
        if name == Identity::PEOPLE {
            return Identity::people();
        }
        self.identities.iter().find(|identity| identity.id.as_str() == name).cloned().unwrap_or_else(|| panic!("no identity {name}"))
    }

    pub(crate) fn operation(&self, api: &str, rest: &str) -> (Arc<Api>, Arc<Operation>) {
        let id = format!("{api} {rest}");
        let api = self.apis.iter().find(|known| known.name.as_str() == api).unwrap();
        let operation = api.operations.iter().find(|operation| operation.id.as_str() == id).unwrap_or_else(|| panic!("no operation {id}"));
        (Arc::clone(api), Arc::clone(operation))
    }

    /// `ledger-sync ledger GET /entries proof=jwt risk=5`
    pub(crate) fn ask(&self, request: &str) -> Answer {
        let parts: Vec<&str> = request.splitn(5, ' ').collect();
        let identity = self.identity(parts[0]);
        let (api, operation) = self.operation(parts[1], &format!("{} {}", parts[2], parts[3]));
        let (facts, risk) = facts(&identity, &format!("- {}", parts.get(4).copied().unwrap_or_default()));
        self.set.rule(&self.set.standing(&identity, &api, &operation), &facts, risk, NOON)
    }

    /// A line a request, with what came of it.
    pub(crate) fn table(&self, requests: &str) -> String {
        let mut text = String::new();
        for request in requests.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let _ = writeln!(text, "{request}: {}", show(&self.ask(request)));
        }
        text
    }
}

pub(crate) fn show(answer: &Answer) -> String {
    let decision = if answer.decision == Decision::Allow { "allow" } else { "deny" };
    let policies: Vec<_> = answer.policies.iter().map(|name| name.as_str()).collect();
    format!("{decision} {} {}", answer.reason.code(), policies.join(" ")).trim_end().to_owned()
}

/// Every diagnostic as text.
pub(crate) fn diagnose(policies: &str) -> String {
    let (compiled, _) = compiled(policies, "ledger-sync team=settlement\nother", "");
    let mut text = String::new();
    compiled.diagnostics.iter().for_each(|diagnostic| writeln!(text, "{diagnostic}").unwrap());
    text
}
