use super::{Wanted, open, read};
use serde_json::json;
use wardgate_model::secret::Secret;

fn why(result: anyhow::Result<impl Sized>) -> String {
    result.err().map(|error| error.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn without_a_session_it_is_said_how_to_come_by_one() {
    let empty = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(why(open(Wanted::default(), empty.path()).await), @"there is no profile here or above: run `wardgate sign-in` in the directory of wardgate.yaml, or set WARDGATE_TOKEN");
    let sign_in = Wanted { url: None, token: Some(Secret::new("wga_x".into())) };
    insta::assert_snapshot!(why(open(sign_in, empty.path()).await), @"WARDGATE_TOKEN holds a sign-in credential: swap it with `wardgate sign-in`, which takes it on standard input");
}

#[tokio::test]
async fn a_profiles_session_goes_nowhere_else() {
    use crate::profile::{Held, Profile};
    let place = tempfile::tempdir().unwrap();
    let held = Held::beside(&place.path().join("wardgate.yaml")).unwrap();
    held.write(&Profile { url: "http://127.0.0.1:9080".into(), sign_in: None, session: None }).unwrap();
    drop(held);
    let elsewhere = Wanted { url: Some("http://127.0.0.1:1".into()), token: None };
    let error = why(open(elsewhere, place.path()).await);
    assert!(error.contains("is for http://127.0.0.1:9080, not for http://127.0.0.1:1"), "{error}");
    insta::assert_snapshot!(why(open(Wanted::default(), place.path()).await), @"there is no session: run `wardgate sign-in`, or `wardgate sign-in --offline` when nothing is serving");
}

#[test]
fn a_session_is_read_whole_or_not_at_all() {
    let session = read(&json!({ "token": "wgs_x", "expires": "2030-03-17T17:46:40Z" }), None).unwrap();
    assert_eq!((session.token.danger_expose().as_str(), session.expires.to_rfc3339().as_str()), ("wgs_x", "2030-03-17T17:46:40Z"));
    let kept = Secret::new("wgs_old".to_owned());
    let renewed = read(&json!({ "expires": "2030-03-17T17:46:40Z" }), Some(&kept)).unwrap();
    assert_eq!(renewed.token, kept);
    insta::assert_snapshot!(why(read(&json!({ "expires": "2030-03-17T17:46:40Z" }), None)), @"the answer holds no session");
    insta::assert_snapshot!(why(read(&json!({ "token": "wgs_x" }), None)), @"the answer does not say when the session ends");
}
