use super::schema;
use std::path::{Path, PathBuf};
use wardgate_model::resource::Kind;

fn golden(kind: Kind) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(format!("{}.json", kind.as_str().to_lowercase()))
}

/// A change of a schema is a change of the contract: look at it, then let `UPDATE_GOLDEN=1` write it.
#[test]
fn every_kind_has_its_golden_schema() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    for kind in Kind::ALL {
        let text = format!("{:#}\n", schema(*kind));
        if update {
            std::fs::write(golden(*kind), &text).unwrap();
        }
        let kept = std::fs::read_to_string(golden(*kind)).unwrap_or_default();
        assert!(text == kept, "the schema of {kind} is not its golden: run with UPDATE_GOLDEN=1 and look at the difference");
    }
}

/// The schema knows the keys that the reader knows, and asks for those that it asks for.
#[test]
fn what_must_be_there_is_required() {
    let identity = schema(Kind::Identity);
    let spec = identity.pointer("/$defs/Identity").unwrap();
    assert_eq!(spec["required"], serde_json::json!(["type", "owner", "environment", "purpose"]));
    assert_eq!(spec["additionalProperties"], serde_json::json!(false));
}

#[test]
fn the_examples_of_the_schemas_are_readable() {
    for (example, read) in crate::raw::examples() {
        assert_eq!(read, Ok(()), "{example}");
    }
}
