//! Tables of text, as wide as the terminal at the most: what does not fit goes on in the lines below.

use super::{BOLD, plain, styled};
use std::io::{self, IsTerminal as _};

/// Blanks between columns.
const GAP: usize = 2;
/// Columns are not made narrower than this.
const LEAST: usize = 16;

/// Rows under a header, in columns. Columns are as wide as what stands in them.
#[must_use]
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    within(header, rows, width())
}

/// How wide the terminal is that is written to; `None`: it is none, and whoever reads on breaks no lines.
pub(super) fn width() -> Option<usize> {
    let size = io::stdout().is_terminal().then(|| rustix::termios::tcgetwinsize(io::stdout()))?;
    size.ok().map(|size| usize::from(size.ws_col)).filter(|width| *width > 0)
}

/// The same, in lines that are no longer than this.
pub(super) fn within(header: &[&str], rows: &[Vec<String>], width: Option<usize>) -> String {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
    let mut widths: Vec<usize> = header.iter().map(|title| title.chars().count()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    if let Some(width) = width {
        narrow(&mut widths, width);
    }
    let lay = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for (cell, width) in cells.zip(&widths) {
            line.push_str(cell);
            // Not by a width of `format!`, which takes none above 65,535.
            line.extend(std::iter::repeat_n(' ', GAP + width.saturating_sub(cell.chars().count())));
        }
        line.truncate(line.trim_end().len());
        line
    };
    let mut text = styled(BOLD, &lay(&mut header.iter().copied()));
    text.push('\n');
    for row in &rows {
        let cells: Vec<Vec<String>> = row.iter().zip(&widths).map(|(cell, width)| broken(cell, *width)).collect();
        for line in 0..cells.iter().map(Vec::len).max().unwrap_or(0).max(1) {
            text.push_str(&lay(&mut cells.iter().map(|cell| cell.get(line).map_or("", String::as_str))));
            text.push('\n');
        }
    }
    text
}

/// Takes from the widest columns until all fit.
fn narrow(widths: &mut [usize], within: usize) {
    let gaps = widths.len().saturating_sub(1) * GAP;
    while widths.iter().sum::<usize>() + gaps > within {
        match widths.iter_mut().max() {
            Some(widest) if *widest > LEAST => *widest -= 1,
            _ => return,
        }
    }
}

/// A text in lines of so many characters, between words where there are any.
pub(super) fn broken(text: &str, width: usize) -> Vec<String> {
    if text.chars().count() <= width {
        return vec![text.to_owned()];
    }
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let long = |line: &str| line.chars().count();
        let (line, word_long) = (lines.last().map_or(0, |line| long(line)), word.chars().count());
        if line > 0 && line + 1 + word_long <= width {
            lines.last_mut().into_iter().for_each(|line| *line = format!("{line} {word}"));
            continue;
        }
        // What is longer than a line is cut wherever that ends.
        let letters: Vec<char> = word.chars().collect();
        let pieces = letters.chunks(width.max(1)).map(|piece| piece.iter().collect::<String>());
        if line == 0 {
            lines.pop();
        }
        lines.extend(pieces);
        if word.is_empty() {
            lines.push(String::new());
        }
    }
    lines
}

#[cfg(test)]
mod tests;
