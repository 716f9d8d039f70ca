//! The PROXY protocol, version 2: what a balancer that passes bytes on says before them (HAProxy's `proxy-protocol.txt` §2.2).
//!
//! Read strictly, once, at the very beginning of a connection and only from trusted proxies. What it says beyond the source (TLVs)
//! is passed over. Version 1 is not served.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use tokio::io::{AsyncRead, AsyncReadExt};

/// How it begins.
pub const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Bytes of its fixed part.
const FIXED: usize = 16;
/// Bytes that follow at most: addresses and TLVs.
const REST_MAX: usize = 2048;

/// Whom the connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// The balancer itself: to see whether we are there.
    Local,
    /// This client.
    Client(IpAddr),
}

/// Why a preamble is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It begins otherwise.
    #[error("the connection does not begin with the PROXY protocol, version 2")]
    Signature,
    /// A command or version that is none.
    #[error("a version or command of the PROXY protocol that is not served")]
    Command,
    /// Not TCP over IPv4 or IPv6.
    #[error("a family or transport of the PROXY protocol that is not served")]
    Family,
    /// Too short for its addresses, or too long.
    #[error("a preamble of the PROXY protocol of a wrong length")]
    Length,
    /// It did not come whole.
    #[error("the connection ended within the preamble")]
    Ended,
}

/// What the fixed part says: the command and family, and how many bytes follow.
fn fixed(bytes: &[u8; FIXED]) -> Result<(u8, u8, usize), Malformed> {
    let [begins @ .., command, family, high, low] = *bytes;
    if begins != SIGNATURE {
        return Err(Malformed::Signature);
    }
    let rest = usize::from(u16::from_be_bytes([high, low]));
    match command {
        0x20 | 0x21 if rest <= REST_MAX => Ok((command, family, rest)),
        0x20 | 0x21 => Err(Malformed::Length),
        _ => Err(Malformed::Command),
    }
}

fn sender(command: u8, family: u8, rest: &[u8]) -> Result<Sender, Malformed> {
    match (command, family) {
        (0x20, _) | (_, 0x00) => Ok(Sender::Local),
        (_, 0x11) => {
            let (source, _) = rest.get(..12).and_then(<[u8]>::split_first_chunk::<4>).ok_or(Malformed::Length)?;
            Ok(Sender::Client(Ipv4Addr::from(*source).into()))
        }
        (_, 0x21) => {
            let (source, _) = rest.get(..36).and_then(<[u8]>::split_first_chunk::<16>).ok_or(Malformed::Length)?;
            Ok(Sender::Client(IpAddr::V6(Ipv6Addr::from(*source)).to_canonical()))
        }
        _ => Err(Malformed::Family),
    }
}

/// Reads the preamble, and not a byte behind it.
///
/// # Errors
/// When there is none, or it is not whole.
pub async fn read<S: AsyncRead + Unpin>(socket: &mut S) -> Result<Sender, Malformed> {
    let mut head = [0; FIXED];
    // What begins otherwise is refused at its first wrong byte: whoever speaks first speaks HTTP.
    for at in 0..FIXED {
        let byte = socket.read_u8().await.map_err(|_| Malformed::Ended)?;
        if SIGNATURE.get(at).is_some_and(|expected| *expected != byte) {
            return Err(Malformed::Signature);
        }
        if let Some(place) = head.get_mut(at) {
            *place = byte;
        }
    }
    let (command, family, length) = fixed(&head)?;
    let mut rest = vec![0; length];
    socket.read_exact(&mut rest).await.map_err(|_| Malformed::Ended)?;
    sender(command, family, &rest)
}

#[cfg(test)]
mod tests;
