//! Why a token proves nothing: one cause for each rule, so that an operator sees which one it was. Outside all of them
//! look the same (RFC 6750 §3.1: `invalid_token`).
//!
//! What an attacker wrote is in a refusal only as [`Shown`], or as a key's name of at most [`KID_BYTES_MAX`] bytes.

use super::{algorithm::Algorithm, json::JsonFault};
use std::fmt;

/// Longest name of a key, in bytes.
pub const KID_BYTES_MAX: usize = 256;
/// Longest part of a stranger's text that is shown, in characters.
const SHOWN_CHARACTERS_MAX: usize = 48;

/// A stranger's text, fit to be shown: short, and printable ASCII alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shown(Box<str>);

impl Shown {
    /// Of any text. What cannot be printed becomes `?`, what is too long ends in `...`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut characters = text.chars().map(|c| if c.is_ascii_graphic() && c != '`' || c == ' ' { c } else { '?' });
        let mut shown: String = characters.by_ref().take(SHOWN_CHARACTERS_MAX).collect();
        if characters.next().is_some() {
            shown.push_str("...");
        }
        Self(shown.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A part of a compact token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The first.
    Header,
    /// The second: claims.
    Claims,
    /// The third.
    Signature,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Claims => "claims",
            Self::Signature => "signature",
        })
    }
}

/// What is wrong with a claim that is to name somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Naming {
    /// There is none for the caller.
    NobodyCalls,
    /// The caller's is no text, empty or too long.
    CallerIllFormed,
    /// The one for whom it calls is no text, empty or too long.
    PersonIllFormed,
}

impl fmt::Display for Naming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NobodyCalls => "who calls is missing",
            Self::CallerIllFormed => "who calls is ill-formed",
            Self::PersonIllFormed => "for whom it calls is ill-formed",
        })
    }
}

/// Why a token proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Longer than [`super::jws::TOKEN_BYTES_MAX`], or its header longer than that may be.
    #[error("the token is too long")]
    TooLong,
    /// Not three parts between dots (RFC 7515 §7.1); JSON serialization is such a case.
    #[error("the token is no compact JWS: it has not three parts")]
    Parts,
    /// Five parts, or a header with `enc`: encrypted (RFC 7516). That something can be decrypted proves nobody
    /// (CVE-2023-51774).
    #[error("the token is encrypted, not signed")]
    Encrypted,
    /// A part is not base64url as RFC 7515 §2 wants it.
    #[error("the {0}: not base64url without padding")]
    Encoding(Part),
    /// A part cannot be read in exactly one way.
    #[error("the {0} cannot be read: {1}")]
    Json(Part, JsonFault),
    /// A member of the header is missing or of another type than it has to be.
    #[error("the header's `{0}` is missing or ill-formed")]
    Header(&'static str),
    /// The header has `crit` (RFC 7515 §4.1.11): no extension is understood here.
    #[error("the header has `crit`: the token wants an extension that is not known here")]
    Critical,
    /// The header has `b64` (RFC 7797): a second way to read the same bytes.
    #[error("the header has `b64`: a token's claims are always encoded")]
    Unencoded,
    /// The header has `zip`: a small token could become a large one.
    #[error("the header has `zip`: compressed tokens are not taken")]
    Compressed,
    /// The header's `cty` says that there is a token within (RFC 7519 §5.2).
    #[error("the header's `cty` says that another token is within")]
    Nested,
    /// The header has a member that this kind of token must not have (JWT-SVID §2).
    #[error("the header has a member that a JWT-SVID must not have")]
    HeaderMember,
    /// The kind of token is another one (RFC 8725 §3.11). `None`: it does not say which.
    #[error("the header's `typ` is {}", or_absent(.0.as_ref()))]
    Type(Option<Shown>),
    /// `alg` is `none`, however it is written (RFC 8725 §3.1).
    #[error("the token is not signed: its `alg` is `none`")]
    Unsigned,
    /// `alg` names nothing that proves anything here: a MAC, something unknown.
    #[error("the header's `alg` is `{0}`, which proves nothing here")]
    Algorithm(Shown),
    /// The trust source does not sign with this.
    #[error("`{0}` is not among the algorithms of this trust source")]
    AlgorithmNotAllowed(Algorithm),
    /// The key is of another algorithm (RFC 8725 §3.1: one algorithm for each key).
    #[error("the header's `alg` is `{header}`, the key is for `{key}`")]
    AlgorithmOfKey {
        /// What the header says.
        header: Algorithm,
        /// What the key is for.
        key: Algorithm,
    },
    /// No key of this name; or the header names none, and none of the known ones made the signature. A newer one may have.
    #[error("{}", unknown_key(.kid.as_deref()))]
    UnknownKey {
        /// The key's name, exactly as the header has it: at most [`KID_BYTES_MAX`] bytes of a stranger.
        kid: Option<Box<str>>,
    },
    /// The header names no key, and too many keys could be meant.
    #[error("the header names no key, and too many could be meant")]
    KeyUnclear,
    /// The signature is not this key's over these bytes.
    #[error("the signature is wrong")]
    Signature,
    /// A claim is missing.
    #[error("the claim `{0}` is missing")]
    Missing(&'static str),
    /// A claim has not the type or the range that it must have (RFC 7519 §4.1).
    #[error("the claim `{0}` is ill-formed")]
    Claim(&'static str),
    /// The claim that the trust source was told to take for the caller, or for whom it calls, is missing or no name.
    #[error("the claim that says {0}")]
    Named(Naming),
    /// `sub` of a JWT-SVID is no workload of the trust domain whose keys were asked.
    #[error("`sub` is `{0}`, which is no workload of this trust domain")]
    TrustDomain(Shown),
    /// A claim is there that this kind of token must not have.
    #[error("the claim `{0}` must not be in this kind of token")]
    Forbidden(&'static str),
    /// `iss` is another (RFC 8725 §3.8).
    #[error("`iss` is `{0}`")]
    Issuer(Shown),
    /// None of `aud` is one of ours (RFC 8725 §3.9).
    #[error("`aud` names others: `{0}`")]
    Audience(Shown),
    /// `aud` names others beside us where it may not.
    #[error("`aud` names others beside us")]
    AudienceShared,
    /// `exp` has come.
    #[error("the token has expired")]
    Expired,
    /// `nbf` has not come.
    #[error("the token is not valid yet")]
    NotYet,
    /// `iat` is to come.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// It lives longer than the trust source's tokens may, or ends before it begins.
    #[error("the token lives longer than a token of this trust source may")]
    Life,
}

impl Refusal {
    /// Whether newer keys of the issuer could turn it, so that asking for them makes sense.
    #[must_use]
    pub const fn newer_keys_may_help(&self) -> bool {
        matches!(self, Self::UnknownKey { .. })
    }
}

fn or_absent(shown: Option<&Shown>) -> String {
    shown.map_or_else(|| "missing".to_owned(), |shown| format!("`{shown}`"))
}

fn unknown_key(kid: Option<&str>) -> String {
    kid.map_or_else(
        || "the header names no key, and none that is known made the signature".to_owned(),
        |kid| format!("no key is called `{}`", Shown::of(kid)),
    )
}

#[cfg(test)]
mod tests {
    use super::{Refusal, Shown};

    #[test]
    fn what_a_stranger_wrote_is_short_and_printable() {
        for (text, shown) in [("kid-1", "kid-1"), ("a\n`rm`\u{1b}[31m", "a??rm??[31m"), ("é \u{202e}", "? ?")] {
            assert_eq!(Shown::of(text).as_str(), shown);
        }
        assert_eq!(Shown::of(&"x".repeat(500)).as_str(), format!("{}...", "x".repeat(48)));
        let refusal = Refusal::UnknownKey { kid: Some("../../etc/passwd\0' OR 1=1".into()) };
        assert_eq!(refusal.to_string(), "no key is called `../../etc/passwd?' OR 1=1`");
    }
}
