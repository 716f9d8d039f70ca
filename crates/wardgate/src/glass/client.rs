//! The other end of the socket: what a command asks.

use super::{Answered, Asked};
use anyhow::{Context as _, bail};
use std::{path::Path, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};
use wardgate_model::{secret::Secret, time::Time};

/// Longest wait for the answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 16 * 1024;

/// A session that was given.
#[derive(Debug)]
pub struct Session {
    /// Its token.
    pub token: Secret<String>,
    /// When it ends.
    pub expires: Time,
    /// Where it can be used.
    pub url: String,
}

/// Opens the door at `path`.
///
/// # Errors
/// When nothing serves there, or whoever serves refuses.
pub async fn open(path: &Path, reason: &str) -> anyhow::Result<Session> {
    let exchange = async {
        let shown = path.display();
        let mut stream = UnixStream::connect(path)
            .await
            .with_context(|| format!("nobody serves the break-glass socket `{shown}`: is `wardgate serve` running, as this user?"))?;
        let mut asked = serde_json::to_string(&Asked { reason: reason.to_owned() })?;
        asked.push('\n');
        stream.write_all(asked.as_bytes()).await?;
        let mut answer = zeroize::Zeroizing::new(String::new());
        stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).await?;
        match serde_json::from_str(&answer).with_context(|| format!("what answers at `{shown}` is no break-glass door"))? {
            Answered::Opened { token, expires, url } => {
                let end = Time::parse(&expires).with_context(|| format!("`{expires}` is no moment"))?;
                Ok(Session { token: Secret::new(token), expires: end, url })
            }
            Answered::Refused { error } => bail!("{error}"),
        }
    };
    tokio::time::timeout(PATIENCE, exchange).await.context("the break-glass door did not answer in time")?
}
