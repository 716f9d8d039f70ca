use super::{session, take_off};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;
use wardgate_model::{
    api::{Api, PeopleSession, UpstreamIdentity},
    facts::{Caller, Facts, Lane},
    id::{IdentityId, SecretName},
    inventory::Identity,
    proof::ProofFacts,
    reason::Reason,
};
use wardgate_proof::api_key::Pepper;
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, world};

const WORLD: &str = "
kind: Owner
name: shop-team
spec: { accountable: lead@example.com }
---
kind: Environment
name: production
spec: { production: true }
---
kind: Api
name: shop
spec:
  policy_owner: shop-team
  environment: production
  consumers: mixed
  people: { cookie: sid, header: X-Session, classes: [read] }
  api_key_header: X-Api-Key
  upstream: { urls: ['http://127.0.0.1:9000'] }
  match: { hosts: [shop.example] }
  operations: [{ match: GET /basket }]
";

fn api() -> Api {
    let world = world(WORLD, "", ShippedLimits::Off).unwrap();
    Api::clone(&world.snapshot.apis()[0])
}

/// Lines of fields → a header map.
fn fields(text: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap();
        headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.trim().as_bytes()).unwrap());
    }
    headers
}

fn named(text: &str) -> Result<Option<Box<str>>, Reason> {
    session(&fields(text), &api(), &Pepper::new(&[7; 32]))
}

#[test]
fn one_session_is_one_name_however_it_is_written() {
    let name = named("cookie: sid=abc123").unwrap().unwrap();
    assert_eq!(name.len(), 22, "a keyed hash");
    for same in [
        "cookie: a=1; sid=abc123; b=2",
        "cookie: sid=abc123;",
        "cookie:  sid=abc123 ",
        "cookie: a=1\ncookie: sid=abc123",
        "cookie: sid=\"abc123\"",
        "cookie: sid=%61bc123",
        "cookie: sid=%61%62%63%31%32%33",
        "cookie: lone; sid=abc123",
        "x-session: abc123",
        "cookie: a=1\nx-session: abc123",
    ] {
        assert_eq!(named(same), Ok(Some(name.clone())), "{same}");
    }
    for other in ["cookie: sid=abc124", "cookie: sid=ABC123", "cookie: sid=a;b=abc123"] {
        assert!(named(other).unwrap().is_some_and(|other| other != name), "{other}");
    }
}

#[test]
fn what_is_no_session_is_none() {
    for nothing in
        ["", "cookie: a=1", "cookie: sid=", "cookie: sid", "cookie: xsid=abc", "cookie: a=sid", "cookie: a=x&sid=y", "x-session:"]
    {
        assert_eq!(named(nothing), Ok(None), "{nothing}");
    }
    let machines = Api { people: None, ..api() };
    assert_eq!(session(&fields("cookie: sid=a; sid=b"), &machines, &Pepper::new(&[7; 32])), Ok(None), "none is looked for");
}

#[test]
fn what_two_servers_would_read_differently_is_refused() {
    for (text, reason) in [
        ("cookie: sid=a; sid=b", Reason::CredentialConflict),
        ("cookie: sid=a; sid=a", Reason::CredentialConflict),
        ("cookie: sid=; sid=b", Reason::CredentialConflict),
        ("cookie: sid=a\ncookie: sid=b", Reason::CredentialConflict),
        ("cookie: sid=a\nx-session: b", Reason::CredentialConflict),
        ("x-session: a\nx-session: a", Reason::CredentialConflict),
        ("cookie: sid=a; SID=b", Reason::CredentialMalformed),
        ("cookie: sid=a; %73id=b", Reason::CredentialMalformed),
        ("cookie: sid=a; \"sid\"=b", Reason::CredentialMalformed),
        ("cookie: sid=a; sid[x]=b", Reason::CredentialMalformed),
        ("cookie: x=1, sid=b", Reason::CredentialMalformed),
        ("cookie: sid=a,sid=b", Reason::CredentialMalformed),
        ("cookie: sid =b", Reason::CredentialMalformed),
        ("cookie: sid=\"a\\142\"", Reason::CredentialMalformed),
        ("cookie: sid=ä", Reason::CredentialMalformed),
        ("cookie: sid=a b", Reason::CredentialMalformed),
    ] {
        assert_eq!(named(text), Err(reason), "{text}");
    }
}

/// What goes on of a request of a lane: the names of its fields.
fn goes_on(api: &Api, lane: Option<Lane>, text: &str) -> String {
    let (facts, _) =
        world(WORLD, "", ShippedLimits::Off).unwrap().judge(&Asked::parse("GET http://shop.example/basket").unwrap(), DAWN).unwrap();
    let identity = match lane {
        Some(Lane::Machine) => Identity { id: IdentityId::literal("sync"), ..Identity::anonymous() },
        Some(Lane::People) => Identity::people(),
        _ => Identity::anonymous(),
    };
    let actors = smallvec::SmallVec::new();
    let caller = Caller {
        identity: Arc::new(identity),
        credential: None,
        proof: ProofFacts::NONE,
        token: None,
        on_behalf_of: None,
        actors,
        holds: None,
        delegation: None,
        task: None,
    };
    let mut headers = fields(text);
    take_off(&mut headers, &Facts { api: Some(Arc::new(api.clone())), caller: lane.map(|_| caller), ..facts });
    let mut left: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    left.sort();
    left.join(", ")
}

#[test]
fn no_request_goes_on_as_a_machine_and_a_person_both() {
    let all = "cookie: sid=s; theme=dark\nx-session: s\nx_session: s\nx-legacy: l\nx_legacy: l\naccept: a";
    let plain = api();
    assert_eq!(goes_on(&plain, Some(Lane::Machine), all), "accept: a, x-legacy: l, x_legacy: l");
    assert_eq!(goes_on(&plain, Some(Lane::People), all), "accept: a, cookie: sid=s; theme=dark, x-legacy: l, x-session: s, x_legacy: l");
    assert_eq!(goes_on(&plain, None, "cookie: sid=s\nauthorization: Bearer x"), "authorization: Bearer x", "a bad proof is a machine's");
    assert_eq!(goes_on(&plain, None, "cookie: sid=s\nx-api-key: x"), "x-api-key: x");
    assert_eq!(goes_on(&plain, None, "cookie: sid=s"), "cookie: sid=s");
    let shown = UpstreamIdentity::Header { name: HeaderName::from_static("x-legacy"), secret: SecretName::literal("legacy") };
    let mut legacy = api();
    legacy.upstream.identity = shown;
    assert_eq!(goes_on(&legacy, Some(Lane::People), all), "accept: a, cookie: sid=s; theme=dark, x-session: s");
    let mut keep = api();
    keep.upstream.identity = UpstreamIdentity::Keep;
    assert!(goes_on(&keep, Some(Lane::Machine), all).contains("cookie: sid=s"), "the upstream checks its own callers");
    let by_header = Api { people: Some(PeopleSession { cookie: None, ..plain.people.clone().unwrap() }), ..api() };
    assert_eq!(goes_on(&by_header, Some(Lane::Machine), "cookie: a=1\nx-session: s"), "cookie: a=1");
    let machines = Api { people: None, ..api() };
    assert_eq!(goes_on(&machines, Some(Lane::Machine), "cookie: sid=s"), "cookie: sid=s", "as before");
}

proptest::proptest! {
    #[test]
    fn no_cookie_panics(field in "[ -~\t]{0,200}") {
        let _: Result<_, _> = named(&format!("cookie: {}", field.replace(':', ";")));
    }
}
