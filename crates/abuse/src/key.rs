//! What a meter is of: which limit, which measure, whose. Stored keys own their names; look-ups borrow them.

use std::{
    fmt,
    hash::{Hash, Hasher},
    net::IpAddr,
    sync::Arc,
};
use wardgate_model::{
    id::LimitName,
    limit::{Per, Window},
};

/// What a meter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Counted {
    /// Rate and concurrency: forgotten when the process ends.
    Flow,
    /// Requests in a calendar window.
    Quota(Window),
    /// Bytes of bodies in a calendar window.
    Bytes(Window),
}

/// A network that counts as one source: an IPv4 address, or an IPv6 /64 (one customer's line holds that many addresses).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceNet {
    /// One address.
    V4([u8; 4]),
    /// The first 64 bits of an address.
    V6([u8; 8]),
}

impl SourceNet {
    /// The network of an address. IPv4-mapped IPv6 is IPv4 (RFC 4291 §2.5.5.2).
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::V4(v4.octets()),
            IpAddr::V6(v6) => {
                let [a, b, c, d, e, f, g, h, ..] = v6.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
        }
    }
}

/// Whose meter it is, within its [`Per`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SubjectName {
    /// The name or id of an identity, credential, operation, API or owner; under a limit per person the identity whose newcomers
    /// share a meter, because there are too many.
    Text(Arc<str>),
    /// A person on whose behalf an identity calls.
    Person {
        /// The identity.
        client: Arc<str>,
        /// Keyed hash of the person.
        person: Arc<str>,
    },
    /// A person's session in the people's lane: its keyed hash.
    Session(Arc<str>),
    /// A source; also anonymous callers under a limit per identity, credential or owner.
    Net(SourceNet),
    /// Everybody who came when there was no room for another meter.
    Overflow,
}

/// Whose meter it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// What the limit has a meter for.
    pub per: Per,
    /// Which of them.
    pub name: SubjectName,
}

/// The key of a meter. Two keys are equal only if all of it is: hashes never decide.
#[derive(Clone, PartialEq, Eq)]
pub struct MeterKey {
    hash: u64,
    limit: LimitName,
    counted: Counted,
    subject: Subject,
}

/// A key that borrows what it names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyRef<'a> {
    pub(crate) limit: &'a LimitName,
    /// [`name_hash`] of the limit, made once when limits are compiled.
    pub(crate) hash: u64,
    pub(crate) counted: Counted,
    pub(crate) subject: SubjectRef<'a>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct SubjectRef<'a> {
    pub(crate) per: Per,
    pub(crate) name: NameRef<'a>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum NameRef<'a> {
    Text(&'a str),
    Person {
        client: &'a str,
        person: &'a str,
    },
    Session {
        session: &'a str,
        /// Where it comes from. No part of the key.
        source: Option<SourceNet>,
    },
    Net(SourceNet),
    Overflow,
}

/// FNV-1a of a limit's name: spares hashing the name in each request. Names come from the operator, so nobody can choose collisions.
pub(crate) fn name_hash(limit: &LimitName) -> u64 {
    limit.as_str().bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Counted {
    const fn ordinal(self) -> u64 {
        match self {
            Self::Flow => 0,
            Self::Quota(window) => 1 + window as u64,
            Self::Bytes(window) => 9 + window as u64,
        }
    }
}

impl KeyRef<'_> {
    pub(crate) fn to_owned(self) -> MeterKey {
        let name = match self.subject.name {
            NameRef::Text(text) => SubjectName::Text(text.into()),
            NameRef::Person { client, person } => SubjectName::Person { client: client.into(), person: person.into() },
            NameRef::Session { session, .. } => SubjectName::Session(session.into()),
            NameRef::Net(net) => SubjectName::Net(net),
            NameRef::Overflow => SubjectName::Overflow,
        };
        MeterKey { hash: self.hash, limit: self.limit.clone(), counted: self.counted, subject: Subject { per: self.subject.per, name } }
    }

    /// Whose meter it shares when there is no room for its own. Anybody can make up sessions, and a client people: what one source
    /// or client makes up leaves less room for others, and takes nothing of what they share.
    pub(crate) const fn overflow(self) -> Self {
        let name = match self.subject.name {
            NameRef::Person { client, .. } => NameRef::Text(client),
            NameRef::Session { source: Some(source), .. } => NameRef::Net(source),
            NameRef::Session { source: None, .. } | NameRef::Text(_) | NameRef::Net(_) | NameRef::Overflow => NameRef::Overflow,
        };
        Self { subject: SubjectRef { per: self.subject.per, name }, ..self }
    }
}

impl MeterKey {
    /// Composes a key.
    #[must_use]
    pub fn new(limit: LimitName, counted: Counted, subject: Subject) -> Self {
        Self { hash: name_hash(&limit), limit, counted, subject }
    }

    /// Of which limit.
    #[must_use]
    pub const fn limit(&self) -> &LimitName {
        &self.limit
    }

    /// Of what.
    #[must_use]
    pub const fn counted(&self) -> Counted {
        self.counted
    }

    /// Whose.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    pub(crate) fn borrow(&self) -> KeyRef<'_> {
        let name = match &self.subject.name {
            SubjectName::Text(text) => NameRef::Text(text),
            SubjectName::Person { client, person } => NameRef::Person { client, person },
            SubjectName::Session(session) => NameRef::Session { session, source: None },
            SubjectName::Net(net) => NameRef::Net(*net),
            SubjectName::Overflow => NameRef::Overflow,
        };
        let subject = SubjectRef { per: self.subject.per, name };
        KeyRef { limit: &self.limit, hash: self.hash, counted: self.counted, subject }
    }
}

// INVARIANT (one hash): owned and borrowed keys hash alike, because both hash here.
impl Hash for KeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash.wrapping_add((self.counted.ordinal() << 8) | self.subject.per as u64));
        match self.subject.name {
            NameRef::Text(text) => state.write(text.as_bytes()),
            NameRef::Person { client, person } => {
                state.write(client.as_bytes());
                state.write_u8(0);
                state.write(person.as_bytes());
            }
            NameRef::Session { session, .. } => state.write(session.as_bytes()),
            NameRef::Net(SourceNet::V4(octets)) => state.write_u32(u32::from_ne_bytes(octets)),
            NameRef::Net(SourceNet::V6(octets)) => state.write_u64(u64::from_ne_bytes(octets)),
            NameRef::Overflow => state.write_u8(0xFF),
        }
    }
}

impl Hash for MeterKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.borrow().hash(state);
    }
}

impl papaya::Equivalent<MeterKey> for KeyRef<'_> {
    fn equivalent(&self, key: &MeterKey) -> bool {
        let same_subject = match (&self.subject.name, &key.subject.name) {
            (NameRef::Text(ours), SubjectName::Text(theirs)) => **ours == **theirs,
            (NameRef::Person { client, person }, SubjectName::Person { client: their, person: theirs }) => {
                **client == **their && **person == **theirs
            }
            (NameRef::Session { session, .. }, SubjectName::Session(theirs)) => **session == **theirs,
            (NameRef::Net(ours), SubjectName::Net(theirs)) => ours == theirs,
            (NameRef::Overflow, SubjectName::Overflow) => true,
            (NameRef::Text(_) | NameRef::Person { .. } | NameRef::Session { .. } | NameRef::Net(_) | NameRef::Overflow, _) => false,
        };
        same_subject && self.subject.per == key.subject.per && self.counted == key.counted && *self.limit == key.limit
    }
}

impl fmt::Display for SourceNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(octets) => write!(f, "{}", std::net::Ipv4Addr::from(*octets)),
            Self::V6([a, b, c, d, e, g, h, i]) => {
                write!(f, "{}/64", std::net::Ipv6Addr::from([*a, *b, *c, *d, *e, *g, *h, *i, 0, 0, 0, 0, 0, 0, 0, 0]))
            }
        }
    }
}

impl fmt::Display for MeterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, window) = match self.counted {
            Counted::Flow => ("flow", None),
            Counted::Quota(window) => ("quota", Some(window)),
            Counted::Bytes(window) => ("bytes", Some(window)),
        };
        write!(f, "{} {word}", self.limit)?;
        if let Some(window) = window {
            write!(f, "/{window}")?;
        }
        write!(f, " {} ", self.subject.per)?;
        match &self.subject.name {
            SubjectName::Text(text) => f.write_str(text),
            SubjectName::Person { client, person } => write!(f, "{person} of {client}"),
            SubjectName::Session(session) => write!(f, "session {session}"),
            SubjectName::Net(net) => write!(f, "{net}"),
            SubjectName::Overflow => f.write_str("(overflow)"),
        }
    }
}

impl fmt::Debug for MeterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MeterKey({self})")
    }
}
