//! What came of calls, and what of it is still open: pure.

use super::{
    Settings,
    call::CallFault,
    known::Retired,
    plan::{Wanted, addresses, wanted},
};
use http::StatusCode;
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};
use wardgate_model::{
    api::{Api, UpstreamUrl},
    id::ApiName,
    time::Time,
};

/// Calls of one API that are remembered, besides those that are open.
const CALLS_MAX: usize = 512;

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Whoever shows nothing gets nothing.
    Refused(Option<StatusCode>),
    /// It answers whoever reaches it.
    Answered(StatusCode),
    /// It cannot be told: nobody there, overloaded, behind something that is.
    Unclear(Option<StatusCode>, Box<str>),
}

impl Verdict {
    /// Judges an answer. What an API has no longer may also be unknown to its upstream.
    pub(super) fn of(retired: bool, answer: &Result<StatusCode, CallFault>) -> Self {
        let status = match answer {
            Ok(status) => *status,
            Err(CallFault::Certificate) => return Self::Refused(None),
            Err(fault) => return Self::Unclear(None, fault.to_string().into()),
        };
        match status.as_u16() {
            401 | 403 => Self::Refused(Some(status)),
            404 | 405 | 410 if retired => Self::Refused(Some(status)),
            // A gateway before it, or a limit, spoke for it: whether it would have asked who calls was not seen.
            408 | 429 | 502..=504 => Self::Unclear(Some(status), "what answered may not be the upstream itself".into()),
            _ => Self::Answered(status),
        }
    }

    pub(super) const fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Answered(status) => Some(*status),
            Self::Refused(status) | Self::Unclear(status, _) => *status,
        }
    }
}

/// One operation at one address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) retired: bool,
    pub(super) operation: Arc<str>,
    pub(super) address: Box<str>,
}

/// It answers, until it is seen to refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) since: Time,
    pub(super) last: Time,
    pub(super) status: StatusCode,
}

/// The last call of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Called {
    pub(super) verdict: Verdict,
    pub(super) at: Time,
    pub(super) open: Option<Open>,
}

/// One API.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) calls: BTreeMap<Place, Called>,
    /// With which operation the next round begins, by address.
    next: BTreeMap<Box<str>, usize>,
}

/// All APIs.
#[derive(Debug, Default)]
pub(super) struct Seen(BTreeMap<ApiName, Looked>);

/// How what is open of an API became different by a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Now there is something.
    Opened,
    /// Now there is nothing any more.
    Closed,
}

impl Looked {
    /// Whether anything is open of what the API has, or of what it has no longer.
    pub(super) fn is_open(&self, retired: bool) -> bool {
        self.calls.iter().any(|(place, called)| place.retired == retired && called.open.is_some())
    }

    /// What is open at an address.
    pub(super) fn open_at(&self, address: &str) -> HashSet<(Arc<str>, bool)> {
        let open = self.calls.iter().filter(|(place, called)| *place.address == *address && called.open.is_some());
        open.map(|(place, _)| (Arc::clone(&place.operation), place.retired)).collect()
    }

    fn forget(&mut self) {
        while self.calls.len() > CALLS_MAX {
            let closed = self.calls.iter().filter(|(_, called)| called.open.is_none());
            let Some(oldest) = closed.min_by_key(|(_, called)| called.at).map(|(place, _)| place.clone()) else { return };
            self.calls.remove(&oldest);
        }
    }
}

impl Seen {
    /// Notes a call.
    pub(super) fn note(&mut self, api: &ApiName, place: Place, verdict: Verdict, now: Time) -> Option<Turn> {
        let looked = self.0.entry(api.clone()).or_default();
        let (retired, before) = (place.retired, looked.is_open(place.retired));
        let known = looked.calls.get(&place).and_then(|called| called.open);
        let open = match &verdict {
            Verdict::Refused(_) => None,
            Verdict::Answered(status) => Some(Open { since: known.map_or(now, |open| open.since), last: now, status: *status }),
            // It is closed by a refusal and by nothing else.
            Verdict::Unclear(..) => known,
        };
        looked.calls.insert(place, Called { verdict, at: now, open });
        looked.forget();
        match (before, looked.is_open(retired)) {
            (false, true) => Some(Turn::Opened),
            (true, false) => Some(Turn::Closed),
            _ => None,
        }
    }

    /// What was seen of an API.
    pub(super) fn of(&self, api: &ApiName) -> Option<&Looked> {
        self.0.get(api)
    }

    /// Everything that is open.
    pub(super) fn open(&self) -> impl Iterator<Item = (&ApiName, &Place, Open)> {
        let all = self.0.iter().flat_map(|(api, looked)| looked.calls.iter().map(move |(place, called)| (api, place, called)));
        all.filter_map(|(api, place, called)| Some((api, place, called.open?)))
    }

    /// With which operation a round begins at an address, and where the one after it will.
    pub(super) fn turn(&mut self, api: &ApiName, address: &str, choose: impl FnOnce(usize) -> usize) {
        let next = self.0.entry(api.clone()).or_default().next.entry(address.into()).or_default();
        *next = choose(*next);
    }

    /// Forgets what is no operation, address or API any more.
    pub(super) fn keep(&mut self, apis: &[Arc<Api>], retired: impl Fn(&ApiName) -> Vec<Retired>, settings: &Settings) {
        self.0.retain(|name, looked| {
            let Some(api) = apis.iter().find(|api| api.name == *name) else { return false };
            let wanted = wanted(api, &retired(name), settings).unwrap_or_default();
            let operations: HashSet<(&str, bool)> =
                wanted.iter().map(|Wanted { operation, retired, .. }| (&**operation, *retired)).collect();
            let addresses: HashSet<Box<str>> = addresses(api).iter().map(address).collect();
            looked.calls.retain(|place, _| operations.contains(&(&*place.operation, place.retired)) && addresses.contains(&place.address));
            looked.next.retain(|address, _| addresses.contains(address));
            true
        });
    }
}

/// An address, as configured.
pub(super) fn address(url: &UpstreamUrl) -> Box<str> {
    url.to_string().into()
}

#[cfg(test)]
mod tests;
