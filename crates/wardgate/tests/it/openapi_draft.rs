//! `wardgate openapi draft`: from an archive to a document that a gate enforces.

use crate::{
    gate::Place,
    http::{ask, bearer},
    process::wardgate,
    upstream::Upstream,
};
use serde_json::{Value, json};
use std::fs;

fn entry(method: &str, target: &str, sent: Option<&str>, status: u16) -> Value {
    json!({
        "startedDateTime": "2026-03-01T09:00:00Z",
        "request": {
            "method": method,
            "url": format!("https://shop.example{target}"),
            "headers": [{ "name": "Authorization", "value": "Bearer s3cret" }],
            "postData": sent.map(|text| json!({ "mimeType": "application/json", "text": text })),
        },
        "response": { "status": status, "content": { "size": 2, "mimeType": "application/json", "text": "{}" } },
    })
}

fn archive(place: &Place) {
    let entries = [
        entry("GET", "/shop/things?limit=5", None, 200),
        entry("GET", "/shop/things/17", None, 200),
        entry("POST", "/shop/things", Some(r#"{"name":"s3cret","count":1}"#), 201),
        entry("POST", "/shop/things", Some(r#"{"name":"other"}"#), 201),
        entry("GET", "/shop/.env", None, 404),
        entry("GET", "/elsewhere", None, 200),
    ];
    place.write("session.har", &json!({ "log": { "version": "1.2", "entries": entries } }).to_string());
}

#[test]
fn what_an_archive_has_taught_is_enforced() {
    let (upstream, place) = (Upstream::plain(), Place::bare());
    archive(&place);
    let arguments = ["openapi", "draft", "--format", "har", "session.har", "--prefix", "/shop", "--title", "Shop"];
    let shown = wardgate(place.path(), &arguments).with(0);
    assert!(!shown.out.contains("s3cret"), "{shown:?}");
    assert!(
        shown.err.contains("3 operations learned from 4 calls; left out: 1 call not served; left out: 1 call of another host or path"),
        "{shown:?}"
    );
    let written = wardgate(place.path(), &[&arguments[..], &["-o", "shop-api.yaml"]].concat()).with(0);
    assert_eq!((written.out.as_str(), fs::read_to_string(place.path().join("shop-api.yaml")).unwrap()), ("", shown.out));
    let json = wardgate(place.path(), &[&arguments[..], &["-o", "shop-api.json"]].concat()).with(0);
    let document: Value = serde_json::from_str(&fs::read_to_string(place.path().join("shop-api.json")).unwrap()).unwrap();
    assert_eq!(document["paths"]["/things"]["get"]["x-wardgate-class"], "list", "{json:?}");

    place.write(
        "resources/shop.yaml",
        &format!(
            "kind: Api\nname: shop\nspec:\n  policy_owner: shop-team\n  environment: production\n  match: {{ path_prefix: /shop }}\n  upstream: \
             {{ urls: ['{}'] }}\n  openapi: file:../shop-api.yaml\n  inspect: {{ requests: enforce }}\n---\nkind: Identity\nname: caller\nspec:\n  type: \
             service_account\n  owner: shop-team\n  environment: production\n  purpose: keeps things in step\n  credentials: [{{ name: main, type: \
             api_key, expires_in: 30d }}]\n---\nkind: Grant\nname: caller-works\nspec: {{ to: {{ identity: caller }}, api: shop, operations: [read, \
             list, write] }}\n",
            upstream.url()
        ),
    );
    let checked = wardgate(place.path(), &["check"]).with(0);
    assert!(!format!("{checked:?}").contains("openapi."), "{checked:?}");
    let gate = place.serve();
    let key = bearer(&place.issue(&gate, "caller").1);
    let call = |what: &str, body: &str| {
        let fields: &[(&str, &str)] = if body.is_empty() { &[] } else { &[("Content-Type", "application/json")] };
        ask(gate.public, what, &[&[("Authorization", key.as_str())], fields].concat(), body).said()
    };
    for (what, body) in [
        ("GET /shop/things?limit=5", ""),
        ("GET /shop/things/17", ""),
        ("POST /shop/things", r#"{"name":"s3cret","count":1}"#),
        ("POST /shop/things", r#"{"name":"other"}"#),
    ] {
        assert_eq!(call(what, body), "200", "it has taught it: {what} {body}");
    }
    assert_eq!(call("GET /shop/things?limit=many", ""), "400 inspect.request");
    assert_eq!(call("POST /shop/things", r#"{"name":7}"#), "400 inspect.request");
    assert_eq!(call("POST /shop/things", r#"{"count":1}"#), "400 inspect.request");
    assert_eq!(call("GET /shop/carts", ""), "404 route.no_operation");
}

#[test]
fn what_teaches_nothing_and_what_was_typed_wrongly_is_said() {
    let place = Place::bare();
    archive(&place);
    place.write("closed.log", "192.0.2.7 - - [01/Mar/2026:09:00:00 +0000] \"GET /a HTTP/1.1\" 404 10\n");
    let said = |arguments: &[&str], status: i32| wardgate(place.path(), &[&["openapi", "draft"], arguments].concat()).with(status).err;
    let nothing = said(&["--format", "clf", "closed.log"], 3);
    assert!(nothing.contains("no operation was learned: 1 calls, 1 of them not served"), "{nothing}");
    assert!(said(&["--format", "clf", "nowhere.log"], 2).contains("`nowhere.log` is no file"));
    assert!(said(&["--format", "har", "session.har", "--map", "time=ts"], 2).contains("--map is for --format json"));
    assert!(said(&["--format", "har", "session.har", "--prefix", "shop"], 2).contains("--prefix: "));
    assert!(
        said(&["--format", "har", "session.har", "-o", "wardgate.yaml"], 1).contains("cannot write `wardgate.yaml`"),
        "nothing is overwritten"
    );
}
