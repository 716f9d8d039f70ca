//! `wardgate secret put|rotate|list`.

use super::{
    change::{self, body},
    listing::{pages, show, text},
    reach,
};
use crate::{
    cli::{Output, ReadArgs, SecretPutArgs, SecretRotateArgs},
    client::{Asking, segment},
    output::{Exit, note, plain},
};
use anyhow::Context as _;
use http::Method;
use serde_json::Value;
use std::{
    fs::File,
    io::{IsTerminal as _, Read},
    path::Path,
};
use wardgate_model::secret::{Secret, is_writable};

const PATH: &str = "/api/v1/secrets";
/// Longest secret, in bytes.
const SECRET_BYTES_MAX: u64 = 16 << 10;

/// Keeps a secret under a name.
pub(super) async fn put(args: SecretPutArgs) -> anyhow::Result<Exit> {
    let Some(value) = args.file.as_deref().map_or_else(typed, given)? else { return Ok(unfit()) };
    let (client, output) = reach(args.change.read).await?;
    let wanted = body([("value", Some(value.danger_expose().clone())), ("reason", args.change.reason)]);
    let answer = client.call(Method::PUT, &format!("{PATH}/{}", segment(&args.name)), Some(&wanted)).await?;
    change::done(&answer, output, |_| format!("kept: {}", plain(&args.name)))
}

/// Brings a new value to the upstream, then uses it.
pub(super) async fn rotate(args: SecretRotateArgs) -> anyhow::Result<Exit> {
    let value = match maybe_given(args.file.as_deref())? {
        Ok(value) => value,
        Err(unfit) => return Ok(unfit),
    };
    let (client, output) = reach(args.change.read).await?;
    let mut wanted = body([("value", value), ("reason", args.change.reason)]);
    if let (Some((how, place)), Some(members)) = (args.deliver, wanted.as_object_mut()) {
        members.insert("deliver".to_owned(), serde_json::json!({ how: place }));
    }
    let path = format!("{PATH}/{}/rotate", segment(&args.name));
    let answer = client.ask(&Asking::once(path).body(&wanted).patiently()).await?;
    change::done(&answer, output, |rotated| {
        let kept = match text(rotated, "previous").as_str() {
            "-" => String::new(),
            previous => format!("; version {previous} is kept until it is seen to work"),
        };
        format!("rotated: {} is at version {}{kept}", plain(&args.name), text(rotated, "version"))
    })
}

/// The value from a file where one is named; how the command ends when it is no secret.
pub(super) fn maybe_given(path: Option<&Path>) -> anyhow::Result<Result<Option<String>, Exit>> {
    Ok(match path.map(given).transpose()? {
        Some(None) => Err(unfit()),
        Some(Some(value)) => Ok(Some(value.danger_expose().clone())),
        None => Ok(None),
    })
}

/// A value from a file, or from standard input where it is `-`.
fn given(path: &Path) -> anyhow::Result<Option<Secret<String>>> {
    if path == Path::new("-") {
        return typed();
    }
    read(File::open(path).with_context(|| format!("cannot read `{}`", path.display()))?)
}

fn typed() -> anyhow::Result<Option<Secret<String>>> {
    if std::io::stdin().is_terminal() {
        note("type the secret, then Ctrl-D:");
    }
    read(std::io::stdin().lock())
}

fn unfit() -> Exit {
    note(&format!("a secret is text of 1 to {SECRET_BYTES_MAX} bytes without line ends inside, but for those of PEM"));
    Exit::Invalid
}

/// Lists names and dates.
pub(super) async fn list(args: ReadArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args).await?;
    let mut items = pages(&client, PATH, &[]).await?;
    if output == Output::Table {
        items.iter_mut().for_each(kept_until);
    }
    let columns = [
        ("NAME", "/name"),
        ("VERSION", "/version"),
        ("CREATED", "/created"),
        ("UPDATED", "/updated"),
        ("STAGED", "/staged"),
        ("PREVIOUS", "/previous"),
    ];
    show(&items, &columns, output, "no secrets")?;
    Ok(Exit::Done)
}

/// Says of the version before until when it is kept.
fn kept_until(secret: &mut Value) {
    let (version, previous) = (text(secret, "version"), text(secret, "previous"));
    if let (true, Some(members)) = (previous != "-", secret.as_object_mut()) {
        members.insert("previous".to_owned(), format!("{previous}, until {version} is seen to work").into());
    }
}

/// Reads one secret; `None` when it is none. One line end at its end does not count.
fn read(from: impl Read) -> anyhow::Result<Option<Secret<String>>> {
    let mut bytes = Vec::new();
    from.take(SECRET_BYTES_MAX + 2).read_to_end(&mut bytes).context("cannot read the secret")?;
    let text = Secret::new(String::from_utf8(bytes).unwrap_or_default());
    let line = text.danger_expose();
    let line = line.strip_suffix('\n').unwrap_or(line);
    let line = line.strip_suffix('\r').unwrap_or(line);
    let long = u64::try_from(line.len()).is_ok_and(|length| length <= SECRET_BYTES_MAX);
    let good = long && !line.is_empty() && is_writable(line);
    Ok(good.then(|| Secret::new(line.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::{SECRET_BYTES_MAX, read};

    #[test]
    fn a_secret_is_one_line_of_text_or_pem() {
        let line = |bytes: &[u8]| read(bytes).unwrap().map(|secret| secret.danger_expose().clone());
        assert_eq!(line(b"s3cret").as_deref(), Some("s3cret"));
        assert_eq!(line(b"s3cret\r\n").as_deref(), Some("s3cret"));
        assert_eq!(line(b" two words \n").as_deref(), Some(" two words "));
        let longest = vec![b'a'; usize::try_from(SECRET_BYTES_MAX).unwrap()];
        assert!(line(&longest).is_some());
        let pem =
            "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\r\n-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----";
        assert_eq!(line(format!("{pem}\n").as_bytes()).as_deref(), Some(pem));
        for wrong in [&b""[..], b"\n", b"a\nb", b"a\0b", b"\xff\xfe", &[longest, b"a".to_vec()].concat()] {
            assert_eq!(line(wrong), None, "{wrong:?}");
        }
    }
}
