//! Events as they come from doors: what tests look at, and what a measurement records.

use smallvec::{SmallVec, smallvec};
use std::{sync::Arc, time::Duration};
use wardgate_model::{
    api::{
        Api, AuditMode, Consumers, Doors, Exposure, Mode, Operation, OperationClass, OperationId, PathTemplate, Sensitivity, Target,
        Upstream, UpstreamIdentity, UpstreamTimeouts,
    },
    credential::{Credential, CredentialKind, CredentialState, KeyedHash},
    event::{CameOf, Ending, Event, EventKind, Outcome, UpstreamOutcome},
    facts::{Basis, Caller, ContentFacts, Door, Facts, Purpose, RequestFacts, SourceFacts, Trace},
    id::{
        ApiName, CredentialId, EnvironmentName, GrantId, IdentityId, OwnerName, PolicyName, PurposeName, RequestId, TaskId, TeamName,
        ZoneName,
    },
    inventory::{Criticality, Environment, Identity, IdentityKind},
    proof::{ProofFacts, ProofKind},
    reason::Reason,
    ruling::{Response, Ruling},
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
                retry: None,
                content: ContentFacts::default(),
            },
            source: SourceFacts::at("192.0.2.7".parse().expect("an address")),
            api: None,
            operation: None,
            resource: None,
            caller: None,
            unknown: None,
            assessed: None,
            purpose: None,
            stopped: None,
        },
        ruling: Ruling {
            response: if reason.row().http < 400 { Response::Allow } else { Response::Block },
            enforced: true,
            reasons: smallvec![reason],
            policies: Arc::default(),
            grant: None,
            purpose: None,
            risk: 0,
            signals: SmallVec::new(),
            place_known: None,
            would: None,
            limits: SmallVec::new(),
            retry_after_s: None,
            told: None,
            deviation: None,
            subject: None,
        },
        outcome: Outcome {
            end: arrived + Duration::from_micros(250),
            ending: Ending::Complete,
            client_status: Some(reason.row().http),
            upstream: None,
            effect: None,
            came_of: CameOf::default(),
        },
        snapshot: 3,
        judge_order: 41,
    }
}

/// The same request by a known caller, let through to the API `ledger`, with all that a request can bring.
pub(crate) fn honest(target: &str, arrived: Time) -> Event {
    let production = Arc::new(Environment { name: EnvironmentName::literal("production"), production: true, shared: false });
    let mut event = stranger(target, Reason::RuleAllowed, arrived);
    event.ruling.place_known = Some(true);
    let operation = Arc::new(Operation { query: ["page".into(), "sort by".into()].into(), ..operation() });
    let facts = &mut event.facts;
    facts.trace = Some(Trace { id: 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c, span: 1, flags: 1 });
    facts.request.content_type = Some("application/json".into());
    facts.request.length = Some(12);
    facts.source.zone = Some(ZoneName::literal("data-platform").into());
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
        request: None,
        login: None,
        flows: Box::default(),
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
            transactions: None,
        },
        operations: [Arc::clone(operation)].into(),
        doors: Doors::Public,
        stale_after: None,
        require: Box::default(),
        risk: wardgate_model::risk::Plan::of(Sensitivity::High),
        inspect: wardgate_model::shape::Inspect::NOTHING,
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
        task: None,
        state: CredentialState::Live,
    };
    Caller {
        identity: Arc::new(identity),
        credential: Some(Arc::new(credential)),
        proof: ProofFacts { kind: ProofKind::ApiKey, bound: false, fresh: false, since: created, ends: None },
        token: None,
        on_behalf_of: Some("5f1d0c".into()),
        actors: smallvec![IdentityId::literal("planner")],
        holds: None,
        delegation: None,
        task: Some(TaskId::literal("t-42")),
    }
}
