use super::{EdgeMetrics, Resolved};
use http::Method;
use std::time::Duration;
use wardgate_model::{facts::Lane, id::ApiName, reason::Reason, ruling::Ruling};

#[test]
fn what_happened_is_told() {
    let metrics = EdgeMetrics::default();
    let api = ApiName::literal("orders");
    let mut resolved = Resolved::default();
    for _ in 0..2 {
        resolved.count(&metrics, Some(&api), Some(Lane::People), &Ruling::refused(Reason::ReserveRate));
    }
    resolved.count(&metrics, None, None, &Ruling::refused(Reason::RouteNoApi));
    metrics.request(&Method::GET, Some(429), Duration::from_millis(6));
    metrics.request(&Method::from_bytes(b"BREW").unwrap(), Some(405), Duration::from_secs(60));
    metrics.judged(Duration::from_micros(7));
    metrics.wire(Reason::WireFraming);
    assert!(metrics.connect(1) && !metrics.connect(1));
    metrics.refuse_source();
    let text = metrics.render();
    for line in [
        "wardgate_rulings_total{response=\"block\",code=\"reserve.rate_exceeded\",api=\"orders\"} 2",
        "wardgate_lane_rulings_total{lane=\"people\",response=\"block\",api=\"orders\"} 2",
        "wardgate_rulings_total{response=\"block\",code=\"route.no_api\",api=\"\"} 1",
        "http_server_request_duration_seconds_bucket{http_request_method=\"GET\",http_response_status_code=\"429\",le=\"0.005\"} 0",
        "http_server_request_duration_seconds_bucket{http_request_method=\"GET\",http_response_status_code=\"429\",le=\"0.01\"} 1",
        "http_server_request_duration_seconds_bucket{http_request_method=\"_OTHER\",http_response_status_code=\"405\",le=\"10\"} 0",
        "http_server_request_duration_seconds_count{http_request_method=\"_OTHER\",http_response_status_code=\"405\"} 1",
        "wardgate_judge_duration_seconds_bucket{le=\"0.00001\"} 1",
        "wardgate_judge_duration_seconds_count 1",
        "wardgate_wire_refusals_total{code=\"wire.framing\"} 1",
        "wardgate_open_connections 1",
        "wardgate_connections_refused_total 1",
        "wardgate_source_connections_refused_total 1",
    ] {
        assert!(text.lines().any(|told| told == line), "`{line}` is not in:\n{text}");
    }
}

#[test]
fn a_reason_is_counted_where_its_row_is() {
    for (at, reason) in Reason::ALL.iter().enumerate() {
        assert_eq!(*reason as usize, at);
    }
}
