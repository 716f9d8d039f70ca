//! The nearest of the words that would have been right.

/// The word of `words` that `word` was probably meant to be: at most a third of its letters away.
#[must_use]
pub fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().flat_map(char::to_lowercase).take(LETTERS_MAX).collect();
    let reach = word.len().div_ceil(3).clamp(1, 4);
    words
        .into_iter()
        .map(|candidate| {
            (distance(&word, &candidate.chars().flat_map(char::to_lowercase).take(LETTERS_MAX).collect::<Vec<_>>()), candidate)
        })
        .filter(|(far, _)| *far <= reach)
        .min_by_key(|(far, _)| *far)
        .map(|(_, candidate)| candidate)
}

/// Longer words are cut: the comparison is quadratic.
const LETTERS_MAX: usize = 64;

/// Edits (insert, delete, replace) between two words: Levenshtein with one row.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        let mut next = Vec::with_capacity(row.len());
        next.push(left);
        for (y, above) in b.iter().zip(row.iter().skip(1)) {
            left = (corner + usize::from(x != y)).min(above + 1).min(left + 1);
            corner = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// `did you mean …?` when something is near, otherwise the whole choice.
pub(crate) fn suggest<'a>(word: &str, words: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(word, words.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("one of {}", listed(words)),
    }
}

/// The words in backticks, with commas.
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
