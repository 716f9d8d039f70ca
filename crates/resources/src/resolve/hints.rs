//! What operations and APIs look like, and are not declared to be: what is guarded by class is guarded only where the class is right.
//!
//! A hint is a warning, one for each kind and API. Whoever says a class of an operation, whichever, is not asked again.

use super::{Draft, value};
use crate::{raw::RawApi, yaml::Faults};
use http::Method;
use wardgate_model::api::{OperationClass, Segment, Sensitivity};

/// Operations that are named in one hint.
const NAMED_MAX: usize = 5;
/// How the paths of logins end.
const LOGINS: [&str; 14] = [
    "login",
    "logins",
    "log-in",
    "log_in",
    "signin",
    "sign-in",
    "sign_in",
    "session",
    "sessions",
    "authenticate",
    "authentication",
    "auth",
    "token",
    "tokens",
];
/// Parameters by which one goes through a list.
pub(crate) const PAGES: [&str; 14] = [
    "page",
    "per_page",
    "page_size",
    "pagesize",
    "page_token",
    "pagetoken",
    "limit",
    "offset",
    "cursor",
    "continue",
    "after",
    "before",
    "starting_after",
    "ending_before",
];

/// Warns of what looks like something else.
pub(super) fn look(drafts: &[Draft], raw: &RawApi, faults: &Faults) {
    let spot = raw.openapi.as_ref().map(|at| at.spot).or(raw.operations.as_ref().map(|at| at.spot)).unwrap_or_default();
    let unsaid = || drafts.iter().filter(|draft| !draft.classed);
    let logins: Vec<&Draft> = unsaid().filter(|draft| draft.class != OperationClass::Login && is_login(draft)).collect();
    if !logins.is_empty() {
        let mend = "declare `class: login`, with `login: {subject: …, failed: […]}`, so that tries are told from each other; or the class that they are of";
        faults.warning(spot, "operation.unclassed", told(&logins, "a login", "logins"), mend.to_owned());
    }
    let lists: Vec<&Draft> = unsaid().filter(|draft| draft.class == OperationClass::Read && draft.pages).collect();
    if !lists.is_empty() {
        let mend = "declare `class: list`, with `records`, so that what is taken can be counted; or the class that they are of";
        faults.warning(spot, "operation.unclassed", told(&lists, "a list", "lists"), mend.to_owned());
    }
    let guarded = |draft: &&Draft| matches!(draft.class, OperationClass::Admin | OperationClass::Money | OperationClass::Bulk);
    if let (Some(at), Some(draft)) = (&raw.sensitivity, drafts.iter().find(guarded))
        && value(Some(at)).is_some_and(|word| word.0 == Sensitivity::Low)
    {
        let what = format!("`sensitivity`: `low`, and `{} {}` is of the class `{}`", draft.method, draft.template, draft.class);
        faults.warning(at.spot, "api.underclassified", what, "say what a leak of its powers would mean".to_owned());
    }
}

fn told(drafts: &[&Draft], one: &str, several: &str) -> String {
    let named: Vec<String> = drafts.iter().take(NAMED_MAX).map(|draft| format!("`{} {}`", draft.method, draft.template)).collect();
    let more = match drafts.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    match drafts.len() {
        1 => format!("{} looks like {one}, and no class is said", named.join("")),
        _ => format!("{}{more} look like {several}, and no class is said", named.join(", ")),
    }
}

fn is_login(draft: &Draft) -> bool {
    let last = draft.template.segments().last();
    let named = matches!(last, Some(Segment::Literal(text)) if LOGINS.iter().any(|word| text.eq_ignore_ascii_case(word)));
    draft.method == Method::POST && named
}

#[cfg(test)]
mod tests;
