use super::{change, event, read_part};
use crate::sink::ChangeRecord;
use serde_json::{Value, json};
use smallvec::{SmallVec, smallvec};
use std::{sync::Arc, time::Duration};
use wardgate_model::{
    api::{
        Api, AuditMode, Consumers, Doors, Exposure, Mode, Operation, OperationClass, OperationId, PathTemplate, Sensitivity, Target,
        Upstream, UpstreamIdentity, UpstreamTimeouts,
    },
    credential::{Credential, CredentialKind, CredentialState, KeyedHash},
    event::{Ending, Event, EventKind, Outcome, UpstreamOutcome},
    facts::{Basis, Caller, Door, Facts, Purpose, RequestFacts, SourceFacts, Stopped, Trace},
    id::{
        ApiName, CredentialId, EnvironmentName, GrantId, IdentityId, OwnerName, PolicyName, PurposeName, RequestId, TaskId, TeamName,
        ZoneName,
    },
    inventory::{Criticality, Environment, Identity, IdentityKind},
    proof::{ProofFacts, ProofKind},
    reason::Reason,
    ruling::{Challenge, Response, Ruling},
    time::Time,
};

/// 2026-09-21T13:46:40Z.
pub(crate) const NOON: Time = Time::from_seconds(1_790_000_000);

/// What is known of a stranger's request before anything is looked up: `GET TARGET`, refused for the reason.
pub(crate) fn stranger(target: &str, reason: Reason, arrived: Time) -> Event {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    Event {
        kind: EventKind::Request,
        facts: Facts {
            id: RequestId::new(arrived, u128::try_from(arrived.as_micros()).expect("after the epoch")),
            time: arrived,
            door: Door::Public,
            trace: None,
            request: RequestFacts {
                method: http::Method::GET,
                host: "ledger.example".into(),
                path: path.into(),
                query: query.map(Into::into),
                content_type: None,
                length: None,
            },
            source: SourceFacts { address: "192.0.2.7".parse().expect("an address"), zone: None, user_agent: None },
            api: None,
            operation: None,
            resource: None,
            caller: None,
            unknown: None,
            purpose: None,
            stopped: None,
        },
        ruling: Ruling {
            response: if reason.row().http < 400 { Response::Allow } else { Response::Block },
            enforced: true,
            reasons: smallvec![reason],
            policies: Arc::default(),
            grant: None,
            risk: 0,
            limits: SmallVec::new(),
            retry_after_s: None,
        },
        outcome: Outcome {
            end: arrived + Duration::from_micros(250),
            ending: Ending::Complete,
            client_status: Some(reason.row().http),
            upstream: None,
            effect: None,
        },
        snapshot: 3,
        judge_order: 41,
    }
}

/// The same request by a known caller, let through to the API `ledger`, with all that a request can bring.
pub(crate) fn honest(target: &str, arrived: Time) -> Event {
    let production = Arc::new(Environment { name: EnvironmentName::literal("production"), production: true, shared: false });
    let mut event = stranger(target, Reason::RuleAllowed, arrived);
    let operation = Arc::new(Operation { query: ["page".into(), "sort by".into()].into(), ..operation() });
    let facts = &mut event.facts;
    facts.trace = Some(Trace { id: 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c, span: 1, flags: 1 });
    facts.request.content_type = Some("application/json".into());
    facts.request.length = Some(12);
    facts.source.zone = Some(ZoneName::literal("data-platform"));
    facts.source.user_agent = Some("ledger-sync/2.1".into());
    facts.api = Some(Arc::new(api(&production, &operation)));
    facts.operation = Some(operation);
    facts.resource = Some("7".into());
    facts.caller = Some(caller(&production, arrived));
    facts.purpose = Some(Purpose { value: PurposeName::literal("settlement"), basis: Basis::Declared });
    event.ruling.grant = Some(GrantId::literal("ledger-sync-reads"));
    event.ruling.policies = [PolicyName::literal("grant:ledger-sync-reads")].into();
    event.ruling.risk = 5;
    event.outcome.upstream = Some(UpstreamOutcome {
        name: "http://127.0.0.1:9000".into(),
        status: Some(200),
        latency: Duration::from_micros(180),
        bytes_in: 12,
        bytes_out: 1_024,
        records: Some(20),
    });
    event.outcome.effect = Some("entries.read".into());
    event
}

fn operation() -> Operation {
    let template = PathTemplate::parse("/ledger/entries/{id}").expect("a template");
    Operation {
        id: OperationId::new(&ApiName::literal("ledger"), &http::Method::GET, &template),
        method: http::Method::GET,
        template,
        class: OperationClass::Read,
        resource: Some("id".into()),
        records: None,
        anonymous: false,
        people: false,
        query: Box::default(),
        ending: None,
    }
}

fn api(environment: &Arc<Environment>, operation: &Arc<Operation>) -> Api {
    Api {
        name: ApiName::literal("ledger"),
        policy_owner: OwnerName::literal("payments"),
        business_owner: None,
        business_function: Some("settlement".into()),
        environment: Arc::clone(environment),
        sensitivity: Sensitivity::High,
        exposure: Exposure::Internal,
        consumers: Consumers::Machine,
        people: None,
        hosts: Box::default(),
        path_prefix: "/ledger".into(),
        audit: AuditMode::Required,
        mode: Mode::Enforce,
        accept: Box::default(),
        api_key_header: None,
        upstream: Upstream {
            target: Target::InProcess,
            path: None,
            identity: UpstreamIdentity::Assertion,
            timeouts: UpstreamTimeouts::default(),
            connections_max: 1,
            wire: wardgate_model::wire::UpstreamWire::default(),
        },
        operations: [Arc::clone(operation)].into(),
        doors: Doors::Public,
        stale_after: None,
        require: Box::default(),
    }
}

fn caller(environment: &Arc<Environment>, arrived: Time) -> Caller {
    let identity = Identity {
        id: IdentityId::literal("ledger-sync"),
        kind: IdentityKind::ServiceAccount,
        owner: OwnerName::literal("payments"),
        team: Some(TeamName::literal("settlement")),
        environment: Arc::clone(environment),
        criticality: Criticality::High,
        quality: 93,
        ..Identity::anonymous()
    };
    let created = Time::from_micros(arrived.as_micros() - 86_400_000_000);
    let credential = Credential {
        id: CredentialId::parse("aB3dE5gH7jK9").expect("an id"),
        identity: identity.id.clone(),
        name: "main".into(),
        kind: CredentialKind::ApiKey,
        environment: environment.name.clone(),
        sources: Box::default(),
        hash: Some(KeyedHash::new([7; 32])),
        binding: None,
        created,
        expires: None,
        warn_from: None,
        state: CredentialState::Live,
    };
    Caller {
        identity: Arc::new(identity),
        credential: Some(Arc::new(credential)),
        proof: ProofFacts { kind: ProofKind::ApiKey, bound: false, since: created, ends: None },
        token: None,
        on_behalf_of: Some("5f1d0c".into()),
        actors: smallvec![IdentityId::literal("planner")],
        task: Some(TaskId::literal("t-42")),
    }
}

fn told(recorded: &Event) -> Value {
    serde_json::to_value(event(recorded, "edge-1", 9)).expect("JSON")
}

#[test]
fn a_request_is_told_as_the_contract_says() {
    let line = serde_json::to_string(&event(&honest("/ledger/entries/7?page=2&token=x&sort%20by=a", NOON), "edge-1", 9)).expect("JSON");
    // The first line of the golden file is this very line: what is written today is what must parse for ever.
    let golden = include_str!("../../testdata/event-v1.jsonl").lines().next().expect("a line");
    assert_eq!(line, golden);
}

#[test]
fn what_is_unknown_is_absent() {
    assert_eq!(
        told(&stranger("/nowhere?token=x", Reason::RouteNoApi, NOON)),
        json!({
            "v": 1, "time_us": 1_790_000_000_000_000_i64, "seq": 9, "id": "edge-1:9", "kind": "request",
            "request_id": RequestId::new(NOON, 1_790_000_000_000_000).to_string(), "door": "public", "edge": "edge-1",
            "source": { "address": "192.0.2.7" }, "request": { "host": "ledger.example" }, "method": "GET", "path": "/nowhere",
            "ruling": {
                "response": "block", "enforced": true, "code": "route.no_api", "reasons": ["route.no_api"], "policies": [], "risk": 0, "signals": [],
            },
            "ending": "complete", "duration_us": 250, "client_status": 404, "snapshot": 3, "judge_order": 41,
        })
    );
}

#[test]
fn a_connection_has_no_method_and_no_path() {
    let mut event = stranger("", Reason::WireMalformed, NOON);
    event.kind = EventKind::Connection;
    event.facts.request.host = "".into();
    let told = told(&event);
    assert_eq!(told["kind"], "connection");
    for absent in ["method", "path", "request", "identity", "proof"] {
        assert!(told.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn a_stream_that_begins_has_no_end_yet() {
    let mut event = stranger("/chat", Reason::RouteNoApi, NOON);
    event.kind = EventKind::Opened;
    let told = told(&event);
    assert_eq!(told["kind"], "opened");
    assert!(told.get("ending").is_none() && told.get("duration_us").is_none());
}

/// Replay enters at the judge, so it needs to know what stopped a request before it.
#[test]
fn what_stopped_a_request_early_is_told() {
    let mut event = stranger("/ledger/entries/7", Reason::ProofExpired, NOON);
    event.facts.stopped = Some(Stopped { reason: Reason::ProofExpired, retry_after_s: None });
    assert_eq!(told(&event)["stopped"], "proof.expired");
    assert_eq!(told(&event)["ruling"]["code"], "proof.expired");
}

#[test]
fn milder_answers_say_how() {
    let mut event = honest("/ledger/entries/7", NOON);
    let mut ruling = |response| {
        event.ruling.response = response;
        told(&event)["ruling"].clone()
    };
    assert_eq!(ruling(Response::Slow { delay: Duration::from_millis(30) })["delay_us"], 30_000);
    assert_eq!(ruling(Response::Challenge { kind: Challenge::Possession })["challenge"], "possession");
    assert_eq!(ruling(Response::Challenge { kind: Challenge::StepUp })["challenge"], "step_up");
}

#[test]
fn only_listed_parameters_of_a_query_are_told() {
    let check =
        |query: &str| read_part(query, &["page".into(), "sort by".into()]).map_or_else(|| "-".to_owned(), std::borrow::Cow::into_owned);
    assert_eq!(check("page=2&token=x"), "page=2");
    assert_eq!(check("token=page"), "-");
    assert_eq!(check("pa%67e=2&page=3&page"), "pa%67e=2&page=3&page");
    assert_eq!(check("sort+by=a&sort%20by=b&sortby=c"), "sort+by=a&sort%20by=b");
    assert_eq!(check("%=1&%zz&&=page"), "-");
    assert_eq!(check("page=wg_dev_000000000003_abc"), "page=wg_dev_000000000003_…");
}

/// CONTRACT: never a secret, a token or a body; whatever part of the request it was put in.
#[test]
fn a_key_in_any_part_of_the_request_is_not_told() {
    const SECRET: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg2Elzoh";
    let key = format!("wg_production_aB3dE5gH7jK9_{SECRET}");
    let mut event = honest(&format!("/ledger/{key}/x?page={key}&other={key}"), NOON);
    event.facts.resource = Some(key.as_str().into());
    event.facts.source.user_agent = Some(format!("curl {key}").into());
    event.facts.request.content_type = Some(key.as_str().into());
    event.facts.request.host = key.as_str().into();
    event.outcome.effect = Some(key.as_str().into());
    let told = told(&event).to_string();
    assert!(!told.contains(&SECRET[..6]), "{told}");
    assert!(told.contains("/ledger/wg_production_aB3dE5gH7jK9_…/x"), "{told}");
}

#[test]
fn a_change_says_who_did_what_and_why() {
    let record = ChangeRecord {
        time: NOON,
        actor: "alice".into(),
        what: "revoke".into(),
        kind: "credential".into(),
        name: "aB3dE5gH7jK9".into(),
        reason: Some("leaked: wg_production_aB3dE5gH7jK9_0123".into()),
    };
    assert_eq!(
        serde_json::to_value(change(&record, "edge-1", 9)).expect("JSON"),
        json!({
            "v": 1, "time_us": 1_790_000_000_000_000_i64, "seq": 9, "id": "edge-1:9", "kind": "change", "edge": "edge-1",
            "change": {
                "actor": "alice", "what": "revoke", "kind": "credential", "name": "aB3dE5gH7jK9",
                "reason": "leaked: wg_production_aB3dE5gH7jK9_…",
            },
        })
    );
}
