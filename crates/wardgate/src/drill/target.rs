//! The API that is attacked, as the management API tells of it: its operations, and which of them a rehearsal may use.

use super::Unfit;
use crate::client::{Client, query, segment};
use anyhow::Context as _;
use http::Method;
use serde_json::Value;
use wardgate_model::api::{OperationClass, PathTemplate, Segment};

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Operation {
    /// `API METHOD TEMPLATE`, as events have it.
    pub(super) id: String,
    /// `METHOD TEMPLATE` without the prefix of its API, as grants have it.
    pub(super) selector: String,
    pub(super) method: Method,
    /// With the prefix.
    pub(super) template: PathTemplate,
    pub(super) class: OperationClass,
    /// Whether nothing has to be shown.
    pub(super) anonymous: bool,
    /// Where its body names who signs in.
    pub(super) subject: Option<String>,
    /// Whether whoever rehearses has named it.
    pub(super) named: bool,
}

impl Operation {
    /// Whether it surely changes nothing.
    pub(super) fn is_safe(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD) && matches!(self.class, OperationClass::Read | OperationClass::List)
    }

    /// Whether its path names a thing.
    pub(super) fn names_a_thing(&self) -> bool {
        self.template.segments().iter().any(|segment| segment.parameters().next().is_some())
    }

    /// Its path, with a thing for each parameter.
    pub(super) fn path(&self, thing: &str) -> String {
        let mut path = String::new();
        for segment in self.template.segments() {
            path.push('/');
            match segment {
                Segment::Literal(text) => path.push_str(text),
                Segment::Parameter(_) => path.push_str(thing),
                Segment::Mixed { prefix, suffix, .. } => path.extend([&**prefix, thing, suffix]),
                Segment::Several { texts, .. } => path.push_str(&texts.join(thing)),
            }
        }
        if path.is_empty() { "/".to_owned() } else { path }
    }
}

/// An API.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) name: String,
    /// Who answers for its policy.
    pub(super) owner: String,
    pub(super) environment: String,
    pub(super) production: bool,
    /// Its prefix, without a `/` at the end.
    pub(super) prefix: String,
    /// What callers may prove themselves by.
    pub(super) accept: Vec<String>,
    pub(super) operations: Vec<Operation>,
    /// What begins something, and what brings that to its end, by their selectors.
    pub(super) flows: Vec<(Vec<String>, Vec<String>)>,
    /// Whether what changes something may be used although nobody named it.
    pub(super) writes: bool,
}

fn text<'v>(spec: &'v Value, pointer: &str) -> Option<&'v str> {
    spec.pointer(pointer)?.as_str()
}

fn operation(api: &str, prefix: &str, spec: &Value) -> Option<Operation> {
    let (method, path) = text(spec, "/match")?.split_once(' ')?;
    let method = Method::from_bytes(method.as_bytes()).ok()?;
    let class = match text(spec, "/class") {
        Some(word) => OperationClass::parse(word)?,
        None if matches!(method, Method::GET | Method::HEAD) => OperationClass::Read,
        None if method == Method::DELETE => OperationClass::Delete,
        None => OperationClass::Write,
    };
    let template = PathTemplate::parse(&format!("{prefix}{path}")).ok()?;
    Some(Operation {
        id: format!("{api} {method} {}", template.as_str()),
        selector: format!("{method} {path}"),
        method,
        template,
        class,
        anonymous: spec.get("anonymous").is_some_and(|anonymous| anonymous == true),
        subject: text(spec, "/login/subject").map(str::to_owned),
        named: false,
    })
}

/// What a flow of this API begins with and ends with.
fn flow(api: &str, spec: &Value) -> Option<(Vec<String>, Vec<String>)> {
    let words = |key: &str| Some(spec.get(key)?.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    (text(spec, "/api") == Some(api)).then(|| Some((words("begin")?, words("finish")?))).flatten()
}

impl Target {
    /// Reads it.
    ///
    /// # Errors
    /// There is none, it may not be read, or it says nothing that can be used.
    pub(super) async fn read(client: &Client, name: &str) -> anyhow::Result<Self> {
        let found = client.get(&format!("/api/v1/resources/api/{}", segment(name))).await?;
        let spec = found.get("spec").context("the API has no spec")?;
        let environment = text(spec, "/environment").context("the API names no environment")?;
        let place = client.get(&format!("/api/v1/resources/environment/{}", segment(environment))).await?;
        let mut target = Self::of(name, spec, &place).context("the API names no owner")?;
        let flows = client.get(&format!("/api/v1/resources/flow{}", query(&[("limit", Some("500"))]))).await?;
        target.flows =
            flows.get("items").and_then(Value::as_array).into_iter().flatten().filter_map(|one| flow(name, one.get("spec")?)).collect();
        Ok(target)
    }

    /// As its spec and its environment have it.
    pub(super) fn of(name: &str, spec: &Value, place: &Value) -> Option<Self> {
        let prefix = text(spec, "/match/path_prefix").unwrap_or_default().trim_end_matches('/').to_owned();
        let words = |key: &str| spec.get(key).and_then(Value::as_array).into_iter().flatten();
        let accept: Vec<String> = words("accept").filter_map(Value::as_str).map(str::to_owned).collect();
        Some(Self {
            name: name.to_owned(),
            owner: text(spec, "/policy_owner")?.to_owned(),
            production: place.pointer("/spec/production").is_some_and(|production| production == true),
            environment: text(spec, "/environment")?.to_owned(),
            accept: if accept.is_empty() { vec!["api_key".to_owned()] } else { accept },
            operations: words("operations").filter_map(|spec| operation(name, &prefix, spec)).collect(),
            prefix,
            flows: Vec::new(),
            writes: false,
        })
    }

    /// Marks what whoever rehearses has named, by method and path with or without the prefix.
    ///
    /// # Errors
    /// Something is named that the API has not.
    pub(super) fn name_operations(&mut self, named: &[String]) -> Result<(), Unfit> {
        for wanted in named {
            let (method, path) = wanted.split_once(' ').unwrap_or_default();
            let is_it = |one: &Operation| one.method.as_str() == method && (one.template.as_str() == path || one.selector == *wanted);
            match self.operations.iter_mut().find(|one| is_it(one)) {
                Some(one) => one.named = true,
                None => {
                    let known: Vec<&str> = self.operations.iter().map(|one| one.selector.as_str()).collect();
                    let known = known.join("`, `");
                    return Err(Unfit::new(format!("`{}` declares no operation `{wanted}`; it has `{known}`", self.name)));
                }
            }
        }
        Ok(())
    }

    /// What only reads. What was named comes first.
    pub(super) fn reading(&self) -> Vec<&Operation> {
        let mut safe: Vec<&Operation> = self.operations.iter().filter(|one| one.is_safe() && !one.anonymous).collect();
        safe.sort_by_key(|one| !one.named);
        safe
    }

    /// What brings to its end what an operation begins; none where no flow says it.
    pub(super) fn finishing(&self, begin: &Operation) -> Vec<&Operation> {
        let flows = self.flows.iter().filter(|(begins, _)| begins.contains(&begin.selector));
        let finishes: Vec<&String> = flows.flat_map(|(_, finishes)| finishes).collect();
        self.operations.iter().filter(|one| finishes.contains(&&one.selector)).collect()
    }

    /// What may be used of the rest.
    pub(super) fn changing(&self, fits: impl Fn(&Operation) -> bool) -> Vec<&Operation> {
        let may = |one: &&Operation| !one.is_safe() && one.class != OperationClass::Login && (one.named || self.writes) && fits(one);
        let mut found: Vec<&Operation> = self.operations.iter().filter(may).collect();
        found.sort_by_key(|one| !one.named);
        found
    }
}
