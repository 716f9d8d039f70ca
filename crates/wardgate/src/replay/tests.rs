use super::{Report, replay, walk::Walk};
use crate::{
    clock,
    governor::ground::{Ground, on},
};
use std::{collections::BTreeMap, time::Duration};
use wardgate_audit::{
    event_v1::SourceV1,
    reading::{self, Filter, Since},
    sink::ChangeRecord,
};
use wardgate_gate::{Lease, Step, decide, establish};
use wardgate_model::{
    contain::Containable,
    credential::CredentialKind,
    event::{CameOf, Ending, Event, EventKind, EventSink, Outcome, Share, UpstreamOutcome},
    id::{EnvironmentName, IdentityId},
    ruling::Response,
    time::Time,
};
use wardgate_proof::{
    api_key::{self, KeyKind},
    entropy::SystemEntropy,
};
use wardgate_store::NewCredential;
use wardgate_testkit::world::Asked;

const WORLD: &str = "
---
kind: Zone
name: office
spec: { networks: [10.0.0.0/8] }
---
kind: Api
name: shop
spec:
  policy_owner: shop-team
  environment: production
  match: { path_prefix: /shop }
  upstream: { urls: ['http://127.0.0.1:9000'] }
  operations:
    - { match: 'GET /things', class: list }
    - { match: 'GET /things/{id}', class: read }
    - { match: 'POST /things', class: write }
    - { match: 'DELETE /things/{id}', class: delete }
    - { match: 'GET /status', class: read, anonymous: true }
---
kind: Api
name: old
spec:
  policy_owner: shop-team
  environment: production
  mode: observe
  match: { path_prefix: /old }
  upstream: { urls: ['http://127.0.0.1:9001'] }
  operations: [{ match: 'GET /things', class: list }]
---
kind: Identity
name: caller
spec: { type: service_account, owner: shop-team, environment: production, purpose: test, credentials: [{ name: main, type: api_key, expires_in: 30d }] }
---
kind: Identity
name: other
spec: { type: bot, owner: shop-team, environment: production, purpose: test, credentials: [{ name: main, type: api_key, expires_in: 30d }] }
---
kind: Grant
name: caller-works
spec: { to: { identity: caller }, api: shop, operations: [read, list, write] }
---
kind: Grant
name: other-reads
spec: { to: { identity: other }, api: shop, operations: [read, list] }
---
kind: Purpose
name: stock
spec: { description: counts what is there }
---
kind: Api
name: stock
spec:
  policy_owner: shop-team
  environment: production
  match: { path_prefix: /stock }
  upstream: { urls: ['http://127.0.0.1:9003'] }
  operations: [{ match: 'GET /things', class: list }]
---
kind: Grant
name: other-counts
spec: { to: { identity: other }, api: stock, operations: [list], purpose: stock }
---
kind: Policy
name: nobody-declares
spec:
  cedar: |
    @id(\"nobody-declares\") forbid (principal, action, resource in Api::\"stock\") when { context has purpose };
---
kind: Limit
name: pace
spec: { select: { api: shop }, per: identity, rate: 5/s, burst: 6, concurrency: 3 }
---
kind: Limit
name: month
spec: { select: { identity: other }, per: identity, quota: 25/month }
---
kind: Limit
name: volume
spec: { select: { api: shop }, per: credential, bytes: 64KiB/month }
---
kind: Policy
name: office-writes
spec:
  cedar: |
    @id(\"office-writes\") forbid (principal, action == Action::\"write\", resource) unless { context.source.zone == \"office\" };
";

/// Numbers that look random and are the same in every run: a Lehmer generator.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x1234_5678_9ABC_DEF1);
        (self.0 >> 33) % most
    }

    fn one_of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[usize::try_from(self.below(texts.len() as u64)).unwrap()]
    }
}

/// A gate without doors: requests are judged as a door of one thread does, at moments of the test's own.
struct Scene<'g> {
    ground: &'g Ground,
    keys: BTreeMap<&'static str, String>,
    now: Time,
    open: Vec<(Time, Option<Lease>, Event)>,
    /// What is recorded instead of the answer that was given.
    recorded_as: Option<Response>,
}

impl<'g> Scene<'g> {
    async fn new(ground: &'g Ground) -> Self {
        let mut scene = Self { ground, keys: BTreeMap::new(), now: clock::now(), open: Vec::new(), recorded_as: None };
        for identity in ["caller", "other"] {
            let key = scene.issue(identity).await;
            scene.keys.insert(identity, key);
        }
        scene
    }

    async fn issue(&self, identity: &'static str) -> String {
        let control = &self.ground.control;
        let environment = EnvironmentName::literal("production");
        let (id, text) = api_key::generate(KeyKind::ApiKey, &environment, &SystemEntropy).unwrap();
        let new = NewCredential {
            id,
            identity: IdentityId::literal(identity),
            name: "main".into(),
            kind: CredentialKind::ApiKey,
            environment,
            sources: Box::default(),
            hash: api_key::hash(control.material().pepper(), text.danger_expose()),
            expires: self.now + Duration::from_hours(48),
            task: None,
        };
        let issued = control.store().issue_credential(&self.ground.actor(), new, clock::now()).await.unwrap();
        control.obey(issued.revision).await.unwrap();
        text.danger_expose().clone()
    }

    /// A request: what is over by then is recorded before it.
    fn ask(&mut self, who: &str, what: &str, from: &str, lasts: Duration, bytes: u64) {
        self.end_until(self.now);
        let mut asked = Asked::parse(&format!("{what}\nHost: gate.test")).unwrap().from(from.parse().unwrap());
        if who != "-" {
            asked = asked.bearer(self.keys.get(who).map_or("wg_production_AAAAAAAAAAAA_nobody", String::as_str));
        }
        let gate = self.ground.control.gate();
        let snapshot = gate.snapshot();
        let Step::Done(facts) = establish(&asked.arrival(self.now), &snapshot, gate.meters(), self.now) else { panic!("{what} waits") };
        let Step::Done(verdict) = decide(&facts, &snapshot, gate.meters(), self.now) else { panic!("{what} is slowed") };
        let order = gate.next_judge_order();
        let upstream = verdict.permit.is_some().then(|| UpstreamOutcome {
            name: "http://127.0.0.1:9000".into(),
            status: Some(200),
            latency: Duration::from_millis(1),
            bytes_in: bytes / 3,
            bytes_out: bytes - bytes / 3,
            records: None,
        });
        let end = self.now + if verdict.permit.is_some() { lasts } else { Duration::ZERO };
        let outcome = Outcome { end, ending: Ending::Complete, client_status: None, upstream, effect: None, came_of: CameOf::default() };
        let (mut ruling, snapshot) = (verdict.ruling, snapshot.number());
        ruling.response = self.recorded_as.unwrap_or(ruling.response);
        let event = Event { kind: EventKind::Request, facts, ruling, outcome, snapshot, judge_order: order };
        self.open.push((end, verdict.permit.map(|permit| permit.depart().lease), event));
        self.end_until(self.now);
    }

    fn end_until(&mut self, now: Time) {
        self.open.sort_by_key(|(end, ..)| *end);
        while self.open.first().is_some_and(|(end, ..)| *end <= now) {
            let (end, lease, event) = self.open.remove(0);
            if let (Some(lease), Some(upstream)) = (&lease, &event.outcome.upstream) {
                drop(lease.charge_bytes(upstream.bytes_in + upstream.bytes_out, end));
            }
            drop(lease);
            self.ground.log.reserve(Share::Whole).unwrap();
            self.ground.log.record(event);
        }
    }

    fn pass(&mut self, millis: u64) {
        self.now = self.now + Duration::from_millis(millis);
    }

    /// Files are others now.
    async fn change(&self, from: &str, to: &str) {
        let path = self.ground.path().join("world.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "`{from}` in {text}");
        std::fs::write(path, text.replace(from, to)).unwrap();
        self.ground.control.reload().await.unwrap();
    }

    async fn contain(&self, identity: &str) {
        let (store, actor) = (self.ground.control.store(), self.ground.actor());
        let stopped = store.contain(&actor, Containable::Identity, identity, clock::now()).await.unwrap();
        self.ground.control.obey_stop(stopped.revision, Containable::Identity, identity).await.unwrap();
    }

    async fn release(&self, identity: &str) {
        let (store, actor) = (self.ground.control.store(), self.ground.actor());
        let released = store.release(&actor, Containable::Identity, identity, clock::now()).await.unwrap();
        self.ground.control.obey(released).await.unwrap();
    }

    fn any(&mut self, dice: &mut Dice) {
        let who = dice.one_of(&["caller", "caller", "other", "-", "forged"]);
        let what = dice.one_of(&[
            "GET /shop/things",
            "GET /shop/things/7?q=1",
            "POST /shop/things",
            "DELETE /shop/things/7",
            "GET /shop/status",
            "GET /old/things",
            "GET /nowhere",
            "PUT /shop/things",
        ]);
        let from = dice.one_of(&["10.0.0.1", "192.0.2.7"]);
        let (lasts, bytes) = (Duration::from_millis(dice.below(900)), dice.below(6_000));
        self.ask(who, what, from, lasts, bytes);
        self.pass(dice.below(260));
    }

    fn finish(&mut self) {
        self.pass(10_000);
        self.end_until(self.now);
    }
}

async fn replayed(ground: &mut Ground) -> Report {
    let _requests = ground.recorded("request");
    ground.control.settle_replay();
    replay(&ground.control.config().audit, ground.control.store()).await.unwrap()
}

#[test]
fn what_was_ruled_is_ruled_again_whatever_was_asked_and_changed_meanwhile() {
    for seed in 0..4 {
        on(WORLD, async |ground| {
            let mut dice = Dice(seed);
            let mut scene = Scene::new(ground).await;
            let write = "operations: [read, list, write] }";
            for round in 0..4 {
                for _ in 0..40 {
                    scene.any(&mut dice);
                }
                match round {
                    0 => scene.change(write, "operations: [read] }").await,
                    1 => scene.contain("caller").await,
                    2 => {
                        scene.release("caller").await;
                        scene.change("operations: [read] }", write).await;
                        scene.change("rate: 5/s", "rate: 2/s").await;
                    }
                    _ => scene.finish(),
                }
            }
            drop(scene);
            let report = replayed(ground).await;
            assert!(report.is_all_same(), "seed {seed}: {report:#?}");
            assert_eq!((report.same + report.never_judged, report.runs, report.missing_rulings), (160, 1, 0), "{report:#?}");
            assert!(report.same_stopped > 0 && report.same > report.same_stopped, "{report:#?}");
        });
    }
}

#[test]
fn every_limit_was_reached_and_comes_out_the_same() {
    on(WORLD, async |ground| {
        let mut scene = Scene::new(ground).await;
        let second = Duration::from_secs(1);
        for _ in 0..9 {
            scene.ask("caller", "GET /shop/things", "10.0.0.1", Duration::ZERO, 0);
        }
        scene.pass(5_000);
        for _ in 0..5 {
            scene.ask("caller", "GET /shop/things", "10.0.0.1", second, 0);
        }
        scene.pass(5_000);
        for _ in 0..30 {
            scene.ask("other", "GET /shop/things/7", "10.0.0.1", Duration::ZERO, 0);
            scene.pass(300);
        }
        scene.ask("caller", "POST /shop/things", "10.0.0.1", Duration::ZERO, 70_000);
        scene.ask("caller", "GET /shop/things", "10.0.0.1", Duration::ZERO, 0);
        scene.finish();
        drop(scene);
        let requests = ground.recorded("request");
        for code in ["reserve.rate_exceeded", "reserve.concurrency_exceeded", "reserve.quota_exceeded", "reserve.bytes_exceeded"] {
            assert!(requests.iter().any(|event| event["ruling"]["code"] == code), "{code} was not reached");
        }
        ground.control.settle_replay();
        let report = replay(&ground.control.config().audit, ground.control.store()).await.unwrap();
        assert!(report.is_all_same(), "{report:#?}");
    });
}

#[test]
fn what_the_grant_says_a_call_is_for_is_recorded_and_is_nothing_that_was_judged() {
    on(WORLD, async |ground| {
        let mut scene = Scene::new(ground).await;
        scene.ask("other", "GET /stock/things", "10.0.0.1", Duration::ZERO, 0);
        scene.ask("other", "GET /stock/things\nWardgate-Purpose: stock", "10.0.0.1", Duration::ZERO, 0);
        scene.ask("other", "GET /shop/things", "10.0.0.1", Duration::ZERO, 0);
        scene.finish();
        drop(scene);
        let requests = ground.recorded("request");
        let told: Vec<_> = requests.iter().map(|event| (event["ruling"]["code"].as_str().unwrap(), event["purpose"].clone())).collect();
        let stock = |basis: &str| serde_json::json!({ "value": "stock", "basis": basis });
        let expected =
            [("rule.allowed", stock("registered")), ("rule.forbidden", stock("declared")), ("rule.allowed", serde_json::Value::Null)];
        assert_eq!(told, expected);
        ground.control.settle_replay();
        let report = replay(&ground.control.config().audit, ground.control.store()).await.unwrap();
        assert!(report.is_all_same() && report.same == 3, "{report:#?}");
    });
}

#[test]
fn an_altered_event_is_named() {
    on(WORLD, async |ground| {
        let mut scene = Scene::new(ground).await;
        scene.ask("caller", "GET /shop/things", "10.0.0.1", Duration::ZERO, 0);
        scene.ask("other", "POST /shop/things", "10.0.0.1", Duration::ZERO, 0);
        // As if somebody had made a refusal an approval, after the fact.
        scene.recorded_as = Some(Response::Allow);
        scene.ask("other", "DELETE /shop/things/7", "10.0.0.1", Duration::ZERO, 0);
        scene.finish();
        drop(scene);
        let report = replayed(ground).await;
        assert_eq!((report.same, report.different), (2, 1), "{report:#?}");
        let found = &report.differences[0];
        assert_eq!((found.recorded.response.as_str(), found.now.response.as_str(), found.why.as_str()), ("allow", "block", "response"));
        assert!(found.event.starts_with("edge-1:"), "{found:?}");
        assert!(report.shown().contains(&found.event));
    });
}

#[test]
fn what_was_not_kept_is_named_and_nothing_is_called_the_same_for_it() {
    on(WORLD, async |ground| {
        let mut scene = Scene::new(ground).await;
        scene.ask("caller", "GET /shop/things", "10.0.0.1", Duration::ZERO, 0);
        scene.finish();
        drop(scene);
        let _requests = ground.recorded("request");
        let log = ground.control.config().audit.clone();
        ground.control.settle_replay();
        std::fs::remove_dir_all(log.join("replay")).unwrap();
        let report = replay(&log, ground.control.store()).await.unwrap();
        assert_eq!((report.same, report.not_replayed), (0, 1), "{report:#?}");
        assert!(!report.is_all_same());
        assert!(report.not_replayed_because.keys().all(|why| why.starts_with("nothing was kept of the run `")), "{report:#?}");
    });
}

#[test]
fn a_ruling_whose_event_was_erased_is_not_replayed_and_never_called_fine() {
    on(WORLD, async |ground| {
        let mut scene = Scene::new(ground).await;
        scene.ask("caller", "GET /shop/things", "10.0.0.1", Duration::ZERO, 0);
        scene.ask("other", "GET /shop/things", "192.0.2.7", Duration::ZERO, 0);
        scene.finish();
        drop(scene);
        let _requests = ground.recorded("request");
        ground.control.settle_replay();
        let log = ground.control.config().audit.clone();
        let mut walk = Walk::new(&log, ground.control.store());
        for mut event in reading::tail(&log, &Filter::default(), &Since::Oldest, usize::MAX).unwrap().events {
            // As an erasure of what belongs to this address leaves it.
            if event.source.as_ref().is_some_and(|source| source.address.as_deref() == Some("192.0.2.7")) {
                (event.path, event.resource) = (None, None);
                event.source = event.source.map(|source| SourceV1 { address: None, user_agent: None, ..source });
            }
            walk.take(event).await.unwrap();
        }
        let report = walk.end().await.unwrap();
        assert_eq!((report.same, report.not_replayed, report.never_judged), (1, 1, 0), "{report:#?}");
        assert!(!report.is_all_same());
        assert!(report.not_replayed_because.keys().all(|why| why.ends_with("was erased from it")), "{report:#?}");
    });
}

const BOOK: &str = "\
kind: Api
name: book
spec:
  policy_owner: shop-team
  environment: production
  match: { path_prefix: /book }
  upstream: { urls: ['http://127.0.0.1:9002'] }
  openapi: file:openapi/book.yaml
---
kind: Grant
name: caller-browses
spec: { to: { identity: caller }, api: book, operations: [read, list] }
---
kind: Zone";

#[test]
fn a_document_in_a_file_is_the_one_of_then_although_the_feed_does_not_tell_of_it() {
    on(WORLD, async |ground| {
        let path = ground.path().join("openapi");
        std::fs::create_dir(&path).unwrap();
        let document = |what: &str| {
            let text =
                format!("openapi: 3.1.0\ninfo: {{ title: book, version: '1' }}\npaths: {{ /{what}: {{ get: {{ responses: {{}} }} }} }}\n");
            std::fs::write(path.join("book.yaml"), text).unwrap();
        };
        document("pages");
        let mut scene = Scene::new(ground).await;
        scene.change("kind: Zone", BOOK).await;
        scene.ask("caller", "GET /book/pages", "10.0.0.1", Duration::ZERO, 0);
        let before = ground.control.store().last_seq().await.unwrap();
        ground.control.settle_replay();
        document("leaves");
        ground.control.reload().await.unwrap();
        assert_eq!(ground.control.store().last_seq().await.unwrap(), before);
        scene.ask("caller", "GET /book/pages", "10.0.0.1", Duration::ZERO, 0);
        scene.ask("caller", "GET /book/leaves", "10.0.0.1", Duration::ZERO, 0);
        scene.finish();
        drop(scene);
        let requests = ground.recorded("request");
        let codes: Vec<_> = requests.iter().map(|event| event["ruling"]["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["rule.allowed", "route.no_operation", "rule.allowed"]);
        let log = ground.control.config().audit.clone();
        ground.control.settle_replay();
        let report = replay(&log, ground.control.store()).await.unwrap();
        assert!(report.is_all_same() && report.same == 3, "{report:#?}");

        // What is not what it was is not taken for it.
        for kept in std::fs::read_dir(log.join("replay/documents")).unwrap() {
            std::fs::write(kept.unwrap().path(), "openapi: 3.1.0").unwrap();
        }
        ground.control.settle_replay();
        let report = replay(&log, ground.control.store()).await.unwrap();
        assert_eq!((report.same, report.not_replayed), (0, 3), "{report:#?}");
    });
}

#[test]
fn nobody_who_manages_can_begin_a_run() {
    on("", async |ground| {
        let record = ChangeRecord {
            time: clock::now(),
            actor: "mallory".into(),
            what: "start".into(),
            kind: "run".into(),
            name: "../../etc/passwd".into(),
            reason: None,
            of: Vec::new(),
        };
        ground.log.record_change(record).unwrap();
        let _requests = ground.recorded("request");
        ground.control.settle_replay();
        let report = replay(&ground.control.config().audit, ground.control.store()).await.unwrap();
        assert_eq!(report.runs, 1, "{report:#?}");
    });
}
