//! Records of a JSON document, one at a time: of an array, of a member of an object that holds one, or one after the other as they are.
//!
//! Nothing is held of the document but the record that is looked at, and none is longer than a bound. What is broken is said with its
//! line, and reading goes on at the next line: with JSON Lines that is the next record.

use std::io::{self, Read};

/// Longest record, in bytes. What is longer is passed over.
pub(super) const RECORD_BYTES_MAX: usize = 4 << 20;
/// Bytes that are read at a time.
const PIECE: usize = 128 << 10;
/// Longest name of a member on the way to the records.
const NAME_BYTES_MAX: usize = 256;
/// Arrays and objects around records.
const DEPTH_MAX: usize = 8;

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record<'r> {
    /// A record: an object, from brace to brace.
    Bytes(&'r [u8]),
    /// One that was longer than [`RECORD_BYTES_MAX`].
    TooLong,
    /// Something that stands in no JSON document there.
    Broken,
}

/// What is around the place where reading stands, and how many names of the way lead to what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Around {
    /// An array.
    Array(usize),
    /// An object on the way to the records.
    Object(usize),
}

/// What came of taking something in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Took {
    Whole,
    TooLong,
    Broken,
}

/// Reads records.
#[derive(Debug)]
pub(super) struct Records<R> {
    from: R,
    piece: Vec<u8>,
    begin: usize,
    end: usize,
    line: u64,
    /// Members that lead to the records, outermost first; an object that does not begin with the first of them is a record itself.
    way: &'static [&'static str],
    around: Vec<Around>,
    record: Vec<u8>,
    /// The line on which the record began.
    began: u64,
}

impl<R: Read> Records<R> {
    pub(super) fn new(from: R, way: &'static [&'static str]) -> Self {
        Self { from, piece: vec![0; PIECE], begin: 0, end: 0, line: 1, way, around: Vec::new(), record: Vec::new(), began: 0 }
    }

    /// The line on which what was given last began, counted from 1.
    pub(super) fn number(&self) -> u64 {
        self.began
    }

    /// The next record.
    pub(super) fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        loop {
            let Some(byte) = self.after_space()? else { return Ok(None) };
            self.began = self.line;
            let took = match (byte, self.around.last().copied()) {
                (b',', Some(_)) => None,
                (b']', Some(Around::Array(_))) | (b'}', Some(Around::Object(_))) => {
                    self.around.pop();
                    None
                }
                (b'[', None) => self.enter(Around::Array(0)),
                (b'[', Some(Around::Array(gone))) => self.enter(Around::Array(gone)),
                (b'{', None) => self.object(0)?,
                (b'{', Some(Around::Array(gone))) => self.object(gone)?,
                (b'"', Some(Around::Object(gone))) => self.member(gone)?,
                _ => Some(Took::Broken),
            };
            let Some(took) = took else { continue };
            match took {
                Took::Whole => return Ok(Some(Record::Bytes(&self.record))),
                Took::TooLong => return Ok(Some(Record::TooLong)),
                Took::Broken => {
                    self.skip_line()?;
                    return Ok(Some(Record::Broken));
                }
            }
        }
    }

    fn enter(&mut self, what: Around) -> Option<Took> {
        if self.around.len() >= DEPTH_MAX {
            return Some(Took::Broken);
        }
        self.around.push(what);
        None
    }

    /// After `{` of a value: a record, or an object on the way to records (`None`).
    fn object(&mut self, gone: usize) -> io::Result<Option<Took>> {
        self.record.clear();
        self.record.push(b'{');
        let Some(wanted) = self.way.first().filter(|_| gone == 0) else { return self.rest(1).map(Some) };
        match self.after_space()? {
            Some(b'"') => {
                self.record.push(b'"');
                let took = self.string()?;
                if took != Took::Whole {
                    return Ok(Some(took));
                }
                if self.record.get(2..self.record.len() - 1) != Some(wanted.as_bytes()) {
                    return self.rest(1).map(Some);
                }
                match self.enter(Around::Object(0)) {
                    None => self.value_of_way(1),
                    broken => Ok(broken),
                }
            }
            Some(b'}') => {
                self.record.push(b'}');
                Ok(Some(Took::Whole))
            }
            _ => Ok(Some(Took::Broken)),
        }
    }

    /// After the `"` of a member's name in an object on the way: goes on where it is the wanted one, passes over it where not.
    fn member(&mut self, gone: usize) -> io::Result<Option<Took>> {
        self.record.clear();
        let took = self.string()?;
        if took != Took::Whole || self.record.len() > NAME_BYTES_MAX {
            return Ok(Some(Took::Broken));
        }
        let name = self.record.get(..self.record.len() - 1).unwrap_or_default();
        if self.way.get(gone).is_some_and(|wanted| wanted.as_bytes() == name) {
            return self.value_of_way(gone + 1);
        }
        match self.after_space()? {
            Some(b':') => self.pass_over(),
            _ => Ok(Some(Took::Broken)),
        }
    }

    /// Behind the name of a member that leads to the records.
    fn value_of_way(&mut self, gone: usize) -> io::Result<Option<Took>> {
        if self.after_space()? != Some(b':') {
            return Ok(Some(Took::Broken));
        }
        Ok(match self.after_space()? {
            Some(b'[') => self.enter(Around::Array(gone)),
            Some(b'{') if gone < self.way.len() => self.enter(Around::Object(gone)),
            _ => Some(Took::Broken),
        })
    }

    /// A value that is not wanted.
    fn pass_over(&mut self) -> io::Result<Option<Took>> {
        self.record.clear();
        let took = match self.after_space()? {
            Some(b'{' | b'[') => self.skip(1)?,
            Some(b'"') => {
                let took = self.string()?;
                if took == Took::TooLong { Took::Whole } else { took }
            }
            Some(byte) if byte == b'-' || byte.is_ascii_alphanumeric() => {
                while let Some(byte) = self.peek()?
                    && !matches!(byte, b',' | b'}' | b']' | b'\n')
                {
                    self.begin += 1;
                }
                Took::Whole
            }
            _ => Took::Broken,
        };
        Ok((took == Took::Broken).then_some(took))
    }

    /// The rest of an object that is open so deep.
    fn rest(&mut self, mut depth: usize) -> io::Result<Took> {
        let mut took = Took::Whole;
        while depth > 0 {
            let Some(byte) = self.byte()? else { return Ok(Took::Broken) };
            if self.record.len() < RECORD_BYTES_MAX {
                self.record.push(byte);
            } else {
                took = Took::TooLong;
            }
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                b'"' => match self.string()? {
                    Took::Whole => {}
                    Took::TooLong => took = Took::TooLong,
                    Took::Broken => return Ok(Took::Broken),
                },
                _ => {}
            }
        }
        Ok(took)
    }

    /// The same, and nothing of it is kept.
    fn skip(&mut self, mut depth: usize) -> io::Result<Took> {
        while depth > 0 {
            match self.byte()? {
                None => return Ok(Took::Broken),
                Some(b'{' | b'[') => depth += 1,
                Some(b'}' | b']') => depth -= 1,
                Some(b'"') => {
                    self.record.clear();
                    if self.string()? == Took::Broken {
                        return Ok(Took::Broken);
                    }
                }
                Some(_) => {}
            }
        }
        Ok(Took::Whole)
    }

    /// The rest of a string, its quote included. No string goes over the end of a line (RFC 8259 §7): there it is broken.
    fn string(&mut self) -> io::Result<Took> {
        let mut took = Took::Whole;
        loop {
            let Some(byte) = self.peek()? else { return Ok(Took::Broken) };
            if byte < 0x20 {
                return Ok(Took::Broken);
            }
            self.begin += 1;
            let escaped = if byte == b'\\' { self.peek()?.filter(|byte| *byte >= 0x20) } else { None };
            self.begin += usize::from(escaped.is_some());
            for byte in [Some(byte), escaped].into_iter().flatten() {
                if self.record.len() < RECORD_BYTES_MAX {
                    self.record.push(byte);
                } else {
                    took = Took::TooLong;
                }
            }
            if byte == b'"' {
                return Ok(took);
            }
        }
    }

    /// To the next line; nothing is around it.
    fn skip_line(&mut self) -> io::Result<()> {
        self.around.clear();
        while self.byte()?.is_some_and(|byte| byte != b'\n') {}
        Ok(())
    }

    fn after_space(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.byte()? {
                Some(b' ' | b'\t' | b'\r' | b'\n' | 0xEF | 0xBB | 0xBF) => {}
                byte => return Ok(byte),
            }
        }
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.peek()?;
        self.begin += usize::from(byte.is_some());
        self.line += u64::from(byte == Some(b'\n'));
        Ok(byte)
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        while self.begin == self.end {
            match self.from.read(&mut self.piece) {
                Ok(0) => return Ok(None),
                Ok(count) => (self.begin, self.end) = (0, count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.piece.get(self.begin).copied())
    }
}

#[cfg(test)]
mod tests;
