use crate::call::testing::Fixture;

async fn announce(fixture: &Fixture, caller: &str, body: &str) -> String {
    fixture.ask(&format!("POST /api/v1/announcements as {caller}\n\n{body}")).await
}

#[tokio::test]
async fn who_answers_for_it_says_that_something_is_new() {
    let fixture = Fixture::signed_in().await;
    let made = announce(&fixture, "root", r#"{"kind":"identity","name":"op","for":"2h","reason":"deploy 1.4"}"#).await;
    assert!(made.starts_with("201") && made.contains(r#""kind":"identity","name":"op""#) && made.contains("deploy 1.4"), "{made}");
    let listed = fixture.ask("GET /api/v1/announcements as watcher").await;
    assert!(listed.contains(r#""name":"op""#), "{listed}");
    let changes = fixture.ask("GET /api/v1/changes?kind=announcement as watcher").await;
    assert!(changes.contains(r#""act":"announce""#) && changes.contains(r#""actor":"root""#), "{changes}");
    let refused = announce(&fixture, "op", r#"{"kind":"identity","name":"root","for":"2h"}"#).await;
    assert!(refused.starts_with("403 console.reach"), "{refused}");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_a_reason() {
    let fixture = Fixture::signed_in().await;
    for (body, said) in [
        (r#"{"kind":"owner","name":"payments","for":"2h"}"#, "422 console.unfit: `kind` is `identity` or `api`, not `owner`"),
        (r#"{"kind":"identity","name":"op","for":"36d"}"#, "422 console.unfit: `for` is a minute to 35 days"),
        (r#"{"kind":"identity","name":"op","for":"soon"}"#, "422 console.unfit: `for`:"),
        (r#"{"kind":"identity","name":"nobody","for":"2h"}"#, "404 console.not_found: there is no identity `nobody`"),
        (r#"{"kind":"api","name":"nothing","for":"2h"}"#, "404 console.not_found: there is no API `nothing`"),
    ] {
        let answer = announce(&fixture, "root", body).await;
        assert!(answer.starts_with(said), "{body}: {answer}");
    }
}
