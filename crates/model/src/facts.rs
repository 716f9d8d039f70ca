//! Facts: all that is known about a request before it is judged. The judge reads nothing else of the request, events
//! carry them, and so any ruling can be replayed.

use crate::{
    api::{Api, Operation},
    atlas::{AsNumber, Atlas, Country, Listing},
    credential::{Credential, CredentialKind, KeyedHash},
    id::{CredentialId, IdentityId, PurposeName, RequestId, TaskId, TrustName, ZoneName},
    inventory::{Environment, Identity, words},
    proof::{HeldKey, ProofFacts},
    reason::Reason,
    risk::Assessment,
    time::Time,
};
use http::Method;
use smallvec::SmallVec;
use std::{net::IpAddr, sync::Arc};

words! {
    /// Through which kind of door a request came.
    Door {
        /// A listener for clients.
        Public = "public",
        /// The admin listener.
        Admin = "admin",
        /// A description given to `explain`, no connection.
        Described = "described",
    }
}

words! {
    /// On what a purpose rests.
    Basis {
        /// The client said so.
        Declared = "declared",
        /// The grant says so.
        Registered = "registered",
        /// The task says so.
        Task = "task",
    }
}

words! {
    /// On behalf of what a request comes: each lane has limits of its own and is counted apart.
    Lane {
        /// A machine that proved who it is.
        Machine = "machine",
        /// A person's session, which only the upstream can tell from a forged one.
        People = "people",
        /// Nobody: neither proof nor session.
        Anonymous = "anonymous",
    }
}

/// Why a request is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purpose {
    /// The registered purpose.
    pub value: PurposeName,
    /// On what it rests.
    pub basis: Basis,
}

/// W3C Trace Context, as carried on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// The trace id; never zero.
    pub id: u128,
    /// The span that is ours.
    pub span: u64,
    /// Trace flags as received.
    pub flags: u8,
}

/// What the request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFacts {
    /// Method.
    pub method: Method,
    /// Host in lower case, without a port; empty where a door knows none.
    pub host: Box<str>,
    /// The canonical path: the bytes that are authorised are the bytes that are forwarded.
    pub path: Box<str>,
    /// The query as received, without `?`.
    pub query: Option<Box<str>>,
    /// Media type of the body, as declared.
    pub content_type: Option<Box<str>>,
    /// Length of the body, where it was declared.
    pub length: Option<u64>,
    /// What tells a retry from another call: method, target and `Idempotency-Key`, hashed, where there is one. Never recorded.
    pub retry: Option<[u8; 32]>,
    /// What is looked at in room 9 beside. Never recorded.
    pub content: ContentFacts,
}

/// What a request says of its content, as far as its inspection wants to know it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContentFacts {
    /// The content codings of its body, as declared.
    pub codings: Option<Box<str>>,
    /// The fields that parameters of its operation stand in, in their order.
    pub fields: Box<[Option<Box<str>>]>,
    /// Whether a body follows its head. One whose length is not declared may turn out to be empty.
    pub follows: bool,
    /// Why its inspection refused it when it was judged first: a replay has no body to look at, and refuses it for the same.
    pub refused: Option<Reason>,
}

/// A zone that requests come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceZone {
    /// Its name.
    pub name: ZoneName,
    /// The environment that lives there.
    pub environment: Option<Arc<Environment>>,
}

impl SourceZone {
    /// Its name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.name.as_str()
    }

    /// Whether who is registered in this environment is at home there: it lives there, or one of the two is shared, which every other calls.
    #[must_use]
    pub fn is_home_of(&self, environment: &Environment) -> bool {
        let home = |lives: &Arc<Environment>| lives.shared || environment.shared || lives.name == environment.name;
        self.environment.as_ref().is_some_and(home)
    }
}

impl From<ZoneName> for SourceZone {
    fn from(name: ZoneName) -> Self {
        Self { name, environment: None }
    }
}

/// Where the request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFacts {
    /// The peer's address (IPv4-mapped IPv6 as IPv4).
    pub address: IpAddr,
    /// The zone that it comes from: the one whose networks hold the address, else the one whose trust source vouches for the caller.
    pub zone: Option<SourceZone>,
    /// The declared user agent, cut to 256 bytes.
    pub user_agent: Option<Box<str>>,
    /// The fingerprint of its TLS software, as its first handshake message tells it; `None` without TLS, or behind a proxy.
    pub tls: Option<Arc<str>>,
    /// The country of the address, where a file of the operator's says so.
    pub country: Option<Country>,
    /// Whose network the address is in, where a file of the operator's says so.
    pub network: Option<AsNumber>,
    /// The lists of the operator's that the address is on; `None`: on none.
    pub listing: Option<Arc<Listing>>,
}

impl SourceFacts {
    /// This address, and nothing is known of it.
    #[must_use]
    pub const fn at(address: IpAddr) -> Self {
        Self { address, zone: None, user_agent: None, tls: None, country: None, network: None, listing: None }
    }

    /// Looks the address up.
    pub fn look_up(&mut self, atlas: &Atlas) {
        self.country = atlas.country(self.address);
        self.network = atlas.network(self.address);
        self.listing = atlas.listing(self.address).cloned();
    }
}

/// A verified token's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFacts {
    /// `jti`.
    pub id: Box<str>,
    /// `iss`.
    pub issuer: Box<str>,
    /// `aud`.
    pub audience: Box<[Box<str>]>,
    /// `scope`, split.
    pub scopes: Box<[Box<str>]>,
}

/// The proven caller: an identity, and by what it was proven.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who; `people` for a person's session, `anonymous` when nothing was shown.
    pub identity: Arc<Identity>,
    /// The credential on record that the proof belongs to.
    pub credential: Option<Arc<Credential>>,
    /// The proof.
    pub proof: ProofFacts,
    /// The token, when the proof is one.
    pub token: Option<Arc<TokenFacts>>,
    /// Keyed hash of the person on whose behalf the identity calls: whom the token names, in the people's lane whose session it is.
    pub on_behalf_of: Option<Box<str>>,
    /// The chain of actors, outermost first. Only the first counts for access (RFC 8693 §4.1).
    pub actors: SmallVec<[IdentityId; 1]>,
    /// The key whose possession it has shown beside: a token that is shown is bound to it, one that is given out will be.
    pub holds: Option<HeldKey>,
    /// By what those actors were proven, and what the token came of.
    pub delegation: Option<Arc<Delegation>>,
    /// The task this is part of.
    pub task: Option<TaskId>,
}

/// How a token came to whoever shows it: by which actors, upon which tokens (RFC 8693). It lives as long as all of them.
#[derive(Debug, Clone)]
pub struct Delegation {
    /// The actors, outermost first, as in [`Caller::actors`].
    pub actors: Box<[Acting]>,
    /// The `jti` of the tokens that it came of, nearest first.
    pub parents: Box<[Box<str>]>,
}

/// Who acts for somebody else, and by what it was proven.
#[derive(Debug, Clone)]
pub struct Acting {
    /// Who.
    pub identity: Arc<Identity>,
    /// The credential on record that its proof belongs to.
    pub credential: Arc<Credential>,
}

impl Caller {
    /// Who acts for it now: the outermost actor, and no other counts for access (RFC 8693 §4.1).
    #[must_use]
    pub fn acting(&self) -> Option<&Acting> {
        self.delegation.as_ref()?.actors.first()
    }

    /// What whoever shows the proof has on record: the outermost actor's credential, or its own.
    #[must_use]
    pub fn holder(&self) -> Option<&Arc<Credential>> {
        self.acting().map(|acting| &acting.credential).or(self.credential.as_ref())
    }

    /// Its lane.
    #[must_use]
    pub fn lane(&self) -> Lane {
        if self.identity.is_people() {
            Lane::People
        } else if self.identity.is_anonymous() {
            Lane::Anonymous
        } else {
            Lane::Machine
        }
    }
}

/// Why a request was stopped before it could be judged. The judge makes it the ruling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// Why.
    pub reason: Reason,
    /// Seconds after which another try can succeed, where that is known.
    pub retry_after_s: Option<u64>,
    /// At our token service: upon what a token was asked for, where that is what failed.
    pub upon: Option<Upon>,
    /// Whether what was shown was shown by the scheme `DPoP`: what is wrong with it is said in the challenge of that (RFC 9449 §7.1).
    pub by_possession: bool,
}

impl Stopped {
    /// For this reason, and nothing else is known.
    #[must_use]
    pub const fn because(reason: Reason) -> Self {
        Self { reason, retry_after_s: None, upon: None, by_possession: false }
    }
}

/// What a client of our token service proves itself by, where that is the very thing that it asks for a token upon: OAuth has errors of
/// its own for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upon {
    /// The tokens of a token exchange (RFC 8693 §2.1).
    Exchange,
    /// The assertion of grant `jwt-bearer` (RFC 7523 §2.1).
    Assertion,
}

/// Longest subject of a proof that is discovered, in bytes: it is a stranger's text.
pub const DISCOVERED_BYTES_MAX: usize = 512;

/// What an unknown caller showed that nobody on record stands behind.
#[derive(Debug, Clone)]
pub enum Unknown {
    /// A key: nothing of ours.
    Key {
        /// The id that a credential made of it would have.
        id: CredentialId,
        /// What such a credential would be compared with.
        hash: KeyedHash,
    },
    /// A genuine proof of a trust source.
    Subject {
        /// Who vouches for it.
        trust: TrustName,
        /// Whom it names.
        subject: Box<str>,
        /// What a credential that is bound to it would be.
        kind: CredentialKind,
    },
}

impl Unknown {
    /// A genuine proof whose subject can be told and bound as it stands: not too long, nothing but text in it, and no `*` at its
    /// end, which would stand for others too.
    #[must_use]
    pub fn subject(trust: &TrustName, subject: &str, kind: CredentialKind) -> Option<Self> {
        let fits = (1..=DISCOVERED_BYTES_MAX).contains(&subject.len()) && !subject.ends_with('*') && !subject.chars().any(char::is_control);
        fits.then(|| Self::Subject { trust: trust.clone(), subject: subject.into(), kind })
    }
}

/// All that is known about a request before it is judged.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The request's id.
    pub id: RequestId,
    /// When it arrived.
    pub time: Time,
    /// Through which kind of door.
    pub door: Door,
    /// Trace context.
    pub trace: Option<Trace>,
    /// What it asks for.
    pub request: RequestFacts,
    /// Where it comes from.
    pub source: SourceFacts,
    /// Which API.
    pub api: Option<Arc<Api>>,
    /// Which operation.
    pub operation: Option<Arc<Operation>>,
    /// The resource acted on, as named by the operation's path parameter.
    pub resource: Option<Box<str>>,
    /// Who calls, as far as it is known: with [`Facts::stopped`], a claim that failed later on.
    pub caller: Option<Caller>,
    /// What an unknown caller showed, so that it can be discovered. Never recorded.
    pub unknown: Option<Box<Unknown>>,
    /// Why.
    pub purpose: Option<Purpose>,
    /// Why it was stopped before it could be judged.
    pub stopped: Option<Stopped>,
    /// The risk that was found when it was judged first: a replay judges by it, and does not look for it again.
    pub assessed: Option<Box<Assessment>>,
}

impl Facts {
    /// The lane of the request; `None` while nobody is known to call.
    #[must_use]
    pub fn lane(&self) -> Option<Lane> {
        self.caller.as_ref().map(Caller::lane)
    }
}
