//! A gate of a test's own: files in a temporary directory, the real binary, ports that the system chose.

use crate::{
    http::{self, Answer, bearer},
    process::{Ended, wardgate_with},
};
use serde_json::{Value, json};
use std::{
    cell::OnceCell,
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread::{self, JoinHandle},
    time::Duration,
};
use tempfile::TempDir;
use wardgate_audit::reading::{self, Filter, Since};

/// How often a state is looked for, and how many times.
const STEP: Duration = Duration::from_millis(5);
const STEPS: u32 = 12_000;
/// The master key of every test: 32 bytes as hexadecimal digits.
pub(crate) const MASTER: &str = "7f3c9b04d1a8e65277c0ffee5eed1e550badcafe8899aabbccddeeff00112233";

const CONFIG: &str = "\
listeners: [{ name: public, address: '127.0.0.1:0', public_url: 'https://gate.test' }]
admin: { address: '127.0.0.1:0' }
secrets: { key: file:wardgate.key }
resources: [resources/]
edge: { threads: 2, drain: 20s, body_bytes_max: 64KiB }
";

/// Owners and environments of every test.
const GROUND: &str = "\
kind: Owner
name: shop-team
spec: { accountable: ada@example.com, deputy: bo@example.com, contact: shop@example.com }
---
kind: Environment
name: production
spec: { production: true }
";

/// One API and one caller that may read, list and write.
const SHOP: &str = "\
kind: Api
name: shop
spec:
  policy_owner: shop-team
  environment: production
  match: { path_prefix: /shop }
  upstream: { urls: ['@UPSTREAM@'] }
  operations:
    - { match: 'GET /things', class: list }
    - { match: 'POST /things', class: write }
    - { match: 'GET /things/{id}', class: read }
    - { match: 'DELETE /things/{id}', class: delete }
---
kind: Identity
name: caller
spec:
  type: service_account
  owner: shop-team
  environment: production
  purpose: keeps things in step
  credentials: [{ name: main, type: api_key, expires_in: 30d }]
---
kind: Grant
name: caller-works
spec: { to: { identity: caller }, api: shop, operations: [read, list, write] }
";

/// Looks for a state until it is there.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..STEPS {
        if let Some(found) = look() {
            return found;
        }
        thread::park_timeout(STEP);
    }
    panic!("waited too long for {what}")
}

/// The files of a gate, which outlive its processes.
#[derive(Debug)]
pub(crate) struct Place {
    directory: TempDir,
    session: OnceCell<(String, String)>,
}

impl Place {
    /// The API `shop` before an upstream, and the identity `caller`.
    pub(crate) fn shop(upstream: &str) -> Self {
        let place = Self::bare();
        place.write("resources/shop.yaml", &SHOP.replace("@UPSTREAM@", upstream));
        place
    }

    /// An owner and an environment.
    pub(crate) fn bare() -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap(), session: OnceCell::new() };
        for (name, text) in [("wardgate.yaml", CONFIG), ("wardgate.key", MASTER), ("resources/ground.yaml", GROUND)] {
            place.write(name, text);
        }
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file at once, as editors do: never half.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let beside = self.path().join("being-written");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, path).unwrap();
    }

    /// Puts another text for one that has to be there.
    pub(crate) fn change(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path().join(name)).unwrap();
        assert!(text.contains(from), "`{from}` in {text}");
        self.write(name, &text.replace(from, to));
    }

    /// Runs a command of the management API, signed in.
    pub(crate) fn run(&self, gate: &Gate, arguments: &[&str], input: &str) -> Ended {
        let (url, token) = (format!("http://{}", gate.admin), self.token(gate).to_owned());
        wardgate_with(self.path(), arguments, &[("WARDGATE_URL", &url), ("WARDGATE_TOKEN", &token)], input)
    }

    /// The sign-in credential of the first start and the session that it was swapped for.
    pub(crate) fn signed_in(&self, gate: &Gate) -> &(String, String) {
        self.session.get_or_init(|| {
            let first = gate.first_credential();
            let answer = http::ask(gate.admin, "POST /api/v1/sessions", &[("Authorization", &bearer(&first))], "");
            assert_eq!(answer.status, 201, "{answer:?}");
            (first, answer.json()["token"].as_str().unwrap().to_owned())
        })
    }

    /// A session of the management API: it outlives restarts.
    pub(crate) fn token(&self, gate: &Gate) -> &str {
        &self.signed_in(gate).1
    }

    /// Calls the management API.
    pub(crate) fn manage(&self, gate: &Gate, what: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let fields = [("Authorization", bearer(self.token(gate))), ("Content-Type", "application/json".to_owned())];
        http::ask(gate.admin, what, &fields.each_ref().map(|(name, value)| (*name, value.as_str())), &body)
    }

    /// Issues a key: its id and itself.
    pub(crate) fn issue(&self, gate: &Gate, identity: &str) -> (String, String) {
        let answer = self.manage(gate, "POST /api/v1/credentials", &json!({ "identity": identity }));
        assert_eq!(answer.status, 201, "{answer:?}");
        let issued = answer.json();
        (issued["id"].as_str().unwrap().to_owned(), issued["key"].as_str().unwrap().to_owned())
    }

    /// Ends a credential.
    pub(crate) fn revoke(&self, gate: &Gate, id: &str) {
        let answer = self.manage(gate, &format!("DELETE /api/v1/credentials/{id}?reason=test"), &Value::Null);
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Every event of the log.
    pub(crate) fn events(&self) -> Vec<Value> {
        let (mut events, mut since) = (Vec::new(), Since::Oldest);
        loop {
            let page = reading::tail(&self.path().join("audit"), &Filter::default(), &since, usize::MAX).unwrap();
            assert_eq!(page.unreadable, 0);
            events.extend(page.events.iter().map(|event| serde_json::to_value(event).unwrap()));
            match page.cursor.map(Since::After) {
                Some(next) if next != since => since = next,
                _ => return events,
            }
        }
    }

    /// Starts `wardgate serve` and waits until it listens.
    pub(crate) fn serve(&self) -> Gate {
        Gate::start(self.path())
    }

    /// The same, with variables.
    pub(crate) fn serve_with(&self, variables: &[(&str, &str)]) -> Gate {
        Gate::start_with(self.path(), variables)
    }
}

/// What a process said on standard error so far, and whether that is all.
#[derive(Debug, Default)]
struct Said {
    text: Mutex<(String, bool)>,
    grew: Condvar,
}

/// A running process; killed when dropped.
#[derive(Debug)]
pub(crate) struct Gate {
    child: Child,
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
    said: Arc<Said>,
    listener: Option<JoinHandle<()>>,
}

impl Gate {
    pub(crate) fn start(directory: &Path) -> Self {
        Self::start_with(directory, &[])
    }

    fn start_with(directory: &Path, variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wardgate"))
            .arg("serve")
            .current_dir(directory)
            .env_remove("WARDGATE_URL")
            .env_remove("WARDGATE_TOKEN")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Said::default());
        let (lines, hears) = (BufReader::new(child.stderr.take().unwrap()).lines(), Arc::clone(&said));
        let listener = thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut text = hears.text.lock().unwrap();
                text.0.push_str(&line);
                text.0.push('\n');
                hears.grew.notify_all();
            }
            hears.text.lock().unwrap().1 = true;
            hears.grew.notify_all();
        });
        let mut gate = Self { child, public: ([0; 4], 0).into(), admin: ([0; 4], 0).into(), said, listener: Some(listener) };
        let heard = gate.heard("admin    http://");
        let address = |name: &str| {
            let line = heard.lines().find(|line| line.starts_with(name)).unwrap();
            line.split("://").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()
        };
        (gate.public, gate.admin) = (address("public "), address("admin "));
        gate
    }

    /// Waits until the process has said something; gives all that it said.
    pub(crate) fn heard(&self, what: &str) -> String {
        let text = self.said.text.lock().unwrap();
        let waited = self.said.grew.wait_timeout_while(text, STEP * STEPS, |text| !text.0.contains(what) && !text.1);
        let text = waited.unwrap().0.0.clone();
        assert!(text.contains(what), "`{what}` in what it said:\n{text}");
        text
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> String {
        self.said.text.lock().unwrap().0.clone()
    }

    /// The credential that a first start shows.
    pub(crate) fn first_credential(&self) -> String {
        let heard = self.heard("wardgate sign-in --url");
        heard.split_whitespace().find(|word| word.starts_with("wga_")).unwrap().to_owned()
    }

    /// One number of /metrics; `None` where it is not there.
    pub(crate) fn metric(&self, name: &str) -> Option<u64> {
        let metrics = http::ask(self.admin, "GET /metrics", &[], "");
        let line = metrics.body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
        line.map(|value| value.parse().unwrap())
    }

    /// Its number.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// SIGTERM, then waits: its exit status and all that it said.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        self.signal("-TERM");
        self.ended()
    }

    /// Waits for the end that was asked for.
    pub(crate) fn ended(&mut self) -> (Option<i32>, String) {
        let status = until("the end of the process", || self.child.try_wait().unwrap());
        self.listener.take().into_iter().for_each(|listener| listener.join().unwrap());
        (status.code(), self.said())
    }

    /// SIGKILL, then waits.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
