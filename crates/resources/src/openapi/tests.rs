use super::read;
use insta::assert_snapshot;
use proptest::prelude::*;
use std::{collections::BTreeMap, io::Read as _};
use wardgate_model::{diagnostic::Place, shape::Conformance};

fn check_under(prefix: &str, text: &[u8]) -> String {
    let described = read(&Place::file("api.yaml"), text, prefix, Conformance::Report);
    let operations = described.operations.iter().map(|o| {
        format!(
            "{} {} {} {:?} {} {:?}{}\n",
            o.method,
            o.template,
            o.class,
            o.resource,
            if o.anonymous { "anonymous" } else { "known" },
            o.query,
            o.records.as_ref().map_or_else(String::new, |records| format!(" records {records}"))
        )
    });
    operations.chain(described.diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n"))).collect()
}

fn check(text: &str) -> String {
    check_under("", text.as_bytes())
}

#[test]
fn methods_and_siblings_suggest_classes() {
    assert_snapshot!(check("openapi: 3.0.3\npaths:\n  /:\n    get: {}\n  /orders:\n    parameters: []\n    get: {}\n    post: {}\n    head: {}\n  /orders/{id}:\n    get: {}\n    put: {}\n    patch: {}\n    delete: {}\n  /orders/{id}/items/:\n    get: {}\n  /orders/{id}/items/{item}:\n    get: {}\n  /orders/latest:\n    get: {}\n"), @r#"
GET / read None known []
GET /orders list None known []
POST /orders write None known []
HEAD /orders read None known []
GET /orders/{id} read None known []
PUT /orders/{id} write None known []
DELETE /orders/{id} delete None known []
PATCH /orders/{id} write None known []
GET /orders/{id}/items/ list None known []
GET /orders/{id}/items/{item} read None known []
GET /orders/latest read None known []
"#);
}

#[test]
fn how_many_calls_taught_a_draft_is_for_people() {
    assert_eq!(check("openapi: 3.1.0\npaths: { /a: { get: { x-wardgate-seen: 12 } } }\n"), "GET /a read None known []\n");
    let text = check("openapi: 3.1.0\npaths: { /a: { get: { x-wardgate-seen: often } } }\n");
    assert!(text.contains("error[value.type]: `/paths/~1a/get/x-wardgate-seen`: expected a number"), "{text}");
}

#[test]
fn our_keys_say_more() {
    assert_snapshot!(check("openapi: 3.1.0\npaths:\n  /a/{id}:\n    get: { x-wardgate-class: bulk, x-wardgate-resource: path.id, x-wardgate-anonymous: true, x-wardgate-query: [since] }\n  /a:\n    get: { x-wardgate-class: read }\n    put: { x-wardgate-class: reed, x-wardgate-resource: path.id, x-wardgate-anonymous: yes, x-wardgate-query: x, x-wardgate-clas: read, x-wardgate-records: /items }\n    x-wardgate-class: read\n"), @r#"
GET /a/{id} bulk Some("id") anonymous ["since"]
GET /a read None known []
PUT /a write None known [] records /items
api.yaml:7:12: error[value.word]: `/paths/~1a/put/x-wardgate-class`: `reed` is no class
  = did you mean `read`?
api.yaml:7:36: error[operation.resource]: `/paths/~1a/put/x-wardgate-resource`: the path has no parameter `id`
  = take it out
api.yaml:7:66: error[value.type]: `/paths/~1a/put/x-wardgate-anonymous`: expected `true` or `false`
api.yaml:7:93: error[value.type]: `/paths/~1a/put/x-wardgate-query`: expected a list of names
api.yaml:7:114: error[key.unknown]: `/paths/~1a/put/x-wardgate-clas`: this key is not known
  = did you mean `x-wardgate-class`?
api.yaml:8:5: error[key.unknown]: `/paths/~1a/x-wardgate-class`: our keys belong to operations
  = write it into each operation
"#);
}

#[test]
fn a_mistyped_method_is_told() {
    assert_snapshot!(check("openapi: 3.1.0\npaths:\n  /a:\n    summary: s\n    x-other: {}\n    parameters: []\n    get: {}\n    delet: {}\n"), @r"
GET /a read None known []
api.yaml:8:5: warning[key.unknown]: `/paths/~1a/delet`: no key of a path, so there is no operation here
  = did you mean `delete`?
");
}

#[test]
fn what_is_one_operation_is_refused_with_both_places() {
    assert_snapshot!(check("openapi: 3.1.0\npaths:\n  /a/{x}: { get: {}, put: {} }\n  /a/{y}: { get: {}, post: {} }\n"), @r"
GET /a/{x} read None known []
PUT /a/{x} write None known []
POST /a/{y} write None known []
api.yaml:4:13: error[operation.duplicate]: `/paths/~1a~1{y}/get`: the same operation as `/paths/~1a~1{x}/get`: names of parameters make no difference
  = keep one of the two paths
");
    assert_snapshot!(check("openapi: 3.1.0\npaths:\n  /a: { get: {} }\n  /a: { put: {} }\n"), @r#"api.yaml:3:3: error[yaml.syntax]: the key `/a` stands twice"#);
    assert_snapshot!(check("{\"openapi\": \"3.1.0\", \"paths\": {\"/a\": {\"get\": {}}, \"/a\": {\"put\": {}}}}"), @r#"api.yaml:1:54: error[openapi.json]: the key `/a` stands twice"#);
}

#[test]
fn segments_may_have_several_parameters() {
    assert_snapshot!(check("openapi: 3.1.0\npaths:\n  /c/{a}...{b}: { get: {}, put: {} }\n  /c/{ab}: { get: {} }\n  /d/{a}{: { get: {} }\n"), @r"
GET /c/{a}...{b} read None known []
PUT /c/{a}...{b} write None known []
GET /c/{ab} read None known []
api.yaml:5:3: error[openapi.path]: `/paths/~1d~1{a}{`: the braces of `{a}{` do not make named parameters with text between them
");
}

#[test]
fn references_stay_in_the_document() {
    assert_snapshot!(check("openapi: 3.1.0\npaths:\n  /a: { $ref: '#/components/pathItems/A' }\n  /b: { $ref: 'https://evil.example/b.yaml' }\n  /c: { $ref: '#/paths/~1d' }\n  /d: { $ref: '#/paths/~1c' }\n  /e: { $ref: '#/nowhere' }\n  /f: { $ref: other.yaml#/x }\n  /g: { $ref: 5 }\n  /h: { $ref: '#' }\n  /i: { $ref: '#anchor' }\ncomponents: { pathItems: { A: { get: {} } } }\n"), @r"
GET /a read None known []
api.yaml:4:9: error[openapi.reference]: `/paths/~1b/$ref`: `https://evil.example/b.yaml` leads out of the document
  = put what it names into this document, as in `#/components/pathItems/NAME`
api.yaml:5:3: error[openapi.reference]: `/paths/~1c`: more than 8 references follow each other
api.yaml:6:3: error[openapi.reference]: `/paths/~1d`: more than 8 references follow each other
api.yaml:7:9: error[openapi.reference]: `/paths/~1e/$ref`: `#/nowhere` leads nowhere
api.yaml:8:9: error[openapi.reference]: `/paths/~1f/$ref`: `other.yaml#/x` leads out of the document
  = put what it names into this document, as in `#/components/pathItems/NAME`
api.yaml:9:9: error[openapi.reference]: `/paths/~1g/$ref`: a reference must be text
api.yaml:1:1: warning[key.unknown]: `/openapi`: no key of a path, so there is no operation here
  = one of `get`, `put`, `post`, `delete`, `options`, `head`, `patch`, `trace`, `$ref`, `summary`, `description`, `servers`, `parameters`
api.yaml:2:1: warning[key.unknown]: `/paths`: no key of a path, so there is no operation here
  = did you mean `patch`?
api.yaml:12:1: warning[key.unknown]: `/components`: no key of a path, so there is no operation here
  = one of `get`, `put`, `post`, `delete`, `options`, `head`, `patch`, `trace`, `$ref`, `summary`, `description`, `servers`, `parameters`
api.yaml:11:9: error[openapi.reference]: `/paths/~1i/$ref`: `#anchor` leads out of the document
  = put what it names into this document, as in `#/components/pathItems/NAME`
");
}

#[test]
fn servers_are_compared_with_the_prefix() {
    let text = |url: &str| format!("openapi: 3.1.0\nservers: [{{url: '{url}'}}]\npaths: {{}}\n");
    assert_eq!(check_under("/v1", text("https://x.example/v1/").as_bytes()), "");
    assert_eq!(check_under("", text("https://x.example").as_bytes()), "");
    assert_eq!(check_under("/v1", text("{scheme}://{host}/v1").as_bytes()), "");
    assert_snapshot!(check_under("/ledger", text("https://x.example/v1").as_bytes()), @r"
api.yaml:2:1: warning[openapi.servers]: `/servers`: the path is `/v1`, the API's prefix is `/ledger`
  = `servers` is not read; set `match.path_prefix` when callers use that path
");
    assert_snapshot!(check_under("/ledger", text("/").as_bytes()), @r"
api.yaml:2:1: warning[openapi.servers]: `/servers`: the path is `/`, the API's prefix is `/ledger`
  = `servers` is not read; set `match.path_prefix` when callers use that path
");
}

#[test]
fn hostile_documents_are_diagnostics() {
    for (text, name) in [
        ("", "empty"),
        ("[]", "list"),
        ("swagger: '2.0'\npaths: {}", "swagger"),
        ("openapi: 3.1\n", "number"),
        ("openapi: 4.0.0\n", "version"),
    ] {
        assert!(check(text).contains("error["), "{name}");
    }
    assert_snapshot!(check("openapi: 3.1.0\npaths: []\n"), @"api.yaml:2:1: error[openapi.type]: `/paths`: expected an object");
    assert_snapshot!(check("openapi: 3.1.0\npaths:\n  a: {}\n  /b: 5\n  /c: { get: 5 }\n  /{: { get: {} }\n  /d?x: { get: {} }\n  /e//f: { get: {} }\n  5: { get: {} }\n  x-internal: 5\n"), @r"
api.yaml:3:3: error[openapi.path]: `/paths/a`: `a` does not begin with a slash
  = write `/a`
api.yaml:4:3: error[openapi.type]: `/paths/~1b`: expected an object
api.yaml:5:9: error[openapi.type]: `/paths/~1c/get`: expected an object
api.yaml:6:3: error[openapi.path]: `/paths/~1{`: the braces of `{` do not make named parameters with text between them
api.yaml:7:3: error[openapi.path]: `/paths/~1d?x`: `/d?x` has more than a path
  = leave out what follows `?` or `#`
api.yaml:8:3: error[openapi.path]: `/paths/~1e~1~1f`: `/e//f` has an empty segment
api.yaml:9:3: error[openapi.path]: `/paths/5`: `5` does not begin with a slash
  = write `/5`
");
    assert_snapshot!(check(&format!("{{\"a\":{}{}}}", "[".repeat(500), "]".repeat(500))), @r#"api.yaml:1:132: error[openapi.json]: recursion limit exceeded"#);
    assert_snapshot!(check("{\"openapi\": \"3.1.0\", \"paths\": {"), @r#"api.yaml:1:31: error[openapi.json]: EOF while parsing an object"#);
    assert_snapshot!(check(&format!("a: {}{}", "[".repeat(500), "]".repeat(500))), @r#"
api.yaml:1:44: error[yaml.budget]: the document is larger or deeper than is read, its aliases counted
  = write it out in smaller documents, without nested aliases
"#);
    let mut deep = "openapi: 3.1.0\n".to_owned();
    for depth in 0..39 {
        deep += &format!("{}a:\n", " ".repeat(depth));
    }
    assert_eq!(check(&deep), "");
    assert_snapshot!(check_under("", b"openapi: \xff"), @r#"
api.yaml:1:10: error[file.not_utf8]: the byte 0xff is not UTF-8
  = save the file as UTF-8
"#);
    assert_snapshot!(check("openapi: 3.1.0\n? [a]\n: b\n"), @r#"api.yaml:2:3: error[yaml.syntax]: expected string scalar"#);
}

/// Counts of a real document: paths are counted apart, from the raw value.
fn real(file: &str, prefix: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/openapi").join(file);
    let packed = std::fs::read(path).unwrap();
    let mut bytes = Vec::new();
    if file.ends_with(".gz") {
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
    } else {
        bytes = packed;
    }
    let raw: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let described = read(&Place::file(file), &bytes, prefix, Conformance::Report);
    let mut classes = BTreeMap::new();
    for draft in &described.operations {
        *classes.entry(draft.class.as_str()).or_insert(0) += 1;
    }
    let paths: std::collections::HashSet<_> = described.operations.iter().map(|draft| draft.template.as_str()).collect();
    let said: String = described.diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect();
    let written = raw["paths"].as_object().unwrap().len();
    format!("{written} paths, {} routed, {} operations {classes:?}\n{said}", paths.len(), described.operations.len())
}

#[test]
fn real_documents_load() {
    assert_snapshot!(real("api.github.com.json.gz", ""), @r#"811 paths, 811 routed, 1223 operations {"delete": 187, "list": 157, "read": 482, "write": 397}"#);
    assert_snapshot!(real("stripe.com.json.gz", ""), @r#"305 paths, 305 routed, 452 operations {"delete": 30, "list": 86, "read": 127, "write": 209}"#);
    assert_snapshot!(real("kubernetes.io.json.gz", ""), @r#"428 paths, 428 routed, 845 operations {"delete": 127, "list": 127, "read": 301, "write": 290}"#);
    assert_snapshot!(real("slack.com.json", "/api"), @r#"174 paths, 174 routed, 174 operations {"read": 80, "write": 94}"#);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&Place::file("x"), &bytes, "/x", Conformance::Report);
    }

    #[test]
    fn mangled_documents_never_panic(at in 0_usize..900, byte in any::<u8>(), cut in 0_usize..900) {
        let mut text = include_bytes!("../../testdata/ledger.yaml").to_vec();
        if let Some(slot) = text.get_mut(at) {
            *slot = byte;
        }
        text.truncate(cut.max(100));
        let _ = read(&Place::file("x"), &text, "/x", Conformance::Report);
    }
}

#[test]
fn where_records_stand_is_a_pointer() {
    let records = |pointer: &str| {
        let text = format!("openapi: 3.1.0\npaths:\n  /a:\n    get: {{ x-wardgate-records: {pointer} }}\n");
        check(&text)
    };
    assert_snapshot!(records("/items~1all"), @"GET /a read None known [] records /items~1all");
    assert_snapshot!(records("'items'"), @r"
GET /a read None known []
api.yaml:4:12: error[value.invalid]: `/paths/~1a/get/x-wardgate-records`: `items` is no JSON pointer
  = write a pointer as in `/items`
");
    assert_snapshot!(records("[a]"), @r"
GET /a read None known []
api.yaml:4:12: error[value.type]: `/paths/~1a/get/x-wardgate-records`: expected text
");
}

#[test]
fn what_a_keyword_cannot_mean_is_told_where_it_stands() {
    assert_snapshot!(check("openapi: 3.1.0
paths:
  /a:
    get:
      parameters:
        - { name: n, in: query, schema: { type: integer, minimum: abc, exclusiveMaximum: true } }
        - { name: t, in: query, schema: { type: strng, minLength: -1, maxLength: 2.5, pattern: 5 } }
    post:
      requestBody:
        content:
          application/json:
            schema:
              required: a
              properties: [a]
              allOf: { type: object }
"), @r"
GET /a read None known []
POST /a write None known []
api.yaml:15:15: warning[openapi.unchecked]: `/paths/~1a/post/requestBody/content/application~1json/schema/allOf`: `allOf` is no list: this is not checked in requests
api.yaml:6:72: warning[openapi.unchecked]: `/paths/~1a/get/parameters/0/schema/exclusiveMaximum`: `exclusiveMaximum` is no number: this is not checked in requests
api.yaml:7:71: warning[openapi.unchecked]: `/paths/~1a/get/parameters/1/schema/maxLength`: `maxLength` is no whole number from 0 on: this is not checked in requests
api.yaml:7:56: warning[openapi.unchecked]: `/paths/~1a/get/parameters/1/schema/minLength`: `minLength` is no whole number from 0 on: this is not checked in requests
api.yaml:6:58: warning[openapi.unchecked]: `/paths/~1a/get/parameters/0/schema/minimum`: `minimum` is no number: this is not checked in requests
api.yaml:7:87: warning[openapi.unchecked]: `/paths/~1a/get/parameters/1/schema/pattern`: `pattern` is no text: this is not checked in requests
api.yaml:14:15: warning[openapi.unchecked]: `/paths/~1a/post/requestBody/content/application~1json/schema/properties`: `properties` is no object: this is not checked in requests
api.yaml:13:15: warning[openapi.unchecked]: `/paths/~1a/post/requestBody/content/application~1json/schema/required`: `required` is no list of names: this is not checked in requests
api.yaml:7:43: warning[openapi.unchecked]: `/paths/~1a/get/parameters/1/schema/type`: a `type` that is none: this is not checked in requests
");
    assert_eq!(
        check(
            "openapi: 3.0.3\npaths: { /a: { get: { parameters: [{ name: n, in: query, schema: { minimum: 1, exclusiveMinimum: true } }] } } }\n"
        ),
        "GET /a read None known []\n",
        "3.0 has it so"
    );
}

#[test]
fn a_schema_that_consists_of_itself_is_told_and_comes_to_an_end() {
    let with = |schemas: &str| {
        let body = "{ post: { requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/A' } } } } } }";
        format!("openapi: 3.1.0\npaths:\n  /a: {body}\ncomponents:\n  schemas:\n{schemas}")
    };
    let itself = with("    A: { type: object, allOf: [{ $ref: '#/components/schemas/A' }] }\n");
    assert_snapshot!(check(&itself), @r"
POST /a write None known []
api.yaml:6:5: warning[openapi.unchecked]: `/components/schemas/A`: a schema that consists of itself, by nothing but `allOf`, `anyOf`, `oneOf`, `not` and `$ref`: this is not checked in requests
  = take that reference out, or put it below `properties` or `items`
");
    let by_others = with(
        "    A: { anyOf: [{ type: string }, { $ref: '#/components/schemas/B' }] }\n    B: { oneOf: [{ not: { $ref: '#/components/schemas/A' } }] }\n",
    );
    assert!(check(&by_others).contains("`/components/schemas/A`: a schema that consists of itself"), "{}", check(&by_others));
    let tree = with(
        "    A: { properties: { left: { $ref: '#/components/schemas/A' }, all: { items: { allOf: [{ $ref: '#/components/schemas/A' }] } } } }\n",
    );
    assert_eq!(check(&tree), "POST /a write None known []\n", "a tree is none");
    for text in [itself, by_others] {
        let described = read(&Place::file("api.yaml"), text.as_bytes(), "", Conformance::Report);
        let shape = described.operations[0].request.clone().unwrap();
        let (_, root) = &shape.body.as_ref().unwrap().media[0];
        assert!(ends(&shape.schemas, root.unwrap(), 100), "whoever follows it comes to an end");
    }
}

/// Whether what a value has to be, by what a node consists of, comes to an end within so many steps down.
fn ends(schemas: &wardgate_model::schema::Schemas, id: wardgate_model::schema::NodeId, left: u32) -> bool {
    let node = schemas.node(id).unwrap();
    let mut below = node.all.iter().chain(&node.any).chain(&node.one).chain(&node.not);
    left > 0 && below.all(|id| ends(schemas, *id, left - 1))
}

#[test]
fn what_is_wrong_in_json_has_its_place() {
    assert_snapshot!(check("{\"openapi\": \"3.1.0\",\n \"paths\": {\n  \"/a\": {\"get\": {\"x-wardgate-class\": \"reed\"}}}}"), @r"
GET /a read None known []
api.yaml:3:18: error[value.word]: `/paths/~1a/get/x-wardgate-class`: `reed` is no class
  = did you mean `read`?
");
}
