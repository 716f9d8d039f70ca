//! What an identity may ask of `/tasks`, and by which limit.

use crate::{
    tasks::{Payer, place},
    upstream::Upstream,
};
use serde_json::json;

/// What ships is selected and replaced by its name.
#[test]
fn how_often_tasks_are_asked_for_is_limited_for_each_identity() {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    let limit = "kind: Limit\nname: default:tasks\nspec: { per: identity, rate: 1/h, burst: 3, select: { api: wardgate-tasks } }\n";
    place.write("resources/limit.yaml", limit);
    let gate = place.serve();
    let (payer, other) = (Payer::new(&place, &gate, "payer"), Payer::new(&place, &gate, "other"));
    let task = payer.start(&json!({}));
    let token = payer.token(&task);
    assert_eq!((payer.end(&task, "heartbeat").status, payer.tasks("GET /tasks", &[], "").status), (200, 200));
    let refused = payer.end(&task, "heartbeat");
    assert_eq!((refused.said(), refused.field("retry-after").is_some()), ("429 reserve.rate_exceeded".to_owned(), true), "{refused:?}");
    assert_eq!(payer.call("GET /ledger/entries", &token), "200", "what the task is for is none of it");
    assert_eq!(other.tasks("GET /tasks", &[], "").status, 200, "nobody else is harmed");
}
