//! The one table of findings: code, usual severity, risk, way out.

use super::Severity;
use serde::{Serialize, Serializer};
use wardgate_model::risk::Signal;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, $severity:ident, $owasp:expr, $remedy:literal;)*) => {
        /// What a finding is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[$doc])* $variant,)*
            /// Requests far from what is usual: the signal that told most.
            Risk(Signal),
        }

        impl Code {
            /// Every code but those of risk, of which there is one a signal.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word for it, as scripts know it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* Self::Risk(signal) => signal.finding() }
            }

            /// How much it usually worries.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* Self::Risk(_) => Severity::Medium }
            }

            /// The risk of the OWASP Non-Human Identities Top 10 (2025).
            #[must_use]
            pub const fn owasp(self) -> Option<&'static str> {
                match self { $(Self::$variant => $owasp,)* Self::Risk(_) => None }
            }

            /// What to do.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* Self::Risk(signal) => signal.remedy() }
            }
        }
    };
}

impl Code {
    /// Whether whoever sees it puts it on record there and then: each upstream that lets others in is told of when it is called.
    #[must_use]
    pub const fn is_told_when_seen(self) -> bool {
        matches!(self, Self::UpstreamUnguarded | Self::UpstreamRetired)
    }

    /// Whether one process counts it, of the requests that it serves: that it is gone may only mean that the process is another.
    #[must_use]
    pub const fn is_counted(self) -> bool {
        matches!(self, Self::Risk(_) | Self::CredentialUsedAfterEnd | Self::CredentialReplayed)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

// NHI1 improper offboarding, NHI2 secret leakage, NHI3 vulnerable third-party NHI, NHI4 insecure authentication,
// NHI5 overprivileged NHI, NHI7 long-lived secrets, NHI9 NHI reuse.
codes! {
    /// An owner departed and still owns.
    OwnerDeparted = "owner.departed", High, Some("NHI1"), "transfer what it owns: `wardgate identity transfer`";
    /// An owner has not said for long that all is right.
    OwnerNotAttested = "owner.not_attested", Low, Some("NHI1"), "have the owner look through what it owns and attest: `wardgate owner attest`";
    /// An owner has no deputy.
    OwnerNoDeputy = "owner.no_deputy", Low, Some("NHI1"), "name a `deputy`";
    /// An identity's owner is not on record.
    OwnerAbsent = "identity.owner_absent", High, Some("NHI1"), "give the identity an owner who is on record";
    /// One of the accountabilities of an API's paths is nobody's, or of somebody who departed.
    PathUnaccountable = "path.unaccountable", Medium, Some("NHI1"), "name `policy_owner` and `business_owner` of the API: owners who are there";
    /// Nobody claimed an identity in time.
    ClaimOverdue = "identity.claim_overdue", High, Some("NHI1"), "claim it for an owner, or retire it";
    /// A time-bound identity is over.
    IdentityEnded = "identity.ended", Low, Some("NHI1"), "retire it, or move its `until`";
    /// Contained for long.
    QuarantinedLong = "identity.quarantined_long", Medium, Some("NHI1"), "decide: release it, or retire it";
    /// A partner without a contract.
    NoContract = "identity.no_contract", Medium, Some("NHI3"), "write a `Contract` with the partner";
    /// Not replaced in time.
    CredentialOverdue = "credential.overdue", Medium, Some("NHI7"), "rotate it: `wardgate credential rotate`";
    /// It ends soon.
    CredentialExpiring = "credential.expiring", Low, None, "rotate it before it ends: `wardgate credential rotate`";
    /// Issued, and never used.
    CredentialNeverUsed = "credential.never_used", Low, Some("NHI1"), "revoke it: nobody would notice";
    /// Not used for long.
    CredentialUnused = "credential.unused", Medium, Some("NHI1"), "ask its owner, then revoke it";
    /// It has no end.
    CredentialNoExpiry = "credential.no_expiry", High, Some("NHI7"), "replace it by one that ends";
    /// A key that Wardgate did not issue is in use.
    CredentialForeign = "credential.foreign", Medium, Some("NHI7"), "issue a key of its own to the caller, then revoke this one";
    /// A credential of an identity that is over.
    CredentialOrphan = "credential.orphan", High, Some("NHI1"), "revoke it";
    /// A credential was shown after its end.
    CredentialUsedAfterEnd = "credential.used_after_end", Medium, Some("NHI1"), "find who still holds it (`wardgate audit timeline credential:ID`): a client that was not told, or whoever it was taken from you by; its identity's other credentials may have gone the same way";
    /// A proof was shown twice.
    CredentialReplayed = "credential.replayed", Medium, Some("NHI4"), "look for who saw the first one, between the client and the gate (`wardgate audit timeline credential:ID`); where it is the client that sends the same bytes again, have it sign each try";
    /// A waiver is over.
    WaiverOver = "waiver.over", Medium, Some("NHI7"), "take it out, or have it approved again with a later end";
    /// A waiver ends soon.
    WaiverEnding = "waiver.ending", Low, None, "mend what it exempts, or have it approved again";
    /// A grant has ended.
    GrantEnded = "grant.ended", Low, Some("NHI5"), "take it out";
    /// A grant ends soon.
    GrantEnding = "grant.ending", Low, None, "extend it, or tell its user";
    /// A contract is over.
    ContractOver = "contract.over", High, Some("NHI3"), "agree on a new one, or retire the partner's identities";
    /// A contract ends soon.
    ContractEnding = "contract.ending", Medium, Some("NHI3"), "agree on a new one, or tell the partner";
    /// An unknown caller that nobody claimed.
    DiscoveredUnclaimed = "discovery.unclaimed", Medium, Some("NHI1"), "claim it for an identity, or reject it: `wardgate identity claim`";
    /// An upstream sees its callers' credentials.
    ApiKeep = "api.keep", High, Some("NHI2"), "have the upstream check `Wardgate-Assertion` instead";
    /// Rulings have not bound for long.
    ApiObserveLong = "api.observe_long", Medium, Some("NHI5"), "set `mode: enforce`";
    /// An upstream answers whoever reaches it.
    UpstreamUnguarded = "upstream.unguarded", High, Some("NHI4"), "have the upstream refuse what comes without the gate's assertion or secret (docs/upstreams.md); where nobody but the gate can reach it, name the API in `bypass.except` of wardgate.yaml";
    /// An upstream still answers to what its API has no longer.
    UpstreamRetired = "upstream.retired", Medium, Some("NHI1"), "take the operation out of the upstream, or put it back into the API";
    /// A deprecated operation is in use.
    OperationDeprecated = "operation.deprecated", Low, None, "tell its callers what to use in its place, and when it ends";
    /// An operation is in use past its sunset.
    OperationSunset = "operation.sunset", Medium, Some("NHI1"), "move its callers, then take the operation out, or refuse it: `after_sunset: deny` of the API";
    /// Operations are called that no document has.
    ApiShadow = "api.shadow", Medium, None, "put the operation into the document of the API, or take it out of the upstream: `wardgate operations --shadow`";
    /// Operations are called that should be gone.
    ApiZombie = "api.zombie", Medium, None, "move their callers, then take them out of the upstream: `wardgate operations --zombie`";
    /// Operations that nobody calls.
    ApiUnused = "api.unused", Low, None, "ask whether they are needed; if not take them out, of the upstream too: `wardgate operations --unused`";
    /// Requests are otherwise than the document has them.
    ApiDrift = "api.drift", Low, None, "mend the document where it is wrong, else the client: `wardgate operations --drift`";
    /// Operations that need no credential.
    ApiAnonymous = "api.anonymous", Low, Some("NHI4"), "ask whether each has to be open to everybody";
}
