use super::Target;
use proptest::prelude::*;

fn check(text: &str) -> String {
    Target::parse(text).map_or_else(|fault| format!("no: {fault}"), |target| target.to_string())
}

#[test]
fn addresses_are_read_in_one_way_or_not_at_all() {
    for (text, read) in [
        ("https://ci.example", "https://ci.example/"),
        ("https://CI.example:443/a", "https://ci.example/a"),
        ("https://ci.example:8443?x=1", "https://ci.example:8443/?x=1"),
        ("http://127.0.0.1:80/k", "http://127.0.0.1/k"),
        ("https://[::1]:9/k", "https://[::1]:9/k"),
        ("https://[0:0::1]/k", "https://[::1]/k"),
        ("ftp://ci.example", "no: write `https://HOST[:PORT]/PATH`"),
        ("HTTPS://ci.example", "no: write `https://HOST[:PORT]/PATH`"),
        ("https:ci.example", "no: write `https://HOST[:PORT]/PATH`"),
        ("file:///etc/passwd", "no: write `https://HOST[:PORT]/PATH`"),
        ("https://user@ci.example", "no: user and password do not belong to it"),
        ("https://ci.example#x", "no: `#` does not belong to it"),
        ("https://ci.example\\@evil.example/", "no: its path has a character that must be percent-encoded"),
        ("https://", "no: its host is neither a name nor an address"),
        ("https:///etc", "no: its host is neither a name nor an address"),
        ("https://ci.example.", "no: its host is neither a name nor an address"),
        ("https://ci..example", "no: its host is neither a name nor an address"),
        ("https://-ci.example", "no: its host is neither a name nor an address"),
        ("https://2130706433/", "no: its host is neither a name nor an address"),
        ("https://0x7f000001/", "no: its host is neither a name nor an address"),
        ("https://127.1/", "no: its host is neither a name nor an address"),
        ("https://0177.0.0.1/", "no: its host is neither a name nor an address"),
        ("https://ci%2eexample/", "no: its host is neither a name nor an address"),
        ("https://ex\u{e4}mple/", "no: its host is neither a name nor an address"),
        ("https://[::1/", "no: its host is neither a name nor an address"),
        ("https://[fe80::1%25eth0]/", "no: its host is neither a name nor an address"),
        ("https://ci.example:/", "no: its port is not a number from 1 to 65535"),
        ("https://ci.example:0/", "no: its port is not a number from 1 to 65535"),
        ("https://ci.example:+443/", "no: its port is not a number from 1 to 65535"),
        ("https://ci.example:65536/", "no: its port is not a number from 1 to 65535"),
        ("https://ci.example/a b", "no: its path has a character that must be percent-encoded"),
        ("https://ci.example/a\r\nHost: x", "no: its path has a character that must be percent-encoded"),
    ] {
        assert_eq!(check(text), read, "{text:?}");
    }
    assert_eq!(check(&format!("https://ci.example/{}", "a".repeat(3000))), "no: it has more than 2048 bytes");
}

#[test]
fn a_location_is_an_address_or_a_path_from_the_root() {
    let here = Target::parse("https://ci.example:8443/a/b?c").expect("an address");
    for (location, joined, same) in [
        ("/k", "https://ci.example:8443/k", true),
        ("https://ci.example:8443/x", "https://ci.example:8443/x", true),
        ("https://ci.example/x", "https://ci.example/x", false),
        ("http://ci.example:8443/x", "http://ci.example:8443/x", false),
        ("//evil.example/x", "no", false),
        ("k", "no", false),
        ("", "no", false),
    ] {
        let target = here.join(location);
        assert_eq!(target.as_ref().map_or_else(|_| "no".to_owned(), ToString::to_string), joined, "{location}");
        assert_eq!(target.is_ok_and(|target| target.same_origin(&here)), same, "{location}");
    }
}

proptest! {
    #[test]
    fn what_is_shown_reads_back(text in r"https?://[a-z0-9.\[\]:@%\\-]{0,24}[/?#]?[ -~]{0,16}") {
        if let Ok(target) = Target::parse(&text) {
            prop_assert_eq!(Target::parse(&target.to_string()), Ok(target));
        }
    }
}
