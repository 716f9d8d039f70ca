use crate::{
    call::testing::{Fixture, HOUR, KEY_SECRET, NOW},
    world::Away,
};
use serde_json::Value;
use std::sync::Arc;
use wardgate_model::{
    credential::{Credential, CredentialKind, CredentialState},
    id::{ApiName, CredentialId, EnvironmentName, IdentityId, TrustName},
    time::Time,
    trust::{Binding, ClaimValue, Condition, Subject},
};
use wardgate_store::UsageRow;

fn member(said: &str, name: &str) -> String {
    let body: Value = serde_json::from_str(&said[said.find('{').unwrap()..]).unwrap();
    body[name].as_str().unwrap().to_owned()
}

async fn issue(fixture: &Fixture, caller: &str, body: &str) -> String {
    fixture.ask(&format!("POST /api/v1/credentials as {caller}\n\n{body}")).await
}

#[tokio::test]
async fn a_key_is_issued_shown_once_and_listed_without_it() {
    let fixture = Fixture::new().await;
    let said = issue(&fixture, "op", r#"{"identity":"ledger","reason":"first deployment"}"#).await;
    let record = r#""created":"2027-01-15T08:00:00Z","environment":"production","expires":"2027-02-14T08:00:00Z","id":"KEY000000001","identity":"ledger""#;
    let rest = r#""kind":"api_key","name":"main","revision":2,"revoked":null,"sources":["10.0.0.0/8"],"state":"live""#;
    assert_eq!(said, format!(r#"201 "2" {{{record},"key":"wg_production_KEY000000001_{KEY_SECRET}",{rest}}}"#));
    let listed = fixture.ask("GET /api/v1/credentials?identity=ledger as watcher").await;
    assert_eq!(listed, format!(r#"200 {{"items":[{{{record},{rest}}}],"next":null}}"#));
    let changes = fixture.ask("GET /api/v1/changes?kind=credential&name=KEY000000001 as watcher").await;
    assert!(changes.contains(r#""act":"issue","actor":"op""#) && changes.contains("first deployment"), "{changes}");
    assert_eq!(*fixture.played.published.lock().unwrap(), [2]);
}

#[tokio::test]
async fn no_key_stands_anywhere_in_the_store() {
    let fixture = Fixture::new().await;
    issue(&fixture, "op", r#"{"identity":"ledger"}"#).await;
    issue(&fixture, "root", r#"{"identity":"op","kind":"sign_in"}"#).await;
    fixture.ask("POST /api/v1/credentials as op\nidempotency-key: k\n\n{\"identity\":\"ledger\"}").await;
    fixture.ask("DELETE /api/v1/credentials/KEY000000001?reason=tidy as op").await;
    let mut searched = 0;
    for entry in std::fs::read_dir(fixture.directory.path()).unwrap() {
        let dump = std::fs::read(entry.unwrap().path()).unwrap();
        let stands = |text: &str| dump.windows(text.len()).any(|window| window == text.as_bytes());
        searched += usize::from(stands("KEY000000001"));
        assert!(!stands(KEY_SECRET));
    }
    assert!(searched > 0, "the ids are there, so the search would have found a key");
}

#[tokio::test]
async fn who_cannot_be_armed_is_told_why() {
    let fixture = Fixture::new().await;
    for (caller, body, said) in [
        ("op", r#"{"identity":"nobody"}"#, "422 console.unfit: there is no identity `nobody`"),
        (
            "op",
            r#"{"identity":"No Body"}"#,
            "400 console.malformed: identity: `N` may not stand in a name: use a-z, 0-9, `.`, `_`, `:` and `-`, beginning with a letter or digit",
        ),
        (
            "op",
            r#"{"identity":"asleep"}"#,
            "409 console.conflict: `asleep` is `suspended`: credentials are issued to approved and active identities",
        ),
        ("op", r#"{"identity":"orphan"}"#, "409 console.conflict: `orphan` was not claimed in time: an owner has to claim it first"),
        ("op", r#"{"identity":"idle"}"#, "409 console.conflict: `idle` has no purpose: say what it is for first"),
        (
            "op",
            r#"{"identity":"forever"}"#,
            "409 console.conflict: the entry `main` of `forever` has no `expires_in`, and no waiver in force",
        ),
        ("op", r#"{"identity":"watcher"}"#, "403 console.reach: `watcher` has the role `viewer`, which the caller has not"),
        ("olga", r#"{"identity":"stranger"}"#, "403 console.reach: `stranger` is of the owner `cards`, the caller acts for `payments`"),
        ("root", r#"{"identity":"watcher"}"#, "422 console.unfit: `watcher` has no entry of the type `api_key` in its `credentials`"),
        ("op", r#"{"identity":"twin"}"#, "422 console.unfit: `twin` has several entries that take a key: `one`, `two`"),
        ("op", r#"{"identity":"twin","name":"three"}"#, "422 console.unfit: `twin` has no entry `three` in its `credentials`"),
        (
            "op",
            r#"{"identity":"ledger","name":"ci"}"#,
            "422 console.unfit: the entry `ci` of `ledger` is of the type `oidc`: no key is issued for it",
        ),
        (
            "op",
            r#"{"identity":"ledger","kind":"hmac"}"#,
            "422 console.unfit: `ledger` has no entry of the type `hmac` in its `credentials`",
        ),
        ("op", r#"{"identity":"ledger","task":"t-0"}"#, "422 console.unfit: `ledger` has no task `t-0` under way"),
        (
            "op",
            r#"{"identity":"ledger","secret":"a-secret-that-was-agreed"}"#,
            "422 console.unfit: a credential of the kind `api_key` is made here: no `secret` is taken for it",
        ),
        ("op", r#"{"identity":"sender"}"#, "422 console.unfit: `sender` has several entries that take a key: `hook`, `main`"),
        ("op", r#"{"identity":"sender","kind":"hmac","secret":"short"}"#, "422 console.unfit: a secret has 16 to 256 bytes"),
        ("op", r#"{"identity":"ledger","kind":"x509"}"#, "422 console.unfit: there is no kind `x509`"),
        (
            "op",
            r#"{"identity":"ledger","kind":"sign_in"}"#,
            "422 console.unfit: `ledger` has no role in Wardgate itself, so a session would be no use to it",
        ),
        ("op", r#"{"identity":"op","kind":"sign_in","name":"x"}"#, "422 console.unfit: a sign-in is not issued for an entry"),
        (
            "op",
            r#"{"identity":"ledger","days":3}"#,
            "400 console.malformed: the body: unknown field `days`, expected one of `identity`, `name`, `kind`, `secret`, `task`, `reason` at line 1 column 27",
        ),
    ] {
        assert_eq!(issue(&fixture, caller, body).await, said, "{body}");
    }
    assert_eq!(fixture.store.last_seq().await.unwrap(), 1, "nothing of it was done");
}

#[tokio::test]
async fn a_third_live_key_is_refused() {
    let fixture = Fixture::new().await;
    for _ in 0..2 {
        assert!(issue(&fixture, "op", r#"{"identity":"ledger","name":"main"}"#).await.starts_with("201 "));
    }
    let third = "409 console.limit: identity entry `ledger/main` has 2 live credentials already: revoke one first";
    assert_eq!(issue(&fixture, "op", r#"{"identity":"ledger"}"#).await, third);
    assert!(fixture.ask("DELETE /api/v1/credentials/KEY000000001 as op").await.starts_with("200 "));
    assert!(issue(&fixture, "op", r#"{"identity":"ledger"}"#).await.starts_with("201 "));
}

#[tokio::test]
async fn a_sign_in_for_somebody_with_a_role_becomes_a_session() {
    let fixture = Fixture::new().await;
    let said = issue(&fixture, "root", r#"{"identity":"op","kind":"sign_in"}"#).await;
    assert!(said.starts_with("201 ") && said.contains(r#""key":"wga_production_KEY000000001_"#), "{said}");
    assert_eq!(member(&said, "expires"), "2027-01-15T09:00:00Z");
    let session = fixture.ask("POST /api/v1/sessions as op sign_in KEY000000001").await;
    assert!(session.starts_with("201 ") && session.contains(r#""identity":"op""#), "{session}");
}

#[tokio::test]
async fn revoking() {
    let fixture = Fixture::new().await;
    issue(&fixture, "op", r#"{"identity":"ledger"}"#).await;
    issue(&fixture, "op", r#"{"identity":"stranger"}"#).await;
    let revoke = async |now, target: &str| fixture.ask_at(now, &format!("DELETE /api/v1/credentials/{target}")).await;
    let stale = "412 console.stale: credential `KEY000000001` was changed meanwhile: read it again, then decide";
    assert_eq!(revoke(NOW, "KEY000000001 as op\nif-match: \"9\"").await, stale);
    let done = revoke(NOW, "KEY000000001?reason=in%20a%20ticket as op\nif-match: \"2\"").await;
    assert!(done.starts_with(r#"200 "4" {"#) && done.contains(r#""revoked":"2027-01-15T08:00:00Z""#), "{done}");
    assert_eq!(revoke(NOW + HOUR, "KEY000000001 as op").await, done, "the same answer, the same date");
    assert_eq!(fixture.store.last_seq().await.unwrap(), 4);
    for (target, said) in [
        ("KEY999999999 as op", "404 console.not_found: there is no credential `KEY999999999`"),
        ("KEY as op", "400 console.malformed: the id of a credential has 12 letters and digits: the third part of its key"),
        ("KEY000000002 as olga", "403 console.reach: `stranger` is of the owner `cards`, the caller acts for `payments`"),
    ] {
        assert_eq!(revoke(NOW, target).await, said);
    }
    let changes = fixture.ask("GET /api/v1/changes?cursor=3 as watcher").await;
    assert!(changes.contains(r#""act":"revoke","actor":"op""#) && changes.contains(r#""reason":"in a ticket""#), "{changes}");
}

#[tokio::test]
async fn lists_come_in_pages() {
    let fixture = Fixture::new().await;
    for body in [r#"{"identity":"twin","name":"one"}"#, r#"{"identity":"twin","name":"two"}"#, r#"{"identity":"stranger"}"#] {
        issue(&fixture, "op", body).await;
    }
    let page = async |query: &str| {
        let said = fixture.ask_at(NOW + HOUR, &format!("GET /api/v1/credentials?{query} as watcher")).await;
        let body: Value = serde_json::from_str(said.strip_prefix("200 ").unwrap_or_else(|| panic!("{said}"))).unwrap();
        let ids: Vec<&str> = body["items"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
        format!("{} next={}", ids.join(" "), body["next"])
    };
    assert_eq!(page("limit=2").await, r#"SIGNIN000000 KEY000000001 next="2""#);
    assert_eq!(page("limit=2&cursor=2").await, "KEY000000002 KEY000000003 next=null");
    assert_eq!(page("identity=twin").await, "KEY000000001 KEY000000002 next=null");
    assert_eq!(page("state=expired").await, "SIGNIN000000 KEY000000001 next=null");
    assert_eq!(page("state=live&identity=twin").await, "KEY000000002 next=null");
    let said = fixture.ask("GET /api/v1/credentials?state=fresh as watcher").await;
    assert_eq!(said, "400 console.malformed: `state` is `live`, `ended`, `expired`, `revoked` or `spent`, not `fresh`");
}

#[tokio::test]
async fn the_same_request_again_is_answered_the_same() {
    let fixture = Fixture::new().await;
    let ask = async |caller: &str, now, body: &str| {
        fixture.ask_at(now, &format!("POST /api/v1/credentials as {caller}\nidempotency-key: deploy-7\n\n{body}")).await
    };
    let ledger = r#"{"identity":"ledger"}"#;
    let first = ask("op", NOW, ledger).await;
    assert!(first.starts_with("201 "), "{first}");
    assert_eq!(ask("op", NOW + HOUR, ledger).await, first);
    let reused = "422 console.key_reused: the body is another than that of the first request with this key";
    assert_eq!(ask("op", NOW, r#"{"identity":"twin","name":"one"}"#).await, reused);
    assert_ne!(ask("root", NOW, ledger).await, first, "a key is its caller's own");
    let next_day = ask("op", NOW + HOUR * 24, ledger).await;
    assert!(next_day.starts_with("409 console.limit"), "after a day it is a new request: {next_day}");
    fixture.ask("DELETE /api/v1/credentials/KEY000000001 as op").await;
    let retried = ask("op", NOW + HOUR * 24, ledger).await;
    assert!(retried.starts_with("201 "), "a refusal is not remembered: {retried}");
}

#[tokio::test]
async fn a_key_is_replaced_with_an_overlap() {
    let fixture = Fixture::new().await;
    issue(&fixture, "op", r#"{"identity":"ledger"}"#).await;
    let rotate = async |caller: &str, id: &str, body: &str| {
        fixture.ask(&format!("POST /api/v1/credentials/{id}/rotate as {caller}\n\n{body}")).await
    };
    let said = rotate("olga", "KEY000000001", r#"{"overlap":"2h","reason":"quarterly"}"#).await;
    assert!(said.starts_with("201 ") && said.contains(&format!("wg_production_KEY000000002_{KEY_SECRET}")), "{said}");
    let body: Value = serde_json::from_str(&said[said.find('{').unwrap()..]).unwrap();
    let ends = |view: &Value| view["expires"].as_str().unwrap().to_owned();
    assert_eq!((ends(&body), ends(&body["replaces"])), ("2027-02-14T08:00:00Z".into(), "2027-01-15T10:00:00Z".into()));
    assert_eq!(body["replaces"]["id"], "KEY000000001");
    let published = *fixture.played.published.lock().unwrap().last().unwrap();
    assert_eq!(published, fixture.store.last_seq().await.unwrap());
    for (caller, id, body, said) in [
        ("olga", "KEY000000009", "{}", "404 console.not_found: there is no credential `KEY000000009`"),
        ("op", "KEY000000002", r#"{"overlap":"31d"}"#, "422 console.unfit: `overlap` is at most 30 days"),
        ("op", "KEY000000002", r#"{"overlap":"later"}"#, "422 console.unfit: `overlap`: "),
        ("otto", "KEY000000002", "{}", "403 console.reach: `ledger` is of the owner `payments`, the caller acts for `cards`"),
        (
            "root",
            "SIGNIN000000",
            "{}",
            "422 console.unfit: `SIGNIN000000` is of the kind `sign_in`: only a key that Wardgate issued is rotated",
        ),
        ("op", "KEY000000002", "{}", "409 console.limit: "),
    ] {
        let refused = rotate(caller, id, body).await;
        assert!(refused.starts_with(said), "{refused}");
    }
    fixture.ask("DELETE /api/v1/credentials/KEY000000002 as op").await;
    assert_eq!(rotate("op", "KEY000000002", "{}").await, "409 console.conflict: `KEY000000002` is revoked");
}

#[tokio::test]
async fn what_was_agreed_with_a_partner_bounds_its_keys() {
    let fixture = Fixture::new().await;
    let long = issue(&fixture, "op", r#"{"identity":"acme-bot","name":"main"}"#).await;
    assert_eq!(long, "409 console.conflict: the contract `acme-2027` allows keys to live for 90 days at most, this one would for 100");
    let short = issue(&fixture, "op", r#"{"identity":"acme-bot","name":"short"}"#).await;
    assert!(short.contains(r#""expires":"2027-01-16T08:00:00Z""#), "{short}");
    let body = r#"{"identity":"acme-bot","name":"short"}"#;
    let late = fixture.ask_at(NOW + HOUR * 470, &format!("POST /api/v1/credentials as op\n\n{body}")).await;
    assert!(late.contains(r#""expires":"2027-02-04T08:00:00Z""#), "no key outlives the contract: {late}");
    let over = fixture.ask_at(NOW + HOUR * 480, &format!("POST /api/v1/credentials as op\n\n{body}")).await;
    assert!(over.starts_with("409 console.conflict: "), "{over}");
    fixture
        .store
        .depart_owner(
            &wardgate_store::Actor::new(wardgate_store::Who::Process, ""),
            &wardgate_model::id::OwnerName::literal("payments"),
            NOW + HOUR,
            NOW,
        )
        .await
        .unwrap();
    let gone = issue(&fixture, "op", r#"{"identity":"ledger"}"#).await;
    assert!(gone.starts_with("409 console.conflict: ") && gone.contains("payments"), "{gone}");
}

#[tokio::test]
async fn a_sign_in_is_issued_by_whoever_has_its_roles() {
    let fixture = Fixture::new().await;
    let ask = async |caller: &str, whom: &str| issue(&fixture, caller, &format!(r#"{{"identity":"{whom}","kind":"sign_in"}}"#)).await;
    // That it stands behind it then, is looked at where something is decided.
    assert!(ask("root", "rita").await.starts_with("201"));
    assert!(ask("rico", "rita").await.starts_with("201"));
    assert_eq!(ask("op", "rita").await, "403 console.reach: `rita` has the role `security`, which the caller has not");
}

#[tokio::test]
async fn a_grant_on_the_management_api_is_power() {
    let fixture = Fixture::new().await;
    fixture
        .apply(
            "a.yaml Grant/one {\"to\":{\"identity\":\"ledger\"},\"api\":\"wardgate-admin\",\"operations\":[\"read\"]}\na.yaml Grant/all {\"to\":{\"owner\":\"cards\"},\"api\":\"wardgate-admin\",\"operations\":[\"write\"]}\na.yaml Grant/shop {\"to\":{\"identity\":\"twin\"},\"api\":\"shop\",\"operations\":[\"admin\"],\"purpose\":\"wardgate-admin\"}",
        )
        .await;
    let ask = async |caller: &str, body: &str| {
        let said = issue(&fixture, caller, body).await;
        if said.starts_with('2') { said[..3].to_owned() } else { said }
    };
    let no = |name: &str, role: &str| {
        format!("403 console.reach: `{name}` is granted on `wardgate-admin` what takes the role `{role}`, which the caller has not")
    };
    assert_eq!(ask("op", r#"{"identity":"ledger"}"#).await, no("ledger", "viewer"));
    assert_eq!(ask("op", r#"{"identity":"stranger"}"#).await, no("stranger", "admin"), "every identity of the owner");
    assert_eq!(ask("op", r#"{"identity":"twin","name":"one"}"#).await, "201", "another API's owner answers for what is granted there");
    assert_eq!(ask("root", r#"{"identity":"stranger"}"#).await, "201");
    // Nor does anybody change who that is, make one, or claim a key for one.
    let put =
        async |name: &str, spec: &str| fixture.ask(&format!("PUT /api/v1/resources/Identity/{name} as op\n\n{{\"spec\":{spec}}}")).await;
    assert_eq!(put("ledger", r#"{"owner":"payments"}"#).await, no("ledger", "viewer"));
    assert_eq!(put("new", r#"{"owner":"cards"}"#).await, no("new", "admin"));
    let said = fixture.ask("POST /api/v1/identities/stranger/transfer as op\n\n{\"owner\":\"payments\"}").await;
    assert_eq!(said, no("stranger", "admin"));
    // Stopping it is everybody's who operates.
    let said = fixture.ask("POST /api/v1/containments as op\n\n{\"kind\":\"identity\",\"name\":\"stranger\"}").await;
    assert!(said.starts_with("200"), "{said}");
}

#[tokio::test]
async fn what_was_approved_gets_its_first_key() {
    let fixture = Fixture::new().await;
    assert!(issue(&fixture, "op", r#"{"identity":"fresh"}"#).await.starts_with("201"));
}

#[tokio::test]
async fn what_is_declared_is_listed_and_contained_and_never_revoked() {
    let fixture = Fixture::new().await;
    for body in [r#"{"identity":"twin","name":"one"}"#, r#"{"identity":"ledger"}"#] {
        issue(&fixture, "op", body).await;
    }
    let declared = |id: &str, identity: &'static str, name: &str| {
        let condition = |claim: &str, value| Condition { claim: claim.into(), value };
        Arc::new(Credential {
            id: CredentialId::parse(id).unwrap(),
            identity: IdentityId::literal(identity),
            name: name.into(),
            kind: CredentialKind::Oidc,
            environment: EnvironmentName::literal("production"),
            sources: Box::default(),
            hash: None,
            binding: Some(Box::new(Binding {
                trust: TrustName::literal("ci"),
                subject: Subject::parse("repo:acme/*"),
                claims: [condition("environment", ClaimValue::Text("production".into())), condition("run", ClaimValue::Number(7))].into(),
            })),
            created: Time::from_micros(0),
            expires: None,
            warn_from: None,
            task: None,
            state: CredentialState::Live,
        })
    };
    let all = [("DDDDDDDDDDD1", "ledger", "ci"), ("DDDDDDDDDDD2", "ledger", "mesh"), ("DDDDDDDDDDD3", "stranger", "ci")];
    *fixture.played.declared.lock().unwrap() = all.map(|(id, identity, name)| declared(id, identity, name)).to_vec();
    let page = async |query: &str, caller: &str| {
        let said = fixture.ask_at(NOW + HOUR, &format!("GET /api/v1/credentials?{query} as {caller}")).await;
        let body: Value = serde_json::from_str(said.strip_prefix("200 ").unwrap_or_else(|| panic!("{said}"))).unwrap();
        let ids: Vec<&str> = body["items"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
        format!("{} next={}", ids.join(" "), body["next"])
    };
    for (query, said) in [
        ("limit=2", r#"SIGNIN000000 KEY000000001 next="2""#),
        ("limit=2&cursor=2", r#"KEY000000002 DDDDDDDDDDD1 next="declared/ledger/ci""#),
        ("limit=1&cursor=2", r#"KEY000000002 next="declared""#),
        ("limit=1&cursor=declared", r#"DDDDDDDDDDD1 next="declared/ledger/ci""#),
        ("limit=2&cursor=declared/ledger/ci", "DDDDDDDDDDD2 DDDDDDDDDDD3 next=null"),
        ("identity=ledger", "KEY000000002 DDDDDDDDDDD1 DDDDDDDDDDD2 next=null"),
        ("identity=stranger&state=live", "DDDDDDDDDDD3 next=null"),
        ("state=revoked", " next=null"),
    ] {
        assert_eq!(page(query, "watcher").await, said, "{query}");
    }
    assert_eq!(page("cursor=declared", "olga").await, "DDDDDDDDDDD1 DDDDDDDDDDD2 next=null", "what its owner owns");
    let wrong = fixture.ask("GET /api/v1/credentials?cursor=declaredx as watcher").await;
    assert_eq!(wrong, "400 console.malformed: `declaredx` is no cursor of this list");

    let row = UsageRow {
        credential: CredentialId::parse("DDDDDDDDDDD1"),
        identity: IdentityId::literal("ledger"),
        api: ApiName::literal("shop"),
        operation: "shop GET /things".into(),
        source: "10.0.0.0/24".into(),
        first: NOW,
        last: NOW + HOUR,
        allowed: 7,
        refused: 0,
    };
    fixture.store.add_usage(&[row]).await.unwrap();
    let listed = fixture.ask("GET /api/v1/credentials?cursor=declared&limit=1 as watcher").await;
    let vouched = r#""vouched":{"claims":{"environment":"production","run":7},"first_used":"2027-01-15T08:00:00Z","last_used":"2027-01-15T09:00:00Z","subject":"repo:acme/*","trust":"ci"}"#;
    assert!(listed.contains(vouched) && listed.contains(r#""created":null"#) && listed.contains(r#""kind":"oidc""#), "{listed}");
    let used = fixture.ask("GET /api/v1/usage?credential=DDDDDDDDDDD1 as olga").await;
    assert!(used.contains(r#""allowed":7"#), "{used}");
    assert!(fixture.ask("GET /api/v1/usage?credential=DDDDDDDDDDD2 as watcher").await.starts_with(r#"200 {"items":[]"#));

    let refused = "409 console.conflict: `DDDDDDDDDDD1` was not issued: `ledger` declares it as `ci`, and `ci` vouches for it";
    assert_eq!(fixture.ask("DELETE /api/v1/credentials/DDDDDDDDDDD1 as op").await, refused);
    assert_eq!(fixture.ask("POST /api/v1/credentials/DDDDDDDDDDD1/rotate as op\n\n{}").await, refused);
    let contain = async |caller: &str, kind: &str, name: &str, preview: bool| {
        let body = format!(r#"{{"kind":"{kind}","name":"{name}","preview":{preview}}}"#);
        fixture.ask_at(NOW + HOUR * 2, &format!("POST /api/v1/containments as {caller}\n\n{body}")).await
    };
    let before = fixture.store.last_seq().await.unwrap();
    for (kind, name) in [("credential", "DDDDDDDDDDD1"), ("issuer", "ci")] {
        let seen = contain("op", kind, name, true).await;
        assert!(seen.contains(r#""calls":7,"count":1"#), "{seen}");
    }
    assert_eq!(fixture.store.last_seq().await.unwrap(), before);
    assert!(contain("olga", "credential", "DDDDDDDDDDD3", false).await.starts_with("403 console.reach"));
    assert!(contain("olga", "credential", "DDDDDDDDDDD1", false).await.starts_with("200 "));
    assert!(contain("op", "issuer", "ci", false).await.starts_with("200 "));
    assert!(fixture.ask("GET /api/v1/containments?kind=issuer as watcher").await.contains(r#""kind":"issuer","name":"ci""#));
    let released = fixture.ask("DELETE /api/v1/containments/issuer/ci as op").await;
    assert!(released.starts_with("202 ") && released.contains(r#""state":"waiting""#), "a second person: {released}");
    *fixture.played.away.lock().unwrap() = Some(Away { since: NOW, why: "the database cannot be reached".into() });
    assert_eq!(fixture.ask("DELETE /api/v1/credentials/DDDDDDDDDDD1 as op").await, refused);
    for (kind, name) in [("credential", "DDDDDDDDDDD1"), ("issuer", "ci")] {
        assert!(contain("op", kind, name, false).await.contains("not yet on record"), "{kind}");
    }
    assert!(contain("olga", "issuer", "ci", false).await.starts_with("403 console.reach"));
    assert!(contain("op", "issuer", "elsewhere", false).await.starts_with("404 "));
}

#[tokio::test]
async fn what_stops_somebody_is_obeyed_by_its_name() {
    let fixture = Fixture::new().await;
    let issued = issue(&fixture, "op", r#"{"identity":"twin","name":"one"}"#).await;
    let id = Fixture::member(&issued, "id");
    for asked in [
        format!("DELETE /api/v1/credentials/{id}?reason=leaked as op"),
        "POST /api/v1/containments as op\n\n{\"kind\":\"owner\",\"name\":\"acme\",\"reason\":\"leaked\"}".to_owned(),
    ] {
        let said = fixture.ask(&asked).await;
        assert!(said.starts_with("200"), "{said}");
    }
    assert_eq!(*fixture.played.obeyed.lock().unwrap(), [format!("credential {id}"), "owner acme".to_owned()]);
}

#[tokio::test]
async fn a_secret_of_webhooks_is_made_or_given_kept_sealed_and_replaced() {
    const GIVEN: &str = "a-secret-that-was-agreed";
    let fixture = Fixture::new().await;
    let made = issue(&fixture, "op", r#"{"identity":"sender","kind":"hmac"}"#).await;
    assert!(made.starts_with("201 ") && made.contains(&format!(r#""key":"whsec_{KEY_SECRET}""#)), "{made}");
    assert_eq!((member(&made, "kind"), member(&made, "expires")), ("hmac".to_owned(), "2028-01-15T08:00:00Z".to_owned()));
    let given = format!(r#"{{"identity":"sender","name":"hook","secret":"{GIVEN}"}}"#);
    let said = issue(&fixture, "op", &given).await;
    assert!(said.starts_with("201 ") && !said.contains(r#""key""#) && !said.contains(GIVEN), "{said}");
    assert!(issue(&fixture, "op", &given).await.starts_with("409 console.limit"));

    assert!(fixture.ask("DELETE /api/v1/credentials/HOOK00000001 as op").await.starts_with("200 "));
    let body = format!(r#"{{"overlap":"1h","secret":"{GIVEN}-next"}}"#);
    let rotated = fixture.ask(&format!("POST /api/v1/credentials/HOOK00000002/rotate as op\n\n{body}")).await;
    assert!(rotated.starts_with("201 ") && !rotated.contains(GIVEN), "{rotated}");
    let record = fixture.store.identity_records(&[IdentityId::literal("sender")]).await.unwrap().records.pop().unwrap();
    let sealed = record.credentials.iter().filter_map(|one| one.sealed.as_ref());
    let opened: Vec<String> = sealed.map(|sealed| sealed.bytes().iter().map(|byte| char::from(byte ^ 0x5A)).collect()).collect();
    assert_eq!(opened, [format!("whsec_{KEY_SECRET}"), GIVEN.to_owned(), format!("{GIVEN}-next")]);
    let listed = fixture.ask("GET /api/v1/credentials?identity=sender as watcher").await;
    assert!(listed.starts_with("200 ") && !listed.contains("sealed") && !listed.contains(GIVEN), "{listed}");
    for entry in std::fs::read_dir(fixture.directory.path()).unwrap() {
        let dump = std::fs::read(entry.unwrap().path()).unwrap();
        assert!([GIVEN, KEY_SECRET].iter().all(|text| !dump.windows(text.len()).any(|window| window == text.as_bytes())));
    }
}
