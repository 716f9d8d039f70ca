use super::{Budgets, Course, Drawn, Rest, Short, Wants};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use wardgate_model::{
    api::OperationClass,
    grant::OperationSelector,
    id::{ApiName, IdentityId, PurposeName, TaskId},
    task::{Budget, Task, TaskState},
    time::Time,
};

const NOW: Time = Time::from_seconds(1_800_000_000);
const ALL: Wants = Wants { calls: true, bytes: true, records: true, records_owed: 0 };

fn task(calls: Option<u64>, bytes: Option<u64>, records: Option<u64>) -> Task {
    Task {
        id: TaskId::literal("t-1"),
        identity: IdentityId::literal("payer"),
        purpose: PurposeName::literal("settlement"),
        api: ApiName::literal("ledger"),
        operations: [OperationSelector::Class(OperationClass::Read)].into(),
        resources: Box::default(),
        budget: Budget { calls, bytes, records },
        ends: NOW,
        lease: None,
        beat: NOW,
        state: TaskState::Open,
    }
}

fn kept() -> (Arc<Budgets>, Arc<AtomicU64>) {
    let (budgets, low) = (Arc::new(Budgets::default()), Arc::new(AtomicU64::new(0)));
    let count = Arc::clone(&low);
    budgets.when_low(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        true
    });
    (budgets, low)
}

#[test]
fn without_anybody_who_draws_nothing_is_counted() {
    let budgets = Arc::new(Budgets::default());
    assert!(budgets.take(&task(Some(0), None, None), None, NOW).expect("let through").is_none());
}

#[test]
fn of_a_budget_of_n_calls_n_pass() {
    let (budgets, _) = kept();
    let task = task(Some(3), None, None);
    assert_eq!(budgets.take(&task, None, NOW).expect_err("nothing drawn"), Short::Ask);
    budgets.drawn(&task.id, ALL, Drawn { calls: 3, ..Drawn::default() }, NOW);
    let commit = || budgets.take(&task, None, NOW).map(|place| place.into_iter().for_each(|mut place| place.commit()));
    // One that is refused later gives its call back.
    drop(budgets.take(&task, None, NOW).expect("a call"));
    assert_eq!([commit(), commit(), commit()], [Ok(()), Ok(()), Ok(())]);
    assert_eq!(commit(), Err(Short::Ask));
    budgets.drawn(&task.id, ALL, Drawn::default(), NOW);
    assert_eq!(commit(), Err(Short::Used));
    // Other gates may give back what they had.
    assert_eq!(budgets.take(&task, None, NOW + super::measure::DRY).expect_err("none"), Short::Ask);
}

#[test]
fn many_threads_pass_exactly_as_many_as_there_are() {
    let (budgets, _) = kept();
    let task = task(Some(1_000), None, None);
    budgets.drawn(&task.id, ALL, Drawn { calls: 1_000, ..Drawn::default() }, NOW);
    let passed = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for turn in 0..400 {
                    if let Ok(Some(mut place)) = budgets.take(&task, None, NOW)
                        && turn % 3 != 0
                    {
                        place.commit();
                        passed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let left = budgets.left(&task.id).calls;
    assert_eq!(passed.load(Ordering::Relaxed) + left, 1_000);
}

#[test]
fn bytes_are_never_more_than_there_are() {
    let (budgets, _) = kept();
    let task = task(None, Some(100), None);
    budgets.drawn(&task.id, ALL, Drawn { bytes: 100, ..Drawn::default() }, NOW);
    let place = budgets.take(&task, None, NOW).expect("let through").expect("counted");
    assert_eq!(place.charge_bytes(60, NOW), Ok(()));
    assert_eq!(place.charge_bytes(41, NOW), Err(Short::Ask));
    assert_eq!(budgets.take(&task, None, NOW).expect_err("all used"), Short::Ask);
}

#[test]
fn records_overshoot_by_an_answer() {
    let (budgets, _) = kept();
    let task = task(None, None, Some(10));
    budgets.drawn(&task.id, ALL, Drawn { records: 10, ..Drawn::default() }, NOW);
    let place = budgets.take(&task, None, NOW).expect("let through").expect("counted");
    let _known = place.charge_records(Some(500), Course::Ends, NOW);
    assert_eq!(budgets.take(&task, None, NOW).expect_err("more than all"), Short::Ask);
}

#[test]
fn no_more_answers_are_under_way_than_there_are_records() {
    let (budgets, _) = kept();
    let task = task(None, None, Some(3));
    budgets.drawn(&task.id, ALL, Drawn { records: 3, ..Drawn::default() }, NOW);
    let take = || budgets.take(&task, None, NOW).map(|place| place.expect("counted"));
    let mut under_way: Vec<_> = (0..3).map(|_| take().expect("a record for each")).collect();
    assert_eq!(take().expect_err("for no other"), Short::Ask);
    // One that had none gives its place back, and one that had some does not.
    assert_eq!(under_way.pop().map(|place| place.charge_records(Some(0), Course::Ends, NOW)), Some(Ok(())));
    assert_eq!(budgets.left(&task.id).records, 1);
    assert_eq!(under_way.pop().map(|place| place.charge_records(Some(1), Course::Ends, NOW)), Some(Ok(())));
    assert_eq!(budgets.left(&task.id).records, 1);
}

#[test]
fn one_answer_exceeds_a_budget_of_records_and_the_others_are_cut() {
    let (budgets, _) = kept();
    let task = task(None, None, Some(10));
    budgets.drawn(&task.id, ALL, Drawn { records: 10, ..Drawn::default() }, NOW);
    let take = || budgets.take(&task, None, NOW).expect("let through").expect("counted");
    let (first, second, lines) = (take(), take(), take());
    assert_eq!(first.charge_records(Some(20), Course::Ends, NOW), Ok(()), "the store may have more");
    assert_eq!(second.charge_records(Some(5), Course::Ends, NOW), Ok(()));
    let wants = budgets.wants(&task.id, &task.budget, NOW);
    budgets.drawn(&task.id, wants, Drawn::default(), NOW);
    assert_eq!(first.charge_records(Some(5), Course::Ends, NOW), Ok(()), "the first goes on to its end");
    assert_eq!(second.charge_records(Some(1), Course::Ends, NOW), Err(Short::Used));
    assert_eq!(second.charge_records(Some(0), Course::Ends, NOW), Ok(()), "nothing more of it counts");
    assert_eq!(lines.charge_records(Some(0), Course::Open, NOW), Err(Short::Used), "what has no end would never be over");
}

#[test]
fn what_exceeds_a_budget_of_records_is_owed_and_drawn_first() {
    let (budgets, low) = kept();
    let task = task(None, None, Some(1_000));
    let records = |records| Drawn { records, ..Drawn::default() };
    budgets.drawn(&task.id, ALL, records(10), NOW);
    let place = budgets.take(&task, None, NOW).expect("let through").expect("counted");
    let _known = place.charge_records(Some(110), Course::Ends, NOW);
    // It is told at once, whether or not anybody calls again.
    assert_eq!(low.load(Ordering::Relaxed), 1);
    let wants = budgets.wants(&task.id, &task.budget, NOW);
    assert_eq!(wants, Wants { records: true, records_owed: 100, ..Wants::default() });
    budgets.drawn(&task.id, wants, records(130), NOW);
    assert_eq!(budgets.left(&task.id).records, 30, "of 130, 100 were used before");
    let _known = place.charge_records(Some(50), Course::Ends, NOW);
    let wants = budgets.wants(&task.id, &task.budget, NOW);
    budgets.drawn(&task.id, wants, records(5), NOW);
    assert_eq!(budgets.take(&task, None, NOW).expect_err("less than is owed"), Short::Used, "there is no more");
    // At the end of the process what is owed is told, once.
    assert_eq!(budgets.empty(), [Rest { task: task.id.clone(), unused: Drawn::default(), records_owed: 15 }]);
    assert_eq!(budgets.empty(), []);
}

#[test]
fn an_answer_that_nobody_can_count_counts_as_the_whole_budget() {
    let (budgets, _) = kept();
    let task = task(None, None, Some(1_000));
    budgets.drawn(&task.id, ALL, Drawn { records: 500, ..Drawn::default() }, NOW);
    let place = budgets.take(&task, None, NOW).expect("let through").expect("counted");
    assert!(place.counts_records());
    let _known = place.charge_records(None, Course::Ends, NOW);
    let wants = budgets.wants(&task.id, &task.budget, NOW);
    assert_eq!(wants.records_owed, 500, "what other gates could draw is used up too");
    for _ in 0..64 {
        let _known = place.charge_records(Some(u64::MAX), Course::Ends, NOW);
    }
    assert_eq!(budgets.take(&task, None, NOW).expect_err("never more than none"), Short::Ask);
}

#[test]
fn a_retry_is_charged_once_and_not_for_ever() {
    let (budgets, _) = kept();
    let task = task(Some(2), None, None);
    budgets.drawn(&task.id, ALL, Drawn { calls: 2, ..Drawn::default() }, NOW);
    let call = |key: u8| budgets.take(&task, Some(&[key; 32]), NOW).map(|place| place.into_iter().for_each(|mut place| place.commit()));
    assert_eq!([call(1), call(1), call(1), call(1), call(1)], [Ok(()); 5]);
    assert_eq!(budgets.left(&task.id).calls, 1);
    assert_eq!([call(1), call(2)], [Ok(()), Err(Short::Ask)], "the sixth counts as another call");
}

#[test]
fn a_share_that_runs_low_is_told_once() {
    let (budgets, low) = kept();
    let task = task(Some(100), None, None);
    budgets.drawn(&task.id, ALL, Drawn { calls: 10, ..Drawn::default() }, NOW);
    for _ in 0..8 {
        budgets.take(&task, None, NOW).expect("a call").into_iter().for_each(|mut place| place.commit());
    }
    assert_eq!(low.load(Ordering::Relaxed), 1);
    assert_eq!(budgets.wants(&task.id, &task.budget, NOW), Wants { calls: true, ..Wants::default() });
    assert_eq!(budgets.empty(), [Rest { task: task.id.clone(), unused: Drawn { calls: 2, ..Drawn::default() }, records_owed: 0 }]);
    budgets.retain(|_| false);
    assert!(budgets.is_empty());
}

#[test]
fn what_is_owed_is_told_until_the_store_has_heard_of_it() {
    let (budgets, low) = kept();
    let task = task(None, None, Some(1_000));
    let records = |records| Drawn { records, ..Drawn::default() };
    let again = || {
        budgets.tell_again();
        low.swap(0, Ordering::Relaxed)
    };
    budgets.drawn(&task.id, ALL, records(10), NOW);
    let place = budgets.take(&task, None, NOW).expect("let through").expect("counted");
    let _known = place.charge_records(Some(110), Course::Ends, NOW);
    assert_eq!((low.swap(0, Ordering::Relaxed), again()), (1, 0), "somebody draws");
    // The store was away: nobody calls here any more, and the other gates know nothing of it.
    budgets.not_drawn(&task.id);
    assert_eq!((again(), again()), (1, 0));
    // While it is drawn, another answer ends.
    let wants = budgets.wants(&task.id, &task.budget, NOW);
    let _known = place.charge_records(Some(2_000), Course::Ends, NOW);
    budgets.drawn(&task.id, wants, records(wants.records_owed), NOW);
    assert_eq!((again(), again()), (1, 0));
    // It has no more than that: it has heard it all, and what is owed beyond it is nobody's.
    let wants = budgets.wants(&task.id, &task.budget, NOW);
    assert_eq!(wants.records_owed, 2_000);
    budgets.drawn(&task.id, wants, records(890), NOW);
    assert_eq!(again(), 0);
}

#[test]
fn whoever_could_not_listen_is_told_again() {
    let (budgets, count) = (Arc::new(Budgets::default()), Arc::new(AtomicU64::new(0)));
    let listening = Arc::clone(&count);
    budgets.when_low(move |_| listening.fetch_add(1, Ordering::Relaxed) > 0);
    let task = task(Some(100), None, Some(1_000));
    budgets.drawn(&task.id, ALL, Drawn { calls: 2, records: 10, ..Drawn::default() }, NOW);
    let place = budgets.take(&task, None, NOW).expect("let through").expect("counted");
    let _known = place.charge_records(Some(100), Course::Ends, NOW);
    assert_eq!(count.load(Ordering::Relaxed), 1);
    budgets.tell_again();
    budgets.tell_again();
    assert_eq!(count.load(Ordering::Relaxed), 2, "the first had no room, the second has");
}
