use crate::call::testing::{FIRST, Fixture, HOUR, KEY_SECRET, NOW};

#[tokio::test]
async fn a_session_from_first_to_last() {
    let fixture = Fixture::new().await;
    let sign_in = format!("POST /api/v1/sessions as root sign_in {FIRST}");
    assert_eq!(
        fixture.ask(&sign_in).await,
        format!(
            r#"201 {{"expires":"2027-01-15T20:00:00Z","id":"KEY000000001","identity":"root","token":"wgs_production_KEY000000001_{KEY_SECRET}"}}"#
        )
    );
    let again = fixture.ask(&sign_in).await;
    assert_eq!(again, format!("409 console.conflict: credential `{FIRST}` was used already"));

    let mine = "as root session KEY000000001";
    let whoami = r#"200 {"credential":"KEY000000001","environment":"production","expires":"2027-01-15T20:00:00Z","identity":"root","owner":"payments","proof":"session","roles":["admin"],"state":"active","team":null,"type":"service_account"}"#;
    assert_eq!(fixture.ask(&format!("GET /api/v1/whoami {mine}")).await, whoami);

    let renew = async |now| fixture.ask_at(now, &format!("POST /api/v1/sessions/renew {mine}")).await;
    assert_eq!(renew(NOW + HOUR * 11).await, r#"200 {"expires":"2027-01-16T07:00:00Z","id":"KEY000000001"}"#);
    for round in 2..16 {
        renew(NOW + HOUR * 11 * round).await;
    }
    let further = "409 console.conflict: session `KEY000000001` cannot be renewed any further: sign in again";
    assert_eq!(renew(NOW + HOUR * 167).await, further, "seven days are the end of it");
    assert_eq!(renew(NOW + HOUR * 169).await, further);

    assert_eq!(fixture.ask(&format!("DELETE /api/v1/sessions/current {mine}")).await, "204");
    let listed = fixture.ask("GET /api/v1/credentials?state=revoked as root").await;
    assert!(listed.contains(r#""id":"KEY000000001""#), "{listed}");
    let published = fixture.played.published.lock().unwrap().clone();
    assert_eq!(published.first(), Some(&3), "what was signed in with is spent by 2, the session is there by 3");
    assert_eq!(published.last(), Some(&fixture.store.last_seq().await.unwrap()), "each is published before it is answered");
}

#[tokio::test]
async fn a_sign_in_that_has_ended_is_no_use() {
    let fixture = Fixture::new().await;
    let late = fixture.ask_at(NOW + HOUR, &format!("POST /api/v1/sessions as root sign_in {FIRST}")).await;
    assert_eq!(late, format!("409 console.conflict: credential `{FIRST}` has expired"));
    let none = fixture.ask("POST /api/v1/sessions as root sign_in NOSUCHTHING0").await;
    assert_eq!(none, "404 console.not_found: there is no credential `NOSUCHTHING0`");
}
