use super::Proxies;
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::{any, prop, proptest};

fn proxies() -> Proxies {
    Proxies::new(["10.0.0.0/8", "2001:db8:1::/48"].map(|network| network.parse().unwrap()))
}

/// `peer`, then `name: value` lines → the source, `tls` or `clear` behind it where that was said.
fn check(text: &str) -> String {
    let mut lines = text.lines();
    let peer = lines.next().unwrap().parse().unwrap();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
    }
    match proxies().source(peer, &headers) {
        Err(unclear) => unclear.to_string(),
        Ok(source) => format!("{}{}", source.address, source.tls.map_or("", |tls| if tls { " tls" } else { " clear" })),
    }
}

const NOBODY: &str = "a hop that a trusted proxy tells of has no address";

#[test]
fn the_source_is_the_right_most_that_is_not_trusted() {
    for (request, expected) in [
        // Nobody to be believed.
        ("192.0.2.1\nx-forwarded-for: 198.51.100.7", "192.0.2.1"),
        ("192.0.2.1\nforwarded: for=198.51.100.7;proto=https", "192.0.2.1"),
        ("::ffff:192.0.2.1\nx-forwarded-for: 198.51.100.7", "192.0.2.1"),
        // A trusted one.
        ("10.0.0.1", "10.0.0.1"),
        ("10.0.0.1\nx-forwarded-for: 198.51.100.7", "198.51.100.7"),
        ("::ffff:10.0.0.1\nx-forwarded-for: 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1\nx-forwarded-for: 203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1\nx-forwarded-for: 203.0.113.9\nx-forwarded-for: 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1\nx-forwarded-for: 10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1\nx-forwarded-for: 198.51.100.7:4711", "198.51.100.7"),
        ("2001:db8:1::1\nx-forwarded-for: 2001:db8::7", "2001:db8::7"),
        ("2001:db8:1::1\nx-forwarded-for: [2001:db8::7]:4711", "2001:db8::7"),
        // What cannot be read is not skipped over, nor is the proxy the source instead.
        ("10.0.0.1\nx-forwarded-for: 198.51.100.7, unknown", NOBODY),
        ("10.0.0.1\nx-forwarded-for: 198.51.100.7, , 10.0.0.2", NOBODY),
        ("10.0.0.1\nx-forwarded-for: 198.51.100.7 10.0.0.2", NOBODY),
        // RFC 7239.
        ("10.0.0.1\nforwarded: for=198.51.100.7;proto=https;by=10.0.0.1", "198.51.100.7 tls"),
        ("10.0.0.1\nforwarded: For=\"198.51.100.7:4711\"", "198.51.100.7"),
        ("10.0.0.1\nforwarded: for=\"[2001:db8::7]:4711\"", "2001:db8::7"),
        ("10.0.0.1\nforwarded: for=\"[2001:db8::7]\"", "2001:db8::7"),
        ("10.0.0.1\nforwarded: for=203.0.113.9, for=198.51.100.7;host=\"a,b\"", "198.51.100.7"),
        ("10.0.0.1\nforwarded: for=198.51.100.7, for=_hidden", NOBODY),
        ("10.0.0.1\nforwarded: for=198.51.100.7, for=unknown", NOBODY),
        ("10.0.0.1\nforwarded: for=198.51.100.7;for=203.0.113.9", NOBODY),
        ("10.0.0.1\nforwarded: for=2001:db8::7", NOBODY),
        ("10.0.0.1\nforwarded: for=\"198.51.100.7", "a quote in `Forwarded` has no end"),
        ("10.0.0.1\nforwarded: for=x;by=\", for=198.51.100.7", "a quote in `Forwarded` has no end"),
        ("10.0.0.1\nforwarded: for=x;by=\", for=\"198.51.100.7:4711\"", "a quote in `Forwarded` has no end"),
        ("10.0.0.1\nforwarded: for=x;by=\"\nforwarded: for=198.51.100.7", "a quote in `Forwarded` has no end"),
        ("192.0.2.1\nforwarded: for=x;by=\"", "192.0.2.1"),
        ("10.0.0.1\nforwarded: nonsense", NOBODY),
        // Two accounts.
        ("10.0.0.1\nforwarded: for=198.51.100.7\nx-forwarded-for: 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1\nforwarded: for=203.0.113.9\nx-forwarded-for: 198.51.100.7", "`Forwarded` and `X-Forwarded-For` disagree"),
        // TLS.
        ("10.0.0.1\nx-forwarded-for: 198.51.100.7\nx-forwarded-proto: https", "198.51.100.7 tls"),
        ("10.0.0.1\nx-forwarded-for: 198.51.100.7\nx-forwarded-proto: http", "198.51.100.7 clear"),
        ("10.0.0.1\nx-forwarded-for: 198.51.100.7\nx-forwarded-proto: https, http", "198.51.100.7"),
        ("10.0.0.1\nx-forwarded-for: 198.51.100.7\nx-forwarded-proto: https\nx-forwarded-proto: https", "198.51.100.7"),
    ] {
        assert_eq!(check(request), expected, "{request}");
    }
}

proptest! {
    /// Whatever stands left of the first hop that is not trusted changes nothing.
    #[test]
    fn nobody_writes_himself_another_address(forged in "[ -~]{0,60}") {
        let listed = format!("10.0.0.1\nx-forwarded-for: {forged}, 198.51.100.7, 10.0.0.9");
        assert_eq!(check(&listed), "198.51.100.7");
        let forwarded = format!("10.0.0.1\nforwarded: {forged}, for=198.51.100.7, for=10.0.0.9");
        let found = check(&forwarded);
        assert!(found.starts_with("198.51.100.7") || found == "a quote in `Forwarded` has no end", "{found}");
    }

    #[test]
    fn no_bytes_make_it_fail(values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..4)) {
        let mut headers = HeaderMap::new();
        for value in values {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append("forwarded", value.clone());
                headers.append("x-forwarded-for", value);
            }
        }
        let _ = proxies().source("10.0.0.1".parse().unwrap(), &headers);
    }
}

#[test]
fn who_passes_on_for_somebody_is_known_as_such() {
    let relayed = |peer: &str, lines: &[(&'static str, &'static str)]| {
        let headers = lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect();
        proxies().source(peer.parse().unwrap(), &headers).map(|source| source.relayed)
    };
    assert_eq!(relayed("10.0.0.1", &[]), Ok(false), "a trusted one that calls for itself");
    assert_eq!(relayed("192.0.2.1", &[("forwarded", "for=10.0.0.1")]), Ok(false), "whoever is not trusted says nothing");
    for line in [("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=198.51.100.7"), ("x-forwarded-for", "10.0.0.1")] {
        assert_eq!(relayed("10.0.0.1", &[line]), Ok(true), "{line:?}");
    }
}
