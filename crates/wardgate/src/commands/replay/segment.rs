//! A sealed segment of our own log as lines, an event each, so that it is read as an export is.

use std::{
    io::{self, Read},
    path::Path,
};
use wardgate_audit::segment::Segment;

/// How a Parquet file begins.
const PARQUET: &[u8; 4] = b"PAR1";

/// Whether a file is one. One that cannot be read is none: whoever reads it on says why.
pub(super) fn is_segment(path: &Path) -> bool {
    let mut begin = [0; PARQUET.len()];
    std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut begin)).is_ok() && begin == *PARQUET
}

/// The events of a segment: one row group in memory at a time.
pub(super) struct Events {
    segment: Segment,
    /// The next row group.
    group: usize,
    lines: io::Cursor<Vec<u8>>,
}

impl Events {
    /// Opens a segment. What it says is not proven by it: `wardgate audit verify` does that.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let segment = Segment::open(path).map_err(io::Error::other)?;
        Ok(Self { segment, group: 0, lines: io::Cursor::new(Vec::new()) })
    }

    fn next_group(&mut self) -> io::Result<()> {
        let mut lines = Vec::new();
        for stored in self.segment.rows(self.group).map_err(io::Error::other)? {
            // A record that is no event is an empty object: it is counted as not understood, at its place.
            match stored.event() {
                Ok(event) => serde_json::to_writer(&mut lines, &event)?,
                Err(_) => lines.extend_from_slice(b"{}"),
            }
            lines.push(b'\n');
        }
        self.group += 1;
        self.lines = io::Cursor::new(lines);
        Ok(())
    }
}

impl Read for Events {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.lines.read(into)?;
            if read > 0 || into.is_empty() || self.group >= self.segment.groups() {
                return Ok(read);
            }
            self.next_group()?;
        }
    }
}
