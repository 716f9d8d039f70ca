use super::{NewTask, Share, StartKey, Started, StoredTask, TaskFilter};
use crate::{
    sql,
    world::{HOUR, NOW, World, actor, on_both},
};
use std::time::Duration;
use wardgate_model::{
    api::OperationClass,
    grant::OperationSelector,
    id::{ApiName, IdentityId, PurposeName, TaskId},
    task::{Budget, Task, TaskState},
};

on_both! {
    a_task_is_started_once_and_ended_once,
    what_is_over_by_itself_lapses,
    a_budget_is_given_out_once,
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
    assert_eq!(world.store.lapse_tasks(&who, seconds(109), 10).await.unwrap(), []);
    assert_eq!(world.store.beat_task(&who, &id, seconds(110)).await.unwrap_err().to_string(), "task `t-1` is lapsed already");
    let lapsed = world.store.lapse_tasks(&who, seconds(110), 10).await.unwrap();
    assert!(matches!(&lapsed[..], [one] if one.task.id == id && one.task.state == TaskState::Lapsed));
    let rest = world.store.lapse_tasks(&who, NOW + HOUR, 10).await.unwrap();
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
    world.store.give_back_budget(&id, Share { calls: 3, ..Share::default() }).await.unwrap();
    assert_eq!(world.store.task(&id).await.unwrap().given, Share { calls: 7, bytes: 0, records: 5 });
    assert_eq!(world.store.draw_budget(&id, all).await.unwrap().calls, 3);
    world.store.end_task(&actor("payer", ""), &id, TaskState::Completed, NOW).await.unwrap();
    assert!(world.store.draw_budget(&id, all).await.is_err(), "what is over gives nothing out");
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
