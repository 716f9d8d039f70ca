//! Known callers beside a source that shows nothing but junk: what each of their requests costs the door with it and without.

use crate::{Failed, certificates, child::Server, float, line, median};
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
    runtime::Runtime,
    task::JoinSet,
    time::{Instant, sleep},
};
use wardgate_testkit::upstream::{self, Answer};

const PAIRS: usize = 7;
/// Of one run.
const TIME: Duration = Duration::from_secs(2);
/// Before a run counts, in which a source uses up what it may do at once.
const WARM_UP: Duration = Duration::from_millis(1_500);
/// Connections of known callers, each from an address of its own.
const CALLERS: u8 = 32;
/// Connections of the one source of junk.
const CONNECTIONS: usize = 32;
/// Where the junk comes from.
const JUNK: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const KINDS: [&str; 5] = ["random", "expired", "wrongly-signed", "unknown-key", "huge"];
/// Longest answer to any of these requests, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Measures pairs for the kinds of junk that are named, for all where none is, and prints them.
pub(crate) fn measure(words: &[&str]) -> Result<(), Failed> {
    let files = tempfile::tempdir()?;
    certificates::make(files.path())?;
    let directory = files.path().to_str().ok_or("a directory whose name is no text")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let upstream = listener.local_addr()?.to_string();
    runtime.spawn(upstream::serve(listener, Answer::of_bytes(1024)));
    line(&format!(
        "{:<16} {:>10} {:>12} {:>10} {:>10} {:>10} {:>9}   answers to junk",
        "junk", "µs alone", "µs beside it", "known a s", "junk a s", "of a core", "cost"
    ));
    let all = !KINDS.iter().any(|kind| words.contains(kind));
    for kind in KINDS.into_iter().filter(|kind| all || words.contains(kind)) {
        // Each has a door of its own: what one has used up is not the next one's.
        let door = Server::start(&["door", directory, &upstream], &["public", "key", kind])?;
        let mut pairs = Vec::with_capacity(PAIRS);
        for _ in 0..PAIRS {
            let without = run(&runtime, &door, None)?;
            pairs.push((without, run(&runtime, &door, Some(kind))?));
        }
        let of = |figure: &dyn Fn(&(Spent, Spent)) -> f64| median(pairs.iter().map(figure).collect());
        let answers = pairs.last().map(|(_, beside)| format!("{:?}", beside.answers)).unwrap_or_default();
        line(&format!(
            "{kind:<16} {:>10.1} {:>12.1} {:>10.0} {:>10.0} {:>8.1} % {:>7.1} % {answers}",
            of(&|(without, _)| without.a_request()),
            of(&|(_, beside)| beside.a_request()),
            of(&|(_, beside)| float(beside.known) / beside.took),
            of(&|(_, beside)| float(beside.junk) / beside.took),
            of(&|(without, beside)| (beside.on_core - without.a_request() * float(beside.known)) / beside.took / 1e4),
            of(&|(without, beside)| (beside.a_request() / without.a_request() - 1.0) * 100.0),
        ));
    }
    Ok(())
}

/// What one run came to.
struct Spent {
    /// Microseconds.
    on_core: f64,
    /// Seconds.
    took: f64,
    known: u64,
    junk: u64,
    /// How often which status was the answer to junk.
    answers: BTreeMap<u16, u64>,
}

impl Spent {
    /// Microseconds of the door for each request of a known caller, whatever else it did meanwhile.
    fn a_request(&self) -> f64 {
        self.on_core / float(self.known.max(1))
    }
}

/// What clients count and obey.
#[derive(Default)]
struct Counts {
    over: AtomicBool,
    known: AtomicU64,
    junk: AtomicU64,
    answers: Mutex<BTreeMap<u16, u64>>,
}

fn run(runtime: &Runtime, door: &Server, junk: Option<&str>) -> Result<Spent, Failed> {
    let counts = Arc::new(Counts::default());
    let address = door.address("public")?;
    let head = |credential: &str| -> Arc<str> {
        format!("GET /ledger/entries/4711 HTTP/1.1\r\nHost: ledger.example\r\nAuthorization: Bearer {credential}\r\n\r\n").into()
    };
    let known = head(door.told("key")?);
    let junk = junk.map(|kind| door.told(kind)).transpose()?.map(head);
    runtime.block_on(async {
        let mut clients = JoinSet::new();
        for number in 1..=CALLERS {
            let (known, counts) = (Arc::clone(&known), Arc::clone(&counts));
            clients.spawn(async move {
                call(address, Ipv4Addr::new(127, 0, 1, number), &known, &counts).await.map_err(|error| error.to_string())
            });
        }
        for _ in 0..junk.as_ref().map_or(0, |_| CONNECTIONS) {
            let (junk, counts) = (junk.clone().unwrap_or_default(), Arc::clone(&counts));
            clients.spawn(async move {
                bother(address, &junk, &counts).await;
                Ok(())
            });
        }
        sleep(WARM_UP).await;
        let (known, junk, before) = (counts.known.load(Ordering::Relaxed), counts.junk.load(Ordering::Relaxed), door.on_core()?);
        counts.answers.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let begin = Instant::now();
        sleep(TIME).await;
        let spent = Spent {
            on_core: door.on_core()? - before,
            took: begin.elapsed().as_secs_f64(),
            known: counts.known.load(Ordering::Relaxed) - known,
            junk: counts.junk.load(Ordering::Relaxed) - junk,
            answers: counts.answers.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        counts.over.store(true, Ordering::Relaxed);
        while let Some(done) = clients.join_next().await {
            done??;
        }
        Ok(spent)
    })
}

/// One request after another, each of which must be served.
async fn call(door: SocketAddr, from: Ipv4Addr, head: &str, counts: &Counts) -> Result<(), Failed> {
    let mut connection = connect(door, from).await?;
    while !counts.over.load(Ordering::Relaxed) {
        let (status, _) = ask(&mut connection, head).await?;
        if status != 200 {
            return Err(format!("a known caller was answered {status}").into());
        }
        counts.known.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// One request after another, on as many connections as it takes.
async fn bother(door: SocketAddr, head: &str, counts: &Counts) {
    while !counts.over.load(Ordering::Relaxed) {
        let Ok(mut connection) = connect(door, JUNK).await else { continue };
        while !counts.over.load(Ordering::Relaxed) {
            let Ok((status, stays)) = ask(&mut connection, head).await else { break };
            counts.junk.fetch_add(1, Ordering::Relaxed);
            *counts.answers.lock().unwrap_or_else(PoisonError::into_inner).entry(status).or_default() += 1;
            if !stays {
                break;
            }
        }
    }
}

async fn connect(door: SocketAddr, from: Ipv4Addr) -> Result<TcpStream, Failed> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let connection = socket.connect(door).await?;
    connection.set_nodelay(true)?;
    Ok(connection)
}

/// The status of the answer, once all of it is there, and whether the connection stays.
async fn ask(connection: &mut TcpStream, head: &str) -> Result<(u16, bool), Failed> {
    connection.write_all(head.as_bytes()).await?;
    let mut read = Vec::with_capacity(2_048);
    let whole = loop {
        if let Some(at) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let fields = String::from_utf8_lossy(read.get(..at).unwrap_or_default()).to_ascii_lowercase();
            let length = fields.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok()).unwrap_or(0);
            let status = fields.get(9..12).ok_or("no status")?.parse()?;
            break (at + 4 + length, status, !fields.contains("\r\nconnection: close"));
        }
        if read.len() > ANSWER_BYTES_MAX || connection.read_buf(&mut read).await? == 0 {
            return Err("no answer".into());
        }
    };
    let (length, status, stays) = whole;
    while read.len() < length {
        if connection.read_buf(&mut read).await? == 0 {
            return Err("half an answer".into());
        }
    }
    Ok((status, stays))
}
