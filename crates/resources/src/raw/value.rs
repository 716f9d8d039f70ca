//! Values with a grammar of their own, as the reader and the JSON Schemas see them.

use crate::{
    scalar::{self, Pace, Wrong},
    wire::{self, Match, Selector},
};
use http::HeaderName;
use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error as _};
use std::{borrow::Cow, ffi::OsStr, num::NonZeroU64, path::Path, time::Duration};
use wardgate_model::{
    api::{AuditMode, Consumers, Exposure, HostPattern, Mode, OperationClass, Sensitivity, StaleStance, SunsetStance, UpstreamUrl},
    credential::{CredentialKind, SignatureScheme},
    facts::Lane,
    govern::Exemption,
    inventory::{Criticality, IdentityKind, Role},
    limit::{Per, Quota},
    resource::Kind,
    risk::Told,
    shape::Conformance,
    time::Time,
    wire::{Upgrade, UpstreamProtocol},
};

/// Declares values that are written as text and read by one function.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident($value:ty) = $read:path, $about:literal, $example:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(crate) struct $name(pub(crate) $value);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                $read(&text).map(Self).map_err(D::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "description": $about, "examples": [$example] })
            }
        }

    )*

        /// The example of each schema, and what its reader makes of it.
        #[cfg(test)]
        pub(crate) fn examples() -> Vec<(&'static str, Result<(), Wrong>)> {
            vec![$(($example, $read($example).map(|_| ())),)*]
        }
    };
}

texts! {
    /// A duration.
    DurationText(Duration) = scalar::duration, "A duration: 30d, 12h, 5m, 10s, 250ms, or from large to small as in 1h30m.", "30d";
    /// A rate.
    PaceText(Pace) = scalar::pace, "A rate: a count, a slash and s, m, h, d or a duration.", "100/s";
    /// A quota of requests.
    QuotaText(Quota) = scalar::quota, "A quota: a count, a slash and minute, hour, day or month (calendar, UTC).", "1000000/month";
    /// A quota of bytes.
    BytesText(Quota) = scalar::bytes, "A quota of bytes: a size, a slash and minute, hour, day or month (calendar, UTC).", "1GiB/day";
    /// A date or moment.
    MomentText(Time) = scalar::moment, "A date (its first moment in UTC) or an RFC 3339 moment.", "2027-06-30";
    /// Prose.
    Prose(Box<str>) = scalar::prose, "Text for people.", "copy settled payments to the ledger";
    /// A network.
    NetworkText(IpNet) = wire::network, "A network or one address.", "10.0.0.0/8";
    /// A host.
    HostText(HostPattern) = wire::host, "A host in lower case, without a port; * for any.", "ledger.example";
    /// A path prefix.
    PrefixText(Box<str>) = wire::path_prefix, "A path prefix of whole segments.", "/ledger";
    /// An upstream's address.
    AddressText(UpstreamUrl) = wire::upstream, "The address of an upstream: scheme, host and port.", "http://127.0.0.1:9000";
    /// A trust domain.
    DomainText(Box<str>) = wire::trust_domain, "A trust domain: a name or a URI.", "acme.example";
    /// A header.
    HeaderText(HeaderName) = wire::header, "The name of a header.", "X-Api-Key";
    /// A cookie.
    CookieText(Box<str>) = cookie, "The name of a cookie (RFC 6265).", "session";
    /// An operation.
    MatchText(Match) = wire::operation, "An operation: a method and a path template relative to the API's prefix.", "GET /entries/{id}";
    /// What a grant covers.
    SelectorText(Selector) = wire::selector, "A class of operations, or an operation.", "GET /export";
    /// A path parameter.
    ParameterText(Box<str>) = wire::path_parameter, "The path parameter that names the resource.", "path.id";
    /// A file.
    FileText(Box<str>) = file, "A file, relative to the document that names it.", "file:openapi/ledger.yaml";
    /// A JSON pointer.
    PointerText(Box<str>) = wire::pointer, "A JSON pointer (RFC 6901).", "/items";
    /// Cedar.
    PolicyText(Box<str>) = cedar, "One or more Cedar policies.", "permit (principal, action, resource);";
    /// How long after its due date something is refused, or never.
    EnforceText(Option<Duration>) = scalar::span_or_never, "A duration, or never.", "30d";
    /// A share.
    ShareText(u8) = scalar::share, "A share: 1% to 100%.", "60%";
    /// A person.
    PersonText(Box<str>) = scalar::address, "The address of a person.", "lead@example.com";
    /// A name within a document.
    Label(Box<str>) = label, "A name: letters, digits, dot, hyphen and underscore.", "main";
}

fn file(text: &str) -> Result<Box<str>, Wrong> {
    const MEND: &str = "write a file as in `file:openapi/ledger.yaml`";
    match text.strip_prefix("file:") {
        Some("") => Err(Wrong::new("the file has no name").mend(MEND)),
        Some(path) if path.contains(char::is_control) => Err(Wrong::new("a control character may not stand in the name of a file")),
        Some(path) => Ok(path.into()),
        None if looks_like_a_file(text) => Err(Wrong::new(format!("`{text}` names no file")).mend(format!("did you mean `file:{text}`?"))),
        None => Err(Wrong::new(format!("`{text}` names no file")).mend(MEND)),
    }
}

fn looks_like_a_file(text: &str) -> bool {
    let ending = Path::new(text).extension().and_then(OsStr::to_str);
    !text.contains(':') && ending.is_some_and(|ending| ["yaml", "yml", "json", "pem", "crt"].contains(&ending))
}

/// Longest name of a cookie, in bytes.
const COOKIE_BYTES_MAX: usize = 128;

fn cookie(text: &str) -> Result<Box<str>, Wrong> {
    // RFC 6265 §4.1.1, RFC 9110 §5.6.2: a token.
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if (1..=COOKIE_BYTES_MAX).contains(&text.len()) && text.bytes().all(token) {
        Ok(text.into())
    } else {
        Err(Wrong::new(format!("`{text}` is no name of a cookie")).mend("write letters, digits, `-` and `_`, as in `session`"))
    }
}

fn cedar(text: &str) -> Result<Box<str>, Wrong> {
    if text.trim().is_empty() {
        return Err(Wrong::new("there is no policy in this text"));
    }
    if text.len() > POLICY_BYTES_MAX {
        return Err(Wrong::new(format!("the text has {} bytes, at most {POLICY_BYTES_MAX} are read", text.len())));
    }
    Ok(text.into())
}

/// Largest Cedar text, in bytes.
pub(crate) const POLICY_BYTES_MAX: usize = 1 << 20;

fn label(text: &str) -> Result<Box<str>, Wrong> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if text.is_empty() || text.len() > 64 || !text.bytes().all(good) {
        return Err(Wrong::new(format!("`{text}` is no name")).mend("use 1 to 64 letters, digits, `.`, `-` and `_`"));
    }
    Ok(text.into())
}

/// A typed name of the model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Name<T>(pub(crate) T);

impl<T> JsonSchema for Name<T> {
    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "The name of a resource.", "pattern": "^[a-z0-9][a-z0-9._:-]{0,127}$" })
    }
}

/// A word of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Word<T>(pub(crate) T);

/// Types whose values are words.
pub(crate) trait Words {
    /// All of them, in order.
    fn words() -> Vec<&'static str>;
}

macro_rules! words {
    ($($name:ty),* $(,)?) => {$(
        impl Words for $name {
            fn words() -> Vec<&'static str> {
                <$name>::ALL.iter().map(|word| word.as_str()).collect()
            }
        }
    )*};
}

words!(
    IdentityKind,
    Criticality,
    Role,
    Sensitivity,
    Exposure,
    Consumers,
    AuditMode,
    Mode,
    StaleStance,
    SunsetStance,
    Conformance,
    OperationClass,
    Per,
    Lane,
    CredentialWord,
    SignatureScheme,
    RotatedWord,
    Exemption,
    Upgrade,
    UpstreamProtocol,
    Accept,
    TrustKind,
    Told,
    Kind,
);

impl<T: Words> JsonSchema for Word<T> {
    fn schema_name() -> Cow<'static, str> {
        "Word".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": T::words() })
    }
}

/// Declares words of files that the model has no enum for.
macro_rules! own_words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        pub(crate) enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

own_words! {
    /// The `type` of a credential in a file. Sessions and sign-ins are never written in files.
    CredentialWord {
        ApiKey = "api_key",
        Oidc = "oidc",
        X509 = "x509",
        PublicKey = "public_key",
        Hmac = "hmac",
        WebBotAuth = "web_bot_auth",
    }
}

impl CredentialWord {
    pub(crate) const fn kind(self) -> CredentialKind {
        match self {
            Self::ApiKey => CredentialKind::ApiKey,
            Self::Oidc => CredentialKind::Oidc,
            Self::X509 => CredentialKind::X509,
            Self::PublicKey => CredentialKind::PublicKey,
            Self::Hmac => CredentialKind::Hmac,
            Self::WebBotAuth => CredentialKind::WebBotAuth,
        }
    }
}

own_words! {
    /// Credentials that are replaced on a cadence.
    RotatedWord {
        ApiKey = "api_key",
        ForeignKey = "foreign_key",
    }
}

impl RotatedWord {
    pub(crate) const fn kind(self) -> CredentialKind {
        match self {
            Self::ApiKey => CredentialKind::ApiKey,
            Self::ForeignKey => CredentialKind::ForeignKey,
        }
    }
}

own_words! {
    /// What an API accepts, in the words of proofs.
    Accept {
        ApiKey = "api_key",
        Jwt = "jwt",
        X509 = "x509",
        Signature = "signature",
        Hmac = "hmac",
    }
}

impl Accept {
    pub(crate) const fn kind(self) -> CredentialKind {
        match self {
            Self::ApiKey => CredentialKind::ApiKey,
            Self::Jwt => CredentialKind::Oidc,
            Self::X509 => CredentialKind::X509,
            Self::Signature => CredentialKind::PublicKey,
            Self::Hmac => CredentialKind::Hmac,
        }
    }
}

own_words! {
    /// The `type` of a trust source.
    TrustKind {
        Oidc = "oidc",
        Spiffe = "spiffe",
        X509Ca = "x509_ca",
        Introspection = "introspection",
        WebBotAuth = "web_bot_auth",
    }
}

/// A whole number above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) NonZeroU64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        NonZeroU64::new(number).map(Self).ok_or_else(|| D::Error::custom("the number must be more than zero"))
    }
}

impl JsonSchema for Count {
    fn schema_name() -> Cow<'static, str> {
        "Count".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1 })
    }
}
