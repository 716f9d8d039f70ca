use super::{SCHEMA, Type, schema_text};

#[test]
fn the_schema_is_cedar_and_as_recorded() {
    assert_eq!(SCHEMA.actions().count(), 8);
    for of in Type::ALL.into_iter().filter(|of| *of != Type::Action) {
        assert!(SCHEMA.entity_types().any(|known| known.to_string() == of.as_str()), "{}", of.as_str());
        assert_eq!(of.uid("x").to_string(), format!("{}::\"x\"", of.as_str()));
    }
    // The golden: change it together with the schema (INSTA_UPDATE=always).
    insta::assert_snapshot!("schema", schema_text());
}
