use crate::call::testing::{Fixture, HOUR, NOW};

#[tokio::test]
async fn a_secret_goes_in_and_never_comes_out() {
    let fixture = Fixture::new().await;
    let put = async |now, head: &str, value: &str| {
        let body = serde_json::json!({ "value": value, "reason": "erp moved" });
        fixture.ask_at(now, &format!("PUT /api/v1/secrets/{head}\n\n{body}")).await
    };
    let first = r#"200 "2" {"created":"2027-01-15T08:00:00Z","name":"erp","previous":null,"promoted":null,"revision":2,"staged":null,"updated":"2027-01-15T08:00:00Z","version":1}"#;
    assert_eq!(put(NOW, "erp as root\nif-none-match: *", "hunter2-hunter2").await, first);
    let stale = "412 console.stale: secret `erp` was changed meanwhile: read it again, then decide";
    assert_eq!(put(NOW, "erp as root\nif-none-match: *", "other").await, stale);
    let second = r#"200 "3" {"created":"2027-01-15T08:00:00Z","name":"erp","previous":null,"promoted":null,"revision":3,"staged":null,"updated":"2027-01-15T09:00:00Z","version":2}"#;
    assert_eq!(put(NOW + HOUR, "erp as root\nif-match: \"2\"", "hunter3-hunter3").await, second);
    put(NOW, "crm as root", "x").await;
    let listed = fixture.ask("GET /api/v1/secrets?limit=1 as watcher").await;
    assert!(listed.contains(r#""name":"crm""#) && listed.ends_with(r#""next":"crm"}"#), "{listed}");
    let listed = fixture.ask("GET /api/v1/secrets?cursor=crm as watcher").await;
    assert_eq!(listed, format!("200 {{\"items\":[{}],\"next\":null}}", second.split_once(" {").map(|(_, s)| format!("{{{s}")).unwrap()));
    assert_eq!(*fixture.played.published.lock().unwrap(), [2, 3, 4]);

    let changes = fixture.ask("GET /api/v1/changes?kind=secret as watcher").await;
    assert!(changes.contains("erp moved") && !changes.contains("hunter"), "{changes}");
    for entry in std::fs::read_dir(fixture.directory.path()).unwrap() {
        let dump = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!dump.windows(7).any(|window| window == b"hunter3"));
    }
    assert!(fixture.store.secrets().await.unwrap().iter().any(|s| s.sealed.bytes().len() == "erp=hunter3-hunter3".len()));
}

#[tokio::test]
async fn what_nobody_means_to_put_is_refused() {
    let fixture = Fixture::new().await;
    let put = async |name: &str, body: &str| fixture.ask(&format!("PUT /api/v1/secrets/{name} as root\n\n{body}")).await;
    assert_eq!(put("erp", r#"{"value":""}"#).await, "422 console.unfit: a secret has 1 to 16384 bytes, this one has 0");
    let large = format!(r#"{{"value":"{}"}}"#, "x".repeat(16_385));
    assert_eq!(put("erp", &large).await, "422 console.unfit: a secret has 1 to 16384 bytes, this one has 16385");
    let line = put("erp", "{\"value\":\"hunter2\\n\"}").await;
    assert_eq!(line, "422 console.unfit: the secret begins or ends with white space: leave it out");
    let two = put("erp", "{\"value\":\"hunter2\\r\\nX-Evil: 1\"}").await;
    assert_eq!(two, "422 console.unfit: the secret has a control character or a line end inside");
    for (labels, lacks) in [
        (&["CERTIFICATE"][..], "it has no private key"),
        (&["CERTIFICATE", "CERTIFICATE"], "it has no private key"),
        (&["EC PRIVATE KEY"], "it has no certificate"),
        (&["CERTIFICATE", "ENCRYPTED PRIVATE KEY"], "its private key is encrypted"),
        (&["PRIVATE KEY", "CERTIFICATE", "PRIVATE KEY"], "it has more than one private key"),
        (&["DH PARAMETERS"], "it has neither a certificate nor a private key"),
    ] {
        let pem: Vec<String> = labels.iter().map(|label| format!("-----BEGIN {label}-----\nAA==\n-----END {label}-----")).collect();
        let said = put("erp", &serde_json::json!({ "value": pem.join("\n") }).to_string()).await;
        assert!(said.starts_with(&format!("422 console.unfit: a PEM secret is a client certificate: {lacks}")), "{said}");
    }
    let named = put("ERP", r#"{"value":"x"}"#).await;
    assert!(named.starts_with("400 console.malformed: the name of the secret: `E` may not stand in a name"), "{named}");
    let typed = put("erp", r#"{"value":["hunter2"]}"#).await;
    assert!(typed.starts_with("400 console.malformed: the body: a member is of the wrong type") && !typed.contains("hunter2"), "{typed}");
    assert_eq!(fixture.store.last_seq().await.unwrap(), 1);
}

#[tokio::test]
async fn a_client_certificate_comes_with_its_key() {
    let fixture = Fixture::new().await;
    let pem = |label: &str| format!("-----BEGIN {label}-----\r\nAA==\r\n-----END {label}-----");
    for key in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"] {
        let both = format!("{}\r\n{}\r\n{}", pem(key), pem("CERTIFICATE"), pem("CERTIFICATE"));
        let put = format!("PUT /api/v1/secrets/mesh as root\n\n{}", serde_json::json!({ "value": both }));
        let said = fixture.ask(&put).await;
        assert!(said.starts_with("200 "), "{said}");
    }
}

#[tokio::test]
async fn a_secret_is_replaced_and_never_shown() {
    let fixture = Fixture::new().await;
    let ask = async |path: &str, body: &str| fixture.ask(&format!("POST /api/v1/secrets/{path} as root\n\n{body}")).await;
    fixture.ask("PUT /api/v1/secrets/erp as root\n\n{\"value\":\"hunter2-hunter2\"}").await;
    let said = ask("erp/rotate", r#"{"value":"hunter3-hunter3","deliver":{"file":"erp.txt"},"reason":"quarterly"}"#).await;
    assert!(said.contains(r#""previous":1,"promoted":"2027-01-15T08:00:00Z""#) && said.contains(r#""version":2}"#), "{said}");
    assert!(!said.contains("hunter"), "{said}");
    let rotated = format!("{:?}", fixture.played.rotated.lock().unwrap());
    assert!(rotated.contains(r#"File("erp.txt")"#) && !rotated.contains("hunter"), "{rotated}");
    for (body, said) in [
        ("{}", "422 console.unfit: without `value` a random secret is made, and nothing says how the upstream gets it"),
        (r#"{"value":" x"}"#, "422 console.unfit: the secret begins or ends with white space: leave it out"),
        (r#"{"deliver":{"mail":"x"}}"#, "400 console.malformed: the body: "),
        (r#"{"deliver":{"file":"a","vault":"b"}}"#, "400 console.malformed: the body: "),
    ] {
        let refused = ask("erp/rotate", body).await;
        assert!(refused.starts_with(said), "{refused}");
    }
    assert_eq!(ask("crm/rotate", r#"{"value":"x"}"#).await, "404 console.not_found: there is no secret `crm`");
}
