use super::config;

#[test]
fn the_schema_of_the_configuration_speaks_to_its_readers() {
    let schema = config();
    assert_eq!(schema.get("title").and_then(|title| title.as_str()), Some("wardgate.yaml"));
    let text = schema.as_value().to_string();
    assert!(text.contains("\"listeners\"") && !text.contains("[`"), "no link into the code: {text}");
}
