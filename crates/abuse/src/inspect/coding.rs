//! Bodies that come compressed (RFC 9110 §8.4.1): inflated for looking at them, within bounds. What goes on is what came.

use std::{borrow::Cow, io::Read};

/// Codings of one body, one after the other.
const CODINGS_MAX: usize = 2;
/// Largest window of zstd, as a power of two: 8 MiB, as RFC 9659 §3 has it.
const WINDOW_LOG_MAX: u32 = 23;

/// Why a body cannot be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodingFault {
    /// It is coded in a way that is not known here, or in too many.
    #[error("its content coding is not known")]
    Unknown,
    /// It is not what its coding says.
    #[error("it is not what its content coding says")]
    Broken,
    /// It is larger than is looked at.
    #[error("it is too large")]
    TooLarge,
}

/// A body as it was before it was coded, of at most `limit` bytes.
///
/// # Errors
/// When that cannot be told.
pub fn plain<'a>(body: &'a [u8], codings: Option<&str>, limit: usize) -> Result<Cow<'a, [u8]>, CodingFault> {
    let named = codings.into_iter().flat_map(|codings| codings.split(',')).map(str::trim);
    let named: Vec<&str> = named.filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity")).collect();
    if named.len() > CODINGS_MAX {
        return Err(CodingFault::Unknown);
    }
    let mut plain = Cow::Borrowed(body);
    // They are named in the order in which they were applied.
    for coding in named.iter().rev() {
        plain = Cow::Owned(inflated(&plain, coding, limit)?);
    }
    if plain.len() > limit { Err(CodingFault::TooLarge) } else { Ok(plain) }
}

fn inflated(body: &[u8], coding: &str, limit: usize) -> Result<Vec<u8>, CodingFault> {
    let is = |name: &str| coding.eq_ignore_ascii_case(name);
    if is("gzip") || is("x-gzip") {
        // Several members are one body (RFC 1952 §2.2).
        return bounded(flate2::bufread::MultiGzDecoder::new(body), limit);
    }
    if is("deflate") {
        let mut decoder = flate2::bufread::ZlibDecoder::new(body);
        let plain = bounded(&mut decoder, limit)?;
        // Nothing follows the one stream.
        return if decoder.total_in() == body.len() as u64 { Ok(plain) } else { Err(CodingFault::Broken) };
    }
    if is("br") {
        return bounded(brotli_decompressor::Decompressor::new(body, 4_096), limit);
    }
    if is("zstd") {
        let decoder = zstd::stream::read::Decoder::with_buffer(body).and_then(|mut decoder| {
            decoder.window_log_max(WINDOW_LOG_MAX)?;
            Ok(decoder)
        });
        return bounded(decoder.map_err(|_| CodingFault::Broken)?, limit);
    }
    Err(CodingFault::Unknown)
}

fn bounded(coded: impl Read, limit: usize) -> Result<Vec<u8>, CodingFault> {
    let mut plain = Vec::new();
    let most = (limit as u64).saturating_add(1);
    coded.take(most).read_to_end(&mut plain).map_err(|_| CodingFault::Broken)?;
    if plain.len() > limit { Err(CodingFault::TooLarge) } else { Ok(plain) }
}

#[cfg(test)]
mod tests;
