//! How bytes begin: as JSON does, or not. What a client says of their type is its own word; who reads them as JSON behind the gate often
//! asks for no type at all.

/// So many bytes of white space at the beginning are enough: what is behind them is held to be JSON.
pub const BLANK_BYTES_MAX: usize = 4 * 1024;

/// What the beginning of a body shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// An object or an array of JSON may follow.
    Json,
    /// It is none of them. A text, a number and the like are JSON, too, but there is nothing in them that two parsers take for two things.
    Other,
    /// Nothing but white space so far.
    Open,
}

/// Looks at the first bytes of a body, of which more may come: in UTF-8, and in UTF-16 and UTF-32 too, which some parsers of JSON
/// recognise (RFC 4627 §3), with a byte order mark or without.
#[must_use]
pub fn beginning(bytes: &[u8]) -> Beginning {
    let (bytes, place, width) = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => (rest, 0, 1),
        [0, 0, 0xFE, 0xFF, rest @ ..] => (rest, 3, 4),
        [0xFF, 0xFE, 0, 0, rest @ ..] => (rest, 0, 4),
        [0xFE, 0xFF, rest @ ..] => (rest, 1, 2),
        [0xFF, 0xFE, rest @ ..] => (rest, 0, 2),
        // More of these bytes decides what they are.
        [] | [0] | [0, 0] | [0, 0, 0] | [0, 0, 0xFE] | [0xEF] | [0xEF, 0xBB] | [0xFE] | [0xFF] => return Beginning::Open,
        // A message of gRPC begins with a nought and four bytes of its length: of units of four bytes it takes two.
        [0, 0, 0, _, rest @ ..] if rest.iter().take(3).any(|byte| *byte != 0) => return Beginning::Other,
        [0, 0, 0, _] | [0, 0, 0, _, _] | [0, 0, 0, _, _, _] => return Beginning::Open,
        [0, 0, 0, ..] => (bytes, 3, 4),
        [0, ..] => (bytes, 1, 2),
        [_, 0, 0, 0, ..] => (bytes, 0, 4),
        [_, 0, ..] => (bytes, 0, 2),
        _ => (bytes, 0, 1),
    };
    for (at, unit) in bytes.chunks_exact(width).enumerate() {
        let padded = unit.iter().enumerate().all(|(at, byte)| at == place || *byte == 0);
        match unit.get(place) {
            Some(b'{' | b'[') if padded => return Beginning::Json,
            Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C) if padded && at < BLANK_BYTES_MAX / width => {}
            Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C) if padded => return Beginning::Json,
            _ => return Beginning::Other,
        }
    }
    Beginning::Open
}

#[cfg(test)]
mod tests;
