//! How a command comes to a client of the management API: variables, else the profile; a sign-in credential in it is
//! swapped for a session by the first command that needs one, and a session near its end is renewed. A break-glass session
//! goes before the profile while it lasts. [`offline`] needs no gate that serves.

pub mod offline;

use crate::{
    client::{Address, Client, ClientFault},
    clock,
    output::note,
    profile::{Held, Profile, Renewal, Session},
};
use anyhow::{Context as _, bail};
use http::Method;
use serde_json::Value;
use std::{path::Path, time::Duration};
use wardgate_model::{secret::Secret, time::Time};

/// Where the management API is when nobody says otherwise: the default of `admin.address`.
pub const URL: &str = "http://127.0.0.1:9080";
/// A session with less than this left is renewed.
const RENEW_BELOW: Duration = Duration::from_secs(2 * 60 * 60);

/// What was said on the command line or in variables.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The address.
    pub url: Option<String>,
    /// The session token.
    pub token: Option<Secret<String>>,
}

/// Opens the way to the management API for a command run in `directory`.
///
/// # Errors
/// When there is no session to be had; says how to come by one.
pub async fn open(wanted: Wanted, directory: &Path) -> anyhow::Result<Client> {
    if let Some(token) = wanted.token {
        if token.danger_expose().starts_with("wga_") {
            bail!("WARDGATE_TOKEN holds a sign-in credential: swap it with `wardgate sign-in`, which takes it on standard input");
        }
        let url = match wanted.url {
            Some(url) => url,
            None => match Held::find(directory)? {
                Some(held) => held.read()?.map_or_else(|| URL.to_owned(), |profile| profile.url),
                None => URL.to_owned(),
            },
        };
        return Ok(Client::new(Address::parse(&url)?, token));
    }
    let Some(held) = Held::find(directory)? else {
        bail!("there is no profile here or above: run `wardgate sign-in` in the directory of wardgate.yaml, or set WARDGATE_TOKEN");
    };
    if let Some(glass) = held.glass(clock::now())? {
        let address = Address::parse(&glass.url)?;
        if wanted.url.as_deref().map(Address::parse).transpose()?.is_none_or(|url| url == address) {
            return Ok(Client::new(address, glass.session.token));
        }
    }
    let Some(profile) = held.read()? else {
        bail!("there is no session: run `wardgate sign-in` in the directory of wardgate.yaml, or set WARDGATE_TOKEN");
    };
    if let Some(url) = &wanted.url
        && Address::parse(url)? != Address::parse(&profile.url)?
    {
        bail!("the profile `{}` is for {}, not for {url}: set WARDGATE_TOKEN too", held.path().display(), profile.url);
    }
    use_profile(&held, profile).await
}

async fn use_profile(held: &Held, profile: Profile) -> anyhow::Result<Client> {
    let address = Address::parse(&profile.url)?;
    let now = clock::now();
    match (profile.session, profile.sign_in) {
        (Some(session), _) if session.expires > now && (session.renewal == Renewal::Never || session.expires.since(now) >= RENEW_BELOW) => {
            Ok(Client::new(address, session.token))
        }
        (Some(session), sign_in) if session.expires > now => {
            let client = Client::new(address.clone(), session.token.clone());
            match renew(&client, &session).await {
                Ok(session) => {
                    let token = session.token.clone();
                    held.write(&Profile { url: profile.url, sign_in, session: Some(session) })?;
                    Ok(Client::new(address, token))
                }
                // It is still good for now; the next command tries again.
                Err(error) => {
                    note(&format!("the session could not be renewed: {error}"));
                    Ok(client)
                }
            }
        }
        (_, Some(sign_in)) => {
            let session = swap(&address, sign_in).await?;
            let token = session.token.clone();
            held.write(&Profile { url: profile.url, sign_in: None, session: Some(session) })?;
            Ok(Client::new(address, token))
        }
        (Some(_), None) => {
            bail!(
                "the session has expired: run `wardgate sign-in`, or `wardgate login` where people sign in at an issuer, or `wardgate sign-in --offline` when nothing is serving"
            )
        }
        (None, None) => bail!("there is no session: run `wardgate sign-in`, or `wardgate sign-in --offline` when nothing is serving"),
    }
}

/// Ends the break-glass session that is kept in `held`, at the gate and here: the profile's own session counts again.
///
/// # Errors
/// When the gate cannot be reached or refuses: then it is still open there, and kept here.
pub async fn end_glass(held: &Held) -> anyhow::Result<Ended> {
    let Some(glass) = held.glass(clock::now())? else { return Ok(Ended::WasNone) };
    end_at_gate(Client::new(Address::parse(&glass.url)?, glass.session.token)).await?;
    held.forget_glass()?;
    Ok(Ended::Now)
}

/// What became of a break-glass session that was to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was open until now.
    Now,
    /// There was none.
    WasNone,
}

/// Swaps a sign-in credential for a session. It is spent afterwards, whatever becomes of the answer.
///
/// # Errors
/// When the gate refuses or cannot be reached.
pub async fn swap(address: &Address, sign_in: Secret<String>) -> anyhow::Result<Session> {
    let client = Client::new(address.clone(), sign_in);
    let answer =
        client.call(Method::POST, "/api/v1/sessions", None).await.map_err(|fault| explain_refusal(fault, "the sign-in credential"))?;
    read(&answer.body, None)
}

/// Swaps the code that somebody's browser brought for a session, which nobody renews. The code is spent afterwards.
///
/// # Errors
/// When the gate refuses or cannot be reached.
pub async fn swap_code(address: &Address, code: &Secret<String>, verifier: &Secret<String>) -> anyhow::Result<Session> {
    let body = serde_json::json!({ "code": code.danger_expose(), "code_verifier": verifier.danger_expose() });
    let answer = Client::nobody(address.clone()).call(Method::POST, "/sign-in/session", Some(&body)).await?;
    Ok(Session { renewal: Renewal::Never, ..read(&answer.body, None)? })
}

/// Asks whether people sign in at this gate: nobody is to wait for what cannot come.
///
/// # Errors
/// When nothing answers there, or no issuer is configured.
pub async fn offers_sign_in(address: &Address) -> anyhow::Result<()> {
    match Client::nobody(address.clone()).call(Method::GET, "/sign-in", None).await {
        Err(ClientFault::Refused(refusal)) if refusal.status == http::StatusCode::NOT_FOUND => {
            bail!(
                "people do not sign in at {address}: its configuration has no `admin.sign_in`; `wardgate sign-in` takes a single-use credential"
            )
        }
        Err(fault @ (ClientFault::Unreachable { .. } | ClientFault::Address { .. })) => Err(fault.into()),
        // What answers is a page for a browser.
        Err(_) | Ok(_) => Ok(()),
    }
}

/// Ends the session of a profile, at the gate and here.
///
/// # Errors
/// When the gate cannot be reached or refuses: then it is still open there, and kept here.
pub async fn end(held: &Held) -> anyhow::Result<Ended> {
    let Some(profile) = held.read()? else { return Ok(Ended::WasNone) };
    let Some(session) = profile.session else { return Ok(Ended::WasNone) };
    let over = session.expires <= clock::now();
    if !over {
        end_at_gate(Client::new(Address::parse(&profile.url)?, session.token)).await?;
    }
    held.write(&Profile { url: profile.url, sign_in: profile.sign_in, session: None })?;
    Ok(if over { Ended::WasNone } else { Ended::Now })
}

async fn end_at_gate(client: Client) -> Result<(), ClientFault> {
    match client.call(Method::DELETE, "/api/v1/sessions/current", None).await {
        // Another one was opened since, or it was revoked: it is over all the same.
        Err(ClientFault::Refused(refusal)) if refusal.status == http::StatusCode::UNAUTHORIZED => Ok(()),
        other => other.map(drop),
    }
}

async fn renew(client: &Client, session: &Session) -> anyhow::Result<Session> {
    let answer = client.call(Method::POST, "/api/v1/sessions/renew", None).await?;
    read(&answer.body, Some(&session.token))
}

fn explain_refusal(fault: ClientFault, what: &str) -> anyhow::Error {
    let spent = matches!(&fault, ClientFault::Refused(refusal) if refusal.status == http::StatusCode::UNAUTHORIZED);
    let error = anyhow::Error::from(fault);
    if spent {
        error.context(format!("{what} is not good any more: make a new one with `wardgate sign-in --offline` when nothing is serving"))
    } else {
        error
    }
}

/// Reads `{"token", "expires"}`; a renewed session may keep its token.
fn read(body: &Value, kept: Option<&Secret<String>>) -> anyhow::Result<Session> {
    let member = |name: &str| body.get(name).and_then(Value::as_str);
    let token = match (member("token"), kept) {
        (Some(token), _) => Secret::new(token.to_owned()),
        (None, Some(kept)) => kept.clone(),
        (None, None) => bail!("the answer holds no session"),
    };
    let expires = member("expires").and_then(Time::parse).context("the answer does not say when the session ends")?;
    Ok(Session { token, expires, renewal: Renewal::Possible })
}

#[cfg(test)]
mod tests;
