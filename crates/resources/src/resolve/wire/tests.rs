use crate::{Sources, load};
use insta::assert_snapshot;
use std::{io, path::Path};

/// `upstream` of an API → how it is spoken to, or what is wrong with it.
fn check(upstream: &str) -> String {
    let text = format!(
        "kind: Owner\nname: o\nspec: {{ accountable: o@example.com, deputy: d@example.com, contact: o@example.com, teams: [] }}\n---\nkind: Environment\nname: e\nspec: {{ production: false }}\n---\nkind: Api\nname: a\nspec:\n  policy_owner: o\n  business_owner: o\n  environment: e\n  match: {{ path_prefix: /a }}\n  upstream: {upstream}\n  operations: [{{ match: GET /x }}]\n"
    );
    let sources = Sources { documents: vec![("r.yaml".into(), text.into_bytes())], policies: Vec::new() };
    let files = |_: &Path, name: &str| match name {
        "ca.pem" => Ok(b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n".to_vec()),
        "empty.pem" => Ok(Vec::new()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let loaded = load(&sources, &files);
    let said: String = loaded.diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect();
    match loaded.inventory {
        None => said,
        Some(inventory) => {
            let wire = &inventory.apis[0].upstream.wire;
            let health = wire.health.as_ref().map(|health| format!("{} {:?}", health.path, health.every));
            let concurrency = wire.concurrency.map(|within| format!("|{} to {}", within.min, within.max)).unwrap_or_default();
            format!("{} {:?} {health:?} {}{said}{concurrency}", wire.protocol, wire.upgrade, wire.ca.is_some())
        }
    }
}

#[test]
fn what_is_not_said_is_http1_and_nothing_else() {
    assert_snapshot!(check("{ urls: [http://u] }"), @"http1 [] None false");
}

#[test]
fn everything_can_be_said() {
    assert_snapshot!(check("{ urls: [https://u, https://v], protocol: http2, health: { path: /healthz, every: 5s }, ca: file:ca.pem }"), @r#"http2 [] Some("/healthz 5s") true"#);
    assert_snapshot!(check("{ urls: [http://u], upgrade: [websocket], health: { path: /healthz } }"), @r#"http1 [WebSocket] Some("/healthz 10s") false"#);
}

#[test]
fn how_many_requests_at_a_time_may_follow_the_upstream() {
    let within = |concurrency: &str| {
        let said = check(&format!("{{ urls: [http://u], connections_max: 100, concurrency: {concurrency} }}"));
        said.rsplit('|').next().unwrap().to_owned()
    };
    assert_eq!(within("{ adaptive: true }"), "8 to 100");
    assert_eq!(within("{ adaptive: true, min: 2, max: 50 }"), "2 to 50");
    assert_eq!(within("{ adaptive: true, max: 4 }"), "4 to 4");
    assert!(within("{ adaptive: false, min: 2 }").starts_with("http1 "), "switched off");
    let wrong = check("{ urls: [http://u], connections_max: 10, concurrency: { adaptive: true, min: 9, max: 11 } }");
    assert!(wrong.contains("`upstream.concurrency.max`: expected 1 to 10, found 11"), "{wrong}");
    let wrong = check("{ urls: [http://u], concurrency: { adaptive: true, min: 0, max: 5 } }");
    assert!(wrong.contains("`upstream.concurrency.min`: expected 1 to 5, found 0"), "{wrong}");
}

#[test]
fn what_cannot_be_is_said_all_at_once() {
    assert_snapshot!(check("{ urls: [http://u], protocol: http2, upgrade: [websocket], health: { path: healthz, every: 1ms }, ca: file:empty.pem }"), @"
    r.yaml:16:59: error[upstream.upgrade]: Api `a`: `upstream.upgrade`: this upstream is spoken to by HTTP/2, where nothing goes over
      = an upstream takes WebSocket by HTTP/1.1: leave `protocol` out, or declare an API of its own for it
    r.yaml:16:88: error[value.invalid]: Api `a`: `upstream.health.path`: `healthz` is no path
      = write a path as in `/healthz`
    r.yaml:16:115: error[file.not_understood]: Api `a`: `upstream.ca`: there is no certificate in the file `empty.pem`
      = name a PEM file of the certificates that sign the upstream's, at most 256 KiB
    r.yaml:16:115: error[upstream.ca]: Api `a`: `upstream.ca`: no address of this upstream is called by TLS
      = write the addresses as `https://…`, or take `ca` out
    ");
    assert_snapshot!(check("{ urls: [https://u], ca: file:none.pem, upgrade: [h2c], protocol: http3 }"), @r"
r.yaml:16:38: error[file.not_read]: Api `a`: `upstream.ca`: the file `none.pem` cannot be read: entity not found
  = a relative path counts from the file that names it or, where nothing is there, from the directory of `wardgate.yaml`
r.yaml:16:63: error[value.word]: Api `a`: `upstream.upgrade[0]`: `h2c` is not one of `websocket`
r.yaml:16:79: error[value.word]: Api `a`: `upstream.protocol`: `http3` is not one of `http1`, `http2`
  = did you mean `http1`?
");
    assert_snapshot!(check("{ urls: [http://u, http://v, http://u:80] }"), @"
    r.yaml:16:42: error[upstream.url_twice]: Api `a`: `upstream.urls`: this address stands twice
      = keep one
    ");
}

#[test]
fn a_client_certificate_is_one_secret_and_wants_tls() {
    assert_snapshot!(check("{ urls: [https://u], identity: { client_certificate: u-cert } }"), @"http1 [] None false");
    assert_snapshot!(check("{ urls: [https://u, http://v], identity: { client_certificate: u-cert, secret: other } }"), @"
    r.yaml:16:76: error[upstream.client_certificate]: Api `a`: `upstream.identity.client_certificate`: an address of this upstream is not called by TLS, and would not see it
      = write every address as `https://…`
    r.yaml:16:92: error[upstream.identity]: Api `a`: `upstream.identity.secret`: a client certificate is one secret, with its key
      = write `{client_certificate: NAME}`: the secret is the chain and the key, one after the other
    ");
    assert_snapshot!(check("{ urls: [https://u], identity: { client_certificate: u-cert, header: X-Key } }"), @"
    r.yaml:16:44: error[upstream.identity]: Api `a`: `upstream.identity`: a secret is shown in exactly one way
      = write it as in `{header: X-Api-Key, secret: NAME}` or `{basic: USER, secret: NAME}`
    ");
}

#[test]
fn trailers_are_named_and_say_nothing_of_the_message() {
    assert_snapshot!(check("{ urls: [http://u], protocol: http2, trailers: [x-checksum, x-sum] }"), @"http2 [] None false");
    assert_snapshot!(check("{ urls: [http://u], trailers: [x-sum, X-Sum, authorization, x-real-ip] }"), @"
    r.yaml:16:43: error[upstream.trailers]: Api `a`: `upstream.trailers`: no trailer is passed on by HTTP/1.1, which this upstream is spoken to by
      = write `protocol: http2`, or take `trailers` out
    r.yaml:16:51: error[upstream.trailers]: Api `a`: `upstream.trailers`: `x-sum` cannot be passed on
      = keep one
    r.yaml:16:58: error[upstream.trailers]: Api `a`: `upstream.trailers`: `authorization` cannot be passed on
      = it says how a message is read, or whom to believe: leave it out
    r.yaml:16:73: error[upstream.trailers]: Api `a`: `upstream.trailers`: `x-real-ip` cannot be passed on
      = it says how a message is read, or whom to believe: leave it out
    ");
}

/// STANDARDS §1.13: off unless a trust domain is named, and the header of it has no other office.
#[test]
fn a_transaction_token_wants_a_trust_domain_and_its_header_to_itself() {
    let of = |token: &str| check(&format!("{{ urls: [http://u], transaction_token: {token} }}"));
    for good in ["{ trust_domain: acme.example }", "{ trust_domain: 'https://acme.example/shop' }", "{ trust_domain: 'urn:acme' }"] {
        assert_eq!(of(good), "http1 [] None false", "{good}");
    }
    for (bad, expected) in [
        ("{ trust_domain: 'a b' }", "`upstream.transaction_token.trust_domain`: `a b` is no trust domain"),
        ("{ trust_domain: '' }", "`upstream.transaction_token.trust_domain`: `` is no trust domain"),
        ("{ trust_domain: ':acme' }", "`upstream.transaction_token.trust_domain`: `:acme` is no trust domain"),
        ("{ trust_domain: 'a{b}' }", "`upstream.transaction_token.trust_domain`: `a{b}` is no trust domain"),
        ("{ trust_domain: [a] }", "`upstream.transaction_token.trust_domain`"),
        ("{}", "trust_domain"),
        ("{ trust_domain: a, life: 5m }", "life"),
        ("acme.example", "`upstream.transaction_token`"),
    ] {
        let said = of(bad);
        assert!(said.starts_with("r.yaml:") && said.contains(": error[") && said.contains(expected), "{bad}: {said}");
    }
    let said = check("{ urls: [http://u], transaction_token: { trust_domain: a }, identity: { header: Txn-Token, secret: s } }");
    assert!(said.contains("error[upstream.transaction_token]: Api `a`: `upstream.transaction_token`: `Txn-Token` holds"), "{said}");
}
