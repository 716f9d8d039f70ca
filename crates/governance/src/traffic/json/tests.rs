use super::Mapping;
use crate::traffic::testing::told;
use insta::assert_snapshot;
use proptest::prelude::*;

fn check(words: &str, text: &str) -> String {
    told(Mapping::new([words]).unwrap().call(text.as_bytes()))
}

#[test]
fn the_usual_names_are_known() {
    assert_snapshot!(
        check("", r#"{"ts":1722376393,"method":"GET","path":"/a?b=c","status":200,"remote_addr":"192.0.2.7","user":"ada","bytes":12,"records":3}"#),
        @"2024-07-30T21:53:13Z GET /a ?b=c from 192.0.2.7 by ada → 200, 12 bytes, 3 records"
    );
    assert_snapshot!(
        check("", r#"{"@timestamp":"2024-07-30T21:53:13.5Z","http":{"request":{"method":"POST","body":{"x":[1]}},"response":{"status_code":"401"}},
            "url":{"path":"/lo\u0067in","domain":"shop.example"},"client":{"ip":"192.0.2.7"},"username":"eve"}"#),
        @"2024-07-30T21:53:13Z POST shop.example /login from 192.0.2.7 for eve → 401, 0 bytes"
    );
    assert_snapshot!(
        check("", r#"{"time":"17/May/2015:10:05:03 +0000","http.method":"PUT","request_uri":"https://a.example/x","status":0,"source":["192.0.2.7","198.51.100.1"]}"#),
        @"2015-05-17T10:05:03Z PUT a.example /x from 192.0.2.7 → -, 0 bytes"
    );
}

#[test]
fn the_operators_words_go_before_them() {
    let line = r#"{"when":"2024-07-30T21:53:13Z","time":"1999-01-01T00:00:00Z","call":{"m":"GET","p":"/x"},"method":"POST","path":"/y"}"#;
    assert_snapshot!(check("time=when,method=call.m,path=call.p", line), @"2024-07-30T21:53:13Z GET /x → -, 0 bytes");
    assert_snapshot!(check("time=when", line), @"2024-07-30T21:53:13Z POST /y → -, 0 bytes");
    assert_snapshot!(Mapping::new(["time"]).unwrap_err(), @"`time` is no mapping: write `time=ts`, as in `--map time=ts,method=http.method`");
    assert_snapshot!(Mapping::new(["tyme=ts"]).unwrap_err(), @"`tyme` is nothing that a log is read for: there are time, method, host, path, query, source, user, key, agent, status, bytes, records, wait and subject");
}

#[test]
fn what_is_wrong_with_an_object_is_said() {
    let check = |text| check("", text);
    assert_snapshot!(check("{}"), @"the time is missing");
    assert_snapshot!(check(r#"{"time":"soon","path":"/"}"#), @"the time cannot be read: `soon`");
    assert_snapshot!(check(r#"{"time":1}"#), @"the path is missing");
    assert_snapshot!(check(r#"{"time":1,"path":"/","status":700}"#), @"the status cannot be read: `700`");
    assert_snapshot!(check(r#"{"time":1,"path":"/","status":"fine"}"#), @"the status cannot be read: `fine`");
    assert_snapshot!(check(r#"{"time":1,"path":"/","method":"G T"}"#), @"the method cannot be read: `G T`");
    assert_snapshot!(check(r#"{"time":1,"path":"/"} x"#), @"it is not JSON as wanted: trailing characters");
    assert_snapshot!(check(r#"{"time":1,"path""#), @"it is not JSON as wanted: EOF while parsing an object");
    assert_snapshot!(check("[1]"), @"the time is missing");
    assert_snapshot!(check("hello"), @"it is not JSON as wanted: expected value");
    assert_snapshot!(check(&"[".repeat(100_000)), @"it is not JSON as wanted: EOF while parsing a list");
}

proptest! {
    #[test]
    fn nothing_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..90, put in any::<u8>()) {
        let mapping = Mapping::new([""]).unwrap();
        let _ = mapping.call(&bytes);
        let mut good = br#"{"ts":1722376393,"http":{"method":"GET"},"path":"/a?b=c","status":200,"source":["192.0.2.7"]}"#.to_vec();
        good[at] = put;
        let _ = mapping.call(&good);
        let _ = mapping.call(&good[..at]);
    }
}
