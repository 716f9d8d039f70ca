//! Tokens are signed in a module that speaks PKCS #11: SoftHSM, which `./check` brings.

use crate::{
    gate::Place,
    http,
    process::wardgate,
    token_world::{GRANT, World, claims, said, world_at},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use std::{fs, path::Path, process::Command};
use wardgate_proof::jose::algorithm::Algorithm;

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const PIN: &str = "of-the-test";

/// A token in software, with the key `signs` in it.
fn module(place: &Place) {
    assert!(Path::new(MODULE).exists(), "`{MODULE}` is not there: run `./check`, which brings it");
    let at = place.path();
    fs::create_dir(at.join("tokens")).unwrap();
    let tokens = at.join("tokens");
    place.write("softhsm2.conf", &format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", tokens.display()));
    place.write("pin", PIN);
    drop(wardgate(at, &["token", "--new-key", "signs.pem"]).with(0));
    for arguments in [
        &["--init-token", "--free", "--label", "gate", "--so-pin", PIN, "--pin", PIN][..],
        &["--import", "signs.pem", "--token", "gate", "--label", "signs", "--id", "01", "--pin", PIN],
    ] {
        let conf = at.join("softhsm2.conf");
        let ran = Command::new("softhsm2-util").args(arguments).current_dir(at).env("SOFTHSM2_CONF", conf).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
    }
    fs::remove_file(at.join("signs.pem")).unwrap();
}

fn kid(token: &str) -> String {
    let head: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
    head["kid"].as_str().unwrap().to_owned()
}

/// The key is in the module and nowhere else; a gate that cannot reach it gives no tokens out, and serves all the same.
#[test]
fn tokens_are_signed_in_a_module_and_not_given_out_without_it() {
    let place = Place::bare();
    module(&place);
    let config = format!("issuer: {{ signer: {{ pkcs11: {{ module: 'file:{MODULE}', token: gate, pin: file:pin, key: signs }} }} }}");
    let conf = place.path().join("softhsm2.conf").to_str().unwrap().to_owned();
    let world = world_at(place, Algorithm::Es256, &config, &[("SOFTHSM2_CONF", &conf)]);
    let World { place, gate, .. } = &world;
    let token = world.token(GRANT);
    assert_eq!(claims(&token)["client_id"], "ledger-sync");
    assert_eq!(world.call("GET /ledger/entries", &token).said(), "200");
    let keys = http::ask(gate.public, "GET /.well-known/jwks.json", &[], "").json()["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 2, "that of assertions, and that of the module");
    assert!(keys.iter().any(|key| key["kid"] == *kid(&token)));
    let stored = place.run(gate, &["signing-key", "list", "--output", "json"], "").with(0).out;
    assert!(!stored.contains(&kid(&token)), "{stored}");
    let (_, key) = place.issue(gate, "ledger-sync");
    // The pin is another one: the module is as good as away.
    let World { place, gate, client, stranger, pkcs8, _upstream } = world;
    assert_eq!(gate.end().0, Some(0));
    place.write("pin", "not-the-pin");
    let gate = place.serve_with(&[("SOFTHSM2_CONF", &conf)]);
    let world = World { place, gate, client, stranger, pkcs8, _upstream };
    let refused = world.signed("token", GRANT);
    assert_eq!((&*said(&refused), refused.field("retry-after")), ("503 temporarily_unavailable", Some("1")));
    assert_eq!(world.call("GET /ledger/entries", &key).said(), "200");
    assert!(world.gate.said().contains("the module that signs tokens is away"), "{}", world.gate.said());
    assert!(world.gate.said().contains("the pin is not shown again"), "{}", world.gate.said());
    assert!(!world.gate.said().contains("not-the-pin"), "{}", world.gate.said());
}
