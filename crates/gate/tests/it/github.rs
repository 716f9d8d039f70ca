//! Routing at size: GitHub's own OpenAPI document, every operation asked for with made-up values.

use flate2::read::GzDecoder;
use http::Method;
use proptest::prelude::{Strategy, any, prop, proptest};
use std::{
    collections::BTreeSet,
    io::Read as _,
    sync::{Arc, LazyLock},
};
use wardgate_gate::route::{Found, Trie};
use wardgate_model::api::{Api, Operation, Segment};
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, TestWorld, Texts};

const YAML: &str = "
kind: Owner
name: forge
spec: { accountable: forge-lead@example.com }
---
kind: Environment
name: production
spec: { production: true }
---
kind: Identity
name: renovator
spec:
  type: bot
  owner: forge
  environment: production
  purpose: keeps dependencies fresh
  credentials: [{ name: main, type: api_key, expires_in: 30d }]
---
kind: Api
name: github
spec:
  policy_owner: forge
  environment: production
  sensitivity: high
  exposure: internal
  openapi: file:github.json
  match: { hosts: [api.github.example] }
  upstream: { urls: [http://127.0.0.1:9000], identity: assertion }
  accept: [api_key]
";

static WORLD: LazyLock<TestWorld> = LazyLock::new(|| {
    let packed = include_bytes!("../../../resources/testdata/openapi/api.github.com.json.gz");
    let mut bytes = Vec::new();
    GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
    Texts { yaml: YAML, cedar: &[], files: &[("github.json", &bytes)], grants: &[], shipped: ShippedLimits::Off }.world().unwrap()
});
static TRIE: LazyLock<Trie> = LazyLock::new(|| Trie::build(&api().operations));

fn api() -> &'static Api {
    &WORLD.snapshot.apis()[0]
}

/// What the trie says, as text.
fn found(method: &Method, path: &str) -> String {
    match TRIE.find(method, path) {
        Found::Operation(operation) => operation.id.to_string(),
        Found::OtherMethods => "other methods".to_owned(),
        Found::Nothing => "nothing".to_owned(),
    }
}

/// The same from first principles: every template is compared with the path; of those that fit, the one is taken that is more
/// literal at the first segment where they differ, whatever its methods.
fn naive(method: &Method, path: &str) -> String {
    let parts: Vec<&str> = path[1..].split('/').filter(|part| path != "/" || !part.is_empty()).collect();
    let fits = |operation: &&Arc<Operation>| {
        let segments = operation.template.segments();
        segments.len() == parts.len() && segments.iter().zip(&parts).all(|(segment, part)| takes(segment, part))
    };
    let rank = |operation: &Operation| -> Vec<usize> { operation.template.segments().iter().map(looseness).collect() };
    let fitting: Vec<&Arc<Operation>> = api().operations.iter().filter(fits).collect();
    let Some(best) = fitting.iter().map(|operation| rank(operation)).min() else { return "nothing".to_owned() };
    let at_best = |wanted: &Method| fitting.iter().find(|operation| rank(operation) == best && operation.method == *wanted);
    let head = || if *method == Method::HEAD { at_best(&Method::GET) } else { None };
    at_best(method).or_else(head).map_or_else(|| "other methods".to_owned(), |operation| operation.id.to_string())
}

/// Written out apart from [`Segment::fits`], which the trie uses.
fn takes(segment: &Segment, part: &str) -> bool {
    match segment {
        Segment::Literal(text) => **text == *part,
        Segment::Parameter(_) => !part.is_empty(),
        Segment::Mixed { prefix, suffix, .. } => {
            part.len() > prefix.len() + suffix.len() && part.starts_with(&**prefix) && part.ends_with(&**suffix)
        }
        // Any cut will do: some value for the first parameter, then the text, then what is left fits the rest.
        Segment::Several { texts, .. } => part.strip_prefix(&*texts[0]).is_some_and(|rest| cuts(rest, &texts[1..])),
    }
}

fn cuts(rest: &str, texts: &[Box<str>]) -> bool {
    match texts {
        [] => false,
        [last] => rest.len() > last.len() && rest.ends_with(&**last),
        [text, more @ ..] => (1..rest.len()).any(|at| rest[at..].strip_prefix(&**text).is_some_and(|after| cuts(after, more))),
    }
}

fn looseness(segment: &Segment) -> usize {
    match segment {
        Segment::Literal(_) => 0,
        Segment::Mixed { .. } | Segment::Several { .. } => 10_000 - segment.literal_bytes(),
        Segment::Parameter(_) => 20_000,
    }
}

/// A template with its parameters filled from `values`, in turn.
fn filled(operation: &Operation, values: &[String]) -> String {
    let mut values = values.iter().cycle();
    let mut next = || values.next().unwrap().as_str();
    let mut path = String::new();
    for segment in operation.template.segments() {
        path.push('/');
        match segment {
            Segment::Literal(text) => path.push_str(text),
            Segment::Parameter(_) => path.push_str(next()),
            Segment::Mixed { prefix, suffix, .. } => path.push_str(&[&**prefix, next(), &**suffix].concat()),
            Segment::Several { texts, .. } => {
                path.push_str(&texts[0]);
                texts[1..].iter().for_each(|text| path.push_str(&[next(), &**text].concat()));
            }
        }
    }
    if path.is_empty() { "/".to_owned() } else { path }
}

#[test]
fn all_of_it_is_there() {
    let paths: BTreeSet<&str> = api().operations.iter().map(|operation| operation.template.as_str()).collect();
    assert_eq!((paths.len(), api().operations.len()), (811, 1223));
    assert!(paths.contains("/repos/{owner}/{repo}/compare/{base}...{head}"));
}

#[test]
fn every_operation_is_found_by_values_that_no_path_spells_out() {
    let values: Vec<String> = ["zq0", "zq1", "zq2", "zq3", "zq4"].map(str::to_owned).into();
    for operation in &api().operations {
        let path = filled(operation, &values);
        assert_eq!(found(&operation.method, &path), operation.id.as_str(), "{path}");
        assert_eq!(naive(&operation.method, &path), operation.id.as_str(), "{path}");
    }
}

#[test]
fn the_whole_judge_routes_by_it() {
    let asked = Asked::parse("GET /repos/acme/ledger/compare/main...topic\nhost: api.github.example").unwrap();
    let (facts, verdict) = WORLD.judge(&asked.bearer(WORLD.key("renovator")), DAWN).unwrap();
    assert_eq!(facts.operation.unwrap().id.as_str(), "github GET /repos/{owner}/{repo}/compare/{base}...{head}");
    assert_eq!(verdict.ruling.reason().code(), "standing.no_grant");
}

/// Every literal that stands in a path of the document, and values that none does.
fn values() -> impl Strategy<Value = String> {
    let literals = api().operations.iter().flat_map(|operation| operation.template.segments()).filter_map(|segment| match segment {
        Segment::Literal(text) if !text.is_empty() => Some(text.to_string()),
        Segment::Literal(_) | Segment::Parameter(_) | Segment::Mixed { .. } | Segment::Several { .. } => None,
    });
    let literals: Vec<String> = literals.collect::<BTreeSet<_>>().into_iter().collect();
    proptest::prop_oneof![prop::sample::select(literals), "[a-z0-9.]{1,6}", "[a-z]{0,2}\\.\\.\\.[a-z.]{0,3}"]
}

fn methods() -> impl Strategy<Value = Method> {
    prop::sample::select(vec![Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]

    /// Parameters take values that other templates spell out: then the more literal operation is the right one.
    #[test]
    fn the_trie_agrees_with_a_naive_matcher(
        at in any::<prop::sample::Index>(),
        method in methods(),
        values in prop::collection::vec(values(), 1..5),
    ) {
        let operation = at.get::<Arc<Operation>>(&api().operations);
        let path = filled(operation, &values);
        assert_eq!(found(&method, &path), naive(&method, &path), "{method} {path}");
        let own = found(&operation.method, &path);
        assert!(own != "nothing", "{path}");
    }

    /// Paths that are cut, grown or doubled somewhere.
    #[test]
    fn the_trie_agrees_on_paths_nobody_described(
        at in any::<prop::sample::Index>(),
        method in methods(),
        values in prop::collection::vec(values(), 1..5),
        cut in any::<prop::sample::Index>(),
        more in prop::collection::vec(values(), 0..3),
    ) {
        let path = filled(at.get::<Arc<Operation>>(&api().operations), &values);
        let mut parts: Vec<&str> = path[1..].split('/').collect();
        parts.truncate(cut.index(parts.len() + 1));
        parts.extend(more.iter().map(String::as_str));
        let path = format!("/{}", parts.join("/"));
        assert_eq!(found(&method, &path), naive(&method, &path), "{method} {path}");
    }
}
