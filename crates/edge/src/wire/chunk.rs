//! A chunked body, byte by byte (RFC 9112 §7.1). Stricter than the grammar: no white space around the size, line ends are
//! CRLF only, extensions and trailers are bounded.

use super::{
    Refusal,
    head::{is_token, is_value},
};
use crate::limits::EdgeLimits;
use wardgate_model::reason::Reason;

/// Most hexadecimal digits of a chunk size.
const SIZE_DIGITS_MAX: u8 = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// In a chunk size that has so many digits.
    Size {
        digits: u8,
        value: u64,
    },
    Extension {
        value: u64,
    },
    SizeFeed {
        value: u64,
    },
    Data {
        left: u64,
    },
    DataReturn,
    DataFeed,
    /// At the beginning of a trailer line, or of the empty line that ends the body.
    Trailer,
    TrailerName,
    TrailerValue,
    TrailerFeed,
    LastFeed,
    Done,
}

/// Reads one chunked body.
#[derive(Debug, Clone)]
pub struct ChunkReader {
    at: At,
    total: u64,
    extension_bytes: usize,
    trailer_bytes: usize,
    trailer_fields: usize,
}

impl Default for ChunkReader {
    fn default() -> Self {
        Self { at: At::Size { digits: 0, value: 0 }, total: 0, extension_bytes: 0, trailer_bytes: 0, trailer_fields: 0 }
    }
}

const fn framing(detail: &'static str) -> Refusal {
    Refusal::new(Reason::WireFraming, detail, 0)
}

impl ChunkReader {
    /// Whether the body is over.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.at == At::Done
    }

    /// Reads on and gives how many of the bytes belong to the body: all of them, unless it ended before.
    ///
    /// # Errors
    /// With how many bytes were good, and what is wrong with the next one.
    pub fn read(&mut self, bytes: &[u8], limits: &EdgeLimits) -> Result<usize, (usize, Refusal)> {
        let mut good = 0;
        while good < bytes.len() && !self.is_done() {
            if let At::Data { left } = self.at {
                let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len() - good);
                let left = left - here as u64;
                good += here;
                self.at = if left == 0 { At::DataReturn } else { At::Data { left } };
            } else if let Some(byte) = bytes.get(good) {
                self.at = self.step(*byte, limits).map_err(|refusal| (good, refusal))?;
                good += 1;
            }
        }
        Ok(good)
    }

    fn step(&mut self, byte: u8, limits: &EdgeLimits) -> Result<At, Refusal> {
        match self.at {
            At::Size { digits, value } => match (byte, char::from(byte).to_digit(16)) {
                (_, Some(_)) if digits == SIZE_DIGITS_MAX => Err(framing("a chunk size has too many digits")),
                (_, Some(digit)) => Ok(At::Size { digits: digits + 1, value: (value << 4) | u64::from(digit) }),
                (b'\r', None) if digits > 0 => self.sized(value, limits).map(|()| At::SizeFeed { value }),
                (b';', None) if digits > 0 => self.sized(value, limits).map(|()| At::Extension { value }),
                _ => Err(framing("a chunk size is not a hexadecimal number")),
            },
            At::Extension { value } => {
                self.extension_bytes += 1;
                match byte {
                    b'\r' => Ok(At::SizeFeed { value }),
                    _ if self.extension_bytes > limits.extension_bytes_max => Err(framing("the chunk extensions are too long")),
                    b'\t' | 0x20..=0x7E => Ok(At::Extension { value }),
                    _ => Err(framing("a chunk extension has a character that may not stand there")),
                }
            }
            At::SizeFeed { value } => match (byte, value) {
                (b'\n', 0) => Ok(At::Trailer),
                (b'\n', left) => Ok(At::Data { left }),
                _ => Err(framing("a bare carriage return after a chunk size")),
            },
            At::DataReturn if byte == b'\r' => Ok(At::DataFeed),
            At::DataFeed if byte == b'\n' => Ok(At::Size { digits: 0, value: 0 }),
            At::Data { .. } | At::DataReturn | At::DataFeed => Err(framing("a chunk is longer than its size")),
            At::Trailer | At::TrailerName | At::TrailerValue | At::TrailerFeed | At::LastFeed | At::Done => self.trailer(byte, limits),
        }
    }

    fn sized(&mut self, value: u64, limits: &EdgeLimits) -> Result<(), Refusal> {
        self.total = self.total.saturating_add(value);
        if self.total > limits.body_bytes_max {
            return Err(Refusal::new(Reason::WireBodyTooLarge, "the chunks together are larger than allowed", 0));
        }
        Ok(())
    }

    fn trailer(&mut self, byte: u8, limits: &EdgeLimits) -> Result<At, Refusal> {
        self.trailer_bytes += 1;
        if self.trailer_bytes > limits.trailer_bytes_max {
            return Err(framing("the trailer section is too long"));
        }
        match (self.at, byte) {
            (At::Trailer, b'\r') => Ok(At::LastFeed),
            (At::Trailer, _) if is_token(byte) => {
                self.trailer_fields += 1;
                if self.trailer_fields > limits.trailer_fields_max {
                    return Err(framing("too many trailer fields"));
                }
                Ok(At::TrailerName)
            }
            (At::TrailerName, b':') | (At::TrailerValue, _) if byte != b'\r' && is_value(byte) => Ok(At::TrailerValue),
            (At::TrailerName, _) if is_token(byte) => Ok(At::TrailerName),
            (At::TrailerValue, b'\r') => Ok(At::TrailerFeed),
            (At::TrailerFeed, b'\n') => Ok(At::Trailer),
            (At::LastFeed, b'\n') => Ok(At::Done),
            _ => Err(framing("a trailer field is malformed")),
        }
    }
}

#[cfg(test)]
mod tests;
