//! Whatever is shown to the token service, and to APIs by tokens, is in no file, in nothing that the process says and in no answer: tokens,
//! assertions, proofs of possession, tokens of trust sources, keys as passwords.

use crate::{
    gate::Place,
    http::{self, Answer, bearer},
    leaks::{clean_of, forms},
    possession::{TOKENS, proof, with},
    tasks::escaped,
    token_world::{ASSERTION, GRANT, ISSUER, World, assertion, made, now, post, said, token, world_at},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use wardgate_proof::{
    jose::{algorithm::Algorithm, signer},
    jws::Signer,
};

const MORE: &str = "\
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
  credentials: [{ name: job, type: oidc, trust: forge, subject: nightly-job }]
---
kind: Grant
name: nightly-works
spec: { to: { identity: nightly }, api: stock, operations: [list] }
---
kind: Purpose
name: settlement
spec: { description: settles payments }
---
kind: Limit
name: monthly
spec: { select: { identity: ledger-sync }, per: identity, quota: 100000/month }
";

/// The middle of the claims and of the signature of a token: what no two share, and what nobody has who has not the token.
fn marks(token: &str) -> Vec<Vec<u8>> {
    let parts = token.split('.').skip(1);
    parts.map(|part| part.as_bytes()[part.len() / 4..part.len() * 3 / 4].to_vec()).collect()
}

/// Puts a secret wherever a careless client of an API could.
fn careless_call(world: &World, good: &str, secret: &str) -> Vec<Answer> {
    let ask = |what: &str, fields: &[(&str, &str)]| http::ask(world.gate.public, what, fields, "");
    let (own, shown, possessed) = (bearer(good), bearer(secret), format!("DPoP {secret}"));
    let entries = "GET /ledger/entries";
    let mut answers = vec![
        ask(&format!("{entries}?access_token={secret}"), &[]),
        ask(&format!("{entries}?access_token={secret}"), &[("Authorization", &own)]),
        ask(&format!("{entries}?token={secret}"), &[]),
        ask(&format!("{entries}?{secret}"), &[("Authorization", &own)]),
        ask(&format!("{entries}/{secret}"), &[("Authorization", &own)]),
        ask(&format!("GET /ledger/{secret}/x"), &[]),
        ask(&format!("GET /{secret}"), &[]),
        ask(&format!("DELETE /ledger/entries/{secret}"), &[("Authorization", &own)]),
        ask(entries, &[("Authorization", secret)]),
        ask(entries, &[("Authorization", &format!("Basic {secret}"))]),
        ask(entries, &[("Authorization", &format!("{shown}x"))]),
        ask(entries, &[("Authorization", &format!("{shown}, {shown}"))]),
        ask(entries, &[("Authorization", &shown), ("Authorization", &shown)]),
        ask(entries, &[("Authorization", &possessed)]),
        ask(entries, &[("Authorization", &possessed), ("DPoP", secret)]),
        ask(entries, &[("Authorization", &own), ("DPoP", secret)]),
        ask("DELETE /ledger/entries", &[("Authorization", &shown)]),
        ask("POST /ledger/entries", &[("Authorization", &own), ("User-Agent", secret)]),
        ask("GET /stock/items", &[("Authorization", &shown)]),
    ];
    // RFC 6750 §2.2: nobody is proven by what stands in a body, which is not read.
    let form = format!("access_token={secret}");
    let in_form = http::ask(world.gate.public, "POST /ledger/entries", &[("Content-Type", "application/x-www-form-urlencoded")], &form);
    assert_eq!(in_form.said(), "401 credential.missing");
    answers.push(in_form);
    for field in
        ["User-Agent", "Cookie", "Referer", "traceparent", "Wardgate-Purpose", "X-Api-Key", "Content-Type", "Host", "X-Forwarded-For"]
    {
        answers.push(ask(entries, &[(field, secret)]));
        answers.push(ask("GET /stock/items", &[(field, secret), ("Authorization", &own)]));
    }
    answers
}

/// The same at the token service: as every parameter of every endpoint, in the URL, in the head.
fn careless_client(world: &World, secret: &str) -> Vec<Answer> {
    let gate = &world.gate;
    let (basic, name) = (STANDARD.encode(format!("ledger-sync:{secret}")), STANDARD.encode(format!("{secret}:{secret}")));
    let mut answers = Vec::new();
    for parameter in
        ["scope", "resource", "audience", "grant_type", "client_id", "client_secret", "authorization_details", "requested_token_type"]
    {
        answers.push(world.signed("token", &format!("grant_type=client_credentials&{parameter}={secret}")));
    }
    let kind = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt";
    let grant = |name: &str| format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3A{name}");
    for form in [
        format!("{}&subject_token_type={kind}&subject_token={secret}x", grant("token-exchange")),
        format!("{}&subject_token_type={kind}&subject_token=a&actor_token_type={kind}&actor_token={secret}x", grant("token-exchange")),
        format!("{}&assertion={secret}x", grant("jwt-bearer")),
        format!("{GRANT}&client_assertion_type={ASSERTION}&client_assertion={secret}x"),
        format!("{GRANT}&client_assertion_type={ASSERTION}&client_assertion={secret}&client_assertion={secret}"),
        format!("{GRANT}&client_assertion_type={secret}&client_assertion={secret}"),
        format!("{GRANT}&{secret}"),
        secret.to_owned(),
    ] {
        answers.push(post(gate, "token", &[], &form));
        answers.push(world.signed("token", &form));
        answers.push(post(gate, &format!("token?{form}"), &[], GRANT));
    }
    for endpoint in ["introspect", "revoke"] {
        answers.push(post(gate, endpoint, &[], &format!("token={secret}")));
        answers.push(world.by_stranger(endpoint, &format!("token={secret}x&token_type_hint={secret}")));
    }
    for authorization in [format!("Basic {basic}"), format!("Basic {name}"), bearer(secret), secret.to_owned()] {
        answers.push(post(gate, "token", &[("Authorization", &authorization)], GRANT));
    }
    for field in ["DPoP", "User-Agent", "Cookie"] {
        answers.push(post(gate, "token", &[(field, secret)], GRANT));
    }
    answers
}

#[test]
fn no_file_holds_a_token_or_what_it_was_got_by_after_refusals_of_every_kind() {
    let (place, (_, forge), (_, key)) = (Place::bare(), made(Algorithm::Es256), made(Algorithm::Es256));
    place.write("resources/forge.json", &signer::jwks([&forge]).to_string());
    place.write("resources/more.yaml", MORE);
    let world = world_at(place, Algorithm::Es256, "", &[]);
    let night = |id: &str| {
        let claims =
            json!({ "iss": "https://forge.test", "sub": "nightly-job", "aud": ISSUER, "jti": id, "iat": now() - 5, "exp": now() + 200 });
        forge.sign("JWT", &claims).unwrap()
    };
    let (_, api_key) = world.place.issue(&world.gate, "ledger-sync");
    // Each of them was good, and was used.
    let used = assertion(&world.client, "ledger-sync", &json!({}));
    let plain = token(&world.shown("token", &used, GRANT));
    let proof_at_service = proof(&key, TOKENS, &json!({ "nonce": world.nonce(&key) }));
    let bound = token(&world.proven(&[&proof_at_service], GRANT));
    let proof_at_api = with(&key, "GET https://gate.test/ledger/entries", &bound, &json!({}));
    assert_eq!(crate::possession::call(&world.gate, "GET /ledger/entries", &bound, &[&proof_at_api]).said(), "200");
    let job = night("one");
    let exchange = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";
    let by_job = token(&post(
        &world.gate,
        "token",
        &[],
        &format!("{exchange}&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt&subject_token={job}"),
    ));
    assert_eq!(world.call("GET /stock/items", &by_job).said(), "200");
    let swapped = token(&world.basic("ledger-sync", &api_key, GRANT));
    assert_eq!(world.call("GET /ledger/entries", &swapped).said(), "200");
    let fields = [("Authorization", &*bearer(&api_key)), ("Content-Type", "application/json")];
    let started = r#"{ "purpose": "settlement", "operations": ["list"], "api": "ledger", "lifetime": "15m" }"#;
    let started = http::ask(world.gate.public, "POST /tasks", &fields, started);
    assert_eq!(started.status, 201, "{started:?}");
    let details = escaped(&json!([{ "type": "wardgate_task", "task_id": started.json()["task_id"] }]).to_string());
    let of_task = token(&world.signed("token", &format!("{GRANT}&authorization_details={details}")));
    assert_eq!(world.call("GET /ledger/entries", &of_task).said(), "200");
    // And some never were.
    let forged = assertion(&stranger(), "ledger-sync", &json!({}));
    let over = assertion(&world.client, "ledger-sync", &json!({ "iat": now() - 900, "exp": now() - 600 }));
    let broken = proof(&key, TOKENS, &json!({ "htm": "GET" }));
    let shown = [
        ("token", &plain),
        ("bound token", &bound),
        ("token upon a job's", &by_job),
        ("token of a task", &of_task),
        ("token for a key", &swapped),
        ("assertion", &used),
        ("forged assertion", &forged),
        ("assertion that is over", &over),
        ("proof at the token service", &proof_at_service),
        ("proof at an API", &proof_at_api),
        ("proof for something else", &broken),
        ("job's token", &job),
    ];
    let mut answers = Vec::new();
    for (_, secret) in shown {
        answers.extend(careless_call(&world, &plain, secret));
        answers.extend(careless_client(&world, secret));
    }
    answers.extend(careless_client(&world, &api_key));
    let kinds: std::collections::BTreeSet<u16> = answers.iter().map(|answer| answer.status).collect();
    assert!([200, 400, 401, 403, 404, 405].iter().all(|status| kinds.contains(status)), "{kinds:?}");
    let mut secrets: Vec<(&str, Vec<Vec<u8>>)> = shown.iter().map(|(what, secret)| (*what, marks(secret))).collect();
    // An answer tells it back to nobody.
    for answer in &answers {
        let text = format!("{}{}", answer.head, answer.body);
        for (what, marks) in &secrets {
            assert!(marks.iter().all(|mark| http::find(text.as_bytes(), mark).is_none()), "the {what} is in {answer:?}");
        }
    }
    let key_shown = STANDARD.encode(format!("ledger-sync:{api_key}")).into_bytes();
    secrets.push(("key", [forms(&api_key), vec![key_shown]].concat()));
    secrets.push(("client's private key", vec![STANDARD.encode(&world.pkcs8).into_bytes(), world.pkcs8.clone()]));
    assert_eq!(said(&world.signed("revoke", &format!("token={plain}"))), "200");
    // While it runs: journals of the database are there, too.
    clean_of(&world.place, &world.gate.said(), &secrets);
    let World { place, gate, _upstream, .. } = world;
    let (status, said) = gate.end();
    assert_eq!(status, Some(0));
    clean_of(&place, &said, &secrets);
    // What is for us does not reach the upstream.
    assert!(_upstream.received().iter().all(|request| request.field("authorization").is_none() && request.field("dpop").is_none()));
}

fn stranger() -> Signer {
    made(Algorithm::Es256).1
}
