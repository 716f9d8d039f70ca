//! Fuzzing on stable Rust: kept inputs, changed at random under a seed, against properties that must hold for any bytes.
//!
//! Every parser of untrusted bytes has a [`Target`]. The test-suite runs each over its corpus and some thousand changed
//! inputs; `cargo run --release -p wardgate-testkit --example fuzz -- TARGET --minutes N` goes on for longer. There is no
//! instrument for coverage: a target says in what its input ended ([`Outcome`]), and an input that ends in something new is
//! changed further.

mod api_key;
mod canon;
mod inspection;
mod mutate;
mod resources;
mod signature;
mod token;
mod x509;

pub use mutate::Random;

use std::{
    collections::HashSet,
    fmt::Write as _,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    panic::catch_unwind,
    path::{Path, PathBuf},
};

/// Inputs that a run keeps in memory because they ended in something new.
const KEPT_MAX: usize = 4_096;

/// The targets of this crate. The wire guard's stands beside the example, the configuration's with the binary.
pub const TARGETS: [Target; 7] =
    [canon::TARGET, api_key::TARGET, inspection::TARGET, resources::TARGET, signature::TARGET, token::TARGET, x509::TARGET];

/// A parser of untrusted bytes, with what must hold whatever the bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// The folder of its kept inputs.
    pub corpus: &'static str,
    /// What must hold.
    pub property: fn(&[u8]) -> Result<Outcome, Broken>,
    /// Words of its language, to be put into inputs.
    pub words: &'static [&'static str],
    /// Longest input, in bytes.
    pub bytes_max: usize,
}

/// In what an input ended, coarsely: which refusal, which kind of success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Outcome(u64);

impl Outcome {
    /// Equal values are equal outcomes.
    pub fn of(value: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// A property that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken(String);

impl Broken {
    /// For this reason.
    #[must_use]
    pub fn of(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether it holds; `what` must be told otherwise.
///
/// # Errors
/// When it does not.
pub fn hold(holds: bool, what: impl FnOnce() -> String) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken(what())) }
}

/// An input for which a property did not hold, or the parser panicked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Of which target.
    pub target: &'static str,
    /// The input.
    pub input: Vec<u8>,
    /// What did not hold.
    pub why: Broken,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}\n  input: \"{}\"", self.target, self.why, self.input.escape_ascii())
    }
}

impl std::error::Error for Failure {}

impl Target {
    /// Tries one input. A panic is a broken property.
    ///
    /// # Errors
    /// With the input, when something did not hold.
    pub fn check(&self, input: &[u8]) -> Result<Outcome, Failure> {
        let property = self.property;
        let ended = catch_unwind(|| property(input)).unwrap_or_else(|panic| {
            let told = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
            Err(Broken(format!("panicked: {}", told.unwrap_or("without a message"))))
        });
        ended.map_err(|why| Failure { target: self.name, input: input.to_vec(), why })
    }

    /// The kept inputs, in the order of their names.
    ///
    /// # Errors
    /// When the folder cannot be read, or there is none.
    pub fn corpus(&self) -> io::Result<Vec<Vec<u8>>> {
        let mut paths = std::fs::read_dir(self.corpus)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        let inputs: Vec<Vec<u8>> = paths.iter().map(std::fs::read).collect::<io::Result<_>>()?;
        if inputs.is_empty() { Err(io::Error::other(format!("`{}` holds no input", self.corpus))) } else { Ok(inputs) }
    }

    /// Keeps an input in the corpus, under a name made of its bytes.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, input: &[u8], why: &str) -> io::Result<PathBuf> {
        let mut name = why.to_owned();
        // Writing to a string cannot fail.
        let _ = write!(name, "-{:016x}", Outcome::of(input).0);
        let path = Path::new(self.corpus).join(name);
        std::fs::write(&path, input)?;
        Ok(path)
    }
}

/// A run over one target.
#[derive(Debug)]
pub struct Run {
    target: Target,
    inputs: Vec<Vec<u8>>,
    seen: HashSet<Outcome>,
    random: Random,
    tried: u64,
}

impl Run {
    /// Begins with a corpus, each input of which is tried first.
    ///
    /// # Errors
    /// With the first of them for which a property does not hold.
    pub fn new(target: Target, corpus: Vec<Vec<u8>>, seed: u64) -> Result<Self, Failure> {
        let mut run = Self { target, inputs: Vec::new(), seen: HashSet::new(), random: Random::new(seed), tried: 0 };
        for input in corpus {
            run.seen.insert(target.check(&input)?);
            run.inputs.push(input);
            run.tried += 1;
        }
        Ok(run)
    }

    /// Tries one changed input. Gives it when it ended in something new.
    ///
    /// # Errors
    /// When a property did not hold.
    pub fn step(&mut self) -> Result<Option<&[u8]>, Failure> {
        let input = mutate::change(&mut self.random, &self.inputs, self.target.words, self.target.bytes_max);
        let outcome = self.target.check(&input)?;
        self.tried += 1;
        if self.inputs.len() >= KEPT_MAX || !self.seen.insert(outcome) {
            return Ok(None);
        }
        self.inputs.push(input);
        Ok(self.inputs.last().map(Vec::as_slice))
    }

    /// Tries so many changed inputs.
    ///
    /// # Errors
    /// When a property did not hold.
    pub fn steps(&mut self, count: u64) -> Result<(), Failure> {
        (0..count).try_for_each(|_| self.step().map(|_| ()))
    }

    /// Inputs that were tried.
    #[must_use]
    pub fn tried(&self) -> u64 {
        self.tried
    }

    /// Different outcomes that were seen.
    #[must_use]
    pub fn outcomes(&self) -> usize {
        self.seen.len()
    }
}

#[cfg(test)]
mod tests;
