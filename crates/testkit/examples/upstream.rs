//! The upstream as a process: `upstream ADDRESS [BODY_BYTES]`, one thread; 1 KiB unless told otherwise.

use anyhow::Context;
use std::net::SocketAddr;
use tokio::{net::TcpListener, runtime::Builder};
use wardgate_testkit::upstream::{Answer, serve};

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let word = words.next().context("usage: upstream ADDRESS [BODY_BYTES]")?;
    let own: SocketAddr = word.parse().with_context(|| format!("`{word}` is no address like 127.0.0.1:9000"))?;
    let length = match words.next() {
        Some(word) => word.parse().with_context(|| format!("`{word}` is no number of bytes"))?,
        None => 1024,
    };
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(own).await.with_context(|| format!("{own} cannot be bound"))?;
        match serve(listener, Answer::of_bytes(length)).await? {}
    })
}
