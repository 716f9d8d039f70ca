//! A server that takes checkpoints, for tests: it keeps each body that it is sent and gives them all to whoever asks. It ends with the
//! test process.

use std::{
    io::{self, BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

/// Keeps each body that it is sent, one after the other, in the file `kept`; ends when its standard input does.
const SERVER: &str = r"
import http.server, os, ssl, sys, threading
class Anchor(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['content-length']))
        with open('kept', 'ab') as kept:
            kept.write(body)
        self.send_response(204 if self.headers['content-type'].startswith('text/plain') else 415)
        self.end_headers()
    def do_GET(self):
        if self.path == '/elsewhere':
            self.send_response(302)
            self.send_header('location', '/gate-1')
            self.end_headers()
        elif self.path == '/endless':
            self.send_response(200)
            self.end_headers()
            while True:
                self.wfile.write(b'\n' * 1048576)
        elif self.path != '/gate-1' or not os.path.exists('kept'):
            self.send_response(404)
            self.end_headers()
        else:
            kept = open('kept', 'rb').read()
            self.send_response(200)
            self.send_header('content-type', 'text/plain')
            self.send_header('content-length', str(len(kept)))
            self.end_headers()
            self.wfile.write(kept)
    def log_message(self, *_):
        pass
class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass
server = Server(('127.0.0.1', int(sys.argv[1])), Anchor)
if os.path.exists('certificate.pem'):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain('certificate.pem', 'key.pem')
    server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
os._exit(0)
";

/// A server that is running. What it keeps is in `kept` of its directory; it ends when it is dropped.
#[derive(Debug)]
pub struct AnchorServer {
    server: Child,
    port: u16,
}

impl Drop for AnchorServer {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

impl AnchorServer {
    /// Starts one at a port of `localhost`, or with 0 wherever there is room; under TLS where the directory has `certificate.pem` and
    /// `key.pem` ([`certify`]).
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(directory: &Path, port: u16) -> io::Result<Self> {
        let mut server = Command::new("python3")
            .args(["-c", SERVER, &port.to_string()])
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        let out = server.stdout.take().ok_or_else(|| io::Error::other("it says nothing"))?;
        BufReader::new(out).read_line(&mut said)?;
        let port = said.trim().parse().map_err(|_| io::Error::other("it did not start"))?;
        Ok(Self { server, port })
    }

    /// The port that it listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

/// Makes a certificate of `localhost` that is its own authority, and its key, in a directory.
///
/// # Errors
/// When `openssl` does not.
pub fn certify(directory: &Path) -> io::Result<()> {
    let words =
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=anchor -keyout key.pem -out certificate.pem";
    let more = ["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"];
    let made = Command::new("openssl").args(words.split(' ')).args(more).current_dir(directory).output()?;
    if made.status.success() { Ok(()) } else { Err(io::Error::other(String::from_utf8_lossy(&made.stderr).into_owned())) }
}
