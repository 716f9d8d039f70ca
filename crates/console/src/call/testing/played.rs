//! The gate, played: it knows a few identities by heart, and those of the store that it was told of.

use super::{
    KEY_SECRET,
    known::{KnownIdentity, OWNERS, identity, of_record, owner},
    request,
};
use crate::{
    around::Around,
    asking::{Found, FoundColumn, Question},
    erasures::{self, Erasure, ErasureView},
    problem::{Code, Problem},
    surface::{OperationQuery, OperationView},
    timeline::{self, TimelineQuery, TimelineView},
    world::{
        AccessPage, AccessPath, AccessQuery, Away, BoxFuture, DeclaredQuery, DescribedRequest, Entry, EventPage, EventQuery, FindingView,
        HereStop, Journaled, Manner, Minted, OpenNow, OpenRequests, Planned, Refused, SecretRotation, World, WorldFault,
    },
};
use http::HeaderName;
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use wardgate_governance::person;
use wardgate_model::{
    contain::Containable,
    credential::{Credential, CredentialKind, CredentialState, KeyedHash, SignatureScheme},
    diagnostic::{Diagnostic, Place},
    govern::Contract,
    id::{CredentialId, EnvironmentName, IdentityId, OwnerName, RequestId, SecretName, TrustName},
    inventory::{Identity, Owner},
    resource::Kind,
    secret::Secret,
    time::Time,
};
use wardgate_store::{Actor, Applied, ResourceChange, Sealed, Store, StoredSecret};

pub(crate) struct Played {
    store: Arc<Store>,
    minted: Mutex<u32>,
    seen: Mutex<BTreeMap<IdentityId, KnownIdentity>>,
    pub(crate) published: Mutex<Vec<u64>>,
    pub(crate) asked: Mutex<Vec<EventQuery>>,
    pub(crate) access: Mutex<Vec<AccessQuery>>,
    pub(crate) rotated: Mutex<Vec<SecretRotation>>,
    /// What happens right before the next changes are written.
    pub(crate) meanwhile: Mutex<Option<ResourceChange>>,
    /// The store is said not to answer.
    pub(crate) away: Mutex<Option<Away>>,
    /// Credentials that identities declare.
    pub(crate) declared: Mutex<Vec<Arc<Credential>>>,
    /// What was stopped without it.
    pub(crate) stopped: Mutex<Vec<HereStop>>,
    /// Tags of identities: the name of the tag, whose it is, what it says.
    pub(crate) tagged: Mutex<Vec<(String, String, String)>>,
    /// Identities that say to stand behind an API.
    pub(crate) serving: Mutex<Vec<Arc<Identity>>>,
    /// What was asked to be erased.
    pub(crate) erased: Mutex<Vec<Erasure>>,
    /// Up to which change the gate follows the feed; a gate that lags does so whatever is published.
    pub(crate) followed: Mutex<u64>,
    /// What was said to be stopped on record.
    pub(crate) obeyed: Mutex<Vec<String>>,
}

impl Played {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            minted: Mutex::default(),
            seen: Mutex::default(),
            published: Mutex::default(),
            asked: Mutex::default(),
            access: Mutex::default(),
            rotated: Mutex::default(),
            meanwhile: Mutex::default(),
            away: Mutex::default(),
            declared: Mutex::default(),
            stopped: Mutex::default(),
            tagged: Mutex::default(),
            serving: Mutex::default(),
            erased: Mutex::default(),
            followed: Mutex::new(u64::MAX),
            obeyed: Mutex::default(),
        }
    }

    /// Takes over what the store has of identities.
    pub(crate) async fn look(&self) {
        let records = self.store.identities_page("", 1_000).await.unwrap().records;
        let seen = records.iter().filter_map(|record| Some((record.identity.clone(), of_record(record)?))).collect();
        *self.seen.lock().unwrap() = seen;
    }
}

/// What a spec with a member `broken` is told, once for each of its words.
fn wrong(changes: &[ResourceChange]) -> Vec<Diagnostic> {
    let broken = |change: &ResourceChange| {
        let words = change.spec.as_ref()?.get("broken")?.as_str()?.to_owned();
        Some((Place::file(change.id.to_string()), words))
    };
    let told = changes.iter().filter_map(broken).flat_map(|(place, words)| {
        let told =
            |word: &str| Diagnostic::error(place.clone(), "key.unknown", format!("`{word}`: this key is not known")).mend("take it out");
        words.split(' ').map(told).collect::<Vec<_>>()
    });
    told.collect()
}

impl Played {
    fn known(&self, id: &IdentityId) -> Option<KnownIdentity> {
        self.seen.lock().unwrap().get(id).cloned().or_else(|| identity(id.as_str()))
    }
}

impl World for Played {
    fn away(&self) -> Option<Away> {
        self.away.lock().unwrap().clone()
    }

    fn credential(&self, id: &CredentialId) -> Option<Arc<Credential>> {
        let declared = self.declared.lock().unwrap().iter().find(|declared| declared.id == *id).cloned();
        declared.or_else(|| {
            (id.as_str() == "AAAAAAAAAAAA").then(|| {
                Arc::new(Credential {
                    id: *id,
                    identity: IdentityId::literal("ledger"),
                    name: "main".into(),
                    kind: CredentialKind::ApiKey,
                    environment: EnvironmentName::literal("production"),
                    sources: Box::default(),
                    hash: None,
                    binding: None,
                    created: super::NOW,
                    expires: None,
                    warn_from: None,
                    task: None,
                    state: CredentialState::Live,
                })
            })
        })
    }

    fn tagged(&self, tag: &str) -> Vec<(IdentityId, Box<str>)> {
        let all = self.tagged.lock().unwrap();
        all.iter().filter(|(of, ..)| of == tag).map(|(_, id, says)| (IdentityId::parse(id).unwrap(), says.as_str().into())).collect()
    }

    fn serving(&self) -> Vec<Arc<Identity>> {
        self.serving.lock().unwrap().clone()
    }

    fn trusts(&self, source: &TrustName) -> bool {
        source.as_str() == "ci"
    }

    fn declared(&self, query: &DeclaredQuery) -> Vec<Arc<Credential>> {
        let place = |one: &Arc<Credential>| (one.identity.to_string(), one.name.to_string());
        let all = self.declared.lock().unwrap();
        let mut found: Vec<_> = all.iter().filter(|one| query.identity.as_ref().is_none_or(|id| one.identity == *id)).cloned().collect();
        found.sort_by_key(place);
        found.retain(|one| query.after.as_ref().is_none_or(|after| *after < place(one)));
        found.truncate(query.limit);
        found
    }

    fn stop_here(&self, stop: HereStop) -> BoxFuture<'_, Result<Journaled, Problem>> {
        let journaled = if &*stop.reason == "no room" { Journaled::InMemory } else { Journaled::OnDisk };
        self.stopped.lock().unwrap().push(stop);
        Box::pin(std::future::ready(Ok(journaled)))
    }

    fn followed(&self) -> u64 {
        *self.followed.lock().unwrap()
    }

    fn published(&self, seq: u64) -> BoxFuture<'_, ()> {
        self.published.lock().unwrap().push(seq);
        Box::pin(self.look())
    }

    fn published_stop<'a>(&'a self, seq: u64, kind: Containable, name: &'a str) -> BoxFuture<'a, ()> {
        self.obeyed.lock().unwrap().push(format!("{kind} {name}"));
        self.published(seq)
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

    fn hook(&self, _scheme: SignatureScheme, given: Option<Secret<String>>) -> Result<(Minted, Sealed), Problem> {
        let mut minted = self.minted.lock().unwrap();
        *minted += 1;
        let text = given.unwrap_or_else(|| Secret::new(format!("whsec_{KEY_SECRET}")));
        if text.danger_expose().len() < 16 {
            return Err(Problem::new(Code::Unfit, "a secret has 16 to 256 bytes"));
        }
        let sealed = Sealed::new(text.danger_expose().bytes().map(|byte| byte ^ 0x5A).collect::<Vec<_>>());
        let id = CredentialId::parse(&format!("HOOK{:08}", *minted)).unwrap();
        Ok((Minted { id, text, hash: KeyedHash::new([8; 32]) }, sealed))
    }

    fn seal(&self, name: &SecretName, plain: &Secret<String>) -> Result<Sealed, WorldFault> {
        let sealed: Vec<u8> = format!("{name}={}", plain.danger_expose()).bytes().map(|b| b ^ 0x5A).collect();
        Ok(Sealed::new(sealed))
    }

    fn new_signing_key(&self) -> Result<(String, Sealed), WorldFault> {
        Ok(("fresh".to_owned(), Sealed::new([7; 32])))
    }

    fn foreign_id(&self, hash: &KeyedHash) -> CredentialId {
        let digits: String = hash.bytes().iter().take(6).map(|byte| format!("{byte:02X}")).collect();
        CredentialId::parse(&digits).unwrap()
    }

    fn identity(&self, id: &IdentityId) -> Option<Arc<Identity>> {
        self.known(id).map(|known| known.identity)
    }

    fn entries<'a>(&'a self, id: &'a IdentityId) -> BoxFuture<'a, Result<Vec<Entry>, WorldFault>> {
        let entries = self.known(id).map(|known| known.entries).unwrap_or_default();
        Box::pin(std::future::ready(Ok(entries)))
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
            None => Ok(EventPage { events: vec![json!({ "seq": 1 })], cursor: Some("a:1".into()), unreadable: 0 }),
            Some("a:1") => Ok(EventPage { events: Vec::new(), cursor: Some("a:1".into()), unreadable: 2 }),
            Some(_) => Err(Problem::new(Code::Malformed, "this is no cursor of the event log")),
        };
        self.asked.lock().unwrap().push(query);
        Box::pin(std::future::ready(page))
    }

    fn ask_log(&self, question: Question) -> BoxFuture<'_, Result<Found, Problem>> {
        let columns = vec![FoundColumn { name: "asked".into(), kind: "text".into() }];
        let row = Map::from_iter([("asked".to_owned(), Value::from(question.sql))]);
        Box::pin(std::future::ready(Ok(Found { columns, rows: vec![row], truncated: false, left_out: Vec::new() })))
    }

    fn erase_events(&self, erasure: Erasure) -> BoxFuture<'_, Result<ErasureView, Problem>> {
        self.erased.lock().unwrap().push(erasure);
        Box::pin(std::future::ready(Ok(erasures::tests::played())))
    }

    fn erasure<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Option<ErasureView>> {
        Box::pin(std::future::ready(Some(erasures::tests::played()).filter(|known| known.id == id)))
    }

    fn timeline(&self, query: TimelineQuery) -> BoxFuture<'_, Result<TimelineView, Problem>> {
        Box::pin(std::future::ready(Ok(timeline::tests::played(query))))
    }

    fn contracts(&self, owner: &OwnerName) -> Vec<Contract> {
        let acme = super::acme();
        if *owner == acme.owner { vec![acme] } else { Vec::new() }
    }

    fn open_requests(&self) -> BoxFuture<'_, OpenNow> {
        let stream = OpenRequests {
            identity: IdentityId::literal("ledger"),
            credential: None,
            operation: "ledger GET /stream".into(),
            count: 1,
            since: super::NOW,
        };
        Box::pin(async move { OpenNow { requests: vec![stream], whole: true } })
    }

    fn owner(&self, name: &OwnerName) -> Option<Owner> {
        OWNERS.into_iter().map(owner).find(|owner| owner.name == *name)
    }

    fn is_person(&self, identity: &Identity) -> bool {
        let owners: Vec<Owner> = OWNERS.into_iter().map(owner).collect();
        person::is_person(identity, &owners)
    }

    fn plan<'a>(&'a self, changes: &'a [ResourceChange]) -> BoxFuture<'a, Result<Planned, Refused>> {
        Box::pin(async move {
            let found = wrong(changes);
            if !found.is_empty() {
                return Err(Refused::Diagnostics(found));
            }
            let odd = changes.iter().filter(|change| change.id.kind() == Kind::Grant && change.spec.is_none());
            let warning =
                |change: &ResourceChange| Diagnostic::warning(Place::file(change.id.to_string()), "grant.used", "somebody used it");
            Ok(Planned { basis: self.store.last_seq().await?, warnings: odd.map(warning).collect() })
        })
    }

    fn apply<'a>(
        &'a self,
        actor: &'a Actor,
        changes: &'a [ResourceChange],
        manner: Manner,
        basis: u64,
        now: Time,
    ) -> BoxFuture<'a, Result<Applied, Refused>> {
        Box::pin(async move {
            let meanwhile = self.meanwhile.lock().unwrap().take();
            if let Some(change) = meanwhile {
                let somebody = Actor::new(wardgate_store::Who::Identity(IdentityId::literal("somebody")), "meanwhile");
                self.store.change_resources(&somebody, &[change], None, now).await?;
            }
            let applied = match manner {
                Manner::Single => self.store.change_resources(actor, changes, Some(basis), now).await?,
                Manner::Whole => self.store.apply_resources(actor, changes, Some(basis), now).await?,
            };
            self.published(applied.seq).await;
            Ok(applied)
        })
    }

    fn access(&self, query: AccessQuery) -> BoxFuture<'_, Result<AccessPage, Problem>> {
        let path = AccessPath {
            identity: "ledger".into(),
            api: "shop".into(),
            operation: "shop GET /things".into(),
            class: "list".into(),
            answer: "allowed".into(),
            by: vec!["grant:ledger-reads".into()],
            conditions: Vec::new(),
            until: None,
            enforced: true,
            change: None,
            before: None,
        };
        self.access.lock().unwrap().push(query);
        Box::pin(std::future::ready(Ok(AccessPage { paths: vec![path], next: None })))
    }

    fn findings(&self, _now: Time) -> BoxFuture<'_, Result<Vec<FindingView>, WorldFault>> {
        let finding = |code: &str, name: &str, owner: &str, severity: &str| FindingView {
            code: code.into(),
            kind: "credential".into(),
            name: name.into(),
            owner: Some(owner.into()),
            severity: severity.into(),
            since: None,
            evidence: "it is old".into(),
            remedy: "rotate it".into(),
            owasp: Some("NHI7".into()),
            exempt: name.starts_with('Z'),
        };
        let found = vec![
            finding("credential.unused", "A", "payments", "low"),
            finding("credential.overdue", "B", "cards", "high"),
            finding("credential.overdue", "Z", "payments", "high"),
        ];
        Box::pin(std::future::ready(Ok(found)))
    }

    fn operations(&self, query: OperationQuery, _now: Time) -> BoxFuture<'_, Result<Vec<OperationView>, WorldFault>> {
        let operation = |api: &str, owner: &str, standing: &str, detail: String| OperationView {
            api: api.into(),
            owner: owner.into(),
            standing: standing.into(),
            operation: "GET /x".into(),
            class: None,
            detail,
            gone: false,
            since: None,
            first: None,
            last: None,
            calls: 3,
            served: 1,
            refused: 2,
            identities: 0,
            callers: Vec::new(),
            sources: Vec::new(),
        };
        let mut found = vec![
            operation("ledger", "payments", "shadow", "served".into()),
            operation("ledger", "payments", "unused", format!("for {}s", query.unused_for.as_secs())),
            operation("shop", "cards", "drift", "otherwise".into()),
        ];
        found.retain(|one| query.api.as_ref().is_none_or(|api| one.api == api.as_str()));
        Box::pin(std::future::ready(Ok(found)))
    }

    fn around(&self) -> &dyn Around {
        self
    }

    fn rotate_secret<'a>(&'a self, actor: &'a Actor, rotation: SecretRotation, now: Time) -> BoxFuture<'a, Result<StoredSecret, Problem>> {
        Box::pin(async move {
            let value = rotation.value.as_ref().map_or_else(|| "made".to_owned(), |value| value.danger_expose().clone());
            let sealed = self.seal(&rotation.name, &Secret::new(value)).map_err(Problem::fault)?;
            self.store.stage_secret(actor, &rotation.name, &sealed, now).await?;
            let stored = self.store.promote_secret(actor, &rotation.name, now).await?;
            self.rotated.lock().unwrap().push(rotation);
            Ok(stored)
        })
    }
}
