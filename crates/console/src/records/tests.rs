use crate::call::testing::{Fixture, NOW};
use wardgate_model::{id::IdentityId, inventory::IdentityState};
use wardgate_store::{Actor, Who};

#[tokio::test]
async fn resources_and_what_happened_to_them() {
    let fixture = Fixture::new().await;
    fixture
        .apply(
            "a.yaml Identity/bot {}\na.yaml Identity/ledger {\"owner\":\"payments\"}\nb.yaml Owner/payments {}\nb.yaml Policy/team:one {}",
        )
        .await;
    let root = Actor::new(Who::Identity(IdentityId::literal("root")), "leaked key");
    fixture.store.set_identity_state(&root, &IdentityId::literal("ledger"), IdentityState::Quarantined, NOW).await.unwrap();
    let ask = async |path: &str| fixture.ask(&format!("GET /api/v1/resources/{path} as watcher")).await;
    assert_eq!(
        ask("Identity/ledger").await,
        r#"200 "3" {"kind":"Identity","name":"ledger","origin":"file:a.yaml","revision":3,"spec":{"owner":"payments"},"status":{"approver":null,"claim_by":null,"claim_overdue":false,"evidence":"","reason":"leaked key","requester":"file:a.yaml","resumes_to":"active","revision":7,"since":"2027-01-15T08:00:00Z","state":"quarantined"}}"#
    );
    let owner = r#"{"kind":"Owner","name":"payments","origin":"file:b.yaml","revision":4,"spec":{}}"#;
    assert_eq!(ask("owner/payments").await, format!(r#"200 "4" {owner}"#));
    assert_eq!(ask("Owner").await, format!(r#"200 {{"items":[{owner}],"next":null}}"#));
    let first = ask("Identity?limit=1").await;
    assert!(first.contains(r#""name":"bot""#) && first.ends_with(r#""next":"bot"}"#), "{first}");
    let second = ask("Identity?limit=1&cursor=bot").await;
    assert!(second.contains(r#""name":"ledger""#) && second.ends_with(r#""next":null}"#), "{second}");
    let policy = r#"{"kind":"Policy","name":"team:one","origin":"file:b.yaml","revision":5,"spec":{}}"#;
    assert_eq!(ask("Policy/team%3aone").await, format!(r#"200 "5" {policy}"#));
    assert_eq!(ask("Policy/team%3").await, "400 console.malformed: `team%3` in the path is not percent-encoded UTF-8");
    assert_eq!(ask("Owner/nobody").await, "404 console.not_found: there is no Owner `nobody`");
    assert_eq!(ask("Owner/paymens").await, "404 console.not_found: there is no Owner `paymens`: did you mean `payments`?");
    let kinds = ask("Pony").await;
    assert!(
        kinds.starts_with("404 console.not_found: there is no kind `Pony`; the kinds are `Owner`, `Environment`, `Identity`"),
        "{kinds}"
    );
}
