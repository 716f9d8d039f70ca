use super::{Credentials, Unsigned, encoded, hex, moment, signed};
use aws_lc_rs::digest::{SHA256, digest};
use wardgate_model::{secret::Secret, time::Time};

// The examples of "Authenticating Requests: Using the Authorization Header", Amazon S3 API Reference.
const HOST: &str = "examplebucket.s3.amazonaws.com";
const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn credentials() -> Credentials {
    Credentials {
        access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned()),
        session_token: None,
    }
}

fn noon() -> Time {
    // 2013-05-24T00:00:00Z.
    Time::from_seconds(1_369_353_600)
}

fn signature(method: &str, path: &str, query: &str, headers: &[(&str, &str)], body_sha256: &str) -> String {
    let headers: Vec<(String, String)> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let request = Unsigned { method, host: HOST, path, query, headers: &headers, body_sha256 };
    let all = signed(&request, &credentials(), "us-east-1", noon());
    let (_, by) = all.into_iter().find(|(name, _)| name == "authorization").expect("signed");
    by.rsplit_once("Signature=").expect("a signature").1.to_owned()
}

#[test]
fn the_examples_of_the_specification() {
    assert_eq!(moment(noon()), "20130524T000000Z");
    let get = signature("GET", "/test.txt", "", &[("range", "bytes=0-9")], NOTHING);
    assert_eq!(get, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    let body = hex(digest(&SHA256, b"Welcome to Amazon S3.").as_ref());
    let fields = [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")];
    let put = signature("PUT", &encoded("/test$file.text"), "", &fields, &body);
    assert_eq!(put, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
    let lifecycle = signature("GET", "/", "lifecycle=", &[], NOTHING);
    assert_eq!(lifecycle, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    let list = signature("GET", "/", "max-keys=2&prefix=J", &[], NOTHING);
    assert_eq!(list, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

#[test]
fn a_key_that_was_lent_has_its_token_signed_and_nothing_secret_is_shown() {
    let lent = Credentials { session_token: Some(Secret::new("lent".to_owned())), ..credentials() };
    let request = Unsigned { method: "GET", host: HOST, path: "/", query: "", headers: &[], body_sha256: NOTHING };
    let all = signed(&request, &lent, "us-east-1", noon());
    assert!(all.contains(&("x-amz-security-token".to_owned(), "lent".to_owned())));
    assert!(all.iter().any(|(_, value)| value.contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,")));
    let shown = format!("{lent:?}");
    assert!(!shown.contains("lent") && !shown.contains("wJalr") && shown.contains("AKIAIOSFODNN7EXAMPLE"), "{shown}");
}

#[test]
fn what_a_path_may_hold() {
    assert_eq!(encoded("gate 1/events-000000000001.parquet"), "gate%201/events-000000000001.parquet");
    assert_eq!(encoded("ä+%?#"), "%C3%A4%2B%25%3F%23");
}
