//! `wardgate init`: a commented starter that passes `check` and serves as it is.

use crate::{
    cli::InitArgs,
    clock,
    config::{self, Config},
    control,
    output::{BOLD, Exit, NAME, line, note, styled},
    pki,
    profile::{Held, Profile},
};
use anyhow::Context as _;
use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};
use wardgate_model::secret::Secret;
use wardgate_proof::{entropy::SystemEntropy, keyring::Keyring};

/// Who may read a file.
#[derive(Clone, Copy)]
enum Readers {
    /// Anybody that the directory lets in.
    All,
    /// Its owner.
    Owner,
}

/// The files that are the same for everybody.
const STARTER: [(&str, &str); 8] = [
    (config::FILE, include_str!("../../assets/starter/wardgate.yaml")),
    ("resources/owners.yaml", include_str!("../../assets/starter/resources/owners.yaml")),
    ("resources/hello.yaml", include_str!("../../assets/starter/resources/hello.yaml")),
    ("resources/callers.yaml", include_str!("../../assets/starter/resources/callers.yaml")),
    ("policies/example.cedar", include_str!("../../assets/starter/policies/example.cedar")),
    ("openapi/hello.yaml", include_str!("../../assets/starter/openapi/hello.yaml")),
    ("sample/hello/greetings", include_str!("../../assets/starter/sample/greetings.json")),
    (".gitignore", include_str!("../../assets/starter/gitignore")),
];

/// The files that are made for this installation.
const MADE: [&str; 4] = ["wardgate.key", "tls/ca.pem", "tls/edge.pem", "tls/edge.key"];

/// Writes the starter, makes keys and store, and says what to do next.
pub(super) async fn run(args: &InitArgs) -> anyhow::Result<Exit> {
    let directory = &args.directory;
    if directory.join(config::FILE).exists() {
        note(&format!("`{}` already holds a {}: nothing was changed", directory.display(), config::FILE));
        return Ok(Exit::Invalid);
    }
    let names = STARTER.iter().map(|(name, _)| *name).chain(MADE).chain(["wardgate.db"]);
    let there: Vec<&str> = names.filter(|name| directory.join(name).exists()).collect();
    if !there.is_empty() {
        note(&format!("`{}` already holds {}: nothing was changed", directory.display(), there.join(", ")));
        return Ok(Exit::Invalid);
    }
    write(directory)?;
    let file = directory.join(config::FILE);
    let config = match Config::read(&file) {
        Ok(config) => config,
        Err(diagnostics) => {
            crate::diagnostics::show(&diagnostics);
            return Ok(Exit::Failed);
        }
    };
    let sign_in = control::mint_sign_in(&config).await.context("cannot make the store with the first sign-in credential")?;
    let held = Held::beside(&file)?;
    held.write(&Profile { url: format!("http://{}", config.admin), sign_in: Some(sign_in.clone()), session: None })?;
    next_steps(directory, &sign_in)?;
    Ok(Exit::Done)
}

fn write(directory: &Path) -> anyhow::Result<()> {
    for (name, text) in STARTER {
        put(directory, name, text, Readers::All)?;
    }
    let key = Keyring::generate(&SystemEntropy)?;
    put(directory, "wardgate.key", &format!("{}\n", key.danger_expose()), Readers::Owner)?;
    let pki = pki::local(clock::now())?;
    put(directory, "tls/ca.pem", &pki.ca, Readers::All)?;
    put(directory, "tls/edge.pem", &pki.certificate, Readers::All)?;
    put(directory, "tls/edge.key", pki.key.danger_expose(), Readers::Owner)
}

/// Writes a file that is not there yet.
fn put(directory: &Path, name: &str, text: &str, readers: Readers) -> anyhow::Result<()> {
    let path = directory.join(name);
    let mode = match readers {
        Readers::All => 0o644,
        Readers::Owner => 0o600,
    };
    let write = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        OpenOptions::new().create_new(true).write(true).mode(mode).open(&path)?.write_all(text.as_bytes())
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}

fn next_steps(directory: &Path, sign_in: &Secret<String>) -> anyhow::Result<()> {
    let enter = if directory == Path::new(".") { String::new() } else { format!("  cd {}\n", directory.display()) };
    line(&format!(
        "\
{title} in {shown}

The first admin credential, good for one sign-in and shown this once. There is nothing to do with it here: the profile
.wardgate/profile.json has it too, and the first command that needs a session swaps it.

  {credential}

{next}

{enter}  wardgate check
  python3 -m http.server 9000 --bind 127.0.0.1 --directory sample &   # or your own API on port 9000
  wardgate serve &

  wardgate credential issue hello-client                              # shows a key, once
  KEY=…                                                               # put it here
  curl --cacert tls/ca.pem -H \"Authorization: Bearer $KEY\" https://localhost:8443/hello/greetings
  curl --cacert tls/ca.pem https://localhost:8443/hello/greetings     # without it: refused
  wardgate audit tail

Then put your own API into resources/ beside hello.yaml; `wardgate check` says what is wrong with it.",
        title = styled(BOLD, "A starter is written"),
        shown = styled(NAME, &directory.display().to_string()),
        credential = sign_in.danger_expose(),
        next = styled(BOLD, "Next"),
    ))?;
    Ok(())
}
