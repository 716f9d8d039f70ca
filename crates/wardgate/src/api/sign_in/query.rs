//! The parameters of a step: each at most once, read strictly (RFC 6749 §3.1: none must be included more than once).

/// Longest query that is read, in bytes.
const BYTES_MAX: usize = 16 * 1024;
/// Most parameters.
const PAIRS_MAX: usize = 32;

/// Why a query cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the query cannot be read in one way")]
pub(crate) struct Unreadable;

/// Parameters, decoded.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `name=value&…` (`application/x-www-form-urlencoded`).
    ///
    /// # Errors
    /// A name twice, a broken escape, no UTF-8, or more of it than there is use for.
    pub(crate) fn read(text: &str) -> Result<Self, Unreadable> {
        if text.len() > BYTES_MAX {
            return Err(Unreadable);
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            if pairs.len() >= PAIRS_MAX || pairs.iter().any(|(known, _)| *known == name) {
                return Err(Unreadable);
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// A parameter; one without a value is as one that is not there (RFC 6749 §3.1).
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }
}

fn decoded(text: &str) -> Result<String, Unreadable> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = (digit(rest.next()), digit(rest.next()));
                high.zip(low).map(|(high, low)| high * 16 + low).ok_or(Unreadable)?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| Unreadable)
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn each_parameter_is_there_once_or_the_query_means_nothing() {
        let query = Query::read("code=a%2Bb+c&state=%C3%A9&empty=").unwrap();
        assert_eq!((query.value("code"), query.value("state")), (Some("a+b c"), Some("é")));
        assert_eq!((query.value("empty"), query.value("other")), (None, None));
        for broken in ["code=1&code=2", "c%6fde=1&code=2", "a=%zz", "a=%4", "a=%ff"] {
            assert!(Query::read(broken).is_err(), "{broken}");
        }
        assert!(Query::read(&"a".repeat(20_000)).is_err());
    }
}
