use super::{Answered, NoAnswer, retry_after};
use http::StatusCode;
use serde_json::json;
use std::time::Duration;

#[test]
fn how_long_to_wait_is_said_in_seconds_or_from_the_answers_own_date() {
    const MADE: Option<&str> = Some("Mon, 23 Nov 2026 06:00:00 GMT");
    for (said, seconds) in [("0", 0), (" 120 ", 120), ("99999999999999999999999", u64::MAX)] {
        assert_eq!(retry_after(said, None), Some(Duration::from_secs(seconds)), "{said}");
    }
    for said in ["", "-1", "1.5", "soon", "Mon, 30 Nov 2026 06:00:00"] {
        assert_eq!(retry_after(said, MADE), None, "{said}");
    }
    let date = "Mon, 23 Nov 2026 06:02:00 GMT";
    assert_eq!(retry_after(date, MADE), Some(Duration::from_secs(120)), "whatever the clock here says");
    assert_eq!(retry_after(date, None), None, "of when, nobody knows");
    assert_eq!(retry_after("Mon, 23 Nov 2026 05:00:00 GMT", MADE), Some(Duration::ZERO), "that is over");
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
