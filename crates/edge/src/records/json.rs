//! Reads JSON (RFC 8259) piece by piece, and tells what is counted which values begin and end, and how deep.
//!
//! It is strict, but that bytes of text need not be UTF-8 and half a surrogate pair is let be: neither moves the end of a text. What is no
//! JSON, or deeper than [`DEPTH_MAX`], is given up.

use super::target::{Shape, Target};

/// Open containers at the most.
const DEPTH_MAX: u32 = 128;

/// JSON that has been read so far.
#[derive(Debug)]
pub(super) struct Json {
    at: At,
    depth: u32,
    /// The open containers, the innermost the lowest bit: 1 is an object.
    objects: u128,
    /// What is left to come of `true`, `false` or `null`.
    word: &'static [u8],
    /// What the hexadecimal digits of an escape have come to.
    unit: u32,
    /// The first half of a surrogate pair in a name, while the second has not come; 0: none.
    high: u32,
    target: Target,
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Value,
    /// A value, or the end of an array that has none.
    First,
    /// A name, or the end of an object that has none.
    FirstName,
    Name,
    Colon,
    /// The end of a container, or what parts its members.
    After,
    Text(Role),
    Escape(Role),
    /// So many more hexadecimal digits of an escape.
    Hex(Role, u8),
    Number(Number),
    /// `true`, `false` or `null`.
    Word,
    /// The one value is over.
    Over,
    /// It is none, or too deep.
    GivenUp,
}

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Name,
    Value,
}

/// What of a number has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    Sign,
    Power,
}

impl Number {
    /// With one more byte; `None`: that is no part of it.
    const fn with(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Minus, b'0') => Some(Self::Zero),
            (Self::Minus, b'1'..=b'9') | (Self::Integer, b'0'..=b'9') => Some(Self::Integer),
            (Self::Zero | Self::Integer, b'.') => Some(Self::Point),
            (Self::Point | Self::Fraction, b'0'..=b'9') => Some(Self::Fraction),
            (Self::Zero | Self::Integer | Self::Fraction, b'e' | b'E') => Some(Self::Exponent),
            (Self::Exponent, b'+' | b'-') => Some(Self::Sign),
            (Self::Exponent | Self::Sign | Self::Power, b'0'..=b'9') => Some(Self::Power),
            _ => None,
        }
    }

    const fn is_whole(self) -> bool {
        matches!(self, Self::Zero | Self::Integer | Self::Fraction | Self::Power)
    }
}

impl Json {
    pub(super) const fn new(target: Target) -> Self {
        Self { at: At::Value, depth: 0, objects: 0, word: &[], unit: 0, high: 0, target }
    }

    /// Takes the next bytes.
    pub(super) fn take(&mut self, mut bytes: &[u8]) {
        while let Some((byte, rest)) = bytes.split_first() {
            bytes = match self.at {
                At::GivenUp => return,
                At::Text(role) => self.text(role, bytes),
                At::Number(number) => self.number(number, bytes),
                At::Escape(role) => {
                    self.escape(role, *byte);
                    rest
                }
                At::Hex(role, left) => {
                    self.hex(role, left, *byte);
                    rest
                }
                At::Word => {
                    self.letter(*byte);
                    rest
                }
                At::Value | At::First | At::FirstName | At::Name | At::Colon | At::After | At::Over if is_space(*byte) => {
                    behind_space(rest)
                }
                At::Value | At::First | At::FirstName | At::Name | At::Colon | At::After | At::Over => {
                    self.step(*byte);
                    rest
                }
            };
        }
    }

    /// It is over. Gives what was counted, where it is one whole value; and how many records it holds at the most.
    pub(super) fn end(mut self) -> (Option<u64>, Option<u64>) {
        if let At::Number(number) = self.at
            && number.is_whole()
        {
            self.over();
        }
        if self.at != At::Over {
            return (None, None);
        }
        let count = self.target.count();
        (count, count.or_else(|| self.target.is_empty().then_some(0)))
    }

    /// Gives how many members have begun at the most by now, where it is known which are counted.
    pub(super) fn so_far(&self) -> Option<u64> {
        if self.at == At::GivenUp { None } else { self.target.so_far() }
    }

    /// A byte between texts, numbers and words.
    fn step(&mut self, byte: u8) {
        self.at = match (self.at, byte) {
            (At::After, b',') => {
                if self.objects & 1 == 1 {
                    At::Name
                } else {
                    At::Value
                }
            }
            (At::Colon, b':') => At::Value,
            (At::FirstName | At::Name, b'"') => {
                self.target.name_begins(self.depth);
                At::Text(Role::Name)
            }
            (At::First, b']') | (At::FirstName, b'}') | (At::After, b']' | b'}') => return self.close(byte),
            (At::Value | At::First, _) => return self.begin(byte),
            _ => At::GivenUp,
        };
    }

    /// Within a number. Gives what is behind what it has taken.
    fn number<'a>(&mut self, mut number: Number, bytes: &'a [u8]) -> &'a [u8] {
        for (at, byte) in bytes.iter().enumerate() {
            match number.with(*byte) {
                Some(more) => number = more,
                None => {
                    let (taken, rest) = bytes.split_at_checked(at).unwrap_or((bytes, &[]));
                    self.target.digits(taken);
                    if number.is_whole() {
                        self.over();
                    } else {
                        self.at = At::GivenUp;
                    }
                    return rest;
                }
            }
        }
        self.target.digits(bytes);
        self.at = At::Number(number);
        &[]
    }

    /// Within `true`, `false` or `null`.
    fn letter(&mut self, byte: u8) {
        match self.word.split_first() {
            Some((next, [])) if *next == byte => self.over(),
            Some((next, rest)) if *next == byte => self.word = rest,
            _ => self.at = At::GivenUp,
        }
    }

    /// A value begins.
    fn begin(&mut self, byte: u8) {
        let (at, shape) = match byte {
            b'{' => (At::FirstName, Shape::Object),
            b'[' => (At::First, Shape::List),
            b'"' => (At::Text(Role::Value), Shape::Other),
            b'-' => (At::Number(Number::Minus), Shape::Number),
            b'0' => (At::Number(Number::Zero), Shape::Number),
            b'1'..=b'9' => (At::Number(Number::Integer), Shape::Number),
            b't' => self.spelt(b"rue"),
            b'f' => self.spelt(b"alse"),
            b'n' => self.spelt(b"ull"),
            _ => return self.at = At::GivenUp,
        };
        if self.depth > 0 && self.objects & 1 == 0 {
            self.target.lists();
        }
        self.target.begins(shape, self.depth);
        match shape {
            Shape::Object | Shape::List if self.depth == DEPTH_MAX => return self.at = At::GivenUp,
            Shape::Object | Shape::List => {
                self.depth += 1;
                self.objects = (self.objects << 1) | u128::from(shape == Shape::Object);
            }
            Shape::Number => self.target.digits(&[byte]),
            Shape::Other => {}
        }
        self.at = at;
    }

    const fn spelt(&mut self, rest: &'static [u8]) -> (At, Shape) {
        self.word = rest;
        (At::Word, Shape::Other)
    }

    fn close(&mut self, byte: u8) {
        if (self.objects & 1 == 1) != (byte == b'}') {
            return self.at = At::GivenUp;
        }
        self.target.closes(self.depth);
        self.depth -= 1;
        self.objects >>= 1;
        self.over();
    }

    /// A value is over.
    fn over(&mut self) {
        self.target.over();
        self.at = if self.depth == 0 { At::Over } else { At::After };
    }

    /// Within a text. Gives what is behind what it has taken.
    fn text<'a>(&mut self, role: Role, bytes: &'a [u8]) -> &'a [u8] {
        let (plain, rest) = bytes.split_at_checked(plain(bytes)).unwrap_or((bytes, &[]));
        if role == Role::Name {
            if !plain.is_empty() || rest.first() == Some(&b'"') {
                self.alone();
            }
            self.target.name(plain);
        }
        let Some((stop, rest)) = rest.split_first() else { return rest };
        match (stop, role) {
            (b'\\', _) => self.at = At::Escape(role),
            (b'"', Role::Value) => self.over(),
            (b'"', Role::Name) => {
                self.target.name_ends();
                self.at = At::Colon;
            }
            _ => self.at = At::GivenUp,
        }
        rest
    }

    fn escape(&mut self, role: Role, byte: u8) {
        let plain = match byte {
            b'"' | b'\\' | b'/' => byte,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                self.unit = 0;
                return self.at = At::Hex(role, 4);
            }
            _ => return self.at = At::GivenUp,
        };
        if role == Role::Name {
            self.alone();
            self.target.name(&[plain]);
        }
        self.at = At::Text(role);
    }

    fn hex(&mut self, role: Role, left: u8, byte: u8) {
        let Some(digit) = char::from(byte).to_digit(16) else { return self.at = At::GivenUp };
        self.unit = (self.unit << 4) | digit;
        if left > 1 {
            return self.at = At::Hex(role, left - 1);
        }
        self.at = At::Text(role);
        if role == Role::Name {
            self.unit(self.unit);
        }
    }

    /// A code unit of UTF-16 in a name (RFC 8259 §7).
    fn unit(&mut self, unit: u32) {
        if let (0xd800..0xdc00, 0xdc00..0xe000) = (self.high, unit) {
            let point = 0x1_0000 + ((self.high - 0xd800) << 10) + (unit - 0xdc00);
            self.high = 0;
            return self.point(point);
        }
        self.alone();
        match unit {
            0xd800..0xdc00 => self.high = unit,
            unit => self.point(unit),
        }
    }

    fn point(&mut self, point: u32) {
        match char::from_u32(point) {
            Some(char) => self.target.name(char.encode_utf8(&mut [0; 4]).as_bytes()),
            None => self.target.name(NOT_UTF8),
        }
    }

    /// What stands behind the first half of a pair is not the second.
    fn alone(&mut self) {
        if std::mem::take(&mut self.high) != 0 {
            self.target.name(NOT_UTF8);
        }
    }
}

/// Half of a pair: like no text that a pointer can hold.
const NOT_UTF8: &[u8] = &[0xff];

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// What stands behind white space: of what is written for people, half is that.
fn behind_space(bytes: &[u8]) -> &[u8] {
    const SPACES: u64 = u64::from_ne_bytes([b' '; 8]);
    let (words, _) = bytes.as_chunks::<8>();
    let whole = words.iter().take_while(|word| u64::from_ne_bytes(**word) == SPACES).count() * 8;
    let rest = bytes.get(whole..).unwrap_or_default();
    let spaces = rest.iter().take_while(|byte| is_space(**byte)).count();
    rest.get(spaces..).unwrap_or_default()
}

/// How many bytes stand before one that ends plain text: a quote, a backslash, a control character. Eight at a time.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let (words, _) = bytes.as_chunks::<8>();
    let stops = |word: u64| {
        let zero = |word: u64| word.wrapping_sub(ONES) & !word;
        // A borrow can mark a byte behind the first that stops, never one before it.
        let below_space = word.wrapping_sub(ONES * 0x20) & !word;
        (zero(word ^ (ONES * 0x22)) | zero(word ^ (ONES * 0x5c)) | below_space) & HIGH
    };
    let whole = words.iter().take_while(|word| stops(u64::from_le_bytes(**word)) == 0).count() * 8;
    let rest = bytes.get(whole..).unwrap_or_default();
    whole + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20)).unwrap_or(rest.len())
}
