//! The client's helper through the binary: a token for a command, and a forwarder for a program that cannot change; and what an operator
//! does against a token, a key of a client, and a key of ours.

use crate::{
    gate::{Gate, Place, until},
    http::{self, Answer},
    process::{Ended, Serving, curl, wardgate, wardgate_with},
    token_world::{GRANT, WORLD, World, claims, world},
    upstream::{Play, Upstream, ok},
};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU32, Ordering},
};
use wardgate_proof::jose::algorithm::Algorithm;

const LEDGER: &str = "http://gate.test/ledger";

/// A gate with a client of its own key, as the client's machine knows it.
pub(crate) struct Helped {
    pub(crate) place: Place,
    gate: Gate,
    pub(crate) upstream: Upstream,
    usual: Vec<String>,
}

pub(crate) fn helped() -> Helped {
    helped_by(|_| ())
}

/// The same, with something changed before the gate begins.
fn helped_by(change: impl Fn(&Place)) -> Helped {
    helped_before(Upstream::plain(), change)
}

/// The same before an API that answers as it likes.
pub(crate) fn helped_before(upstream: Upstream, change: impl Fn(&Place)) -> Helped {
    let place = Place::bare();
    let jwks = ["key", "other"].map(|name| wardgate(place.path(), &["token", "--new-key", name]).with(0).out);
    let text = WORLD.replace("@UPSTREAM@", &upstream.url()).replace("@JWK@", jwks[0].trim()).replace("@OTHER@", jwks[1].trim());
    place.write("resources/world.yaml", &text);
    place.change("wardgate.yaml", "secrets:", "issuer: { url: 'http://gate.test' }\nsecrets:");
    change(&place);
    let gate = place.serve();
    let key = place.path().join("key").to_str().unwrap().to_owned();
    let connect = gate.public.to_string();
    let usual = ["token", "--issuer", "http://gate.test", "--client", "ledger-sync", "--key", &key, "--connect", &connect];
    let usual = usual.map(str::to_owned).into_iter().chain(["--resource".to_owned(), LEDGER.to_owned()]).collect();
    Helped { place, gate, upstream, usual }
}

impl Helped {
    pub(crate) fn arguments<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        self.usual.iter().map(String::as_str).chain(more.iter().copied()).collect()
    }

    pub(crate) fn run(&self, more: &[&str]) -> Ended {
        wardgate(self.place.path(), &self.arguments(more))
    }

    /// A forwarder, and where it is.
    pub(crate) fn forwarder(&self, more: &[&str]) -> (Serving, SocketAddr) {
        let all: Vec<&str> = ["--proxy", "127.0.0.1:0"].into_iter().chain(more.iter().copied()).collect();
        let (serving, said) = Serving::tour(&self.arguments(&all), "forwarding:");
        let address = said.split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
        (serving, address)
    }
}

#[test]
fn a_command_has_its_token_in_a_file_and_ends_us_as_it_ends() {
    let helped = helped();
    let url = format!("http://{}/ledger/entries", helped.gate.public);
    let calls = format!("curl -sS -m 60 -o /dev/null -w '%{{http_code}}' -H 'Host: gate.test' {url} -H");
    let script = format!(
        r#"stat -c %a "$WARDGATE_TOKEN_FILE" >&2; env | grep -c eyJ >&2; {calls} "Authorization: Bearer $(cat "$WARDGATE_TOKEN_FILE")" >&2; \
           cat "$WARDGATE_TOKEN_FILE"; exit 7"#
    );
    let ran = helped.run(&["--exec", "--", "sh", "-c", &script]).with(7);
    assert_eq!(ran.err.lines().collect::<Vec<_>>(), ["600", "0", "200"], "{ran:?}");
    // It ends with the command.
    let call = |token: &str| http::ask(helped.gate.public, "GET /ledger/entries", &[("Authorization", &http::bearer(token))], "").said();
    assert_eq!(call(&ran.out), "401 proof.invalid");
    let script = format!(r#"{calls} "Authorization: Bearer $TOKEN""#);
    let ran = helped.run(&["--exec", "--env", "TOKEN", "--", "sh", "-c", &script]).with(0);
    assert_eq!(ran.out, "200");
    let absent = helped.run(&["--exec", "--", "/nowhere/at-all"]).with(127);
    assert!(absent.err.contains("cannot run `/nowhere/at-all`"), "{absent:?}");
    let refused =
        wardgate(helped.place.path(), &["token", "--exec", "--issuer", "http://gate.test", "--connect", "127.0.0.1:1", "--", "true"]);
    assert!(refused.with(2).err.contains("`--client` (WARDGATE_CLIENT) is missing"));
}

#[test]
fn a_signal_is_the_commands() {
    let helped = helped();
    let script = r#"trap "exit 9" TERM; echo ready; while :; do read -t 1 x < /dev/zero; done"#;
    let all = helped.arguments(&["--exec", "--", "bash", "-c", script]);
    let (serving, _) = Serving::tour(&all, "ready");
    assert_eq!(serving.end(), Some(9));
}

/// Its token service gives tokens of three seconds: the file has another one before the first ends.
#[test]
fn the_token_in_the_file_is_replaced_before_it_ends() {
    let given = AtomicU32::new(0);
    let upstream = Upstream::start(move |head| {
        let metadata = json!({ "issuer": "http://tokens.test", "token_endpoint": "http://tokens.test/token" });
        let token = || json!({ "access_token": format!("t{}", given.fetch_add(1, Ordering::Relaxed)), "expires_in": 3 });
        Play::Answer(ok(&if head.starts_with("GET") { metadata } else { token() }.to_string()))
    });
    let place = Place::bare();
    place.write("api-key", "wg_production_key\n");
    let script = r#"first=$(cat "$WARDGATE_TOKEN_FILE"); until [ "$(cat "$WARDGATE_TOKEN_FILE")" != "$first" ]; do :; done; cat "$WARDGATE_TOKEN_FILE""#;
    let connect = upstream.address.to_string();
    let usual = ["token", "--issuer", "http://tokens.test", "--connect", &connect, "--client", "a", "--api-key-file", "api-key"];
    let ran = wardgate(place.path(), &[&usual[..], &["--exec", "--", "sh", "-c", script]].concat()).with(0);
    assert_eq!(ran.out, "t1");
    assert_eq!(upstream.last().field("authorization"), Some("Basic YTp3Z19wcm9kdWN0aW9uX2tleQ=="));
    // By the variable: it is not handed on.
    let script = r#"printf %s "${WARDGATE_API_KEY-none}""#;
    let usual = ["token", "--issuer", "http://tokens.test", "--connect", &connect, "--client", "a", "--exec", "--", "sh", "-c", script];
    assert_eq!(wardgate_with(place.path(), &usual, &[("WARDGATE_API_KEY", "wg_x")], "").with(0).out, "none");
    // A token of somebody else, read anew.
    place.write("projected", "eyJ.a.b");
    let usual = ["token", "--issuer", "http://tokens.test", "--connect", &connect, "--subject-token-file", "projected"];
    assert!(wardgate(place.path(), &usual).with(0).out.starts_with('t'));
    let form = upstream.last().body;
    assert!(form.starts_with("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=eyJ.a.b&"), "{form}");
}

#[test]
fn a_program_that_knows_a_static_header_is_forwarded() {
    let helped = helped();
    let (forwarder, address) = helped.forwarder(&["--strip", "X-Api-Key", "--name", "gate.test"]);
    let ask = |what: &str, fields: &[(&str, &str)], body: &str| http::ask(address, what, fields, body);
    let answer = ask("GET /ledger/entries?page=2", &[("X-Api-Key", "old"), ("X-Other", "kept")], "");
    assert_eq!(answer.said(), "200", "{answer:?}");
    let seen = helped.upstream.last();
    assert!(seen.head.starts_with("GET /ledger/entries?page=2 "), "{seen:?}");
    assert_eq!((seen.field("x-api-key"), seen.field("authorization"), seen.field("x-other")), (None, None, Some("kept")));
    // What the gate refuses is told as the gate tells it.
    assert_eq!(ask("POST /ledger/entries", &[], &"a".repeat(60_000)).said(), "403 standing.scope");
    // Neither pages nor other names nor other paths.
    let problem = |answer: &Answer| (answer.status, answer.json()["detail"].as_str().unwrap().to_owned());
    assert_eq!(problem(&ask("GET /ledger/entries", &[("Origin", "https://attacker.example")], "")).0, 403);
    assert_eq!(problem(&ask("GET /stock/items", &[], "")).0, 404);
    let here = helped.place.path();
    let url = format!("http://{address}/ledger/entries");
    assert_eq!(curl(here, &[&url]).0, "200");
    assert_eq!(curl(here, &["-H", "Host: attacker.example", &url]).0, "421");
    assert_eq!(forwarder.end(), Some(0));
    // Who called, and by which proof, is as for any other client.
    let used = until("the call to be on record", || {
        helped.place.events().into_iter().find(|event| event["operation"] == "ledger GET /ledger/entries")
    });
    assert_eq!((&used["identity"]["id"], &used["proof"]["kind"]), (&json!("ledger-sync"), &json!("jwt")));
}

#[test]
fn a_forwarder_is_for_this_machine_and_whom_it_is_meant_for() {
    let helped = helped();
    let wide = helped.run(&["--proxy", "0.0.0.0:0"]).with(1).err;
    assert!(wide.contains("is not on this machine alone"), "{wide}");
    assert_eq!(helped.run(&["--proxy", "127.0.0.1:0", "--idle-exit", "1s"]).with(0).out.lines().count(), 1);
    helped.place.write("local-secret", "s3cret\n");
    let secret = helped.place.path().join("local-secret");
    let (_forwarder, address) = helped.forwarder(&["--local-secret-file", secret.to_str().unwrap()]);
    let here = helped.place.path();
    let url = format!("http://{address}/ledger/entries");
    assert_eq!(curl(here, &[&url]).0, "401");
    assert_eq!(curl(here, &["-H", "Authorization: Bearer s3cret", &url]).0, "200");
    // By a socket in the file system, there for its owner alone.
    let socket = here.join("forwarder.sock");
    let all = helped.arguments(&["--proxy", "unix:forwarder.sock"]);
    let all: Vec<String> = all.iter().map(|text| text.replace("forwarder.sock", socket.to_str().unwrap())).collect();
    let (served, _) = Serving::tour(&all.iter().map(String::as_str).collect::<Vec<_>>(), "forwarding:");
    assert_eq!(curl(here, &["--unix-socket", "forwarder.sock", "http://ledger/ledger/entries"]).0, "200");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&socket).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(served.end(), Some(0));
    assert!(!socket.exists());
}

/// The program notices nothing: a token that was stopped is replaced, as soon as that makes sense.
#[test]
fn a_token_that_was_stopped_is_replaced_under_the_program() {
    let helped = helped();
    let (_forwarder, address) = helped.forwarder(&[]);
    let url = format!("http://{address}/ledger/entries");
    assert_eq!(curl(helped.place.path(), &[&url]).0, "200");
    let used = until("the call to be on record", || {
        helped.place.events().into_iter().find(|event| event["operation"] == "ledger GET /ledger/entries")
    });
    let id = used["token"]["id"].as_str().unwrap().to_owned();
    helped.place.run(&helped.gate, &["contain", "token", &id, "--reason", "seen in a log"], "").with(0);
    until("another token", || (curl(helped.place.path(), &[&url]).0 == "200").then_some(()));
}

const ACCEPTS: &str = "  accept: [jwt, api_key]\n";

impl Helped {
    /// Of the calls that the record has, whether each was by a token that is bound to a key.
    fn bound(&self) -> Vec<bool> {
        let events = self.place.events();
        let calls = events.iter().filter(|event| event["api"]["name"] == "ledger" && event["ruling"]["response"] == "allow");
        calls.map(|event| event["proof"]["bound"] == true).collect()
    }
}

/// Plain `curl` through the forwarder, to an API that takes nothing but what shows possession of a key, with a nonce: the program knows nothing of it.
#[test]
fn a_forwarder_shows_possession_for_a_program_that_knows_nothing_of_it() {
    let helped = helped_by(|place| {
        let require = "  require: { list: { bound: true }, write: { bound: true, nonce: true } }\n";
        place.change("resources/world.yaml", ACCEPTS, &format!("{ACCEPTS}{require}"));
        place.change("resources/world.yaml", "api: ledger, operations: [list, bulk]", "api: ledger, operations: [list, write]");
        place.change("wardgate.yaml", "body_bytes_max: 64KiB", "body_bytes_max: 1MiB");
    });
    let here = helped.place.path();
    // Nobody else could show what is bound to a key that is in no file.
    for more in [&["--bound"][..], &["--bound", "--exec", "--", "true"]] {
        let told = helped.run(more).with(2).err;
        assert!(told.contains("`--bound` needs the forwarder, `--proxy`"), "{told}");
    }
    let unbound = helped.run(&["--scope", "list"]).with(1).err;
    assert!(unbound.contains("invalid_target"), "no unbound token opens anything: {unbound}");
    let (forwarder, address) = helped.forwarder(&["--bound", "--name", "gate.test"]);
    let (entries, page) = (format!("http://{address}/ledger/entries"), format!("http://{address}/ledger/entries?page=2&of=%2Fa"));
    for url in [&entries, &entries, &page] {
        assert_eq!(curl(here, &[url]).0, "200");
    }
    // The first is asked for a nonce, and goes again with its body.
    let body = "a".repeat(40_000);
    for _ in 0..2 {
        assert_eq!(http::ask(address, "POST /ledger/entries", &[], &body).said(), "200");
        assert_eq!(helped.upstream.last().body, body);
    }
    let answer = http::ask(address, "POST /ledger/entries", &[("DPoP", "theirs")], "");
    assert_eq!((&*answer.said(), answer.field("dpop-nonce")), ("200", None), "what is for the forwarder stays there");
    assert!(!helped.upstream.received().iter().any(|request| request.head.to_ascii_lowercase().contains("dpop")));
    assert_eq!(forwarder.end(), Some(0));
    // More than is kept cannot be sent twice, and never is in halves: it is told, and the nonce is there from then on.
    let (forwarder, address) = helped.forwarder(&["--bound", "--name", "gate.test"]);
    let large = "b".repeat(600_000);
    let before = helped.upstream.received().len();
    let first = http::ask(address, "POST /ledger/entries", &[], &large);
    assert!(first.status == 200 || first.body.contains("more of the body has gone than is kept"), "{first:?}");
    assert_eq!(http::ask(address, "POST /ledger/entries", &[], &large).said(), "200");
    let seen = helped.upstream.received();
    assert_eq!(seen.len() - before, if first.status == 200 { 2 } else { 1 });
    assert!(seen[before..].iter().all(|request| request.body == large), "whole or not at all");
    assert_eq!(forwarder.end(), Some(0));
    assert_eq!(helped.gate.end().0, Some(0));
}

/// Who has to, does: where the API takes no other tokens, and where the token service gives this client no others.
#[test]
fn a_forwarder_binds_its_tokens_by_itself_where_others_are_not_taken() {
    let require = "  require: { list: { bound: true }, write: { bound: true }, bulk: { bound: true, nonce: true } }\n";
    let of_the_api = |place: &Place| {
        place.change("resources/world.yaml", ACCEPTS, &format!("{ACCEPTS}{require}"));
        place.change("wardgate.yaml", "public_url: 'https://gate.test'", "public_url: 'http://gate.test'");
    };
    let of_the_client =
        |place: &Place| place.change("resources/world.yaml", "type: public_key, jwk:", "type: public_key, bound_tokens: true, jwk:");
    let nobody = |_: &Place| ();
    for (change, paths, bound) in [
        (&of_the_api as &dyn Fn(&Place), &["entries", "export", "export"][..], true),
        (&of_the_client, &["entries", "export"], true),
        (&nobody, &["entries", "export"], false),
    ] {
        let helped = helped_by(change);
        let (forwarder, address) = helped.forwarder(&[]);
        for path in paths {
            assert_eq!(curl(helped.place.path(), &[&format!("http://{address}/ledger/{path}")]).0, "200", "{path}");
        }
        assert_eq!(forwarder.end(), Some(0));
        until("the calls to be on record", || (helped.bound() == vec![bound; paths.len()]).then_some(()));
    }
}

/// A token service that binds nothing says so at once.
#[test]
fn a_token_service_that_binds_nothing_is_told_before_anything_is_forwarded() {
    let upstream = Upstream::start(|_| {
        Play::Answer(ok(&json!({ "issuer": "http://tokens.test", "token_endpoint": "http://tokens.test/token" }).to_string()))
    });
    let place = Place::bare();
    place.write("api-key", "wg_production_key\n");
    let connect = upstream.address.to_string();
    let usual = ["token", "--issuer", "http://tokens.test", "--connect", &connect, "--client", "a", "--api-key-file", "api-key"];
    let all = [&usual[..], &["--resource", "http://tokens.test/a", "--proxy", "127.0.0.1:0", "--bound"]].concat();
    let told = wardgate(place.path(), &all).with(1).err;
    assert!(told.contains("binds no tokens to a key"), "{told}");
}

fn id(token: &str) -> String {
    claims(token)["jti"].as_str().unwrap().to_owned()
}

#[test]
fn one_token_and_one_key_of_a_client_are_stopped_by_an_operator() {
    let world = world(Algorithm::Es256, "");
    let World { place, gate, .. } = &world;
    let (stopped, other) = (world.token(GRANT), world.token(GRANT));
    let jti = id(&stopped);
    place.run(gate, &["contain", "token", &jti, "--reason", "found in a build log"], "").with(0);
    assert_eq!(world.call("GET /ledger/entries", &stopped).said(), "401 proof.invalid");
    assert_eq!(world.call("GET /ledger/entries", &other).said(), "200");
    let listed = place.run(gate, &["contain", "--list"], "").with(0).out;
    assert!(listed.contains(&jti) && listed.contains("found in a build log"), "{listed}");
    let slip = place.run(gate, &["contain", "token", "nobody"], "").with(2).err;
    assert!(slip.contains("`nobody` is no token of ours"), "{slip}");
    // A key of a client, by the id that its list and events have.
    let credentials = place.run(gate, &["credential", "list", "--identity", "ledger-sync", "--output", "json"], "").with(0).json();
    let items = credentials.as_array().cloned().unwrap_or_else(|| credentials["items"].as_array().unwrap().clone());
    let key = items.iter().find(|one| one["kind"] == "public_key").unwrap_or_else(|| panic!("{items:?}"))["id"].as_str().unwrap();
    place.run(gate, &["contain", "credential", key, "--reason", "laptop lost"], "").with(0);
    assert_eq!(world.call("GET /ledger/entries", &other).said(), "401 proof.invalid");
    // Its timeline has its issue and its end.
    let told = until("the timeline", || {
        let told = place.run(gate, &["audit", "timeline", &format!("token:{jti}"), "--output", "json"], "").with(0).json();
        (told["entries"].as_array().unwrap().len() >= 3).then_some(told)
    });
    let events: Vec<&Value> = told["entries"].as_array().unwrap().iter().map(|entry| &entry["event"]).collect();
    assert_eq!(events[0]["effect"], format!("issued token={jti}"), "{events:?}");
    assert!(events.iter().any(|event| event["kind"] == "containment"), "{events:?}");
}

/// Everything by a key that leaked is refused at once, and what comes next is by another one.
#[test]
fn a_signing_key_is_ended_at_once() {
    let world = world(Algorithm::Es256, "");
    let World { place, gate, .. } = &world;
    let before = world.token(GRANT);
    assert_eq!(world.call("GET /ledger/entries", &before).said(), "200");
    let keys = || http::ask(gate.public, "GET /.well-known/jwks.json", &[], "").json()["keys"].as_array().unwrap().clone();
    let kid = keys()[0]["kid"].as_str().unwrap().to_owned();
    place.run(gate, &["signing-key", "revoke", "--reason", "a backup was stolen", "--", &kid], "").with(0);
    assert_eq!(world.call("GET /ledger/entries", &before).said(), "401 proof.invalid");
    let after = world.token(GRANT);
    assert_eq!(world.call("GET /ledger/entries", &after).said(), "200");
    assert!(keys().iter().all(|key| key["kid"] != *kid));
    let listed = place.run(gate, &["signing-key", "list", "--output", "json"], "").with(0).out;
    assert!(listed.contains(&kid) && listed.contains("retired") && listed.contains("signing"), "{listed}");
    assert!(gate.said().contains("a signing key is ended"), "{}", gate.said());
}
