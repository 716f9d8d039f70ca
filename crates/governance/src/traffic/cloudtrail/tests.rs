use super::record;
use crate::traffic::testing::told;
use insta::assert_snapshot;
use proptest::prelude::*;

fn check(text: &str) -> String {
    told(record(text.as_bytes()))
}

const GOOD: &str = r#"{"eventTime":"2024-07-30T21:53:13Z","eventSource":"iam.amazonaws.com","eventName":"CreateAccessKey","readOnly":false,
    "sourceIPAddress":"192.0.2.7","userAgent":"aws-cli/2","errorCode":"AccessDenied","userIdentity":{"type":"IAMUser","accessKeyId":"AKIAEXAMPLE",
    "arn":"arn:aws:iam::1:user\/ada","sessionContext":{"attributes":{"mfa":"false"}}},"responseElements":null,"tlsDetails":{"x":[1]}}"#;

#[test]
fn a_record_is_a_call_of_a_service() {
    assert_snapshot!(check(GOOD), @"2024-07-30T21:53:13Z POST iam.amazonaws.com /CreateAccessKey from 192.0.2.7 by arn:aws:iam::1:user/ada key AKIAEXAMPLE with aws-cli/2 → 403, 0 bytes");
    assert_snapshot!(
        check(r#"{"eventTime":"2024-07-30T21:53:13Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","readOnly":"true","userIdentity":{"invokedBy":"config.amazonaws.com"}}"#),
        @"2024-07-30T21:53:13Z GET s3.amazonaws.com /ListBuckets by config.amazonaws.com → 200, 0 bytes"
    );
    assert_snapshot!(
        check(r#"{"eventTime":"2024-07-30T21:53:13Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","userIdentity":{"userName":"eve"},"responseElements":{"ConsoleLogin":"Failure"}}"#),
        @"2024-07-30T21:53:13Z POST signin.amazonaws.com /ConsoleLogin by eve for eve → 401, 0 bytes"
    );
}

#[test]
fn what_is_wrong_with_a_record_is_said() {
    assert_snapshot!(check("{}"), @"`eventTime` is missing");
    assert_snapshot!(check(r#"{"eventTime":"noon"}"#), @"`eventTime` cannot be read: `noon`");
    assert_snapshot!(check(r#"{"eventTime":"2024-07-30T21:53:13Z","eventName":""}"#), @"`eventName` is missing");
    assert_snapshot!(check(r#"{"eventTime":7}"#), @"it is not JSON as wanted: invalid type: integer `7`, expected a string");
}

proptest! {
    #[test]
    fn nothing_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..400, put in any::<u8>()) {
        let _ = record(&bytes);
        let mut good = GOOD.as_bytes().to_vec();
        let at = at % good.len();
        good[at] = put;
        let _ = record(&good);
        let _ = record(&good[..at]);
    }
}
