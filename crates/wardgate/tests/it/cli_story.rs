//! The same story told by files, by API and by CLI ends in the same state.
//!
//! What is declared comes from the files, the API or the CLI. What happens to a thing (approvals, keys, suspensions,
//! containments) is never in files: there the story by files uses the API.

use crate::{
    gate::{Gate, Place, until},
    http::{Answer, ask, bearer},
    process::{Ended, wardgate_with},
    upstream::Upstream,
};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _};

/// A second person, of another owner.
const SECOND: &str = "\
kind: Owner
name: finance
spec: { accountable: fin@example.com, deputy: gil@example.com, contact: finance@example.com }
---
kind: Identity
name: second
spec:
  type: service_account
  owner: finance
  environment: production
  purpose: decides what waits
  roles: [security]
  tags: { person: fin@example.com }
";

const OWNER: &str = "kind: Owner\nname: acme\nspec: { accountable: lead@acme.example.com, deputy: two@acme.example.com }\n";
const SYNC: &str = "\
kind: Identity
name: acme-sync
spec:
  type: partner
  owner: acme
  environment: production
  purpose: fetches what is new
  credentials: [{ name: main, type: api_key, expires_in: 30d }]
";
const OLD: &str = "\
kind: Identity
name: acme-old
spec:
  type: partner
  owner: acme
  environment: production
  purpose: the way before
  credentials: [{ name: main, type: api_key, expires_in: 30d }]
";
const GRANT: &str = "kind: Grant\nname: acme-reads\nspec: { to: { identity: acme-sync }, api: shop, operations: [read, list] }\n";
const OLD_GRANT: &str = "kind: Grant\nname: acme-old-reads\nspec: { to: { identity: acme-old }, api: shop, operations: [list] }\n";
const LIMIT: &str = "kind: Limit\nname: acme-pace\nspec: { select: { owner: acme }, per: identity, rate: 10/s, burst: 20 }\n";

/// A gate in which a story is told, and the second person's token.
pub(crate) struct Told {
    pub(crate) place: Place,
    pub(crate) gate: Gate,
    second: String,
    _upstream: Upstream,
}

impl Told {
    pub(crate) fn begin() -> Self {
        let upstream = Upstream::plain();
        let place = Place::shop(&upstream.url());
        place.write("resources/second.yaml", SECOND);
        let gate = place.serve();
        let made = place.manage(&gate, "POST /api/v1/credentials", &json!({ "identity": "second", "kind": "sign_in" }));
        assert_eq!(made.status, 201, "{made:?}");
        let key = made.json()["key"].as_str().unwrap().to_owned();
        let session = ask(gate.admin, "POST /api/v1/sessions", &[("Authorization", &bearer(&key))], "");
        let second = session.json()["token"].as_str().unwrap().to_owned();
        Self { place, gate, second, _upstream: upstream }
    }

    fn api(&self, what: &str, body: &Value) -> Answer {
        let answer = self.place.manage(&self.gate, what, body);
        assert!((200..300).contains(&answer.status), "{what}: {answer:?}");
        answer
    }

    fn api_second(&self, what: &str, body: &Value) -> Answer {
        let fields = [("Authorization", bearer(&self.second)), ("Content-Type", "application/json".to_owned())];
        let answer = ask(self.gate.admin, what, &fields.each_ref().map(|(name, value)| (*name, value.as_str())), &body.to_string());
        assert!((200..300).contains(&answer.status), "{what}: {answer:?}");
        answer
    }

    pub(crate) fn cli(&self, arguments: &[&str]) -> Ended {
        self.place.run(&self.gate, arguments, "")
    }

    pub(crate) fn cli_second(&self, arguments: &[&str]) -> Ended {
        let url = format!("http://{}", self.gate.admin);
        wardgate_with(self.place.path(), arguments, &[("WARDGATE_URL", &url), ("WARDGATE_TOKEN", &self.second)], "")
    }

    /// Every item of a list.
    fn items(&self, path: &str) -> Vec<Value> {
        self.api(&format!("GET {path}"), &Value::Null).json()["items"].as_array().unwrap().clone()
    }

    /// Asks the gate for the list of things with a key.
    fn call(&self, key: &str) -> String {
        ask(self.gate.public, "GET /shop/things", &[("Authorization", &bearer(key))], "").said()
    }

    /// A stop is felt by the next request; being let in again may take a snapshot.
    fn lets_in(&self, key: &str) {
        until("being let in again", || (self.call(key) == "200").then_some(()));
    }

    /// All that matters in the end, without numbers and times, which differ.
    fn state(&self, key: &str, old_key: &str) -> Value {
        let exported = self.api("GET /api/v1/export?limit=500", &Value::Null).json();
        assert_eq!(exported["next"], Value::Null);
        let mut declared = exported["documents"].as_array().unwrap().clone();
        declared.sort_by_key(ToString::to_string);
        // Where the upstream listens is another port in each.
        declared.iter_mut().filter(|one| one["kind"] == "Api").for_each(|api| api["spec"]["upstream"] = Value::Null);
        let states = self.items("/api/v1/resources/Identity").into_iter().map(|one| json!([one["name"], one["status"]["state"]]));
        let credentials = self.items("/api/v1/credentials");
        let whose = |id: &Value| credentials.iter().find(|one| one["id"] == *id).map(|one| one["identity"].clone());
        let contained = self.items("/api/v1/containments").into_iter().map(|one| json!([one["kind"], whose(&one["name"])]));
        let keys = credentials.iter().filter(|one| one["kind"] == "api_key").map(|one| json!([one["identity"], one["name"], one["state"]]));
        json!({
            "declared": declared,
            "states": states.collect::<Vec<_>>(),
            "keys": keys.collect::<Vec<_>>(),
            "contained": contained.collect::<Vec<_>>(),
            "answers": [self.call(key), self.call(old_key)],
        })
    }
}

/// A document as the API takes it.
fn document(text: &str) -> Value {
    let sources = wardgate_resources::Sources { documents: vec![("story.yaml".into(), text.as_bytes().to_vec())], policies: Vec::new() };
    let parsed = wardgate_resources::parse(&sources);
    let document = &parsed.documents[0];
    json!({ "kind": document.kind.as_str(), "name": document.name, "spec": document.spec })
}

fn key_of(issued: &Value) -> (String, String) {
    (issued["id"].as_str().unwrap().to_owned(), issued["key"].as_str().unwrap().to_owned())
}

/// What happens to things, by the API.
fn happens(told: &Told) -> Value {
    let (id, key) = key_of(&told.api("POST /api/v1/credentials", &json!({ "identity": "acme-sync" })).json());
    let (_, old_key) = key_of(&told.api("POST /api/v1/credentials", &json!({ "identity": "acme-old" })).json());
    assert_eq!((told.call(&key).as_str(), told.call(&old_key).as_str()), ("200", "200"));
    told.api("POST /api/v1/identities/acme-old/suspend", &json!({ "reason": "moved" }));
    told.api("POST /api/v1/containments", &json!({ "kind": "identity", "name": "acme-sync", "reason": "an alarm" }));
    assert_ne!(told.call(&key), "200", "the next request is refused");
    let waits = told.api("DELETE /api/v1/containments/identity/acme-sync?reason=false%20alarm", &Value::Null);
    assert_eq!(waits.status, 202, "{waits:?}");
    let approval = waits.json()["id"].as_str().unwrap().to_owned();
    told.api_second(&format!("POST /api/v1/approvals/{approval}/approve"), &json!({ "reason": "seen" }));
    told.lets_in(&key);
    told.api("POST /api/v1/containments", &json!({ "kind": "credential", "name": id, "reason": "in a build log" }));
    told.state(&key, &old_key)
}

fn by_files() -> Value {
    let told = Told::begin();
    told.place.write("resources/acme.yaml", &[OWNER, SYNC, OLD, GRANT, OLD_GRANT, LIMIT].join("---\n"));
    let there = |kind: &str, name: &str| told.place.manage(&told.gate, &format!("GET /api/v1/resources/{kind}/{name}"), &Value::Null);
    until("the files", || (there("Limit", "acme-pace").status == 200).then_some(()));
    told.place.write("resources/acme.yaml", &[OWNER, SYNC, OLD, &GRANT.replace("[read, list]", "[list]"), OLD_GRANT].join("---\n"));
    until("the files again", || (there("Limit", "acme-pace").status == 404).then_some(()));
    happens(&told)
}

fn by_api() -> Value {
    let told = Told::begin();
    for text in [OWNER, SYNC, OLD, GRANT, OLD_GRANT, LIMIT] {
        let document = document(text);
        let path = format!("/api/v1/resources/{}/{}", document["kind"].as_str().unwrap(), document["name"].as_str().unwrap());
        told.api(&format!("PUT {path}"), &json!({ "spec": document["spec"] }));
    }
    for name in ["acme-sync", "acme-old"] {
        told.api_second(&format!("POST /api/v1/identities/{name}/approve"), &json!({ "evidence": "ticket 4711" }));
    }
    let grant = document(&GRANT.replace("[read, list]", "[list]"));
    told.api("PUT /api/v1/resources/Grant/acme-reads", &json!({ "spec": grant["spec"] }));
    told.api("DELETE /api/v1/resources/Limit/acme-pace", &Value::Null);
    happens(&told)
}

fn by_cli() -> Value {
    let told = Told::begin();
    let (place, cli) = (&told.place, |arguments: &[&str]| told.cli(arguments).with(0));
    place.write("story/owner.yaml", OWNER);
    assert!(cli(&["plan", "story"]).out.contains("+ Owner acme"));
    cli(&["apply", "story", "--reason", "a new partner"]);
    let request = ["identity", "request", "acme-sync", "--type", "partner", "--owner", "acme", "--environment", "production"];
    cli(&[&request[..], &["--purpose", "fetches what is new", "--api-key", "30d"]].concat());
    place.write("old.yaml", OLD);
    cli(&["identity", "request", "--file", "old.yaml"]);
    for name in ["acme-sync", "acme-old"] {
        let own = told.cli(&["identity", "approve", name, "--evidence", "ticket 4711"]);
        assert_ne!(own.status, 0, "nobody approves what they asked for: {own:?}");
        told.cli_second(&["identity", "approve", name, "--evidence", "ticket 4711"]).with(0);
    }
    place.write("story/rest.yaml", &[GRANT, OLD_GRANT, LIMIT].join("---\n"));
    cli(&["apply", "story"]);
    place.write("editor", "#!/bin/sh\nsed -i '/^ *- read$/d' \"$1\"; sed -i 's/\\[read, list\\]/[list]/' \"$1\"\n");
    let editor = place.path().join("editor");
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).unwrap();
    cli(&["edit", "grant", "acme-reads", "--editor", editor.to_str().unwrap()]);
    cli(&["delete", "limit", "acme-pace", "--reason", "not needed"]);

    let (id, key) = key_of(&cli(&["credential", "issue", "acme-sync", "--output", "json"]).json());
    let (_, old_key) = key_of(&cli(&["credential", "issue", "acme-old", "--output", "json"]).json());
    assert_eq!((told.call(&key).as_str(), told.call(&old_key).as_str()), ("200", "200"));
    cli(&["identity", "suspend", "acme-old", "--reason", "moved"]);
    cli(&["contain", "identity", "acme-sync", "--reason", "an alarm"]);
    assert_ne!(told.call(&key), "200", "the next request is refused");
    let waits = told.cli(&["release", "identity", "acme-sync", "--reason", "false alarm", "--output", "json"]).with(3).json();
    let approval = waits["id"].as_str().unwrap();
    assert_ne!(told.cli(&["approval", "approve", approval]).status, 0, "nobody decides what they asked for");
    told.cli_second(&["approval", "approve", approval, "--reason", "seen"]).with(0);
    told.lets_in(&key);
    cli(&["contain", "credential", &id, "--reason", "in a build log"]);
    told.state(&key, &old_key)
}

#[test]
fn a_story_ends_in_the_same_state_by_files_by_api_and_by_cli() {
    let files = by_files();
    let states = json!([["acme-old", "suspended"], ["acme-sync", "active"], ["caller", "active"], ["second", "active"]]);
    assert_eq!(files["states"], states, "{files:#}");
    assert_eq!(files["contained"], json!([["credential", "acme-sync"]]));
    assert!(files["answers"].as_array().unwrap().iter().all(|answer| answer != "200"), "{files:#}");
    let grant = files["declared"].as_array().unwrap().iter().find(|one| one["name"] == "acme-reads").unwrap();
    assert_eq!(grant["spec"]["operations"], json!(["list"]));
    for (how, state) in [("API", by_api()), ("CLI", by_cli())] {
        assert_eq!(state, files, "by {how}, and by files: {state:#}");
    }
}
