//! What is called, and how it is written: pure.
//!
//! Only what changes nothing by its method (RFC 9110 §9.2.1) *and* by the class that its API gives it; an unsafe operation only
//! where the configuration says that calling it changes nothing. A parameter of a path becomes [`FILLER`].

use super::{Settings, known::Retired};
use http::{Method, uri::PathAndQuery};
use std::{collections::HashSet, sync::Arc};
use wardgate_model::api::{Api, OperationClass, PathTemplate, Segment, Target, UpstreamUrl};

/// What stands for a parameter: what reads numbers can read it as well.
const FILLER: &str = "0";

/// Something to call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The operation's id.
    pub(super) operation: Arc<str>,
    /// Whether the API has it no longer.
    pub(super) retired: bool,
    /// The method.
    pub(super) method: Method,
    /// What the upstream is asked for.
    pub(super) path: PathAndQuery,
}

/// Why an upstream is not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unprobed {
    /// There is none.
    InProcess,
    /// The configuration says so.
    Excepted,
    /// Nothing can be called without a change.
    NothingSafe,
}

impl Unprobed {
    /// In words.
    pub(super) const fn why(self) -> &'static str {
        match self {
            Self::InProcess => "it is answered by the gate itself: there is no upstream to reach",
            Self::Excepted => "`bypass.except` in wardgate.yaml names it",
            Self::NothingSafe => {
                "it has no guarded operation that surely changes nothing: name one in `bypass.also` of wardgate.yaml if calling it does not"
            }
        }
    }
}

/// The addresses of an API's upstream; none where the gate itself answers.
pub(super) fn addresses(api: &Api) -> &[UpstreamUrl] {
    match &api.upstream.target {
        Target::Http(urls) => urls,
        Target::InProcess => &[],
    }
}

/// Everything that may be called of an API, what it has before what it had.
///
/// # Errors
/// Why nothing is.
pub(super) fn wanted(api: &Api, retired: &[Retired], settings: &Settings) -> Result<Vec<Wanted>, Unprobed> {
    if addresses(api).is_empty() {
        return Err(Unprobed::InProcess);
    }
    if settings.except.contains(&api.name) {
        return Err(Unprobed::Excepted);
    }
    let allowed = |method: &Method, class: Option<OperationClass>, id: &str| {
        let safe = *method == Method::GET || *method == Method::HEAD;
        let tells = class.is_none_or(|class| matches!(class, OperationClass::Read | OperationClass::List | OperationClass::Admin));
        (safe && tells) || settings.also.contains(id)
    };
    let guarded = api.operations.iter().filter(|operation| !operation.anonymous);
    let present = guarded.filter(|operation| allowed(&operation.method, Some(operation.class), operation.id.as_str()));
    let present = present.filter_map(|operation| {
        let path = towards(api, &filled(&operation.template))?;
        Some(Wanted { operation: operation.id.as_str().into(), retired: false, method: operation.method.clone(), path })
    });
    let past = retired.iter().filter(|retired| allowed(&retired.method, None, &retired.id(api)));
    let past = past.filter_map(|retired| {
        let path = towards(api, &filled(&retired.template))?;
        Some(Wanted { operation: retired.id(api).into(), retired: true, method: retired.method.clone(), path })
    });
    let all: Vec<_> = present.chain(past).collect();
    if all.is_empty() { Err(Unprobed::NothingSafe) } else { Ok(all) }
}

/// At most `max` of them: those that answered before, then the others in turn, beginning with number `from`. Gives with which
/// number the next time begins.
pub(super) fn chosen(all: Vec<Wanted>, open: &HashSet<(Arc<str>, bool)>, from: usize, max: usize) -> (Vec<Wanted>, usize) {
    let count = all.len();
    if count <= max {
        return (all, 0);
    }
    let (mut first, mut others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|wanted| open.contains(&(Arc::clone(&wanted.operation), wanted.retired)));
    // Half of the places stay for those that are not known to answer, so that all have their turn.
    let (known, rest) = (first.len().min(max / 2), others.len());
    let mut at = from.checked_rem(rest).unwrap_or_default();
    others.rotate_left(at);
    let turn = (max - known).min(rest);
    others.truncate(turn);
    at += turn;
    first.truncate(known);
    first.append(&mut others);
    (first, at)
}

/// A path that a template stands for.
pub(super) fn filled(template: &PathTemplate) -> String {
    let mut path = String::new();
    for segment in template.segments() {
        path.push('/');
        match segment {
            Segment::Literal(text) => path.push_str(text),
            Segment::Parameter(_) => path.push_str(FILLER),
            Segment::Mixed { prefix, suffix, .. } => path.extend([&**prefix, FILLER, &**suffix]),
            Segment::Several { texts, .. } => path.push_str(&texts.join(FILLER)),
        }
    }
    if path.is_empty() { "/".to_owned() } else { path }
}

/// What the upstream is asked for where a client asks for `path`; `None`: it cannot be written, or is beside the API.
fn towards(api: &Api, path: &str) -> Option<PathAndQuery> {
    let path = match &api.upstream.path {
        None => path.to_owned(),
        Some(prefix) => format!("{}{}", prefix.trim_end_matches('/'), path.strip_prefix(&*api.path_prefix)?),
    };
    let path = if path.is_empty() { "/".to_owned() } else { path };
    PathAndQuery::try_from(path).ok().filter(|path| path.query().is_none())
}

/// Whether a request for this path would be one of an API's operations.
pub(super) fn covers(api: &Api, method: &Method, path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    let parts: Vec<&str> = if rest.is_empty() { Vec::new() } else { rest.split('/').collect() };
    api.operations.iter().filter(|operation| operation.method == *method).any(|operation| {
        let segments = operation.template.segments();
        segments.len() == parts.len() && segments.iter().zip(&parts).all(|(segment, part)| segment.fits(part))
    })
}

#[cfg(test)]
mod tests;
