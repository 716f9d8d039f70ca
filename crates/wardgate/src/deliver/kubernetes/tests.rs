use super::Manifest;
use wardgate_model::secret::Secret;

#[test]
fn a_manifest_says_what_kubernetes_takes() {
    let manifest = Manifest::parse("shop/upstream.key", "api-key").unwrap();
    assert_eq!(manifest.file(), "shop.upstream.key.yaml");
    let text = String::from_utf8(manifest.with(&Secret::new("s3cret: {\"\n".to_owned())).danger_expose().clone()).unwrap();
    insta::assert_snapshot!(text, @r#"
    apiVersion: v1
    kind: Secret
    metadata:
      namespace: "shop"
      name: "upstream.key"
      labels:
        app.kubernetes.io/managed-by: wardgate
    type: Opaque
    data:
      "api-key": "czNjcmV0OiB7Igo="
    "#);
    let read: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(read["data"]["api-key"], "czNjcmV0OiB7Igo=");
}

/// YAML would read `on`, `1e3` or `null` as something else than a text.
#[test]
fn names_that_look_like_other_values_stay_texts() {
    let text = Manifest::parse("null/1e3", "on").unwrap().with(&Secret::new("x".to_owned()));
    let read: serde_json::Value = serde_saphyr::from_str(std::str::from_utf8(text.danger_expose()).unwrap()).unwrap();
    assert_eq!((&read["metadata"]["namespace"], &read["metadata"]["name"]), (&"null".into(), &"1e3".into()));
    assert_eq!(read["data"]["on"], "eA==");
}
