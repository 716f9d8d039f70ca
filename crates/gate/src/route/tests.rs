use super::{Found, Trie};
use http::Method;
use proptest::prelude::{Strategy, prop, proptest};
use std::sync::Arc;
use wardgate_model::{
    api::{Operation, OperationClass, OperationId, PathTemplate, Segment},
    id::ApiName,
};

fn operation(line: &str) -> Arc<Operation> {
    let (method, template) = line.split_once(' ').unwrap();
    let (method, template): (Method, _) = (method.parse().unwrap(), PathTemplate::parse(template).unwrap());
    Arc::new(Operation {
        id: OperationId::new(&ApiName::literal("a"), &method, &template),
        method,
        template,
        class: OperationClass::Read,
        resource: None,
        records: None,
        anonymous: false,
        people: false,
        query: Box::default(),
        ending: None,
        request: None,
        login: None,
        flows: Box::default(),
    })
}

fn find(trie: &Trie, line: &str) -> String {
    let (method, path) = line.split_once(' ').unwrap();
    match trie.find(&method.parse().unwrap(), path) {
        Found::Operation(operation) => operation.template.to_string(),
        Found::OtherMethods => "other methods".into(),
        Found::Nothing => "nothing".into(),
    }
}

#[test]
fn the_most_literal_template_wins() {
    let templates =
        ["GET /", "GET /a/{x}", "GET /a/me", "PUT /a/{x}", "GET /a/{x}/c", "GET /{y}/b/c", "GET /f/{n}.json", "GET /f/{n}", "GET /d/"];
    let trie = Trie::build(&templates.map(operation));
    for (request, expected) in [
        ("GET /", "/"),
        ("GET /a/me", "/a/me"),
        ("GET /a/you", "/a/{x}"),
        ("HEAD /a/you", "/a/{x}"),
        ("PUT /a/you", "/a/{x}"),
        ("PUT /a/me", "other methods"),
        ("DELETE /a/you", "other methods"),
        ("GET /a/b/c", "/a/{x}/c"),
        ("GET /z/b/c", "/{y}/b/c"),
        ("GET /f/x.json", "/f/{n}.json"),
        ("GET /f/.json", "/f/{n}"),
        ("GET /f/x.xml", "/f/{n}"),
        ("GET /a/", "nothing"),
        ("GET /a", "nothing"),
        ("GET /d", "nothing"),
        ("GET /d/", "/d/"),
        ("GET /a/me/", "nothing"),
        ("GET /a/you;x=1", "/a/{x}"),
        ("GET /a/me;x=1", "nothing"),
        ("GET /a/me%3Bx=1", "nothing"),
        ("GET /a;x=1/b/c", "nothing"),
        ("GET /z;x=1/b/c", "/{y}/b/c"),
    ] {
        assert_eq!(find(&trie, request), expected, "{request}");
    }
}

/// The same answer from first principles: all templates that fit, the one that is more literal at the first difference.
fn naive<'a>(operations: &'a [Arc<Operation>], method: &Method, path: &str) -> Option<&'a str> {
    let parts: Vec<&str> = if path == "/" { Vec::new() } else { path[1..].split('/').collect() };
    let fits = |operation: &&Arc<Operation>| {
        let segments = operation.template.segments();
        segments.len() == parts.len()
            && segments.iter().zip(&parts).all(|(segment, part)| match segment {
                Segment::Literal(text) => **text == **part,
                Segment::Parameter(_) => !part.is_empty(),
                Segment::Several { .. } => segment.fits(part),
                Segment::Mixed { prefix, suffix, .. } => {
                    part.len() > prefix.len() + suffix.len() && part.starts_with(&**prefix) && part.ends_with(&**suffix)
                }
            })
    };
    let rank = |operation: &&Arc<Operation>| -> Vec<usize> {
        operation
            .template
            .segments()
            .iter()
            .map(|segment| match segment {
                Segment::Literal(_) => 0,
                Segment::Mixed { .. } | Segment::Several { .. } => 10_000 - segment.literal_bytes(),
                Segment::Parameter(_) => 20_000,
            })
            .collect()
    };
    let best = operations.iter().filter(fits).map(|operation| rank(&operation)).min()?;
    operations.iter().filter(fits).find(|operation| rank(operation) == best && operation.method == *method).map(|o| o.template.as_str())
}

fn segments() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec!["a", "b", "c", "{p}", "{p}.json", "v{p}"]);
    prop::collection::vec(segment, 0..4).prop_map(|parts| {
        let named: Vec<String> = parts.iter().enumerate().map(|(at, part)| part.replace('p', &format!("p{at}"))).collect();
        format!("/{}", named.join("/"))
    })
}

proptest! {
    #[test]
    fn the_trie_agrees_with_a_naive_matcher(
        templates in prop::collection::btree_set(segments(), 1..12),
        path in prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "x", "x.json", "v1", ".json"]), 0..4),
    ) {
        let operations: Vec<_> = templates.iter().map(|template| operation(&format!("GET {template}"))).collect();
        let path = format!("/{}", path.join("/"));
        let trie = Trie::build(&operations);
        let found = match trie.find(&Method::GET, &path) {
            Found::Operation(operation) => Some(operation.template.as_str()),
            Found::OtherMethods | Found::Nothing => None,
        };
        assert_eq!(found, naive(&operations, &Method::GET, &path), "{path}");
    }
}
