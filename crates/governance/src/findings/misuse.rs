//! Credentials that were shown after their end, and proofs that were shown twice. Each was genuine, so whoever showed it holds it or
//! looked on: it was refused, and somebody should know.

use super::{Code, Collected, Finding, Governed, Severity, Subject};
use std::{collections::HashMap, net::IpAddr};
use wardgate_model::{id::CredentialId, time::Time};

/// From so many networks on it worries more: a client that was not told of the end is at one place or two.
const MANY_NETWORKS: usize = 3;

/// What was wrong with what was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Misuse {
    /// It had been revoked, or is contained.
    Revoked,
    /// It had ended by itself.
    Expired,
    /// The very proof had been taken before.
    Replayed,
}

impl Misuse {
    const fn code(self) -> Code {
        match self {
            Self::Revoked | Self::Expired => Code::CredentialUsedAfterEnd,
            Self::Replayed => Code::CredentialReplayed,
        }
    }

    const fn says(self) -> &'static str {
        match self {
            Self::Revoked => "after it was revoked or contained",
            Self::Expired => "after it had ended",
            Self::Replayed => "with a proof that was taken before",
        }
    }

    /// A client that nobody told of the end is no attack; many networks of it are.
    const fn severity(self, networks: usize) -> Severity {
        match self {
            _ if networks >= MANY_NETWORKS => Severity::High,
            Self::Expired => Severity::Low,
            Self::Revoked | Self::Replayed => Severity::Medium,
        }
    }
}

/// What was seen of one credential in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misused<'a> {
    /// Which.
    pub credential: &'a CredentialId,
    /// How.
    pub misuse: Misuse,
    /// The first request.
    pub first: Time,
    /// The last.
    pub last: Time,
    /// How many.
    pub count: u64,
    /// From how many networks; more than were told apart count as that many.
    pub networks: usize,
    /// From where the last came.
    pub from: IpAddr,
}

/// By credential.
pub(super) fn index<'a>(misused: &'a [Misused<'a>]) -> HashMap<&'a CredentialId, Vec<&'a Misused<'a>>> {
    let mut index: HashMap<&CredentialId, Vec<&Misused<'_>>> = HashMap::new();
    for one in misused {
        index.entry(one.credential).or_default().push(one);
    }
    index
}

/// Those of one identity.
pub(super) fn misuse(governed: &Governed<'_>, index: &HashMap<&CredentialId, Vec<&Misused<'_>>>, found: &mut Collected) {
    let seen = governed.credentials.iter().filter_map(|credential| Some((credential, index.get(&credential.id)?)));
    for (credential, ways) in seen {
        for one in ways {
            let code = one.misuse.code();
            let times = if one.count == 1 { "1 request".to_owned() } else { format!("{} requests", one.count) };
            let networks = if one.networks == 1 { "one network".to_owned() } else { format!("{} networks", one.networks) };
            found.push(Finding {
                code,
                subject: Subject { kind: "credential", name: credential.id.as_str().into() },
                owner: Some(governed.identity.owner.clone()),
                severity: one.misuse.severity(one.networks),
                since: Some(one.first),
                evidence: format!(
                    "`{}` of `{}`: {times} {} from {networks}, the last from {} at {}; all were refused",
                    credential.name,
                    governed.identity.id,
                    one.misuse.says(),
                    one.from,
                    one.last
                ),
                remedy: code.remedy(),
                owasp: code.owasp(),
                exempt: false,
            });
        }
    }
}
