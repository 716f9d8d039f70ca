//! Walks a document: version, servers, paths, operations.

use super::{
    keywords, member,
    request::{self, Requested},
    schema::Compiler,
};
use crate::{
    document::mended,
    nearest::{listed, suggest},
    resolve::{Draft, DraftEnding, OPERATIONS_MAX, parameters, shape},
    wire,
    yaml::shortened,
};
use http::Method;
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};
use wardgate_model::{
    api::{OperationClass, PathTemplate},
    diagnostic::{Diagnostic, Place},
    shape::Conformance,
    time::Time,
};

/// Methods of a path item (OpenAPI 3.1 §4.8.9.1).
const METHODS: [(&str, Method); 8] = [
    ("get", Method::GET),
    ("put", Method::PUT),
    ("post", Method::POST),
    ("delete", Method::DELETE),
    ("options", Method::OPTIONS),
    ("head", Method::HEAD),
    ("patch", Method::PATCH),
    ("trace", Method::TRACE),
];
/// What else a path item has (OpenAPI 3.1 §4.8.9.1).
const BESIDE_METHODS: [&str; 5] = ["$ref", "summary", "description", "servers", "parameters"];
/// References followed one after the other.
const REFERENCES_MAX: usize = 8;
/// Our keys of an operation.
const OUR_KEYS: [&str; 8] = [
    "x-wardgate-class",
    "x-wardgate-resource",
    "x-wardgate-records",
    "x-wardgate-anonymous",
    "x-wardgate-people",
    "x-wardgate-query",
    SEEN,
    DEPRECATED_SINCE,
];
/// How many calls taught a draft that it is there; for people.
const SEEN: &str = "x-wardgate-seen";
/// Since when an operation is deprecated; `deprecated` itself says no more than that it is.
const DEPRECATED_SINCE: &str = "x-wardgate-deprecated";
/// From when on an operation is expected to be gone, as many tools write it.
const SUNSET: &str = "x-sunset";
/// What ours begin with.
const OURS: &str = "x-wardgate-";

pub(super) struct Reader<'a> {
    compiler: Option<Compiler<'a>>,
    requests: Vec<Requested>,
    place: &'a Place,
    document: &'a Value,
    operations: Vec<Draft>,
    /// What is wrong, and the pointer of where.
    said: Vec<(String, Diagnostic)>,
    /// Each method and shape, with the pointer of where it was first said.
    seen: BTreeMap<(String, String), String>,
    /// Operations whose class the document says.
    classed: HashSet<usize>,
}

impl<'a> Reader<'a> {
    /// `conformance`: whether requests are held against the document.
    pub(super) fn new(place: &'a Place, document: &'a Value, conformance: Conformance) -> Self {
        let compiler = (conformance != Conformance::Off).then(|| Compiler::new(document));
        Self {
            compiler,
            requests: Vec::new(),
            place,
            document,
            operations: Vec::new(),
            said: Vec::new(),
            seen: BTreeMap::new(),
            classed: HashSet::new(),
        }
    }

    fn error(&mut self, code: &'static str, pointer: &str, what: impl std::fmt::Display, mend: impl Into<Option<String>>) {
        let diagnostic = Diagnostic::error(self.place.clone(), code, format!("`{}`: {what}", shortened(pointer)));
        self.said.push((pointer.to_owned(), mended(diagnostic, mend.into())));
    }

    fn warning(&mut self, code: &'static str, pointer: &str, what: impl std::fmt::Display, mend: impl Into<Option<String>>) {
        let diagnostic = Diagnostic::warning(self.place.clone(), code, format!("`{}`: {what}", shortened(pointer)));
        self.said.push((pointer.to_owned(), mended(diagnostic, mend.into())));
    }

    /// The version must be one whose paths mean what we take them for.
    pub(super) fn version(&mut self) {
        const MEND: &str = "convert the document to OpenAPI 3.0 or 3.1";
        match member(self.document, "openapi") {
            Some(Value::String(version)) if version.starts_with("3.0.") || version.starts_with("3.1.") => {}
            Some(Value::String(version)) => {
                self.error(
                    "openapi.version",
                    "/openapi",
                    format_args!("the version `{}` is not read", shortened(version)),
                    MEND.to_owned(),
                );
            }
            Some(_) => self.error("openapi.version", "/openapi", "the version must be text", "write `openapi: \"3.1.0\"`".to_owned()),
            None => {
                let swagger = member(self.document, "swagger").is_some();
                let what = if swagger { "Swagger 2.0 is not read" } else { "this is no OpenAPI document: the version is missing" };
                self.error("openapi.version", "/openapi", what, MEND.to_owned());
            }
        }
    }

    /// `servers` says where the document's author runs the API; only its path can be a mistake of ours.
    pub(super) fn servers(&mut self, prefix: &str) {
        let Some(Value::Array(servers)) = member(self.document, "servers") else { return };
        let urls: Vec<&str> = servers.iter().filter_map(|server| member(server, "url")?.as_str()).collect();
        let paths: Vec<&str> = urls.iter().filter_map(|url| path_of(url)).collect();
        let Some(first) = paths.first() else { return };
        if !paths.contains(&prefix) {
            let shown = |path: &str| if path.is_empty() { "/".to_owned() } else { shortened(path) };
            let what = format!("the path is `{}`, the API's prefix is `{}`", shown(first), shown(prefix));
            let mend = "`servers` is not read; set `match.path_prefix` when callers use that path".to_owned();
            self.warning("openapi.servers", "/servers", what, mend);
        }
    }

    pub(super) fn paths(&mut self) {
        let paths = match member(self.document, "paths") {
            Some(Value::Object(paths)) => paths,
            // A document of 3.1 may have components or webhooks only.
            None => return,
            Some(_) => return self.error("openapi.type", "/paths", "expected an object", None),
        };
        for (path, item) in paths {
            if path.starts_with("x-") {
                continue;
            }
            let pointer = format!("/paths/{}", escaped(path));
            let template = match wire::template(path) {
                Ok(template) => template,
                Err(wrong) => {
                    self.error("openapi.path", &pointer, wrong.what, wrong.mend);
                    continue;
                }
            };
            if let Some((item, pointer)) = self.follow(item, pointer) {
                self.item(&template, item, &pointer);
            }
            if self.operations.len() > OPERATIONS_MAX {
                let what = format!("the document has more than {OPERATIONS_MAX} operations");
                return self.error("operation.too_many", "/paths", what, "split the API".to_owned());
            }
        }
        self.lists();
    }

    /// Follows `$ref` within the document. What stands elsewhere is refused: nothing is ever fetched.
    fn follow(&mut self, mut item: &'a Value, mut pointer: String) -> Option<(&'a Map<String, Value>, String)> {
        for _ in 0..REFERENCES_MAX {
            let Value::Object(members) = item else {
                self.error("openapi.type", &pointer, "expected an object", None);
                return None;
            };
            let Some(reference) = members.get("$ref") else { return Some((members, pointer)) };
            let here = format!("{pointer}/$ref");
            let Some(text) = reference.as_str() else {
                self.error("openapi.reference", &here, "a reference must be text", None);
                return None;
            };
            let Some(target) = text.strip_prefix('#').filter(|target| target.is_empty() || target.starts_with('/')) else {
                let mend = "put what it names into this document, as in `#/components/pathItems/NAME`".to_owned();
                self.error("openapi.reference", &here, format_args!("`{}` leads out of the document", shortened(text)), mend);
                return None;
            };
            let Some(found) = self.document.pointer(target) else {
                self.error("openapi.reference", &here, format_args!("`{}` leads nowhere", shortened(text)), None);
                return None;
            };
            item = found;
            pointer = target.to_owned();
        }
        self.error("openapi.reference", &pointer, format_args!("more than {REFERENCES_MAX} references follow each other"), None);
        None
    }

    fn item(&mut self, template: &PathTemplate, item: &'a Map<String, Value>, pointer: &str) {
        let item_pointer = pointer;
        for (word, method) in METHODS {
            let Some(operation) = item.get(word) else { continue };
            let pointer = format!("{pointer}/{word}");
            let Value::Object(operation) = operation else {
                self.error("openapi.type", &pointer, "expected an object", None);
                continue;
            };
            let key = (word.to_owned(), shape(template));
            if let Some(first) = self.seen.get(&key).cloned() {
                let what = format!("the same operation as `{}`: names of parameters make no difference", shortened(&first));
                self.error("operation.duplicate", &pointer, what, "keep one of the two paths".to_owned());
                continue;
            }
            self.seen.insert(key, pointer.clone());
            let mut draft = Draft::new(method, template.clone());
            draft.ending = self.ending(operation, &pointer);
            if self.ours(&mut draft, operation, &pointer) {
                self.classed.insert(self.operations.len());
                draft.classed = true;
            }
            draft.pages = draft.method == Method::GET && request::pages(self.document, item, operation);
            if let Some(compiler) = &mut self.compiler {
                self.requests.push(request::read(self.document, compiler, (item, item_pointer), (operation, &pointer)));
            }
            self.operations.push(draft);
        }
        let known = || METHODS.iter().map(|(word, _)| *word).chain(BESIDE_METHODS);
        for key in item.keys().filter(|key| !key.starts_with("x-") && !known().any(|word| word == *key)) {
            let what = "no key of a path, so there is no operation here";
            self.warning("key.unknown", &format!("{pointer}/{}", escaped(key)), what, suggest(key, known()));
        }
        for key in item.keys().filter(|key| key.starts_with(OURS)) {
            let mend = "write it into each operation".to_owned();
            self.error("key.unknown", &format!("{pointer}/{}", escaped(key)), "our keys belong to operations", mend);
        }
    }

    /// How an operation goes out of use: `deprecated` (OpenAPI 3.1 §4.8.10.1), and the dates beside it.
    fn ending(&mut self, operation: &Map<String, Value>, pointer: &str) -> Option<DraftEnding> {
        let since = self.moment(operation, DEPRECATED_SINCE, pointer);
        let sunset = self.moment(operation, SUNSET, pointer);
        let deprecated = match operation.get("deprecated") {
            None => false,
            Some(Value::Bool(truth)) => *truth,
            Some(_) => {
                self.error("value.type", &format!("{pointer}/deprecated"), "expected `true` or `false`", None);
                false
            }
        };
        if let (Some(since), Some(sunset)) = (since, sunset)
            && sunset < since
        {
            let what = format!("{sunset} is before {since}, since when the operation is deprecated");
            self.error(
                "operation.sunset",
                &format!("{pointer}/{SUNSET}"),
                what,
                "what is gone was deprecated before (RFC 9745 §4)".to_owned(),
            );
        }
        (deprecated || since.is_some() || sunset.is_some()).then_some(DraftEnding { deprecated: since, sunset })
    }

    fn moment(&mut self, operation: &Map<String, Value>, key: &str, pointer: &str) -> Option<Time> {
        let value = operation.get(key)?;
        let moment = value.as_str().and_then(Time::parse);
        if moment.is_none() {
            let mend = "write a date as in `\"2027-06-30\"`, or a moment as RFC 3339 has it".to_owned();
            self.error("value.invalid", &format!("{pointer}/{key}"), "this is no date", mend);
        }
        moment
    }

    /// Reads the `x-wardgate-…` keys of an operation; whether its class was among them.
    fn ours(&mut self, draft: &mut Draft, operation: &Map<String, Value>, pointer: &str) -> bool {
        let mut classed = false;
        for (key, value) in operation.iter().filter(|(key, _)| key.starts_with(OURS)) {
            let pointer = format!("{pointer}/{}", escaped(key));
            match (key.as_str(), value) {
                ("x-wardgate-class", Value::String(word)) => match OperationClass::parse(word) {
                    Some(class) => {
                        draft.class = class;
                        classed = true;
                    }
                    None => {
                        let words: Vec<_> = OperationClass::ALL.iter().map(|class| class.as_str()).collect();
                        self.error("value.word", &pointer, format_args!("`{}` is no class", shortened(word)), suggest(word, words));
                    }
                },
                ("x-wardgate-resource", Value::String(text)) => self.resource(draft, text, &pointer),
                ("x-wardgate-records", Value::String(text)) => match wire::pointer(text) {
                    Ok(records) => draft.records = Some(records),
                    Err(wrong) => self.error("value.invalid", &pointer, wrong.what, wrong.mend),
                },
                // Read with what goes out of use.
                (DEPRECATED_SINCE, _) => {}
                (SEEN, Value::Number(_)) => {}
                (SEEN, _) => self.error("value.type", &pointer, "expected a number", None),
                ("x-wardgate-anonymous", Value::Bool(truth)) => draft.anonymous = *truth,
                ("x-wardgate-people", Value::Bool(truth)) => draft.people = Some(*truth),
                ("x-wardgate-query", Value::Array(names)) if names.iter().all(Value::is_string) => {
                    draft.query = names.iter().filter_map(Value::as_str).map(Into::into).collect();
                }
                ("x-wardgate-class" | "x-wardgate-resource" | "x-wardgate-records", _) => {
                    self.error("value.type", &pointer, "expected text", None);
                }
                ("x-wardgate-anonymous" | "x-wardgate-people", _) => self.error("value.type", &pointer, "expected `true` or `false`", None),
                ("x-wardgate-query", _) => self.error("value.type", &pointer, "expected a list of names", None),
                (other, _) => self.error("key.unknown", &pointer, "this key is not known", suggest(other, OUR_KEYS)),
            }
        }
        classed
    }

    fn resource(&mut self, draft: &mut Draft, text: &str, pointer: &str) {
        match wire::path_parameter(text) {
            Ok(name) if parameters(&draft.template).any(|parameter| parameter == &*name) => draft.resource = Some(name),
            Ok(name) => {
                let names: Vec<_> = parameters(&draft.template).collect();
                let mend = if names.is_empty() { "take it out".to_owned() } else { format!("one of {}", listed(names)) };
                let what = format!("the path has no parameter `{}`", shortened(&name));
                self.error("operation.resource", pointer, what, mend);
            }
            Err(wrong) => self.error("value.invalid", pointer, wrong.what, wrong.mend),
        }
    }

    /// A `GET` of a collection, `/things` beside `/things/{id}`, lists.
    fn lists(&mut self) {
        let shapes: HashSet<String> = self.operations.iter().map(|draft| shape(&draft.template)).collect();
        for (at, draft) in self.operations.iter_mut().enumerate() {
            let silent = !self.classed.contains(&at) && draft.method == Method::GET;
            let own = shape(&draft.template);
            if silent && !own.is_empty() && !own.ends_with('}') && shapes.contains(&format!("{}/{{}}", own.trim_end_matches('/'))) {
                draft.class = OperationClass::List;
            }
        }
    }

    /// The operations, and what is wrong, each with the pointer of where.
    pub(super) fn finish(mut self) -> (Vec<Draft>, Vec<(String, Diagnostic)>) {
        let Some(compiler) = self.compiler.take() else { return (self.operations, self.said) };
        let (schemas, unchecked) = compiler.finish();
        let schemas = Arc::new(schemas);
        for (draft, requested) in self.operations.iter_mut().zip(std::mem::take(&mut self.requests)) {
            draft.request = Some(requested.shape(&schemas));
        }
        for (what, (pointer, count)) in unchecked {
            let others = match count {
                0 | 1 => String::new(),
                2 => ", nor at one other place".to_owned(),
                more => format!(", nor at {} other places", more - 1),
            };
            let mend = keywords::mend(&what).map(str::to_owned);
            self.warning("openapi.unchecked", &pointer, format_args!("{what}: this is not checked in requests{others}"), mend);
        }
        (self.operations, self.said)
    }
}

/// One step of a JSON pointer (RFC 6901 §3).
pub(super) fn escaped(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

/// The path of a server's URL, without a slash at its end; `None` when it depends on a variable.
fn path_of(url: &str) -> Option<&str> {
    // RFC 3986 §4.2: `//host/path` is relative to the scheme only.
    let path = match url.strip_prefix("//").or_else(|| url.split_once("://").map(|(_, rest)| rest)) {
        Some(rest) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or(""),
        None => url,
    };
    (!path.contains('{')).then(|| path.trim_end_matches('/'))
}
