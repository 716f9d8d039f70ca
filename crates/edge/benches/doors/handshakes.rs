//! Handshakes with a client certificate: a door beside rustls alone. No request follows.

use crate::{Failed, certificates, child::Server, line, median};
use rustls::{ClientConfig, client::Resumption, pki_types::ServerName};
use std::{io::ErrorKind, net::SocketAddr, path::Path, sync::Arc};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};
use tokio_rustls::TlsConnector;

const ROUNDS: usize = 15;
/// Handshakes of one run.
const HANDSHAKES: u32 = 600;
/// Under way at a time.
const AT_ONCE: u32 = 4;

/// Measures rounds, in turn forwards and backwards, and prints them.
pub(crate) fn measure() -> Result<(), Failed> {
    let files = tempfile::tempdir()?;
    certificates::make(files.path())?;
    let directory = files.path().to_str().ok_or("a directory whose name is no text")?;
    let door = Server::start(&["door", directory, "127.0.0.1:9"], &["tls"])?;
    let alone = Server::start(&["alone", directory], &["verifying", "taking"])?;
    let client = TlsConnector::from(Arc::new(client(files.path())?));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let cost = |server: &Server, name: &str| -> Result<f64, Failed> {
        let (address, before) = (server.address(name)?, server.on_core()?);
        runtime.block_on(many(&client, address))?;
        Ok((server.on_core()? - before) / f64::from(HANDSHAKES))
    };
    let sides = [(&door, "tls"), (&alone, "verifying"), (&alone, "taking")];
    for (server, name) in sides {
        cost(server, name)?;
    }
    let mut rounds = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let mut costs = [0.0; 3];
        let mut order: Vec<_> = sides.into_iter().zip(&mut costs).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for ((server, name), spent) in order {
            *spent = cost(server, name)?;
        }
        rounds.push(costs);
    }
    let at_door = median(rounds.iter().map(|[door, ..]| *door).collect());
    line(&format!("a handshake with a client certificate, {ROUNDS} rounds: {at_door:.0} µs at a door"));
    beside("that verifies its path", rounds.iter().map(|[door, verifying, _]| (*door, *verifying)).collect());
    beside("that looks at what a door looks at", rounds.iter().map(|[door, _, taking]| (*door, *taking)).collect());
    Ok(())
}

/// Prints what pairs of a door and something else came to.
fn beside(what: &str, pairs: Vec<(f64, f64)>) {
    let shares: Vec<f64> = pairs.iter().map(|(door, other)| other / door).collect();
    let least = shares.iter().copied().fold(f64::INFINITY, f64::min);
    let most = shares.iter().copied().fold(0.0, f64::max);
    let (cost, share) = (median(pairs.into_iter().map(|(_, other)| other).collect()), median(shares));
    line(&format!("rustls alone {what}: {cost:.0} µs; a core does {share:.3} times as many at a door ({least:.3} to {most:.3})"));
}

/// TLS 1.3 as a client does it that has a certificate and no session to resume.
fn client(directory: &Path) -> Result<ClientConfig, Failed> {
    let (chain, key) = certificates::read(directory, "client")?;
    let roots = certificates::roots(directory)?;
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_client_auth_cert(chain, key)?;
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

async fn many(client: &TlsConnector, address: SocketAddr) -> Result<(), Failed> {
    let mut clients = JoinSet::new();
    for _ in 0..AT_ONCE {
        let client = client.clone();
        clients.spawn(async move {
            for _ in 0..HANDSHAKES / AT_ONCE {
                shake(&client, address).await.map_err(|error| error.to_string())?;
            }
            Ok::<_, String>(())
        });
    }
    while let Some(done) = clients.join_next().await {
        done??;
    }
    Ok(())
}

/// A handshake, and good-bye. A server that does not take the certificate says so before it goes.
async fn shake(client: &TlsConnector, address: SocketAddr) -> Result<(), Failed> {
    let server = TcpStream::connect(address).await?;
    server.set_nodelay(true)?;
    let mut server = client.connect(ServerName::try_from(certificates::NAME)?, server).await?;
    server.shutdown().await?;
    match server.read(&mut [0]).await {
        Ok(0) => Ok(()),
        // A door answers a good-bye by going.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(()),
        Ok(_) => Err("the server talks".into()),
        Err(error) => Err(error.into()),
    }
}
