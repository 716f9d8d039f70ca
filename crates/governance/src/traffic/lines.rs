//! Lines of a file, one at a time, none longer than a bound: nothing of a file is held but the line that is looked at.

use std::io::{self, Read};

/// Longest line, in bytes.
pub(super) const LINE_BYTES_MAX: usize = 256 << 10;

/// A line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'l> {
    /// Its bytes.
    Bytes(&'l [u8]),
    /// It was longer than [`LINE_BYTES_MAX`], and is passed over.
    TooLong,
}

/// Reads lines.
#[derive(Debug)]
pub(super) struct Lines<R> {
    from: R,
    buffer: Vec<u8>,
    /// What of the buffer was read and not given yet.
    begin: usize,
    end: usize,
    ended: bool,
    number: u64,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from, buffer: vec![0; LINE_BYTES_MAX], begin: 0, end: 0, ended: false, number: 0 }
    }

    /// The number of the line that was given last, counted from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next line that is not empty.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut looked = 0;
        let mut too_long = false;
        loop {
            let rest = self.buffer.get(self.begin..self.end).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', rest.get(looked..).unwrap_or_default()) {
                let (begin, end) = (self.begin, self.begin + looked + at);
                self.begin = end + 1;
                self.number += 1;
                if too_long {
                    return Ok(Some(Line::TooLong));
                }
                if end > begin && !matches!(self.buffer.get(begin..end), Some(b"\r")) {
                    return Ok(Some(Line::Bytes(trimmed(self.buffer.get(begin..end).unwrap_or_default()))));
                }
                looked = 0;
                continue;
            }
            looked = rest.len();
            if self.ended {
                let begin = std::mem::replace(&mut self.begin, self.end);
                let bytes = trimmed(self.buffer.get(begin..self.end).unwrap_or_default());
                if bytes.is_empty() && !too_long {
                    return Ok(None);
                }
                self.number += 1;
                return Ok(Some(if too_long { Line::TooLong } else { Line::Bytes(bytes) }));
            }
            if looked == self.buffer.len() {
                (too_long, looked, self.begin, self.end) = (true, 0, 0, 0);
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.begin > 0 {
            self.buffer.copy_within(self.begin..self.end, 0);
            (self.begin, self.end) = (0, self.end - self.begin);
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        match self.from.read(room) {
            Ok(0) => self.ended = true,
            Ok(count) => self.end += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::{LINE_BYTES_MAX, Line, Lines};
    use proptest::prelude::*;
    use std::io::{self, Read};

    /// Gives a few bytes at a time.
    struct Drops<'a>(&'a [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(room.len());
            room[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn read(bytes: &[u8], at_a_time: usize) -> Vec<(u64, Option<Vec<u8>>)> {
        let mut lines = Lines::new(Drops(bytes, at_a_time));
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            let line = match line {
                Line::Bytes(bytes) => Some(bytes.to_vec()),
                Line::TooLong => None,
            };
            all.push((lines.number(), line));
        }
        all
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_the_next_is_read() {
        let long = vec![b'x'; LINE_BYTES_MAX * 2 + 7];
        let text = [b"one\n\r\n".as_slice(), &long, b"\ntwo\r\n", &long].concat();
        for at_a_time in [1_000, usize::MAX] {
            let all = read(&text, at_a_time);
            assert_eq!(all, [(1, Some(b"one".to_vec())), (3, None), (4, Some(b"two".to_vec())), (5, None)]);
        }
    }

    proptest! {
        #[test]
        fn lines_are_those_that_splitting_gives_whatever_the_pieces(text in "[ab\n\r]{0,60}", at_a_time in 1_usize..9) {
            let expected: Vec<_> = text
                .split('\n')
                .enumerate()
                .map(|(at, line)| (at as u64 + 1, line.strip_suffix('\r').unwrap_or(line)))
                .filter(|(_, line)| !line.is_empty())
                .map(|(at, line)| (at, Some(line.as_bytes().to_vec())))
                .collect();
            prop_assert_eq!(read(text.as_bytes(), at_a_time), expected);
        }
    }
}
