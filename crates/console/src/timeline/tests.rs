use super::{TimelineEntry, TimelineQuery, TimelineView};
use crate::call::testing::Fixture;
use serde_json::{Map, Value};
use wardgate_model::time::Time;

/// What was asked, as the subject of an answer with one event.
pub(crate) fn played(query: TimelineQuery) -> TimelineView {
    let TimelineQuery { subject, from, to, limit, oldest, children } = query;
    let bound = |word, time: Option<Time>| time.map(|time| format!(" {word} {time}")).unwrap_or_default();
    let (order, children) = (if oldest { "oldest" } else { "newest" }, if children { " with children" } else { "" });
    let subject = format!("{subject} {order} {limit}{}{}{children}", bound("from", from), bound("to", to));
    let entries = vec![TimelineEntry { child: false, event: Map::from_iter([("seq".to_owned(), Value::from(1))]) }];
    TimelineView { subject, entries, ..TimelineView::default() }
}

#[tokio::test]
async fn a_timeline_is_asked_for() {
    let fixture = Fixture::new().await;
    let ask = async |query: &str| fixture.ask(&format!("GET /api/v1/timeline{query} as watcher")).await;
    assert_eq!(
        ask("?subject=identity%3Aa").await,
        r#"200 {"clock_back":[],"entries":[{"event":{"seq":1}}],"left_out":[],"subject":"identity:a newest 500","truncated":false,"unreadable":0}"#
    );
    let all = "?subject=a&from=2026-11-01&to=2026-11-02T00%3A00%3A00Z&events=7&order=oldest&trace_children=true";
    assert_eq!(
        ask(all).await,
        r#"200 {"clock_back":[],"entries":[{"event":{"seq":1}}],"left_out":[],"subject":"a oldest 7 from 2026-11-01T00:00:00Z to 2026-11-02T00:00:00Z with children","truncated":false,"unreadable":0}"#
    );
    assert_eq!(ask("").await, "400 console.malformed: `subject` says what the timeline is of, as in `identity:NAME`");
    assert_eq!(ask("?subject=a&events=5001").await, "400 console.malformed: `events` is a number from 1 to 5000, not `5001`");
    let backwards = ask("?subject=a&from=2026-11-02&to=2026-11-01").await;
    assert!(backwards.starts_with("400 console.malformed: nothing is between `from` and `to`"), "{backwards}");
    assert_eq!(ask("?subject=a&order=none").await, "400 console.malformed: `order` is `newest` or `oldest`, not `none`");
    assert_eq!(
        ask("?subject=a&from=noon").await,
        "400 console.malformed: `from` is a moment as in `2027-06-30T12:00:00Z`, or a date, not `noon`"
    );
}
