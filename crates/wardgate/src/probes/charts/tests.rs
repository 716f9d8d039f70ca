use super::{lines, metrics};
use insta::assert_snapshot;
use wardgate_feeds::charts::{Chart, FileState};
use wardgate_model::time::Time;

fn state(name: &str, chart: Chart, read: Option<i64>, failure: Option<&str>) -> FileState {
    FileState {
        name: name.into(),
        chart,
        path: "lists/drop.txt".into(),
        networks: 7,
        bad: 1,
        wrong: Vec::new(),
        read: read.map(Time::from_seconds),
        failure: failure.map(Into::into),
        failures: u64::from(failure.is_some()),
    }
}

#[test]
fn what_is_not_taken_is_said() {
    let states = [
        state("drop", Chart::List, Some(1_000), None),
        state("scan", Chart::List, Some(1_000), Some("`lists/scan.txt`: nothing is in it")),
        state("new", Chart::List, None, Some("`lists/new.txt` cannot be read: gone")),
        state("country", Chart::Country, Some(0), Some("`geo.mmdb`: it is no MMDB file that can be read: x")),
    ];
    assert_snapshot!(lines(&states), @"");
    assert_snapshot!(metrics(&states, Time::from_seconds(1_060)), @"");
    assert_eq!((lines(&[]), metrics(&[], Time::from_seconds(0))), (String::new(), String::new()));
}
