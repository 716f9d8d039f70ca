//! Who called, as far as a log says: the users and keys that it names and, where it names none, the sources.

use super::call::Call;
use ahash::AHashMap;
use http::Method;
use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Arc,
};
use wardgate_gate::recorded;
use wardgate_model::{
    facts::Caller,
    id::{IdentityId, OwnerName},
    inventory::Identity,
    proof::ProofFacts,
};

/// Callers that are told apart; whoever comes later is one of the others.
pub(super) const CALLERS_MAX: usize = 200_000;
/// Bytes of a caller's name that are kept.
const NAME_BYTES_MAX: usize = 256;
/// Who owns callers that are on nobody's record.
pub(super) const OWNER: &str = "replay.recorded";

/// What a caller is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Known {
    /// An identity that is on record.
    Record,
    /// A name that the log has.
    User,
    /// The id of a key.
    Key,
    /// Where it comes from.
    Source,
    /// All that came when there was no room any more.
    Others,
}

impl Known {
    /// The word for it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::User => "user",
            Self::Key => "key",
            Self::Source => "source",
            Self::Others => "others",
        }
    }
}

/// Somebody who called.
#[derive(Debug)]
pub(super) struct Who {
    pub(super) known: Known,
    /// As the log has it, cut.
    pub(super) name: Box<str>,
    pub(super) caller: Caller,
}

/// Who is on record, by name, and what a proof of theirs would be.
pub(super) type OnRecord = AHashMap<Box<str>, (Arc<Identity>, ProofFacts)>;

/// Everybody who called, in the order in which they came first.
#[derive(Debug)]
pub(super) struct Callers {
    all: Vec<Who>,
    by_name: [AHashMap<Box<str>, u32>; 3],
    on_record: OnRecord,
    max: usize,
}

/// The one that all others are.
const OTHERS: u32 = 0;

impl Callers {
    pub(super) fn new(on_record: OnRecord, max: usize) -> Self {
        let others = Who { known: Known::Others, name: "others".into(), caller: recorded::caller(identity("others"), ProofFacts::NONE) };
        Self { all: vec![others], by_name: Default::default(), on_record, max }
    }

    /// The place of whoever was proven to call; who was not is known by where it comes from.
    pub(super) fn proven(&mut self, caller: Option<&Caller>, source: IpAddr) -> u32 {
        let proven = caller.filter(|caller| !Identity::is_built_in(caller.identity.id.as_str()));
        let (known, at, name) = match proven {
            Some(caller) => (Known::Record, 0, caller.identity.id.as_str().to_owned()),
            None => (Known::Source, 2, source.to_string()),
        };
        let Some(by_name) = self.by_name.get_mut(at) else { return OTHERS };
        if let Some(place) = by_name.get(&*name) {
            return *place;
        }
        if self.all.len() > self.max {
            return OTHERS;
        }
        let caller = caller.cloned().unwrap_or_else(|| recorded::caller(identity(&name), ProofFacts::NONE));
        let place = u32::try_from(self.all.len()).unwrap_or(OTHERS);
        by_name.insert(name.as_str().into(), place);
        self.all.push(Who { known, name: name.into(), caller });
        place
    }

    /// The place of whoever made a call. In a second run everybody has the place of the first.
    pub(super) fn place(&mut self, call: &Call<'_>) -> u32 {
        let (known, at, name) = match (&call.user, &call.key) {
            (Some(user), _) => (Known::User, 0, &**user),
            (None, Some(key)) => (Known::Key, 1, &**key),
            (None, None) => (Known::Source, 2, &*call.source),
        };
        let Some(by_name) = self.by_name.get_mut(at) else { return OTHERS };
        if let Some(place) = by_name.get(name) {
            return *place;
        }
        if self.all.len() > self.max {
            return OTHERS;
        }
        let shown = cut(name);
        let who = match self.on_record.get(name).filter(|_| known == Known::User) {
            Some((identity, proof)) => {
                Who { known: Known::Record, name: shown.into(), caller: recorded::caller(Arc::clone(identity), *proof) }
            }
            None => {
                let identity = identity(&format!("{}:{}", known.as_str(), if name.is_empty() { "unknown" } else { name }));
                let name = if name.is_empty() { "unknown" } else { shown };
                Who { known, name: name.into(), caller: recorded::caller(identity, ProofFacts::NONE) }
            }
        };
        let place = u32::try_from(self.all.len()).unwrap_or(OTHERS);
        by_name.insert(name.into(), place);
        self.all.push(who);
        place
    }

    pub(super) fn get(&self, place: u32) -> Option<&Who> {
        self.all.get(usize::try_from(place).ok()?)
    }
}

/// An identity that is on nobody's record, named after whom the log has.
fn identity(name: &str) -> Arc<Identity> {
    let purpose = "what a log of others calls so".into();
    Arc::new(Identity { id: id(name), owner: OwnerName::literal(OWNER), purpose, ..Identity::anonymous() })
}

/// A name in the grammar of identities. What had to be changed for it has a hash behind, so that no two become one.
fn id(name: &str) -> IdentityId {
    const BYTES_MAX: usize = 100;
    if let Ok(id) = IdentityId::parse(name)
        && !Identity::is_built_in(name)
    {
        return id;
    }
    let fits = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-') { c.to_ascii_lowercase() } else { '.' };
    let mut plain: String = name.chars().take(BYTES_MAX).map(fits).collect();
    plain.push_str(&format!("-{:016x}", hash(name.as_bytes())));
    IdentityId::parse(&plain).unwrap_or_else(|_| IdentityId::literal("others"))
}

fn cut(name: &str) -> &str {
    let end = (0..=name.len().min(NAME_BYTES_MAX)).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    name.get(..end).unwrap_or_default()
}

/// FNV-1a: the same wherever and whenever it is made.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
}

/// The address of a source. Where the log has a name in its place, one out of the network that goes nowhere (100::/64, RFC 6666) stands for
/// it, the same for the same name.
pub(super) fn address(source: &str) -> IpAddr {
    let bare = || source.strip_prefix('[')?.split(']').next()?.parse().ok();
    let with_port = || source.parse::<SocketAddr>().ok().map(|address| address.ip());
    source
        .parse()
        .ok()
        .or_else(with_port)
        .or_else(bare)
        .unwrap_or_else(|| IpAddr::V6(Ipv6Addr::from((0x0100_u128 << 112) | u128::from(hash(source.as_bytes())))))
}

/// A host as the judge knows hosts: in small letters, without a port.
pub(super) fn host(text: &str) -> String {
    let bare = match text.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) && !host.contains(':') => host,
        _ => text,
    };
    bare.trim_end_matches('.').to_ascii_lowercase()
}

/// A method that everybody knows, or one of its own.
pub(super) fn method(text: &str) -> Method {
    Method::from_bytes(text.as_bytes()).unwrap_or(Method::TRACE)
}

#[cfg(test)]
mod tests {
    use super::{Callers, Known, OnRecord, address, host, id};
    use crate::traffic::call::Call;
    use proptest::prelude::*;
    use wardgate_model::time::Time;

    fn call<'t>(user: Option<&'t str>, key: Option<&'t str>, source: &'t str) -> Call<'t> {
        let mut call = Call::new(Time::default(), "GET", "/");
        (call.user, call.key, call.source) = (user.map(Into::into), key.map(Into::into), source.into());
        call
    }

    #[test]
    fn callers_are_users_then_keys_then_sources_and_no_more_than_there_is_room_for() {
        let mut callers = Callers::new(OnRecord::default(), 4);
        let mut place = |user, key, source| {
            let place = callers.place(&call(user, key, source));
            let who = callers.get(place).unwrap();
            format!("{} {} {}", who.known.as_str(), who.name, who.caller.identity.id)
        };
        assert_eq!(place(Some("ada"), Some("K1"), "192.0.2.7"), "user ada user:ada");
        assert_eq!(place(Some("Ada"), None, "192.0.2.7"), "user Ada user:ada-a92f7e21a03dff24");
        assert_eq!(place(None, Some("K1"), "192.0.2.7"), "key K1 key:k1-cde10635336f766e");
        assert_eq!(place(None, None, "192.0.2.7"), "source 192.0.2.7 source:192.0.2.7");
        assert_eq!(place(None, None, ""), "others others others");
        assert_eq!(place(None, None, "192.0.2.7"), "source 192.0.2.7 source:192.0.2.7");
        assert_eq!(callers.all.len(), 5);
        assert_eq!(callers.get(0).map(|who| who.known), Some(Known::Others));
    }

    #[test]
    fn what_is_no_address_has_one_that_goes_nowhere() {
        assert_eq!(address("192.0.2.7").to_string(), "192.0.2.7");
        assert_eq!(address("192.0.2.7:443").to_string(), "192.0.2.7");
        assert_eq!(address("[2001:db8::1]:443").to_string(), "2001:db8::1");
        assert_eq!(address("config.amazonaws.com"), address("config.amazonaws.com"));
        assert!(address("211.9.016.253").to_string().starts_with("100::"));
        assert_eq!((host("Shop.Example:8443").as_str(), host("[2001:db8::1]").as_str()), ("shop.example", "[2001:db8::1]"));
    }

    proptest! {
        #[test]
        fn every_name_becomes_an_identity_of_its_own(names in proptest::collection::btree_set(".{0,300}", 1..20)) {
            let ids: std::collections::BTreeSet<_> = names.iter().map(|name| id(&format!("user:{name}"))).collect();
            prop_assert_eq!(ids.len(), names.len());
        }
    }
}
