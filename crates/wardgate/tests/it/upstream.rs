//! An API behind the gate: it remembers every request that reached it, whole, and answers as it is told.

use crate::http::find;
use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
};

/// What to do once a request is there.
#[derive(Debug)]
pub(crate) enum Play {
    /// Send this when the body has been read, and keep the connection.
    Answer(String),
    /// Send this at once and close.
    Break(String),
    /// Send the first, then the second once the gatekeeper lets it, and keep the connection.
    Held(String, String, Arc<Keeper>),
}

/// Lets what is held go.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    open: Mutex<bool>,
    turned: Condvar,
}

impl Keeper {
    pub(crate) fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.turned.notify_all();
    }

    fn pass(&self) {
        drop(self.turned.wait_while(self.open.lock().unwrap(), |open| !*open).unwrap());
    }
}

/// A request that reached the upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    /// Request line and fields.
    pub(crate) head: String,
    /// Its body, as far as it came.
    pub(crate) body: String,
}

impl Received {
    /// A field, by its name in small letters.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).filter_map(|line| line.split_once(": ")).find(|(of, _)| of.eq_ignore_ascii_case(name)).map(|(_, to)| to)
    }

    /// Every field as `name: value`, the name in small letters, in order of name.
    pub(crate) fn fields(&self) -> Vec<String> {
        let pairs = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let mut fields: Vec<String> = pairs.map(|(name, value)| format!("{}: {value}", name.to_ascii_lowercase())).collect();
        fields.sort();
        fields
    }
}

/// The upstream.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Received>>>,
}

/// An address at which nobody listens. The port is taken for as long as this is held, so nobody else is given it meanwhile.
pub(crate) struct Nobody {
    pub(crate) address: SocketAddr,
    _taken: tokio::net::TcpSocket,
}

impl Nobody {
    pub(crate) fn new() -> Self {
        let taken = tokio::net::TcpSocket::new_v4().unwrap();
        taken.bind(([127, 0, 0, 1], 0).into()).unwrap();
        Self { address: taken.local_addr().unwrap(), _taken: taken }
    }
}

/// `200 OK` with a body.
pub(crate) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

impl Upstream {
    /// Answers `ok` to everything.
    pub(crate) fn plain() -> Self {
        Self::start(|_| Play::Answer(ok("ok")))
    }

    /// Plays what `script` says for each request's head.
    pub(crate) fn start(script: impl Fn(&str) -> Play + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let upstream = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let (script, seen) = (Arc::new(script), Arc::clone(&upstream.seen));
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
                thread::spawn(move || serve(socket, &*script, &seen));
            }
        });
        upstream
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests that have reached it.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.seen.lock().unwrap().clone()
    }

    /// The last one.
    pub(crate) fn last(&self) -> Received {
        self.received().pop().expect("a request that reached the upstream")
    }
}

fn serve(mut socket: TcpStream, script: &dyn Fn(&str) -> Play, seen: &Mutex<Vec<Received>>) {
    let mut buffer = Vec::new();
    loop {
        let Some(end) = read_until(&mut socket, &mut buffer, |bytes| find(bytes, b"\r\n\r\n").map(|at| at + 4)) else { return };
        let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
        buffer.drain(..end);
        let at = {
            let mut seen = seen.lock().unwrap();
            seen.push(Received { head: head.clone(), body: String::new() });
            seen.len() - 1
        };
        let play = script(&head);
        if let Play::Break(answer) = &play {
            let _perhaps_gone = socket.write_all(answer.as_bytes());
            return;
        }
        let body = read_body(&mut socket, &mut buffer, &head);
        seen.lock().unwrap()[at].body = body.clone().unwrap_or_else(|| String::from_utf8_lossy(&buffer).into_owned());
        if body.is_none() {
            return;
        }
        let sent = match play {
            Play::Answer(answer) => socket.write_all(answer.as_bytes()),
            Play::Held(first, second, keeper) => socket.write_all(first.as_bytes()).and_then(|()| {
                keeper.pass();
                socket.write_all(second.as_bytes())
            }),
            Play::Break(_) => return,
        };
        if sent.is_err() {
            return;
        }
    }
}

fn read_until(socket: &mut TcpStream, buffer: &mut Vec<u8>, end: impl Fn(&[u8]) -> Option<usize>) -> Option<usize> {
    let mut piece = [0; 4096];
    loop {
        if let Some(end) = end(buffer) {
            return Some(end);
        }
        match socket.read(&mut piece) {
            Ok(0) | Err(_) => return None,
            Ok(count) => buffer.extend_from_slice(&piece[..count]),
        }
    }
}

/// The body as it was framed, chunk sizes and all; `None` when it broke off.
fn read_body(socket: &mut TcpStream, buffer: &mut Vec<u8>, head: &str) -> Option<String> {
    let lower = head.to_ascii_lowercase();
    let end =
        if lower.contains("transfer-encoding: chunked") {
            read_until(socket, buffer, |bytes| {
                if bytes.starts_with(b"0\r\n\r\n") { Some(5) } else { find(bytes, b"\r\n0\r\n\r\n").map(|at| at + 7) }
            })?
        } else {
            let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
            let length = length.map_or(0, |text| text.parse().unwrap());
            read_until(socket, buffer, |bytes| (bytes.len() >= length).then_some(length))?
        };
    Some(String::from_utf8_lossy(&buffer.drain(..end).collect::<Vec<_>>()).into_owned())
}
