//! A page about one thing: a column of titles, what they say, and tables below.

use super::{BOLD, DIM, NAME, plain, styled, table};

/// Characters of a title's column.
const TITLE: usize = 16;

/// Blanks before each line.
const INDENT: usize = 2;

/// A page that is being written.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// A page that begins with what it is about.
    #[must_use]
    pub fn about(kind: &str, name: &str) -> Self {
        Self(format!("{} {}\n", styled(BOLD, &plain(kind)), styled(NAME, &plain(name))))
    }

    /// A title and what it says; nothing where there is nothing to say.
    pub fn say(&mut self, title: &str, what: &str) {
        if !matches!(what, "" | "-") {
            let what = plain(what);
            let lines = match table::width() {
                Some(width) => table::broken(&what, width.saturating_sub(TITLE + INDENT).max(TITLE)),
                None => vec![what],
            };
            self.say_styled(title, &lines.join(&format!("\n{}", " ".repeat(TITLE + INDENT))));
        }
    }

    /// As [`Page::say`], of text that is styled already.
    pub fn say_styled(&mut self, title: &str, what: &str) {
        self.0.push_str(&format!("  {}{what}\n", styled(DIM, &format!("{title:<TITLE$}"))));
    }

    /// A table under a heading; a dash where it has no rows.
    pub fn rows(&mut self, heading: &str, header: &[&str], rows: &[Vec<String>]) {
        self.0.push_str(&format!("\n{}\n", styled(BOLD, heading)));
        if rows.is_empty() {
            self.0.push_str("  -\n");
            return;
        }
        for line in table::within(header, rows, table::width().map(|width| width.saturating_sub(INDENT))).lines() {
            self.0.push_str(&format!("  {line}\n"));
        }
    }

    /// A line of text below.
    pub fn remark(&mut self, text: &str) {
        self.0.push_str(&format!("  {}\n", plain(text)));
    }

    /// The whole text.
    #[must_use]
    pub fn text(self) -> String {
        self.0
    }
}
