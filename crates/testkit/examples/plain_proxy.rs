//! The plain reverse proxy as a process: `plain_proxy ADDRESS UPSTREAM`, one thread.

use anyhow::Context;
use std::net::SocketAddr;
use tokio::{net::TcpListener, runtime::Builder};

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let mut address = |name: &str| -> anyhow::Result<SocketAddr> {
        let word = words.next().with_context(|| format!("usage: plain_proxy ADDRESS UPSTREAM; {name} is missing"))?;
        word.parse().with_context(|| format!("`{word}` is no address like 127.0.0.1:9000"))
    };
    let (own, upstream) = (address("ADDRESS")?, address("UPSTREAM")?);
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(own).await.with_context(|| format!("{own} cannot be bound"))?;
        match wardgate_testkit::plain::serve(listener, upstream).await? {}
    })
}
