//! Delegation through the binary (RFC 8693): each hop narrower, everybody in the chain on record, and all of it dead as soon as a part is.

use crate::{
    gate::{Gate, Place, until},
    http::{self, Answer, Line, bearer},
    token_world::{ASSERTION, ISSUER, assertion, claims, made, now, post, said, token},
    upstream::{Keeper, Play, Upstream, ok},
};
use serde_json::{Value, json};
use std::sync::Arc;
use wardgate_proof::{
    jose::{algorithm::Algorithm, signer},
    jws::Signer,
};
use wardgate_testkit::postgres::{Disk, Server};

pub(crate) const EXCHANGE: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";
pub(crate) const CLIENT: &str = "grant_type=client_credentials";
pub(crate) const KIND: &str = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3A";
pub(crate) const NAMES: [&str; 5] = ["checkout", "orders", "ledger", "stranger", "rehearsal"];

const WORLD: &str = "\
kind: Environment
name: staging
spec: { production: false }
---
kind: Owner
name: others
spec: { accountable: cy@example.com, deputy: di@example.com, contact: others@example.com }
---
kind: TrustSource
name: forge
spec: { type: oidc, issuer: 'https://forge.test', audiences: ['https://gate.test'], jwks: 'file:forge.json' }
---
kind: Identity
name: nightly
spec:
  type: ci_job
  owner: shop-team
  environment: production
  purpose: closes the day
  serves: [orders-api]
  credentials: [{ name: job, type: oidc, trust: forge, subject: nightly-job }]
---
kind: Grant
name: nightly-works
spec: { to: { identity: nightly }, api: ledger-api, operations: [list] }
---
kind: Grant
name: checkout-orders
spec: { to: { identity: checkout }, api: orders-api, operations: [list, write] }
---
kind: Grant
name: checkout-ledger
spec: { to: { identity: checkout }, api: ledger-api, operations: [list, write] }
---
kind: Grant
name: checkout-stock
spec: { to: { identity: checkout }, api: stock-api, operations: [list] }
---
kind: Grant
name: orders-ledger
spec: { to: { identity: orders }, api: ledger-api, operations: [list, delete] }
---
kind: Grant
name: ledger-stock
spec: { to: { identity: ledger }, api: stock-api, operations: [list, write] }
";

fn api(name: &str, upstream: &str) -> String {
    format!(
        "---\nkind: Api\nname: {name}-api\nspec:\n  policy_owner: shop-team\n  business_owner: shop-team\n  environment: production\n  \
         match: {{ path_prefix: /{name} }}\n  accept: [jwt, api_key]\n  upstream: {{ urls: ['{upstream}'] }}\n  operations:\n    \
         - {{ match: 'GET /all', class: list }}\n    - {{ match: 'GET /held', class: list }}\n    - {{ match: 'POST /all', class: write }}\n    - {{ match: 'DELETE /all', class: delete }}\n"
    )
}

fn resources(upstream: &Upstream, keys: &[Signer]) -> String {
    let mut text = WORLD.to_owned();
    for name in ["orders", "ledger", "stock"] {
        text.push_str(&api(name, &upstream.url()));
    }
    for (name, key) in NAMES.iter().zip(keys) {
        let environment = if *name == "rehearsal" { "staging" } else { "production" };
        let owner = if *name == "stranger" { "others" } else { "shop-team" };
        let serves = match *name {
            "orders" => "[orders-api]",
            "ledger" => "[ledger-api]",
            // Its owner does not answer for that: so it counts for nothing.
            "stranger" => "[orders-api]",
            _ => "[]",
        };
        text.push_str(&format!(
            "---\nkind: Identity\nname: {name}\nspec:\n  type: workload\n  owner: {owner}\n  environment: {environment}\n  purpose: a part of the shop\n  serves: {serves}\n  \
             credentials:\n    - {{ name: key, type: public_key, jwk: {} }}\n    - {{ name: old, type: api_key, expires_in: 30d }}\n",
            key.jwk()
        ));
    }
    text
}

pub(crate) struct World {
    pub(crate) place: Place,
    pub(crate) gate: Gate,
    pub(crate) keys: Vec<Signer>,
    pub(crate) forge: Signer,
    _upstream: Upstream,
}

pub(crate) fn world() -> World {
    before(Upstream::plain())
}

fn before(upstream: Upstream) -> World {
    let place = Place::bare();
    let keys: Vec<Signer> = NAMES.iter().map(|_| made(Algorithm::Es256).1).collect();
    let forge = made(Algorithm::Es256).1;
    place.write("resources/forge.json", &signer::jwks([&forge]).to_string());
    place.write("resources/world.yaml", &resources(&upstream, &keys));
    let gate = place.serve();
    World { place, gate, keys, forge, _upstream: upstream }
}

pub(crate) fn resource(api: &str) -> String {
    format!("&resource=https%3A%2F%2Fgate.test%2F{api}")
}

fn by(gate: &Gate, keys: &[Signer], client: &str, endpoint: &str, form: &str) -> Answer {
    let key = &keys[NAMES.iter().position(|name| *name == client).unwrap()];
    let shown = assertion(key, client, &json!({}));
    post(gate, endpoint, &[], &format!("{form}&client_assertion_type={ASSERTION}&client_assertion={shown}"))
}

pub(crate) fn swap(subject: &str, more: &str) -> String {
    format!("{EXCHANGE}&subject_token_type={KIND}access_token&subject_token={subject}{more}")
}

impl World {
    pub(crate) fn by(&self, client: &str, endpoint: &str, form: &str) -> Answer {
        by(&self.gate, &self.keys, client, endpoint, form)
    }

    /// A token of the client's own.
    pub(crate) fn first(&self, client: &str, api: &str) -> String {
        token(&self.by(client, "token", &format!("{CLIENT}{}", resource(api))))
    }

    fn hop(&self, client: &str, subject: &str, api: &str) -> Answer {
        self.by(client, "token", &swap(subject, &resource(api)))
    }

    fn call(&self, what: &str, token: &str) -> String {
        call(&self.gate, what, token)
    }

    fn contain(&self, kind: &str, name: &str) {
        let asked = json!({ "kind": kind, "name": name, "reason": "test" });
        assert_eq!(self.place.manage(&self.gate, "POST /api/v1/containments", &asked).status, 200);
    }
}

fn call(gate: &Gate, what: &str, token: &str) -> String {
    http::ask(gate.public, what, &[("Authorization", &bearer(token))], "").said()
}

/// STANDARDS §1.8, by name: two hops produce `act.act` in order, and scope only narrows.
#[test]
fn each_hop_is_narrower_and_everybody_is_on_record() {
    let world = world();
    let first = world.first("checkout", "orders");
    let answer = world.hop("orders", &first, "ledger");
    let second = token(&answer);
    assert_eq!(
        (&answer.json()["scope"], &answer.json()["issued_token_type"]),
        (&json!("list"), &json!("urn:ietf:params:oauth:token-type:access_token"))
    );
    let (came_of, says) = (claims(&first), claims(&second));
    assert_eq!((&says["sub"], &says["client_id"], &says["act"]), (&json!("checkout"), &json!("orders"), &json!({ "sub": "orders" })));
    assert_eq!(says["wardgate_parents"], json!([came_of["jti"]]));
    assert!(says["exp"].as_i64() <= came_of["exp"].as_i64() && says["auth_time"].as_i64() <= came_of["iat"].as_i64(), "{says}");
    assert_eq!(world.call("GET /ledger/all", &second), "200");
    // What only one of the two could do is neither in the token nor opened by it.
    for scope in ["write", "delete"] {
        assert_eq!(
            said(&world.by("orders", "token", &swap(&first, &format!("{}&scope={scope}", resource("ledger"))))),
            "400 invalid_scope"
        );
    }
    assert_eq!(world.call("POST /ledger/all", &second), "403 standing.scope");
    let third = token(&world.hop("ledger", &second, "stock"));
    assert_eq!(claims(&third)["act"], json!({ "sub": "ledger", "act": { "sub": "orders" } }));
    assert_eq!(claims(&third)["wardgate_parents"], json!([says["jti"], came_of["jti"]]));
    assert_eq!(world.call("GET /stock/all", &third), "200");
    // Whoever holds a token may have it again, narrower; the chain stays as it is.
    let again = token(&world.by("ledger", "token", &swap(&third, &format!("{}&scope=list", resource("stock")))));
    assert_eq!(claims(&again)["act"], claims(&third)["act"]);
    assert_eq!(world.call("GET /stock/all", &again), "200");
    let told = world.by("ledger", "introspect", &format!("token={third}")).json();
    assert_eq!((&told["active"], &told["sub"], &told["act"]), (&json!(true), &json!("checkout"), &claims(&third)["act"]));
    assert_eq!(world.by("stranger", "introspect", &format!("token={third}")).body, r#"{"active":false}"#);
    assert_eq!(world.gate.end().0, Some(0));
    let events = world.place.events();
    let used = events.iter().find(|event| event["operation"] == "stock-api GET /stock/all").unwrap();
    assert_eq!((&used["identity"]["id"], &used["actors"]), (&json!("checkout"), &json!(["ledger", "orders"])));
    let listed = crate::process::wardgate(world.place.path(), &["audit", "timeline", "identity:orders"]).with(0).out;
    assert!(listed.contains("stock-api GET /stock/all"), "{listed}");
    // A token leads to all that came of it: that it was given out, and what was done with it, over all hops.
    assert_eq!(used["token_parents"], json!([says["jti"], came_of["jti"]]));
    let id = |of: &Value| of["jti"].as_str().unwrap().to_owned();
    let of_first = crate::process::wardgate(world.place.path(), &["audit", "timeline", &format!("token:{}", id(&came_of)), "--all"]);
    let of_first = of_first.with(0).out;
    for part in [&format!("issued token={}", id(&says)), &format!("issued token={}", id(&claims(&third))), "stock-api GET /stock/all"] {
        assert!(of_first.contains(part), "{part}: {of_first}");
    }
    let of_third = crate::process::wardgate(world.place.path(), &["audit", "timeline", &format!("token:{}", id(&claims(&third)))]);
    let of_third = of_third.with(0).out;
    assert!(of_third.contains(&format!("token came of {}", id(&says))), "{of_third}");
    assert!(!of_third.contains(&format!("issued token={}", id(&says))), "{of_third}");
}

#[test]
fn nobody_acts_for_others_whom_nothing_names() {
    let world = world();
    let first = world.first("checkout", "orders");
    let refused = |client: &str, subject: &str| said(&world.by(client, "token", &swap(subject, &resource("ledger"))));
    for client in ["stranger", "ledger", "rehearsal"] {
        assert_eq!(refused(client, &first), "400 invalid_request", "{client}");
    }
    assert_eq!(said(&post(&world.gate, "token", &[], &swap(&first, ""))), "400 invalid_request");
    // The token is no proof of who shows it, and a changed one is none at all.
    assert_eq!(refused("orders", &format!("{}x", &first[..first.len() - 1])), "400 invalid_request");
    // Where the subject has nothing, or the actor has nothing, there is nothing.
    assert_eq!(said(&world.hop("orders", &first, "orders")), "400 invalid_target");
    assert_eq!(said(&world.hop("orders", &first, "stock")), "400 invalid_target");
    // An actor's token says nothing but what its client proves.
    let (own, others) = (world.first("orders", "ledger"), world.first("ledger", "stock"));
    let with = |actor: &str| {
        said(&world.by(
            "orders",
            "token",
            &swap(&first, &format!("{}&actor_token_type={KIND}access_token&actor_token={actor}", resource("ledger"))),
        ))
    };
    assert_eq!((&*with(&own), &*with(&others), &*with("garbage")), ("200", "400 invalid_request", "400 invalid_request"));
    let untyped = said(&world.by("orders", "token", &swap(&first, &format!("{}&actor_token={own}", resource("ledger")))));
    assert_eq!(untyped, "400 invalid_request");
    // `may_act` of another issuer's token names who may (RFC 8693 §4.4), by our name or by that issuer's; without it nobody may.
    let night = |change: &Value| {
        let mut claims = json!({ "iss": "https://forge.test", "sub": "nightly-job", "aud": ISSUER, "iat": now() - 5, "exp": now() + 200 });
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        world.forge.sign("JWT", &claims).unwrap()
    };
    let named = token(&world.hop("orders", &night(&json!({ "may_act": { "iss": ISSUER, "sub": "orders" } })), "ledger"));
    assert_eq!((&claims(&named)["sub"], &claims(&named)["act"]), (&json!("nightly"), &json!({ "sub": "orders" })));
    assert_eq!(world.call("GET /ledger/all", &named), "200");
    for change in [
        json!({}),
        json!({ "may_act": { "iss": ISSUER, "sub": "ledger" } }),
        json!({ "may_act": { "sub": "orders" } }),
        json!({ "may_act": { "iss": ISSUER, "sub": "orders", "tenant": "1" } }),
        json!({ "may_act": "orders" }),
        json!({ "may_act": { "iss": ISSUER, "sub": "orders" }, "aud": [ISSUER, "https://other.test"] }),
    ] {
        assert_eq!(refused("orders", &night(&change)), "400 invalid_request", "{change}");
    }
}

/// As whom an `actor_token` is of counts who shows it, where that is all that is shown: so it must be for its bearer. One that says who
/// may act with it (RFC 8693 §4.4), or that somebody does, is not.
#[test]
fn an_actor_token_alone_proves_whom_it_is_of_unless_it_is_for_somebody_else() {
    let world = world();
    let first = world.first("checkout", "orders");
    let night = |change: &Value| {
        let mut claims = json!({ "iss": "https://forge.test", "sub": "nightly-job", "aud": ISSUER, "iat": now() - 5, "exp": now() + 200 });
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        world.forge.sign("JWT", &claims).unwrap()
    };
    let with = |actor: &str| {
        let more = format!("{}&actor_token_type={KIND}jwt&actor_token={actor}", resource("ledger"));
        post(&world.gate, "token", &[], &swap(&first, &more))
    };
    let good = night(&json!({}));
    let got = token(&with(&good));
    assert_eq!((&claims(&got)["sub"], &claims(&got)["act"]), (&json!("checkout"), &json!({ "sub": "nightly" })));
    assert_eq!(world.call("GET /ledger/all", &got), "200");
    for change in [
        json!({ "may_act": { "iss": ISSUER, "sub": "orders" } }),
        json!({ "may_act": { "sub": "nightly-job" } }),
        json!({ "may_act": null }),
        json!({ "act": { "sub": "somebody" } }),
        json!({ "aud": "https://other.test" }),
        json!({ "aud": [ISSUER, "https://other.test"] }),
        json!({ "iat": now() - 900, "exp": now() - 600 }),
        json!({ "sub": "nobody" }),
    ] {
        assert_eq!(said(&with(&night(&change))), "400 invalid_request", "{change}");
    }
    // CVE-2026-9704: what lacks the token that is asked upon gives nothing out, whoever asks.
    let (exchange, typed) = (format!("{EXCHANGE}{}", resource("ledger")), format!("subject_token_type={KIND}access_token"));
    let actor = format!("actor_token_type={KIND}jwt&actor_token={good}");
    for form in [
        exchange.clone(),
        format!("{exchange}&{typed}&subject_token="),
        format!("{exchange}&{actor}"),
        format!("{exchange}&{typed}&{actor}"),
    ] {
        assert_eq!(said(&world.by("orders", "token", &form)), "400 invalid_request", "{form}");
    }
    assert_eq!(said(&post(&world.gate, "token", &[], &format!("{exchange}&{typed}&{actor}"))), "400 invalid_request");
    world.contain("identity", "nightly");
    assert_eq!(said(&with(&good)), "400 invalid_request", "contained");
    assert_eq!(world.call("GET /ledger/all", &got), "403 identity.contained");
}

#[test]
fn a_chain_dies_with_each_of_its_parts() {
    let world = world();
    let chain = || {
        let first = world.first("checkout", "orders");
        let second = token(&world.hop("orders", &first, "ledger"));
        let third = token(&world.hop("ledger", &second, "stock"));
        assert_eq!((&*world.call("GET /ledger/all", &second), &*world.call("GET /stock/all", &third)), ("200", "200"));
        (first, second, third)
    };
    // A parent that is revoked takes its descendants along, and nobody else.
    let ((first, second, third), (_, other, _)) = (chain(), chain());
    assert_eq!(said(&world.by("ledger", "revoke", &format!("token={second}"))), "400 unauthorized_client");
    assert_eq!(said(&world.by("checkout", "revoke", &format!("token={first}"))), "200");
    for (what, token) in [("GET /orders/all", &first), ("GET /ledger/all", &second), ("GET /stock/all", &third)] {
        assert_eq!(world.call(what, token), "401 proof.invalid", "{what}");
    }
    assert_eq!(said(&world.hop("ledger", &second, "stock")), "400 invalid_request");
    assert_eq!(world.by("ledger", "introspect", &format!("token={third}")).body, r#"{"active":false}"#);
    assert_eq!(world.call("GET /ledger/all", &other), "200");
    // The one in the middle ends what it had, and what came of that.
    let (first, second, third) = chain();
    assert_eq!(said(&world.by("orders", "revoke", &format!("token={second}"))), "200");
    assert_eq!((&*world.call("GET /orders/all", &first), &*world.call("GET /stock/all", &third)), ("200", "401 proof.invalid"));
    // Who acts has to be permitted itself, whenever it calls.
    let (_, second, third) = chain();
    world.place.change("resources/world.yaml", "operations: [list, delete]", "operations: [delete]");
    until("the grant to be gone", || (world.call("GET /ledger/all", &second) == "403 standing.denied").then_some(()));
    assert_eq!(world.call("GET /stock/all", &third), "200", "an inner actor counts for nothing");
    world.contain("identity", "orders");
    assert_eq!(world.call("GET /stock/all", &third), "403 identity.contained", "but lives or dies like everybody in the chain");
}

/// What runs by a token runs no longer than what it came of.
#[test]
fn an_open_stream_of_the_last_is_cut_with_the_first() {
    let keeper = Arc::new(Keeper::default());
    let kept = Arc::clone(&keeper);
    let begun = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n";
    let world = before(Upstream::start(move |head| match head.contains("/held ") {
        true => Play::Held(begun.to_owned(), "4\r\nlast\r\n0\r\n\r\n".to_owned(), Arc::clone(&kept)),
        false => Play::Answer(ok("ok")),
    }));
    let first = world.first("checkout", "orders");
    let second = token(&world.hop("orders", &first, "ledger"));
    let third = token(&world.hop("ledger", &second, "stock"));
    let mut line = Line::open(world.gate.public);
    line.send(&http::request("GET /stock/held", &[("Authorization", &bearer(&third))], ""));
    line.read_until("first");
    assert_eq!(said(&world.by("checkout", "revoke", &format!("token={first}"))), "200");
    assert!(line.answer().is_none(), "what was cut must not look whole");
    keeper.open();
}

/// STANDARDS §1.8: a token from a revoked parent dies everywhere.
#[test]
fn a_revoked_parent_is_dead_at_the_other_gate_too() {
    let server = Server::start(Disk::DoesNotWait).unwrap();
    let database = server.database().unwrap();
    let upstream = Upstream::plain();
    let keys: Vec<Signer> = NAMES.iter().map(|_| made(Algorithm::Es256).1).collect();
    let jwks = signer::jwks([&made(Algorithm::Es256).1]).to_string();
    let places = [Place::bare(), Place::bare()];
    let [one, other] = places.each_ref().map(|place| {
        place.write("resources/forge.json", &jwks);
        place.write("resources/world.yaml", &resources(&upstream, &keys));
        place.change("wardgate.yaml", "secrets:", &format!("store: {{ url: '{database}' }}\nsecrets:"));
        place.serve()
    });
    let first = token(&by(&one, &keys, "checkout", "token", &format!("{CLIENT}{}", resource("orders"))));
    let second = until("the other gate to know the keys", || {
        let answer = by(&other, &keys, "orders", "token", &swap(&first, &resource("ledger")));
        (answer.status == 200).then(|| token(&answer))
    });
    assert_eq!((&*call(&one, "GET /ledger/all", &second), &*call(&other, "GET /ledger/all", &second)), ("200", "200"));
    assert_eq!(said(&by(&one, &keys, "checkout", "revoke", &format!("token={first}"))), "200");
    assert_eq!(call(&one, "GET /ledger/all", &second), "401 proof.invalid");
    until("the other gate to obey", || (call(&other, "GET /ledger/all", &second) == "401 proof.invalid").then_some(()));
}
