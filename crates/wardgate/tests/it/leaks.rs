//! Secrets stay where they belong: after a run with refusals of every kind no file holds one.

use crate::{
    gate::{MASTER, Place},
    http::{Line, ask, bearer, find},
    upstream::Upstream,
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use std::{fs, path::Path};
use wardgate_model::credential::SignatureScheme;
use wardgate_proof::webhook::{self, Key};

/// What the upstream is shown.
const UPSTREAM_SECRET: &str = "upstream-hunter2-4b1d7c";

/// A secret in every form in which it might slip out.
pub(crate) fn forms(secret: &str) -> Vec<Vec<u8>> {
    // Of a key of ours the first parts are public; the secret part alone must not be found either.
    let own = secret.rsplit('_').next().unwrap();
    let mut forms = vec![own.as_bytes().to_vec(), own.as_bytes()[..own.len() / 2].to_vec()];
    forms.extend([STANDARD.encode(own).into_bytes(), STANDARD.encode(format!("gate:{secret}")).into_bytes()]);
    let pairs: Option<Vec<u8>> = (0..own.len() / 2).map(|at| u8::from_str_radix(own.get(2 * at..2 * at + 2)?, 16).ok()).collect();
    if let Some(bytes) = pairs.filter(|bytes| bytes.len() == 32) {
        forms.extend([STANDARD.encode(&bytes).into_bytes(), URL_SAFE_NO_PAD.encode(&bytes).into_bytes(), bytes]);
    }
    forms
}

/// Every file below a directory.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(files(&entry));
        } else if let Ok(bytes) = fs::read(&entry) {
            found.push((entry.display().to_string(), bytes));
        }
    }
    found
}

fn clean(place: &Place, said: &str, secrets: &[(&str, &str)]) {
    let marked: Vec<_> = secrets.iter().map(|(what, secret)| (*what, forms(secret))).collect();
    clean_of(place, said, &marked);
}

/// Asserts that no file of a gate, nor what it said, holds any form of a secret.
pub(crate) fn clean_of(place: &Place, said: &str, secrets: &[(&str, Vec<Vec<u8>>)]) {
    let mut all = files(place.path());
    for kind in ["wardgate.db", "wardgate.quotas", ".wgl"] {
        assert!(all.iter().any(|(name, bytes)| name.ends_with(kind) && !bytes.is_empty()), "{kind} is looked into");
    }
    all.retain(|(name, _)| !name.ends_with("wardgate.key"));
    all.push(("standard error".to_owned(), said.as_bytes().to_vec()));
    for (what, forms) in secrets {
        for form in forms {
            let holds: Vec<&str> = all.iter().filter(|(_, bytes)| find(bytes, form).is_some()).map(|(name, _)| name.as_str()).collect();
            assert!(holds.is_empty(), "the {what} (as `{}`) is in {holds:?}", String::from_utf8_lossy(form));
        }
    }
}

/// A client that puts its key wherever one can be put.
fn careless(gate: std::net::SocketAddr, key: &str) -> Vec<String> {
    let bearer = bearer(key);
    let known: &[(&str, &str)] = &[("Authorization", &bearer)];
    let cut = &key[..key.len() - 9];
    let basic = format!("Basic {}", STANDARD.encode(key));
    let mistyped = format!("{}{}", &bearer[..bearer.len() - 1], if bearer.ends_with('1') { "2" } else { "1" });
    let asked = [
        ask(gate, "GET /shop/things", known, ""),
        ask(gate, &format!("GET /shop/things?api_key={key}"), &[], ""),
        ask(gate, &format!("GET /shop/things?access_token={key}"), known, ""),
        ask(gate, &format!("GET /shop/things/{key}"), known, ""),
        ask(gate, &format!("GET /shop/{key}/x"), known, ""),
        ask(gate, &format!("GET /{key}"), known, ""),
        ask(gate, "DELETE /shop/things/1", known, ""),
        ask(gate, "GET /shop/things", &[("Authorization", cut)], ""),
        ask(gate, "GET /shop/things", &[("Authorization", &format!("Bearer {cut}"))], ""),
        ask(gate, "GET /shop/things", &[("Authorization", &basic)], ""),
        ask(gate, "GET /shop/things", &[("Authorization", &mistyped)], ""),
        ask(gate, "GET /shop/things", &[("Authorization", &bearer), ("Authorization", &bearer)], ""),
        ask(gate, "GET /shop/things", &[("User-Agent", key), ("Authorization", &bearer)], ""),
        ask(gate, "GET /shop/things", &[("Wardgate-Purpose", key), ("Authorization", &bearer)], ""),
        ask(gate, "GET /shop/things", &[("traceparent", key), ("Authorization", &bearer)], ""),
        ask(gate, "POST /shop/things", &[("Content-Type", key), ("Authorization", &bearer)], key),
        ask(gate, "GET /shop/things", &[("Host", key), ("Authorization", &bearer)], ""),
        ask(gate, "GET /shop/things", &[("Cookie", key), ("X-Api-Key", key)], ""),
    ];
    let mut said: Vec<String> = asked.iter().map(crate::http::Answer::said).collect();
    for raw in [
        format!("GET /shop/things?{key}\r\n\r\n"),
        format!("{key} / HTTP/1.1\r\nHost: a\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{key}\r\n\r\n"),
    ] {
        let mut line = Line::open(gate);
        line.send(&raw);
        said.push(line.answer().unwrap().said());
    }
    // An answer tells the key back to nobody.
    assert!(asked.iter().all(|answer| !answer.body.contains(key) && !answer.head.contains(key)), "{asked:?}");
    said
}

#[test]
fn no_file_holds_a_secret_after_refusals_of_every_kind() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    place.change("resources/shop.yaml", "upstream: { urls:", "upstream: { identity: { basic: gate, secret: shop-secret }, urls:");
    place.write(
        "resources/limits.yaml",
        "kind: Limit\nname: monthly\nspec: { select: { identity: caller }, per: identity, quota: 1000/month }\n",
    );
    let gate = place.serve();
    place.run(&gate, &["secret", "put", "shop-secret"], UPSTREAM_SECRET).with(0);
    let (id, key) = place.issue(&gate, "caller");
    let (first, session) = place.signed_in(&gate).clone();

    let said = careless(gate.public, &key);
    let kinds = [
        "200",
        "400 credential.in_query",
        "400 credential.misplaced",
        "400 credential.conflict",
        "400 wire.malformed",
        "401 proof.invalid",
        "403 standing.denied",
        "404 route.no_api",
    ];
    for kind in kinds {
        assert!(said.iter().any(|said| said == kind), "`{kind}` in {said:?}");
    }
    let as_key = ask(gate.public, "GET /shop/things", &[("Authorization", &bearer(&session))], "");
    assert_eq!(as_key.status, 401, "a session is no key: {as_key:?}");
    assert_eq!(ask(gate.admin, "POST /api/v1/sessions", &[("Authorization", &bearer(&first))], "").status, 401);
    assert_eq!(ask(gate.admin, &format!("GET /api/v1/whoami?token={session}"), &[("Authorization", &bearer(&session))], "").status, 400);
    place.revoke(&gate, &id);
    assert_eq!(ask(gate.public, "GET /shop/things", &[("Authorization", &bearer(&key))], "").status, 401);

    let secrets = [("key", key.as_str()), ("session", &session), ("upstream's secret", UPSTREAM_SECRET), ("master key", MASTER)];
    // While it runs: journals of the database are there, too.
    clean(&place, &gate.said(), &secrets);
    let (status, said) = gate.end();
    assert_eq!(status, Some(0));
    clean(&place, &said, &secrets);
    // The sign-in credential is shown once on standard error, and is nowhere else.
    assert_eq!(said.matches(&first).count(), 1);
    clean(&place, "", &[("sign-in", &first)]);
    assert_eq!(upstream.last().field("authorization"), Some(&*format!("Basic {}", STANDARD.encode(format!("gate:{UPSTREAM_SECRET}")))));
    assert!(upstream.received().iter().all(|request| !request.fields().concat().contains(&format!("Bearer {key}"))));
}

const HOOKS: &str = "\
kind: Api
name: hooks
spec:
  policy_owner: shop-team
  environment: production
  match: { path_prefix: /hooks }
  accept: [hmac]
  upstream: { urls: ['@UPSTREAM@'] }
  operations: [{ match: 'POST /events', class: write }]
---
kind: Identity
name: sender
spec:
  type: partner
  owner: shop-team
  environment: production
  purpose: tells of things
  credentials: [{ name: hook, type: hmac, scheme: standard_webhooks, api: hooks }]
---
kind: Grant
name: sender-tells
spec: { to: { identity: sender }, api: hooks, operations: [write] }
---
kind: Limit
name: monthly
spec: { select: { identity: sender }, per: identity, quota: 1000/month }
";

#[test]
fn no_file_holds_what_a_sender_of_webhooks_signs_with() {
    const GIVEN: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let upstream = Upstream::plain();
    let place = Place::bare();
    place.write("resources/hooks.yaml", &HOOKS.replace("@UPSTREAM@", &upstream.url()));
    let gate = place.serve();
    let (_, made) = place.issue(&gate, "sender");
    place.run(&gate, &["credential", "issue", "sender", "--secret-file", "-"], GIVEN).with(0);
    let now = i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let call = |secret: &str, seconds: i64, body: &str| {
        let key = Key::parse(SignatureScheme::StandardWebhooks, secret).unwrap();
        let signature = webhook::sign(SignatureScheme::StandardWebhooks, &key, "msg_1", seconds, b"{}");
        let seconds = seconds.to_string();
        let fields = [("webhook-id", "msg_1"), ("webhook-timestamp", seconds.as_str()), ("webhook-signature", signature.as_str())];
        ask(gate.public, "POST /hooks/events", &fields, body).said()
    };
    assert_eq!((call(&made, now, "{}"), call(GIVEN, now, "{}")), ("200".to_owned(), "200".to_owned()));
    let refused = "401 proof.invalid";
    assert_eq!([call(&made, now, "{}"), call(GIVEN, now - 600, "{}"), call(GIVEN, now, "[]")], [refused, refused, refused]);
    let as_key = ask(gate.public, "POST /hooks/events", &[("Authorization", &bearer(GIVEN))], "{}");
    assert_eq!(as_key.status, 401, "a secret is no key: {as_key:?}");
    let secrets = [("secret that was made", made.as_str()), ("secret that was given", GIVEN), ("master key", MASTER)];
    clean(&place, &gate.said(), &secrets);
    let (status, said) = gate.end();
    assert_eq!(status, Some(0));
    clean(&place, &said, &secrets);
}
