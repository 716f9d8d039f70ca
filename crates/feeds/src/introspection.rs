//! What an issuer says of an opaque token of its own (RFC 7662). What it says is handed on, not judged and not remembered here.

use crate::{
    fault::FetchFault,
    fetch::{Asking, Bounds, Fetcher, Media, Message},
    roots::Roots,
    target::Target,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value};
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{OnceCell, Semaphore},
    time::timeout,
};
use wardgate_model::{secret::Secret, trust::Reach};
use wardgate_proof::jose::{
    self,
    json::{self, JsonFault},
};

/// Longest token that is asked about, in bytes.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// Most that wait for answers to questions that others asked, or asked themselves.
pub const WAITERS_MAX: usize = 4_096;
/// What an answer may hold.
const BOUNDS: json::Bounds = json::Bounds { depth: 16, values: 4_096 };

/// How we say who we are: a server answers nobody else (§2.1).
#[derive(Debug, Clone)]
pub enum Authentication {
    /// `client_secret_basic` (RFC 6749 §2.3.1).
    Basic {
        /// Our id there.
        id: Box<str>,
        /// Our secret there.
        secret: Secret<String>,
    },
    /// A token of ours there.
    Bearer(Secret<String>),
}

/// Where and how an issuer is asked.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its introspection endpoint.
    pub target: Target,
    /// Who we are there.
    pub authentication: Authentication,
    /// How far we go for it.
    pub reach: Reach,
    /// Whom its server is certified by.
    pub roots: Roots,
    /// How long and how large an answer may be.
    pub bounds: Bounds,
    /// Most questions at a time.
    pub places: usize,
    /// Most that wait for a place.
    pub waiters: usize,
}

impl Endpoint {
    /// The shipped bounds: three seconds, 64 KiB.
    pub const BOUNDS: Bounds =
        Bounds { connect: Duration::from_secs(1), whole: Duration::from_secs(3), bytes_max: 64 * 1024, redirects_max: 0 };
    /// The shipped number of questions at a time.
    pub const PLACES: usize = 16;
    /// The shipped number of those that wait for a place.
    pub const WAITERS: usize = 256;
}

/// What an issuer says of a token.
#[derive(Debug, Clone, PartialEq)]
pub enum Introspected {
    /// It is active, and this is said of it (§2.2).
    Active(Map<String, Value>),
    /// It is not, and nothing else is said.
    Inactive,
}

/// Why nothing is known of a token.
#[derive(Debug, thiserror::Error)]
pub enum IntrospectionFault {
    /// The question came to nothing.
    #[error(transparent)]
    Fetch(FetchFault),
    /// It does not know us.
    #[error("the introspection endpoint does not accept how we say who we are")]
    Refused,
    /// The answer is none.
    #[error("the answer of the introspection endpoint cannot be read: {0}")]
    Unreadable(#[from] JsonFault),
    /// The answer does not say whether the token is active.
    #[error("the answer of the introspection endpoint does not say `active`")]
    Silent,
    /// The token is longer than [`TOKEN_BYTES_MAX`].
    #[error("a token of more than {TOKEN_BYTES_MAX} bytes is not asked about")]
    Long,
    /// Too many questions wait already, or this one has waited for too long.
    #[error("the introspection endpoint is asked too much at once")]
    Busy,
    /// Who we are cannot be written as a header.
    #[error("the secret for the introspection endpoint cannot be sent")]
    Secret,
}

/// What came of a question, for all who wait for it.
type Said = Result<Introspected, Arc<IntrospectionFault>>;

/// An issuer that can be asked.
pub struct Introspection {
    fetcher: Fetcher,
    endpoint: Endpoint,
    authorization: HeaderValue,
    places: Semaphore,
    /// Places and waiters together.
    room: Semaphore,
    /// Those who wait for an answer, whoever asked.
    waiting: Semaphore,
    /// The questions under way, by the hash of their token.
    asked: Mutex<HashMap<[u8; 32], Question>>,
    questions: AtomicU64,
    turned_away: AtomicU64,
}

/// A question under way.
#[derive(Default)]
struct Question {
    answer: Arc<OnceCell<Said>>,
    /// So many wait for its answer.
    waiting: usize,
}

/// A place among those who wait for the answer to one question. The last to go, or the first who has the answer, ends the question: an
/// answer is for those who asked before it came, and for nobody later.
struct Place<'a> {
    of: &'a Introspection,
    token: [u8; 32],
    answer: Arc<OnceCell<Said>>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut asked = self.of.asked();
        let Some(question) = asked.get_mut(&self.token).filter(|question| Arc::ptr_eq(&question.answer, &self.answer)) else { return };
        question.waiting = question.waiting.saturating_sub(1);
        if question.waiting == 0 || self.answer.initialized() {
            asked.remove(&self.token);
        }
    }
}

impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection").field("target", &self.endpoint.target).finish_non_exhaustive()
    }
}

impl Introspection {
    /// Ready to ask.
    ///
    /// # Errors
    /// When who we are cannot be written as a header.
    pub fn new(fetcher: Fetcher, endpoint: Endpoint) -> Result<Self, IntrospectionFault> {
        let text = match &endpoint.authentication {
            Authentication::Basic { id, secret } => {
                // Both are encoded as a form before they are joined: an id may have a colon.
                let pair = Secret::new(format!("{}:{}", encoded(id), encoded(secret.danger_expose())));
                format!("Basic {}", STANDARD.encode(pair.danger_expose()))
            }
            Authentication::Bearer(token) => format!("Bearer {}", token.danger_expose()),
        };
        let text = Secret::new(text);
        let mut authorization = HeaderValue::from_str(text.danger_expose()).map_err(|_| IntrospectionFault::Secret)?;
        authorization.set_sensitive(true);
        let (places, waiters) = (endpoint.places.clamp(1, 1_024), endpoint.waiters.min(65_536));
        let (places, room) = (Semaphore::new(places), Semaphore::new(places + waiters));
        let (waiting, asked) = (Semaphore::new(WAITERS_MAX), Mutex::default());
        let (questions, turned_away) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Self { fetcher, endpoint, authorization, places, room, waiting, asked, questions, turned_away })
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<[u8; 32], Question>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many wait for an answer now, whoever asked.
    #[must_use]
    pub fn waiting(&self) -> usize {
        WAITERS_MAX.saturating_sub(self.waiting.available_permits())
    }

    /// How many questions it was asked.
    #[must_use]
    pub fn questions(&self) -> u64 {
        self.questions.load(Ordering::Relaxed)
    }

    /// How many questions were turned away because too many waited, or had waited for too long.
    #[must_use]
    pub fn turned_away(&self) -> u64 {
        self.turned_away.load(Ordering::Relaxed)
    }

    fn turn_away(&self) -> IntrospectionFault {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
        IntrospectionFault::Busy
    }

    /// Asks about a token. Who asks about one that is asked about already waits for that answer: many at once cause one question. The
    /// answer is for now: how long it may be remembered is for whoever knows how fast a revocation must count. Dropping the wish is always
    /// right: another of those who wait asks in its place.
    ///
    /// # Errors
    /// When there is no answer that can be read in one way: then nothing is known of the token.
    pub async fn ask(&self, token: &str) -> Result<Introspected, Arc<IntrospectionFault>> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Arc::new(IntrospectionFault::Long));
        }
        let _waiting = self.waiting.try_acquire().map_err(|_| Arc::new(self.turn_away()))?;
        let place = self.place(jose::hash(token));
        place.answer.get_or_init(|| async { self.question(token).await.map_err(Arc::new) }).await.clone()
    }

    fn place(&self, token: [u8; 32]) -> Place<'_> {
        let mut asked = self.asked();
        let question = asked.entry(token).or_default();
        question.waiting = question.waiting.saturating_add(1);
        Place { of: self, token, answer: Arc::clone(&question.answer) }
    }

    /// One question.
    async fn question(&self, token: &str) -> Result<Introspected, IntrospectionFault> {
        let _room = self.room.try_acquire().map_err(|_| self.turn_away())?;
        let place = timeout(self.endpoint.bounds.whole, self.places.acquire()).await;
        let _place = place.ok().and_then(Result::ok).ok_or_else(|| self.turn_away())?;
        let asking = Asking {
            target: &self.endpoint.target,
            message: Message::Form {
                body: Bytes::from(format!("token={}&token_type_hint=access_token", encoded(token))),
                authorization: Some(self.authorization.clone()),
            },
            media: Media::Json,
            reach: &self.endpoint.reach,
            roots: &self.endpoint.roots,
            bounds: self.endpoint.bounds,
        };
        self.questions.fetch_add(1, Ordering::Relaxed);
        let answer = self.fetcher.fetch(&asking).await.map_err(|fault| match fault {
            FetchFault::Status { status: StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, .. } => IntrospectionFault::Refused,
            fault => IntrospectionFault::Fetch(fault),
        })?;
        let members = json::object(&answer.body, BOUNDS)?;
        match members.get("active") {
            Some(Value::Bool(true)) => Ok(Introspected::Active(members)),
            // What else is said of a token that is not active is not read: it must not be said (§2.2).
            Some(Value::Bool(false)) => Ok(Introspected::Inactive),
            Some(_) | None => Err(IntrospectionFault::Silent),
        }
    }
}

/// A value of a form (`application/x-www-form-urlencoded`).
pub(crate) fn encoded(text: &str) -> String {
    let mut form = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => form.push(char::from(byte)),
            b' ' => form.push('+'),
            _ => {
                form.push('%');
                for digit in [byte >> 4, byte & 0xf] {
                    form.push(char::from_digit(u32::from(digit), 16).unwrap_or('0').to_ascii_uppercase());
                }
            }
        }
    }
    form
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn a_form_has_no_other_meaning_than_its_value() {
        assert_eq!(encoded("a:b%c d&e=f\u{e9}~+"), "a%3Ab%25c+d%26e%3Df%C3%A9%7E%2B");
    }
}
