//! `wardgate login`: somebody signs in at the issuer in a browser, and the session is for commands (RFC 8252 §7.3).
//! `wardgate logout` ends it.
//!
//! Through the browser goes a code that is good once and worth nothing without the verifier, which stays here (RFC 7636).

use crate::{
    api::sign_in::{command::challenge, query::Query},
    cli::{LoginArgs, LogoutArgs, Output},
    client::{Address, segment},
    config,
    output::{Exit, json, line, note, plain},
    profile::{Held, Profile, Renewal},
    session::{self, Ended},
};
use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{net::Ipv4Addr, path::Path, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use wardgate_model::secret::Secret;
use wardgate_proof::entropy::{Entropy as _, SystemEntropy};

/// How long somebody has for it.
const PATIENCE: Duration = Duration::from_mins(10);
/// How long one connection may take to say what it wants.
const HEAD_PATIENCE: Duration = Duration::from_secs(5);
/// Longest head that is read, in bytes.
const HEAD_BYTES_MAX: usize = 8 * 1024;

/// Signs somebody in.
pub(super) async fn login(args: LoginArgs) -> anyhow::Result<Exit> {
    let url = match (&args.url, Held::find(Path::new("."))?) {
        (Some(url), _) => url.clone(),
        (None, Some(held)) => held.read()?.map_or_else(|| session::URL.to_owned(), |profile| profile.url),
        (None, None) => session::URL.to_owned(),
    };
    let address = Address::parse(&url)?;
    session::offers_sign_in(&address).await?;
    let (verifier, state) = (Secret::new(random()?), random()?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot listen on this machine")?;
    let redirect = segment(&format!("http://{}/", listener.local_addr()?));
    let challenge = challenge(verifier.danger_expose());
    let page = format!("{address}/sign-in?redirect_uri={redirect}&code_challenge={challenge}&code_challenge_method=S256&state={state}");
    note(&format!("sign in with a browser on this machine, within {} minutes:", PATIENCE.as_secs() / 60));
    note(&page);
    if args.open {
        open(&page);
    }
    let waited = tokio::time::timeout(PATIENCE, brought(&listener, &state)).await;
    let code = waited.context("nobody signed in")??;
    let session = session::swap_code(&address, &code, &verifier).await?;
    let expires = session.expires.to_rfc3339();
    // Looked for again: it was not held while somebody was thinking.
    let held = match Held::find(Path::new("."))? {
        Some(held) => held,
        None => Held::beside(Path::new(config::FILE))?,
    };
    let sign_in = held.read()?.filter(|known| known.url == url).and_then(|known| known.sign_in);
    held.write(&Profile { url: url.clone(), sign_in, session: Some(session) })?;
    held.forget_glass()?;
    match args.output.output {
        Output::Json => json(&serde_json::json!({ "url": url, "expires": expires, "profile": held.path() }))?,
        Output::Table => line(&format!("signed in at {} until {expires}", plain(&url)))?,
    }
    Ok(Exit::Done)
}

/// Ends the session.
pub(super) async fn logout(args: LogoutArgs) -> anyhow::Result<Exit> {
    let held = Held::find(Path::new("."))?;
    let before = held.as_ref().map(Held::read).transpose()?.flatten();
    let ended = match &held {
        Some(held) => session::end(held).await?,
        None => Ended::WasNone,
    };
    match (args.output.output, ended) {
        (Output::Json, _) => json(&serde_json::json!({ "ended": ended == Ended::Now }))?,
        (Output::Table, Ended::Now) => line("signed out")?,
        (Output::Table, Ended::WasNone) => note("there is no session here"),
    }
    if let (Some(held), Some(before)) = (held, before)
        && let Some(left) = left(&before, &held.path().display().to_string())
    {
        note(&left);
    }
    Ok(Exit::Done)
}

/// What somebody should know who has signed out: how a command would sign in again by itself, or that nothing here can.
fn left(before: &Profile, path: &str) -> Option<String> {
    match (&before.sign_in, &before.session) {
        (Some(_), _) => Some(format!(
            "`{path}` still holds a sign-in credential: the next command that needs a session signs in with it; delete the file to forget it"
        )),
        (None, Some(session)) if session.renewal == Renewal::Possible => Some(
            "the sign-in credential of this session is spent: to come back, have another one issued \
             (`wardgate credential issue NAME --kind sign_in`), or `wardgate sign-in --offline` when nothing is serving"
                .to_owned(),
        ),
        (None, _) => None,
    }
}

/// 256 bits that nobody guesses, in 43 characters.
fn random() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    SystemEntropy.fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Opens a page, if this system can. It was printed already.
fn open(page: &str) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let opened = std::process::Command::new(opener).arg(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if let Err(error) = opened {
        note(&format!("`{opener}` cannot be started: {error}"));
    }
}

/// The code that a browser brings. Whoever else knocks is sent away, and the wait goes on.
async fn brought(listener: &TcpListener, state: &str) -> anyhow::Result<Secret<String>> {
    loop {
        let (mut stream, _) = listener.accept().await.context("cannot listen on this machine")?;
        let code = match tokio::time::timeout(HEAD_PATIENCE, head(&mut stream)).await {
            Ok(Ok(head)) => code(&head, state),
            Ok(Err(_)) | Err(_) => None,
        };
        let (status, text) = match &code {
            Some(_) => ("200 OK", "You can close this page: the command goes on."),
            None => ("404 Not Found", "There is nothing here."),
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{text}",
            text.len()
        );
        let _gone = tokio::time::timeout(HEAD_PATIENCE, stream.write_all(answer.as_bytes())).await;
        if let Some(code) = code {
            return Ok(code);
        }
    }
}

/// The head of a request.
async fn head(stream: &mut TcpStream) -> anyhow::Result<String> {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        if head.len() > HEAD_BYTES_MAX {
            bail!("a head of more than {HEAD_BYTES_MAX} bytes");
        }
        let mut piece = [0; 1_024];
        let count = stream.read(&mut piece).await?;
        match piece.get(..count) {
            Some(read) if count > 0 => head.extend_from_slice(read),
            _ => bail!("the connection ended"),
        }
    }
    Ok(String::from_utf8(head)?)
}

/// The code in `GET /?code=…&state=…`, for the one who waits.
fn code(head: &str, state: &str) -> Option<Secret<String>> {
    let line = head.lines().next()?;
    let target = line.strip_prefix("GET /?")?.strip_suffix(" HTTP/1.1")?;
    let query = Query::read(target).ok()?;
    let code = query.value("code").filter(|_| query.value("state") == Some(state))?;
    Some(Secret::new(code.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{code, left};
    use crate::profile::{Profile, Renewal, Session};
    use wardgate_model::{secret::Secret, time::Time};

    #[test]
    fn who_signs_out_is_told_what_is_left() {
        let told = |sign_in: Option<&str>, session: Option<Renewal>| {
            let session = session.map(|renewal| Session { token: Secret::new("t".to_owned()), expires: Time::from_seconds(1), renewal });
            let profile =
                Profile { url: "http://127.0.0.1:9080".to_owned(), sign_in: sign_in.map(|text| Secret::new(text.to_owned())), session };
            left(&profile, "p.json").unwrap_or_default()
        };
        assert!(told(Some("wga_x"), None).starts_with("`p.json` still holds a sign-in credential"));
        assert!(told(Some("wga_x"), Some(Renewal::Never)).starts_with("`p.json` still holds a sign-in credential"));
        assert!(told(None, Some(Renewal::Possible)).starts_with("the sign-in credential of this session is spent"));
        assert_eq!(told(None, Some(Renewal::Never)), "", "who came by the issuer comes by it again");
        assert_eq!(told(None, None), "");
    }

    #[test]
    fn only_the_browser_that_was_sent_brings_a_code() {
        let read = |line: &str| code(&format!("{line}\r\nHost: 127.0.0.1:1\r\n\r\n"), "mine").map(|code| code.danger_expose().clone());
        assert_eq!(read("GET /?code=abc&state=mine HTTP/1.1").as_deref(), Some("abc"));
        for other in [
            "GET /?code=abc&state=theirs HTTP/1.1",
            "GET /?code=abc HTTP/1.1",
            "GET /?state=mine HTTP/1.1",
            "GET /?code=abc&code=def&state=mine HTTP/1.1",
            "POST /?code=abc&state=mine HTTP/1.1",
            "GET /favicon.ico HTTP/1.1",
            "GET /x?code=abc&state=mine HTTP/1.1",
            "",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
