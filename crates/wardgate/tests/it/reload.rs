//! Files change while the gate serves: good ones are live without a connection dropped, bad ones change nothing.

use crate::{
    gate::{Gate, Place, until},
    http::{Line, bearer},
    process::wardgate,
    upstream::Upstream,
};
use std::{fs, net::SocketAddr};

const ANOTHER: &str = "\
kind: Identity
name: another
spec:
  type: batch_job
  owner: shop-team
  environment: production
  purpose: counts things at night
  credentials: [{ name: main, type: api_key, expires_in: 30d }]
---
kind: Grant
name: another-lists
spec: { to: { identity: another }, api: shop, operations: [list] }
";

/// Asks on one open connection.
struct Asking {
    gate: SocketAddr,
    line: Line,
    key: String,
}

impl Asking {
    fn new(gate: &Gate, key: &str) -> Self {
        Self { gate: gate.public, line: Line::open(gate.public), key: bearer(key) }
    }

    fn said(&mut self, what: &str) -> String {
        let said = self.line.ask_or_cut(what, &[("Authorization", &self.key)], "").said();
        if said == "cut" {
            self.line = Line::open(self.gate);
        }
        said
    }

    /// Asks until that is the answer.
    fn until(&mut self, what: &str, said: &str) {
        until(said, || (self.said(what) == said).then_some(()));
    }
}

/// From where a key may be used its document says, also of one that was issued before (docs/from-static-key.md, the second step).
#[test]
fn a_key_that_was_issued_is_bound_to_its_sources_and_let_go_again() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    let gate = place.serve();
    let mut caller = Asking::new(&gate, &place.issue(&gate, "caller").1);
    assert_eq!(caller.said("GET /shop/things"), "200");
    let (free, bound) = ("expires_in: 30d }", "expires_in: 30d, sources: [10.20.0.0/16] }");
    place.change("resources/shop.yaml", free, bound);
    caller.until("GET /shop/things", "403 proof.source");
    let listed = place.run(&gate, &["credential", "list", "--identity", "caller", "--output", "json"], "").with(0).json();
    assert_eq!(listed["items"][0]["sources"][0], "10.20.0.0/16", "{listed}");
    place.change("resources/shop.yaml", bound, free);
    caller.until("GET /shop/things", "200");
}

#[test]
fn a_good_change_is_live_on_an_open_connection_and_a_bad_one_changes_nothing() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    let gate = place.serve();
    let mut caller = Asking::new(&gate, &place.issue(&gate, "caller").1);
    assert_eq!(caller.said("GET /shop/things"), "200");
    assert_eq!(caller.said("DELETE /shop/things/1"), "403 standing.denied");

    place.change("resources/shop.yaml", "[read, list, write]", "[read, list, write, delete]");
    caller.until("DELETE /shop/things/1", "200");
    gate.heard("the files were taken");

    // What is taken and worth a word is told too, once.
    assert!(!gate.said().contains("grant.no_operation"), "{}", gate.said());
    place.change("resources/shop.yaml", "[read, list, write, delete]", "[read, list, write, delete, bulk]");
    gate.heard("has no operation of class `bulk`");
    place.change("resources/shop.yaml", "[read, list, write, delete, bulk]", "[read, list, write, delete]");

    // Several mistakes at once, among them what would take the right away again, were it believed.
    place.change("resources/shop.yaml", "[read, list, write, delete]", "[read]");
    place.write(
        "resources/bad.yaml",
        "kind: Grant\nname: bad\nspec: { to: { identity: nobody }, api: shop, operations: [read], colour: red }\n",
    );
    place.write("policies-are-not-read-here.cedar", "nonsense");
    place.write("resources/bad.cedar", "permit (principal, action, resource) when { principal.shoesize > 40 };\n");
    let said = gate.heard("the files were not taken; the old state stays");
    for place in ["resources/bad.yaml", "resources/bad.cedar"] {
        assert!(said.contains(place), "`{place}` in {said}");
    }
    assert_eq!((caller.said("DELETE /shop/things/1"), caller.said("GET /shop/things")), ("200".into(), "200".into()));

    // Mended, it is taken.
    fs::remove_file(place.path().join("resources/bad.yaml")).unwrap();
    fs::remove_file(place.path().join("resources/bad.cedar")).unwrap();
    caller.until("DELETE /shop/things/1", "403 standing.denied");
    assert_eq!(gate.end().0, Some(0));
}

#[test]
fn a_bad_change_keeps_a_gate_from_starting_but_not_from_serving() {
    let place = Place::shop(&Upstream::plain().url());
    place.write("resources/bad.yaml", "kind: Grant\nname: bad\nspec: {}\n");
    let ended = wardgate(place.path(), &["serve"]).with(2);
    assert!(ended.err.contains("nothing is served") && ended.err.contains("resources/bad.yaml"), "{ended:?}");
    assert!(!ended.err.contains("wga_"), "{ended:?}");
}

#[test]
fn what_is_taken_out_is_gone_and_its_status_is_kept() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    place.write("resources/another.yaml", ANOTHER);
    let gate = place.serve();
    let (id, key) = place.issue(&gate, "another");
    let mut another = Asking::new(&gate, &key);
    let (other, key) = place.issue(&gate, "another");
    let mut second = Asking::new(&gate, &key);
    assert_eq!((another.said("GET /shop/things"), second.said("GET /shop/things")), ("200".into(), "200".into()));
    place.revoke(&gate, &id);
    assert_eq!(another.said("GET /shop/things"), "401 proof.invalid");

    fs::remove_file(place.path().join("resources/another.yaml")).unwrap();
    second.until("GET /shop/things", "403 identity.unknown");
    // The document comes back: what happened to its keys has not changed, neither now nor after a restart.
    place.write("resources/another.yaml", ANOTHER);
    second.until("GET /shop/things", "200");
    assert_eq!(another.said("GET /shop/things"), "401 proof.invalid");
    assert_eq!(gate.end().0, Some(0));
    let gate = place.serve();
    (another.line, second.line) = (Line::open(gate.public), Line::open(gate.public));
    assert_eq!((another.said("GET /shop/things"), second.said("GET /shop/things")), ("401 proof.invalid".into(), "200".into()));
    place.revoke(&gate, &other);
    assert_eq!(second.said("GET /shop/things"), "401 proof.invalid");
}

#[test]
fn an_emptied_directory_is_no_order_to_remove_everything() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    let gate = place.serve();
    let mut caller = Asking::new(&gate, &place.issue(&gate, "caller").1);
    assert_eq!(caller.said("GET /shop/things"), "200");
    // Out of the directory in one step, as a checkout of another branch may do it.
    let away = place.path().join("away");
    fs::create_dir(&away).unwrap();
    for name in ["ground.yaml", "shop.yaml"] {
        fs::rename(place.path().join("resources").join(name), away.join(name)).unwrap();
    }
    let said = gate.heard("the files were not taken; the old state stays");
    assert!(said.contains("there is no `*.yaml` and no `*.cedar`"), "{said}");
    assert_eq!(caller.said("GET /shop/things"), "200");
}

#[test]
fn a_file_that_is_named_itself_is_read_each_time_that_another_is_moved_over_it() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    place.change("wardgate.yaml", "[resources/]", "[resources/ground.yaml, resources/shop.yaml]");
    let gate = place.serve();
    let mut caller = Asking::new(&gate, &place.issue(&gate, "caller").1);
    assert_eq!(caller.said("DELETE /shop/things/1"), "403 standing.denied");
    for _ in 0..2 {
        place.change("resources/shop.yaml", "[read, list, write]", "[read, list, write, delete]");
        caller.until("DELETE /shop/things/1", "200");
        place.change("resources/shop.yaml", "[read, list, write, delete]", "[read, list, write]");
        caller.until("DELETE /shop/things/1", "403 standing.denied");
    }
}

const MANY_MISTAKES: &str = "\
kind: Api
name: shop
spec:
  policy_owner: nobody
  environment: production
  match: { path_prefix: shop }
  upstream: { urls: ['https://shop.example'], identity: { header: X-Api-Key } }
  require: { money: { task: true } }
  operations:
    - { match: 'GET /things', class: look }
    - { match: 'FETCH things' }
---
kind: Identity
name: Caller
spec:
  type: robot
  owner: shop-team
  environment: prodution
  credentials: [{ name: main, type: api_key, expires_in: soon }]
---
kind: Grant
name: caller-works
spec: { to: { identity: caler }, api: shop, operations: [reed], until: 2030-02-30 }
---
kind: Limit
name: fast
spec: { per: identity, rate: fast, quota: 10/fortnight }
---
kind: Gate
name: big
spec: {}
";

/// The page that somebody reads who made every mistake in one evening: each is there, with its place and a way out.
#[test]
fn everything_wrong_is_said_at_once() {
    let place = Place::bare();
    place.write("resources/shop.yaml", MANY_MISTAKES);
    place.write("resources/torn.yaml", "kind: Owner\nname: [\n");
    place.write("resources/twice.yaml", "kind: Environment\nname: production\nspec: { production: true, production: false }\n");
    place.write(
        "resources/policies.cedar",
        "permit (principal, action, resource);\nforbid (principal == User::\"x\", action, resource);\npermit (principal action);\n",
    );
    fs::write(place.path().join("resources/latin.yaml"), b"kind: Purpose\nname: caf\xe9\n").unwrap();
    let ended = wardgate(place.path(), &["check"]).with(2);
    assert_eq!(ended.out, "");
    insta::assert_snapshot!("bad_resources", ended.err);
    let machine = wardgate(place.path(), &["check", "--output", "json"]).with(2).json();
    let errors = machine["diagnostics"].as_array().unwrap().iter().filter(|found| found["level"] == "error").count();
    assert!(ended.err.trim_end().lines().last().unwrap().starts_with(&format!("{errors} errors")), "{}", ended.err);
}

#[test]
fn everything_wrong_with_the_configuration_is_said_at_once() {
    let place = Place::bare();
    let config = "\
listeners:
  - { name: public, address: here, public_url: gate.test, tls: { certificate: edge.pem, key: file:edge.key, client_certificates: sometimes } }
admin: { address: 127.0.0.1, metrics: maybe }
store: { url: 'mysql://db' }
secrets: { key: wardgate.key }
edge: { drain: forever, body_bytes_max: large, keep_alive: 0s }
";
    place.write("wardgate.yaml", config);
    insta::assert_snapshot!("bad_configuration", wardgate(place.path(), &["check"]).with(2).err);
    place.write("wardgate.yaml", &format!("{config}cluster: true\n"));
    insta::assert_snapshot!("unknown_key", wardgate(place.path(), &["check"]).with(2).err);
}
