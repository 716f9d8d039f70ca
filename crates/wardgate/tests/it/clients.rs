//! Clients of the token service that others made, unmodified: `oauth4webapi` and `openid-client` (npm), Authlib (PyPI).

use crate::{
    delegation,
    gate::{Place, until},
    provider::Provider,
    token_world::{GRANT, ISSUER, World, claims, world},
    trust,
    upstream::Upstream,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
};
use wardgate_proof::jose::algorithm::Algorithm;

/// What `./check` brought into a place of its own beside what cargo builds.
fn brought(what: &str) -> PathBuf {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_wardgate"));
    let path = binary.parent().and_then(Path::parent).unwrap().join(what);
    assert!(path.exists(), "`{}` is not there: run `./check`, which brings it", path.display());
    path
}

/// What a client of this make says of its way through the token service of a world. `modules`: those of its library.
fn went(world: &World, mut client: Command, modules: Option<&Path>, algorithm: &str) -> Value {
    world.place.write("client.key", &STANDARD.encode(&world.pkcs8));
    let ran = client
        .args(modules)
        .args([&world.gate.public.port().to_string(), ISSUER])
        .arg(world.place.path().join("client.key"))
        .arg(algorithm)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

fn peer(program: &Path, script: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(script));
    command
}

const ALGORITHMS: [(Algorithm, &str, &str); 2] =
    [(Algorithm::Es256, "ES256", ""), (Algorithm::Ed25519, "EdDSA", "issuer: { token_life: 2m }")];

#[test]
fn oauth4webapi_goes_the_whole_way() {
    let _there = brought("clients/node_modules/oauth4webapi");
    let modules = brought("clients/node_modules").join("of-here.js");
    for (algorithm, name, config) in ALGORITHMS {
        let world = world(algorithm, config);
        let said = went(&world, peer(Path::new("node"), "client.mjs"), Some(&modules), name);
        assert_eq!(said["oauth2"], said["oidc"], "both ways of discovery say the same");
        assert_eq!(said["token"]["expires_in"], if config.is_empty() { 300 } else { 120 });
        assert_eq!((&said["called"], &said["claims"]["client_id"]), (&json!(200), &json!("ledger-sync")));
        assert_eq!((&said["introspected"]["active"], &said["revoked"]), (&json!(true), &json!({ "active": false })));
        assert_eq!((&said["challenges"]["status"], &said["challenges"]["parameters"]["error"]), (&json!(401), &json!("invalid_token")));
        assert_eq!((&said["foreign"], &said["wide"]), (&json!("400 invalid_target"), &json!("400 invalid_scope")));
    }
}

#[test]
fn openid_client_goes_the_whole_way() {
    let _there = brought("clients/node_modules/openid-client");
    let modules = brought("clients/node_modules").join("of-here.js");
    for (algorithm, name, config) in ALGORITHMS {
        let world = world(algorithm, config);
        let said = went(&world, peer(Path::new("node"), "openid_client.mjs"), Some(&modules), name);
        let way = &said["plain"];
        assert_eq!((&way["type"], &way["called"], &way["after"]), (&json!("bearer"), &json!(200), &json!(401)), "{way}");
        assert_eq!((&way["introspected"]["active"], &way["revoked"]["active"]), (&json!(true), &json!(false)), "{way}");
        assert_eq!(way["bare"], 200, "{way}");
        // Bound to a key: the token service asks for a nonce, and the library goes again with it.
        let way = &said["bound"];
        assert_eq!((&way["type"], &way["called"], &way["after"]), (&json!("dpop"), &json!(200), &json!(401)), "{way}");
        assert_eq!((&way["introspected"]["token_type"], &way["revoked"]["active"]), (&json!("DPoP"), &json!(false)), "{way}");
        assert_eq!(way["bare"], 401, "without its key: {way}");
    }
}

/// It has no proof of possession (its own word: "Authlib supports neither DPoP nor mTLS").
#[test]
fn authlib_goes_the_whole_way() {
    let python = brought("authlib/bin/python");
    for (algorithm, name, config) in ALGORITHMS {
        let world = world(algorithm, config);
        let said = went(&world, peer(&python, "authlib_client.py"), None, name);
        assert_eq!((&said["issuer"], &said["token"]["token_type"]), (&json!(ISSUER), &json!("Bearer")), "{said}");
        assert_eq!((&said["called"], &said["after"]), (&json!(200), &json!(401)), "{said}");
        assert_eq!((&said["introspected"]["active"], &said["revoked"]), (&json!(true), &json!({ "active": false })), "{said}");
    }
}

/// Bound to a key: nonces of the token service and of the API, each asked for once.
#[test]
fn oauth4webapi_proves_possession_with_nonces() {
    let _there = brought("clients/node_modules/oauth4webapi");
    let modules = brought("clients/node_modules").join("of-here.js");
    for (algorithm, name, config) in ALGORITHMS {
        let world = world(algorithm, config);
        let accepting = "  accept: [jwt, api_key]\n";
        world.place.change("resources/world.yaml", accepting, &format!("{accepting}  require: {{ bulk: {{ nonce: true }} }}\n"));
        until("the API to want a nonce", || (world.signed("token", GRANT).json()["scope"] == "list").then_some(()));
        let said = went(&world, peer(Path::new("node"), "possession.mjs"), Some(&modules), name);
        assert_eq!((&said["type"], &said["scope"], &said["nonces"]), (&json!("dpop"), &json!("list bulk"), &json!(2)), "{said}");
        assert_eq!((&said["entries"], &said["export"], &said["more"]), (&json!(200), &json!(200), &json!(200)), "{said}");
        assert_eq!((&said["introspected"]["token_type"], &said["introspected"]["active"]), (&json!("DPoP"), &json!(true)), "{said}");
        assert_eq!(said["resource"]["authorization_servers"], json!([ISSUER]), "{said}");
        // What is wrong is said in the scheme that was shown; the other one only says that it is there.
        assert_eq!(said["bare"], "401 bearer invalid_token, dpop undefined", "{said}");
    }
}

/// What a job says of its way, whose platform is `oidc-provider`.
fn swapped(mut client: Command, modules: Option<&Path>) -> Value {
    let (upstream, place, issuer) = (Upstream::plain(), Place::bare(), Provider::of_tokens_for(ISSUER));
    let at = issuer.address;
    let trust = format!(
        "kind: TrustSource\nname: ci\nspec: {{ type: oidc, issuer: 'http://{at}', audiences: ['{ISSUER}'], networks: [127.0.0.0/8], life_max: 10m }}\n"
    );
    trust::world(&place, &upstream, "jwt", "type: oidc, trust: ci, subject: ledger-ci", &trust);
    let gate = place.serve();
    for client in ["ledger-ci", "stranger"] {
        place.write(client, &issuer.token(client));
    }
    let files = ["ledger-ci", "stranger"].map(|client| place.path().join(client));
    let ran = client.args(modules).args([&gate.public.port().to_string(), ISSUER]).args(files).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// STANDARDS §1.8 by the libraries that others made, unmodified.
#[test]
fn oauth4webapi_and_openid_client_swap_the_token_of_a_platform() {
    let modules = brought("clients/node_modules").join("of-here.js");
    let said = swapped(peer(Path::new("node"), "exchange.mjs"), Some(&modules));
    assert!(said["ways"].as_array().unwrap().contains(&json!("none")), "{said}");
    for library in ["oauth4webapi", "openid_client"] {
        let way = &said[library];
        let swapped = &way["swapped"];
        assert_eq!(
            (&swapped["type"], &swapped["issued"], &swapped["scope"]),
            (&json!("bearer"), &json!(ACCESS_TOKEN), &json!("list")),
            "{said}"
        );
        assert!((1..=300).contains(&swapped["life"].as_i64().unwrap()), "{said}");
        assert_eq!(way["called"], json!([200, 200]), "{said}");
        assert_eq!((&way["stranger"], &way["older"]), (&json!("400 invalid_request"), &json!("400 invalid_grant")), "{said}");
        assert_eq!((&way["wide"], &way["again"]), (&json!("400 invalid_scope"), &json!("400 invalid_request")), "{said}");
    }
}

/// STANDARDS §1.8: who stands behind an API acts for whoever called it, by a library that knows of neither.
#[test]
fn oauth4webapi_acts_for_whoever_called() {
    let modules = brought("clients/node_modules").join("of-here.js");
    let world = delegation::world();
    let (place, gate) = (&world.place, &world.gate);
    place.write("orders.key", &place.issue(gate, "orders").1);
    place.write("handed", &world.first("checkout", "orders"));
    let mut client = peer(Path::new("node"), "delegation.mjs");
    let files = ["orders.key", "handed"].map(|file| place.path().join(file));
    let ran = client.arg(modules).args([&gate.public.port().to_string(), ISSUER, "orders"]).args(files).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let said: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((&said["issued"], &said["scope"], &said["called"]), (&json!(ACCESS_TOKEN), &json!("list"), &json!(200)), "{said}");
    let (token, told) = (claims(said["token"].as_str().unwrap()), &said["introspected"]);
    for says in [&token, told] {
        assert_eq!((&says["sub"], &says["act"]), (&json!("checkout"), &json!({ "sub": "orders" })), "{said}");
    }
    assert_eq!((&told["active"], &told["client_id"]), (&json!(true), &json!("orders")), "{said}");
    assert_eq!(said["wide"], "400 invalid_scope", "what only one of the two may do");
}

#[test]
fn authlib_swaps_the_token_of_a_platform() {
    let said = swapped(peer(&brought("authlib/bin/python"), "authlib_exchange.py"), None);
    assert_eq!((&said["swapped"]["token_type"], &said["swapped"]["issued_token_type"]), (&json!("Bearer"), &json!(ACCESS_TOKEN)), "{said}");
    assert_eq!(
        (&said["swapped"]["scope"], &said["called"], &said["stranger"]),
        (&json!("list"), &json!(200), &json!("invalid_request")),
        "{said}"
    );
}
