use super::{EventV1, schema};
use serde_json::Value;

/// Lines as they were written by each version so far, and as later writers of version 1 may extend them. Lines may be added
/// here, never changed or removed.
const LINES: &str = include_str!("../../testdata/event-v1.jsonl");

#[test]
fn every_line_ever_written_parses_and_loses_nothing() {
    for line in LINES.lines() {
        let event: EventV1<'_> = serde_json::from_str(line).expect(line);
        let mut written: Value = serde_json::from_str(line).expect(line);
        // What a later version may add is passed over.
        written.as_object_mut().expect("an object").remove("a_later_member");
        assert_eq!(serde_json::to_value(&event).expect("JSON"), written, "{line}");
    }
}

#[test]
fn the_schema_is_the_one_in_the_repository() {
    let kept: Value = serde_json::from_str(include_str!("../../schema/event-v1.json")).expect("JSON");
    assert_eq!(schema(), kept, "after an addition: cargo run -p wardgate-audit --example schema > crates/audit/schema/event-v1.json");
}

#[test]
fn the_schema_admits_the_lines_and_refuses_what_is_no_event() {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    for line in LINES.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let errors: Vec<String> = validator.iter_errors(&line).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
    for wrong in [
        r#"{}"#,
        r#"{"v":1,"time_us":0,"seq":1,"id":"e:1","kind":"rumour","edge":"e"}"#,
        r#"{"v":1,"time_us":0,"seq":-1,"id":"e:1","kind":"change","edge":"e"}"#,
    ] {
        assert!(!validator.is_valid(&serde_json::from_str(wrong).expect("JSON")), "{wrong}");
        assert!(serde_json::from_str::<EventV1<'_>>(wrong).is_err(), "{wrong}");
    }
}

/// CONTRACT "The audit event, version 1": these names are promises.
#[test]
fn every_member_that_the_contract_names_is_there() {
    let schema = schema();
    let members = |name: &str| -> Vec<String> {
        let object = if name.is_empty() { &schema["properties"] } else { &schema["$defs"][name]["properties"] };
        object.as_object().expect(name).keys().cloned().collect()
    };
    let table = [
        (
            "",
            "v time_us seq id kind request_id trace_id door edge identity credential proof token on_behalf_of actors grant purpose task source \
             request api operation class method path resource ruling client_status upstream effect snapshot judge_order",
        ),
        ("IdentityV1", "id name type owner team environment quality"),
        ("CredentialV1", "id type bound"),
        ("ProofV1", "kind bound age_s"),
        ("TokenV1", "id issuer audience scopes"),
        ("PurposeV1", "value basis"),
        ("SourceV1", "address network zone environment country tls_fingerprint user_agent reputation known"),
        ("RequestV1", "query content_type length"),
        ("ApiV1", "name owner business_function sensitivity"),
        ("RulingV1", "response enforced code reasons policies risk signals"),
        ("SignalV1", "name value weight"),
        ("UpstreamV1", "name status latency_us bytes_in bytes_out records"),
    ];
    for (object, promised) in table {
        let members = members(object);
        for name in promised.split_whitespace() {
            assert!(members.iter().any(|member| member == name), "{object}.{name}");
        }
    }
    let kinds = "request opened closed change finding containment connection";
    for kind in kinds.split(' ') {
        assert!(serde_json::from_value::<super::Kind>(kind.into()).is_ok(), "{kind}");
    }
}
