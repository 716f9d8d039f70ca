use crate::{
    call::testing::{Fixture, NOW},
    world::{Moment, Span},
};
use wardgate_model::time::Time;

#[tokio::test]
async fn the_moment_is_read_strictly() {
    let fixture = Fixture::new().await;
    let ask = async |query: &str| fixture.ask(&format!("GET /api/v1/access?{query} as watcher")).await;
    for query in ["", "at=7", "at=2027-01-15T08:00:00Z", "from=3", "from=3&to=2027-01-15T08:00:00Z", "identity=ledger&denied=true"] {
        let said = ask(query).await;
        assert!(said.starts_with(r#"200 {"items":[{"answer":"allowed","api":"shop""#), "{said}");
    }
    let asked = fixture.played.access.lock().unwrap().iter().map(|query| query.span).collect::<Vec<_>>();
    let (time, three) = (Moment::Time(NOW), Moment::Seq(3));
    assert_eq!(
        asked,
        [Span::Now, Span::At(Moment::Seq(7)), Span::At(time), Span::Between(three, None), Span::Between(three, Some(time)), Span::Now]
    );
    assert_eq!(Time::parse("2027-01-15T08:00:00Z"), Some(NOW));
    for (query, said) in [
        ("at=1&from=2", "422 console.unfit: `at` and `from` together make no sense: one moment, or what is between two"),
        ("to=2", "422 console.unfit: `to` goes with `from`"),
        ("at=yesterday", "400 console.malformed: `at` is the number of a change or a time such as `2027-01-31T12:00:00Z`, not `yesterday`"),
        ("at=99999999999999999999", "400 console.malformed: `at`: `99999999999999999999` is no number of a change"),
        ("denied=yes", "400 console.malformed: `denied` is `true` or `false`, not `yes`"),
        ("api=No%20Api", "400 console.malformed: api: `N` may not stand in a name"),
    ] {
        let refused = ask(query).await;
        assert!(refused.starts_with(said), "{refused}");
    }
}

#[tokio::test]
async fn findings_come_the_worst_first_and_in_pages() {
    let fixture = Fixture::new().await;
    let names = async |query: &str| {
        let said = fixture.ask(&format!("GET /api/v1/findings?{query} as watcher")).await;
        let body: serde_json::Value = serde_json::from_str(said.strip_prefix("200 ").unwrap_or_else(|| panic!("{said}"))).unwrap();
        let names: Vec<&str> = body["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        format!("{} next={}", names.join(" "), body["next"])
    };
    assert_eq!(names("").await, "B Z A next=null");
    assert_eq!(names("limit=2").await, r#"B Z next="2""#);
    assert_eq!(names("limit=2&cursor=2").await, "A next=null");
    assert_eq!(names("owner=payments").await, "Z A next=null");
    assert_eq!(names("code=credential.overdue&exempt=false").await, "B next=null");
    assert_eq!(names("severity=low").await, "A next=null");
    let odd = fixture.ask("GET /api/v1/findings?severity=bad as watcher").await;
    assert_eq!(odd, "400 console.malformed: `severity` is `low`, `medium`, `high` or `critical`, not `bad`");
}
