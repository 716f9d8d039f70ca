//! rustls alone: it accepts, shakes hands, and waits until the client goes. One thread, two listeners.

use crate::{Failed, certificates, line};
use rustls::{
    ServerConfig,
    server::{NoServerSessionStorage, WebPkiClientVerifier},
};
use std::{path::Path, sync::Arc};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;
use wardgate_edge::{ALPN, ClientCertificates, handshake};

/// Serves until it is ended: as a server of its own would, and with what a door has rustls look at, which is less.
pub(crate) fn serve(directory: &Path) -> Result<(), Failed> {
    let (chain, key) = certificates::read(directory, "server")?;
    let as_a_door = handshake::server_config(chain, key, ClientCertificates::Require)?;
    let configs = [("verifying", verifying(directory)?), ("taking", as_a_door)];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        for (name, config) in configs {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            line(&format!("{name} {}", listener.local_addr()?));
            tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(config))));
        }
        std::future::pending().await
    })
}

/// It verifies the path of a client's certificate. It resumes no sessions, as no door does that asks for certificates.
fn verifying(directory: &Path) -> Result<ServerConfig, Failed> {
    let (chain, key) = certificates::read(directory, "server")?;
    let clients = WebPkiClientVerifier::builder(Arc::new(certificates::roots(directory)?)).build()?;
    let mut config = ServerConfig::builder().with_client_cert_verifier(clients).with_single_cert(chain, key)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = ALPN.map(<[u8]>::to_vec).to_vec();
    Ok(config)
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(shake(acceptor.clone(), client));
    }
}

/// A client that goes is no trouble.
async fn shake(acceptor: TlsAcceptor, client: TcpStream) {
    if client.set_nodelay(true).is_ok()
        && let Ok(mut client) = acceptor.accept(client).await
        && client.read(&mut [0]).await.is_ok()
    {
        let _gone = client.shutdown().await;
    }
}
