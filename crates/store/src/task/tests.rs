use super::{NewTask, Rest, Share, StartKey, Started, StoredTask, TASKS_OPEN_MAX, TaskFilter};
use crate::{
    NewCredential, sql,
    world::{HOUR, NOW, World, actor, credential, on_both},
};
use std::time::Duration;
use wardgate_model::{
    api::OperationClass,
    grant::OperationSelector,
    id::{ApiName, IdentityId, PurposeName, TaskId},
    task::{Budget, Task, TaskState},
    time::SKEW,
};

on_both! {
    a_task_is_started_once_and_ended_once,
    what_is_over_by_itself_lapses,
    a_budget_is_given_out_once,
    a_key_is_made_for_a_task_that_is_under_way,
}

fn task(id: &'static str) -> Task {
    Task {
        id: TaskId::literal(id),
        identity: IdentityId::literal("payer"),
        purpose: PurposeName::literal("settlement"),
        api: ApiName::literal("ledger"),
        operations: [OperationSelector::Class(OperationClass::Read), OperationSelector::parse("GET /ledger/{id}").unwrap()].into(),
        resources: ["2027-*".into()].into(),
        budget: Budget { calls: Some(10), bytes: None, records: Some(5) },
        ends: NOW + HOUR,
        lease: Some(Duration::from_secs(60)),
        beat: NOW,
        state: TaskState::Open,
    }
}

async fn start(world: &World, task: Task, key: Option<(&str, u8)>) -> Started {
    let key = key.map(|(name, hash)| StartKey { name: name.into(), hash: [hash; 32] });
    world.store.start_task(&actor("payer", "settles"), &NewTask { task, key }, NOW).await.unwrap()
}

async fn a_task_is_started_once_and_ended_once(world: World) {
    let Started::New(first) = start(&world, task("t-1"), Some(("mine", 1))).await else { panic!("not new") };
    assert_eq!((&first.task, first.given), (&task("t-1"), Share::default()));
    assert_eq!(start(&world, task("t-2"), Some(("mine", 1))).await, Started::Again(first.clone()));
    assert_eq!(start(&world, task("t-2"), Some(("mine", 2))).await, Started::Otherwise);
    assert!(matches!(start(&world, task("t-2"), None).await, Started::New(_)));

    let id = TaskId::literal("t-1");
    let ended = world.store.end_task(&actor("olga", "enough"), &id, TaskState::Failed, NOW + HOUR).await.unwrap();
    assert_eq!((ended.task.state, ended.ended, &*ended.reason), (TaskState::Failed, Some(NOW + HOUR), "enough"));
    assert_eq!(world.store.task(&id).await.unwrap(), ended);
    let again = world.store.end_task(&actor("olga", ""), &id, TaskState::Completed, NOW).await.unwrap_err();
    assert_eq!(again.to_string(), "task `t-1` is failed already");
    let open = TaskFilter { state: Some(TaskState::Open), limit: 10, ..TaskFilter::default() };
    let ids = |tasks: Vec<StoredTask>| tasks.into_iter().map(|stored| stored.task.id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids(world.store.tasks(&open).await.unwrap()), ["t-2"]);
    assert_eq!(ids(world.store.tasks_named(&[id.clone(), TaskId::literal("t-9")]).await.unwrap()), ["t-1"]);
    assert_eq!(world.store.forget_tasks(NOW + HOUR * 2).await.unwrap(), 1);
    assert_eq!(world.store.task(&id).await.unwrap_err().to_string(), "there is no task `t-1`");
}

async fn what_is_over_by_itself_lapses(world: World) {
    start(&world, task("t-1"), None).await;
    start(&world, Task { lease: None, ..task("t-2") }, None).await;
    let (who, seconds) = (actor("payer", ""), |seconds| NOW + Duration::from_secs(seconds));
    let id = TaskId::literal("t-1");
    // Hardly anything of the lease is gone: nothing is written.
    let first = world.store.beat_task(&who, &id, seconds(10)).await.unwrap();
    assert_eq!(first.task.lapses(), seconds(60));
    let second = world.store.beat_task(&who, &id, seconds(50)).await.unwrap();
    assert!(second.task.lapses() == seconds(110) && second.revision > first.revision);
    // A gate whose clock is behind was heard of by another one: nothing goes back.
    assert_eq!(world.store.beat_task(&who, &id, seconds(20)).await.unwrap(), second);
    // 30 s more for clocks that differ, for the record as for every gate.
    assert_eq!(world.store.lapse_tasks(&who, seconds(139), 10).await.unwrap(), []);
    assert_eq!(world.store.beat_task(&who, &id, seconds(140)).await.unwrap_err().to_string(), "task `t-1` is lapsed already");
    let lapsed = world.store.lapse_tasks(&who, seconds(140), 10).await.unwrap();
    assert!(matches!(&lapsed[..], [one] if one.task.id == id && one.task.state == TaskState::Lapsed));
    let rest = world.store.lapse_tasks(&who, NOW + HOUR + SKEW, 10).await.unwrap();
    assert!(matches!(&rest[..], [one] if one.task.id.as_str() == "t-2"));
}

async fn a_budget_is_given_out_once(world: World) {
    start(&world, task("t-1"), None).await;
    let id = TaskId::literal("t-1");
    let all = |_| Share { calls: 6, bytes: 6, records: 6 };
    assert_eq!(world.store.draw_budget(&id, all).await.unwrap(), Share { calls: 6, bytes: 0, records: 5 });
    let (one, other) = tokio::join!(world.store.draw_budget(&id, all), world.store.draw_budget(&id, all));
    assert_eq!(one.unwrap().calls + other.unwrap().calls, 4);
    assert!(world.store.draw_budget(&id, all).await.unwrap().is_nothing());
    let back = |unused, records_owed| [Rest { task: id.clone(), unused, records_owed }];
    world.store.give_back_budgets(&back(Share { calls: 3, ..Share::default() }, 0)).await.unwrap();
    assert_eq!(world.store.task(&id).await.unwrap().given, Share { calls: 7, bytes: 0, records: 5 });
    assert_eq!(world.store.draw_budget(&id, all).await.unwrap().calls, 3);
    // What was used beyond a share is given out too, and no more than there is.
    world.store.give_back_budgets(&back(Share { records: 4, ..Share::default() }, 0)).await.unwrap();
    for (owed, given) in [(3, 4), (3, 5)] {
        world.store.give_back_budgets(&back(Share::default(), owed)).await.unwrap();
        assert_eq!(world.store.task(&id).await.unwrap().given.records, given);
    }
    world.store.end_task(&actor("payer", ""), &id, TaskState::Completed, NOW).await.unwrap();
    assert!(world.store.draw_budget(&id, all).await.is_err(), "what is over gives nothing out");
}

async fn a_key_is_made_for_a_task_that_is_under_way(world: World) {
    start(&world, task("t-1"), None).await;
    let for_task = |text: &str, task: &'static str| NewCredential { task: Some(TaskId::literal(task)), ..credential(text) };
    let who = actor("olga", "");
    let issued = world.store.issue_credential(&who, for_task("api_key AAAAAAAAAAAA payer/main 1", "t-1"), NOW).await.unwrap();
    assert_eq!(issued.credential.task, Some(TaskId::literal("t-1")));
    assert_eq!(world.store.credential(&issued.credential.id).await.unwrap().credential.task, issued.credential.task);
    for (text, task, why) in [
        ("api_key BBBBBBBBBBBB other/main 1", "t-1", "there is no task `t-1`"),
        ("api_key BBBBBBBBBBBB payer/main 1", "t-9", "there is no task `t-9`"),
    ] {
        assert_eq!(world.store.issue_credential(&who, for_task(text, task), NOW).await.unwrap_err().to_string(), why);
    }
    // Two for each task, beside the two that are of none.
    for key in ["CCCCCCCCCCCC", "DDDDDDDDDDDD"] {
        world.store.issue_credential(&who, credential(&format!("api_key {key} payer/main 1")), NOW).await.unwrap();
    }
    world.store.issue_credential(&who, for_task("api_key EEEEEEEEEEEE payer/main 1", "t-1"), NOW).await.unwrap();
    let third = world.store.issue_credential(&who, for_task("api_key FFFFFFFFFFFF payer/main 1", "t-1"), NOW).await.unwrap_err();
    assert_eq!(third.to_string(), "identity entry `payer/main` has 2 live credentials already: revoke one first");
    world.store.end_task(&who, &TaskId::literal("t-1"), TaskState::Completed, NOW).await.unwrap();
    let late = world.store.issue_credential(&who, for_task("api_key BBBBBBBBBBBB payer/main 1", "t-1"), NOW).await.unwrap_err();
    assert_eq!(late.to_string(), "task `t-1` is completed already");
}

/// What is asked often, or by whoever writes, goes by an index, however many tasks there were.
#[tokio::test]
async fn no_statement_of_tasks_looks_at_all_that_ever_were() {
    let world = World::new().await;
    let mut conn = sqlx::ConnectOptions::connect(&crate::dialect::sqlite_options(world.store.path().unwrap())).await.unwrap();
    for (statement, index) in [
        (sql::TASKS_OPEN, "task_open_of_identity"),
        (sql::TASKS_OF, "task_of_identity"),
        (sql::TASKS_OVER, "task_open"),
        (sql::TASKS_FORGET, "task_ended"),
    ] {
        let asked = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let rows: Vec<(i64, i64, i64, String)> = sqlx::query_as(asked).fetch_all(&mut conn).await.unwrap();
        let plan: Vec<&str> = rows.iter().map(|row| &*row.3).collect();
        assert!(plan.iter().any(|step| step.contains(&format!("INDEX {index} "))), "{statement}: {plan:?}");
        assert!(!plan.iter().any(|step| step.starts_with("SCAN")), "{statement}: {plan:?}");
    }
}

#[tokio::test]
async fn an_identity_has_so_many_tasks_open_and_no_more() {
    let world = World::new().await;
    start(&world, task("t-first"), None).await;
    let mut conn = sqlx::ConnectOptions::connect(&crate::dialect::sqlite_options(world.store.path().unwrap())).await.unwrap();
    let all_but_one = sqlx::AssertSqlSafe(format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) \
         INSERT INTO task (id, identity, purpose, api, operations, resources, started_us, ends_us, beat_us, lapses_us, state, actor, reason, revision) \
         SELECT 't-' || i, identity, purpose, api, operations, resources, started_us, ends_us, beat_us, lapses_us, state, actor, reason, revision \
         FROM task, n WHERE id = 't-first'",
        TASKS_OPEN_MAX - 2
    ));
    sqlx::query(all_but_one).execute(&mut conn).await.unwrap();
    assert!(matches!(start(&world, task("t-last"), None).await, Started::New(_)));
    let one_more = NewTask { task: task("t-more"), key: None };
    let refused = world.store.start_task(&actor("payer", ""), &one_more, NOW).await.unwrap_err();
    assert_eq!(refused.to_string(), "task `t-more` would be one too many: `payer` has 10000 open, 10000 at the most");
    world.store.end_task(&actor("payer", ""), &TaskId::literal("t-1"), TaskState::Completed, NOW).await.unwrap();
    assert!(matches!(start(&world, task("t-more"), None).await, Started::New(_)));
    let other = Task { identity: IdentityId::literal("other"), ..task("t-other") };
    assert!(matches!(start(&world, other, None).await, Started::New(_)), "each has as many");
}
