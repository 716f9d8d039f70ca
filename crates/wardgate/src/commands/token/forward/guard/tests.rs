use super::{Guard, Names, Turned};
use http::{HeaderName, Request, request::Parts};
use wardgate_model::secret::Secret;

/// `METHOD TARGET`, then a field a line.
fn head(text: &str) -> Parts {
    let mut lines = text.lines();
    let (method, target) = lines.next().unwrap().split_once(' ').unwrap();
    let request = lines.fold(Request::builder().method(method).uri(target), |request, line| {
        let (name, value) = line.split_once(": ").unwrap();
        request.header(name, value)
    });
    request.body(()).unwrap().into_parts().0
}

fn guard(secret: Option<&str>) -> Guard {
    Guard {
        names: Names::Here(["ledger.internal".into()].into()),
        prefix: "/ledger".into(),
        strip: [HeaderName::from_static("x-api-key")].into(),
        secret: secret.map(|secret| Secret::new(secret.to_owned())),
    }
}

fn check(guard: &Guard, text: &str) -> Result<(), Turned> {
    guard.check(&head(text))
}

#[test]
fn a_program_of_this_machine_is_let_pass() {
    let guard = guard(None);
    for host in ["127.0.0.1:8700", "localhost:8700", "LOCALHOST", "[::1]:8700", "ledger.internal", "192.0.2.7"] {
        assert_eq!(check(&guard, &format!("GET /ledger/entries?a=b\nHost: {host}")), Ok(()), "{host}");
    }
    assert_eq!(check(&guard, "GET http://localhost/ledger\nHost: localhost"), Ok(()));
}

/// A page resolves its own name to 127.0.0.1, and is of the same origin then as far as the browser goes.
#[test]
fn a_page_is_turned_away_by_whatever_it_shows() {
    let guard = guard(None);
    for (text, why) in [
        ("GET /ledger/entries\nHost: attacker.example:8700", Turned::Name),
        ("GET /ledger/entries\nHost: 127.0.0.1.attacker.example", Turned::Name),
        ("GET /ledger/entries\nHost: localhost.attacker.example", Turned::Name),
        ("GET /ledger/entries", Turned::Name),
        ("GET /ledger/entries\nHost: localhost\nHost: localhost", Turned::Name),
        ("GET /ledger/entries\nHost: a b", Turned::Name),
        ("GET http://attacker.example/ledger/entries\nHost: localhost", Turned::Name),
        ("POST /ledger/entries\nHost: localhost\nOrigin: https://attacker.example", Turned::Browser),
        ("POST /ledger/entries\nHost: localhost\nOrigin: null", Turned::Browser),
        ("GET /ledger/entries\nHost: localhost\nSec-Fetch-Site: cross-site", Turned::Browser),
        ("GET /ledger/entries\nHost: localhost\nUpgrade: websocket", Turned::Protocol),
        ("GET /ledgers\nHost: localhost", Turned::Path),
        ("GET /stock/items\nHost: localhost", Turned::Path),
    ] {
        assert_eq!(check(&guard, text), Err(why), "{text}");
    }
    let socket = Guard { names: Names::Any, ..guard };
    assert_eq!(check(&socket, "GET /ledger/entries\nHost: anything"), Ok(()));
}

#[test]
fn the_programs_static_header_may_be_the_local_secret() {
    let guard = guard(Some("s3cret"));
    let with = |field: &str| check(&guard, &format!("GET /ledger\nHost: localhost{field}"));
    assert_eq!(with("\nX-Api-Key: s3cret"), Ok(()));
    assert_eq!(with("\nX-Api-Key: Bearer s3cret"), Ok(()));
    for wrong in ["", "\nX-Api-Key: s3cre", "\nX-Api-Key: s3crets", "\nAuthorization: s3cret"] {
        assert_eq!(with(wrong), Err(Turned::Secret), "{wrong}");
    }
}

#[test]
fn nobody_sees_the_programs_credential_nor_what_is_of_its_connection() {
    let mut head = head(
        "GET /ledger\nHost: localhost\nAuthorization: Bearer old\nDPoP: x\nX-Api-Key: old\nConnection: close, X-Hop\nX-Hop: 1\nTE: trailers\n\
         Keep-Alive: 1\nExpect: 100-continue\nAccept: text/plain\nX-Other: 2",
    );
    guard(None).strip(&mut head.headers);
    let mut left: Vec<&str> = head.headers.keys().map(HeaderName::as_str).collect();
    left.sort_unstable();
    assert_eq!(left, ["accept", "x-other"]);
}
