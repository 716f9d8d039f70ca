//! Path templates (OpenAPI 3.1 §4.8.8.1): segments of text and parameters.

use std::fmt;

/// A path template: whole segments that are literal or a parameter, or (rarely) a mix, as in `/report.{format}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathTemplate {
    text: Box<str>,
    segments: Box<[Segment]>,
}

/// One segment of a path template.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// These bytes and no others.
    Literal(Box<str>),
    /// Any one segment that is not empty.
    Parameter(Box<str>),
    /// Literal text around one parameter.
    Mixed {
        /// Before it.
        prefix: Box<str>,
        /// The parameter's name.
        name: Box<str>,
        /// After it.
        suffix: Box<str>,
    },
    /// Literal text around and between several parameters, as in `/compare/{base}...{head}`.
    Several {
        /// Before, between and after them, one more than there are names; those between are not empty.
        texts: Box<[Box<str>]>,
        /// The parameters' names.
        names: Box<[Box<str>]>,
    },
}

/// Why a text is no path template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It does not begin with a slash.
    #[error("a path begins with `/`")]
    NoSlash,
    /// A brace without its partner, an empty `{}`, or two parameters with nothing between them.
    #[error("the braces of `{0}` do not make named parameters with text between them")]
    Braces(Box<str>),
    /// The same name twice.
    #[error("the parameter `{0}` stands twice")]
    Twice(Box<str>),
}

impl PathTemplate {
    /// Reads `/orders/{id}/items`. A trailing slash is a segment of its own (empty literal).
    ///
    /// # Errors
    /// Says which segment is wrong.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let rest = text.strip_prefix('/').ok_or(TemplateError::NoSlash)?;
        let mut segments = Vec::new();
        if !rest.is_empty() {
            for part in rest.split('/') {
                segments.push(Segment::parse(part)?);
            }
        }
        let mut names: Vec<&str> = segments.iter().flat_map(Segment::parameters).collect();
        names.sort_unstable();
        if let Some([twice, _]) = names.array_windows::<2>().find(|[a, b]| a == b) {
            return Err(TemplateError::Twice((*twice).into()));
        }
        Ok(Self { text: text.into(), segments: segments.into() })
    }

    /// The template as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its segments. The root path `/` has none.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

impl Segment {
    fn parse(part: &str) -> Result<Self, TemplateError> {
        let braces = || TemplateError::Braces(part.into());
        let (mut texts, mut names, mut rest) = (Vec::<Box<str>>::new(), Vec::<Box<str>>::new(), part);
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').ok_or_else(braces)?;
            let adjacent = before.is_empty() && !names.is_empty();
            if name.is_empty() || name.contains('{') || before.contains('}') || adjacent {
                return Err(braces());
            }
            texts.push(before.into());
            names.push(name.into());
            rest = behind;
        }
        if rest.contains('}') {
            return Err(braces());
        }
        texts.push(rest.into());
        Ok(match (names.as_slice(), texts.as_slice()) {
            ([], _) => Self::Literal(part.into()),
            ([name], [prefix, suffix]) if prefix.is_empty() && suffix.is_empty() => Self::Parameter(name.clone()),
            ([name], [prefix, suffix]) => Self::Mixed { prefix: prefix.clone(), name: name.clone(), suffix: suffix.clone() },
            _ => Self::Several { texts: texts.into(), names: names.into() },
        })
    }

    /// The parameter's name, if it has exactly one.
    #[must_use]
    pub fn parameter(&self) -> Option<&str> {
        match self {
            Self::Literal(_) | Self::Several { .. } => None,
            Self::Parameter(name) | Self::Mixed { name, .. } => Some(name),
        }
    }

    /// The names of all its parameters, in their order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        let several = match self {
            Self::Several { names, .. } => &**names,
            Self::Literal(_) | Self::Parameter(_) | Self::Mixed { .. } => &[],
        };
        self.parameter().into_iter().chain(several.iter().map(|name| &**name))
    }

    /// How many bytes of it are literal: of two segments that are a mix, the one with more goes first.
    #[must_use]
    pub fn literal_bytes(&self) -> usize {
        match self {
            Self::Literal(text) => text.len(),
            Self::Parameter(_) => 0,
            Self::Mixed { prefix, suffix, .. } => prefix.len() + suffix.len(),
            Self::Several { texts, .. } => texts.iter().map(|text| text.len()).sum(),
        }
    }

    /// Whether both take the same path segments: whether they differ in nothing but the names of parameters.
    #[must_use]
    pub fn is_shaped_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Literal(a), Self::Literal(b)) => a == b,
            (Self::Parameter(_), Self::Parameter(_)) => true,
            (Self::Mixed { prefix, suffix, .. }, Self::Mixed { prefix: p, suffix: s, .. }) => prefix == p && suffix == s,
            (Self::Several { texts, .. }, Self::Several { texts: others, .. }) => texts == others,
            _ => false,
        }
    }

    /// Whether a segment of a path is one of these. A parameter stands for one character or more.
    #[must_use]
    pub fn fits(&self, part: &str) -> bool {
        self.values(part, |_, _| {}).is_some()
    }

    /// What the named parameter stands for in a segment of a path; `None` when that does not fit or has no such parameter.
    #[must_use]
    pub fn value<'p>(&self, name: &str, part: &'p str) -> Option<&'p str> {
        let mut wanted = None;
        self.values(part, |known, value| {
            if known == name {
                wanted = Some(value);
            }
        })?;
        wanted
    }

    /// Shows each parameter with its value. The text between two parameters is taken where it first comes.
    fn values<'p>(&self, part: &'p str, mut show: impl FnMut(&str, &'p str)) -> Option<()> {
        match self {
            Self::Literal(text) => (**text == *part).then_some(()),
            Self::Parameter(name) => (!part.is_empty()).then(|| show(name, part)),
            Self::Mixed { prefix, name, suffix } => {
                let value = part.strip_prefix(&**prefix)?.strip_suffix(&**suffix)?;
                (!value.is_empty()).then(|| show(name, value))
            }
            Self::Several { texts, names } => {
                let ([first, between @ .., last], [others @ .., end]) = (&**texts, &**names) else { return None };
                let mut rest = part.strip_prefix(&**first)?.strip_suffix(&**last)?;
                for (name, text) in others.iter().zip(between) {
                    let one = rest.chars().next()?.len_utf8();
                    let at = one + rest.get(one..)?.find(&**text)?;
                    show(name, rest.get(..at)?);
                    rest = rest.get(at + text.len()..)?;
                }
                (!rest.is_empty()).then(|| show(end, rest))
            }
        }
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
