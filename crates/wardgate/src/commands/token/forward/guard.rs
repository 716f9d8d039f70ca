//! Who may use the forwarder, and for what: programs of this machine, for one API. A page in a browser of this machine is none of them,
//! whatever name it gave this address (DNS rebinding).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode,
    header::{self, AUTHORIZATION, HOST, ORIGIN, UPGRADE},
    request::Parts,
    uri::Authority,
};
use std::net::IpAddr;
use wardgate_edge::hygiene::REASON;
use wardgate_model::secret::Secret;

/// What only browsers send (Fetch Metadata).
const OF_BROWSERS: [&str; 2] = ["sec-fetch-site", "sec-fetch-mode"];
/// For one connection alone (RFC 9110 §7.6.1), besides those that `Connection` names.
const OF_THE_CONNECTION: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// By which names one may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Names {
    /// Any: only programs of this machine reach a socket in its file system.
    Any,
    /// An address, `localhost`, or one of these.
    Here(Box<[Box<str>]>),
}

/// What is asked of every request before anything is done for it.
pub(super) struct Guard {
    /// By which names one may call.
    pub(super) names: Names,
    /// Whole segments that paths begin with: those of the API that the token is for.
    pub(super) prefix: Box<str>,
    /// Fields that the program sends and nobody else gets to see; the first holds the secret, where one is wanted.
    pub(super) strip: Box<[HeaderName]>,
    /// What the program has to say.
    pub(super) secret: Option<Secret<String>>,
}

/// Why nothing is done for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Turned {
    /// It has two names or none, or one that somebody else may have given this address.
    #[error("call this forwarder by its address or as `localhost`: other names can be given by `--name`")]
    Name,
    /// A page has sent it.
    #[error("this is for programs, not for pages in a browser")]
    Browser,
    /// The program does not know the local secret.
    #[error("the local secret is wrong or missing")]
    Secret,
    /// The token would not open it.
    #[error("this forwarder is for another path: that of the API that `--resource` names")]
    Path,
    /// Another protocol is wanted.
    #[error("only HTTP/1.1 requests are forwarded: no tunnels and no other protocols")]
    Protocol,
}

impl Turned {
    /// The status that says so.
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Name => StatusCode::MISDIRECTED_REQUEST,
            Self::Browser => StatusCode::FORBIDDEN,
            Self::Secret => StatusCode::UNAUTHORIZED,
            Self::Path => StatusCode::NOT_FOUND,
            Self::Protocol => StatusCode::NOT_IMPLEMENTED,
        }
    }
}

impl Guard {
    /// Lets a request pass.
    ///
    /// # Errors
    /// Says why not.
    pub(super) fn check(&self, head: &Parts) -> Result<(), Turned> {
        self.name(head)?;
        if head.headers.contains_key(ORIGIN) || OF_BROWSERS.iter().any(|name| head.headers.contains_key(*name)) {
            return Err(Turned::Browser);
        }
        if head.method == Method::CONNECT || head.headers.contains_key(UPGRADE) {
            return Err(Turned::Protocol);
        }
        self.secret(&head.headers)?;
        let rest = head.uri.path().strip_prefix(&*self.prefix).ok_or(Turned::Path)?;
        if rest.is_empty() || rest.starts_with('/') || self.prefix.ends_with('/') { Ok(()) } else { Err(Turned::Path) }
    }

    fn name(&self, head: &Parts) -> Result<(), Turned> {
        let Names::Here(named) = &self.names else { return Ok(()) };
        let mut hosts = head.headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(Turned::Name) };
        let host = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok()).ok_or(Turned::Name)?;
        // Where the target has a name too, it is what counts (RFC 9112 §3.2.2).
        for authority in [Some(&host), head.uri.authority()].into_iter().flatten() {
            let host = authority.host();
            let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
            // INVARIANT (no rebinding): a name that somebody else may have is none of ours; an address is no name.
            if !literal && !host.eq_ignore_ascii_case("localhost") && !named.iter().any(|name| name.eq_ignore_ascii_case(host)) {
                return Err(Turned::Name);
            }
        }
        Ok(())
    }

    fn secret(&self, headers: &HeaderMap) -> Result<(), Turned> {
        let Some(wanted) = &self.secret else { return Ok(()) };
        let field = self.strip.first().unwrap_or(&AUTHORIZATION);
        let said = headers.get(field).map_or(&b""[..], HeaderValue::as_bytes);
        let said = said.strip_prefix(b"Bearer ").unwrap_or(said);
        verify_slices_are_equal(said, wanted.danger_expose().as_bytes()).map_err(|_| Turned::Secret)
    }

    /// Takes off what the next one is not to see: what is of this connection, and what the program sends for its credential.
    pub(super) fn strip(&self, headers: &mut HeaderMap) {
        of_the_connection(headers);
        for name in [&HOST, &AUTHORIZATION, &HeaderName::from_static("dpop"), &header::EXPECT].into_iter().chain(&*self.strip) {
            headers.remove(name);
        }
    }
}

/// Takes off what is of one connection alone.
pub(super) fn of_the_connection(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .collect();
    for name in OF_THE_CONNECTION.iter().chain(&named) {
        headers.remove(name);
    }
}

/// Whether an answer is a refusal by the gate itself, and not one that an API gave: the gate says so in a field that it takes off whatever an
/// API answers.
pub(super) fn is_by_the_gate<B>(answer: &Response<B>) -> bool {
    answer.headers().contains_key(REASON)
}

#[cfg(test)]
mod tests;
