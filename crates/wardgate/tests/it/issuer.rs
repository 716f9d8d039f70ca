//! The token service through the binary: what clients send, what they get, and what becomes of it. The rules of the standards by name.

use crate::{
    gate::{Place, until},
    http::{self, Answer, bearer},
    token_world::{ASSERTION, GRANT, ISSUER, LEDGER, WORLD, World, assertion, claims, made, now, post, said, token, world},
    upstream::Upstream,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use wardgate_proof::jose::algorithm::Algorithm;

#[test]
fn a_client_gets_a_token_for_one_api_and_it_opens_what_it_says() {
    for algorithm in [Algorithm::Es256, Algorithm::Ed25519] {
        let world = world(algorithm, "");
        // The only API that it may call, and all that it may do there.
        let answer = world.signed("token", GRANT);
        assert_eq!(said(&answer), "200", "{answer:?}");
        let told = answer.json();
        assert_eq!((&told["token_type"], &told["expires_in"], &told["scope"]), (&json!("Bearer"), &json!(300), &json!("list bulk")));
        let mut named: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
        named.sort_unstable();
        assert_eq!(named, ["access_token", "expires_in", "scope", "token_type"], "and no refresh token (RFC 6749 §4.4.3)");
        let all = token(&answer);
        let says = claims(&all);
        for (name, expected) in [("iss", ISSUER), ("sub", "ledger-sync"), ("client_id", "ledger-sync"), ("aud", LEDGER)] {
            assert_eq!(says[name], expected, "{says}");
        }
        assert_eq!(says["exp"].as_i64().unwrap() - says["iat"].as_i64().unwrap(), 300);
        assert_eq!(world.call("GET /ledger/entries", &all).said(), "200");
        assert_eq!(world.call("GET /ledger/export", &all).said(), "200");
        // Neither another API, nor what was not granted.
        assert_eq!(world.call("GET /stock/items", &all).said(), "401 proof.invalid");
        assert_eq!(world.call("POST /ledger/entries", &all).said(), "403 standing.scope");
        let narrow = world.token(&format!("{GRANT}&scope=list&resource=https%3A%2F%2Fgate.test%2Fledger"));
        assert_eq!(world.call("GET /ledger/entries", &narrow).said(), "200");
        let refused = world.call("GET /ledger/export", &narrow);
        assert_eq!(refused.said(), "403 standing.scope");
        let challenge = refused.field("www-authenticate").unwrap();
        let told = challenge.strip_prefix("Bearer realm=\"wardgate\", error=\"insufficient_scope\", scope=\"bulk\"");
        // RFC 9728 §5.1: and where to read on.
        let read_on = ", resource_metadata=\"https://gate.test/.well-known/oauth-protected-resource/ledger\"";
        assert_eq!(told, Some(read_on), "{challenge}");
        assert_eq!(world.gate.end().0, Some(0));
        // Who got which token, and what was done with it.
        let events = world.place.events();
        let of = |operation: &str| {
            events.iter().find(|event| event["operation"] == operation && event["ruling"]["response"] == "allow").unwrap()
        };
        let issued = of("wardgate-issuer POST /oauth/token");
        assert_eq!(issued["identity"]["id"], "ledger-sync");
        assert_eq!(issued["effect"], format!("issued token={}", says["jti"].as_str().unwrap()));
        let used = of("ledger GET /ledger/entries");
        assert_eq!((&used["token"]["id"], &used["token"]["issuer"], &used["proof"]["kind"]), (&says["jti"], &json!(ISSUER), &json!("jwt")));
        // No token and no assertion is in the log.
        assert!(!events.iter().any(|event| event.to_string().contains("eyJ")));
    }
}

/// STANDARDS §1.1, by name.
#[test]
fn the_token_endpoint_refuses_as_rfc_6749_says() {
    let world = world(Algorithm::Es256, "");
    let gate = &world.gate;
    assert_eq!(said(&world.signed("token", "grant_type=password")), "400 unsupported_grant_type");
    assert_eq!(said(&world.signed("token", "scope=list")), "400 invalid_request");
    assert_eq!(said(&world.signed("token", &format!("{GRANT}&scope=a&scope=b"))), "400 invalid_request");
    assert_eq!(said(&world.signed("token", &format!("{GRANT}&scope=list+write"))), "400 invalid_scope");
    assert_eq!(said(&world.signed("token", &format!("{GRANT}&scope=everything"))), "400 invalid_scope");
    // RFC 8707 §2: what is named is compared exactly, as one absolute URI without a fragment.
    for resource in [
        "https%3A%2F%2Fgate.test%2Fstock",
        "https%3A%2F%2Fgate.test%2Fledger%2F",
        "https%3A%2F%2Fgate.test%2Fledger%23f",
        "https%3A%2F%2Fgate.test%2Fledger%3Fq",
        "https%3A%2F%2FGATE.test%2Fledger",
        "HTTPS%3A%2F%2Fgate.test%2Fledger",
        "https%3A%2F%2Fgate.test%3A443%2Fledger",
        "%2Fledger",
        "ledger",
        "urn%3Aa",
        "https%3A%2F%2Fother.test%2Fledger",
    ] {
        assert_eq!(said(&world.signed("token", &format!("{GRANT}&resource={resource}"))), "400 invalid_target", "{resource}");
    }
    let both = format!("{GRANT}&resource={0}ledger&resource={0}stock", "https%3A%2F%2Fgate.test%2F");
    assert_eq!(said(&world.signed("token", &both)), "400 invalid_target");
    // No credential, a wrong one, an unknown client, one that was revoked: alike but for the first.
    let nothing = post(gate, "token", &[], GRANT);
    assert_eq!(said(&nothing), "401 invalid_client");
    assert_eq!(nothing.field("www-authenticate"), Some("Basic realm=\"wardgate\""));
    let (id, key) = world.place.issue(gate, "ledger-sync");
    assert_eq!(said(&world.basic("ledger-sync", &key, GRANT)), "200");
    // RFC 6749 §2.3.1: both are form-encoded before they are put together.
    let escaped = key.replacen('_', "%5F", 1);
    assert_eq!(said(&world.basic("ledger%2Dsync", &escaped, GRANT)), "200");
    for (user, password) in [("ledger%zzsync", &*key), ("ledger-sync", &format!("{key}%")), ("ledger%FFsync", &key)] {
        assert_eq!(said(&world.basic(user, password, GRANT)), "400 invalid_request", "{user}");
    }
    world.place.revoke(gate, &id);
    let plain = |answer: &Answer| {
        let mut told = answer.json();
        told["request_id"] = Value::Null;
        format!("{} {told} {:?}", answer.status, answer.field("www-authenticate"))
    };
    let alike = [
        world.basic("ledger-sync", &key, GRANT),
        world.basic("ledger-sync", &key.replace("wg_", "wx_"), GRANT),
        world.basic("stranger", &key, GRANT),
        world.basic("nobody", "secret", GRANT),
        world.shown("token", &assertion(&world.stranger, "ledger-sync", &json!({})), GRANT),
        world.shown("token", &assertion(&world.stranger, "nobody", &json!({})), GRANT),
    ];
    let first = plain(&alike[0]);
    assert_eq!(alike[0].field("www-authenticate"), Some("Basic realm=\"wardgate\""));
    assert!(first.starts_with("401 ") && alike.iter().all(|answer| plain(answer) == first), "{alike:?}");
    // More than one way, or a secret where it does not belong.
    let basic = format!("Basic {}", STANDARD.encode(format!("ledger-sync:{key}")));
    let signed = assertion(&world.client, "ledger-sync", &json!({}));
    let both = format!("{GRANT}&client_assertion_type={ASSERTION}&client_assertion={signed}");
    assert_eq!(said(&post(gate, "token", &[("Authorization", &basic)], &both)), "400 invalid_request");
    assert_eq!(said(&post(gate, "token", &[], &format!("{GRANT}&client_id=ledger-sync&client_secret={key}"))), "400 invalid_request");
    assert_eq!(said(&post(gate, "token", &[("Authorization", &bearer(&key))], GRANT)), "401 invalid_client");
    let json = http::ask(gate.public, "POST /oauth/token", &[("Content-Type", "application/json")], "{}");
    assert_eq!(said(&json), "400 invalid_request");
    let get = http::ask(gate.public, "GET /oauth/token", &[], "");
    assert_eq!((&*said(&get), get.field("allow")), ("405 invalid_request", Some("POST")));
    let query = format!("token?{GRANT}");
    assert_eq!(said(&world.signed(&query, GRANT)), "400 invalid_request");
    let signed = assertion(&world.client, "ledger-sync", &json!({}));
    let query = format!("token?client_assertion_type={ASSERTION}&client_assertion={signed}");
    assert_eq!(said(&post(gate, &query, &[], GRANT)), "401 invalid_client", "what is in the URL proves nobody");
    assert_eq!(said(&world.shown("token", &signed, GRANT)), "200", "and it was not used up");
}

/// STANDARDS §1.4, by name.
#[test]
fn private_key_jwt_counts_once_for_this_issuer_alone() {
    let world = world(Algorithm::Es256, "");
    let with = |change: Value| said(&world.shown("token", &assertion(&world.client, "ledger-sync", &change), GRANT));
    assert_eq!(with(json!({})), "200");
    assert_eq!(with(json!({ "aud": [ISSUER] })), "200");
    for change in [
        json!({ "aud": [ISSUER, "https://other.test"] }),
        json!({ "aud": "https://gate.test/oauth/token" }),
        json!({ "exp": now() + 3600 }),
        json!({ "iat": now() - 3600, "exp": now() - 3000 }),
        json!({ "sub": "stranger" }),
        json!({ "iss": "stranger" }),
        json!({ "jti": "" }),
    ] {
        assert_eq!(with(change.clone()), "401 invalid_client", "{change}");
    }
    let once = assertion(&world.client, "ledger-sync", &json!({}));
    assert_eq!(said(&world.shown("token", &once, GRANT)), "200");
    assert_eq!(said(&world.shown("token", &once, GRANT)), "401 invalid_client");
    let other = format!("{GRANT}&client_id=stranger");
    assert_eq!(said(&world.signed("token", &other)), "401 invalid_client");
    assert_eq!(said(&world.signed("token", &format!("{GRANT}&client_id=ledger-sync"))), "200");
    let typed = |typ: &str| {
        let claims = json!({ "iss": "ledger-sync", "sub": "ledger-sync", "aud": ISSUER, "jti": typ, "exp": now() + 60 });
        said(&world.shown("token", &world.client.sign(typ, &claims).unwrap(), GRANT))
    };
    assert_eq!((&*typed("JWT"), &*typed("at+jwt"), &*typed("dpop+jwt")), ("200", "401 invalid_client", "401 invalid_client"));
}

/// STANDARDS §1.9, by name.
#[test]
fn introspection_tells_those_concerned_and_revocation_counts_at_once() {
    let world = world(Algorithm::Es256, "");
    let token = world.token(GRANT);
    let form = format!("token={token}");
    let told = world.signed("introspect", &form).json();
    assert_eq!((&told["active"], &told["sub"], &told["aud"]), (&json!(true), &json!("ledger-sync"), &json!(LEDGER)));
    // Who is no audience of it is told what is told of nothing, to the byte.
    let nothing = world.signed("introspect", "token=nothing");
    assert_eq!(nothing.body, r#"{"active":false}"#);
    assert_eq!(world.by_stranger("introspect", &form).body, nothing.body);
    assert_eq!(world.signed("introspect", &format!("{form}x")).body, nothing.body);
    assert_eq!(said(&post(&world.gate, "introspect", &[], &form)), "401 invalid_client");
    // Nor is one of the owners that answer for the API who does not stand behind it; who does, is one.
    let theirs = self::token(&world.by_stranger("token", GRANT));
    let about = format!("token={theirs}");
    assert_eq!(world.by_stranger("introspect", &about).json()["active"], true);
    assert_eq!(world.signed("introspect", &about).body, nothing.body);
    world.place.change("resources/world.yaml", "  purpose: keeps the ledger\n", "  purpose: keeps the ledger\n  serves: [stock]\n");
    until("the workload to be known", || (world.signed("introspect", &about).json()["active"] == true).then_some(()));
    assert_eq!(said(&world.signed("introspect", "token_type_hint=access_token")), "400 invalid_request");

    assert_eq!(said(&world.by_stranger("revoke", &form)), "400 unauthorized_client");
    assert_eq!(said(&world.signed("revoke", "token=garbage")), "200");
    assert_eq!(world.call("GET /ledger/entries", &token).said(), "200");
    let second = world.token(GRANT);
    assert_eq!(said(&world.signed("revoke", &format!("{form}&token_type_hint=refresh_token"))), "200");
    assert_eq!(world.call("GET /ledger/entries", &token).said(), "401 proof.invalid");
    assert_eq!(world.signed("introspect", &form).body, nothing.body);
    assert_eq!(said(&world.signed("revoke", &form)), "200", "once more");
    assert_eq!(world.call("GET /ledger/entries", &second).said(), "200", "another token lives");
    // It stays ended over a restart.
    let World { place, gate, .. } = world;
    assert_eq!(gate.end().0, Some(0));
    let gate = place.serve();
    let shown = |token: &str| http::ask(gate.public, "GET /ledger/entries", &[("Authorization", &bearer(token))], "").said();
    assert_eq!((&*shown(&token), &*shown(&second)), ("401 proof.invalid", "200"));
}

/// What its client gave back is ended for good, also where an operator had stopped it before and thinks better of it.
#[test]
fn a_token_that_its_client_ended_is_not_released() {
    let world = world(Algorithm::Es256, "");
    let token = world.token(GRANT);
    let id = claims(&token)["jti"].as_str().unwrap().to_owned();
    let contain = json!({ "kind": "token", "name": id, "reason": "seen in a log" });
    assert_eq!(world.place.manage(&world.gate, "POST /api/v1/containments", &contain).status, 200);
    assert_eq!(said(&world.signed("revoke", &format!("token={token}"))), "200");
    let release = format!("DELETE /api/v1/containments/token/{id}?reason=mistake");
    let released = world.place.manage(&world.gate, &release, &Value::Null);
    assert_eq!((released.status, &released.json()["code"]), (409, &json!("console.conflict")), "{released:?}");
    assert_eq!(world.call("GET /ledger/entries", &token).said(), "401 proof.invalid");
}

#[test]
fn a_token_dies_with_what_it_was_got_by() {
    let world = world(Algorithm::Es256, "");
    let (id, key) = world.place.issue(&world.gate, "ledger-sync");
    let answer = world.basic("ledger-sync", &key, GRANT);
    // A key opens nothing more by being swapped: what `guardrail:power` keeps from keys is not in the token, nor opened by it.
    assert_eq!(answer.json()["scope"], "list");
    let by_key = token(&answer);
    assert_eq!(said(&world.basic("ledger-sync", &key, &format!("{GRANT}&scope=bulk"))), "400 invalid_scope");
    assert_eq!(world.call("GET /ledger/entries", &by_key).said(), "200");
    let by_signature = world.token(GRANT);
    world.place.revoke(&world.gate, &id);
    assert_eq!(world.call("GET /ledger/entries", &by_key).said(), "401 proof.invalid");
    assert_eq!(world.call("GET /ledger/entries", &by_signature).said(), "200");
    let contained = world.place.manage(
        &world.gate,
        "POST /api/v1/containments",
        &json!({ "kind": "identity", "name": "ledger-sync", "reason": "test" }),
    );
    assert_eq!(contained.status, 200, "{contained:?}");
    assert_eq!(world.call("GET /ledger/entries", &by_signature).said(), "403 identity.contained");
    assert_eq!(said(&world.signed("token", GRANT)), "401 invalid_client");
    // Whose key is taken out of its document is not a client any more, and its tokens are nobody's.
    let token = token(&world.by_stranger("token", GRANT));
    assert_eq!(world.call("GET /stock/items", &token).said(), "200");
    world.place.change("resources/world.yaml", &world.stranger.jwk().to_string(), &made(Algorithm::Es256).1.jwk().to_string());
    until("the key to be gone", || (world.call("GET /stock/items", &token).said() == "401 proof.invalid").then_some(()));
    assert_eq!(said(&world.by_stranger("token", GRANT)), "401 invalid_client");
}

#[test]
fn an_api_where_the_token_service_is_and_a_bad_key_are_refused() {
    let world = world(Algorithm::Es256, "");
    let text = WORLD.replace("@UPSTREAM@", "http://127.0.0.1:9").replace("/ledger", "/oauth/more");
    let text = text.replace("@JWK@", "{kty: EC, crv: P-256, x: AAAA, y: AAAA}").replace("@OTHER@", &world.stranger.jwk().to_string());
    world.place.write("resources/world.yaml", &text);
    let said = crate::process::wardgate(world.place.path(), &["check"]).with(2).err;
    assert!(
        said.contains("error[api.issuer] Api `ledger`: `match`: our own token service is at `/oauth` and `/tasks` of `gate.test`"),
        "{said}"
    );
    assert!(said.contains("error[credential.key] Identity `ledger-sync`: `credentials`: `key`: `jwk`: "), "{said}");
    // Where the key stands, not where its document begins.
    let line = text.lines().position(|line| line.contains("x: AAAA")).unwrap() + 1;
    let column = text.lines().nth(line - 1).unwrap().find("{kty").unwrap() + 1;
    assert!(said.contains(&format!("resources/world.yaml:{line}:{column}\n")), "{said}");
}

/// RFC 7009 §2.2: an answer of 200 says that it is ended, also of a token that nothing would take at that moment.
#[test]
fn what_is_revoked_while_nothing_takes_it_stays_ended() {
    let world = world(Algorithm::Es256, "");
    let token = world.token(GRANT);
    let form = format!("token={token}");
    world.place.change("resources/world.yaml", "path_prefix: /ledger", "path_prefix: /moved");
    until("the API to be elsewhere", || (world.call("GET /moved/entries", &token).said() == "401 proof.invalid").then_some(()));
    assert_eq!(said(&world.by_stranger("revoke", &form)), "400 unauthorized_client");
    assert_eq!(said(&world.signed("revoke", &form)), "200");
    world.place.change("resources/world.yaml", "path_prefix: /moved", "path_prefix: /ledger");
    let fresh = until("the API to be back", || {
        let answer = world.signed("token", &format!("{GRANT}&resource=https%3A%2F%2Fgate.test%2Fledger"));
        (answer.status == 200).then(|| self::token(&answer))
    });
    assert_eq!(world.call("GET /ledger/entries", &fresh).said(), "200");
    assert_eq!(world.call("GET /ledger/entries", &token).said(), "401 proof.invalid");
}

/// RFC 8414 §3 is about one host: others may have issuers of their own behind the gate.
#[test]
fn metadata_is_that_of_the_issuers_host_alone() {
    let world = world(Algorithm::Es256, "issuer: { url: 'https://tokens.test' }");
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
        let other = http::ask(world.gate.public, &format!("GET {path}"), &[], "");
        assert_eq!(other.status, 404, "{other:?}");
        let absolute = http::ask(world.gate.public, &format!("GET http://gate.test{path}"), &[], "");
        assert_eq!(absolute.status, 404, "{absolute:?}");
    }
}

/// What is wrong with a form is said by name, and what is not known is not passed over (RFC 9396 §5).
#[test]
fn a_request_that_cannot_be_met_says_why() {
    let world = world(Algorithm::Es256, "");
    let described = |form: &str| {
        let answer = world.signed("token", form);
        format!("{}: {}", said(&answer), answer.json()["error_description"].as_str().unwrap())
    };
    assert_eq!(described(&format!("{GRANT}&scope=list&scope=list")), "400 invalid_request: `scope` stands there twice");
    let details = described(&format!("{GRANT}&authorization_details=%5B%7B%22type%22%3A%22a%22%7D%5D"));
    assert!(details.starts_with("400 invalid_authorization_details: "), "{details}");
    let audience = described(&format!("{GRANT}&audience=https%3A%2F%2Fgate.test%2Fledger"));
    assert!(audience.starts_with("400 invalid_request: `audience` belongs to a token exchange"), "{audience}");
    let metadata = http::ask(world.gate.public, "GET /.well-known/oauth-authorization-server", &[], "").json();
    let ways = metadata["token_endpoint_auth_methods_supported"].as_array().unwrap();
    assert!(!ways.contains(&json!("none")), "nobody vouches for tokens here: {metadata}");
    let twice = world.signed("token", &format!("{GRANT}&client_id=ledger-sync&client_id=ledger-sync"));
    assert_eq!(said(&twice), "400 invalid_request");
}

#[test]
fn an_operation_and_an_issuer_that_are_ours_are_refused() {
    let world = world(Algorithm::Es256, "");
    let more = "\
---
kind: Api
name: tenants
spec:
  policy_owner: shop-team
  environment: production
  match: { hosts: [gate.test], path_prefix: / }
  accept: [jwt]
  upstream: { urls: ['http://127.0.0.1:9'] }
  operations:
    - { match: 'GET /oauth/token', class: read }
    - { match: 'GET /.well-known/openid-configuration', class: read }
    - { match: 'GET /oauths', class: read }
---
kind: TrustSource
name: ourselves
spec: { type: oidc, issuer: 'https://gate.test', audiences: [ledger] }
";
    world.place.write("resources/more.yaml", more.trim_start_matches("---\n"));
    let said = crate::process::wardgate(world.place.path(), &["check"]).with(2).err;
    for expected in [
        "error[api.issuer] Api `tenants`: `GET /oauth/token`: our own token service is at `/oauth` and `/tasks` of `gate.test`",
        "error[api.issuer] Api `tenants`: `GET /.well-known/openid-configuration`: our own token service",
        "error[trust.issuer] TrustSource `ourselves`: `issuer`: `https://gate.test` is our own token service",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(!said.contains("/oauths"), "{said}");
}

/// Nobody has seen it good, and whoever makes one up writes that into it: it counts for its source as a wrong one does.
#[test]
fn a_made_up_assertion_that_is_over_costs_its_source() {
    let World { place, gate, client, stranger, pkcs8, _upstream } = world(Algorithm::Es256, "");
    assert_eq!(gate.end().0, Some(0));
    place.write("resources/limit.yaml", "kind: Limit\nname: each-source\nspec: { per: source, rate: 1/h, burst: 40 }\n");
    let world = World { gate: place.serve(), place, client, stranger, pkcs8, _upstream };
    let over = json!({ "iat": now() - 600, "exp": now() - 300 });
    let made_up = || said(&world.shown("token", &assertion(&world.stranger, "ledger-sync", &over), GRANT));
    let refused = (0..40).take_while(|_| made_up() == "401 invalid_client").count();
    assert!(refused < 5, "{refused}");
}

/// The client's helper makes its key, and gets its token with it.
#[test]
fn a_client_without_a_library_asks_by_the_command() {
    let (upstream, place) = (Upstream::plain(), Place::bare());
    let run = |arguments: &[&str]| crate::process::wardgate(place.path(), arguments);
    let jwks = ["ES256", "EdDSA"].map(|algorithm| run(&["token", "--new-key", algorithm, "--algorithm", algorithm]).with(0).out);
    let again = run(&["token", "--new-key", "ES256"]).with(1).err;
    assert!(again.contains("cannot make the file `ES256`"), "{again}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(place.path().join("ES256")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let text = WORLD.replace("@UPSTREAM@", &upstream.url()).replace("@JWK@", jwks[0].trim()).replace("@OTHER@", jwks[1].trim());
    place.write("resources/world.yaml", &text);
    place.change("wardgate.yaml", "secrets:", "issuer: { url: 'http://gate.test/eu' }\nsecrets:");
    let gate = place.serve();
    let connect = gate.public.to_string();
    let ask = |client: &str, key: &str, more: &[&str]| {
        let usual = ["token", "--issuer", "http://gate.test/eu", "--client", client, "--key", key, "--connect", &connect];
        run(&[&usual[..], more].concat())
    };
    let got = ask("ledger-sync", "ES256", &["--scope", "list", "--resource", "http://gate.test/ledger"]).with(0);
    let call = |token: &str| http::ask(gate.public, "GET /ledger/entries", &[("Authorization", &bearer(token))], "").said();
    assert_eq!(call(got.out.trim()), "200");
    let told = ask("stranger", "EdDSA", &["--output", "json"]).with(0).json();
    assert_eq!((&told["scope"], &told["token_type"]), (&json!("list"), &json!("Bearer")));
    let refused = ask("ledger-sync", "EdDSA", &[]).with(1).err;
    assert!(refused.contains("no token: 401 invalid_client"), "{refused}");
    let elsewhere = run(&["token", "--issuer", "http://gate.test", "--client", "a", "--key", "ES256", "--connect", &connect]).with(1).err;
    assert!(elsewhere.contains("does not say where its token service is"), "{elsewhere}");
}
