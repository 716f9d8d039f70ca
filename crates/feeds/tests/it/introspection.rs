//! What an issuer says of an opaque token.

use crate::fixture::{Names, PATIENCE, Reply, Server, answer, json, reach, soon, until};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinSet,
};
use wardgate_feeds::{
    fetch::{Bounds, Fetcher},
    introspection::{Authentication, Endpoint, Introspected, Introspection},
    roots::Roots,
    target::Target,
};
use wardgate_model::secret::Secret;

fn endpoint(target: Target) -> Endpoint {
    Endpoint {
        target,
        authentication: Authentication::Basic { id: "gate:1".into(), secret: Secret::new("s%cret é".into()) },
        reach: reach(&["127.0.0.0/8"]),
        roots: Roots::system().unwrap(),
        bounds: Bounds { connect: PATIENCE, whole: PATIENCE, ..Endpoint::BOUNDS },
        places: 2,
        waiters: 3,
    }
}

fn asking(endpoint: Endpoint) -> Introspection {
    Introspection::new(Fetcher::new(Arc::new(Names::default())), endpoint).unwrap()
}

async fn said(introspection: &Introspection, token: &str) -> String {
    match soon(introspection.ask(token)).await {
        Ok(Introspected::Active(members)) => Value::Object(members).to_string(),
        Ok(Introspected::Inactive) => "inactive".into(),
        Err(fault) => format!("no: {fault}"),
    }
}

#[tokio::test]
async fn a_question_says_who_asks_and_what_is_asked() {
    let server = Server::start(|_, _| json(r#"{"active":true,"sub":"x"}"#)).await;
    let introspection = asking(endpoint(server.target("/introspect")));
    assert_eq!(said(&introspection, "a b&active=1").await, r#"{"active":true,"sub":"x"}"#);
    let request = server.requests().remove(0);
    assert!(request.starts_with("POST /introspect HTTP/1.1\r\n"), "{request}");
    // `gate%3A1:s%25cret+%C3%A9`: both parts are encoded before they are joined.
    assert!(request.contains("\r\nauthorization: Basic Z2F0ZSUzQTE6cyUyNWNyZXQrJUMzJUE5\r\n"), "{request}");
    assert!(request.contains("\r\ncontent-type: application/x-www-form-urlencoded\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\ntoken=a+b%26active%3D1&token_type_hint=access_token"), "{request}");
    assert!(!format!("{introspection:?}").contains("Basic"));

    let bearer = Endpoint { authentication: Authentication::Bearer(Secret::new("t0k".into())), ..endpoint(server.target("/")) };
    said(&asking(bearer), "t").await;
    assert!(server.requests()[1].contains("\r\nauthorization: Bearer t0k\r\n"));
    let broken = Endpoint { authentication: Authentication::Bearer(Secret::new("a\r\nb".into())), ..endpoint(server.target("/")) };
    assert!(Introspection::new(Fetcher::new(Arc::new(Names::default())), broken).is_err());
}

#[tokio::test]
async fn an_answer_counts_only_when_it_can_be_read_in_one_way() {
    let silent = "no: the answer of the introspection endpoint does not say `active`";
    let refused = "no: the introspection endpoint does not accept how we say who we are";
    let twice = "no: the answer of the introspection endpoint cannot be read: the member `active` is there twice";
    for (reply, answered) in [
        (json(r#"{"active":false,"sub":"x"}"#), "inactive"),
        (json(r#"{"active":true,"active":false}"#), twice),
        (json(r#"{"active":"true"}"#), silent),
        (json(r#"{"active":1}"#), silent),
        (json(r#"{"Active":true}"#), silent),
        (json("{}"), silent),
        (json("true"), "no: the answer of the introspection endpoint cannot be read: JSON, but no object"),
        (answer("401 Unauthorized", &[], r#"{"active":true}"#), refused),
        (answer("403 Forbidden", &[], ""), refused),
        (answer("201 Created", &[], r#"{"active":true}"#), "no: it answered 201 Created"),
        (answer("200 OK", &["content-type: text/html"], r#"{"active":true}"#), "no: the body is `text/html`"),
        (answer("302 Found", &["location: /other"], ""), "no: it sends us to `/other`: redirects are not followed"),
        (answer("200 OK", &[], &" ".repeat(70_000)), "no: it has more than 65536 bytes"),
    ] {
        let shown = format!("{reply:?}");
        let server = Server::start(move |_, _| reply.clone()).await;
        let introspection = asking(endpoint(server.target("/")));
        assert_eq!(said(&introspection, "t").await, answered, "{}", &shown[..shown.len().min(100)]);
        assert_eq!(server.requests().len(), 1);
    }
    let server = Server::start(|_, _| json(r#"{"active":true}"#)).await;
    let introspection = asking(endpoint(server.target("/")));
    assert_eq!(said(&introspection, &"t".repeat(20_000)).await, "no: a token of more than 16384 bytes is not asked about");
    let inner = asking(Endpoint { reach: reach(&[]), ..endpoint(server.target("/")) });
    assert!(said(&inner, "t").await.contains("this machine itself"));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn questions_are_few_at_a_time_and_those_that_wait_are_counted() {
    let server = Server::start(|_, _| Reply::Hang(Vec::new())).await;
    let within = |whole| Bounds { connect: PATIENCE, whole, ..Endpoint::BOUNDS };
    let bounds = within(PATIENCE);
    let introspection = Arc::new(asking(Endpoint { bounds, ..endpoint(server.target("/")) }));
    let (open, mut asked) = (Arc::new(Notify::new()), JoinSet::new());
    for number in 0..5 {
        let (introspection, open) = (Arc::clone(&introspection), Arc::clone(&open));
        asked.spawn(async move {
            let token = format!("t{number}");
            tokio::select! {
                said = introspection.ask(&token) => said.map_err(|fault| fault.to_string()).map(drop),
                () = open.notified() => Ok(()),
            }
        });
    }
    until(|| server.connections() == 2).await;
    assert_eq!(said(&introspection, "t").await, "no: the introspection endpoint is asked too much at once");
    assert_eq!((server.connections(), introspection.turned_away()), (2, 1));
    open.notify_waiters();
    asked.shutdown().await;
    let introspection = asking(Endpoint { bounds: within(Duration::from_millis(400)), ..endpoint(server.target("/")) });
    assert!(matches!(introspection.ask("t").await, Err(fault) if fault.to_string() == "the answer was not over within 400 ms"));
}

#[tokio::test]
async fn many_who_show_one_new_token_cause_one_question() {
    let told = Arc::new(Semaphore::new(0));
    let by = Arc::clone(&told);
    let server = Server::start(move |number, request| {
        let Reply::Whole(bytes) = json(&format!(r#"{{"active":true,"sub":"s{number}"}}"#)) else { panic!("{request}") };
        Reply::Held(Arc::clone(&by), bytes)
    })
    .await;
    let introspection = Arc::new(asking(endpoint(server.target("/"))));
    let burst = |size: usize| {
        let mut burst = JoinSet::new();
        for _ in 0..size {
            let introspection = Arc::clone(&introspection);
            burst.spawn(async move { said(&introspection, "t0k").await });
        }
        burst
    };
    // More than have a place or may wait for one; who asked goes away before the answer, and another asks in its place.
    let mut first = burst(1);
    until(|| server.requests().len() == 1).await;
    let others = burst(40);
    until(|| introspection.waiting() == 41).await;
    first.shutdown().await;
    until(|| server.requests().len() == 2).await;
    // One for the answer that nobody waits for any more.
    told.add_permits(2);
    let said_to = soon(others.join_all()).await;
    assert_eq!(said_to, vec![r#"{"active":true,"sub":"s1"}"#; 40]);
    assert_eq!((introspection.questions(), introspection.waiting(), introspection.turned_away()), (2, 0, 0));
    // An answer is for those who asked before it came: a token may have been taken back since.
    told.add_permits(1);
    assert_eq!(said(&introspection, "t0k").await, r#"{"active":true,"sub":"s2"}"#);
    // Another token is another question.
    told.add_permits(1);
    assert_eq!(said(&introspection, "t1k").await, r#"{"active":true,"sub":"s3"}"#);
}
