//! Lines of a file, from its end to its beginning, in bounded memory.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
};

/// Longest line that is kept; a longer one is damage and comes out cut.
pub(crate) const LINE_BYTES_MAX: usize = 1024 * 1024;
const CHUNK_BYTES: u64 = 64 * 1024;

/// Reads lines backwards. Lines come without their newline; empty ones are left out.
pub(crate) struct ReverseLines<'a> {
    file: &'a mut File,
    // INVARIANT (unread): the bytes of the file before this position are not in `buffer` yet.
    position: u64,
    buffer: Vec<u8>,
}

impl<'a> ReverseLines<'a> {
    /// Begins at `end`, which is the end of a line or of the file.
    pub(crate) const fn before(file: &'a mut File, end: u64) -> Self {
        Self { file, position: end, buffer: Vec::new() }
    }

    /// The line before the last one given; `None` at the beginning of the file.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(newline) = self.buffer.iter().rposition(|byte| *byte == b'\n') {
                let line = self.buffer.split_off(newline + 1);
                self.buffer.pop();
                if !line.is_empty() {
                    return Ok(Some(line));
                }
            } else if self.position == 0 {
                let line = std::mem::take(&mut self.buffer);
                return Ok((!line.is_empty()).then_some(line));
            } else {
                self.read_chunk()?;
            }
        }
    }

    fn read_chunk(&mut self) -> io::Result<()> {
        let length = self.position.min(CHUNK_BYTES);
        self.position -= length;
        self.file.seek(SeekFrom::Start(self.position))?;
        let mut chunk = Vec::new();
        (&mut *self.file).take(length).read_to_end(&mut chunk)?;
        self.buffer.truncate(LINE_BYTES_MAX);
        chunk.append(&mut self.buffer);
        self.buffer = chunk;
        Ok(())
    }
}

/// Length of the file up to and with its last newline: what was written whole.
pub(crate) fn whole_length(file: &mut File) -> io::Result<u64> {
    let mut end = file.metadata()?.len();
    while end > 0 {
        let begin = end.saturating_sub(CHUNK_BYTES);
        file.seek(SeekFrom::Start(begin))?;
        let mut chunk = Vec::new();
        (&mut *file).take(end - begin).read_to_end(&mut chunk)?;
        if let Some(newline) = chunk.iter().rposition(|byte| *byte == b'\n') {
            return Ok(begin + u64::try_from(newline).unwrap_or(0) + 1);
        }
        end = begin;
    }
    Ok(0)
}
