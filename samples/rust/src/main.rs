//! A server that answers only what came through the gate. `assertion` verifies, `keys` has the gate's keys, `server` is around it.

mod assertion;
mod keys;
mod server;

use assertion::Verifier;
use keys::Keys;
use std::{env, error::Error, io::Write as _, sync::Arc};
use tokio::net::TcpListener;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let variable = |name: &str| env::var_os(name).and_then(|value| value.into_string().ok());
    let issuer = variable("WARDGATE_ISSUER").ok_or("WARDGATE_ISSUER says which gate is believed")?;
    let port: u16 = variable("PORT").as_deref().unwrap_or("9000").parse()?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = format!("http://{}", listener.local_addr()?);
        let keys = Keys::new(&variable("WARDGATE_JWKS").unwrap_or_else(|| format!("{issuer}/.well-known/jwks.json")))?;
        let audience = variable("WARDGATE_AUDIENCE").unwrap_or_else(|| address.clone());
        writeln!(std::io::stdout(), "listening on {address}")?;
        server::serve(listener, Arc::new(Verifier::new(issuer, audience, keys))).await?;
        Ok(())
    })
}
