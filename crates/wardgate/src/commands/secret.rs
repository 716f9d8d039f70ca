//! `wardgate secret put|list`.

use super::{
    credential::{pages, text},
    management,
};
use crate::{
    cli::{Output, SecretListArgs, SecretPutArgs},
    client::segment,
    output::{Exit, json, line, note, plain, print, table},
};
use anyhow::Context as _;
use http::Method;
use std::{
    fs::File,
    io::{IsTerminal as _, Read},
};
use wardgate_model::secret::Secret;

const PATH: &str = "/api/v1/secrets";
/// Longest secret, in bytes.
const SECRET_BYTES_MAX: u64 = 16 << 10;

/// Keeps a secret under a name.
pub(super) async fn put(args: SecretPutArgs) -> anyhow::Result<Exit> {
    let value = match &args.file {
        Some(path) => read(File::open(path).with_context(|| format!("cannot read `{}`", path.display()))?)?,
        None => {
            if std::io::stdin().is_terminal() {
                note("type the secret, then Ctrl-D:");
            }
            read(std::io::stdin().lock())?
        }
    };
    let Some(value) = value else {
        note(&format!("a secret is text of 1 to {SECRET_BYTES_MAX} bytes without line ends inside"));
        return Ok(Exit::Invalid);
    };
    let client = management(args.management).await?;
    let mut body = serde_json::json!({ "value": value.danger_expose() });
    if let (Some(reason), Some(body)) = (args.reason, body.as_object_mut()) {
        body.insert("reason".to_owned(), reason.into());
    }
    let kept = client.call(Method::PUT, &format!("{PATH}/{}", segment(&args.name)), Some(&body)).await?.body;
    match args.output.output {
        Output::Json => json(&kept)?,
        Output::Table => line(&format!("kept: {}", plain(&args.name)))?,
    }
    Ok(Exit::Done)
}

/// Lists names and dates.
pub(super) async fn list(args: SecretListArgs) -> anyhow::Result<Exit> {
    let client = management(args.management).await?;
    let items = pages(&client, PATH, &[]).await?;
    match args.output.output {
        Output::Json => json(&serde_json::json!({ "items": items }))?,
        Output::Table if items.is_empty() => note("no secrets"),
        Output::Table => {
            let columns = ["name", "version", "created", "updated"];
            let rows: Vec<Vec<String>> = items.iter().map(|item| columns.map(|member| text(item, member)).to_vec()).collect();
            print(&table(&["NAME", "VERSION", "CREATED", "UPDATED"], &rows))?;
        }
    }
    Ok(Exit::Done)
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
    let good = long && !line.is_empty() && !line.contains(char::is_control);
    Ok(good.then(|| Secret::new(line.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::{SECRET_BYTES_MAX, read};

    #[test]
    fn a_secret_is_one_line_of_text() {
        let line = |bytes: &[u8]| read(bytes).unwrap().map(|secret| secret.danger_expose().clone());
        assert_eq!(line(b"s3cret").as_deref(), Some("s3cret"));
        assert_eq!(line(b"s3cret\r\n").as_deref(), Some("s3cret"));
        assert_eq!(line(b" two words \n").as_deref(), Some(" two words "));
        let longest = vec![b'a'; usize::try_from(SECRET_BYTES_MAX).unwrap()];
        assert!(line(&longest).is_some());
        for wrong in [&b""[..], b"\n", b"a\nb", b"a\0b", b"\xff\xfe", &[longest, b"a".to_vec()].concat()] {
            assert_eq!(line(wrong), None, "{wrong:?}");
        }
    }
}
