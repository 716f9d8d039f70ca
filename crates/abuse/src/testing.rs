//! Text in: limits and requests for tests.

use super::Limits;
use http::Method;
use std::{collections::HashMap, num::NonZeroU64, sync::Arc, time::Duration};
use wardgate_model::{
    api::{
        Api, AuditMode, Consumers, Doors, Exposure, Mode, Operation, OperationClass, OperationId, PathTemplate, Sensitivity, Target,
        Upstream, UpstreamIdentity, UpstreamTimeouts,
    },
    atlas::Listing,
    credential::{Credential, CredentialKind, CredentialState},
    facts::{Caller, ContentFacts, Door, Facts, Lane, RequestFacts, SourceFacts, SourceZone, Stopped},
    flow::{Flow, Part, Step},
    id::{ApiName, CredentialId, EnvironmentName, FlowName, IdentityId, LimitName, OwnerName, RequestId, ZoneName},
    inventory::{Environment, Identity, IdentityKind},
    limit::{Limit, Per, Quota, Rate, Select, Window},
    proof::ProofFacts,
    reason::Reason,
    time::Time,
};

fn words(text: &str) -> HashMap<&str, &str> {
    text.split_whitespace().map(|word| word.split_once('=').unwrap_or((word, ""))).collect()
}

fn over(text: &str) -> (NonZeroU64, &str) {
    let (count, window) = text.split_once('/').expect("count/window");
    (count.parse().expect("a count"), window)
}

fn quota(text: &str) -> Quota {
    let (count, window) = over(text);
    Quota { count, window: Window::parse(window).expect("a window") }
}

/// `name=a per=identity rate=3/1000ms burst=2 quota=5/minute concurrency=2 bytes=9/day`, and any part of a selection.
pub(crate) fn limit(text: &str) -> Limit {
    let words = words(text);
    let of = |key: &str| words.get(key).copied();
    let burst = of("burst").map_or(NonZeroU64::MIN, |burst| burst.parse().expect("a burst"));
    Limit {
        name: LimitName::parse(of("name").expect("a name")).expect("a good name"),
        select: Select {
            kind: of("kind").map(|word| IdentityKind::parse(word).expect("a kind")),
            identity: of("identity").map(|name| IdentityId::parse(name).expect("a name")),
            owner: of("owner").map(|name| OwnerName::parse(name).expect("a name")),
            environment: of("environment").map(|name| EnvironmentName::parse(name).expect("a name")),
            api: of("api").map(|name| ApiName::parse(name).expect("a name")),
            class: of("class").map(|word| OperationClass::parse(word).expect("a class")),
            operation: of("operation").map(|text| text.replacen(':', " ", 1).into()),
            anonymous: of("anonymous").map(|word| word == "true"),
            lane: of("lane").map(|word| Lane::parse(word).expect("a lane")),
        },
        per: Per::parse(of("per").expect("per")).expect("a per"),
        rate: of("rate").map(|text| {
            let (count, period) = over(text);
            let period = Duration::from_millis(period.trim_end_matches("ms").parse().expect("milliseconds"));
            Rate { count, period, burst }
        }),
        quota: of("quota").map(quota),
        concurrency: of("concurrency").map(|text| text.parse().expect("a number")),
        bytes: of("bytes").map(quota),
    }
}

/// One limit a line.
pub(crate) fn limits(text: &str) -> Limits {
    let all: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| Arc::new(limit(line))).collect();
    Limits::compile(&all)
}

/// `identity=a owner=o kind=partner credential=AAAAAAAAAAAA api=ledger op=GET:/entries class=read source=192.0.2.1`; no identity:
/// an anonymous caller; `stopped`: a claim whose proof failed.
pub(crate) fn facts(text: &str) -> Facts {
    let words = words(text);
    let of = |key: &str, default: &'static str| words.get(key).copied().unwrap_or(default).to_owned();
    let api = Arc::new(api(&of("api", "ledger")));
    let op = of("op", "GET:/entries");
    let (method, template) = op.split_once(':').expect("METHOD:/template");
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let template = PathTemplate::parse(template).expect("a template");
    let operation = Operation {
        id: OperationId::new(&api.name, &method, &template),
        method: method.clone(),
        template,
        class: OperationClass::parse(&of("class", "read")).expect("a class"),
        resource: None,
        records: None,
        anonymous: false,
        people: false,
        query: Box::default(),
        ending: None,
        request: None,
        login: None,
        flows: flows(&words, &api.name),
    };
    let identity = match words.get("identity") {
        None => Identity::anonymous(),
        Some(&Identity::PEOPLE) => Identity::people(),
        Some(name) => Identity {
            id: IdentityId::parse(name).expect("a name"),
            owner: OwnerName::parse(&of("owner", "payments")).expect("a name"),
            kind: IdentityKind::parse(&of("kind", "service_account")).expect("a kind"),
            environment: Arc::new(environment(&of("environment", "production"))),
            ..Identity::anonymous()
        },
    };
    let credential = words.get("credential").map(|id| {
        Arc::new(Credential {
            id: CredentialId::parse(id).expect("an id"),
            identity: identity.id.clone(),
            name: "main".into(),
            kind: CredentialKind::ApiKey,
            environment: identity.environment.name.clone(),
            sources: Box::default(),
            hash: None,
            binding: None,
            created: Time::from_seconds(0),
            expires: None,
            warn_from: None,
            task: None,
            state: CredentialState::Live,
        })
    });
    Facts {
        id: RequestId::new(Time::from_seconds(0), 0),
        time: Time::from_seconds(0),
        door: Door::Public,
        trace: None,
        request: RequestFacts {
            method,
            host: "".into(),
            path: "/".into(),
            query: words.get("page").map(|page| format!("page={page}").into()),
            content_type: None,
            length: None,
            retry: None,
            content: ContentFacts::default(),
        },
        source: SourceFacts {
            zone: words.get("zone").map(|zone| zone_of(zone)),
            tls: words.get("tls").map(|tls| (*tls).into()),
            listing: words.get("listed").map(|lists| listing(lists)),
            ..SourceFacts::at(of("source", "192.0.2.1").parse().expect("an address"))
        },
        api: Some(api),
        operation: Some(Arc::new(operation)),
        resource: words.get("id").map(|id| (*id).into()),
        caller: Some(Caller {
            identity: Arc::new(identity),
            credential,
            proof: ProofFacts::NONE,
            token: None,
            on_behalf_of: words.get("person").map(|person| (*person).into()),
            actors: smallvec::SmallVec::new(),
            holds: None,
            delegation: None,
            task: None,
        }),
        purpose: None,
        unknown: None,
        assessed: None,
        stopped: words.get("stopped").map(|_| Stopped::because(Reason::ProofUnknown)),
    }
}

/// `drop:30,scan:20`: lists with their weights.
fn listing(lists: &str) -> Arc<Listing> {
    let lists = lists.split(',').map(|list| list.split_once(':').expect("NAME:WEIGHT"));
    Arc::new(Listing::of(lists.map(|(name, weight)| (name, weight.parse().expect("a weight")))))
}

/// `begins=holds finishes=holds share=50`: flows of a quarter of an hour.
fn flows(words: &HashMap<&str, &str>, api: &ApiName) -> Box<[Step]> {
    let of = |key: &str, part: Part| {
        let flow = Flow {
            name: FlowName::parse(words.get(key)?).expect("a name"),
            api: api.clone(),
            within: Duration::from_mins(15),
            share: words.get("share").map_or(Flow::SHARE, |share| share.parse().expect("per cent")),
            at_least: Flow::AT_LEAST,
        };
        Some(Step { flow: Arc::new(flow), part })
    };
    [of("begins", Part::Begins), of("finishes", Part::Finishes)].into_iter().flatten().collect()
}

/// A zone; `home` is one of production, `runners` one of staging.
fn zone_of(name: &str) -> SourceZone {
    let lives = match name {
        "home" => Some("production"),
        "runners" => Some("staging"),
        _ => None,
    };
    SourceZone { name: ZoneName::parse(name).expect("a name"), environment: lives.map(|lives| Arc::new(environment(lives))) }
}

fn environment(name: &str) -> Environment {
    Environment { name: EnvironmentName::parse(name).expect("a name"), production: name == "production", shared: name == "shared" }
}

fn api(name: &str) -> Api {
    Api {
        name: ApiName::parse(name).expect("a name"),
        policy_owner: OwnerName::literal("payments"),
        business_owner: None,
        business_function: None,
        environment: Arc::new(environment("production")),
        sensitivity: Sensitivity::Low,
        exposure: Exposure::Internal,
        consumers: Consumers::Machine,
        people: None,
        hosts: Box::default(),
        path_prefix: "".into(),
        audit: AuditMode::BestEffort,
        mode: Mode::Enforce,
        accept: Box::default(),
        api_key_header: None,
        upstream: Upstream {
            target: Target::Http(Box::default()),
            path: None,
            identity: UpstreamIdentity::Assertion,
            timeouts: UpstreamTimeouts::default(),
            connections_max: 1,
            wire: wardgate_model::wire::UpstreamWire::default(),
            transactions: None,
        },
        operations: Box::default(),
        doors: Doors::Public,
        stale_after: None,
        require: Box::default(),
        risk: wardgate_model::risk::Plan::of(Sensitivity::Low),
        inspect: wardgate_model::shape::Inspect::NOTHING,
    }
}

/// A moment, from RFC 3339.
pub(crate) fn at(text: &str) -> Time {
    Time::parse(text).expect("a moment")
}
