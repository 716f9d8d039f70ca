//! What the tests of this crate share: a console over a real store and a gate that is played. Requests are text,
//! answers are text, and every answer is held against the OpenAPI document.

use super::{Call, Console};
use crate::{
    operations::{admin_api, row_of},
    problem::{Code, Problem},
    world::{
        AccessPage, AccessQuery, BoxFuture, DescribedRequest, Entry, EventPage, EventQuery, FindingView, KnownIdentity, Manner, Minted,
        OpenRequest, Planned, Refused, SecretRotation, World, WorldFault,
    },
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;
use wardgate_model::{
    api::Operation,
    credential::{Credential, CredentialKind, CredentialState, KeyedHash},
    facts::{Caller, Door, Facts, RequestFacts, SourceFacts},
    govern::Contract,
    id::{CredentialId, EnvironmentName, IdentityId, OwnerName, RequestId, SecretName},
    inventory::{Criticality, Environment, Identity, IdentityKind, IdentityState, Owner, Role},
    proof::{ProofFacts, ProofKind},
    secret::Secret,
    time::Time,
};
use wardgate_store::{Actor, Applied, FileDocument, NewCredential, ResourceChange, ResourceId, Sealed, Store, StoredSecret, Who};

pub(crate) const NOW: Time = Time::from_seconds(1_800_000_000);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
/// The first sign-in of `root`.
pub(crate) const FIRST: &str = "SIGNIN000000";
/// The secret part of every key that is minted here.
pub(crate) const KEY_SECRET: &str = "s3cr3tOfTheKey";

/// The gate, played.
#[derive(Default)]
pub(crate) struct Played {
    minted: Mutex<u32>,
    pub(crate) published: Mutex<Vec<u64>>,
    pub(crate) asked: Mutex<Vec<EventQuery>>,
}

/// `name: kind owner state purpose roles | entries`
const IDENTITIES: &str = "
root payments active governs admin |
op payments active operates operator |
watcher payments active looks viewer |
olga payments active answers owner |
ledger payments active copies - | main api_key 720, ci oidc 0
twin payments active copies - | one api_key 1, two api_key 2
stranger cards active copies - | main api_key 24
forever payments active copies - | main api_key 0
asleep payments suspended copies - | main api_key 24
idle payments active - - | main api_key 24
orphan payments overdue copies - | main api_key 24
";

pub(crate) fn identity(name: &str) -> Option<KnownIdentity> {
    let line = IDENTITIES.lines().find(|line| line.split(' ').next() == Some(name)).filter(|_| !name.is_empty())?;
    let (spec, entries) = line.split_once(" |").unwrap();
    let [name, owner, state, purpose, roles] = spec.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let environment = Environment { name: EnvironmentName::literal("production"), production: true, shared: false };
    let entries = entries.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(|entry| {
        let [name, kind, hours] = entry.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let hours: u32 = hours.parse().unwrap();
        Entry {
            name: name.into(),
            kind: CredentialKind::parse(kind).unwrap(),
            expires_in: (hours > 0).then(|| HOUR * hours),
            waived_until: None,
            sources: ["10.0.0.0/8".parse().unwrap()].into(),
        }
    });
    let known = Identity {
        id: IdentityId::parse(name).unwrap(),
        kind: IdentityKind::ServiceAccount,
        owner: OwnerName::parse(owner).unwrap(),
        team: None,
        environment: Arc::new(environment),
        purpose: purpose.trim_matches('-').into(),
        business_function: None,
        criticality: Criticality::Low,
        roles: roles.split(',').filter_map(Role::parse).collect(),
        tags: BTreeMap::new(),
        ends: None,
        state: IdentityState::parse(state).unwrap_or(IdentityState::Active),
        claim_overdue: state == "overdue",
        quality: 100,
        revision: 1,
    };
    Some(KnownIdentity { identity: Arc::new(known), entries: entries.collect() })
}

impl World for Played {
    fn published(&self, seq: u64) -> BoxFuture<'_, ()> {
        self.published.lock().unwrap().push(seq);
        Box::pin(std::future::ready(()))
    }

    fn mint(&self, kind: CredentialKind, environment: &EnvironmentName) -> Result<Minted, WorldFault> {
        let mut minted = self.minted.lock().unwrap();
        *minted += 1;
        let id = format!("KEY{:09}", *minted);
        let prefix = match kind {
            CredentialKind::ApiKey => "wg",
            CredentialKind::Session => "wgs",
            CredentialKind::SignIn => "wga",
            other => return Err(WorldFault(format!("no text of the kind {other}").into())),
        };
        let text = Secret::new(format!("{prefix}_{environment}_{id}_{KEY_SECRET}"));
        Ok(Minted { id: CredentialId::parse(&id).unwrap(), text, hash: KeyedHash::new([7; 32]) })
    }

    fn seal(&self, name: &SecretName, plain: &Secret<String>) -> Result<Sealed, WorldFault> {
        let sealed: Vec<u8> = format!("{name}={}", plain.danger_expose()).bytes().map(|b| b ^ 0x5A).collect();
        Ok(Sealed::new(sealed))
    }

    fn foreign_id(&self, hash: &KeyedHash) -> CredentialId {
        let digits: String = hash.bytes().iter().take(6).map(|byte| format!("{byte:02X}")).collect();
        CredentialId::parse(&digits).unwrap()
    }

    fn identity(&self, id: &IdentityId) -> Option<KnownIdentity> {
        identity(id.as_str())
    }

    fn explain_described(&self, described: &DescribedRequest) -> Result<Value, Problem> {
        if described.url.host() == Some("nowhere.example") {
            return Err(Problem::new(Code::Unfit, "no API answers for this host"));
        }
        let identity = described.identity.as_ref().map(IdentityId::as_str);
        let headers: Vec<&str> = described.headers.keys().map(HeaderName::as_str).collect();
        let source = described.source.map(|s| s.to_string());
        let (method, url) = (described.method.as_str(), described.url.to_string());
        Ok(json!({ "identity": identity, "method": method, "url": url, "headers": headers, "source": source }))
    }

    fn explain_recorded(&self, event: Value) -> Value {
        json!({ "ruling": event["ruling"], "remedy": "slow down" })
    }

    fn event(&self, request: RequestId) -> BoxFuture<'_, Result<Option<Value>, WorldFault>> {
        let known = request == self::request();
        Box::pin(std::future::ready(Ok(known.then(|| json!({ "ruling": { "response": "block" } })))))
    }

    fn events(&self, query: EventQuery) -> BoxFuture<'_, Result<EventPage, Problem>> {
        let page = match query.cursor.as_deref() {
            None => Ok(EventPage { events: vec![json!({ "seq": 1 })], cursor: Some("a:1".into()) }),
            Some("a:1") => Ok(EventPage { events: Vec::new(), cursor: Some("a:1".into()) }),
            Some(_) => Err(Problem::new(Code::Malformed, "this is no cursor of the event log")),
        };
        self.asked.lock().unwrap().push(query);
        Box::pin(std::future::ready(page))
    }

    fn contracts(&self, _owner: &OwnerName) -> Vec<Contract> {
        Vec::new()
    }

    fn open_requests(&self) -> Vec<OpenRequest> {
        Vec::new()
    }

    fn owner(&self, _name: &OwnerName) -> Option<Owner> {
        None
    }

    fn is_person(&self, identity: &Identity) -> bool {
        identity.tags.contains_key("person")
    }

    fn plan<'a>(&'a self, _changes: &'a [ResourceChange]) -> BoxFuture<'a, Result<Planned, Refused>> {
        Box::pin(std::future::ready(Err(WorldFault("not played".into()).into())))
    }

    fn apply<'a>(
        &'a self,
        _actor: &'a Actor,
        _changes: &'a [ResourceChange],
        _manner: Manner,
        _basis: u64,
        _now: Time,
    ) -> BoxFuture<'a, Result<Applied, Refused>> {
        Box::pin(std::future::ready(Err(WorldFault("not played".into()).into())))
    }

    fn access(&self, _query: AccessQuery) -> BoxFuture<'_, Result<AccessPage, Problem>> {
        Box::pin(std::future::ready(Ok(AccessPage::default())))
    }

    fn findings(&self, _now: Time) -> BoxFuture<'_, Result<Vec<FindingView>, WorldFault>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn rotate_secret<'a>(
        &'a self,
        _actor: &'a Actor,
        _rotation: SecretRotation,
        _now: Time,
    ) -> BoxFuture<'a, Result<StoredSecret, Problem>> {
        Box::pin(std::future::ready(Err(Problem::fault("not played"))))
    }
}

fn request() -> RequestId {
    RequestId::new(NOW, 7)
}

/// A console over a store in a directory of its own.
pub(crate) struct Fixture {
    pub(crate) console: Console,
    pub(crate) store: Arc<Store>,
    pub(crate) played: Arc<Played>,
    pub(crate) directory: TempDir,
}

impl Fixture {
    /// With the first sign-in of `root` on record.
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("wardgate.db").display());
        let store = Arc::new(Store::open(&url).await.unwrap());
        let played = Arc::new(Played::default());
        let console = Console::new(Arc::clone(&store), Arc::clone(&played) as Arc<dyn World>);
        let first = NewCredential {
            id: CredentialId::parse(FIRST).unwrap(),
            identity: IdentityId::literal("root"),
            name: "sign-in".into(),
            kind: CredentialKind::SignIn,
            environment: EnvironmentName::literal("production"),
            sources: Box::default(),
            hash: KeyedHash::new([9; 32]),
            expires: NOW + HOUR,
        };
        store.issue_credential(&Actor::new(Who::Process, "first start"), first, NOW).await.unwrap();
        Self { console, store, played, directory }
    }

    /// `a.yaml Identity/ledger {"owner":"payments"}`, a line a document.
    pub(crate) async fn apply(&self, documents: &str) {
        let documents: Vec<FileDocument> = documents.lines().map(document).collect();
        self.store.apply_files(&documents, "", NOW).await.unwrap();
    }

    pub(crate) async fn ask(&self, text: &str) -> String {
        self.ask_at(NOW, text).await
    }

    /// `METHOD TARGET as IDENTITY [PROOF [CREDENTIAL]]`, header lines, an empty line, the body. Gives status, tag and body.
    pub(crate) async fn ask_at(&self, now: Time, text: &str) -> String {
        let call = self.call(text).await;
        let operation = Arc::clone(&call.operation);
        let response = self.console.answer(call, now).await;
        let mut said = response.status().as_u16().to_string();
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        if let Some(tag) = response.headers().get(header::ETAG) {
            said = format!("{said} {}", tag.to_str().unwrap());
        }
        if response.body().is_empty() {
            assert!(!response.headers().contains_key(header::CONTENT_TYPE));
            return said;
        }
        let mut body: Value = serde_json::from_slice(response.body()).unwrap();
        // The order of members is no promise, and another crate of the same build may have `serde_json` keep it.
        body.sort_all_objects();
        conforms(&operation, response.status().as_u16(), response.headers(), &body);
        match body.get("code") {
            Some(code) => format!("{said} {}: {}", code.as_str().unwrap(), body["detail"].as_str().unwrap()),
            None => format!("{said} {body}"),
        }
    }

    async fn call(&self, text: &str) -> Call {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.trim().lines();
        let (line, caller) = lines.next().unwrap().split_once(" as ").unwrap();
        let (method, target) = line.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').map_or((target, None), |(p, q)| (p, Some(q.to_owned())));
        let mut headers = HeaderMap::new();
        if !body.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for field in lines {
            let (name, value) = field.trim().split_once(": ").unwrap();
            headers.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        let method: Method = method.parse().unwrap();
        let operation = routed(&method, path);
        let facts = Arc::new(self.facts(&method, path, caller).await);
        let body = Bytes::copy_from_slice(body.as_bytes());
        Call { facts, operation, method, path: path.to_owned(), query, headers, body }
    }

    async fn facts(&self, method: &Method, path: &str, caller: &str) -> Facts {
        let mut words = caller.split(' ');
        let identity = identity(words.next().unwrap()).unwrap().identity;
        let kind = ProofKind::parse(words.next().unwrap_or("session")).unwrap();
        let id = CredentialId::parse(words.next().unwrap_or("SESSION00000")).unwrap();
        let shown = self.store.credential(&id).await.map(|c| c.credential).unwrap_or_else(|_| Credential {
            id,
            identity: identity.id.clone(),
            name: "session".into(),
            kind: CredentialKind::Session,
            environment: identity.environment.name.clone(),
            sources: Box::default(),
            hash: None,
            created: NOW,
            expires: Some(NOW + HOUR),
            warn_from: None,
            state: CredentialState::Live,
        });
        let caller = Caller {
            identity,
            proof: ProofFacts { kind, bound: false, since: shown.created },
            credential: Some(Arc::new(shown)),
            token: None,
            on_behalf_of: None,
            actors: Default::default(),
            task: None,
        };
        let request =
            RequestFacts { method: method.clone(), host: "".into(), path: path.into(), query: None, content_type: None, length: None };
        Facts {
            id: self::request(),
            time: NOW,
            door: Door::Admin,
            trace: None,
            request,
            source: SourceFacts { address: [127, 0, 0, 1].into(), zone: None, user_agent: None },
            api: None,
            operation: None,
            resource: None,
            caller: Some(caller),
            purpose: None,
            stopped: None,
        }
    }
}

fn document(line: &str) -> FileDocument {
    let [file, id, spec] = line.trim().splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
    let (kind, name) = id.split_once('/').unwrap();
    let kind = wardgate_model::resource::Kind::parse(kind).unwrap();
    FileDocument { file: file.into(), id: ResourceId::parse(kind, name).unwrap(), spec: serde_json::from_str(spec).unwrap() }
}

/// Routes as the gate does: literal segments before parameters.
fn routed(method: &Method, path: &str) -> Arc<Operation> {
    let fits = |operation: &&Arc<Operation>| {
        let (mine, its): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), operation.template.as_str().split('/').collect());
        operation.method == *method && mine.len() == its.len() && mine.iter().zip(&its).all(|(a, b)| a == b || b.starts_with('{'))
    };
    let api = admin_api();
    let mut found: Vec<&Arc<Operation>> = api.operations.iter().filter(fits).collect();
    found.sort_by_key(|operation| operation.template.as_str().matches('{').count());
    Arc::clone(found.first().unwrap_or_else(|| panic!("no operation {method} {path}")))
}

/// Holds an answer against what the OpenAPI document says of it.
fn conforms(operation: &Operation, status: u16, headers: &HeaderMap, body: &Value) {
    let document = crate::openapi_document();
    let row = row_of(operation).unwrap();
    let responses = &document["paths"][row.template][row.method.http().as_str().to_lowercase()]["responses"];
    let (media, response) = if status == row.response.0 {
        ("application/json", &responses[status.to_string()])
    } else {
        assert_eq!(body["status"], status);
        ("application/problem+json", &document["components"]["responses"]["Problem"])
    };
    assert_eq!(headers[header::CONTENT_TYPE], media);
    let mut schema = response["content"][media]["schema"].clone();
    schema["components"] = document["components"].clone();
    let found = jsonschema::validator_for(&schema).unwrap().validate(body).map_err(|e| e.to_string());
    assert_eq!(found, Ok(()), "{body}");
}
