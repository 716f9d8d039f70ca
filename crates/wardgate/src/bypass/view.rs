//! What was seen, as the management API tells it.

use super::{
    Bypass, Pace,
    plan::wanted,
    seen::{Called, Looked, Place, Verdict},
};
use wardgate_console::{Around, BoxFuture, ProbeView, Probed, ProbedCall};
use wardgate_model::{api::Api, id::ApiName, time::Time};

impl Around for Bypass {
    fn probes(&self, api: Option<&ApiName>) -> Vec<ProbeView> {
        let loaded = self.control.loaded();
        let apis = loaded.inventory.apis.iter().filter(|one| one.name.as_str() != Api::ADMIN);
        let mut views: Vec<ProbeView> = apis.filter(|one| api.is_none_or(|api| one.name == *api)).map(|api| self.view(api)).collect();
        views.sort_by(|a, b| a.api.cmp(&b.api));
        views
    }

    fn probe<'a>(&'a self, api: Option<&'a ApiName>, _now: Time) -> BoxFuture<'a, Probed> {
        Box::pin(async move {
            let whole = self.look(api, Pace::Asked).await;
            Probed { items: self.probes(api), whole }
        })
    }
}

impl Bypass {
    fn view(&self, api: &Api) -> ProbeView {
        let unprobed = wanted(api, &self.known().retired(&api.name), &self.settings).err();
        let seen = self.seen();
        let nothing = Looked::default();
        let looked = seen.of(&api.name).filter(|_| unprobed.is_none()).unwrap_or(&nothing);
        let mut calls: Vec<ProbedCall> = looked.calls.iter().map(|(place, called)| call(place, called)).collect();
        calls.sort_by_key(|call| call.open_since.is_none());
        ProbeView {
            api: api.name.to_string(),
            state: if unprobed.is_some() { "not_probed" } else { state(looked) }.to_owned(),
            why: unprobed.map(|unprobed| unprobed.why().to_owned()),
            last: looked.calls.values().map(|called| called.at).max().map(Time::to_rfc3339),
            calls,
        }
    }
}

fn state(looked: &Looked) -> &'static str {
    let unclear = looked.calls.values().any(|called| matches!(called.verdict, Verdict::Unclear(..)));
    match (looked.calls.is_empty(), looked.is_open(false) || looked.is_open(true), unclear) {
        (true, ..) => "waiting",
        (_, true, _) => "unguarded",
        (_, _, true) => "unclear",
        _ => "guarded",
    }
}

fn call(place: &Place, called: &Called) -> ProbedCall {
    let (outcome, why) = match &called.verdict {
        Verdict::Refused(Some(_)) => ("refused", None),
        Verdict::Refused(None) => ("refused", Some("it wants a client certificate".to_owned())),
        Verdict::Answered(_) => ("answered", None),
        Verdict::Unclear(_, why) => ("unclear", Some(why.to_string())),
    };
    ProbedCall {
        operation: place.operation.to_string(),
        retired: place.retired,
        address: place.address.to_string(),
        outcome: outcome.to_owned(),
        status: called.verdict.status().map(|status| status.as_u16()),
        why,
        at: called.at.to_rfc3339(),
        open_since: called.open.map(|open| open.since.to_rfc3339()),
    }
}
