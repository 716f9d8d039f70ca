use super::{FILE, Known, RETIRED_MAX};
use crate::bypass::testing::api;
use std::{fs, sync::Arc};
use wardgate_model::{api::Api, id::ApiName, time::Time};

const NOW: Time = Time::from_seconds(1_800_000_000);

fn retired(known: &Known) -> String {
    let all = known.retired(&ApiName::literal("shop"));
    all.iter().map(|retired| format!("{} {}", retired.method, retired.template)).collect::<Vec<_>>().join(", ")
}

fn apis(operations: &str) -> Vec<Arc<Api>> {
    vec![Arc::new(api("shop", operations))]
}

#[test]
fn what_is_taken_out_is_remembered_over_a_restart() {
    let state = tempfile::tempdir().unwrap();
    let mut known = Known::open(state.path());
    let keeping = known.notice(&apis("list GET /shop/things\nread GET /shop/old/{id}\n"), NOW).expect("something is new");
    assert_eq!(retired(&known), "", "what nobody has seen before was never there");
    keeping.write().unwrap();

    let mut known = Known::open(state.path());
    assert!(known.notice(&apis("list GET /shop/things\nread GET /shop/old/{id}\n"), NOW).is_none(), "nothing is different");
    known.notice(&apis("list GET /shop/things\n"), NOW).unwrap().write().unwrap();
    assert_eq!(retired(&known), "GET /shop/old/{id}");
    assert_eq!(retired(&Known::open(state.path())), "GET /shop/old/{id}");

    // An API that is away for a while comes back with its past.
    let mut known = Known::open(state.path());
    assert!(known.notice(&[], NOW).is_none());
    assert_eq!(retired(&known), "GET /shop/old/{id}");
    known.notice(&apis("list GET /shop/things\nread GET /shop/old/{number}\n"), NOW).unwrap();
    assert_eq!(retired(&known), "", "it is back, under another name of its parameter");
}

#[test]
fn what_another_operation_answers_for_is_not_gone() {
    let state = tempfile::tempdir().unwrap();
    let mut known = Known::open(state.path());
    known.notice(&apis("read GET /shop/things/latest\nread GET /shop/a\n"), NOW);
    known.notice(&apis("read GET /shop/things/{id}\n"), NOW);
    assert_eq!(retired(&known), "GET /shop/a");
    let mut two = apis("read GET /shop/things/{id}\n");
    two.push(Arc::new(api("other", "read GET /shop/a\n")));
    known.notice(&two, NOW);
    assert_eq!(retired(&known), "", "it is another API's now");
}

#[test]
fn only_the_latest_are_remembered() {
    let state = tempfile::tempdir().unwrap();
    let mut known = Known::open(state.path());
    let many: String = (0..RETIRED_MAX + 3).map(|at| format!("read GET /shop/{at}\n")).collect();
    known.notice(&apis(&format!("read GET /shop/first\n{many}")), NOW);
    known.notice(&apis(&many), NOW);
    assert_eq!(retired(&known), "GET /shop/first");
    known.notice(&apis(""), Time::from_seconds(NOW.as_seconds() + 1));
    assert_eq!(known.retired(&ApiName::literal("shop")).len(), RETIRED_MAX);
    assert!(!retired(&known).contains("first"));
}

#[test]
fn a_file_that_is_none_is_as_if_it_were_not_there() {
    let state = tempfile::tempdir().unwrap();
    for text in ["", "{", "[]", r#"{"wardgate_operations":2,"apis":{}}"#, r#"{"wardgate_operations":1,"apis":{},"more":1}"#] {
        fs::write(state.path().join(FILE), text).unwrap();
        let mut known = Known::open(state.path());
        known.notice(&apis("list GET /shop/things\n"), NOW).expect("it is remembered anew").write().unwrap();
        assert_eq!(retired(&Known::open(state.path())), "", "{text}");
    }
}
