//! Folders that files stand in.

use std::path::Path;

/// The folder of a file; that one stands in itself, where the file's path names none.
pub(crate) fn of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::of;
    use std::path::Path;

    #[test]
    fn a_bare_name_stands_where_one_is() {
        for (file, folder) in [("wardgate.db", "."), ("a/wardgate.db", "a"), ("/wardgate.db", "/"), ("./x", ".")] {
            assert_eq!(of(Path::new(file)), Path::new(folder), "{file}");
        }
    }
}
