use super::{Detail, line};
use crate::traffic::testing::told;
use insta::assert_snapshot;
use proptest::prelude::*;

fn check(detail: Detail, text: &str) -> String {
    told(line(text.as_bytes(), detail))
}

#[test]
fn a_line_of_the_common_format_is_read() {
    let common = |text| check(Detail::Common, text);
    assert_snapshot!(common(r#"192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET /a/b?c=d&e HTTP/1.1" 200 203023"#),
        @"2015-05-17T10:05:03Z GET /a/b ?c=d&e from 192.0.2.7 → 200, 203023 bytes");
    assert_snapshot!(common(r#"2001:db8::1 - ada [17/May/2015:10:05:03 +0200] "POST https://u:p@shop.example:8443/orders HTTP/1.1" 201 -"#),
        @"2015-05-17T08:05:03Z POST shop.example:8443 /orders from 2001:db8::1 by ada → 201, 0 bytes");
    assert_snapshot!(common(r#"192.0.2.7 - Ada Lovelace [17/May/2015:10:05:03 +0000] "GET /" 200 1"#),
        @"2015-05-17T10:05:03Z GET / from 192.0.2.7 by Ada Lovelace → 200, 1 bytes");
    assert_snapshot!(common(r#"shop.example:443 192.0.2.7 - ada [17/May/2015:10:05:03 +0000] "GET /x HTTP/1.1" 401 1"#),
        @"2015-05-17T10:05:03Z GET shop.example:443 /x from 192.0.2.7 → 401, 1 bytes");
    assert_snapshot!(common(r#"192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET /a b"c HTTP/1.1" 200 1"#), @"the status cannot be read: `c`");
    assert_snapshot!(common(r#"192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET /a \"b\" HTTP/1.1" 200 1"#),
        @r#"2015-05-17T10:05:03Z GET /a \"b\" from 192.0.2.7 → 200, 1 bytes"#);
}

#[test]
fn a_line_of_the_combined_format_has_a_user_agent() {
    let combined = |text: &str| check(Detail::Combined, text);
    let head = r#"192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1"#;
    assert_snapshot!(combined(&format!(r#"{head} "-" "curl/8.0 \"x\" \xc3\xa9""#)),
        @r#"2015-05-17T10:05:03Z GET / from 192.0.2.7 with curl/8.0 "x" é → 200, 1 bytes"#);
    assert_snapshot!(combined(&format!(r#"{head} "-" "\xff""#)), @r"2015-05-17T10:05:03Z GET / from 192.0.2.7 with \xff → 200, 1 bytes");
    assert_snapshot!(combined(&format!(r#"{head} "https://a.example/" "-" 0.003 x"#)), @"2015-05-17T10:05:03Z GET / from 192.0.2.7 → 200, 1 bytes");
    assert_snapshot!(combined(head), @"the referer in quotes is missing");
}

#[test]
fn what_is_wrong_with_a_line_is_said() {
    let common = |text| check(Detail::Common, text);
    assert_snapshot!(common("hello"), @"the time in brackets is missing");
    assert_snapshot!(common("192.0.2.7 - - [yesterday] \"GET / HTTP/1.1\" 200 1"), @"the time cannot be read: `yesterday`");
    assert_snapshot!(common("192.0.2.7 [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 1"), @"who called is missing");
    assert_snapshot!(common(r#"192.0.2.7 - - [17/May/2015:10:05:03 +0000] "\x16\x03\x01" 400 226"#),
        @r"what stands in the place of the request is none: `\x16\x03\x01`");
    assert_snapshot!(common(r#"192.0.2.7 - - [17/May/2015:10:05:03 +0000] "-" 408 -"#), @"what stands in the place of the request is none: `-`");
    assert_snapshot!(common(r#"192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 700 1"#), @"the status cannot be read: `700`");
    assert_snapshot!(common(r#"192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 2000 1"#), @"the status cannot be read: `2000`");
    assert_snapshot!(common(r#"192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200"#), @"the length of the answer is missing");
    assert_snapshot!(told(line(b"\xff", Detail::Common)), @"it is not UTF-8");
}

proptest! {
    #[test]
    fn nothing_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..140, put in any::<u8>()) {
        let _ = (line(&bytes, Detail::Common), line(&bytes, Detail::Combined));
        let mut good = br#"a.example 192.0.2.7 - x [17/May/2015:10:05:03 +0000] "GET /a?b HTTP/1.1" 200 12 "-" "agent \"x\" \x41""#.to_vec();
        let at = cut % good.len();
        good[at] = put;
        let _ = line(&good, Detail::Combined);
        let _ = line(&good[..at], Detail::Combined);
    }
}
