//! What stands behind the gate: servers on real sockets that remember every request which reached them.

use super::assertion::Believed;
use crate::clock;
use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited, combinators::BoxBody};
use hyper::{
    body::{Body, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    fs,
    net::SocketAddr,
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{net::TcpListener, time::Interval};
use wardgate_model::secret::Secret;

/// Requests that one server remembers.
const SEEN_MAX: usize = 100_000;
/// Largest body that is read, in bytes.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Time for a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How often something changes in stock.
const CHANGES: Duration = Duration::from_millis(5);

/// A request that reached the server.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// Its method.
    pub(super) method: Method,
    /// Its path and query, as they came.
    pub(super) target: String,
    /// Its header fields, as they came.
    pub(super) headers: HeaderMap,
}

/// Which server.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// Orders, inventory, log-in, export, admin. It trusts whoever reaches it, as too many do.
    Shop,
    /// A legacy system with one shared key in `X-Api-Key`.
    Warehouse(Arc<SharedKey>),
    /// An issuer of tokens with these keys (RFC 7517 §5), and where they are (OpenID Connect Discovery 1.0 §4).
    Issuer(Arc<Value>),
    /// One that trusts whoever reaches it, until it is told whom to believe.
    Returns(Arc<OnceLock<Believed>>),
    /// An application that still looks at its callers' keys itself, and has long forgotten whose they are.
    Billing(Arc<[Secret<String>]>),
    /// One that is broken for as long as this says so.
    Parcels(Arc<AtomicBool>),
}

/// The one key that the warehouse knows: the first, and one that is brought to it.
#[derive(Debug)]
pub(super) struct SharedKey {
    first: Secret<String>,
    delivered: PathBuf,
    forgotten: AtomicBool,
}

impl SharedKey {
    /// With a first key, and the file that another is brought to.
    pub(super) const fn new(first: Secret<String>, delivered: PathBuf) -> Self {
        Self { first, delivered, forgotten: AtomicBool::new(false) }
    }

    /// The first.
    pub(super) const fn first(&self) -> &Secret<String> {
        &self.first
    }

    /// The one that was brought, if any was.
    pub(super) fn delivered(&self) -> Option<Secret<String>> {
        fs::read_to_string(&self.delivered).ok().map(Secret::new)
    }

    /// The first is not taken any more.
    pub(super) fn forget_first(&self) {
        self.forgotten.store(true, Ordering::SeqCst);
    }

    fn takes(&self, shown: &[u8]) -> bool {
        let first = !self.forgotten.load(Ordering::SeqCst) && shown == self.first.danger_expose().as_bytes();
        first || self.delivered().is_some_and(|delivered| shown == delivered.danger_expose().as_bytes())
    }
}

/// A server behind the gate.
#[derive(Debug)]
pub(super) struct Upstream {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Upstream {
    /// Starts one on a port of its own.
    pub(super) async fn start(kind: Kind) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot listen on 127.0.0.1")?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(accept(listener, kind, Arc::clone(&seen)));
        Ok(Self { address, seen })
    }

    /// Its address.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests have reached it.
    pub(super) fn count(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Those that reached it after the first `from`.
    pub(super) fn since(&self, from: usize) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).iter().skip(from).cloned().collect()
    }

    /// How often each path was reached, whatever the query.
    pub(super) fn by_path(&self) -> BTreeMap<String, usize> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().fold(BTreeMap::new(), |mut counts, request| {
            let path = request.target.split('?').next().unwrap_or_default();
            *counts.entry(format!("{} {path}", request.method)).or_default() += 1;
            counts
        })
    }
}

async fn accept(listener: TcpListener, kind: Kind, seen: Arc<Mutex<Vec<Seen>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (kind, seen) = (kind.clone(), Arc::clone(&seen));
        let service = service_fn(move |request| {
            let (kind, seen) = (kind.clone(), Arc::clone(&seen));
            async move { Ok::<_, Infallible>(answer(&kind, &seen, request).await) }
        });
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
        // A client that breaks off is its own business.
        tokio::spawn(async move { drop(server.serve_connection(TokioIo::new(stream), service).await) });
    }
}

async fn answer(kind: &Kind, seen: &Mutex<Vec<Seen>>, request: Request<Incoming>) -> Response<BoxBody<Bytes, Infallible>> {
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() < SEEN_MAX {
            seen.push(Seen { method: head.method.clone(), target, headers: head.headers.clone() });
        }
    }
    let body = whole(body).await.unwrap_or_default();
    if matches!(kind, Kind::Shop) && head.uri.path() == "/shop/inventory/changes" {
        return Response::new(Changing(tokio::time::interval(CHANGES)).boxed());
    }
    let (status, document) = match kind {
        Kind::Shop => shop(&head.method, head.uri.path(), &body),
        Kind::Warehouse(key) => warehouse(head.uri.path(), &head.headers, key),
        Kind::Issuer(keys) => issuer(head.uri.path(), &head.headers, keys),
        Kind::Billing(keys) => billing(head.uri.path(), &head.headers, keys),
        Kind::Parcels(broken) => parcels(head.uri.path(), broken.load(Ordering::SeqCst)),
        Kind::Returns(believed) => returns(&head.method, head.uri.path(), &head.headers, believed.get()),
    };
    let mut response = Response::new(Full::new(Bytes::from(document.to_string())).boxed());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}

#[expect(clippy::disallowed_methods, reason = "INVARIANT (bounded): the body is read under `Limited`")]
async fn whole(body: Incoming) -> Option<Bytes> {
    Some(Limited::new(body, BODY_BYTES_MAX).collect().await.ok()?.to_bytes())
}

fn shop(method: &Method, path: &str, body: &[u8]) -> (StatusCode, Value) {
    let rest = path.strip_prefix("/shop/").unwrap_or_default();
    let parts: Vec<&str> = rest.split('/').collect();
    let order = |id: &str| json!({ "id": id, "total": "42.00", "currency": "EUR" });
    match (method.as_str(), parts.as_slice()) {
        ("GET", ["orders"]) => (StatusCode::OK, json!({ "orders": [order("o-1001"), order("o-1002")] })),
        ("POST", ["orders"]) => (StatusCode::CREATED, order("o-1003")),
        ("GET", ["orders", id]) => (StatusCode::OK, order(id)),
        ("GET", ["inventory"]) => (StatusCode::OK, json!({ "stock": [{ "sku": "tea", "count": 12 }, { "sku": "cup", "count": 3 }] })),
        ("POST", ["inventory", sku, "hold"]) => (StatusCode::CREATED, json!({ "sku": sku, "held": 1 })),
        ("POST", ["holds"]) => (StatusCode::CREATED, json!({ "hold": "h-4712", "minutes": 15 })),
        ("POST", ["holds", id, "purchase"]) => (StatusCode::CREATED, json!({ "ticket": id })),
        ("POST", ["sessions"]) => log_in(body),
        ("POST", ["releases"]) => (StatusCode::CREATED, json!({ "release": "r-1" })),
        ("GET", ["export"]) => (StatusCode::OK, json!({ "everything": "every order, every customer, every card" })),
        ("GET", ["admin", "keys"]) => (StatusCode::OK, json!({ "keys": ["the keys of the kingdom"] })),
        ("POST", ["admin", "keys"]) => (StatusCode::CREATED, json!({ "key": "one more key of the kingdom" })),
        ("GET", ["status"]) => (StatusCode::OK, json!({ "open": true })),
        _ => (StatusCode::NOT_FOUND, json!({ "error": "no such thing" })),
    }
}

fn log_in(body: &[u8]) -> (StatusCode, Value) {
    let given: Value = serde_json::from_slice(body).unwrap_or_default();
    if given.get("username").and_then(Value::as_str).is_some_and(|name| name.starts_with("shopper"))
        && given.get("password").is_some_and(|word| word == "tea for two")
    {
        (StatusCode::CREATED, json!({ "session": "s-1" }))
    } else {
        (StatusCode::UNAUTHORIZED, json!({ "error": "wrong name or password" }))
    }
}

/// A body that goes on for as long as somebody listens.
struct Changing(Interval);

impl Body for Changing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        ready!(self.0.poll_tick(context));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"{\"sku\":\"tea\",\"count\":11}\n")))))
    }
}

fn issuer(path: &str, headers: &HeaderMap, keys: &Value) -> (StatusCode, Value) {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    match path {
        "/.well-known/openid-configuration" => {
            let place = format!("http://{host}");
            (StatusCode::OK, json!({ "jwks_uri": format!("{place}{}", super::issuer::KEYS), "issuer": place }))
        }
        super::issuer::KEYS => (StatusCode::OK, keys.clone()),
        _ => (StatusCode::NOT_FOUND, json!({ "error": "no such thing" })),
    }
}

fn billing(path: &str, headers: &HeaderMap, keys: &[Secret<String>]) -> (StatusCode, Value) {
    let mut shown = headers.get_all(header::AUTHORIZATION).iter();
    let key = shown.next().and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if shown.next().is_some() || !keys.iter().any(|known| key == Some(known.danger_expose())) {
        return (StatusCode::UNAUTHORIZED, json!({ "error": "wrong key" }));
    }
    match path {
        "/billing/invoices" => (StatusCode::OK, json!({ "invoices": [{ "id": "i-1", "total": "42.00" }] })),
        _ => (StatusCode::NOT_FOUND, json!({ "error": "no such thing" })),
    }
}

fn parcels(path: &str, broken: bool) -> (StatusCode, Value) {
    match path {
        "/parcels/open" if broken => (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": "the database is away" })),
        "/parcels/open" => (StatusCode::OK, json!({ "parcels": [{ "order": "o-1001", "at": "the depot" }] })),
        _ => (StatusCode::NOT_FOUND, json!({ "error": "no such thing" })),
    }
}

fn returns(method: &Method, path: &str, headers: &HeaderMap, believed: Option<&Believed>) -> (StatusCode, Value) {
    let mut shown = headers.get_all("wardgate-assertion").iter();
    let token = shown.next().and_then(|value| value.to_str().ok()).filter(|_| shown.next().is_none());
    let proven = |believed: &Believed| token.is_some_and(|token| believed.holds(token, method, path, clock::now()));
    if believed.is_some_and(|believed| !proven(believed)) {
        return (StatusCode::UNAUTHORIZED, json!({ "error": "this is answered through the gate only" }));
    }
    match path {
        "/returns/open" => (StatusCode::OK, json!({ "returns": [{ "order": "o-1001", "why": "the cup was broken" }] })),
        _ => (StatusCode::NOT_FOUND, json!({ "error": "no such thing" })),
    }
}

fn warehouse(path: &str, headers: &HeaderMap, key: &SharedKey) -> (StatusCode, Value) {
    let mut shown = headers.get_all("x-api-key").iter();
    let good = shown.next().is_some_and(|value| key.takes(value.as_bytes())) && shown.next().is_none();
    if !good {
        return (StatusCode::UNAUTHORIZED, json!({ "error": "wrong key" }));
    }
    match path.strip_prefix("/warehouse/stock/") {
        Some(sku) => (StatusCode::OK, json!({ "sku": sku, "shelf": "B7", "count": 12 })),
        None => (StatusCode::NOT_FOUND, json!({ "error": "no such thing" })),
    }
}
