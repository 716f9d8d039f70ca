//! What the watch sees of a request: numbers in the place of names.

use super::hash::{HashKey, Of, short};
use std::net::IpAddr;
use wardgate_model::{api::OperationClass, facts::Facts, time::Time};

/// What a request counts up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    /// Of what: an operation, for whom.
    pub(super) of: u32,
    pub(super) at: u32,
}

/// What is seen of a request, in numbers: made when it is assessed, and good as long as its facts are.
#[derive(Debug, Clone, Copy)]
pub struct Sight {
    /// Its place: the zone that it comes from, else the network of its address.
    pub(super) place: u32,
    /// Whether that is a zone of its environment: a place of our own.
    pub(super) at_home: bool,
    /// The network of its address, whatever the zone.
    pub(super) network: u32,
    /// Its software, by its TLS fingerprint, else by its user agent without the version.
    pub(super) software: u32,
    pub(super) operation: u32,
    pub(super) api: u32,
    pub(super) class: OperationClass,
    /// What is counted up: a thing's number or a page's, and of what.
    pub(super) counted: Option<Counted>,
    /// Seconds, minutes and hours since the epoch.
    pub(super) second: u32,
    pub(super) minute: u32,
    pub(super) hour: u32,
}

impl Sight {
    /// Sees a request; `None` where it is not known what it calls.
    pub(super) fn of(facts: &Facts, key: HashKey, now: Time) -> Option<Self> {
        let (api, operation) = (facts.api.as_deref()?, facts.operation.as_deref()?);
        // What is called is always the same few: an operation, and the one API that it is of.
        let make = || [key.of(Of::Operation, operation.id.as_str().as_bytes()), key.of(Of::Api, api.name.as_str().as_bytes())];
        let [its_operation, its_api] = operation.id.numbered().by(key.0, make);
        let network = network(facts.source.address, key);
        let place = facts.source.zone.as_ref().map_or(network, |zone| key.short(Of::Zone, zone.as_str().as_bytes()));
        let software = match (facts.source.tls.as_deref(), facts.source.user_agent.as_deref()) {
            (Some(tls), _) => key.short(Of::Hello, tls.as_bytes()),
            (None, Some(agent)) => key.short(Of::UserAgent, product(agent).as_bytes()),
            (None, None) => 1,
        };
        // Whose things they are: those of each person that a caller calls for are counted apart (AN9).
        let person = facts.caller.as_ref().and_then(|caller| caller.on_behalf_of.as_deref());
        let of = || short(person.map_or(its_operation, |person| key.within(its_operation, person.as_bytes())));
        let counted = number(facts).map(|at| Counted { of: of(), at });
        let sight = Self {
            place,
            at_home: at_home(facts),
            network,
            software,
            operation: short(its_operation),
            api: short(its_api),
            class: operation.class,
            counted,
            second: 0,
            minute: 0,
            hour: 0,
        };
        Some(sight.at(now))
    }

    /// The same request at another time, as when it is over.
    #[must_use]
    pub fn at(self, now: Time) -> Self {
        let minute = u32::try_from(now.as_seconds().div_euclid(60)).unwrap_or(0);
        Self { second: seconds(now), minute, hour: minute / 60, ..self }
    }
}

/// Whether a request comes from a zone of its caller's environment. Whoever has taken a foothold elsewhere, on a staging host or a runner, is
/// not at home for that it has also taken a credential of production. Of whom nobody knows where it is registered, any place of ours is home.
pub(super) fn at_home(facts: &Facts) -> bool {
    let Some(zone) = &facts.source.zone else { return false };
    match &facts.caller {
        Some(caller) => zone.is_home_of(&caller.identity.environment),
        None => zone.environment.is_some(),
    }
}

/// Seconds since the epoch, from nothing to as many as there is room for.
pub(super) fn seconds(now: Time) -> u32 {
    u32::try_from(now.as_seconds().max(0)).unwrap_or(u32::MAX)
}

/// The network of an address: 24 bits of version 4, 48 of version 6.
fn network(address: IpAddr, key: HashKey) -> u32 {
    match address {
        IpAddr::V4(v4) => key.short(Of::Network, v4.octets().get(..3).unwrap_or_default()),
        IpAddr::V6(v6) => key.short(Of::Network, v6.octets().get(..6).unwrap_or_default()),
    }
}

/// A user agent without its versions: what stands before the first `/` or digit.
fn product(agent: &str) -> &str {
    let end = agent.bytes().position(|byte| byte == b'/' || byte.is_ascii_digit()).unwrap_or(agent.len());
    agent.get(..end).unwrap_or(agent)
}

/// Query parameters that lead through a list.
const PAGES: [&str; 6] = ["page", "offset", "start", "skip", "from", "p"];

/// The number that a request names: at the end of its resource or path, else that of a page.
fn number(facts: &Facts) -> Option<u32> {
    let last = facts.resource.as_deref().or_else(|| facts.request.path.rsplit('/').next());
    let in_path = last.and_then(trailing);
    in_path.or_else(|| {
        let query = facts.request.query.as_deref()?;
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(name, _)| PAGES.contains(name)).find_map(|(_, value)| trailing(value))
    })
}

/// The digits at the end of a text, at most nine of them; `None`: there are none.
fn trailing(text: &str) -> Option<u32> {
    let digits = text.bytes().rev().map_while(|byte| byte.is_ascii_digit().then(|| u32::from(byte - b'0')));
    let (number, scale) = digits.take(9).fold((0, 1), |(number, scale), digit| (number + digit * scale, scale * 10));
    (scale > 1).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::{product, trailing};

    #[test]
    fn versions_are_no_other_software() {
        assert_eq!(product("python-requests/2.31"), product("python-requests/2.32 (linux)"));
        assert_ne!(product("curl/8"), product("axios/1"));
    }

    #[test]
    fn numbers_stand_at_the_end() {
        assert_eq!(trailing("order-0042"), Some(42));
        assert_eq!(trailing("42"), Some(42));
        assert_eq!(trailing("a1b"), None);
        assert_eq!(trailing("12345678901"), Some(345_678_901));
    }
}
