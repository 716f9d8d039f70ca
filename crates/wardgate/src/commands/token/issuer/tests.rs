use super::{Answered, NoAnswer, retry_after};
use http::StatusCode;
use serde_json::json;
use std::time::Duration;

#[test]
fn how_long_to_wait_is_said_in_seconds() {
    for (said, seconds) in [("0", 0), (" 120 ", 120), ("99999999999999999999999", u64::MAX)] {
        assert_eq!(retry_after(said), Some(Duration::from_secs(seconds)), "{said}");
    }
    for said in ["", "-1", "1.5", "soon", "Mon, 23 Nov 2026 06:00:00 GMT"] {
        assert_eq!(retry_after(said), None, "{said}");
    }
}

#[test]
fn what_may_be_otherwise_later_says_when_and_what_is_refused_does_not() {
    let good = |status: StatusCode| {
        let said = json!({ "error": "an_error", "error_description": "why" });
        let after = Some(Duration::from_secs(7));
        Answered { status, said, request: "r".to_owned(), nonce: None, after }.good("token").unwrap_err()
    };
    for status in [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS, StatusCode::BAD_GATEWAY] {
        assert!(matches!(good(status), NoAnswer::Later { after: Some(after), .. } if after.as_secs() == 7), "{status}");
    }
    assert!(matches!(good(StatusCode::BAD_REQUEST), NoAnswer::Refused(why) if why == "no token: 400 an_error: why (request r)"));
}
