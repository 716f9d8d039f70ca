//! What the tests of this crate share: a console over a real store and a gate that is played. Requests are text,
//! answers are text, and every answer is held against the OpenAPI document.

mod known;
mod played;

pub(crate) use known::{identity, names};
pub(crate) use played::Played;

use super::{Call, Console};
use crate::{
    operations::{admin_api, row_of},
    world::World,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::Value;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use wardgate_model::{
    api::Operation,
    credential::{Credential, CredentialKind, CredentialState, KeyedHash},
    facts::{Caller, ContentFacts, Door, Facts, RequestFacts, SourceFacts},
    govern::Contract,
    id::{ContractName, CredentialId, EnvironmentName, IdentityId, OwnerName, RequestId},
    proof::{ProofFacts, ProofKind},
    resource::Kind,
    time::Time,
};
use wardgate_store::{Actor, FileDocument, NewCredential, ResourceId, Store, Who};

pub(crate) const NOW: Time = Time::from_seconds(1_800_000_000);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
/// The first sign-in of `root`.
pub(crate) const FIRST: &str = "SIGNIN000000";
/// The secret part of every key that is minted here.
pub(crate) const KEY_SECRET: &str = "s3cr3tOfTheKey";

/// The request whose event is on record.
pub(crate) fn request() -> RequestId {
    RequestId::new(NOW, 7)
}

/// A console over a store in a directory of its own.
pub(crate) struct Fixture {
    pub(crate) console: Console,
    pub(crate) store: Arc<Store>,
    pub(crate) played: Arc<Played>,
    pub(crate) directory: TempDir,
    requests: AtomicU32,
}

impl Fixture {
    /// With the first sign-in of `root` on record. It is not known who armed the sessions that are shown.
    pub(crate) async fn new() -> Self {
        Self::with([]).await
    }

    /// As [`Fixture::new`], and a session of everybody whom the gate knows by heart: nobody had a hand in any.
    pub(crate) async fn signed_in() -> Self {
        Self::with(names()).await
    }

    /// As [`Fixture::new`]; of these a session is on record.
    pub(crate) async fn with(signed_in: impl IntoIterator<Item = &'static str>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("wardgate.db").display());
        let store = Arc::new(Store::open(&url).await.unwrap());
        let played = Arc::new(Played::new(Arc::clone(&store)));
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
            task: None,
        };
        let process = Actor::new(Who::Process, "first start");
        store.issue_credential(&process, first, NOW).await.unwrap();
        let sessions: Vec<NewCredential> = signed_in.into_iter().map(session).collect();
        store.issue_credentials(&process, &sessions, NOW).await.unwrap();
        Self { console, store, played, directory, requests: AtomicU32::new(8) }
    }

    /// `a.yaml Identity/ledger {"owner":"payments"}`, a line a document.
    pub(crate) async fn apply(&self, documents: &str) {
        let documents: Vec<FileDocument> = documents.lines().map(document).collect();
        self.store.apply_files(&documents, "", NOW).await.unwrap();
        self.played.look().await;
    }

    /// `IDENTITY STATE`, a line an identity that is on record.
    pub(crate) async fn states(&self) -> String {
        let statuses = self.store.statuses().await.unwrap();
        statuses.iter().map(|one| format!("{} {}", one.identity, one.state)).collect::<Vec<_>>().join("\n")
    }

    /// What a member of an answer says.
    pub(crate) fn member(said: &str, name: &str) -> String {
        let body: Value = serde_json::from_str(said.find('{').map_or("", |at| &said[at..])).unwrap_or_else(|_| panic!("{said}"));
        body[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {said}")).to_owned()
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
        assert_eq!(response.headers().contains_key(header::LOCATION), response.status() == 202, "only what waits is elsewhere");
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

    pub(crate) async fn call(&self, text: &str) -> Call {
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
        let identity = self.played.identity(&IdentityId::parse(words.next().unwrap()).unwrap()).unwrap();
        let kind = ProofKind::parse(words.next().unwrap_or("session")).unwrap();
        let id = words.next().map_or_else(|| session_of(identity.id.as_str()), |id| CredentialId::parse(id).unwrap());
        let shown = self.store.credential(&id).await.map(|c| c.credential).unwrap_or_else(|_| Credential {
            id,
            identity: identity.id.clone(),
            name: "session".into(),
            kind: CredentialKind::Session,
            environment: identity.environment.name.clone(),
            sources: Box::default(),
            hash: None,
            binding: None,
            created: NOW,
            expires: Some(NOW + HOUR),
            warn_from: None,
            task: None,
            state: CredentialState::Live,
        });
        let caller = Caller {
            identity,
            proof: ProofFacts { kind, bound: false, fresh: false, since: shown.created, ends: None },
            credential: Some(Arc::new(shown)),
            token: None,
            on_behalf_of: None,
            actors: Default::default(),
            holds: None,
            delegation: None,
            task: None,
        };
        let request = RequestFacts {
            method: method.clone(),
            host: "".into(),
            path: path.into(),
            query: None,
            content_type: None,
            length: None,
            retry: None,
            content: ContentFacts::default(),
        };
        Facts {
            id: RequestId::new(NOW, self.requests.fetch_add(1, Ordering::Relaxed).into()),
            time: NOW,
            door: Door::Admin,
            trace: None,
            request,
            source: SourceFacts::at([127, 0, 0, 1].into()),
            unknown: None,
            assessed: None,
            api: None,
            operation: None,
            resource: None,
            caller: Some(caller),
            purpose: None,
            stopped: None,
        }
    }
}

/// The session of somebody whom the gate knows by heart: nobody had a hand in it. Of others there is none on record.
fn session_of(name: &str) -> CredentialId {
    let at = names().position(|known| known == name).unwrap_or(99);
    CredentialId::parse(&format!("SESSION000{at:02}")).unwrap()
}

fn session(name: &str) -> NewCredential {
    NewCredential {
        id: session_of(name),
        identity: IdentityId::parse(name).unwrap(),
        name: "session".into(),
        kind: CredentialKind::Session,
        environment: EnvironmentName::literal("production"),
        sources: Box::default(),
        hash: KeyedHash::new([8; 32]),
        expires: NOW + HOUR,
        task: None,
    }
}

fn document(line: &str) -> FileDocument {
    let [file, id, spec] = line.trim().splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
    let (kind, name) = id.split_once('/').unwrap();
    let kind = Kind::parse(kind).unwrap();
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
    let response = &responses[status.to_string()];
    let media = if row.answers.iter().any(|(done, _)| *done == status) {
        "application/json"
    } else {
        assert_eq!(body["status"], status);
        "application/problem+json"
    };
    assert!(response.is_object(), "{status} is not documented for `{}`: {body}", row.key.as_str());
    assert_eq!(headers[header::CONTENT_TYPE], media);
    if let Some(code) = body["code"].as_str().filter(|_| media == "application/problem+json") {
        assert!(response["description"].as_str().unwrap().contains(code), "`{code}` is not documented for `{}`", row.key.as_str());
    }
    let mut schema = response["content"][media]["schema"].clone();
    schema["components"] = document["components"].clone();
    let found = jsonschema::validator_for(&schema).unwrap().validate(body).map_err(|e| e.to_string());
    assert_eq!(found, Ok(()), "{body}");
}

/// What was agreed with a partner.
fn acme() -> Contract {
    Contract {
        name: ContractName::literal("acme-2027"),
        owner: OwnerName::literal("acme"),
        contacts: ["ops@acme.example".into()].into(),
        until: NOW + HOUR * 480,
        quota: None,
        rate: None,
        concurrency: None,
        rotation: None,
        key_life_max: Some(Duration::from_secs(90 * 86_400)),
        drill: None,
        apis: Box::default(),
    }
}
