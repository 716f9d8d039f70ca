//! `wardgate token`: a client proves itself to the gate's token service by a key of its own, and prints what it gets.
//!
//! The private key never leaves this process; what goes out is an assertion that is good once, at this issuer, for a minute.

mod issuer;

use crate::{
    cli::{Output, TokenArgs},
    clock,
    output::{Exit, json, line},
};
use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use issuer::Issuer;
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use serde_json::Value;
use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};
use wardgate_model::secret::Secret;
use wardgate_proof::{
    client::{self, ASSERTION_TYPE},
    entropy::{Entropy as _, SystemEntropy},
    jose::algorithm::Algorithm,
    jws::Signer,
};

/// Characters in a line of PEM (RFC 7468 §2).
const PEM_LINE: usize = 64;

/// Gets a token, or makes a key.
pub(super) async fn run(args: TokenArgs) -> anyhow::Result<Exit> {
    if let Some(file) = &args.new_key {
        return new_key(file, &args.algorithm);
    }
    let (Some(name), Some(key), Some(url)) = (&args.client, &args.key, &args.issuer) else {
        bail!("`--client`, `--key` and `--issuer` are needed")
    };
    let signer = signer(key)?;
    let issuer = Issuer::find(url, args.connect.as_deref(), args.ca.as_deref()).await?;
    let mut id = [0; 16];
    SystemEntropy.fill(&mut id)?;
    let assertion = client::assertion(&signer, name, issuer.name(), &id, clock::now())?;
    let mut form = vec![
        ("grant_type", "client_credentials"),
        ("client_id", name),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", &assertion),
    ];
    form.extend(args.resource.as_deref().map(|resource| ("resource", resource)));
    form.extend(args.scope.as_deref().map(|scope| ("scope", scope)));
    let granted = issuer.token(&form).await?;
    match args.output.output {
        Output::Json => json(&granted)?,
        Output::Table => line(granted.get("access_token").and_then(Value::as_str).context("the answer has no `access_token`")?)?,
    }
    Ok(Exit::Done)
}

fn signer(file: &Path) -> anyhow::Result<Signer> {
    let text = Secret::new(fs::read(file).with_context(|| format!("cannot read the key `{}`", file.display()))?);
    let der = PrivatePkcs8KeyDer::from_pem_slice(text.danger_expose());
    let der = der.map_err(|_| {
        anyhow::anyhow!("`{}` holds no private key in PEM, PKCS #8: make one with `wardgate token --new-key FILE`", file.display())
    })?;
    Signer::load(der.secret_pkcs8_der()).with_context(|| format!("the key `{}` cannot be used", file.display()))
}

/// A private key for its owner alone, never over another one; its public half to be declared.
fn new_key(file: &Path, algorithm: &str) -> anyhow::Result<Exit> {
    let algorithm = Algorithm::parse(algorithm).context("no such algorithm")?;
    let pkcs8 = Signer::generate_for(algorithm)?;
    let signer = Signer::load(pkcs8.danger_expose())?;
    let encoded = Secret::new(STANDARD.encode(pkcs8.danger_expose()));
    let lines: Vec<&str> = encoded.danger_expose().as_bytes().chunks(PEM_LINE).filter_map(|part| std::str::from_utf8(part).ok()).collect();
    let pem = Secret::new(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")));
    let mut made = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("cannot make the file `{}`", file.display()))?;
    made.write_all(pem.danger_expose().as_bytes())?;
    made.sync_all()?;
    line(&signer.jwk().to_string())?;
    Ok(Exit::Done)
}
