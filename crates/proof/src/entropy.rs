//! Where randomness comes from: always a parameter, so that a test can say what it will be.

/// No random bytes could be had. Nothing may be made without them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoEntropy;

/// A source of random bytes that nobody can guess.
pub trait Entropy {
    /// Fills all of `bytes`.
    ///
    /// # Errors
    /// When the source fails; `bytes` must not be used then.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy>;
}

/// The cryptographic generator of the process, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        aws_lc_rs::rand::fill(bytes).map_err(|_| NoEntropy)
    }
}
