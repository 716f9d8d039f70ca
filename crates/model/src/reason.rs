//! The one table of reasons. Metrics, audit, documentation, answers to clients and tests come from it.

use crate::{api::Api, credential::CredentialKind};
use std::borrow::Cow;

/// How much a reason should worry an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// All is well.
    Info,
    /// Somebody made a mistake.
    Notice,
    /// Somebody may be up to something.
    Warning,
    /// We or a peer failed.
    Error,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// `room.cause`.
    pub code: &'static str,
    /// HTTP status of the answer; 200 only for the reasons that allow.
    pub http: u16,
    /// gRPC status code of the answer (google.rpc.Code).
    pub grpc: u8,
    /// How much it should worry.
    pub severity: Severity,
    /// What the client is told. Nothing that helps an attacker.
    pub public: &'static str,
    /// What the client could do about it.
    pub remedy: &'static str,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $http:literal, $grpc:literal, $severity:ident, $public:literal, $remedy:literal;)*) => {
        /// Why something was decided.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason {
            $($(#[$doc])* $variant,)*
        }

        impl Reason {
            /// Every reason, in the order of the rooms.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its row of the table.
            #[must_use]
            pub const fn row(self) -> &'static Row {
                match self {
                    $(Self::$variant => &Row {
                        code: $code, http: $http, grpc: $grpc, severity: Severity::$severity, public: $public, remedy: $remedy,
                    },)*
                }
            }

            /// Reads a code.
            #[must_use]
            pub fn parse(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

// gRPC: 3 INVALID_ARGUMENT, 4 DEADLINE_EXCEEDED, 5 NOT_FOUND, 7 PERMISSION_DENIED, 8 RESOURCE_EXHAUSTED, 13 INTERNAL, 14 UNAVAILABLE, 16 UNAUTHENTICATED.
reasons! {
    /// The bytes are no HTTP message with one meaning.
    WireMalformed = "wire.malformed", 400, 3, Warning, "the request is not well-formed HTTP", "send a request that follows RFC 9112";
    /// Content-Length and Transfer-Encoding contradict each other or themselves.
    WireFraming = "wire.framing", 400, 3, Warning, "the length of the body is ambiguous", "send one Content-Length or one `Transfer-Encoding: chunked`";
    /// The head is larger than allowed.
    WireHeadTooLarge = "wire.head_too_large", 431, 8, Warning, "the header section is too large", "send fewer or shorter header fields";
    /// The request target is longer than allowed.
    WireTargetTooLong = "wire.target_too_long", 414, 8, Notice, "the request target is too long", "send a shorter URL";
    /// The head did not come in time.
    WireTimeout = "wire.timeout", 408, 4, Notice, "the request did not arrive in time", "send the whole request head promptly";
    /// An HTTP version that is not served.
    WireVersion = "wire.version", 505, 3, Notice, "this version of HTTP is not served", "use HTTP/1.1 or HTTP/2";
    /// The body is larger than the API takes.
    WireBodyTooLarge = "wire.body_too_large", 413, 8, Notice, "the body is too large", "send a smaller body";
    /// More frames came that carry nothing than anybody needs (RFC 9113 §10.5).
    WireFlood = "wire.flood", 429, 8, Warning, "too much came that carries nothing", "open fewer streams, cancel less, and let the library set its own pings and windows";
    /// The body broke off or came too slowly.
    WireBodyIncomplete = "wire.body_incomplete", 400, 3, Notice, "the body did not arrive whole", "send the whole body";

    /// No Host, several, or one that is no host.
    CanonHost = "canon.host", 400, 3, Warning, "the request names no single valid host", "send one Host field with a valid host";
    /// The path has more than one meaning.
    CanonPath = "canon.path", 400, 3, Warning, "the path is not in its one plain form", "send the path without dot segments, empty segments, backslashes or encoded separators";
    /// A header field that must be single stands twice, or is not readable.
    CanonHeader = "canon.header", 400, 3, Warning, "a header field is repeated or unreadable", "send each field once, in visible ASCII";
    /// CONNECT, TRACE or a method that is not served.
    CanonMethod = "canon.method", 405, 3, Notice, "this method is not served", "use the methods that the API documents";
    /// An upgrade that is not served.
    CanonUpgrade = "canon.upgrade", 400, 3, Notice, "this protocol upgrade is not served", "call without Upgrade";
    /// The request has come through here before.
    CanonLoop = "canon.loop", 508, 13, Error, "the request has passed this gate already", "check the upstream address: it leads back here";

    /// No API answers for this host and path.
    RouteNoApi = "route.no_api", 404, 5, Notice, "nothing is served here", "check the address";
    /// The API has no such operation.
    RouteNoOperation = "route.no_operation", 404, 5, Notice, "the API has no such operation", "check method and path against the API's document";
    /// The path exists, this method on it does not.
    RouteNoMethod = "route.no_method", 405, 3, Notice, "the operation does not exist with this method", "check the method against the API's document";

    /// Nothing was heard from the store for longer than the API bears: who was stopped meanwhile is not known here.
    RouteStale = "route.stale", 503, 14, Error, "the request cannot be judged at present", "try again later";

    /// Too much from this source before it proved anything.
    SourceLimited = "source.limited", 429, 8, Warning, "too many requests from this source", "slow down, and send a valid credential";

    /// A credential in the query.
    CredentialInQuery = "credential.in_query", 400, 3, Warning, "a credential must not be sent in the URL", "send it in the Authorization header, and have this one replaced: it may be in logs";
    /// A key of ours where the API takes none, from where it would reach the upstream.
    CredentialMisplaced = "credential.misplaced", 400, 3, Warning, "a credential must not be sent here", "send it as `Authorization: Bearer <key>` or in the header that the API names, nowhere else";
    /// More than one credential.
    CredentialConflict = "credential.conflict", 400, 3, Warning, "more than one credential was sent", "send exactly one";
    /// A credential that cannot be read.
    CredentialMalformed = "credential.malformed", 400, 3, Notice, "the credential cannot be read", "send `Authorization: Bearer <key>`";
    /// A scheme or kind that this API does not accept.
    CredentialNotAccepted = "credential.not_accepted", 401, 16, Notice, "this kind of credential is not accepted here", "use a kind of credential that the API accepts";
    /// No credential where one is needed.
    CredentialMissing = "credential.missing", 401, 16, Notice, "a credential is needed", "send one of a kind that the API accepts, as in `Authorization: Bearer <key>`";

    /// What the outside sees of every credential that is not good: unknown, expired and revoked look the same.
    ProofInvalid = "proof.invalid", 401, 16, Notice, "the credential is not valid", "ask the owner of this integration for a valid credential";
    /// No such credential, or its secret is another.
    ProofUnknown = "proof.unknown", 401, 16, Warning, "the credential is not valid", "ask the owner of this integration for a valid credential";
    /// Not valid any more.
    ProofExpired = "proof.expired", 401, 16, Notice, "the credential is not valid", "issue a new credential: this one has expired";
    /// Ended by somebody.
    ProofRevoked = "proof.revoked", 401, 16, Warning, "the credential is not valid", "issue a new credential if the identity should still call: this one was revoked, or it or what vouches for it is contained (`wardgate contain --list`)";
    /// A key whose checksum is wrong: a typing error, not a guess.
    ProofChecksum = "proof.checksum", 401, 16, Notice, "the credential is not valid", "copy the key again: its checksum is wrong";
    /// A token that cannot be read in one way, or wants what is not taken here (RFC 7515 §5.2, RFC 8725 §3).
    ProofToken = "proof.token", 401, 16, Warning, "the credential is not valid", "send a signed token of the issuer as it was issued";
    /// A token of an issuer that nobody has declared.
    ProofIssuer = "proof.issuer", 401, 16, Warning, "the credential is not valid", "use a token or certificate of an issuer that is declared as a TrustSource";
    /// A signature that is not its issuer's or signer's, or made with a key that it does not publish.
    ProofSignature = "proof.signature", 401, 16, Warning, "the credential is not valid", "get a new token, or sign what is sent, under the address that clients call: no key that the issuer or the signer publishes made this signature";
    /// Claims that do not fit the trust source: another audience, a time to come, too long a life (RFC 7519 §4.1).
    ProofClaims = "proof.claims", 401, 16, Warning, "the credential is not valid", "compare `aud`, `iat`, `nbf` and `exp` of the token with the TrustSource";
    /// The keys of the issuer are not known at present, or too old to be believed.
    ProofKeysAway = "proof.keys_away", 503, 14, Error, "the credential cannot be verified at present", "try again later; the operator sees in /readyz which keys are missing, or renews the revocation list that is out of date";
    /// A certificate that no trust source vouches for, or a revoked or ended one (RFC 5280 §6).
    ProofCertificate = "proof.certificate", 401, 16, Warning, "the credential is not valid", "present a certificate of a declared TrustSource that is in force";
    /// A genuine proof of nobody on record.
    ProofSubject = "proof.subject", 401, 16, Warning, "the credential is not valid", "bind its subject to an identity: `credentials: [{type: oidc, trust: …, subject: …}]`";
    /// A token that is bound to a key or certificate whose possession was not shown (RFC 7800 §3).
    ProofBinding = "proof.binding", 401, 16, Warning, "the credential is not valid", "send the token together with the proof of the key that it is bound to";
    /// A proof of possession that is missing, unreadable, or not for this request (RFC 9449 §4.3).
    ProofPossession = "proof.possession", 401, 16, Warning, "the proof of possession is not valid", "sign each request anew, with its method, its address and its moment, and send that once, in the field `DPoP`";
    /// A proof of possession without the nonce that is wanted (RFC 9449 §8, §9).
    ProofNonce = "proof.nonce", 401, 16, Notice, "the proof of possession needs a nonce of the server", "send the value of `DPoP-Nonce` as `nonce` in the next proof";
    /// A proof of possession that was taken before.
    ProofRepeated = "proof.repeated", 401, 16, Warning, "the proof of possession is not valid", "sign each request anew: this very proof was taken before";
    /// A signature of the request that covers too little of it, something that it does not have, or does not say that it was made just now
    /// (RFC 9421 §3.2.1).
    ProofMessage = "proof.message", 401, 16, Warning, "the signature of the request is not valid here", "sign each request when it is sent, with `created` and `keyid`, over at least what `Accept-Signature` names";
    /// It does not cover method, authority and path.
    ProofMessageTarget = "proof.message_target", 401, 16, Warning, "the signature of the request is not valid here", "cover `@method`, `@authority` and `@path` (or `@method` and `@target-uri`): it covers less";
    /// There is a query, and it does not cover that.
    ProofMessageQuery = "proof.message_query", 401, 16, Warning, "the signature of the request is not valid here", "cover `@query` too: the request has one";
    /// There is a body, and it does not cover a digest of that.
    ProofMessageDigest = "proof.message_digest", 401, 16, Warning, "the signature of the request is not valid here", "send `Content-Digest` and cover `content-digest`: the request has a body";
    /// It covers something that the request does not have.
    ProofMessageComponent = "proof.message_component", 401, 16, Warning, "the signature of the request is not valid here", "cover only what the request has as it arrives: something that is covered is not there, or has two meanings";
    /// It does not say when it was made; made too long ago, or to come; or over by its own word.
    ProofMessageTime = "proof.message_time", 401, 16, Warning, "the signature of the request is not valid here", "sign each request when it is sent, with `created`, and set the signer's clock: it was made too long ago or is to come, has no `created`, or its `expires` is over or missing";
    /// It names no key.
    ProofMessageKey = "proof.message_key", 401, 16, Warning, "the signature of the request is not valid here", "name the key in `keyid`: its thumbprint (RFC 7638), or the id of its credential";
    /// Nobody has said under which address the API is called.
    ProofMessageAddress = "proof.message_address", 401, 16, Warning, "the signature of the request is not valid here", "say under which address clients call: `public_url` of the listener, or `match.hosts` of the API";
    /// A signature of the request without the nonce that is wanted (RFC 9421 §5.1).
    ProofSignatureNonce = "proof.signature_nonce", 401, 16, Notice, "the signature of the request needs a nonce of the server", "sign the request once more, with the `nonce` of `Accept-Signature`";
    /// A body that is not what was signed of it (RFC 9530 §2).
    ProofDigest = "proof.digest", 401, 16, Warning, "the body is not what its digest says", "send and sign `Content-Digest` of the body as it is sent, with `sha-256` or `sha-512`";
    /// A signature over a moment that is too long ago, or to come: what somebody recorded, or a clock that is wrong.
    ProofStale = "proof.stale", 401, 16, Warning, "the credential is not valid", "sign each try anew, and set the sender's clock: what it signed is outside the entry's `tolerance`";
    /// A signature that was taken before: the same bytes, sent again.
    ProofReplayed = "proof.replayed", 401, 16, Warning, "the credential is not valid", "sign each try anew: this very signature was taken before";
    /// More signatures of this sender are to be remembered than there is room for.
    ProofUnremembered = "proof.unremembered", 503, 14, Error, "the credential cannot be verified at present", "call less often, or shorten the `tolerance` of an entry of signed calls: so long each signature is remembered";
    /// From a network the credential is not bound to.
    ProofSource = "proof.source", 403, 7, Warning, "the credential may not be used from this source", "call from a network that the credential is bound to";

    /// The credential's identity is not on record.
    IdentityUnknown = "identity.unknown", 403, 7, Error, "the caller is not one known identity", "ask the owner of this integration";
    /// Two identities match one proof: it stands for neither.
    IdentityAmbiguous = "identity.ambiguous", 403, 7, Error, "the caller is not one known identity", "tell the two identities apart by `subject` or `claims`: `wardgate check` names them";
    /// Its time is over.
    IdentityEnded = "identity.ended", 403, 7, Notice, "the caller is not allowed at present", "ask its owner to give the identity more time, or a new one";
    /// Contained: stopped everywhere at once.
    IdentityContained = "identity.contained", 403, 7, Warning, "the caller is not allowed at present", "ask the owner of this integration";

    /// Whatever the context, this identity may not do this.
    StandingDenied = "standing.denied", 403, 7, Notice, "the caller may not do this", "ask for a grant that covers this operation";
    /// No grant and no policy permits it.
    StandingNoGrant = "standing.no_grant", 403, 7, Notice, "the caller may not do this", "ask for a grant that covers this operation";
    /// Whatever the context, who acts for the caller may not do this (RFC 8693 §4.1).
    StandingActor = "standing.actor", 403, 7, Notice, "the caller may not do this", "who acts for the caller needs a grant of its own that covers this operation";
    /// The token that we gave out is for other classes of operations (RFC 6750 §3.1).
    StandingScope = "standing.scope", 403, 7, Notice, "the token is not for this kind of operation", "get a token whose `scope` names the class of this operation";
    /// The task that the token is of is for something else: another operation, another resource, another purpose.
    StandingTask = "standing.task", 403, 7, Notice, "the task is not for this", "start a task whose operations, resources and purpose cover the call";
    /// Its sunset has come, and its API refuses it since.
    StandingSunset = "standing.sunset", 410, 5, Notice, "the operation is not offered any more", "use what the API's document names in its place";
    /// A policy could not be evaluated.
    StandingFault = "standing.fault", 503, 14, Error, "the request cannot be judged at present", "try again later";

    /// Faster than a rate allows.
    ReserveRate = "reserve.rate_exceeded", 429, 8, Notice, "too many requests", "wait as Retry-After says, then go on more slowly";
    /// More than a quota allows.
    ReserveQuota = "reserve.quota_exceeded", 429, 8, Notice, "the quota is used up", "wait for the next window, or ask for a larger quota";
    /// More at a time than allowed.
    ReserveConcurrency = "reserve.concurrency_exceeded", 429, 8, Notice, "too many requests at a time", "wait for running requests to end";
    /// More bytes than allowed.
    ReserveBytes = "reserve.bytes_exceeded", 429, 8, Notice, "the quota of bytes is used up", "wait for the next window, or ask for a larger quota";
    /// More than the task may use in all. Waiting does not help.
    ReserveTask = "reserve.task_budget", 403, 8, Notice, "the budget of the task is used up", "start another task, with a budget that is large enough";
    /// The records of an answer could not be counted: all that the task had left of them are used up. It stands beside a ruling.
    ReserveUncounted = "reserve.uncounted", 403, 8, Notice, "the budget of the task is used up", "let the upstream answer a task that has a budget of records in whole JSON, as the operation says";
    /// The book of quotas cannot be written.
    ReserveFault = "reserve.fault", 503, 14, Error, "the request cannot be counted at present", "try again later";

    /// The request is not as the API's document has it.
    InspectRequest = "inspect.request", 400, 3, Notice, "the request is not as the document of the API has it", "compare the request with the API's document";
    /// The body cannot be read in one way: it is no JSON, or beyond the limits of it, or not what its coding says.
    InspectBody = "inspect.body", 400, 3, Notice, "the body cannot be read", "send a body that is what it says it is: JSON without repeated names, in UTF-8, with nothing behind it";
    /// A body of a media type that the operation does not take, or of none where a rule has to read it.
    InspectMedia = "inspect.media", 415, 3, Notice, "a body of this media type is not taken", "send the body as the API's document has it, and say so in Content-Type";
    /// A body that is coded in a way that is not known here, where a rule has to read it.
    InspectCoding = "inspect.coding", 415, 3, Notice, "a body of this content coding is not taken", "send it uncompressed, or as gzip, deflate, br or zstd";

    /// It waits for its risk, and goes on; a door that can only check answers so.
    RiskSlowed = "risk.slowed", 429, 8, Notice, "this call is made to wait", "wait as Retry-After says, then go on more slowly; its owner can announce what is new, raise `risk.slow`, or name the operation in `risk.keep`";
    /// Somebody else may have what the caller proves itself by: the owner can show that it is not so.
    RiskChallenged = "risk.challenged", 401, 16, Warning, "show possession of the key once more", "answer the challenge: sign a new proof with the nonce that comes with it; libraries for DPoP do so by themselves";
    /// What was shown can be stolen, and there is a key on record by which its owner can show more.
    RiskStepUp = "risk.step_up", 401, 16, Warning, "call again with a stronger credential that is on your record", "prove yourself by the key that is registered for you, and not by what can be copied";
    /// The risk is too high.
    RiskBlocked = "risk.blocked", 403, 7, Warning, "this call is far from what the caller usually does", "ask the owner of this integration; announce a deploy or a change before it is made; what must never stop is named in `risk.keep`";

    /// A policy forbids it in this context.
    RuleForbidden = "rule.forbidden", 403, 7, Notice, "the caller may not do this in this way", "see what the operation requires: proof, purpose, source, time";
    /// What was shown is bound to nothing, and its API wants possession of a key for this class (RFC 9449 §7.1).
    RuleUnbound = "rule.unbound", 401, 16, Notice, "a credential that is bound to a key is needed here", "get a token that is bound to a key: send a proof of possession in `DPoP` when you ask for it, and with each request";
    /// No permit's conditions hold in this context.
    RuleNotPermitted = "rule.not_permitted", 403, 7, Notice, "the caller may not do this in this way", "see what the operation requires: proof, purpose, source, time";
    /// Who acts for the caller may not do this in this context.
    RuleActor = "rule.actor", 403, 7, Notice, "the caller may not do this in this way", "see what the operation requires, and whether who acts for the caller may do it";
    /// A policy could not be evaluated.
    RuleFault = "rule.fault", 503, 14, Error, "the request cannot be judged at present", "try again later";
    /// Permitted.
    RuleAllowed = "rule.allowed", 200, 0, Info, "allowed", "";

    /// What it rests on ended while it was judged.
    CommitStale = "commit.stale", 403, 7, Warning, "the caller is not allowed at present", "ask the owner of this integration";
    /// No place for its record.
    CommitNoRecord = "commit.no_record", 503, 14, Error, "the request cannot be recorded at present", "try again later";
    /// All this gate can carry is under way.
    CommitBusy = "commit.busy", 503, 14, Error, "the gate is at its capacity", "try again later";

    /// No connection to the upstream.
    ForwardConnect = "forward.connect", 502, 14, Error, "the upstream cannot be reached", "try again later";
    /// The upstream's answer is not well-formed.
    ForwardMalformed = "forward.malformed", 502, 13, Error, "the upstream's answer cannot be passed on", "tell the operator";
    /// The upstream did not answer in time.
    ForwardTimeout = "forward.timeout", 504, 4, Error, "the upstream did not answer in time", "try again later";
    /// The upstream's secret is not on record.
    ForwardNoSecret = "forward.no_secret", 503, 14, Error, "the upstream cannot be called at present", "tell the operator: `wardgate secret put`";
    /// The upstream has as many requests as it bears, and callers on whom more depends go first.
    ForwardShed = "forward.shed", 503, 14, Error, "the upstream has as much to do as it bears", "wait as Retry-After says; if it must not stop, have the identity's `criticality` raised";
    /// We failed.
    ForwardFault = "forward.fault", 500, 13, Error, "the gate failed on this request", "tell the operator, with the request id";
}

impl Reason {
    /// `room.cause`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.row().code
    }

    /// The reason that the outside is told: what would tell an attacker more is told as something vaguer.
    #[must_use]
    pub const fn outside(self) -> Self {
        match self {
            Self::ProofUnknown
            | Self::ProofExpired
            | Self::ProofRevoked
            | Self::ProofChecksum
            | Self::ProofToken
            | Self::ProofIssuer
            | Self::ProofSignature
            | Self::ProofClaims
            | Self::ProofCertificate
            | Self::ProofSubject
            | Self::ProofBinding
            | Self::ProofStale
            | Self::ProofReplayed => Self::ProofInvalid,
            Self::ProofRepeated => Self::ProofPossession,
            Self::ProofMessageTarget
            | Self::ProofMessageQuery
            | Self::ProofMessageDigest
            | Self::ProofMessageComponent
            | Self::ProofMessageTime
            | Self::ProofMessageKey
            | Self::ProofMessageAddress => Self::ProofMessage,
            Self::IdentityAmbiguous => Self::IdentityUnknown,
            Self::StandingNoGrant | Self::StandingActor => Self::StandingDenied,
            Self::RuleNotPermitted | Self::RuleActor => Self::RuleForbidden,
            Self::CommitStale | Self::IdentityEnded => Self::IdentityContained,
            other => other,
        }
    }

    /// The room it comes from.
    #[must_use]
    pub fn room(self) -> &'static str {
        self.code().split('.').next().unwrap_or_default()
    }

    /// Whether it binds even under `mode: observe` (CONTRACT: framing, canon, no matching API, containment, our own capacity).
    #[must_use]
    pub fn binds_in_observe(self) -> bool {
        matches!(self.room(), "wire" | "canon" | "commit" | "forward")
            || matches!(self, Self::RouteNoApi | Self::IdentityContained | Self::ProofRevoked | Self::ReserveFault)
    }

    /// What helps at this API: where a credential is asked for, in which ways one is shown there.
    #[must_use]
    pub fn remedy(self, api: Option<&Api>) -> Cow<'static, str> {
        let usual = Cow::Borrowed(self.row().remedy);
        let Some(api) = api else { return usual };
        match self {
            // The table speaks of keys, which is right where nothing else counts.
            Self::CredentialMissing | Self::CredentialMalformed | Self::CredentialNotAccepted if !is_for_keys_alone(api) => {
                Cow::Owned(format!("show one of what the API takes: {}", ways(api).join("; ")))
            }
            Self::ProofUnknown if api.is_issuer() => Cow::Borrowed(CLIENT_UNKNOWN),
            _ => usual,
        }
    }

    /// Where the documentation speaks of it.
    #[must_use]
    pub fn anchor(self) -> String {
        format!("reasons.md#{}", self.code().replace(['.', '_'], "-"))
    }
}

/// What the operator hears of a client of the token service that nothing on record stands for.
const CLIENT_UNKNOWN: &str = "no client of the name that was given is on record with such a key: compare that name (`client_id`, `iss` and `sub` of the \
    assertion, the user of `Basic`) with `wardgate identity list`, and what it shows with the `credentials` in its document";

fn is_for_keys_alone(api: &Api) -> bool {
    api.people.is_none() && api.api_key_header.is_none() && *api.accept == [CredentialKind::ApiKey]
}

/// How each kind of proof that an API takes is shown.
fn ways(api: &Api) -> Vec<String> {
    let mut ways: Vec<String> = Vec::new();
    let takes = |kind: CredentialKind| api.accept.contains(&kind);
    if takes(CredentialKind::ApiKey) {
        let header = api.api_key_header.as_ref().map(|name| format!(" or `{name}: <key>`")).unwrap_or_default();
        ways.push(format!("a key, as `Authorization: Bearer <key>`{header}"));
    }
    if takes(CredentialKind::Oidc) {
        ways.push(
            "a token of a declared issuer, as `Authorization: Bearer <token>`, or with a proof of its key as `DPoP <token>`".to_owned(),
        );
    }
    if takes(CredentialKind::X509) {
        ways.push("a client certificate, in the TLS handshake".to_owned());
    }
    if takes(CredentialKind::PublicKey) {
        ways.push("a signature of the request, in `Signature-Input` and `Signature`".to_owned());
    }
    if takes(CredentialKind::Hmac) {
        ways.push("a signature of the call, in the field that was agreed on".to_owned());
    }
    if let Some(people) = &api.people {
        let cookie = people.cookie.as_ref().map(|name| format!("the cookie `{name}`"));
        let header = people.header.as_ref().map(|name| format!("the field `{name}`"));
        let where_it_stands: Vec<String> = cookie.into_iter().chain(header).collect();
        ways.push(format!("a person's session, in {}", where_it_stands.join(" or ")));
    }
    ways
}

#[cfg(test)]
mod tests;
