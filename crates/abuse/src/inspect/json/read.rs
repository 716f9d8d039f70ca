//! The reader: bytes to tokens, without recursion.

use super::{
    Fault, Flaw, JsonLimits,
    tape::{Kind, Tape, Token, unescaped},
};
use smallvec::SmallVec;
use std::borrow::Cow;
use wardgate_model::schema::name_hash;

/// Members of an object that are compared each with each; of larger ones the names are sorted.
const PAIRWISE_MAX: usize = 24;

pub(super) struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    limits: JsonLimits,
    tokens: Vec<Token>,
    open: SmallVec<[u32; 32]>,
    /// Hashes and places of names, while one object is looked over.
    names: Vec<(u32, u32)>,
}

/// What comes next.
#[derive(Clone, Copy)]
enum Want {
    Value,
    FirstItem,
    FirstName,
    Name,
    After,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, limits: JsonLimits) -> Result<Self, Fault> {
        // Places are counted in 32 bits.
        if u32::try_from(text.len()).is_err() {
            return Err(Fault { flaw: Flaw::Values, at: text.len() });
        }
        let tokens = Vec::with_capacity((text.len() / 12).min(limits.values as usize) + 4);
        Ok(Self { text, bytes: text.as_bytes(), at: 0, limits, tokens, open: SmallVec::new(), names: Vec::new() })
    }

    pub(super) fn read(mut self) -> Result<Tape<'a>, Fault> {
        let mut want = Want::Value;
        loop {
            self.space();
            want = match want {
                Want::Value => self.value()?,
                Want::FirstItem if self.peek() == Some(b']') => self.close()?,
                Want::FirstItem => self.value()?,
                Want::FirstName if self.peek() == Some(b'}') => self.close()?,
                Want::FirstName | Want::Name => self.name()?,
                Want::After => {
                    let Some(kind) = self.open.last().map(|place| self.kind(*place)) else { break };
                    match (self.peek(), kind) {
                        (Some(b','), kind) => {
                            self.at += 1;
                            if kind == Kind::Object { Want::Name } else { Want::Value }
                        }
                        (Some(b']'), Kind::Array) | (Some(b'}'), Kind::Object) => self.close()?,
                        _ => return Err(self.fault(Flaw::Syntax)),
                    }
                }
            };
        }
        if self.at != self.bytes.len() {
            return Err(self.fault(Flaw::Trailing));
        }
        Ok(Tape { text: Cow::Borrowed(self.text), tokens: self.tokens })
    }

    const fn fault(&self, flaw: Flaw) -> Fault {
        Fault { flaw, at: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn kind(&self, place: u32) -> Kind {
        self.tokens.get(place as usize).map_or(Kind::Unread, |token| token.kind)
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize, escaped: bool) -> Result<(), Fault> {
        let place = self.tokens.len();
        if place >= self.limits.values as usize {
            return Err(self.fault(Flaw::Values));
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "INVARIANT: `new` takes no text of 2^32 bytes, and a token is a byte at least"
        )]
        self.tokens.push(Token { start: start as u32, end: end as u32, next: place as u32 + 1, kind, escaped });
        Ok(())
    }

    fn value(&mut self) -> Result<Want, Fault> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => {
                let (start, end, escaped) = self.string()?;
                self.push(Kind::Text, start, end, escaped)?;
            }
            Some(b'{') => return self.open(Kind::Object, Want::FirstName),
            Some(b'[') => return self.open(Kind::Array, Want::FirstItem),
            Some(b't') => self.word(b"true", Kind::True)?,
            Some(b'f') => self.word(b"false", Kind::False)?,
            Some(b'n') => self.word(b"null", Kind::Null)?,
            Some(b'-' | b'0'..=b'9') => {
                let kind = self.number()?;
                if self.at - start > self.limits.number_bytes as usize {
                    return Err(Fault { flaw: Flaw::NumberLength, at: start });
                }
                self.push(kind, start, self.at, false)?;
            }
            _ => return Err(self.fault(Flaw::Syntax)),
        }
        Ok(Want::After)
    }

    fn open(&mut self, kind: Kind, want: Want) -> Result<Want, Fault> {
        if self.open.len() >= self.limits.depth as usize {
            return Err(self.fault(Flaw::Depth));
        }
        let place = u32::try_from(self.tokens.len()).map_err(|_| self.fault(Flaw::Values))?;
        self.push(kind, self.at, self.at, false)?;
        self.open.push(place);
        self.at += 1;
        Ok(want)
    }

    fn close(&mut self) -> Result<Want, Fault> {
        self.at += 1;
        let Some(place) = self.open.pop() else { return Err(self.fault(Flaw::Syntax)) };
        let next = u32::try_from(self.tokens.len()).map_err(|_| self.fault(Flaw::Values))?;
        let end = u32::try_from(self.at).map_err(|_| self.fault(Flaw::Values))?;
        let Some(token) = self.tokens.get_mut(place as usize) else { return Err(self.fault(Flaw::Syntax)) };
        token.next = next;
        token.end = end;
        if token.kind == Kind::Object {
            self.names_are_single(place, next)?;
        }
        Ok(Want::After)
    }

    fn name(&mut self) -> Result<Want, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.fault(Flaw::Syntax));
        }
        let (start, end, escaped) = self.string()?;
        self.push(Kind::Name, start, end, escaped)?;
        let written = self.text.get(start..end).unwrap_or_default();
        let hash = if escaped { name_hash(unescaped(written).as_bytes()) } else { name_hash(written.as_bytes()) };
        if let Some(token) = self.tokens.last_mut() {
            token.next = hash;
        }
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.fault(Flaw::Syntax));
        }
        self.at += 1;
        Ok(Want::Value)
    }

    fn word(&mut self, word: &'static [u8], kind: Kind) -> Result<(), Fault> {
        let start = self.at;
        if !self.bytes.get(start..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.fault(Flaw::Syntax));
        }
        self.at += word.len();
        self.push(kind, start, self.at, false)
    }

    /// RFC 8259 §6.
    fn number(&mut self) -> Result<Kind, Fault> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.fault(Flaw::Syntax)),
        }
        let mut kind = Kind::Whole;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
            kind = Kind::Number;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
            kind = Kind::Number;
        }
        Ok(kind)
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Result<(), Fault> {
        let before = self.at;
        self.digits();
        if self.at == before { Err(self.fault(Flaw::Syntax)) } else { Ok(()) }
    }

    /// A text: where it begins and ends, and whether there are escapes in it.
    fn string(&mut self) -> Result<(usize, usize, bool), Fault> {
        self.at += 1;
        let (start, mut escaped) = (self.at, false);
        loop {
            self.at += plain(self.bytes.get(self.at..).unwrap_or_default());
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(self.fault(Flaw::Syntax)),
            }
        }
        let end = self.at;
        self.at += 1;
        if end - start > self.limits.text_bytes as usize {
            return Err(Fault { flaw: Flaw::TextLength, at: start });
        }
        Ok((start, end, escaped))
    }

    fn escape(&mut self) -> Result<(), Fault> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => match self.unit()? {
                0xd800..=0xdbff => {
                    if self.peek() != Some(b'\\') || self.bytes.get(self.at + 1) != Some(&b'u') {
                        return Err(self.fault(Flaw::Encoding));
                    }
                    self.at += 1;
                    if !matches!(self.unit()?, 0xdc00..=0xdfff) {
                        return Err(self.fault(Flaw::Encoding));
                    }
                }
                0xdc00..=0xdfff => return Err(self.fault(Flaw::Encoding)),
                _ => {}
            },
            _ => return Err(self.fault(Flaw::Syntax)),
        }
        Ok(())
    }

    /// The unit of `uXXXX`.
    fn unit(&mut self) -> Result<u32, Fault> {
        let digits = self.bytes.get(self.at + 1..self.at + 5).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let unit = digits.and_then(|digits| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        let unit = unit.ok_or(self.fault(Flaw::Syntax))?;
        self.at += 5;
        Ok(unit)
    }

    /// Whether no name stands twice among the members of an object.
    fn names_are_single(&mut self, object: u32, end: u32) -> Result<(), Fault> {
        let mut names = std::mem::take(&mut self.names);
        names.clear();
        let mut at = object + 1;
        while at < end {
            let Some(name) = self.tokens.get(at as usize) else { break };
            names.push((name.next, at));
            let value = at + 1;
            at = match self.tokens.get(value as usize) {
                Some(token) if matches!(token.kind, Kind::Array | Kind::Object) => token.next,
                _ => value + 1,
            };
        }
        let twice = self.twice(&mut names);
        self.names = names;
        match twice.and_then(|place| self.tokens.get(place as usize)) {
            Some(token) => Err(Fault { flaw: Flaw::Duplicate, at: token.start as usize }),
            None => Ok(()),
        }
    }

    fn twice(&self, names: &mut [(u32, u32)]) -> Option<u32> {
        if names.len() <= PAIRWISE_MAX {
            let mut rest = &*names;
            while let Some(((hash, place), others)) = rest.split_first() {
                let same = |(other, at): &&(u32, u32)| other == hash && self.name_at(*at) == self.name_at(*place);
                if let Some((_, at)) = others.iter().find(same) {
                    return Some(*at);
                }
                rest = others;
            }
            return None;
        }
        // Whoever makes names of one hash makes the sorting no longer than any other.
        names.sort_unstable_by(|(one, a), (other, b)| one.cmp(other).then_with(|| self.name_at(*a).cmp(&self.name_at(*b))));
        names.windows(2).find_map(|pair| match pair {
            [(one, a), (other, b)] if one == other && self.name_at(*a) == self.name_at(*b) => Some(*a.max(b)),
            _ => None,
        })
    }

    fn name_at(&self, place: u32) -> Cow<'a, str> {
        let Some(token) = self.tokens.get(place as usize) else { return Cow::Borrowed("") };
        let written = self.text.get(token.start as usize..token.end as usize).unwrap_or_default();
        if token.escaped { Cow::Owned(unescaped(written)) } else { Cow::Borrowed(written) }
    }
}

/// How many bytes at the beginning are neither quote nor backslash nor control character; eight at a time.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // The lowest byte that is found is right; a borrow can only be wrong about bytes above it.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let mut passed = 0;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let mut word = [0_u8; 8];
        word.copy_from_slice(chunk);
        let word = u64::from_le_bytes(word);
        let quote = zero(word ^ (ONES * u64::from(b'"')));
        let backslash = zero(word ^ (ONES * u64::from(b'\\')));
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let found = quote | backslash | control;
        if found != 0 {
            return passed + found.trailing_zeros() as usize / 8;
        }
        passed += 8;
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    passed + chunks.remainder().iter().position(special).unwrap_or(chunks.remainder().len())
}
