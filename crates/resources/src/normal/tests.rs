use super::{SPEC_BYTES_MAX, SPEC_DEPTH_MAX, SPEC_VALUES_MAX, normalise};
use serde_json::{Value, json};

#[test]
fn keys_are_sorted_and_nothing_is_left_out() {
    let spec = json!({ "b": { "d": null, "c": [null, { "f": 1, "e": null }] }, "a": 1.5, "n": null });
    assert_eq!(normalise(spec).unwrap().to_string(), r#"{"a":1.5,"b":{"c":[null,{"f":1}]}}"#);
}

#[test]
fn what_no_file_could_hold_is_refused() {
    let deep = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!({ "a": inner }));
    assert_eq!(normalise(deep(SPEC_DEPTH_MAX)), Ok(deep(SPEC_DEPTH_MAX)));
    assert_eq!(normalise(deep(SPEC_DEPTH_MAX + 1)).unwrap_err().what, "it is nested more than 22 deep");
    let large = json!({ "a": "x".repeat(SPEC_BYTES_MAX) });
    assert_eq!(normalise(large).unwrap_err().what, "it has more than 2097152 bytes or 50000 values");
    assert!(normalise(Value::Array(vec![Value::Null; SPEC_VALUES_MAX - 1])).is_ok());
    assert!(normalise(Value::Array(vec![Value::Null; SPEC_VALUES_MAX])).is_err());
}
