//! Servers that do exactly what a test says, a resolver that says what a test says, a clock, and keys.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use std::{
    collections::HashMap,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    sync::Semaphore,
    task::JoinHandle,
    time::{Instant, interval, timeout},
};
use tokio_rustls::TlsAcceptor;
use wardgate_feeds::{
    clock::Clock,
    fault::FetchFault,
    fetch::{Answer, Asking, Bounds, Fetcher, Media, Message},
    resolve::{Resolve, Resolving},
    roots::Roots,
    target::Target,
};
use wardgate_model::{time::Time, trust::Reach};

/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What a server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Sends this, and closes.
    Whole(Vec<u8>),
    /// Sends this when it is told to, and closes.
    Held(Arc<Semaphore>, Vec<u8>),
    /// Sends this, and says nothing more.
    Hang(Vec<u8>),
    /// Sends the first, then the second again and again until nobody listens.
    Endless(Vec<u8>, Vec<u8>),
    /// The same, a piece in so much time.
    Drip(Vec<u8>, Vec<u8>, Duration),
}

/// A whole answer.
pub(crate) fn answer(status: &str, headers: &[&str], body: &str) -> Reply {
    let mut head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
    for header in headers {
        head.push_str(&format!("{header}\r\n"));
    }
    Reply::Whole(format!("{head}\r\n{body}").into_bytes())
}

/// A document.
pub(crate) fn json(body: &str) -> Reply {
    answer("200 OK", &["content-type: application/json"], body)
}

/// What came: the whole text of a request.
type Act = Arc<dyn Fn(usize, &str) -> Reply + Send + Sync>;

/// A server on this machine. It ends when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Answers each request by its number, from 0 on, and its text.
    pub(crate) async fn start(act: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0", None, Arc::new(act)).await
    }

    pub(crate) async fn start_tls(tls: TlsAcceptor, act: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0", Some(tls), Arc::new(act)).await
    }

    pub(crate) async fn at(address: &str, tls: Option<TlsAcceptor>, act: Act) -> Self {
        let listener = TcpListener::bind(address).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (counted, seen) = (Arc::clone(&connections), Arc::clone(&requests));
        let task = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let (tls, act, seen) = (tls.clone(), Arc::clone(&act), Arc::clone(&seen));
                open.spawn(async move {
                    // What a client does to its server is no fault of the test.
                    let _ = match tls {
                        None => serve(socket, &act, &seen).await,
                        Some(tls) => match tls.accept(socket).await {
                            Ok(stream) => serve(stream, &act, &seen).await,
                            Err(error) => Err(error),
                        },
                    };
                });
            }
        });
        Self { address, connections, requests, task }
    }

    /// Connections that were taken.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Requests that came, as text.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("requests").clone()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn target(&self, path: &str) -> Target {
        Target::parse(&self.url(path)).expect("an address")
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, act: &Act, seen: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut text = Vec::new();
    while !is_whole(&text) {
        if stream.read_buf(&mut text).await? == 0 {
            return Ok(());
        }
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    let number = {
        let mut seen = seen.lock().expect("requests");
        seen.push(text.clone());
        seen.len() - 1
    };
    match act(number, &text) {
        Reply::Whole(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
        Reply::Held(told, bytes) => {
            told.acquire().await.expect("it is open").forget();
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
        Reply::Hang(bytes) => {
            stream.write_all(&bytes).await?;
            stream.flush().await?;
            std::future::pending().await
        }
        Reply::Endless(start, piece) => {
            stream.write_all(&start).await?;
            loop {
                stream.write_all(&piece).await?;
            }
        }
        Reply::Drip(start, piece, every) => {
            stream.write_all(&start).await?;
            let mut ticks = interval(every);
            loop {
                ticks.tick().await;
                stream.write_all(&piece).await?;
                stream.flush().await?;
            }
        }
    }
}

fn is_whole(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    length.is_none_or(|length| body.len() >= length.parse::<usize>().expect("a length"))
}

/// Says what the test says, each time what comes next; then the last again. Counts how often it was asked.
#[derive(Default)]
pub(crate) struct Names {
    answers: HashMap<String, Vec<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Names {
    pub(crate) fn new(answers: &[(&str, &[&[&str]])]) -> Self {
        let read = |addresses: &&[&str]| addresses.iter().map(|address| address.parse().expect("an address")).collect();
        let answers = answers.iter().map(|(name, turns)| ((*name).to_owned(), turns.iter().map(read).collect())).collect();
        Self { answers, asked: AtomicUsize::new(0) }
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers.get(name).and_then(|turns| turns.get(turn).or(turns.last())).cloned();
        Box::pin(async move { answer.ok_or_else(|| io::Error::other("no such name")) })
    }
}

/// A reach that includes networks of our own.
pub(crate) fn reach(networks: &[&str]) -> Reach {
    Reach { networks: networks.iter().map(|network| network.parse().expect("a network")).collect(), roots: None }
}

/// The bounds of most tests: those of time are for what is never to end by itself.
pub(crate) const BOUNDS: Bounds = Bounds { connect: PATIENCE, whole: PATIENCE, bytes_max: 1_000, redirects_max: 0 };

/// One fetch, as most tests want it.
pub(crate) struct Want {
    pub(crate) names: Arc<Names>,
    pub(crate) reach: Reach,
    pub(crate) bounds: Bounds,
    pub(crate) media: Media,
    pub(crate) message: Message,
    pub(crate) roots: Roots,
}

impl Want {
    pub(crate) fn new() -> Self {
        Self {
            names: Arc::default(),
            reach: reach(&["127.0.0.0/8"]),
            bounds: BOUNDS,
            media: Media::Json,
            message: Message::Read,
            roots: Roots::system().expect("roots"),
        }
    }

    pub(crate) async fn fetch(&self, target: &Target) -> Result<Answer, FetchFault> {
        let asking = Asking {
            target,
            message: self.message.clone(),
            media: self.media,
            reach: &self.reach,
            roots: &self.roots,
            bounds: self.bounds,
        };
        soon(Fetcher::new(Arc::clone(&self.names) as Arc<dyn Resolve>).fetch(&asking)).await
    }

    /// What came, or why nothing did, as text.
    pub(crate) async fn said(&self, target: &Target) -> String {
        match self.fetch(target).await {
            Ok(answer) => String::from_utf8_lossy(&answer.body).into_owned(),
            Err(fault) => format!("no: {fault}"),
        }
    }
}

/// Whatever it is, it comes in time.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("it comes in time")
}

/// Waits for a state.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    soon(async {
        let mut ticks = interval(Duration::from_millis(2));
        while !holds() {
            ticks.tick().await;
        }
    })
    .await;
}

/// The time of the tests: it runs as time does, from a fixed moment on.
pub(crate) fn clock() -> Clock {
    let started = Instant::now();
    Clock::new(move || Time::from_seconds(1_800_000_000) + started.elapsed())
}

/// A set with one new key of each of these names.
pub(crate) fn key_set(kids: &[&str]) -> String {
    let keys: Vec<String> = kids
        .iter()
        .map(|kid| {
            let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
            let (x, y) = key.public_key_raw()[1..].split_at(32);
            let [x, y] = [x, y].map(|part| URL_SAFE_NO_PAD.encode(part));
            format!(r#"{{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"{kid}","x":"{x}","y":"{y}"}}"#)
        })
        .collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

/// A text that a test changes while a server gives it out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Board(Arc<Mutex<String>>);

impl Board {
    pub(crate) fn new(text: String) -> Self {
        Self(Arc::new(Mutex::new(text)))
    }

    pub(crate) fn write(&self, text: impl Into<String>) {
        *self.0.lock().expect("a board") = text.into();
    }

    pub(crate) fn read(&self) -> String {
        self.0.lock().expect("a board").clone()
    }
}

pub(crate) fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}
