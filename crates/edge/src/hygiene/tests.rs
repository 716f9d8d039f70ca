use super::{Trip, forwarded, towards_client, towards_upstream, trailers};
use http::{HeaderMap, HeaderName, HeaderValue};
use wardgate_gate::Show;
use wardgate_model::api::Api;

/// Lines of fields → a header map.
fn fields(text: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
        headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn text(headers: &HeaderMap) -> String {
    let mut lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    lines.sort();
    lines.join("\n")
}

/// A client's fields → what the upstream gets, ours included.
fn upstream(received: &str, show: Show, api: &Api) -> String {
    with_transaction(received, show, api, None)
}

/// The same, with a transaction token.
fn with_transaction(received: &str, show: Show, api: &Api, transaction: Option<&'static str>) -> String {
    trip(received, show, api, transaction, false)
}

/// The same, where the records of the answer may be charged.
fn trip(received: &str, show: Show, api: &Api, transaction: Option<&'static str>, counted: bool) -> String {
    let mut headers = fields(received);
    let value = HeaderValue::from_static;
    towards_upstream(
        &mut headers,
        Trip {
            api,
            show,
            purpose: None,
            transaction: transaction.map(value),
            via: &value("1.1 wardgate"),
            client: &value("192.0.2.7"),
            forwarded: &value("F"),
            client_host: &value("api.example"),
            tls: true,
            upstream_host: &value("10.0.0.1:9000"),
            id: &value("ID"),
            traced: false,
            counted,
        },
    );
    text(&headers)
}

const OURS: &str = "forwarded: F\nhost: 10.0.0.1:9000\nvia: 1.1 wardgate\nwardgate-request-id: ID\nx-forwarded-for: 192.0.2.7\nx-forwarded-host: api.example\nx-forwarded-proto: https";

fn api() -> Api {
    crate::fixture::api("orders", "http://127.0.0.1:1")
}

#[test]
fn an_answer_whose_records_are_charged_is_asked_for_whole_and_readable() {
    let evading = "
        Host: api.example
        Accept: application/json
        Accept-Encoding: gzip, br
        Range: items=0-9
        If-Range: \"x\"
        A-IM: vcdiff";
    let asked = |counted| trip(evading, Show::Nothing, &api(), None, counted);
    assert_eq!(asked(true), format!("accept-encoding: identity\naccept: application/json\n{OURS}"));
    for kept in ["accept-encoding: gzip, br", "range: items=0-9", "if-range: \"x\"", "a-im: vcdiff"] {
        assert!(asked(false).contains(kept), "{kept}");
    }
}

#[test]
fn what_claims_trust_is_replaced() {
    let spoofed = "
        Host: api.example
        Wardgate-Assertion: forged
        wardgate_assertion: forged
        X-Wardgate-Identity: root
        Forwarded: for=10.0.0.1
        X-Forwarded-For: 10.0.0.1
        x_forwarded_for: 10.0.0.1
        X-Forwarded-Client-Cert: forged
        X-Real-IP: 10.0.0.1
        X_Real_IP: 10.0.0.1
        Client-Cert: :forged:
        Client-Cert-Chain: :forged:
        client_cert: forged
        X-Client-Cert: forged
        X-SSL-Client-Verify: SUCCESS
        X-Envoy-Internal: true
        X-Original-URL: /admin
        X_Original_Uri: /admin
        X-Rewrite-URL: /admin
        X-HTTP-Method-Override: DELETE
        X-HTTP-Method: DELETE
        X_Method_Override: DELETE
    ";
    assert_eq!(upstream(spoofed, Show::Nothing, &api()), OURS);
}

/// STANDARDS §1.13: exactly one `Txn-Token`, and it is ours, beside whatever else the upstream is shown.
#[test]
fn a_transaction_token_is_ours_or_nobodys() {
    let shown = "
        Host: api.example
        Txn-Token: theirs
        txn-token: theirs
        Txn_Token: theirs
        Txn-Tokens: kept
    ";
    let mut api = api();
    let kept = upstream(shown, Show::Nothing, &api);
    assert_eq!((kept.matches("theirs").count(), kept.matches("txn-tokens: kept").count()), (3, 1), "nothing is ours to say: {kept}");
    api.upstream.transactions = Some("acme.example".into());
    let secret = Show::Secret { name: HeaderName::from_static("x-own"), value: HeaderValue::from_static("ours") };
    for show in [Show::Nothing, Show::Keep, Show::Assertion(HeaderValue::from_static("word")), secret] {
        for ours in [None, Some("ours-alone")] {
            let told = with_transaction(shown, show.clone(), &api, ours);
            let lines: Vec<&str> = told.lines().filter(|line| line.starts_with("txn")).collect();
            let expected: &[&str] = if ours.is_some() { &["txn-token: ours-alone", "txn-tokens: kept"] } else { &["txn-tokens: kept"] };
            assert_eq!(lines, expected, "{told}");
        }
    }
}

#[test]
fn what_ends_at_this_hop_ends() {
    let hop = "
        Host: api.example
        Connection: close, X-Secret, Wardgate-Request-Id
        Connection: x-forwarded-for
        X-Secret: 1
        Keep-Alive: timeout=5
        Proxy-Connection: keep-alive
        Proxy-Authorization: Basic x
        TE: gzip
        Trailer: X
        Transfer-Encoding: chunked
        Upgrade: h2c
        HTTP2-Settings: x
        Expect: 100-continue
        X-Kept: 1
    ";
    assert_eq!(upstream(hop, Show::Nothing, &api()), format!("{OURS}\nx-kept: 1"));
}

#[test]
fn the_clients_credential_does_not_go_on() {
    let shown = "
        Host: api.example
        Authorization: Bearer theirs
        X-Api-Key: theirs
    ";
    let mut api = api();
    api.api_key_header = Some(HeaderName::from_static("x-api-key"));
    assert_eq!(upstream(shown, Show::Nothing, &api), OURS);
    let basic = Show::Secret { name: http::header::AUTHORIZATION, value: HeaderValue::from_static("Basic ours") };
    assert_eq!(upstream(shown, basic, &api), format!("authorization: Basic ours\n{OURS}"));
    let secret = Show::Secret { name: HeaderName::from_static("x-api-key"), value: HeaderValue::from_static("ours") };
    let with = |text: &str| OURS.replace("\nx-forwarded-for", &format!("\nx-api-key: {text}\nx-forwarded-for"));
    assert_eq!(upstream(shown, secret, &api), with("ours"));
    assert_eq!(upstream(shown, Show::Keep, &api), format!("authorization: Bearer theirs\n{}", with("theirs")));
    let assertion = upstream(shown, Show::Assertion(HeaderValue::from_static("ours")), &api);
    assert!(assertion.contains("wardgate-assertion: ours") && !assertion.contains("theirs"), "{assertion}");
}

#[test]
fn nothing_poses_as_a_credential() {
    let shown = "
        Host: api.example
        X_Api_Key: theirs
        X_Upstream-Key: theirs
        X-Other_Key: theirs
    ";
    let mut api = api();
    api.api_key_header = Some(HeaderName::from_static("x-api-key"));
    let kept = format!("{OURS}\nx-other_key: theirs\nx_upstream-key: theirs");
    assert_eq!(upstream(shown, Show::Keep, &api), kept);
    let secret = Show::Secret { name: HeaderName::from_static("x-upstream-key"), value: HeaderValue::from_static("ours") };
    assert_eq!(upstream(shown, secret, &api), format!("{OURS}\nx-other_key: theirs\nx-upstream-key: ours"));
}

#[test]
fn cookies_in_several_fields_become_one() {
    assert_eq!(upstream("Host: a\nCookie: a=1\nCookie: b=2", Show::Nothing, &api()), format!("cookie: a=1; b=2\n{OURS}"));
}

#[test]
fn an_invalid_trace_is_not_carried_on() {
    assert_eq!(upstream("Host: a\nTraceparent: bad\nTracestate: x=1", Show::Nothing, &api()), OURS);
}

#[test]
fn earlier_hops_stay_in_via() {
    let passed = upstream("Host: a\nVia: 1.1 other", Show::Nothing, &api());
    assert!(passed.contains("via: 1.1 other\nvia: 1.1 wardgate") || passed.contains("via: 1.1 other"), "{passed}");
    assert!(passed.contains("via: 1.1 wardgate"), "{passed}");
}

#[test]
fn an_upstream_says_what_happened_to_us_only() {
    let mut headers = fields(
        "Wardgate-Effect: records=3\nWardgate-Request-Id: forged\nWardgate-Reason: proof.invalid\nConnection: X-Hop\nX-Hop: 1\nX-Kept: 1\nTransfer-Encoding: chunked",
    );
    assert_eq!(towards_client(&mut headers).as_deref(), Some("records=3"));
    assert_eq!(text(&headers), "x-kept: 1");
    let mut long = fields(&format!("Wardgate-Effect: {}", "x".repeat(500)));
    assert_eq!(towards_client(&mut long).map(|effect| effect.len()), Some(256));
}

#[test]
fn forwarded_is_quoted_where_it_must_be() {
    assert_eq!(forwarded("192.0.2.7".parse().unwrap(), "a.example", true), "for=192.0.2.7;host=a.example;proto=https");
    assert_eq!(forwarded("2001:db8::1".parse().unwrap(), "a:8080", false), "for=\"[2001:db8::1]\";host=\"a:8080\";proto=http");
}

#[test]
fn trailers_pass_by_name_alone() {
    let fields = [
        ("grpc-status", "0"),
        ("grpc-message", "ok"),
        ("grpc-status-details-bin", "AA"),
        ("x-checksum", "1"),
        ("x-other", "1"),
        ("content-length", "5"),
        ("transfer-encoding", "chunked"),
        ("authorization", "Bearer x"),
        ("wardgate-assertion", "x"),
        ("x-forwarded-for", "10.0.0.1"),
    ];
    let map = || fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect::<HeaderMap>();
    let passed = |allowed: &[&'static str]| {
        let allowed: Vec<HeaderName> = allowed.iter().map(|name| HeaderName::from_static(name)).collect();
        let (passed, dropped) = trailers(map(), &allowed);
        let names: Vec<String> = passed.keys().map(ToString::to_string).collect();
        format!("{} {dropped}", names.join(" "))
    };
    assert_eq!(passed(&[]), "grpc-status grpc-message grpc-status-details-bin 7");
    assert_eq!(passed(&["x-checksum"]), "grpc-status grpc-message grpc-status-details-bin x-checksum 6");
    // Nobody can allow what says how a message is read, or whom to believe.
    let all = fields.map(|(name, _)| name);
    assert_eq!(passed(&all), "grpc-status grpc-message grpc-status-details-bin x-checksum x-other 5");
}
