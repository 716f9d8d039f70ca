use super::{Around, ProbeView, Probed, ProbedCall};
use crate::{
    call::testing::{Fixture, Played},
    world::BoxFuture,
};
use wardgate_model::{id::ApiName, time::Time};

impl Around for Played {
    fn probes(&self, api: Option<&ApiName>) -> Vec<ProbeView> {
        let call = ProbedCall {
            operation: "shop GET /things".into(),
            retired: false,
            address: "http://10.0.0.9".into(),
            outcome: "answered".into(),
            status: Some(200),
            why: None,
            at: "2027-01-15T08:00:00Z".into(),
            open_since: Some("2027-01-15T08:00:00Z".into()),
        };
        let view = |api: &str, state: &str, why: Option<&str>, calls| ProbeView {
            api: api.into(),
            state: state.into(),
            why: why.map(Into::into),
            last: None,
            calls,
        };
        let all = [view("ledger", "not_probed", Some("it cannot be called"), Vec::new()), view("shop", "unguarded", None, vec![call])];
        all.into_iter().filter(|view| api.is_none_or(|api| api.as_str() == view.api)).collect()
    }

    fn probe<'a>(&'a self, api: Option<&'a ApiName>, _now: Time) -> BoxFuture<'a, Probed> {
        Box::pin(std::future::ready(Probed { items: self.probes(api), whole: true }))
    }
}

#[tokio::test]
async fn what_was_seen_is_told_page_by_page() {
    let fixture = Fixture::new().await;
    let ask = async |what: &str| fixture.ask(&format!("GET /api/v1/probes{what} as watcher")).await;
    let all = ask("").await;
    assert!(all.starts_with(r#"200 {"items":[{"api":"ledger","calls":[],"last":null,"state":"not_probed","why":"#), "{all}");
    assert!(all.contains(r#""api":"shop""#) && all.ends_with(r#""next":null}"#), "{all}");
    let first = ask("?limit=1").await;
    assert!(first.ends_with(r#""next":"ledger"}"#) && !first.contains("shop"), "{first}");
    let second = ask("?limit=1&cursor=ledger").await;
    assert!(second.contains(r#""outcome":"answered","retired":false,"status":200"#) && second.ends_with(r#""next":null}"#), "{second}");
    assert!(ask("?api=shop").await.contains(r#""state":"unguarded""#));
    assert_eq!(ask("?api=nowhere").await, "404 console.not_found: there is no API `nowhere`");
    assert!(ask("?api=No%20Api").await.starts_with("400 console.malformed"));
}

#[tokio::test]
async fn calling_takes_a_role_that_is_not_kept_to_one_owner() {
    let fixture = Fixture::new().await;
    let ask = async |what: &str| fixture.ask(&format!("POST /api/v1/probes{what}")).await;
    let probed = ask("?api=shop as op").await;
    assert!(probed.starts_with(r#"200 {"items":[{"api":"shop","#) && probed.ends_with(r#""whole":true}"#), "{probed}");
    assert_eq!(ask("?api=nowhere as op").await, "404 console.not_found: there is no API `nowhere`");
    assert!(ask(" as olga").await.starts_with("403 console.reach"));
    assert!(fixture.ask("GET /api/v1/probes as olga").await.starts_with("403 console.reach"));
}
