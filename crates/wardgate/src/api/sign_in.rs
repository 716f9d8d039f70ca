//! People sign in to the management API at an issuer (OpenID Connect Core 1.0 §3.1; RFC 9700, RFC 7636, RFC 9207), in a browser or
//! for a command that waits (RFC 8252).
//!
//! Four steps: the page, off to the issuer, back from it, and a command's swap of its code. Nothing is kept of whoever has only
//! begun; what comes back is bound to the browser that left. A session in a browser is a cookie, and only under TLS: browsers
//! hand the cookies of this machine's address to every port of it.

mod bound;
pub(crate) mod command;
mod page;
pub(crate) mod query;
mod vouched;

use crate::{
    clock,
    config::{SignIn as Settings, secret_text},
    control::{Control, NotLetIn, Person, PersonSession},
};
use bound::{Begun, Binding, cookie};
use bytes::Bytes;
use command::{Codes, Wish};
use http::{HeaderMap, StatusCode, header};
use page::{Answer, document, elsewhere, page, problem, with_cookie};
use query::Query;
use serde::Deserialize;
use serde_json::json;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};
use vouched::Nobody;
use wardgate_console::{Call, SignInStep};
use wardgate_edge::cookie::SESSION as SESSION_COOKIE;
use wardgate_feeds::{
    discovery::Issuer,
    fetch::Fetcher,
    resolve::SystemResolver,
    roots::Roots,
    sign_in::{Client, Provider, Returned, SignInFault, shown},
};
use wardgate_model::{id::IdentityId, secret::Secret, time::Time, trust::Reach};
use wardgate_proof::{entropy::SystemEntropy, jose::claims::Claims};

/// The cookie of a sign-in under way, under TLS.
const BEGUN: &str = "__Host-wardgate-sign-in";
/// The same on this machine, where there is no TLS: a browser would not take the other.
const BEGUN_HERE: &str = "wardgate-sign-in";
/// Most returns that are remembered so that none counts twice. The issuer takes a code once, too.
const RETURNED_MAX: usize = 4_096;

/// Who waits for a session, and until when the issuer's word counts.
#[derive(Debug, Clone)]
struct Vouched {
    person: Person,
    until: Time,
}

/// The way in for people.
pub(super) struct SignIn {
    control: Arc<Control>,
    settings: Settings,
    provider: Provider,
    url: OnceLock<String>,
    codes: Codes<Vouched>,
    returned: Mutex<HashMap<[u8; 32], Time>>,
}

/// Why a step leads nowhere, for the one who sees it.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    why: String,
}

impl Refused {
    fn new(status: StatusCode, why: impl ToString) -> Self {
        Self { status, why: why.to_string() }
    }

    fn page(&self) -> Answer {
        page(self.status, "Not signed in", &[&self.why], Some(("/sign-in", "try again")))
    }
}

impl From<NotLetIn> for Refused {
    fn from(why: NotLetIn) -> Self {
        match &why {
            NotLetIn::Store(fault) => tracing::error!(%fault, "a sign-in could not be put on record"),
            NotLetIn::Fault(error) => tracing::error!(%error, "a sign-in failed"),
            _ => return Self::new(StatusCode::FORBIDDEN, why),
        }
        Self::new(StatusCode::SERVICE_UNAVAILABLE, why)
    }
}

impl From<SignInFault> for Refused {
    fn from(fault: SignInFault) -> Self {
        tracing::warn!(%fault, "a sign-in at the issuer failed");
        match fault {
            SignInFault::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "too many people sign in at once: try again in a moment"),
            fault if fault.is_refusal() => Self::new(StatusCode::FORBIDDEN, "what the issuer said of you does not hold here"),
            _ => Self::new(StatusCode::BAD_GATEWAY, "the issuer cannot be asked at present: the log says why"),
        }
    }
}

impl SignIn {
    /// The way in that a configuration describes; `None`: there is none.
    ///
    /// # Errors
    /// When the client's secret or the roots cannot be read.
    pub(super) fn new(control: &Arc<Control>) -> anyhow::Result<Option<Self>> {
        let Some(settings) = control.config().sign_in.clone() else { return Ok(None) };
        let secret = settings.client_secret.as_ref().map(|source| secret_text(source, "the secret of `admin.sign_in`")).transpose()?;
        let secret = secret.map(|text| Secret::new(text.danger_expose().trim().to_owned()));
        let roots = match &settings.roots {
            Some(path) => Roots::only(&std::fs::read_to_string(path)?)?,
            None => Roots::system()?,
        };
        let provider = Provider::new(
            Fetcher::new(Arc::new(SystemResolver)),
            Issuer::parse(&settings.issuer)?,
            Client { id: settings.client_id.clone(), secret },
            Reach { networks: settings.networks.clone(), roots: None },
            roots,
        )?;
        let url = settings.url.clone().map_or_else(OnceLock::new, OnceLock::from);
        let (codes, returned) = (Codes::default(), Mutex::default());
        Ok(Some(Self { control: Arc::clone(control), settings, provider, url, codes, returned }))
    }

    /// Says where the admin listener is; an address that was configured stays.
    pub(super) fn listens_at(&self, admin: SocketAddr) {
        let _only_once = self.url.set(format!("http://{admin}"));
    }

    fn url(&self) -> &str {
        self.url.get().map_or("", String::as_str)
    }

    fn callback(&self) -> String {
        format!("{}{}", self.url(), SignInStep::Callback.path())
    }

    fn under_tls(&self) -> bool {
        self.url().starts_with("https://")
    }

    fn binding(&self) -> Binding<'_> {
        Binding(self.control.material().pepper())
    }

    /// Answers a step.
    pub(super) async fn answer(&self, step: SignInStep, call: &Call) -> Answer {
        let now = clock::now();
        let query = Query::read(call.query.as_deref().unwrap_or_default());
        let query = query.map_err(|unreadable| Refused::new(StatusCode::BAD_REQUEST, unreadable));
        let answered = match (step, query) {
            (SignInStep::Swap, _) => return self.swap(&call.headers, &call.body, now).await,
            (_, Err(refused)) => Err(refused),
            (SignInStep::Page, Ok(query)) => self.page(&query, call),
            (SignInStep::Start, Ok(query)) => self.start(&query, &call.headers, now).await,
            (SignInStep::Callback, Ok(query)) => self.callback_of(&query, &call.headers, now).await,
        };
        answered.unwrap_or_else(|refused| refused.page())
    }

    /// Says what is about to happen. It always stands at the one address that the issuer leads back to, or no cookie would count.
    fn page(&self, query: &Query, call: &Call) -> Result<Answer, Refused> {
        let wish = wish(query)?;
        let rest = wish.as_ref().map(|wish| format!("?{}", wish.query())).unwrap_or_default();
        let host = call.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let ours = self.url().split_once("://").map_or("", |(_, authority)| authority);
        if host.is_some_and(|host| !host.eq_ignore_ascii_case(ours)) {
            return Ok(elsewhere(&format!("{}{}{rest}", self.url(), SignInStep::Page.path())));
        }
        let at = format!("you will be sent to {}", self.settings.issuer);
        let to = format!("{}{}{rest}", self.url(), SignInStep::Start.path());
        let what = match &wish {
            Some(wish) => format!(
                "a command that listens at {} of this machine asks to act for you: go on only if you have started it yourself, just now",
                wish.listener()
            ),
            None if self.under_tls() => "this browser will have a session of the management API".to_owned(),
            None => {
                let why = "without TLS no session is kept in a browser, which would show it to every port of this machine";
                return Ok(page(StatusCode::OK, "Sign in to Wardgate", &[why, "for commands: `wardgate login`"], None));
            }
        };
        Ok(page(StatusCode::OK, "Sign in to Wardgate", &[&what, &at], Some((&to, "sign in"))))
    }

    /// Off to the issuer.
    async fn start(&self, query: &Query, headers: &HeaderMap, now: Time) -> Result<Answer, Refused> {
        let wish = wish(query)?;
        if wish.is_none() && !self.under_tls() {
            return Err(Refused::new(StatusCode::BAD_REQUEST, "without TLS no session is kept in a browser: use `wardgate login`"));
        }
        // Whoever goes on has seen the page: no other site starts this, and no link in a mail.
        let from = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
        if from.is_some_and(|site| site != "same-origin") {
            return Err(Refused::new(StatusCode::FORBIDDEN, "another site has led here: begin at the page"));
        }
        let begun = Begun::new(wish, now, &SystemEntropy).map_err(|error| Refused::from(NotLetIn::Fault(error.into())))?;
        let binding = self.binding();
        let scopes = std::iter::once("openid").chain(self.settings.scopes.iter().map(AsRef::as_ref)).collect::<Vec<_>>().join(" ");
        let challenge = command::challenge(begun.verifier(binding).danger_expose());
        let parameters = [
            ("redirect_uri", self.callback()),
            ("scope", scopes),
            ("state", begun.state(binding)),
            ("nonce", begun.nonce(binding)),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256".to_owned()),
        ];
        let parameters = parameters.each_ref().map(|(name, value)| (*name, value.as_str()));
        let way = self.provider.way(&parameters, now).await?;
        Ok(with_cookie(elsewhere(&way), &self.begun_cookie(&begun.cookie(binding), bound::LIFE.as_secs())))
    }

    /// `Lax`, since the issuer leads back here from another site.
    fn begun_cookie(&self, value: &str, seconds: u64) -> String {
        if self.under_tls() {
            format!("{BEGUN}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax; Secure")
        } else {
            format!("{BEGUN_HERE}={value}; Path=/sign-in; Max-Age={seconds}; HttpOnly; SameSite=Lax")
        }
    }

    /// Back from the issuer; whatever came of it, this sign-in is over.
    async fn callback_of(&self, query: &Query, headers: &HeaderMap, now: Time) -> Result<Answer, Refused> {
        let answered = self.come_back(query, headers, now).await;
        let answer = answered.unwrap_or_else(|refused| refused.page());
        Ok(with_cookie(answer, &self.begun_cookie("", 0)))
    }

    async fn come_back(&self, query: &Query, headers: &HeaderMap, now: Time) -> Result<Answer, Refused> {
        let begun = self.returned(query, headers, now)?;
        if !self.provider.is_of(query.value("iss"), now).await? {
            return Err(Refused::new(StatusCode::FORBIDDEN, "this is the answer of another issuer"));
        }
        if let Some(error) = query.value("error") {
            return Err(Refused::new(StatusCode::FORBIDDEN, format!("the issuer refused: {}", shown(error))));
        }
        let code = query.value("code").ok_or_else(|| Refused::new(StatusCode::BAD_REQUEST, "the issuer brought no code"))?;
        let (verifier, nonce) = (begun.verifier(self.binding()), begun.nonce(self.binding()));
        let returned = Returned { code, verifier: &verifier, nonce: &nonce, redirect_uri: &self.callback() };
        let claims = self.provider.exchange(returned, now).await?;
        let vouched = self.vouched(&claims, now).await?;
        match &begun.wish {
            Some(wish) => {
                let code = self.codes.give(vouched, wish, now, &SystemEntropy);
                let code = code.map_err(|why| Refused::new(StatusCode::SERVICE_UNAVAILABLE, why))?;
                Ok(elsewhere(&wish.bring(&code)))
            }
            None => {
                let session = self.open(&vouched, now).await?;
                let seconds = session.expires.since(now).as_secs();
                let cookie = format!(
                    "{SESSION_COOKIE}={}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict; Secure",
                    session.token.danger_expose()
                );
                let until = format!("this browser has a session of the management API until {}", session.expires);
                Ok(with_cookie(page(StatusCode::OK, "Signed in", &[&until], None), &cookie))
            }
        }
    }

    /// The sign-in that this browser has begun, once.
    fn returned(&self, query: &Query, headers: &HeaderMap, now: Time) -> Result<Begun, Refused> {
        let name = if self.under_tls() { BEGUN } else { BEGUN_HERE };
        let begun = cookie(headers, name).zip(query.value("state"));
        let begun = begun.and_then(|(value, state)| Begun::returned(value, state, self.binding(), now));
        let begun = begun.ok_or_else(|| {
            Refused::new(StatusCode::FORBIDDEN, "this browser has begun no such sign-in, or did so more than ten minutes ago")
        })?;
        let mut returned = self.returned.lock().unwrap_or_else(PoisonError::into_inner);
        returned.retain(|_, until| *until > now);
        if returned.insert(begun.mark(self.binding()), now + bound::LIFE).is_some() {
            return Err(Refused::new(StatusCode::FORBIDDEN, "this sign-in came back before"));
        }
        if returned.len() > RETURNED_MAX
            && let Some(oldest) = returned.iter().min_by_key(|(_, until)| **until).map(|(mark, _)| *mark)
        {
            returned.remove(&oldest);
        }
        Ok(begun)
    }

    /// Whom the token is about: put on record as it is now, or told that it is nobody here.
    async fn vouched(&self, claims: &Claims, now: Time) -> Result<Vouched, Refused> {
        let subject = claims.subject().unwrap_or_default();
        let id = vouched::identity(self.control.material().pepper(), &self.settings.issuer, subject);
        let id = id.ok_or_else(|| Refused::new(StatusCode::SERVICE_UNAVAILABLE, "it cannot be done at present"))?;
        let person = match vouched::person(claims, id.clone(), &self.settings) {
            Ok(person) => person,
            Err(nobody) => return Err(self.turn_away(&id, &nobody, now).await),
        };
        if let Err(why) = self.control.put_person(&person, now).await {
            self.control.tell_not_let_in(&id, &why.to_string(), now);
            if matches!(why, NotLetIn::NoOwner(_) | NotLetIn::NoEnvironment(_)) {
                // It could not be put on record as it is now: as it was it counts no more either.
                self.control.strip_person(&id, &self.settings.issuer, now).await?;
            }
            return Err(why.into());
        }
        let until = claims.expires().unwrap_or(now).min(now + self.settings.session);
        Ok(Vouched { person, until })
    }

    /// Somebody who is nobody here has no power left in any session.
    async fn turn_away(&self, id: &IdentityId, nobody: &Nobody, now: Time) -> Refused {
        self.control.tell_not_let_in(id, &nobody.to_string(), now);
        match self.control.strip_person(id, &self.settings.issuer, now).await {
            Ok(()) => Refused::new(StatusCode::FORBIDDEN, nobody),
            Err(fault) => fault.into(),
        }
    }

    async fn open(&self, vouched: &Vouched, now: Time) -> Result<PersonSession, Refused> {
        let opened = self.control.open_person_session(&vouched.person, vouched.until, now).await;
        opened.map_err(|why| {
            self.control.tell_not_let_in(&vouched.person.id, &why.to_string(), now);
            why.into()
        })
    }

    /// A command swaps its code for a session.
    async fn swap(&self, headers: &HeaderMap, body: &Bytes, now: Time) -> Answer {
        let again = "sign in again: `wardgate login`";
        // A page of another site cannot send this type without being asked first.
        let json_said = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == b"application/json");
        let Some(swap) = serde_json::from_slice::<Swap>(body).ok().filter(|_| json_said) else {
            return problem(StatusCode::BAD_REQUEST, "the request cannot be read", "send `code` and `code_verifier` as JSON");
        };
        let (code, verifier) = (Secret::new(swap.code), Secret::new(swap.code_verifier));
        let Some(vouched) = self.codes.take(code.danger_expose(), verifier.danger_expose(), now) else {
            return problem(StatusCode::FORBIDDEN, "this code is not good, or not any more", again);
        };
        match self.open(&vouched, now).await {
            Ok(session) => document(
                StatusCode::CREATED,
                &json!({
                    "token": session.token.danger_expose(),
                    "id": &*session.id,
                    "identity": vouched.person.id.as_str(),
                    "expires": session.expires.to_rfc3339(),
                }),
            ),
            Err(refused) => problem(refused.status, &refused.why, again),
        }
    }
}

/// What a command sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Swap {
    code: String,
    code_verifier: String,
}

/// The command that waits, if one does.
fn wish(query: &Query) -> Result<Option<Wish>, Refused> {
    let Some(redirect_uri) = query.value("redirect_uri") else { return Ok(None) };
    let value = |name: &str| query.value(name).unwrap_or_default();
    let wish = Wish::read(redirect_uri, value("code_challenge"), value("code_challenge_method"), value("state"));
    let why = "a command waits at `http://127.0.0.1:PORT/` or `http://[::1]:PORT/`, with a challenge by `S256` and a state";
    wish.map(Some).ok_or_else(|| Refused::new(StatusCode::BAD_REQUEST, why))
}
