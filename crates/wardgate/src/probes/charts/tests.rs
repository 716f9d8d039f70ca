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
    assert_snapshot!(lines(&states), @"
    source list `scan`: `lists/scan.txt`: nothing is in it; what was read 1970-01-01T00:16:40Z holds on
    source list `new`: `lists/new.txt` cannot be read: gone; nothing is known by it
    source file `country`: `geo.mmdb`: it is no MMDB file that can be read: x; what was read 1970-01-01T00:00:00Z holds on
    ");
    let metrics = |states: &[FileState]| metrics(states, Time::from_seconds(1_060));
    let said = metrics(&states);
    for line in [
        "# TYPE wardgate_source_failures_total counter",
        "wardgate_source_networks{file=\"drop\"} 7",
        "wardgate_source_bad_entries{file=\"new\"} 1",
        "wardgate_source_age_seconds{file=\"scan\"} 60",
        "wardgate_source_failing{file=\"drop\"} 0",
        "wardgate_source_failing{file=\"country\"} 1",
        "wardgate_source_failures_total{file=\"country\"} 1",
    ] {
        assert!(said.lines().any(|said| said == line), "{line} in {said}");
    }
    assert!(!said.contains("wardgate_source_age_seconds{file=\"new\"}"), "{said}");
    assert_eq!((lines(&[]), metrics(&[])), (String::new(), String::new()));
}
