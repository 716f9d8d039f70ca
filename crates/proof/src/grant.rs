//! Names of grants and of kinds of tokens, as OAuth has them.

/// `grant_type` of a token exchange (RFC 8693 §2.1).
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// `grant_type` of an assertion that somebody else signed (RFC 7523 §2.1).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// An access token (RFC 8693 §3).
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// An ID token of OpenID Connect (RFC 8693 §3).
pub const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
/// Any other signed token: a JWT-SVID, a service account's (RFC 8693 §3).
pub const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// Whether a kind of token is one that is signed and can be shown here.
#[must_use]
pub fn is_signed(token_type: &str) -> bool {
    matches!(token_type, ACCESS_TOKEN | ID_TOKEN | JWT)
}
