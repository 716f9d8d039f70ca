use super::{header, host, network, operation, path_parameter, path_prefix, selector, template, upstream};
use crate::scalar::Wrong;
use insta::assert_snapshot;
use proptest::prelude::*;

/// Each text with what it means, or why it means nothing.
fn table<T: std::fmt::Debug>(read: impl Fn(&str) -> Result<T, Wrong>, texts: &[&str]) -> String {
    let line = |text: &&str| match read(text) {
        Ok(value) => format!("{text:?} = {value:?}\n"),
        Err(wrong) => format!("{text:?}: {}\n", wrong.to_string().replace('\n', " / ")),
    };
    texts.iter().map(line).collect()
}

#[test]
fn hosts() {
    let texts = [
        "ledger.example",
        "*",
        "127.0.0.1",
        "[::1]",
        "a_b.internal",
        "xn--bcher-kva.example",
        "",
        "Ledger.example",
        "ledger.example:443",
        "https://ledger.example/x",
        "bücher.example",
        "*.example",
        "ledger..example",
        "-a.example",
        "ledger.example.",
        "1.2.3",
        "256.1.1.1",
        "[0:0::1]",
        "[x]",
        "::1",
        "a b",
        "a/b",
    ];
    assert_snapshot!(table(host, &texts), @r#"
"ledger.example" = Exact("ledger.example")
"*" = Any
"127.0.0.1" = Exact("127.0.0.1")
"[::1]" = Exact("[::1]")
"a_b.internal" = Exact("a_b.internal")
"xn--bcher-kva.example" = Exact("xn--bcher-kva.example")
"": a host must not be empty
"Ledger.example": `Ledger.example` has upper-case letters / write `ledger.example`
"ledger.example:443": `ledger.example:443` has a port / write `ledger.example`: a host stands for all its ports
"https://ledger.example/x": `https://ledger.example/x` has a scheme / write `ledger.example`
"bücher.example": `bücher.example` has letters outside ASCII / write the name in its ASCII form, which begins with `xn--`
"*.example": `*.example` has a wildcard / name each host, or write `*` for any
"ledger..example": `ledger..example` is no host name: `` is no label of one / write a name such as `ledger.example`
"-a.example": `-a.example` is no host name: `-a` is no label of one / write a name such as `ledger.example`
"ledger.example.": `ledger.example.` is no host name: `` is no label of one / write a name such as `ledger.example`
"1.2.3": `1.2.3` is no IPv4 address
"256.1.1.1": `256.1.1.1` is no IPv4 address
"[0:0::1]": `[0:0::1]` has a shorter form / write `[::1]`
"[x]": `[x]` is no IPv6 address
"::1": the IPv6 address `::1` has no brackets / write `[::1]`
"a b": `a b` is no host name: `a b` is no label of one / write a name such as `ledger.example`
"a/b": `a/b` is no host name: `a/b` is no label of one / write a name such as `ledger.example`
"#);
    assert!(host(&format!("{}.example", "a".repeat(64))).is_err());
    assert!(host(&"a.".repeat(200)).is_err());
}

#[test]
fn prefixes() {
    let texts = [
        "/ledger", "/", "/a/b", "", "ledger", "/ledger/", "//a", "/a//b", "/a/./b", "/..", "/a?x", "/a#x", "/{a}", "/a b", "/ä", "/a%20b",
        "/a%2Fb", "/a%41", "/a%zz", "/a%",
    ];
    assert_snapshot!(table(path_prefix, &texts), @r#"
"/ledger" = "/ledger"
"/" = ""
"/a/b" = "/a/b"
"": `` does not begin with a slash / write `/`
"ledger": `ledger` does not begin with a slash / write `/ledger`
"/ledger/": `/ledger/` ends with a slash / write `/ledger`
"//a": `//a` has an empty segment
"/a//b": `/a//b` has an empty segment
"/a/./b": `/a/./b` has a dot segment
"/..": `/..` has a dot segment
"/a?x": `/a?x` has more than a path / leave out what follows `?` or `#`
"/a#x": `/a#x` has more than a path / leave out what follows `?` or `#`
"/{a}": `/{a}` has a parameter / a prefix is literal; parameters stand in `operations`
"/a b": the character ' ' may not stand in a path / write it as `%` and two hexadecimal digits
"/ä": the character 'ä' may not stand in a path / write it as `%` and two hexadecimal digits
"/a%20b" = "/a%20b"
"/a%2Fb": `%2F` in `/a%2Fb` stands for `/`, which is never escaped in a path
"/a%41": `%41` in `/a%41` stands for `A`, which is never escaped in a path
"/a%zz": `%zz` in `/a%zz` is no escape / write two upper-case hexadecimal digits after `%`
"/a%": `%` in `/a%` is no escape / write two upper-case hexadecimal digits after `%`
"#);
}

#[test]
fn templates() {
    let texts = ["/", "/a/{id}", "/a/", "/a//", "/{a}.{b}", "/{id}/{id}", "/report.{format}", "/{a", "/a\\b", "/a:b@c!$&'()*+,;=-._~"];
    assert_snapshot!(table(|text| template(text).map(|template| template.to_string()), &texts), @r#"
"/" = "/"
"/a/{id}" = "/a/{id}"
"/a/" = "/a/"
"/a//": `/a//` has an empty segment
"/{a}.{b}" = "/{a}.{b}"
"/{id}/{id}": the parameter `id` stands twice
"/report.{format}" = "/report.{format}"
"/{a": the braces of `{a` do not make named parameters with text between them
"/a\\b": the character '\\' may not stand in a path / write it as `%` and two hexadecimal digits
"/a:b@c!$&'()*+,;=-._~" = "/a:b@c!$&'()*+,;=-._~"
"#);
}

#[test]
fn operations() {
    let texts = ["GET /a", "get /a", "GET  /a", "GET", "/a", "GET a", "G?T /a", "CONNECT /a", "PURGE /a"];
    assert_snapshot!(table(|text| operation(text).map(|m| format!("{} {}", m.method, m.template)), &texts), @r#"
"GET /a" = "GET /a"
"get /a": the method `get` is not in upper case / write `GET`
"GET  /a": `GET  /a` is no operation / write an operation as in `GET /entries/{id}`
"GET": `GET` is no operation / write an operation as in `GET /entries/{id}`
"/a": `/a` is no operation / write an operation as in `GET /entries/{id}`
"GET a": `a` does not begin with a slash / write `/a`
"G?T /a": `G?T` is no method / write an operation as in `GET /entries/{id}`
"CONNECT /a": `CONNECT` has no path and is never forwarded
"PURGE /a" = "PURGE /a"
"#);
    assert_snapshot!(table(selector, &["read", "money", "reed", "GET /export", "export"]), @r#"
"read" = Class(Read)
"money" = Class(Money)
"reed": `reed` is no class of operations / did you mean `read`?; or an operation as in `GET /export`
"GET /export" = Operation(Match { method: GET, template: PathTemplate { text: "/export", segments: [Literal("export")] } })
"export": `export` is no class of operations / one of `read`, `list`, `write`, `delete`, `bulk`, `admin`, `login`, `money`; or an operation as in `GET /export`
"#);
    assert_snapshot!(table(path_parameter, &["path.id", "id", "path.", "path.{id}", "query.id"]), @r#"
"path.id" = "id"
"id": `id` names no path parameter / write it as in `path.id`
"path.": `path.` names no path parameter / write it as in `path.id`
"path.{id}": `path.{id}` names no path parameter / write it as in `path.id`
"query.id": `query.id` names no path parameter / write it as in `path.id`
"#);
}

#[test]
fn upstreams() {
    let texts = [
        "http://127.0.0.1:9000",
        "https://u.example",
        "http://[::1]:8080",
        "http://[::1]",
        "http://u",
        "u:80",
        "http://",
        "http://u:",
        "http://u:65536",
        "http://u:+80",
        "http://u/",
        "http://u?x",
        "http://a:b@u",
        "HTTP://u",
        "http://U",
        "unix://x",
        "http://*",
    ];
    assert_snapshot!(table(|text| upstream(text).map(|url| format!("{url} tls={} port={}", url.tls, url.port)), &texts), @r#"
"http://127.0.0.1:9000" = "http://127.0.0.1:9000 tls=false port=9000"
"https://u.example" = "https://u.example tls=true port=443"
"http://[::1]:8080" = "http://[::1]:8080 tls=false port=8080"
"http://[::1]" = "http://[::1] tls=false port=80"
"http://u" = "http://u tls=false port=80"
"u:80": `u:80` has no scheme / write an address as in `http://127.0.0.1:9000`
"http://": a host must not be empty / write an address as in `http://127.0.0.1:9000`
"http://u:": `` in `http://u:` is no port / a port is a number from 1 to 65535
"http://u:65536": `65536` in `http://u:65536` is no port / a port is a number from 1 to 65535
"http://u:+80": `+80` in `http://u:+80` is no port / a port is a number from 1 to 65535
"http://u/": `http://u/` goes on after the host with `/` / write `http://u`; a path goes to `upstream.path`
"http://u?x": `http://u?x` goes on after the host with `?x` / write `http://u`; a path goes to `upstream.path`
"http://a:b@u": an address must not hold user information / use `identity: {basic: USER, secret: NAME}`
"HTTP://u": the scheme `HTTP` is not spoken / write an address as in `http://127.0.0.1:9000`
"http://U": `U` has upper-case letters / write `u`
"unix://x": the scheme `unix` is not spoken / write an address as in `http://127.0.0.1:9000`
"http://*": an upstream needs a host / write an address as in `http://127.0.0.1:9000`
"#);
}

#[test]
fn networks() {
    let texts =
        ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "::1", "10.0.0.1/8", "10.0.0.0/33", "::ffff:10.0.0.0/104", "10.0.0.0/08", "x", ""];
    assert_snapshot!(table(network, &texts), @r#"
"10.0.0.0/8" = 10.0.0.0/8
"192.0.2.1" = 192.0.2.1/32
"2001:db8::/32" = 2001:db8::/32
"::1" = ::1/128
"10.0.0.1/8": `10.0.0.1/8` has bits set behind its prefix / write `10.0.0.0/8`
"10.0.0.0/33": `10.0.0.0/33` is no network / write a network as in `10.0.0.0/8`
"::ffff:10.0.0.0/104": `::ffff:10.0.0.0/104` is an IPv4 network written as IPv6 / write the IPv4 network, which begins with `10.0.0.0`
"10.0.0.0/08" = 10.0.0.0/8
"x": `x` is no network / write a network as in `10.0.0.0/8`
"": `` is no network / write a network as in `10.0.0.0/8`
"#);
}

#[test]
fn headers() {
    let texts = ["X-Api-Key", "Authorization", "Host", "X_Key", "X Key", "", "Wardgate-Purpose", "Transfer-Encoding", "é"];
    assert_snapshot!(table(header, &texts), @r#"
"X-Api-Key" = "x-api-key"
"Authorization" = "authorization"
"Host": the header `Host` has another office / use a header of its own, as in `X-Api-Key`
"X_Key": `X_Key` has an underscore, which servers take for a hyphen / write `X-Key`
"X Key": `X Key` is no header name / write a name as in `X-Api-Key`
"": `` is no header name / write a name as in `X-Api-Key`
"Wardgate-Purpose": the header `Wardgate-Purpose` has another office / use a header of its own, as in `X-Api-Key`
"Transfer-Encoding": the header `Transfer-Encoding` has another office / use a header of its own, as in `X-Api-Key`
"é": `é` is no header name / write a name as in `X-Api-Key`
"#);
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,60}") {
        let _ = (host(&text), path_prefix(&text), template(&text), operation(&text), selector(&text), upstream(&text), network(&text), header(&text));
    }

    #[test]
    fn almost_right_never_panics(text in "[a-c/{}%.:\\[\\]0-9@A-F*-]{0,40}") {
        let _ = (host(&text), template(&format!("/{text}")), upstream(&format!("http://{text}")), network(&text), operation(&format!("GET /{text}")));
    }

    #[test]
    fn an_upstream_is_written_as_it_is_read(name in "[a-z][a-z0-9]{0,20}(\\.[a-z]{1,10}){0,3}", port in 1_u16.., tls in any::<bool>()) {
        let url = upstream(&format!("{}://{name}:{port}", if tls { "https" } else { "http" })).unwrap();
        prop_assert_eq!(upstream(&url.to_string()), Ok(url));
    }

    #[test]
    fn a_prefix_is_whole_segments(text in "(/[a-z0-9._~-]{1,8}){1,5}") {
        let dots = text.split('/').any(|segment| segment == "." || segment == "..");
        prop_assert_eq!(path_prefix(&text).is_ok(), !dots);
    }
}
