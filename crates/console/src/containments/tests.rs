use crate::call::testing::{Fixture, HOUR, NOW};
use wardgate_model::id::{ApiName, CredentialId, IdentityId};
use wardgate_store::{TOKEN_ENDED, UsageRow, Who};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

async fn contain(fixture: &Fixture, caller: &str, body: &str) -> String {
    fixture.ask(&format!("POST /api/v1/containments as {caller}\n\n{body}")).await
}

async fn world() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.apply("a.yaml Identity/ledger {\"owner\":\"payments\"}\na.yaml Identity/stranger {\"owner\":\"cards\"}").await;
    fixture
}

#[tokio::test]
async fn one_persons_act_is_obeyed_and_idempotent() {
    let fixture = world().await;
    let body = r#"{"kind":"identity","name":"ledger","reason":"leaked"}"#;
    let said = contain(&fixture, "op", body).await;
    let view = r#"{"actor":"op","kind":"identity","name":"ledger","reason":"leaked","revision":4,"since":"2027-01-15T08:00:00Z"}"#;
    assert_eq!(said, format!(r#"200 "4" {{"containment":{view}}}"#));
    // Its own change, and not the last of all: whoever stops waits for nobody's import.
    assert_eq!(*fixture.played.published.lock().unwrap().last().unwrap(), 4);
    assert_eq!(fixture.states().await, "ledger quarantined\nstranger active");
    assert_eq!(contain(&fixture, "rita", r#"{"kind":"identity","name":"ledger","reason":"again"}"#).await, said);
    fixture
        .apply("a.yaml Identity/ledger {\"owner\":\"payments\",\"purpose\":\"x\"}\na.yaml Identity/stranger {\"owner\":\"cards\"}")
        .await;
    assert_eq!(fixture.states().await, "ledger quarantined\nstranger active", "no file undoes it");
    assert!(contain(&fixture, "op", r#"{"kind":"owner","name":"cards"}"#).await.starts_with("200"));
    let first = fixture.ask("GET /api/v1/containments?limit=1 as watcher").await;
    assert!(first.contains(&view[..40]) && first.ends_with(r#""next":"identity/ledger"}"#), "{first}");
    let rest = fixture.ask("GET /api/v1/containments?cursor=identity/ledger as watcher").await;
    assert!(rest.contains(r#""kind":"owner","name":"cards""#) && rest.ends_with(r#""next":null}"#), "{rest}");
    let owners = fixture.ask("GET /api/v1/containments?kind=owner as watcher").await;
    assert!(owners.contains("cards") && !owners.contains("ledger"), "{owners}");
    let own = fixture.ask("GET /api/v1/containments as olga").await;
    assert!(own.contains("ledger") && !own.contains("cards"), "{own}");
}

#[tokio::test]
async fn what_cannot_be_stopped_is_said() {
    let fixture = world().await;
    let before = fixture.store.last_seq().await.unwrap();
    for (caller, kind, name, said) in [
        ("op", "identity", "nobody", "404 console.not_found: there is no identity `nobody`, and there was none"),
        ("op", "owner", "nobody", "404 console.not_found: there is no owner `nobody`, and there was none"),
        ("op", "credential", "KEY000000009", "404 console.not_found: there is no credential `KEY000000009`"),
        ("op", "pony", "x", "422 console.unfit: `kind` is `identity`, `credential`, `task`, `owner`, `issuer` or `token`, not `pony`"),
        ("op", "token", "x", "422 console.unfit: `x` is no token of ours: name it by its `jti`, 32 digits of 0-9 and a-f"),
        ("op", "task", "x", "404 console.not_found: there is no task `x`, and there was none"),
        ("op", "issuer", "x", "404 console.not_found: there is no issuer `x`, and there was none"),
        (
            "olga",
            "issuer",
            "ci",
            "403 console.reach: the trust source `ci` vouches for identities of any owner, the caller acts for `payments`",
        ),
        ("olga", "token", TOKEN, "403 console.reach: a token may be of any owner, the caller acts for `payments`"),
        ("olga", "identity", "stranger", "403 console.reach: `stranger` is of the owner `cards`, the caller acts for `payments`"),
        ("olga", "owner", "cards", "403 console.reach: this is of the owner `cards`, the caller acts for `payments`"),
    ] {
        assert_eq!(contain(&fixture, caller, &format!(r#"{{"kind":"{kind}","name":"{name}"}}"#)).await, said);
    }
    let free = fixture.ask("DELETE /api/v1/containments/identity/ledger as root").await;
    assert_eq!(free, "404 console.not_found: identity `ledger` is not contained");
    assert_eq!(fixture.store.last_seq().await.unwrap(), before);
}

#[tokio::test]
async fn a_preview_tells_who_would_break_and_changes_nothing() {
    let fixture = world().await;
    let row = |identity: &'static str, credential: Option<&str>, allowed| UsageRow {
        credential: credential.and_then(CredentialId::parse),
        identity: IdentityId::literal(identity),
        api: ApiName::literal("shop"),
        operation: "shop GET /things".into(),
        source: "10.0.0.0/24".into(),
        first: NOW,
        last: NOW + HOUR,
        allowed,
        refused: 1,
    };
    fixture.store.add_usage(&[row("ledger", Some("KEY000000001"), 7), row("stranger", None, 5)]).await.unwrap();
    let before = fixture.store.last_seq().await.unwrap();
    let later = NOW + HOUR * 2;
    let ask = async |kind: &str, name: &str| {
        let body = format!(r#"{{"kind":"{kind}","name":"{name}","preview":true}}"#);
        fixture.ask_at(later, &format!("POST /api/v1/containments as op\n\n{body}")).await
    };
    let said = ask("identity", "ledger").await;
    assert!(
        said.starts_with(r#"200 {"containment":null,"preview":{"breaks":true,"calls":7,"count":1,"from":"2027-01-15T08:00:00Z""#),
        "{said}"
    );
    assert!(said.contains(r#""open":1"#) && said.contains(r#""owner":"payments""#) && !said.contains("stranger"), "{said}");
    let owner = ask("owner", "cards").await;
    assert!(owner.contains(r#""identity":"stranger""#) && owner.contains(r#""calls":5"#) && !owner.contains("ledger"), "{owner}");
    assert_eq!(fixture.store.last_seq().await.unwrap(), before);
    assert!(fixture.store.containments().await.unwrap().is_empty());
}

/// Whose a token is stands nowhere: it is stopped by its `jti`, and nothing can be told beforehand.
#[tokio::test]
async fn one_token_is_stopped_by_its_id_and_listed() {
    let fixture = world().await;
    let body = |preview: bool| format!(r#"{{"kind":"token","name":"{TOKEN}","reason":"found in a log","preview":{preview}}}"#);
    let preview = contain(&fixture, "op", &body(true)).await;
    assert_eq!(preview, "422 console.unfit: use is not counted by token: nothing can be told beforehand");
    let posing = contain(&fixture, "op", &body(false).replace("found in a log", TOKEN_ENDED)).await;
    assert_eq!(posing, "422 console.unfit: this reason is the one of clients that end tokens of their own");
    assert!(fixture.store.containments().await.unwrap().is_empty());
    assert!(contain(&fixture, "op", &body(false)).await.starts_with("200"));
    let listed = fixture.ask("GET /api/v1/containments?kind=token as watcher").await;
    assert!(listed.contains(TOKEN) && listed.contains("found in a log"), "{listed}");
    let free = fixture.ask(&format!("DELETE /api/v1/containments/token/{TOKEN} as root")).await;
    assert!(free.starts_with("202"), "{free}");
    // What its client ended meanwhile nobody brings back: neither who agreed to that before, nor who asks for it now.
    let approval = free.split(r#""id":""#).nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let client = Who::Identity(IdentityId::literal("ledger"));
    assert!(fixture.store.end_token(client, TOKEN, NOW + HOUR).await.unwrap().is_for_good());
    let agreed = fixture.ask(&format!("POST /api/v1/approvals/{approval}/approve as rita")).await;
    assert!(!agreed.starts_with("200"), "{agreed}");
    let free = fixture.ask(&format!("DELETE /api/v1/containments/token/{TOKEN} as root")).await;
    assert_eq!(free, "409 console.conflict: its client ended the token: nobody brings it back");
    assert_eq!(fixture.store.containments().await.unwrap().len(), 1);
}
