//! Signed notes (C2SP signed-note) and checkpoints (C2SP tlog-checkpoint): text with signatures under it, and such a text that
//! says how large a log is and what its root is. Values only; whoever has the key signs ([`Signer`]).
//!
//! ```text
//! gate.example.com/log/edge-1                                 the origin: whose log
//! 7                                                           the size: leaves of the tree
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=                the root, in base64
//!
//! — gate.example.com/log/edge-1 Az3grlgtzPICa5OS8npVmf1M…     a key's name, then base64 of its id (4 bytes) and the signature
//! ```
//!
//! A signature under a name and id that nobody here knows says nothing and is passed over; one of a known key that is wrong
//! makes the whole note void.

use crate::tree::{HASH_BYTES, Hash};
use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ED25519, UnparsedPublicKey},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;

/// Bytes of a note, signatures and all. Room for sixteen signatures of the largest kind known (some 5 kB each) and more.
pub const NOTE_BYTES_MAX: usize = 256 * 1024;
/// Signatures of a note. Everybody must take at least 16.
pub const SIGNATURES_MAX: usize = 64;
/// Bytes of a key's name and of an origin.
pub const NAME_BYTES_MAX: usize = 512;
/// Bytes of a public key of Ed25519.
const PUBLIC_BYTES: usize = 32;
/// Bytes of a key's id.
const ID_BYTES: usize = 4;
/// The signature type Ed25519 (signed-note, "Signature types").
const ED25519_TYPE: u8 = 0x01;
/// How a line with a signature begins: an em dash and a space.
const SIGNATURE_MARK: &str = "\u{2014} ";

/// Who signs notes. The key stays with them.
pub trait Signer {
    /// The key's name: no space, no `+`.
    fn name(&self) -> &str;

    /// The Ed25519 signature (RFC 8032) over `text`.
    fn sign(&self, text: &[u8]) -> [u8; 64];

    /// The public key of Ed25519.
    fn public(&self) -> [u8; PUBLIC_BYTES];
}

/// Why a text is no note, no checkpoint or no key, or is not signed by whom it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// More bytes than a note may have.
    #[error("the note is longer than {NOTE_BYTES_MAX} bytes")]
    Long,
    /// Not UTF-8, or with control characters.
    #[error("the note is no plain text in UTF-8")]
    NotText,
    /// No text, or no signatures under a blank line.
    #[error("the note has no text with signatures under a blank line")]
    Unsigned,
    /// A line among the signatures that is none.
    #[error("line {line} of the signatures is none: `— NAME BASE64`")]
    Signature {
        /// The line, counted from 1.
        line: usize,
    },
    /// More signatures than are looked at.
    #[error("the note has more than {SIGNATURES_MAX} signatures")]
    Signatures,
    /// No signature is by a key that is known here.
    #[error("the note is signed by none of the known keys")]
    NoKnownKey,
    /// A signature of a known key is wrong.
    #[error("the signature of `{name}` is not over this text")]
    Forged {
        /// The key's name.
        name: String,
    },
    /// The text of a checkpoint is not origin, size, root.
    #[error("the {part} of the checkpoint is wrong")]
    Checkpoint {
        /// What is wrong of it.
        part: &'static str,
    },
    /// A checkpoint of another log.
    #[error("the checkpoint is of the log `{found}`, not of `{expected}`")]
    Origin {
        /// The origin in the checkpoint.
        found: String,
        /// The origin that was looked for.
        expected: String,
    },
    /// A key's name is empty, too long or has a space or a `+`.
    #[error("`{0}` cannot be the name of a key: it is empty, too long, or has a space or a `+`")]
    Name(String),
    /// Not a verifier key.
    #[error("not a key to verify with: `NAME+ID+BASE64`, for Ed25519")]
    Key,
}

/// A key that notes are verified with. As text: `NAME+ID+BASE64`, as signed-note writes it ("vkey").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    id: [u8; ID_BYTES],
    public: [u8; PUBLIC_BYTES],
}

impl Verifier {
    /// The key of this name. `public` is of Ed25519.
    ///
    /// # Errors
    /// When that cannot be a name.
    pub fn new(name: &str, public: [u8; PUBLIC_BYTES]) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::Name(name.chars().take(NAME_BYTES_MAX).collect()));
        }
        let hashed = digest(&SHA256, &[name.as_bytes(), &[b'\n', ED25519_TYPE], &public].concat());
        let id = hashed.as_ref().first_chunk().copied().unwrap_or_default();
        Ok(Self { name: name.to_owned(), id, public })
    }

    /// The key of who signs.
    ///
    /// # Errors
    /// When its name cannot be one.
    pub fn of(signer: &dyn Signer) -> Result<Self, NoteError> {
        Self::new(signer.name(), signer.public())
    }

    /// Reads `NAME+ID+BASE64`. The id must be the key's.
    ///
    /// # Errors
    /// When it is something else, or of another kind than Ed25519.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else { return Err(NoteError::Key) };
        if key.len() > 2 * PUBLIC_BYTES {
            return Err(NoteError::Key);
        }
        let key = STANDARD.decode(key).map_err(|_| NoteError::Key)?;
        let Some((&ED25519_TYPE, public)) = key.split_first() else { return Err(NoteError::Key) };
        let verifier = Self::new(name, public.try_into().map_err(|_| NoteError::Key)?)?;
        if hexadecimal(verifier.id) == id { Ok(verifier) } else { Err(NoteError::Key) }
    }

    /// The key's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether `signature` is this key's over `text`.
    #[must_use]
    pub fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public).verify(text, signature).is_ok()
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = STANDARD.encode([&[ED25519_TYPE], self.public.as_slice()].concat());
        write!(f, "{}+{}+{key}", self.name, hexadecimal(self.id))
    }
}

fn hexadecimal(id: [u8; ID_BYTES]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

/// Whether a key may have this name.
fn is_name(name: &str) -> bool {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.contains(bad)
}

/// A note that was read and not yet verified.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Note<'a> {
    /// The text, with its last line feed: what is signed.
    text: &'a str,
    signatures: Vec<Signature<'a>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Signature<'a> {
    name: &'a str,
    id: [u8; ID_BYTES],
    bytes: Vec<u8>,
}

impl<'a> Note<'a> {
    fn parse(note: &'a [u8]) -> Result<Self, NoteError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteError::Long);
        }
        let note = std::str::from_utf8(note).map_err(|_| NoteError::NotText)?;
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(NoteError::NotText);
        }
        // The last blank line parts them; the text keeps its own line feed.
        let (at, _) = note.rmatch_indices("\n\n").next().ok_or(NoteError::Unsigned)?;
        let (text, lines) = note.split_at_checked(at + 1).ok_or(NoteError::Unsigned)?;
        let lines = lines.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n')).ok_or(NoteError::Unsigned)?;
        if text == "\n" {
            return Err(NoteError::Unsigned);
        }
        let mut signatures = Vec::new();
        for (at, line) in lines.split('\n').enumerate() {
            if at == SIGNATURES_MAX {
                return Err(NoteError::Signatures);
            }
            signatures.push(Signature::parse(line).ok_or(NoteError::Signature { line: at + 1 })?);
        }
        Ok(Self { text, signatures })
    }
}

impl<'a> Signature<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (name, base64) = line.strip_prefix(SIGNATURE_MARK)?.split_once(' ')?;
        let decoded = STANDARD.decode(base64).ok()?;
        let (id, bytes) = decoded.split_first_chunk::<ID_BYTES>()?;
        (is_name(name) && !bytes.is_empty()).then(|| Self { name, id: *id, bytes: bytes.to_vec() })
    }
}

/// The text of a note, signed by at least one of `keys`. Signatures of others are passed over.
///
/// # Errors
/// When it is no note, when none of the keys signed it, or when a signature of one of them is wrong.
pub fn open<'a>(note: &'a [u8], keys: &[Verifier]) -> Result<&'a str, NoteError> {
    let note = Note::parse(note)?;
    let mut verified = Err(NoteError::NoKnownKey);
    for signature in &note.signatures {
        let Some(key) = keys.iter().find(|key| key.name == signature.name && key.id == signature.id) else { continue };
        if !key.verifies(note.text.as_bytes(), &signature.bytes) {
            return Err(NoteError::Forged { name: key.name.clone() });
        }
        verified = Ok(note.text);
    }
    verified
}

/// The note over `text`, which ends with a line feed, signed.
///
/// # Errors
/// When that is no text of a note, or the signer's name is none.
pub fn sign(text: &str, signer: &dyn Signer) -> Result<String, NoteError> {
    let key = Verifier::of(signer)?;
    let signature = STANDARD.encode([key.id.as_slice(), &signer.sign(text.as_bytes())].concat());
    let note = format!("{text}\n{SIGNATURE_MARK}{} {signature}\n", key.name);
    // Read back as everybody will: what they would not take, or not find to be ours, is not given out.
    if open(note.as_bytes(), std::slice::from_ref(&key))? == text { Ok(note) } else { Err(NoteError::Unsigned) }
}

/// What a log's checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose log it is.
    pub origin: String,
    /// Leaves of the tree.
    pub size: u64,
    /// The root of the tree.
    pub root: Hash,
    /// Further lines, none of them empty. Whoever watches logs cannot check them: better none.
    pub extension: Vec<String>,
}

impl Checkpoint {
    /// Reads the text of a note (not the note: see [`Trusted::open`]).
    ///
    /// # Errors
    /// When it is no text of a checkpoint.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let wrong = |part| NoteError::Checkpoint { part };
        let mut lines = text.strip_suffix('\n').ok_or(wrong("end"))?.split('\n');
        let origin = lines.next().filter(|origin| is_origin(origin)).ok_or(wrong("origin"))?;
        let size = lines.next().and_then(decimal).ok_or(wrong("size"))?;
        let root = lines.next().and_then(read_hash).ok_or(wrong("root"))?;
        let extension: Vec<String> = lines.map(str::to_owned).collect();
        if extension.iter().any(String::is_empty) {
            return Err(wrong("extension"));
        }
        Ok(Self { origin: origin.to_owned(), size, root, extension })
    }

    /// The checkpoint in a note, whoever signed it: nothing is proven by it.
    ///
    /// # Errors
    /// When it is no note, or no text of a checkpoint.
    pub(crate) fn unproven(note: &[u8]) -> Result<Self, NoteError> {
        Self::parse(Note::parse(note)?.text)
    }

    /// The checkpoint as a signed note.
    ///
    /// # Errors
    /// When it has parts that a checkpoint cannot have, or the signer's name is none.
    pub fn sign(&self, signer: &dyn Signer) -> Result<String, NoteError> {
        let text = self.to_string();
        if Self::parse(&text)? != *self {
            return Err(NoteError::Checkpoint { part: "text" });
        }
        sign(&text, signer)
    }
}

impl fmt::Display for Checkpoint {
    /// The text that is signed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, write_hash(&self.root))?;
        self.extension.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// Whose checkpoints are believed: those of one log, under keys that were given by somebody outside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// The log's origin.
    pub origin: String,
    /// Its keys: one, or the old and the new one while they change.
    pub keys: Vec<Verifier>,
}

impl Trusted {
    /// The log that is called like its key.
    #[must_use]
    pub fn of(key: Verifier) -> Self {
        Self { origin: key.name.clone(), keys: vec![key] }
    }

    /// What a checkpoint of this log says.
    ///
    /// # Errors
    /// When it is no checkpoint, of another log, or not signed by a key of this one.
    pub fn open(&self, note: &[u8]) -> Result<Checkpoint, NoteError> {
        let checkpoint = Checkpoint::parse(open(note, &self.keys)?)?;
        if checkpoint.origin == self.origin {
            Ok(checkpoint)
        } else {
            Err(NoteError::Origin { found: checkpoint.origin, expected: self.origin.clone() })
        }
    }
}

fn is_origin(origin: &str) -> bool {
    !origin.is_empty() && origin.len() <= NAME_BYTES_MAX
}

/// A number as notes write it: digits, no zero before them.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok()).flatten()
}

/// A hash as notes write it.
pub(crate) fn write_hash(hash: &Hash) -> String {
    STANDARD.encode(hash)
}

/// Reads what [`write_hash`] wrote.
pub(crate) fn read_hash(text: &str) -> Option<Hash> {
    let short = text.len() <= 2 * HASH_BYTES;
    short.then(|| STANDARD.decode(text).ok()).flatten().and_then(|bytes| Hash::read(&bytes))
}

#[cfg(test)]
pub(crate) mod tests;
