//! Signing people in at an issuer (OpenID Connect Core 1.0 §3.1): where they are sent, and what the code is worth that they
//! bring back. What its token says is verified here; what follows from that is for others.
//!
//! One issuer a client: each answer is checked against the one that was asked (RFC 9700 §4.4, RFC 9207).

use crate::{
    discovery::{DiscoveryFault, Issuer, Metadata},
    fault::{FetchFault, Shown},
    fetch::{Asking, Bounds, Fetcher, Media, Message},
    introspection::encoded,
    roots::Roots,
    target::Target,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::{Mutex, Semaphore};
use wardgate_model::{secret::Secret, time::Time, trust::Reach};
use wardgate_proof::jose::{
    algorithm::Algorithms,
    claims::Claims,
    expected::{Expected, Sharing},
    json::{self, JsonFault},
    jwk::{Accepting, Usage},
    jwt,
    key_set::{KeySet, SetFault},
    kind::TokenKind,
    refusal::Refusal,
};

/// Longest code that is handed on, in bytes.
pub const CODE_BYTES_MAX: usize = 4 * 1024;
/// Longest life of an ID token.
pub const LIFE_MAX: Duration = Duration::from_hours(24);
/// How far the issuer's clock may be from ours.
const LEEWAY: Duration = Duration::from_secs(30);
/// How long what an issuer says of itself is remembered.
const REMEMBERED: Duration = Duration::from_mins(5);
/// How long it is left alone after it could not be discovered.
const PAUSE: Duration = Duration::from_secs(5);
/// Most codes that are exchanged at a time.
const EXCHANGES_MAX: usize = 8;
/// What the answer of a token endpoint may hold.
const ANSWER: json::Bounds = json::Bounds { depth: 8, values: 1_024 };

/// Who we are at the issuer.
#[derive(Debug, Clone)]
pub struct Client {
    /// `client_id`.
    pub id: Box<str>,
    /// `client_secret`; without one we are a public client, and PKCE alone binds the code to us.
    pub secret: Option<Secret<String>>,
}

/// Why nobody can be signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInFault {
    /// It is not known where the issuer signs people in.
    #[error(transparent)]
    Discovery(#[from] DiscoveryFault),
    /// It could not be discovered a moment ago.
    #[error("the issuer could not be discovered a moment ago, and is left alone for {} s", PAUSE.as_secs())]
    Paused,
    /// It does not sign people in.
    #[error("the discovery document has no `{0}` that can be used")]
    Endpoint(&'static str),
    /// The token endpoint or the keys cannot be had.
    #[error(transparent)]
    Fetch(FetchFault),
    /// The token endpoint does not take the code, or does not know us (RFC 6749 §5.2).
    #[error("the token endpoint takes neither the code nor us: it answered {0}")]
    Refused(StatusCode),
    /// The answer of the token endpoint cannot be read.
    #[error("the answer of the token endpoint cannot be read: {0}")]
    Unreadable(#[from] JsonFault),
    /// The answer holds no ID token.
    #[error("the answer of the token endpoint has no `id_token`")]
    Nothing,
    /// The keys cannot be read.
    #[error("the keys of the issuer: {0}")]
    Keys(#[from] SetFault),
    /// The ID token is not genuine, or not for us.
    #[error("the ID token: {0}")]
    Token(#[from] Refusal),
    /// The ID token was made for another sign-in, or for another client.
    #[error("the ID token: `{0}` is another")]
    Foreign(&'static str),
    /// Too many codes are exchanged at the moment.
    #[error("too many sign-ins at once")]
    Busy,
    /// What we know or were brought cannot be sent.
    #[error("{0} cannot be sent")]
    Unsendable(&'static str),
}

impl SignInFault {
    /// Whether the issuer answered, and what it said does not hold: another try with the same code does not help.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Token(_) | Self::Foreign(_) | Self::Nothing)
    }
}

/// What somebody brings back from the issuer.
#[derive(Debug, Clone, Copy)]
pub struct Returned<'a> {
    /// The code.
    pub code: &'a str,
    /// What the code was bound to when it was asked for (RFC 7636 §4.1).
    pub verifier: &'a Secret<String>,
    /// What the ID token has to repeat (OpenID Connect Core §3.1.2.1).
    pub nonce: &'a str,
    /// Where the issuer sent it back to.
    pub redirect_uri: &'a str,
}

/// An issuer whose word counts for people.
pub struct Provider {
    fetcher: Fetcher,
    issuer: Issuer,
    client: Client,
    authorization: Option<HeaderValue>,
    reach: Reach,
    roots: Roots,
    expected: Expected,
    known: Mutex<Known>,
    places: Semaphore,
}

/// What is remembered of an issuer.
#[derive(Debug, Default)]
struct Known {
    metadata: Option<(Arc<Metadata>, Time)>,
    failed: Option<Time>,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Provider {
    /// An issuer, nothing fetched yet.
    ///
    /// # Errors
    /// When our secret cannot be written as a header.
    pub fn new(fetcher: Fetcher, issuer: Issuer, client: Client, reach: Reach, roots: Roots) -> Result<Self, SignInFault> {
        let authorization = client.secret.as_ref().map(|secret| basic(&client.id, secret)).transpose()?;
        let expected = Expected {
            issuer: Some(issuer.to_string().into()),
            audiences: [client.id.clone()].into(),
            // OpenID Connect Core §3.1.3.7: an audience that we do not know is none that we trust.
            sharing: Sharing::Refused,
            kinds: [TokenKind::Plain].into(),
            trust_domain: None,
            subject_claim: "sub".into(),
            on_behalf_of: None,
            leeway: LEEWAY,
            life_max: LIFE_MAX,
        };
        let (known, places) = (Mutex::default(), Semaphore::new(EXCHANGES_MAX));
        Ok(Self { fetcher, issuer, client, authorization, reach, roots, expected, known, places })
    }

    /// The issuer's identifier.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.issuer.to_string()
    }

    /// What the issuer says of itself. It is asked by one at a time, and remembered for a while.
    async fn metadata(&self, now: Time) -> Result<Arc<Metadata>, SignInFault> {
        let mut known = self.known.lock().await;
        if let Some((metadata, at)) = &known.metadata
            && now.since(*at) < REMEMBERED
        {
            return Ok(Arc::clone(metadata));
        }
        if known.failed.is_some_and(|at| now.since(at) < PAUSE) {
            return Err(SignInFault::Paused);
        }
        match self.issuer.discover(&self.fetcher, &self.reach, &self.roots, Bounds::KEYS).await {
            Ok((metadata, _)) => {
                let metadata = Arc::new(metadata);
                *known = Known { metadata: Some((Arc::clone(&metadata), now)), failed: None };
                Ok(metadata)
            }
            Err(fault) => {
                *known = Known { metadata: None, failed: Some(now) };
                Err(fault.into())
            }
        }
    }

    /// Where somebody is sent to sign in: the authorization endpoint with these parameters and who we are. Never more than
    /// text goes into it; no secret does.
    ///
    /// # Errors
    /// When the issuer cannot be discovered, or signs nobody in.
    pub async fn way(&self, parameters: &[(&str, &str)], now: Time) -> Result<String, SignInFault> {
        let metadata = self.metadata(now).await?;
        let endpoint = metadata.authorization_endpoint.as_ref().ok_or(SignInFault::Endpoint("authorization_endpoint"))?;
        let mut way = endpoint.to_string();
        let fixed = [("response_type", "code"), ("client_id", &*self.client.id)];
        // An endpoint may have a query of its own, which stays (RFC 6749 §3.1).
        let mut mark = if way.contains('?') { '&' } else { '?' };
        for (name, value) in fixed.iter().chain(parameters) {
            way.push(mark);
            way.push_str(&format!("{name}={}", encoded(value)));
            mark = '&';
        }
        Ok(way)
    }

    /// Whether an answer comes from this issuer: what it says of itself in `iss` (RFC 9207 §2.4). One that says it always says
    /// so must say so.
    ///
    /// # Errors
    /// When the issuer cannot be discovered.
    pub async fn is_of(&self, iss: Option<&str>, now: Time) -> Result<bool, SignInFault> {
        match iss {
            Some(iss) => Ok(iss == self.issuer.to_string()),
            None => Ok(!self.metadata(now).await?.names_issuer),
        }
    }

    /// What the ID token says that a code is worth. All of it is verified: signature, issuer, audience, times, nonce.
    ///
    /// # Errors
    /// When there is no such token, or it does not hold.
    pub async fn exchange(&self, returned: Returned<'_>, now: Time) -> Result<Claims, SignInFault> {
        if returned.code.len() > CODE_BYTES_MAX {
            return Err(SignInFault::Unsendable("the code"));
        }
        let _place = self.places.try_acquire().map_err(|_| SignInFault::Busy)?;
        let metadata = self.metadata(now).await?;
        let endpoint = metadata.token_endpoint.as_ref().ok_or(SignInFault::Endpoint("token_endpoint"))?;
        let token = self.id_token(endpoint, &returned).await?;
        let keys = self.keys(&metadata.jwks_uri).await?;
        let claims = jwt::verify(token.danger_expose(), &keys, &self.expected, now)?.claims;
        self.check(&claims, returned.nonce)?;
        Ok(claims)
    }

    async fn id_token(&self, endpoint: &Target, returned: &Returned<'_>) -> Result<Secret<String>, SignInFault> {
        let mut body = format!(
            "grant_type=authorization_code&code={}&redirect_uri={}&code_verifier={}",
            encoded(returned.code),
            encoded(returned.redirect_uri),
            encoded(returned.verifier.danger_expose()),
        );
        if self.authorization.is_none() {
            body.push_str(&format!("&client_id={}", encoded(&self.client.id)));
        }
        let message = Message::Form { body: Bytes::from(body), authorization: self.authorization.clone() };
        let answer = self.fetch(endpoint, message).await.map_err(|fault| match fault {
            FetchFault::Status { status, .. } if status.is_client_error() => SignInFault::Refused(status),
            fault => SignInFault::Fetch(fault),
        })?;
        let members = json::object(&answer, ANSWER)?;
        let token = members.get("id_token").and_then(|token| token.as_str()).ok_or(SignInFault::Nothing)?;
        Ok(Secret::new(token.to_owned()))
    }

    /// The keys as they are now: sign-ins are few.
    async fn keys(&self, target: &Target) -> Result<KeySet, SignInFault> {
        let answer = self.fetch(target, Message::Read).await.map_err(SignInFault::Fetch)?;
        Ok(KeySet::parse(&answer, Accepting { algorithms: Algorithms::ALL, usage: Usage::Signature })?)
    }

    async fn fetch(&self, target: &Target, message: Message) -> Result<Bytes, FetchFault> {
        let (reach, roots) = (&self.reach, &self.roots);
        let asking = Asking { target, message, media: Media::Json, reach, roots, bounds: Bounds::KEYS };
        Ok(self.fetcher.fetch(&asking).await?.body)
    }

    /// What OpenID Connect wants beside what every token must hold (Core §3.1.3.7).
    fn check(&self, claims: &Claims, nonce: &str) -> Result<(), SignInFault> {
        if claims.issued().is_none() {
            return Err(Refusal::Missing("iat").into());
        }
        if claims.text("nonce") != Some(nonce) {
            return Err(SignInFault::Foreign("nonce"));
        }
        match claims.all().get("azp").map(|azp| azp.as_str()) {
            None => Ok(()),
            Some(azp) if azp == Some(&*self.client.id) => Ok(()),
            Some(_) => Err(SignInFault::Foreign("azp")),
        }
    }
}

/// `client_secret_basic`: both are encoded as a form before they are joined (RFC 6749 §2.3.1).
fn basic(id: &str, secret: &Secret<String>) -> Result<HeaderValue, SignInFault> {
    let pair = Secret::new(format!("{}:{}", encoded(id), encoded(secret.danger_expose())));
    let text = Secret::new(format!("Basic {}", STANDARD.encode(pair.danger_expose())));
    let mut value = HeaderValue::from_str(text.danger_expose()).map_err(|_| SignInFault::Unsendable("our secret"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// What an issuer said of an error, fit to be shown (RFC 6749 §4.1.2.1).
#[must_use]
pub fn shown(error: &str) -> Shown {
    Shown::quoted(error.as_bytes())
}
