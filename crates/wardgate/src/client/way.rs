//! How a client's connections are made: to a listener of this machine, or into this process.

use super::{Address, ClientFault};
use std::{fmt, io, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream},
    net::TcpStream,
    sync::mpsc,
};

/// Bytes that wait between the two ends of a connection within this process.
const PIPE_BYTES: usize = 64 << 10;
/// What is called where there is no address: a name for this machine (RFC 6761 §6.3).
const HERE: &str = "localhost";

/// A connection, whatever carries it.
pub(super) trait Carrier: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Carrier for T {}

/// A management API in this process: it takes the other ends of connections, and ends when the last client is gone.
#[derive(Debug)]
pub struct Inside {
    connections: mpsc::Sender<DuplexStream>,
    /// Dropped after the sender: by then nothing comes any more, and it waits until all is written.
    _end: End,
}

/// Waits for the thread that serves.
#[derive(Debug)]
struct End(Option<std::thread::JoinHandle<()>>);

impl Drop for End {
    fn drop(&mut self) {
        // A panic there was printed there.
        let _ended = self.0.take().map(std::thread::JoinHandle::join);
    }
}

impl Inside {
    /// A way to whoever takes connections out of the other end of `connections`, on `serving`.
    #[must_use]
    pub fn new(connections: mpsc::Sender<DuplexStream>, serving: std::thread::JoinHandle<()>) -> Self {
        Self { connections, _end: End(Some(serving)) }
    }
}

/// Where a client's connections go.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// To a listener.
    Listener(Address),
    /// Into this process.
    Inside(Arc<Inside>),
}

impl Way {
    /// What is called, for `Host`.
    pub(super) fn authority(&self) -> &str {
        match self {
            Self::Listener(address) => &address.authority,
            Self::Inside(_) => HERE,
        }
    }

    /// A new connection.
    pub(super) async fn connect(&self) -> Result<Box<dyn Carrier>, ClientFault> {
        match self {
            Self::Listener(address) => match TcpStream::connect((address.host.as_str(), address.port)).await {
                Ok(stream) => Ok(Box::new(stream)),
                Err(error) => Err(self.unreachable(&error)),
            },
            Self::Inside(inside) => {
                let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
                let gone = |_| self.unreachable(&io::Error::from(io::ErrorKind::BrokenPipe));
                inside.connections.send(theirs).await.map_err(gone)?;
                Ok(Box::new(ours))
            }
        }
    }

    /// Nobody answers there.
    pub(super) fn unreachable(&self, why: &dyn fmt::Display) -> ClientFault {
        match self {
            Self::Listener(address) => ClientFault::Unreachable { authority: address.authority.clone(), why: why.to_string() },
            Self::Inside(_) => ClientFault::Ended { why: why.to_string() },
        }
    }
}
