use super::event;

/// Who called what from where, and what was answered.
fn told(line: &str) -> String {
    match event(line.as_bytes()) {
        Ok(Some(call)) => format!(
            "{} {}{} {}{} by {}/{} from {} ({}): {} {} {}",
            call.time,
            call.host,
            call.path,
            call.method,
            call.query.map(|query| format!("?{query}")).unwrap_or_default(),
            call.user.as_deref().unwrap_or("-"),
            call.key.as_deref().unwrap_or("-"),
            call.source,
            call.agent.as_deref().unwrap_or("-"),
            call.status.map_or_else(|| "-".to_owned(), |status| status.to_string()),
            call.bytes,
            call.records.unwrap_or_default(),
        ),
        Ok(None) => "no call".to_owned(),
        Err(wrong) => format!("wrong: {wrong}"),
    }
}

#[test]
fn events_are_calls() {
    let whole = r#"{"v":1,"time_us":1800000000000000,"seq":7,"id":"edge-1:7","kind":"request","edge":"edge-1","identity":{"id":"caller","name":"caller","quality":85},"credential":{"id":"AAAAAAAAAAAA","type":"api_key","bound":false},"source":{"address":"192.0.2.7","user_agent":"curl/8.5.0"},"request":{"host":"gate.test","query":"limit=5"},"method":"GET","path":"/shop/things","ruling":{"response":"allow","code":"rule.allowed","enforced":true,"risk":0},"client_status":200,"upstream":{"name":"u","latency_us":9,"bytes_in":0,"bytes_out":512,"records":3}}"#;
    assert_eq!(
        told(whole),
        "2027-01-15T08:00:00Z gate.test/shop/things GET?limit=5 by caller/AAAAAAAAAAAA from 192.0.2.7 (curl/8.5.0): 200 512 3"
    );
    // Nobody was proven.
    let nobody = r#"{"time_us":1800000000000000,"kind":"opened","identity":{"id":"anonymous"},"source":{"address":"192.0.2.7"},"method":"GET","path":"/status"}"#;
    assert_eq!(told(nobody), "2027-01-15T08:00:00Z /status GET by -/- from 192.0.2.7 (-): - 0 0");
}

#[test]
fn what_is_no_call_is_passed_over_and_what_is_no_event_is_wrong() {
    for kind in ["closed", "change", "finding", "containment", "connection"] {
        assert_eq!(told(&format!(r#"{{"time_us":1,"kind":"{kind}"}}"#)), "no call");
    }
    assert_eq!(told(r#"{"time_us":1,"kind":"request"}"#), "no call", "not understood, so nobody knows what was called");
    for line in ["", "{}", "[]", r#"{"kind":"request","method":"GET","path":"/"}"#, r#"{"time_us":1,"kind":"tea"}"#] {
        assert!(told(line).starts_with("wrong: "), "{line}");
    }
}
