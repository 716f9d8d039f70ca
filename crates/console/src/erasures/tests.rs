use super::{ErasureState, ErasureView};
use crate::call::testing::{Fixture, NOW};

pub(crate) fn played() -> ErasureView {
    ErasureView {
        id: "0123456789abcdef0123456789abcdef".to_owned(),
        state: ErasureState::Running,
        begun: NOW.to_rfc3339(),
        ended: None,
        events: 9,
        segments: 2,
        looked_at: 1,
        failed: 0,
        outstanding: None,
        code: None,
        detail: None,
    }
}

#[tokio::test]
async fn what_is_erased_says_of_whom_and_why() {
    let fixture = Fixture::new().await;
    let ask = async |body: &str| fixture.ask(&format!("POST /api/v1/audit/erasures as rosa\n\n{body}")).await;
    let begun = ask(r#"{"subject":"person:ab12","reason":"asked for"}"#).await;
    assert!(begun.starts_with("202 ") && begun.contains(r#""state":"running""#), "{begun}");
    let alone = ask(r#"{"subject":"ab12","reason":"asked for"}"#).await;
    assert!(alone.starts_with("422 console.unfit: `ab12` alone may mean many things"), "{alone}");
    let silent = ask(r#"{"subject":"person:ab12","reason":" "}"#).await;
    assert!(silent.starts_with("422 console.unfit: `reason` says why"), "{silent}");
    for malformed in [r#"{"subject":"person:ab12"}"#, r#"{"subject":1,"reason":"x"}"#, r#"{"subject":"a:b","reason":"x","now":true}"#, "x"]
    {
        assert!(ask(malformed).await.starts_with("400 console.malformed"), "{malformed}");
    }
}

#[tokio::test]
async fn how_far_it_is_can_be_asked() {
    let fixture = Fixture::new().await;
    let begun = fixture.ask("POST /api/v1/audit/erasures as rosa\n\n{\"subject\":\"person:ab12\",\"reason\":\"asked for\"}").await;
    let id = Fixture::member(&begun, "id");
    let told = fixture.ask(&format!("GET /api/v1/audit/erasures/{id} as rosa")).await;
    assert!(told.starts_with("200 ") && told.contains(r#""outstanding":null"#), "{told}");
    let unknown = fixture.ask("GET /api/v1/audit/erasures/ff as rosa").await;
    assert!(unknown.starts_with("404 console.not_found: no erasure `ff` is known here"), "{unknown}");
}
