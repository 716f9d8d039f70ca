//! Proofs that others vouch for, governed: their credentials are shown and contained, and a trust source is stopped as a whole.

use crate::{
    gate::{Gate, Place, until},
    http::{self, Answer, Line, bearer, request},
    upstream::{Keeper, Play, Upstream, ok},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::SystemTime};
use wardgate_proof::jws::{Signer, jwks};

const WORLD: &str = "\
kind: Api
name: ledger
spec:
  policy_owner: shop-team
  business_owner: shop-team
  environment: production
  match: { path_prefix: /ledger }
  accept: [jwt]
  upstream: { urls: ['UPSTREAM'] }
  operations: [{ match: 'GET /entries', class: list }, { match: 'GET /held', class: read }]
---
kind: Grant
name: builds-read
spec: { to: { owner: shop-team }, api: ledger, operations: [list, read] }
";
const TRUSTED: &str = "\
kind: TrustSource
name: ci
spec: { type: oidc, issuer: 'https://ci.example', audiences: [wardgate], jwks: 'file:ci.json' }
---
kind: Identity
name: ledger-ci
spec:
  type: ci_job
  owner: shop-team
  environment: production
  purpose: deploys the ledger
  credentials: [{ name: main, type: oidc, trust: ci, subject: 'repo:acme/ledger:*', claims: { environment: production } }]
---
kind: Identity
name: nightly
spec:
  type: ci_job
  owner: shop-team
  environment: production
  purpose: nightly reports
  credentials: [{ name: main, type: oidc, trust: ci, subject: nightly }]
";

/// A gate that believes one issuer, whose key this test has.
struct Scene {
    place: Place,
    upstream: Upstream,
    keeper: Arc<Keeper>,
    issuer: Signer,
}

impl Scene {
    fn new() -> Self {
        let keeper = Arc::new(Keeper::default());
        let held = Arc::clone(&keeper);
        let upstream = Upstream::start(move |head| match head.contains("/held ") {
            true => Play::Held(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n".to_owned(),
                "4\r\nlast\r\n0\r\n\r\n".to_owned(),
                Arc::clone(&held),
            ),
            false => Play::Answer(ok("ok")),
        });
        let (place, issuer) = (Place::bare(), Signer::load(Signer::generate().unwrap().danger_expose()).unwrap());
        place.write("resources/ci.json", &jwks([&issuer]).to_string());
        place.write("resources/ledger.yaml", &WORLD.replace("UPSTREAM", &upstream.url()));
        place.write("resources/trusted.yaml", TRUSTED);
        Self { place, upstream, keeper, issuer }
    }

    fn token(&self, subject: &str) -> String {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let claims = json!({
            "iss": "https://ci.example", "sub": subject, "aud": "wardgate", "environment": "production", "iat": now, "exp": now + 300,
        });
        self.issuer.sign("JWT", &claims).unwrap()
    }

    fn list(&self, gate: &Gate, subject: &str) -> String {
        http::ask(gate.public, "GET /ledger/entries", &[("Authorization", &bearer(&self.token(subject)))], "").said()
    }

    /// A request that stands still until the keeper opens.
    fn held(&self, gate: &Gate, subject: &str) -> Line {
        let mut line = Line::open(gate.public);
        line.send(&request("GET /ledger/held", &[("Authorization", &bearer(&self.token(subject)))], ""));
        line.read_until("first");
        line
    }

    fn credentials(&self, gate: &Gate) -> Vec<Value> {
        let answer: Answer = self.place.manage(gate, "GET /api/v1/credentials?identity=ledger-ci", &Value::Null);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["items"].as_array().unwrap().clone()
    }
}

const LEDGER: &str = "repo:acme/ledger:ref:refs/heads/main";

#[test]
fn a_trust_source_is_stopped_as_a_whole_and_no_file_undoes_it() {
    let scene = Scene::new();
    let place = &scene.place;
    let gate = place.serve();
    assert_eq!([scene.list(&gate, LEDGER), scene.list(&gate, "nightly")], ["200", "200"]);
    let mut open = scene.held(&gate, LEDGER);
    let preview = until("what was used", || {
        let shown = place.run(&gate, &["contain", "issuer", "ci", "--preview"], "").with(0).out;
        (shown.contains("ledger-ci") && shown.contains("nightly") && shown.contains("1, the oldest since")).then_some(shown)
    });
    assert!(preview.contains("callers break") && preview.contains("nothing was changed"), "{preview}");
    assert_eq!(scene.list(&gate, LEDGER), "200");
    let wrong = place.run(&gate, &["contain", "issuer", "cii"], "");
    assert!(wrong.status != 0 && wrong.err.contains("there is no issuer `cii`") && wrong.err.contains("did you mean `ci`?"), "{wrong:?}");

    place.run(&gate, &["contain", "issuer", "ci", "--reason", "its keys leaked"], "").with(0);
    assert!(open.answer().is_none(), "what was cut must not look whole");
    let refused = "401 proof.invalid";
    assert_eq!([scene.list(&gate, LEDGER), scene.list(&gate, "nightly"), scene.list(&gate, "stranger")], [refused; 3]);
    let codes = until("the events", || {
        let events = place.events();
        let stopped = events.iter().filter(|event| event["ruling"]["code"] == "proof.revoked");
        Some(stopped.map(|event| event["identity"]["name"].clone()).collect::<Vec<_>>()).filter(|codes| codes.len() >= 3)
    });
    assert!(codes.contains(&json!("ledger-ci")) && codes.contains(&json!("nightly")), "{codes:?}");
    assert!(place.run(&gate, &["contain", "--list"], "").with(0).out.contains("its keys leaked"));

    // Taken away and put back, it is stopped still; so it is by a process that begins anew.
    place.write("resources/trusted.yaml", "");
    until("no identity", || (place.manage(&gate, "GET /api/v1/resources/Identity/ledger-ci", &Value::Null).status == 404).then_some(()));
    assert_eq!(scene.list(&gate, LEDGER), refused);
    place.write("resources/trusted.yaml", TRUSTED);
    until("the identity", || (place.manage(&gate, "GET /api/v1/resources/Identity/ledger-ci", &Value::Null).status == 200).then_some(()));
    until("its credential", || (!scene.credentials(&gate).is_empty()).then_some(()));
    assert_eq!(scene.list(&gate, LEDGER), refused);
    assert_eq!(gate.end().0, Some(0));
    let gate = place.serve();
    assert_eq!([scene.list(&gate, LEDGER), scene.list(&gate, "nightly")], [refused; 2]);
    let released = place.run(&gate, &["release", "issuer", "ci", "--reason", "new keys"], "").with(3).out;
    assert!(released.contains("wardgate approval approve"), "a second person: {released}");
    assert_eq!(scene.list(&gate, LEDGER), refused);
    scene.keeper.open();
    assert!(!scene.upstream.received().is_empty());
}

#[test]
fn a_declared_credential_is_shown_with_its_use_contained_and_not_revoked() {
    let scene = Scene::new();
    let place = &scene.place;
    let gate = place.serve();
    let declared = &scene.credentials(&gate)[0];
    assert_eq!((&declared["kind"], &declared["state"], &declared["created"]), (&json!("oidc"), &json!("live"), &Value::Null));
    let vouched = json!({ "trust": "ci", "subject": "repo:acme/ledger:*", "claims": { "environment": "production" }, "first_used": null, "last_used": null });
    assert_eq!(declared["vouched"], vouched);
    let id = declared["id"].as_str().unwrap().to_owned();
    assert_eq!(scene.list(&gate, LEDGER), "200");
    until("its use", || scene.credentials(&gate)[0]["vouched"]["last_used"].is_string().then_some(()));
    let listed = place.run(&gate, &["credential", "list"], "").with(0).out;
    assert!(listed.contains(&id) && listed.contains("repo:acme/ledger:*") && listed.contains("nightly"), "{listed}");
    let page = place.run(&gate, &["describe", "identity", "ledger-ci"], "").with(0).out;
    assert!(page.contains("Vouched for by others") && page.contains("environment production") && page.contains("LAST USED"), "{page}");

    let refused = place.run(&gate, &["credential", "revoke", &id], "");
    assert!(refused.status != 0 && refused.err.contains(&format!("wardgate contain credential {id}")), "{refused:?}");
    assert_eq!(scene.list(&gate, LEDGER), "200");
    let preview = place.run(&gate, &["contain", "credential", &id, "--preview"], "").with(0).out;
    assert!(preview.contains("callers break") && preview.contains("ledger-ci") && !preview.contains("nightly"), "{preview}");
    let mut open = scene.held(&gate, LEDGER);
    place.run(&gate, &["contain", "credential", &id, "--reason", "a copied runner"], "").with(0);
    assert!(open.answer().is_none(), "what was cut must not look whole");
    assert_eq!([scene.list(&gate, LEDGER), scene.list(&gate, "nightly")], ["401 proof.invalid", "200"]);
    assert_eq!(gate.end().0, Some(0));
    let gate = place.serve();
    assert_eq!([scene.list(&gate, LEDGER), scene.list(&gate, "nightly")], ["401 proof.invalid", "200"]);
    scene.keeper.open();
}

#[test]
fn a_genuine_subject_that_stands_for_nobody_is_discovered_and_claimed() {
    let scene = Scene::new();
    let place = &scene.place;
    let gate = place.serve();
    let subject = "repo:acme/reports:ref:refs/heads/main";
    for _ in 0..3 {
        assert_eq!(scene.list(&gate, subject), "401 proof.invalid");
        assert_eq!(scene.list(&gate, "repo:acme/*"), "401 proof.invalid", "who would stand for others");
    }
    let found = until("the discovery", || {
        let found = place.manage(&gate, "GET /api/v1/discoveries", &Value::Null).json()["items"].as_array().unwrap().clone();
        (!found.is_empty()).then_some(found)
    });
    let [one] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((&one["what"], &one["trust"], &one["subject"]), (&json!("subject"), &json!("ci"), &json!(subject)));
    let id = one["id"].as_str().unwrap();
    let shown = place.run(&gate, &["identity", "discovered"], "").with(0).out;
    assert!(shown.contains(id) && shown.contains(subject) && shown.contains("SUBJECT"), "{shown}");

    let of_file = place.run(&gate, &["identity", "claim", id, "--as", "ledger-ci"], "");
    assert!(
        of_file.status != 0 && of_file.err.contains("trusted.yaml") && of_file.err.contains(&format!("\"subject\":\"{subject}\"")),
        "{of_file:?}"
    );
    assert_eq!(scene.list(&gate, subject), "401 proof.invalid");
    let spec = json!({ "type": "ci_job", "owner": "shop-team", "environment": "production", "purpose": "reports" });
    let made = place.manage(&gate, "PUT /api/v1/resources/Identity/reports", &json!({ "spec": spec }));
    assert_eq!(made.status, 201, "{made:?}");
    let claimed = place.run(&gate, &["identity", "claim", id, "--as", "reports"], "");
    assert_eq!(claimed.status, 0, "{claimed:?}");
    let on_record = place.manage(&gate, "GET /api/v1/resources/Identity/reports", &Value::Null).json();
    let entry = json!({ "name": id, "type": "oidc", "trust": "ci", "subject": subject });
    assert_eq!(on_record["spec"]["credentials"], json!([entry]));
    // It is known now; whether it may call is for its approval and the policies to say.
    assert_eq!(scene.list(&gate, subject), "403 standing.denied");
    let events =
        until("the event", || Some(place.events()).filter(|events| events.iter().any(|event| event["identity"]["name"] == "reports")));
    assert!(events.iter().any(|event| event["identity"]["name"] == "reports" && event["proof"]["kind"] == "jwt"));
    let state = place.manage(&gate, "GET /api/v1/discoveries?state=claimed", &Value::Null).json();
    assert_eq!(state["items"][0]["claimed_as"], "reports");
    scene.keeper.open();
}
