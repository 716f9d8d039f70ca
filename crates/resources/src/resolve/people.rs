//! People on an API that serves them beside machines: where their sessions stand, and which operations are open to these.

use super::{items, operations::Draft, value};
use crate::raw::{RawApi, RawPeople};
use crate::yaml::{Faults, Spot};
use http::{HeaderName, header};
use wardgate_model::api::{Consumers, OperationClass, PeopleSession};

/// Classes that no word for a whole API opens to people: what they do is too much to be open by oversight.
const ONE_BY_ONE: [OperationClass; 3] = [OperationClass::Bulk, OperationClass::Admin, OperationClass::Money];

/// What is open to people unless an operation says otherwise.
#[derive(Debug, Default)]
pub(super) struct Open {
    mixed: bool,
    classes: Vec<OperationClass>,
}

impl Open {
    /// Reads it, and holds what operations say against it.
    pub(super) fn of(raw: &RawApi, drafts: &[Draft], faults: &Faults) -> Self {
        let mixed = is_mixed(raw);
        let mut open = Self { mixed, classes: Vec::new() };
        for (class, spot) in items(people(raw).and_then(|people| people.classes.as_ref())) {
            if ONE_BY_ONE.contains(&class.0) {
                let mend = "take it out, and write `people: true` at each operation that is meant".to_owned();
                let what = format!("`people.classes`: operations of the class `{}` are opened one by one", class.0);
                faults.error(spot, "api.people_class", what, mend);
            }
            open.classes.push(class.0);
        }
        let said = drafts.iter().find(|draft| draft.people == Some(true));
        if let Some(draft) = said.filter(|_| !mixed) {
            let what = format!("`{} {}` is open to people, and the API serves machines only", draft.method, draft.template);
            faults.error(Spot::default(), "operation.people", what, "write `consumers: mixed` and `people`, or take it out".to_owned());
        }
        open.warn(raw, drafts, faults);
        open
    }

    /// Whether an operation is open to people.
    pub(super) fn to_people(&self, said: Option<bool>, class: OperationClass) -> bool {
        self.mixed && said.unwrap_or(self.classes.contains(&class) && !ONE_BY_ONE.contains(&class))
    }

    fn warn(&self, raw: &RawApi, drafts: &[Draft], faults: &Faults) {
        let Some(at) = raw.people.as_ref().filter(|_| self.mixed) else { return };
        let mut opened = drafts.iter().filter(|draft| self.to_people(draft.people, draft.class));
        if !drafts.is_empty() && opened.clone().next().is_none() {
            let mend = "name `classes` here, or write `people: true` at an operation".to_owned();
            faults.warning(at.spot, "api.people_idle", "`people`: no operation is open to people", mend);
        }
        let bound = |class: OperationClass| {
            let mut required = value(raw.require.as_ref()).into_iter().flatten();
            required.any(|(name, at)| {
                name == class.as_str()
                    && at.value.as_ref().is_some_and(|wanted| wanted.bound.as_ref().is_some_and(|bound| bound.value == Some(true)))
            })
        };
        if let Some(draft) = opened.find(|draft| bound(draft.class)) {
            let (method, template, class) = (&draft.method, &draft.template, draft.class);
            let what =
                format!("`people`: `{method} {template}` is open to people, and `require` wants of `{class}` what no session can show");
            let mend = format!("take `bound` out of `require: {{{class}: …}}`, or the operation out of what is open to people");
            faults.warning(at.spot, "api.people_bound", what, mend);
        }
    }
}

fn people(raw: &RawApi) -> Option<&RawPeople> {
    value(raw.people.as_ref())
}

fn is_mixed(raw: &RawApi) -> bool {
    value(raw.consumers.as_ref()).is_some_and(|word| word.0 == Consumers::Mixed)
}

/// Where the sessions of people stand.
pub(super) fn session(raw: &RawApi, faults: &Faults) -> Option<PeopleSession> {
    let example = "write `people: {cookie: NAME}`, `people: {header: NAME}` or both";
    match (is_mixed(raw), &raw.people) {
        (false, None) => return None,
        (false, Some(at)) => {
            let what = "`people`: this API serves machines only";
            faults.error(at.spot, "api.people", what, "write `consumers: mixed`, or take it out".to_owned());
        }
        (true, None) => {
            let spot = raw.consumers.as_ref().map_or(Spot::default(), |at| at.spot);
            faults.error(spot, "api.people", "`consumers: mixed`: nothing says what a person's session looks like", example.to_owned());
        }
        (true, Some(_)) => {}
    }
    let people = people(raw)?;
    if people.cookie.is_none() && people.header.is_none() {
        let spot = raw.people.as_ref().map_or(Spot::default(), |at| at.spot);
        faults.error(spot, "api.people", "`people`: nothing says what a person's session looks like", example.to_owned());
    }
    let header = people.header.as_ref().and_then(|at| {
        let name = &at.value.as_ref()?.0;
        if has_another_office(name, raw) {
            let what = format!("`people.header`: `{name}` has another office");
            faults.error(at.spot, "api.people_header", what, "name a header that bears nothing but the session".to_owned());
        }
        Some(name.clone())
    });
    Some(PeopleSession { cookie: value(people.cookie.as_ref()).map(|name| name.0.clone()), header })
}

/// Whether a header is read or dropped for another reason.
fn has_another_office(name: &HeaderName, raw: &RawApi) -> bool {
    let key = value(raw.api_key_header.as_ref()).is_some_and(|key| key.0 == *name);
    let fixed = [header::AUTHORIZATION, header::COOKIE, header::SET_COOKIE, header::USER_AGENT, header::PROXY_AUTHORIZATION];
    // What hygiene drops of every request.
    let begins = ["x-wardgate-", "x-forwarded-", "client-cert", "x-client-cert", "x-ssl-", "x-envoy-", "x-original-", "x-http-method"];
    let dropped = ["x-real-ip", "x-rewrite-url", "x-method-override", "traceparent", "tracestate"];
    key || fixed.contains(name) || begins.iter().any(|prefix| name.as_str().starts_with(prefix)) || dropped.contains(&name.as_str())
}

#[cfg(test)]
mod tests;
