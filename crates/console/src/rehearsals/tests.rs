use crate::call::testing::{Fixture, HOUR, NOW};

const UNTIL: &str = "2027-01-15T08:30:00Z";

fn canary(more: &str) -> String {
    format!(r#"{{"spec":{{"type":"bot","owner":"payments","environment":"production","purpose":"a rehearsal","until":"{UNTIL}"{more}}}}}"#)
}

async fn made(fixture: &Fixture, by: &str, name: &str, more: &str) {
    let put = fixture.ask(&format!("PUT /api/v1/resources/identity/{name} as {by}\n\n{}", canary(more))).await;
    assert!(put.starts_with("201"), "{put}");
}

async fn begin(fixture: &Fixture, by: &str, body: &str) -> String {
    fixture.ask(&format!("POST /api/v1/rehearsals as {by}\n\n{body}")).await
}

const CANARY: &str = r#"{"identity":"drill-a","for":"30m","production":true,"reason":"a drill"}"#;

#[tokio::test]
async fn a_canary_is_active_until_it_is_over() {
    let fixture = Fixture::signed_in().await;
    made(&fixture, "root", "drill-a", "").await;
    assert_eq!(fixture.states().await, "drill-a requested");
    let begun = begin(&fixture, "root", CANARY).await;
    assert!(begun.starts_with("201") && begun.contains(r#""identity":"drill-a""#), "{begun}");
    assert_eq!(fixture.states().await, "drill-a active");
    let listed = fixture.ask("GET /api/v1/rehearsals as watcher").await;
    assert!(listed.contains("drill-a") && listed.contains("a drill"), "{listed}");
    let longer = canary("").replace(UNTIL, "2030-01-01");
    let kept = fixture.ask(&format!("PUT /api/v1/resources/identity/drill-a as root\n\n{longer}")).await;
    assert_eq!(kept, "409 console.conflict: `Identity/drill-a` is made for a rehearsal, and stays as it was made");
    let again = begin(&fixture, "root", CANARY).await;
    assert!(again.starts_with("409"), "{again}");
    let ended = fixture.ask("DELETE /api/v1/rehearsals/drill-a?reason=over as rosa").await;
    assert!(ended.starts_with("200"), "{ended}");
    assert_eq!(fixture.states().await, "drill-a retired");
    assert_eq!(fixture.ask("GET /api/v1/rehearsals as watcher").await, r#"200 {"items":[],"next":null}"#);
    let twice = fixture.ask("DELETE /api/v1/rehearsals/drill-a as rosa").await;
    assert!(twice.starts_with("200"), "whoever cleans up twice is not refused: {twice}");
    let changes = fixture.ask("GET /api/v1/changes?kind=rehearsal as watcher").await;
    assert!(changes.contains(r#""act":"create""#) && changes.contains(r#""act":"remove""#), "{changes}");
    let late = fixture.ask_at(NOW + HOUR, "GET /api/v1/rehearsals as watcher").await;
    assert!(late.contains(r#""items":[]"#), "{late}");
}

#[tokio::test]
async fn nothing_else_becomes_active_that_way() {
    let fixture = Fixture::signed_in().await;
    made(&fixture, "root", "drill-a", "").await;
    made(&fixture, "root", "ledger-two", "").await;
    made(&fixture, "rosa", "drill-b", "").await;
    made(&fixture, "root", "drill-d", r#","tags":{"a":"b"}"#).await;
    // It ends soon, and not with the rehearsal.
    let long = canary("").replace(UNTIL, "2027-01-15T09:30:00Z");
    let long = fixture.ask(&format!("PUT /api/v1/resources/identity/drill-c as root\n\n{long}")).await;
    assert!(long.starts_with("201"), "{long}");
    let said = |of: &str, more: &str| format!(r#"{{"identity":"{of}","for":"30m"{more}}}"#);
    let production = r#","production":true"#;
    for (by, body, refused) in [
        ("op", said("drill-a", production), "403 console.reach: a rehearsal takes the role `security` or `admin`"),
        (
            "root",
            said("drill-a", ""),
            "422 console.unfit: `drill-a` is of the environment `production`, which is production or shared with it",
        ),
        ("root", said("ledger-two", production), "422 console.unfit: `ledger-two`: the names of identities that are made for rehearsals"),
        ("root", said("drill-b", production), "403 console.undecidable: `drill-b` was asked for by somebody else"),
        ("root", said("drill-c", production), "422 console.unfit: `drill-c` does not end with the rehearsal"),
        (
            "root",
            said("drill-d", production),
            "422 console.unfit: `drill-d` has another type than `bot`, or a team, a business function or tags",
        ),
        ("root", said("drill-z", production), "404 console.not_found: there is no identity `drill-z`"),
        ("root", said("drill-a", production).replace("30m", "3h"), "422 console.unfit: `for` is ten seconds to two hours"),
        (
            "root",
            said("drill-a", r#","production":true,"taught":{"days":3,"habits":[{"operation":"a GET /","per_hour":1,"from":"127.0.0.1"}]}"#),
            "422 console.unfit: `drill-a` cannot be taught",
        ),
    ] {
        let answer = begin(&fixture, by, &body).await;
        assert!(answer.starts_with(refused), "{body}: {answer}");
    }
    made(&fixture, "root", "drill-e", "").await;
    let habit = |more: &str| format!(r#"{{"operation":"a GET /","per_hour":1,"from":"127.0.0.1"{more}}}"#);
    for (habits, refused) in [
        (
            habit(&format!(r#","user_agent":"{}""#, "x".repeat(1_025))),
            "422 console.unfit: `taught`: what software is known by has at most 1024 bytes",
        ),
        (vec![habit(""); 1_200].join(","), "422 console.unfit: `taught` has at most 65536 bytes"),
    ] {
        let taught = format!(r#"{production},"taught":{{"days":3,"habits":[{habits}]}}"#);
        let answer = begin(&fixture, "root", &said("drill-e", &taught)).await;
        assert!(answer.starts_with(refused), "{answer}");
    }
    let states = fixture.states().await;
    // Only one was as it should be; nobody rehearses with it, since nothing could be taught of it.
    assert_eq!(states, "drill-a retired\ndrill-b requested\ndrill-c requested\ndrill-d requested\ndrill-e requested\nledger-two requested");
    assert_eq!(fixture.ask("GET /api/v1/rehearsals as watcher").await, r#"200 {"items":[],"next":null}"#);
}

#[tokio::test]
async fn names_of_rehearsals_are_kept_for_them() {
    let fixture = Fixture::signed_in().await;
    let kept = "422 console.unfit: `drill-press`: names that begin with `drill-` are kept for rehearsals: bots with an `until` within 2 hours from now";
    let ordinary = canary("");
    for spec in [
        ordinary.replace(&format!(r#","until":"{UNTIL}""#), ""),
        ordinary.replace(UNTIL, "2027-01-15T10:00:01Z"),
        ordinary.replace(UNTIL, "soon"),
        ordinary.replace(r#""type":"bot""#, r#""type":"service_account""#),
    ] {
        assert_eq!(fixture.ask(&format!("PUT /api/v1/resources/identity/drill-press as root\n\n{spec}")).await, kept, "{spec}");
        let document = format!(r#"{{"kind":"Identity","name":"drill-press",{}"#, spec.strip_prefix('{').unwrap());
        let applied = fixture.ask(&format!("POST /api/v1/apply as root\n\n{{\"documents\":[{document}]}}")).await;
        assert_eq!(applied, kept, "{spec}");
    }
    assert_eq!(fixture.states().await, "");
    // What is not named so is as ever.
    let put = |spec: String| format!("PUT /api/v1/resources/identity/drilling as root\n\n{spec}");
    assert!(fixture.ask(&put(ordinary.clone())).await.starts_with("201"));
    assert!(fixture.ask(&put(ordinary.replace(UNTIL, "2030-01-01"))).await.starts_with("200"));
    // A file may, and what it declares is changed there.
    let spec = r#"{"type":"service_account","owner":"payments","environment":"production","purpose":"drills holes"}"#;
    fixture.apply(&format!("a.yaml Identity/drill-press {spec}")).await;
    let changed =
        fixture.ask(&format!("PUT /api/v1/resources/identity/drill-press as root\n\n{{\"spec\":{spec}}}").replace("holes", "wells")).await;
    assert!(changed.starts_with("409 console.conflict: resource `Identity/drill-press` comes from the file `a.yaml`"), "{changed}");
}
