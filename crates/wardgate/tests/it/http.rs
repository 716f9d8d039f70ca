//! A client that says exactly what it is told, over one clear-text connection of HTTP/1.1.

use serde_json::Value;
use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// How long an answer may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection.
#[derive(Debug)]
pub(crate) struct Line {
    socket: TcpStream,
    spare: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// Of a call that was under way when what let it in came to its end: where it breaks off is nobody's to say (docs/wire.md).
    fn cut() -> Self {
        Self { status: 0, head: String::new(), body: String::new() }
    }

    /// A field, by its name in small letters.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).filter_map(|line| line.split_once(": ")).find(|(of, _)| of.eq_ignore_ascii_case(name)).map(|(_, to)| to)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The code of a refusal.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }

    /// `200`, or `403 standing.denied`, or `cut`.
    pub(crate) fn said(&self) -> String {
        if self.status == 0 {
            return "cut".to_owned();
        }
        let ours = self.field("content-type") == Some("application/problem+json");
        if ours { format!("{} {}", self.status, self.code()) } else { self.status.to_string() }
    }

    /// The request's id, which every answer has.
    pub(crate) fn id(&self) -> String {
        self.field("wardgate-request-id").unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }
}

impl Line {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, spare: Vec::new() }
    }

    /// Sends `METHOD TARGET` with fields and a body, and reads the answer.
    pub(crate) fn ask(&mut self, what: &str, fields: &[(&str, &str)], body: &str) -> Answer {
        let answer = self.ask_or_cut(what, fields, body);
        assert_ne!(answer.status, 0, "no whole answer to `{what}`");
        answer
    }

    /// The same, where the answer may be cut. The line is no use then.
    pub(crate) fn ask_or_cut(&mut self, what: &str, fields: &[(&str, &str)], body: &str) -> Answer {
        self.send(&request(what, fields, body));
        self.answer().unwrap_or_else(Answer::cut)
    }

    pub(crate) fn send(&mut self, bytes: &str) {
        self.socket.write_all(bytes.as_bytes()).unwrap();
    }

    /// Sends, though the other side may be gone.
    pub(crate) fn try_send(&mut self, bytes: &str) {
        let _perhaps_gone = self.socket.write_all(bytes.as_bytes());
    }

    /// Reads until `text` has come.
    pub(crate) fn read_until(&mut self, text: &str) -> String {
        while find(&self.spare, text.as_bytes()).is_none() {
            assert!(self.more(), "`{text}` in {}", String::from_utf8_lossy(&self.spare));
        }
        String::from_utf8_lossy(&self.spare).into_owned()
    }

    /// Reads one answer; `None` when the connection ends before it is whole.
    pub(crate) fn answer(&mut self) -> Option<Answer> {
        loop {
            let end = loop {
                match find(&self.spare, b"\r\n\r\n") {
                    Some(end) => break end,
                    None if self.more() => {}
                    None => return None,
                }
            };
            let head = String::from_utf8(self.spare.drain(..end + 4).collect()).unwrap();
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            let mut answer = Answer { status, head, body: String::new() };
            if status < 200 {
                continue;
            }
            let bytes = if answer.field("transfer-encoding").is_some() {
                self.chunks()?
            } else {
                let length = answer.field("content-length").map_or(0, |length| length.parse().unwrap());
                self.exactly(length)?
            };
            answer.body = String::from_utf8(bytes).unwrap();
            return Some(answer);
        }
    }

    /// Whether the other side has closed with nothing more to say.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.spare.is_empty() && !self.more()
    }

    /// Reads until the other side has closed.
    pub(crate) fn read_out(&mut self) {
        while self.more() {}
    }

    fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut whole = Vec::new();
        loop {
            let end = loop {
                match find(&self.spare, b"\r\n") {
                    Some(end) => break end,
                    None if self.more() => {}
                    None => return None,
                }
            };
            let size: Vec<u8> = self.spare.drain(..end + 2).take(end).collect();
            let size = usize::from_str_radix(std::str::from_utf8(&size).unwrap(), 16).unwrap();
            let mut chunk = self.exactly(size + 2)?;
            chunk.truncate(size);
            if size == 0 {
                return Some(whole);
            }
            whole.append(&mut chunk);
        }
    }

    fn exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.spare.len() < count {
            if !self.more() {
                return None;
            }
        }
        Some(self.spare.drain(..count).collect())
    }

    fn more(&mut self) -> bool {
        let mut piece = [0; 4096];
        match self.socket.read(&mut piece) {
            Ok(count) => {
                self.spare.extend_from_slice(&piece[..count]);
                count > 0
            }
            Err(error) => {
                assert!(error.kind() != std::io::ErrorKind::WouldBlock, "nothing came in {PATIENCE:?}");
                false
            }
        }
    }
}

/// The bytes of a request.
pub(crate) fn request(what: &str, fields: &[(&str, &str)], body: &str) -> String {
    let fields: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    format!("{what} HTTP/1.1\r\nHost: gate.test\r\n{fields}{length}\r\n{body}")
}

/// One request on a connection of its own, whose answer may be cut.
pub(crate) fn ask(address: SocketAddr, what: &str, fields: &[(&str, &str)], body: &str) -> Answer {
    Line::open(address).ask_or_cut(what, fields, body)
}

/// `Authorization: Bearer …`.
pub(crate) fn bearer(key: &str) -> String {
    format!("Bearer {key}")
}

pub(crate) fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
