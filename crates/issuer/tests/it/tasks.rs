//! Tokens of a task: what comes of one is for no more than it, in whatever words it is asked for.

use crate::hops::{Beside, EXCHANGE, OPEN, after, claims, resource, told};
use proptest::prelude::{Strategy, prop, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use wardgate_gate::{Change, Snapshot};
use wardgate_issuer::place::Endpoint;
use wardgate_model::{
    api::OperationClass,
    grant::OperationSelector,
    id::{ApiName, IdentityId, PurposeName, TaskId},
    task::{Budget, Task, TaskState, is_narrower},
};
use wardgate_testkit::world::{DAWN, TestWorld};

const TASK: &str = "t-1";
const MOST: [(&str, Option<u64>); 3] = [("max_calls", Some(10)), ("max_bytes", None), ("max_records", Some(500))];

/// Ann has a task at the first API, behind which Bob stands; it is over after four minutes.
fn world() -> TestWorld {
    let mut world = OPEN.world();
    let [(_, calls), (_, bytes), (_, records)] = MOST;
    let task = Task {
        id: TaskId::literal(TASK),
        identity: IdentityId::literal("ann"),
        purpose: PurposeName::literal("settlement"),
        api: ApiName::literal("one"),
        operations: [OperationClass::List, OperationClass::Write].map(OperationSelector::Class).into(),
        resources: ["a*".into(), "b".into()].into(),
        budget: Budget { calls, bytes, records },
        ends: DAWN + Duration::from_mins(4),
        lease: None,
        beat: DAWN,
        state: TaskState::Open,
    };
    let before = &world.snapshot;
    let mut population = before.population().clone();
    population.extend([Change::Task(Arc::new(task))]);
    let trust = Arc::clone(before.trust());
    world.snapshot = Snapshot::new(before.number() + 1, population, Arc::clone(before.estate())).trusting(trust);
    world
}

fn escaped(value: &Value) -> String {
    value.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A token, or the error.
fn ask(world: &TestWorld, who: usize, grant: &str, detail: &Value, beside: Beside) -> Result<String, String> {
    let form = format!("{grant}{}&authorization_details={}", resource(0), escaped(&json!([detail])));
    let answer: Value = serde_json::from_str(&told(world, who, Endpoint::Token, &form, beside)).unwrap();
    let text = |name: &str| answer[name].as_str().map(str::to_owned);
    text("access_token").ok_or_else(|| text("error").unwrap())
}

/// What may be asked for: operations, resources, and of each measure nothing, what the task has, or another number.
fn details() -> impl Strategy<Value = Value> {
    let operations = prop::sample::subsequence(vec!["list", "write", "delete", "GET /all", "POST /all", "DELETE /all"], 0..3);
    let resources = prop::sample::subsequence(vec!["a*", "ab", "ab*", "b", "b*", "*"], 0..3);
    let most = prop::array::uniform3(prop::sample::select(vec![None, None, None, None, Some(1_u64), Some(10), Some(500), Some(501)]));
    (operations, resources, most).prop_map(|(operations, resources, most)| {
        let mut detail = json!({ "type": "wardgate_task", "task_id": TASK });
        for (name, list) in [("operations", operations), ("resources", resources)] {
            if !list.is_empty() {
                detail[name] = json!(list);
            }
        }
        for ((name, _), most) in MOST.iter().zip(most) {
            if let Some(most) = most {
                detail[*name] = json!(most);
            }
        }
        detail
    })
}

fn texts(detail: &Value, name: &str) -> Vec<String> {
    detail[name].as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// The methods that operations stand for: of the classes here each has one.
fn methods(detail: &Value) -> BTreeSet<String> {
    let method = |text: &String| match text.as_str() {
        "list" => "GET".to_owned(),
        "write" => "POST".to_owned(),
        "delete" => "DELETE".to_owned(),
        other => other.split(' ').next().unwrap().to_owned(),
    };
    texts(detail, "operations").iter().map(method).collect()
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 64, ..Default::default() })]

    /// IS3, IS4: scope, operations, resources and life only narrow. There is one budget, the task's: a token that says another one is not
    /// given out, so nobody takes a number for a bound that nothing keeps.
    #[test]
    fn what_comes_of_a_token_of_a_task_is_for_no_more(
        hops in prop::collection::vec((0..2_usize, details(), prop::sample::select(vec![0_u64, 0, 30, 90])), 1..6),
    ) {
        let world = world();
        let (mut held, mut now): (Option<String>, u64) = (None, 0);
        for (who, detail, pause) in hops {
            now += pause;
            let (who, grant) = match &held {
                None => (0, "grant_type=client_credentials".to_owned()),
                Some(token) => (who, format!("{EXCHANGE}&subject_token={token}")),
            };
            let whole = json!({ "operations": ["list", "write"], "resources": ["a*", "b"] });
            let before = held.as_deref().map_or(Value::Null, claims);
            let had = before["authorization_details"].get(0).unwrap_or(&whole).clone();
            let budgeted = MOST.iter().all(|(name, most)| detail.get(name).is_none_or(|asked| most.is_some() && asked.as_u64() == *most));
            let next = match ask(&world, who, &grant, &detail, after(now)) {
                Ok(next) => next,
                Err(error) => {
                    prop_assert!(budgeted || now >= 240 || error == "invalid_authorization_details" || held.is_some(), "{}", error);
                    continue;
                }
            };
            let says = claims(&next);
            let granted = &says["authorization_details"][0];
            prop_assert!(budgeted, "{} for {}", granted, detail);
            for (name, most) in MOST {
                prop_assert_eq!(granted.get(name).and_then(Value::as_u64), most, "{}", name);
            }
            prop_assert_eq!((&granted["task_id"], &granted["purpose"]), (&json!(TASK), &json!("settlement")));
            prop_assert!(methods(granted).is_subset(&methods(&had)), "{} of {}", granted, had);
            prop_assert!(is_narrower(&texts(granted, "resources"), &texts(&had, "resources")), "{} of {}", granted, had);
            let ends = says["exp"].as_i64().unwrap();
            prop_assert!(ends <= DAWN.as_seconds() + 240 && before["exp"].as_i64().is_none_or(|end| ends <= end), "{}", says);
            held = Some(next);
        }
    }
}

/// By name: less, more, and a measure of which the task has no bound.
#[test]
fn another_budget_than_the_tasks_is_refused() {
    let world = world();
    let with = |name: &str, most: Value| {
        let mut detail = json!({ "type": "wardgate_task", "task_id": TASK });
        detail[name] = most;
        ask(&world, 0, "grant_type=client_credentials", &detail, after(0)).map(|_| ())
    };
    let refused = Err("invalid_authorization_details".to_owned());
    assert_eq!([with("max_calls", json!(10)), with("max_records", json!(500))], [Ok(()), Ok(())], "the task's own");
    for (name, most) in [
        ("max_calls", json!(9)),
        ("max_calls", json!(11)),
        ("max_bytes", json!(1)),
        ("max_records", json!(0)),
        ("max_calls", json!("10")),
        ("max_calls", json!(null)),
        ("max_calls", json!(-10)),
    ] {
        assert_eq!(with(name, most.clone()), refused, "{name} {most}");
    }
}
