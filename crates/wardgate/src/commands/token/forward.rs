//! A forwarder on this machine, for programs that know nothing of tokens: they call it in the place of the API, with whatever they
//! always sent. It takes their credential off, puts a fresh token on, and passes everything else on as it comes.

mod door;
mod guard;
mod lanes;
mod rewound;

use super::{
    asking::{self, Asker, Token},
    fresh::{Fresh, Trouble},
    possession::{self, Possession},
    signals::Heard,
};
use crate::{
    cli::TokenArgs,
    clock,
    output::{Exit, line, note, plain},
};
use anyhow::Context as _;
use bytes::Bytes;
use door::Door;
use guard::{Guard, Names};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header, uri::PathAndQuery};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use lanes::Lanes;
use rewound::Rewound;
use serde_json::json;
use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, sleep_until, timeout},
};

/// Most connections at a time; further ones wait.
const CONNECTIONS_MAX: usize = 256;
/// Largest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Longest wait for the head of a request.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);
/// What is open when it ends may take so long.
const DRAIN: Duration = Duration::from_secs(10);
/// A token that is younger than this is not replaced because it was refused: the next one would be, too.
const YOUNG: Duration = Duration::from_secs(5);
/// So much of a body is taken in that is not passed on, in bytes.
const HEARD_OUT_MAX: usize = 4 * 1024 * 1024;
/// What is said where a nonce was asked for when it was too late.
const TOO_LATE: &str =
    "the gate wants a nonce, and more of the body has gone than is kept to be sent again: it is there now, send the request once more";

type Passed = Either<Incoming, Full<Bytes>>;

/// Why a request is sent again.
#[derive(Clone, Copy)]
enum Again {
    /// Its proof of possession is to say what was asked for.
    Nonce,
    /// The token was refused: by another one.
    Token,
}

/// What every connection has in common.
struct Forwarder {
    fresh: Fresh,
    guard: Guard,
    lanes: Lanes,
    host: HeaderValue,
    /// Scheme, host and port of the API, as proofs of possession name them.
    origin: String,
    possession: Option<Possession>,
    activity: Activity,
}

/// Whether anything goes on.
struct Activity {
    open: AtomicUsize,
    last: Mutex<Instant>,
}

/// A request that is open.
struct Open<'a>(&'a Activity);

impl Activity {
    fn begin(&self) -> Open<'_> {
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(self)
    }

    fn touch(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Returns when nothing went on for so long; never for `None`.
    async fn quiet(&self, span: Option<Duration>) {
        let Some(span) = span else { return std::future::pending().await };
        loop {
            let end = *self.last.lock().unwrap_or_else(PoisonError::into_inner) + span;
            if self.open.load(Ordering::Relaxed) > 0 {
                self.touch();
            } else if Instant::now() >= end {
                return;
            }
            sleep_until(end.max(Instant::now() + Duration::from_millis(100))).await;
        }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.touch();
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Forwards until it is told to end, or nothing came for so long.
///
/// # Errors
/// There is no first token, or nobody can listen there.
pub(super) async fn run(asker: Arc<Asker>, fresh: Fresh, address: &str, args: &TokenArgs) -> anyhow::Result<Exit> {
    let resource = args.resource.as_deref().context("`--proxy` needs `--resource`: the API's address")?;
    let target: Uri = resource.parse().with_context(|| format!("`{}` is no address", plain(resource)))?;
    let authority = target.authority().with_context(|| format!("`{}` names no host", plain(resource)))?;
    let host = HeaderValue::try_from(authority.as_str())?;
    let origin = format!("{}://{authority}", target.scheme_str().unwrap_or("https"));
    let possession = asker.possession();
    // Before there is a socket: no signal leaves it behind.
    let ends = Heard::ends().context("no signals can be listened for")?;
    let door = Door::open(address, args).await?;
    let names = match &door {
        Door::Unix(..) => Names::Any,
        Door::Tcp(_) => Names::Here(args.name.iter().map(|name| name.as_str().into()).collect()),
    };
    let strip = args.strip.iter().map(|name| HeaderName::try_from(name).with_context(|| format!("`{}` is no header", plain(name))));
    let guard = Guard {
        names,
        prefix: target.path().trim_end_matches('/').into(),
        strip: strip.collect::<Result<_, _>>()?,
        secret: args.local_secret_file.as_deref().map(asking::read).transpose()?,
    };
    let shown = door.shown(&guard.prefix)?;
    let activity = Activity { open: AtomicUsize::new(0), last: Mutex::new(Instant::now()) };
    let lanes = Lanes::new(asker.way().clone(), target);
    let forwarder = Arc::new(Forwarder { fresh, guard, lanes, host, origin, possession, activity });
    line(&format!("forwarding: {shown} -> {}", plain(resource)))?;
    serve(&door, &forwarder, ends, args.idle_exit).await
}

async fn serve(door: &Door, forwarder: &Arc<Forwarder>, mut ends: Heard, idle: Option<Duration>) -> anyhow::Result<Exit> {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let (ending, ended) = watch::channel(());
    let mut quiet = std::pin::pin!(forwarder.activity.quiet(idle));
    loop {
        let room = tokio::select! {
            free = Arc::clone(&room).acquire_owned() => free?,
            _ = ends.next() => break,
        };
        let stream = tokio::select! {
            accepted = door.accept() => accepted,
            _ = ends.next() => break,
            () = &mut quiet => break,
        };
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                note(&format!("warning: a connection could not be taken: {error}"));
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (forwarder, mut ended) = (Arc::clone(forwarder), ended.clone());
        tokio::spawn(async move {
            let _room = room;
            let service = service_fn(|request| {
                let forwarder = Arc::clone(&forwarder);
                async move { Ok::<_, Infallible>(forwarder.answer(request).await) }
            });
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(HEAD_PATIENCE).max_buf_size(HEAD_BYTES_MAX);
            let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
            tokio::select! {
                done = &mut connection => drop(done),
                _ = ended.changed() => {
                    connection.as_mut().graceful_shutdown();
                    drop(connection.await);
                }
            }
        });
    }
    drop(ended);
    drop(ending);
    let every = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
    if timeout(DRAIN, room.acquire_many(every)).await.is_err() {
        note("note: some requests were still open, and were cut");
    }
    Ok(Exit::Done)
}

impl Forwarder {
    async fn answer(&self, request: Request<Incoming>) -> Response<Passed> {
        let _open = self.activity.begin();
        let (mut head, body) = request.into_parts();
        if let Err(turned) = self.guard.check(&head) {
            return problem(turned.status(), &turned.to_string());
        }
        self.guard.strip(&mut head.headers);
        head.headers.insert(header::HOST, self.host.clone());
        let target = head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        head.uri = Uri::from(target);
        let body = Rewound::new(body);
        let kept = body.same();
        let token = match self.fresh.token().await {
            Ok(token) => token,
            Err(trouble) => return tokenless(&trouble),
        };
        let mut answer = match self.sent(&head, body, &token).await {
            Ok(answer) => answer,
            Err(error) => return problem(StatusCode::BAD_GATEWAY, &format!("{error:#}")),
        };
        // Each of them once: the proof that the API wants, the answer to a challenge that comes upon it, and another token.
        let (mut token, mut again) = (token, [Again::Nonce, Again::Nonce, Again::Token].as_slice());
        while let [next, rest @ ..] = again {
            // What the API itself refuses is for the program, whatever its status.
            if answer.status() != StatusCode::UNAUTHORIZED || !guard::is_by_the_gate(&answer) {
                break;
            }
            again = rest;
            let next = match next {
                Again::Nonce if !token.bound || !possession::is_asked_for(answer.headers()) => continue,
                Again::Nonce if !kept.is_whole() => {
                    hear_out(kept.rest()).await;
                    return problem(StatusCode::SERVICE_UNAVAILABLE, TOO_LATE);
                }
                Again::Nonce => Arc::clone(&token),
                Again::Token if !kept.is_whole() => break,
                Again::Token => match self.next(&token).await {
                    Some(next) => next,
                    None => break,
                },
            };
            let Some(body) = kept.again() else { break };
            answer = match self.sent(&head, body, &next).await {
                Ok(answer) => answer,
                Err(error) => return problem(StatusCode::BAD_GATEWAY, &format!("{error:#}")),
            };
            token = next;
        }
        passed(answer)
    }

    /// A token in the place of one that was refused; `None`: there is no sense in it.
    async fn next(&self, refused: &Arc<Token>) -> Option<Arc<Token>> {
        if refused.age(clock::instant()) < YOUNG {
            return None;
        }
        self.fresh.refused(refused);
        timeout(YOUNG, self.fresh.after(refused)).await.ok()?
    }

    async fn sent(&self, head: &http::request::Parts, body: Rewound<Incoming>, token: &Token) -> anyhow::Result<Response<Incoming>> {
        let mut request = Request::new(body);
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = head.uri.clone();
        *request.headers_mut() = head.headers.clone();
        let text = token.text.danger_expose();
        let bound = self.possession.as_ref().filter(|_| token.bound);
        let scheme = if bound.is_some() { "DPoP" } else { "Bearer" };
        let mut shown = HeaderValue::try_from(format!("{scheme} {text}"))?;
        shown.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, shown);
        if let Some(possession) = bound {
            // RFC 9449 §4.2: for this request alone, at the address that the gate is called by.
            let target = format!("{}{}", self.origin, head.uri.path());
            request.headers_mut().insert(possession::PROOF, possession.proof(head.method.as_str(), &target, Some(text))?);
        }
        let mut answer = self.lanes.send(&token.tls, request).await?;
        if let Some(possession) = bound {
            // It is for us: the program knows nothing of it.
            let nonce = answer.headers_mut().remove(possession::NONCE);
            possession.learn(nonce.as_ref().and_then(|nonce| nonce.to_str().ok()));
        }
        Ok(answer)
    }
}

/// Takes in what is left of a body, within bounds: who is cut off in the middle of it does not hear the answer.
async fn hear_out(mut body: Rewound<Incoming>) {
    let mut left = HEARD_OUT_MAX;
    let read = async {
        while let Some(Ok(frame)) = body.frame().await {
            match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
                Some(less) => left = less,
                None => break,
            }
        }
    };
    let _in_time = timeout(YOUNG, read).await;
}

/// An answer of the gate, as it is.
fn passed(answer: Response<Incoming>) -> Response<Passed> {
    let mut answer = answer.map(Either::Left);
    guard::of_the_connection(answer.headers_mut());
    answer
}

/// There is no token, why, and when to come back.
fn tokenless(trouble: &Trouble) -> Response<Passed> {
    let mut answer = problem(StatusCode::SERVICE_UNAVAILABLE, &trouble.to_string());
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(trouble.left().as_secs().saturating_add(1)));
    answer
}

/// An answer of our own (RFC 9457).
fn problem(status: StatusCode, detail: &str) -> Response<Passed> {
    let body = json!({ "title": "not forwarded", "status": status.as_u16(), "detail": detail, "code": "forwarder" }).to_string();
    let mut answer = Response::new(Either::Right(Full::new(Bytes::from(body))));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
