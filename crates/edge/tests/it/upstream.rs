//! An upstream that records every byte and answers as it is told.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// What to do once the head of a request is there.
pub(crate) enum Play {
    /// Send these bytes when the body has been read, and keep the connection.
    Answer(Vec<u8>),
    /// Send these bytes at once and close.
    AnswerAndClose(Vec<u8>),
    /// Say nothing.
    Silence,
    /// Send the bytes in pieces; go on when the piece before has been taken by the test.
    Pieces(Vec<Vec<u8>>, Arc<Gatekeeper>),
    /// Agree to a WebSocket, and send back whatever comes.
    Echo,
}

/// Lets pieces go one at a time.
#[derive(Default)]
pub(crate) struct Gatekeeper {
    open: Mutex<usize>,
    turned: std::sync::Condvar,
}

impl Gatekeeper {
    /// Lets one more piece go.
    pub(crate) fn open(&self) {
        *self.open.lock().unwrap() += 1;
        self.turned.notify_all();
    }

    fn pass(&self) {
        let mut open = self.turned.wait_while(self.open.lock().unwrap(), |open| *open == 0).unwrap();
        *open -= 1;
    }
}

/// The upstream.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    bytes: Arc<Mutex<Vec<u8>>>,
    connections: Arc<AtomicUsize>,
    closed: Arc<AtomicUsize>,
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
pub(crate) fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

impl Upstream {
    /// Answers `ok` to everything.
    pub(crate) fn plain() -> Self {
        Self::start(|_| Play::Answer(ok("ok")))
    }

    /// Plays what `script` says for each request's head.
    pub(crate) fn start(script: impl Fn(&str) -> Play + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let upstream =
            Self { address: listener.local_addr().unwrap(), bytes: Arc::default(), connections: Arc::default(), closed: Arc::default() };
        let script = Arc::new(script);
        let (bytes, connections, closed) = (Arc::clone(&upstream.bytes), Arc::clone(&upstream.connections), Arc::clone(&upstream.closed));
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                connections.fetch_add(1, Ordering::SeqCst);
                let (script, bytes, closed) = (Arc::clone(&script), Arc::clone(&bytes), Arc::clone(&closed));
                thread::spawn(move || {
                    serve(socket, &*script, &bytes);
                    closed.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        upstream
    }

    /// Everything that has arrived.
    pub(crate) fn received(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How many connections have ended.
    pub(crate) fn closes(&self) -> usize {
        self.closed.load(Ordering::SeqCst)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn serve(mut socket: TcpStream, script: &dyn Fn(&str) -> Play, seen: &Mutex<Vec<u8>>) {
    let mut buffer = Vec::new();
    loop {
        let Some(end) = read_until(&mut socket, &mut buffer, seen, |bytes| find(bytes, b"\r\n\r\n").map(|at| at + 4)) else { return };
        let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
        buffer.drain(..end);
        match script(&head) {
            Play::Answer(answer) => {
                if !read_body(&mut socket, &mut buffer, seen, &head) || socket.write_all(&answer).is_err() {
                    return;
                }
            }
            Play::AnswerAndClose(answer) => {
                let _ = socket.write_all(&answer);
                let _ = socket.shutdown(Shutdown::Both);
                return;
            }
            Play::Echo => {
                let answer = format!(
                    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {}\r\n\r\n",
                    accept(&head)
                );
                let mut piece = [0; 4096];
                if socket.write_all(&answer.into_bytes()).is_err() || socket.write_all(&buffer).is_err() {
                    return;
                }
                while let Ok(count @ 1..) = socket.read(&mut piece) {
                    seen.lock().unwrap().extend_from_slice(&piece[..count]);
                    if socket.write_all(&piece[..count]).is_err() {
                        return;
                    }
                }
                return;
            }
            Play::Silence => {
                let mut waste = [0; 1024];
                while socket.read(&mut waste).is_ok_and(|count| count > 0) {}
                return;
            }
            Play::Pieces(pieces, keeper) => {
                for piece in pieces {
                    keeper.pass();
                    if socket.write_all(&piece).is_err() {
                        return;
                    }
                }
                // Whoever reads on decides when it ends.
                let mut waste = [0; 1024];
                while socket.read(&mut waste).is_ok_and(|count| count > 0) {}
                return;
            }
        }
    }
}

/// What answers the key of an opening (RFC 6455 §4.2.2).
pub(crate) fn accept(head: &str) -> String {
    use base64::Engine;
    let lower = head.to_ascii_lowercase();
    let at = lower.find("sec-websocket-key: ").unwrap() + "sec-websocket-key: ".len();
    let key = head[at..].split("\r\n").next().unwrap();
    let hash = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY,
        format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").as_bytes(),
    );
    base64::engine::general_purpose::STANDARD.encode(hash)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn read_until(socket: &mut TcpStream, buffer: &mut Vec<u8>, seen: &Mutex<Vec<u8>>, end: impl Fn(&[u8]) -> Option<usize>) -> Option<usize> {
    let mut piece = [0; 4096];
    loop {
        if let Some(end) = end(buffer) {
            return Some(end);
        }
        match socket.read(&mut piece) {
            Ok(0) | Err(_) => return None,
            Ok(count) => {
                seen.lock().unwrap().extend_from_slice(&piece[..count]);
                buffer.extend_from_slice(&piece[..count]);
            }
        }
    }
}

fn read_body(socket: &mut TcpStream, buffer: &mut Vec<u8>, seen: &Mutex<Vec<u8>>, head: &str) -> bool {
    let lower = head.to_ascii_lowercase();
    let end = if lower.contains("transfer-encoding: chunked") {
        read_until(socket, buffer, seen, |bytes| {
            if bytes.starts_with(b"0\r\n\r\n") { Some(5) } else { find(bytes, b"\r\n0\r\n\r\n").map(|at| at + 7) }
        })
    } else {
        let length =
            lower.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()).map_or(0, |text| text.parse().unwrap());
        read_until(socket, buffer, seen, |bytes| (bytes.len() >= length).then_some(length))
    };
    end.map(|end| buffer.drain(..end)).is_some()
}
