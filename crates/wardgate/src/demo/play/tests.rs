use super::{Play, Side, Want};
use crate::demo::caller::Answer;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};

fn answer(status: u16, code: Option<&str>) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert("wardgate-request-id", HeaderValue::from_static("x"));
    if code.is_some() {
        headers.insert("content-type", HeaderValue::from_static("application/problem+json"));
    }
    let body = code.map_or(Value::Null, |code| json!({ "code": code }));
    Answer { status: StatusCode::from_u16(status).unwrap(), headers, body }
}

fn play(steps: &[(Side, Answer, usize, Want)]) -> Play {
    let mut play = Play::default();
    for (side, answer, reached, want) in steps {
        play.note(*side, "somebody", "GET /x".into(), answer, *reached, *want);
    }
    play
}

#[test]
fn a_scene_holds_only_when_all_went_as_promised() {
    let served = (Side::Honest, answer(200, None), 1, Want::Served);
    let stopped = (Side::Abuse, answer(403, Some("standing.denied")), 0, Want::Refused("standing.denied"));
    assert!(play(&[served.clone(), stopped.clone()]).held());

    let leaked = (Side::Abuse, answer(403, Some("standing.denied")), 1, Want::Refused("standing.denied"));
    assert!(!play(&[served.clone(), leaked]).held(), "refused, and the upstream heard of it");
    let other = (Side::Abuse, answer(403, Some("rule.forbidden")), 0, Want::Refused("standing.denied"));
    assert!(!play(&[served.clone(), other]).held(), "refused for another reason");
    let upstreams = (Side::Abuse, answer(403, None), 0, Want::Refused("standing.denied"));
    assert!(!play(&[served.clone(), upstreams]).held(), "a refusal that is not ours");
    let unreached = (Side::Honest, answer(200, None), 0, Want::Served);
    assert!(!play(&[unreached, stopped.clone()]).held(), "served by nobody");
    assert!(
        !play(std::slice::from_ref(&served)).held() && !play(std::slice::from_ref(&stopped)).held() && !Play::default().held(),
        "one side alone shows nothing"
    );

    let mut claimed = play(&[served, stopped]);
    claimed.claim("the moon is made of cheese", false);
    assert!(!claimed.held());
    assert_eq!(claimed.detail(), "not so: the moon is made of cheese");
    assert_eq!((claimed.sent(), claimed.reached()), (2, 1));
}
