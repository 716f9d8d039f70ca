use super::{PolicyField, Voice, credential_ends, on_the_wire, operation_ends, rate_limits, refusal};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, Version, header};
use smallvec::smallvec;
use std::sync::Arc;
use wardgate_model::{
    api::{Api, Operation, OperationEnding, PeopleSession, SunsetStance},
    credential::{Credential, CredentialKind, CredentialState},
    facts::{Caller, Facts, Stopped},
    id::{CredentialId, EnvironmentName, IdentityId, RequestId},
    inventory::Identity,
    proof::{HeldKey, ProofFacts},
    reason::Reason,
    ruling::{LimitState, LimitUnit, Ruling},
    time::Time,
};

const ID: &str = "01900000-0000-7000-8000-000000000001";

fn id() -> RequestId {
    RequestId::parse(ID).expect("an id")
}

fn facts(path: &str) -> Facts {
    let opening = crate::record::Opening {
        id: id(),
        time: Time::from_seconds(1_800_000_000),
        door: wardgate_model::facts::Door::Public,
        method: Method::GET,
        peer: "192.0.2.7".parse().expect("an address"),
    };
    let mut facts = opening.facts(path);
    facts.api = Some(Arc::new(crate::fixture::api("orders", "http://127.0.0.1:1")));
    facts
}

fn known(mut facts: Facts, name: &str) -> Facts {
    let identity = Identity { id: IdentityId::parse(name).expect("a name"), ..Identity::anonymous() };
    facts.caller = Some(Caller {
        identity: Arc::new(identity),
        credential: None,
        proof: ProofFacts::NONE,
        token: None,
        on_behalf_of: None,
        actors: smallvec![],
        holds: None,
        delegation: None,
        task: None,
    });
    facts
}

fn show(response: &Response<Bytes>) -> String {
    let mut lines: Vec<String> = response.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    lines.sort();
    format!("{}\n{}\n\n{}", response.status().as_u16(), lines.join("\n"), String::from_utf8_lossy(response.body()))
}

#[test]
fn every_refusal_is_a_problem_with_its_code() {
    for reason in Reason::ALL.iter().copied().filter(|reason| *reason != Reason::RuleAllowed) {
        let response = refusal(id(), &Ruling::refused(reason), Some(&facts("/")), None, Voice::Problem);
        let json: serde_json::Value = serde_json::from_slice(response.body()).expect("JSON");
        let outside = reason.outside().row();
        assert_eq!(response.status().as_u16(), outside.http, "{reason:?}");
        assert_eq!(json["status"], outside.http);
        assert_eq!(json["code"], outside.code);
        assert_eq!(json["type"], format!("urn:wardgate:reason:{}", outside.code));
        assert_eq!(json["instance"], format!("urn:uuid:{ID}"));
        assert_eq!(json["request_id"], ID);
        assert_eq!(json["remedy"], outside.remedy);
        assert!(json["title"].is_string() && json["detail"].is_string());
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(response.headers()["wardgate-reason"], outside.code, "{reason:?}");
        assert_eq!(
            response.headers().contains_key(header::WWW_AUTHENTICATE),
            outside.http == 401 || outside.code.starts_with("credential.") || outside == Reason::StandingScope.row()
        );
        assert_eq!(response.headers().contains_key(header::ALLOW), outside.http == 405, "{reason:?}");
        assert_eq!(response.headers().contains_key(header::RETRY_AFTER), outside.http == 503, "{reason:?}");
    }
}

#[test]
fn unknown_expired_and_revoked_look_the_same() {
    let said = |reason| show(&refusal(id(), &Ruling::refused(reason), Some(&facts("/")), None, Voice::Problem));
    assert_eq!(said(Reason::ProofUnknown), said(Reason::ProofExpired));
    assert_eq!(said(Reason::ProofUnknown), said(Reason::ProofRevoked));
    assert!(said(Reason::ProofUnknown).contains("www-authenticate: Bearer realm=\"wardgate\", error=\"invalid_token\""));
    // RFC 6750 §3.1: nothing shown, no error told.
    assert!(said(Reason::CredentialMissing).contains("www-authenticate: Bearer realm=\"wardgate\"\n"));
    // RFC 9449 §7.1: what is wrong with a proof of possession is said in its own scheme.
    for (reason, error) in [(Reason::ProofPossession, "invalid_dpop_proof"), (Reason::ProofNonce, "use_dpop_nonce")] {
        let said = said(reason);
        assert!(said.contains(&format!("www-authenticate: DPoP realm=\"wardgate\", error=\"{error}\", algs=\"ES256 ")), "{said}");
        assert!(!said.contains("Bearer"), "{said}");
    }
    assert_eq!(said(Reason::ProofRepeated), said(Reason::ProofPossession));
}

/// The facts of a request to an API that takes tokens.
fn taking_tokens() -> Facts {
    let mut facts = facts("/");
    let mut api = Api::clone(facts.api.as_ref().expect("an api"));
    api.accept = [CredentialKind::ApiKey, CredentialKind::Oidc].into();
    facts.operation = api.operations.first().cloned();
    facts.api = Some(Arc::new(api));
    facts
}

/// Every challenge of a refusal.
fn challenges(reason: Reason, facts: &Facts) -> Vec<String> {
    let response = refusal(id(), &Ruling::refused(reason), Some(facts), None, Voice::Problem);
    let all = response.headers().get_all(header::WWW_AUTHENTICATE).iter();
    // Which algorithms there are is told elsewhere.
    all.map(|value| value.to_str().expect("text").split(", algs=").next().unwrap_or_default().to_owned()).collect()
}

/// Who takes signatures of requests alone names a scheme for it all the same (RFC 9110 §15.5.2): `Accept-Signature` says what is wanted
/// (RFC 9421 §5.1).
#[test]
fn an_api_that_takes_signatures_alone_asks_for_no_bearer() {
    let taking = |kinds: &[CredentialKind]| {
        let mut facts = taking_tokens();
        let mut api = Api::clone(facts.api.as_ref().expect("an api"));
        api.accept = kinds.into();
        facts.api = Some(Arc::new(api));
        facts
    };
    for reason in [
        Reason::CredentialMissing,
        Reason::CredentialNotAccepted,
        Reason::ProofUnknown,
        Reason::CredentialMalformed,
        Reason::ProofMessageTime,
    ] {
        let wanted: &[&str] = if reason == Reason::CredentialMalformed { &[] } else { &["Signature realm=\"wardgate\""] };
        assert_eq!(challenges(reason, &taking(&[CredentialKind::PublicKey, CredentialKind::WebBotAuth])), wanted, "{reason:?}");
        assert!(
            !challenges(reason, &taking(&[CredentialKind::PublicKey, CredentialKind::ApiKey])).is_empty(),
            "a key can be sent: {reason:?}"
        );
    }
}

/// RFC 6750 §3.1, by name: what cannot be read as one credential is a wrong request, and said to be one.
#[test]
fn a_credential_that_is_malformed_misplaced_or_there_twice_is_an_invalid_request() {
    for reason in [Reason::CredentialInQuery, Reason::CredentialMisplaced, Reason::CredentialConflict, Reason::CredentialMalformed] {
        for facts in [facts("/"), taking_tokens()] {
            assert_eq!(challenges(reason, &facts), ["Bearer realm=\"wardgate\", error=\"invalid_request\""], "{reason:?}");
        }
    }
}

/// RFC 9449 §7.1, §7.2: what is wrong is said in the challenge of the scheme that was shown; the other one only says that it is there.
#[test]
fn the_challenge_that_says_what_is_wrong_is_that_of_the_scheme_that_was_shown() {
    let bearers = taking_tokens();
    let mut shown = taking_tokens();
    shown.stopped = Some(Stopped { by_possession: true, ..Stopped::because(Reason::ProofUnknown) });
    let (bearer, dpop) = ("Bearer realm=\"wardgate\"", "DPoP realm=\"wardgate\"");
    assert_eq!(challenges(Reason::CredentialMissing, &bearers), [bearer, dpop]);
    assert_eq!(challenges(Reason::ProofUnknown, &bearers), [&format!("{bearer}, error=\"invalid_token\""), dpop]);
    assert_eq!(challenges(Reason::ProofUnknown, &shown), [format!("{dpop}, error=\"invalid_token\"")]);
    // Where possession is wanted of what is bound to nothing: the way to it is told beside (STANDARDS §1.15).
    assert_eq!(challenges(Reason::RuleUnbound, &bearers), [&format!("{bearer}, error=\"invalid_token\""), dpop]);
    // An API that takes keys alone has that scheme and no other, whatever is shown.
    let mut keys = facts("/");
    keys.stopped = shown.stopped;
    assert_eq!(challenges(Reason::CredentialNotAccepted, &keys), [bearer]);
    // A genuine token that is for something else.
    let scoped = |holds| {
        let mut facts = known(taking_tokens(), "ledger-sync");
        facts.caller.as_mut().expect("a caller").holds = holds;
        challenges(Reason::StandingScope, &facts)
    };
    let class = bearers.operation.as_ref().expect("an operation").class.as_str();
    let said = format!("error=\"insufficient_scope\", scope=\"{class}\"");
    assert_eq!(scoped(None), [format!("{bearer}, {said}")]);
    assert_eq!(scoped(Some(HeldKey::Key([1; 32]))), [format!("{dpop}, {said}")]);
    assert_eq!(scoped(Some(HeldKey::Certificate([1; 32]))), [format!("{bearer}, {said}")], "shown as a bearer's, on its connection");
}

#[test]
fn a_405_names_the_methods_of_the_path() {
    let allow = |path| {
        let response = refusal(id(), &Ruling::refused(Reason::RouteNoMethod), Some(&facts(path)), None, Voice::Problem);
        response.headers()[header::ALLOW].to_str().expect("text").to_owned()
    };
    assert_eq!(allow("/"), "GET, HEAD, POST, PUT");
    assert_eq!(allow("/a/b"), "GET");
    assert_eq!(allow("/a/b/c"), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
}

fn limited() -> Ruling {
    let state = |policy: &str, quota, window_s, unit, remaining, reset_s| LimitState {
        policy: policy.into(),
        quota,
        window_s,
        unit,
        remaining,
        reset_s,
    };
    Ruling {
        limits: smallvec![
            state("partner.rate", 100, Some(60), LimitUnit::Requests, 0, 3),
            state("partner.concurrency", 20, None, LimitUnit::ConcurrentRequests, 19, 0),
        ],
        retry_after_s: Some(3),
        told: None,
        subject: None,
        ..Ruling::refused(Reason::ReserveRate)
    }
}

#[test]
fn limits_are_told_to_known_callers_only() {
    let told = show(&refusal(id(), &limited(), Some(&known(facts("/"), "ledger-sync")), None, Voice::HeadOnly));
    assert!(told.contains("ratelimit: \"partner.rate\";r=0;t=3, \"partner.concurrency\";r=19;t=0\n"), "{told}");
    assert!(
        told.contains("ratelimit-policy: \"partner.rate\";q=100;w=60, \"partner.concurrency\";q=20;qu=\"concurrent-requests\"\n"),
        "{told}"
    );
    assert!(told.contains("retry-after: 3"));
    for stranger in [facts("/"), known(facts("/"), Identity::ANONYMOUS)] {
        let told = show(&refusal(id(), &limited(), Some(&stranger), None, Voice::HeadOnly));
        assert!(!told.contains("ratelimit") && told.contains("retry-after: 3"), "{told}");
    }
}

fn told(fill: impl FnOnce(&mut HeaderMap)) -> String {
    let mut response = Response::new(Bytes::new());
    fill(response.headers_mut());
    show(&response)
}

#[test]
fn what_is_remembered_of_limits_is_what_would_be_said_anew() {
    let caller = known(facts("/"), "ledger-sync");
    let mut field = PolicyField::default();
    let change: [fn(&mut Ruling); 7] = [
        |_| {},
        |ruling| ruling.limits[0].remaining = u64::MAX,
        |ruling| ruling.limits[0].quota = 10,
        |ruling| ruling.limits[1].window_s = Some(0),
        |ruling| ruling.limits[1].unit = LimitUnit::ContentBytes,
        |ruling| ruling.limits[0].policy = "other.rate".into(),
        |ruling| drop(ruling.limits.pop()),
    ];
    let mut ruling = limited();
    for change in change {
        change(&mut ruling);
        let anew = told(|headers| rate_limits(headers, &ruling, &caller));
        assert_eq!(told(|headers| field.rate_limits(headers, &ruling, &caller)), anew);
        assert!(anew.contains("ratelimit-policy: "), "{anew}");
        // Strangers do not profit from what was remembered.
        assert_eq!(told(|headers| field.rate_limits(headers, &ruling, &facts("/"))), "200\n\n\n");
    }
    ruling.limits[0].policy = "no\nfield".into();
    assert_eq!(told(|headers| field.rate_limits(headers, &ruling, &caller)), "200\n\n\n");
}

fn with_credential(warn_from: Option<Time>, expires: Option<Time>) -> Facts {
    let mut facts = known(facts("/"), "ledger-sync");
    let credential = Credential {
        id: CredentialId::parse("AAAAAAAAAAAA").expect("an id"),
        identity: IdentityId::literal("ledger-sync"),
        name: "main".into(),
        kind: CredentialKind::ApiKey,
        environment: EnvironmentName::literal("production"),
        sources: Box::default(),
        hash: None,
        binding: None,
        created: Time::from_seconds(0),
        expires,
        warn_from,
        task: None,
        state: CredentialState::Live,
    };
    facts.caller.as_mut().expect("a caller").credential = Some(Arc::new(credential));
    facts
}

#[test]
fn whoever_uses_a_credential_that_ends_is_told() {
    let at = |seconds| Some(Time::from_seconds(seconds));
    let now = Time::from_seconds(1_800_000_000);
    let say = |facts: &Facts| told(|headers| credential_ends(headers, facts, now));
    let both = "200\ndeprecation: @1799999999\nwardgate-credential-expires: 2027-01-16T08:00:00Z\n\n";
    assert_eq!(say(&with_credential(at(1_799_999_999), at(1_800_086_400))), both);
    assert_eq!(say(&with_credential(at(1_800_000_000), None)), "200\ndeprecation: @1800000000\n\n", "it is to be replaced, and goes on");
    for silent in [with_credential(at(1_800_000_001), at(1_800_086_400)), with_credential(None, at(1_800_000_001)), facts("/")] {
        assert_eq!(say(&silent), "200\n\n\n");
    }
    // A claim that failed tells a stranger nothing.
    let mut failed = with_credential(at(0), at(1_800_086_400));
    failed.stopped = Some(Stopped::because(Reason::ProofRevoked));
    assert_eq!(say(&failed), "200\n\n\n");
    // What the upstream says of itself stays.
    let beside = told(|headers| {
        headers.insert("deprecation", HeaderValue::from_static("@1"));
        credential_ends(headers, &with_credential(at(2), at(1_800_086_400)), now);
    });
    assert_eq!(beside, "200\ndeprecation: @1\nwardgate-credential-expires: 2027-01-16T08:00:00Z\n\n");
}

#[test]
fn who_shows_nothing_is_told_what_this_api_takes() {
    let remedy = |change: fn(&mut Api)| {
        let mut facts = facts("/");
        let mut api = Api::clone(facts.api.as_ref().expect("an api"));
        change(&mut api);
        facts.api = Some(Arc::new(api));
        let response = refusal(id(), &Ruling::refused(Reason::CredentialMissing), Some(&facts), None, Voice::Problem);
        serde_json::from_slice::<serde_json::Value>(response.body()).expect("json")["remedy"].as_str().expect("text").to_owned()
    };
    assert_eq!(remedy(|_| {}), Reason::CredentialMissing.row().remedy);
    let hooks = remedy(|api| api.accept = [CredentialKind::Hmac].into());
    assert_eq!(hooks, "show one of what the API takes: a signature of the call, in the field that was agreed on");
    let mixed = remedy(|api| {
        api.accept = [CredentialKind::ApiKey, CredentialKind::Oidc, CredentialKind::X509].into();
        api.api_key_header = Some(header::HeaderName::from_static("x-api-key"));
        api.people = Some(PeopleSession { cookie: Some("sid".into()), header: None });
    });
    assert_eq!(
        mixed,
        "show one of what the API takes: a key, as `Authorization: Bearer <key>` or `x-api-key: <key>`; a token of a declared issuer, as \
         `Authorization: Bearer <token>`, or with a proof of its key as `DPoP <token>`; a client certificate, in the TLS handshake; a person's session, in the cookie `sid`"
    );
}

#[test]
fn whoever_uses_an_operation_that_ends_is_told() {
    let at = |seconds| Some(Time::from_seconds(seconds));
    let ending = |deprecated, sunset| {
        let mut facts = known(facts("/"), "ledger-sync");
        let mut operation = Operation::clone(facts.api.as_ref().and_then(|api| api.operations.first()).expect("an operation"));
        operation.ending = Some(OperationEnding { deprecated, sunset, then: SunsetStance::Allow });
        facts.operation = Some(Arc::new(operation));
        facts
    };
    let say = |facts: &Facts| told(|headers| operation_ends(headers, facts));
    assert_eq!(
        say(&ending(at(1_700_000_000), at(784_111_777))),
        "200\ndeprecation: @1700000000\nsunset: Sun, 06 Nov 1994 08:49:37 GMT\n\n"
    );
    assert_eq!(say(&ending(None, None)), "200\ndeprecation: @0\n\n", "nobody said since when");
    assert_eq!(say(&facts("/")), "200\n\n\n");
    let mut stranger = ending(None, at(784_111_777));
    stranger.stopped = Some(Stopped::because(Reason::CredentialMissing));
    assert_eq!(say(&stranger), "200\n\n\n");
    let beside = told(|headers| {
        headers.insert("deprecation", HeaderValue::from_static("@1"));
        headers.insert("sunset", HeaderValue::from_static("Sat, 31 Dec 2050 23:59:59 GMT"));
        operation_ends(headers, &ending(at(2), at(784_111_777)));
    });
    assert_eq!(beside, "200\ndeprecation: @1\nsunset: Sat, 31 Dec 2050 23:59:59 GMT\n\n", "the upstream knows better");
}

#[test]
fn each_protocol_is_spoken_to_in_its_voice() {
    let mut headers = HeaderMap::new();
    assert_eq!(Voice::of(&Method::GET, Version::HTTP_11, &headers), Voice::Problem);
    assert_eq!(Voice::of(&Method::HEAD, Version::HTTP_11, &headers), Voice::HeadOnly);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc+proto"));
    assert_eq!(Voice::of(&Method::POST, Version::HTTP_2, &headers), Voice::Grpc);
    assert_eq!(Voice::of(&Method::POST, Version::HTTP_11, &headers), Voice::Problem);

    let grpc = show(&refusal(id(), &Ruling::refused(Reason::StandingDenied), None, None, Voice::Grpc));
    assert_eq!(
        grpc,
        "200\ncache-control: no-store\ncontent-type: application/grpc\ngrpc-message: the caller may not do this\ngrpc-status: 7\nwardgate-reason: standing.denied\n\n"
    );
    let head = refusal(id(), &Ruling::refused(Reason::StandingDenied), None, None, Voice::HeadOnly);
    assert!(head.body().is_empty() && head.headers()[header::CONTENT_LENGTH] != "0");
}

#[test]
fn the_guard_speaks_whole_http() {
    let text = String::from_utf8(on_the_wire(id(), Reason::WireFraming, "both \"lengths\"\u{1}")).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"));
    assert!(head.contains("connection: close"));
    assert!(head.contains(&format!("content-length: {}", body.len())));
    let json: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(json["detail"], "both \"lengths\"\u{1}");
}
