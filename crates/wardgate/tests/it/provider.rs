//! A real issuer: `oidc-provider` of npm.

use crate::http::{self, Answer};
use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

/// `oidc-provider`, which `./check` brings.
pub(crate) struct Provider {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Kept open: it ends when it has something to say that nobody can read.
    _says: BufReader<ChildStdout>,
}

impl Provider {
    pub(crate) fn start() -> Self {
        Self::of_tokens_for("wardgate")
    }

    /// One whose tokens are for this audience.
    pub(crate) fn of_tokens_for(audience: &str) -> Self {
        let binary = PathBuf::from(env!("CARGO_BIN_EXE_wardgate"));
        let target = binary.parent().and_then(Path::parent).unwrap();
        let modules = target.join("issuer/node_modules");
        assert!(modules.join("oidc-provider").is_dir(), "`{}` lacks oidc-provider: run `./check`, which brings it", modules.display());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/issuer.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .arg(modules.join("of-here.js"))
            .arg(audience)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (mut line, mut says) = (String::new(), BufReader::new(child.stdout.take().unwrap()));
        says.read_line(&mut line).unwrap();
        Self { child, address: ([127, 0, 0, 1], line.trim().parse().unwrap()).into(), _says: says }
    }

    pub(crate) fn token(&self, client: &str) -> String {
        let answer = self.form("POST /token", client, "grant_type=client_credentials");
        answer.json()["access_token"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }

    pub(crate) fn form(&self, what: &str, client: &str, form: &str) -> Answer {
        let basic = ["Basic", &base64(&format!("{client}:of-the-test"))].join(" ");
        http::ask(self.address, what, &[("Authorization", basic.as_str()), ("Content-Type", "application/x-www-form-urlencoded")], form)
    }

    pub(crate) fn told(&self, what: &str) {
        assert_eq!(http::ask(self.address, what, &[], "").body, "done");
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn base64(text: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.encode(text)
}
