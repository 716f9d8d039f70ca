//! A command that waits for somebody to sign in (RFC 8252 §7.3): where it listens, and what its code is bound to. The code is
//! ours, good once, for a minute, and worth nothing to whoever does not know the verifier.

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use wardgate_model::time::Time;
use wardgate_proof::entropy::{Entropy, NoEntropy};

/// How long a code is good.
pub(super) const CODE_LIFE: Duration = Duration::from_secs(60);
/// Most codes that wait at a time: each is of somebody whom the issuer vouches for.
const CODES_MAX: usize = 256;
/// Longest `state` of a command, in bytes.
const STATE_BYTES_MAX: usize = 128;
/// Characters of a challenge: SHA-256 in base64url.
const CHALLENGE_CHARACTERS: usize = 43;

/// What a command wants: a code at an address of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    listener: SocketAddr,
    challenge: Box<str>,
    state: Box<str>,
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~'))
}

impl Wish {
    /// Reads one. The listener is `http://127.0.0.1:PORT/` or `http://[::1]:PORT/`, and nothing else: no name that could come to
    /// mean another machine, no path, no query.
    pub(super) fn read(redirect_uri: &str, challenge: &str, method: &str, state: &str) -> Option<Self> {
        let listener: SocketAddr = redirect_uri.strip_prefix("http://")?.strip_suffix('/')?.parse().ok()?;
        // Written back it is the same: there is one way to write an address.
        let exact = format!("http://{listener}/") == redirect_uri;
        let here = listener.ip() == std::net::Ipv4Addr::LOCALHOST || listener.ip() == std::net::Ipv6Addr::LOCALHOST;
        let bound = method == "S256" && challenge.len() == CHALLENGE_CHARACTERS && is_plain(challenge);
        let told = !state.is_empty() && state.len() <= STATE_BYTES_MAX && is_plain(state);
        (exact && here && listener.port() != 0 && bound && told).then(|| Self {
            listener,
            challenge: challenge.into(),
            state: state.into(),
        })
    }

    /// All of it, in one form.
    pub(super) fn text(&self) -> String {
        format!("{} {} {}", self.listener, self.challenge, self.state)
    }

    /// Reads what [`Wish::text`] writes.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let (listener, challenge, state) = (parts.next()?, parts.next()?, parts.next()?);
        Self::read(&format!("http://{listener}/"), challenge, "S256", state).filter(|_| parts.next().is_none())
    }

    /// Where it listens.
    pub(super) const fn listener(&self) -> SocketAddr {
        self.listener
    }

    /// The parameters of the page that leads to it.
    pub(super) fn query(&self) -> String {
        let redirect = crate::client::segment(&format!("http://{}/", self.listener));
        format!("redirect_uri={redirect}&code_challenge={}&code_challenge_method=S256&state={}", self.challenge, self.state)
    }

    /// Where the browser brings the code.
    pub(super) fn bring(&self, code: &str) -> String {
        format!("http://{}/?code={code}&state={}", self.listener, self.state)
    }
}

/// Codes that wait to be swapped.
#[derive(Debug)]
pub(super) struct Codes<T>(Mutex<HashMap<[u8; 32], Waiting<T>>>);

#[derive(Debug)]
struct Waiting<T> {
    worth: T,
    challenge: Box<str>,
    until: Time,
}

impl<T> Default for Codes<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoCode {
    #[error("too many commands wait for somebody to sign in")]
    Full,
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

fn sha256(text: &str) -> [u8; 32] {
    digest::digest(&digest::SHA256, text.as_bytes()).as_ref().try_into().unwrap_or([0; 32])
}

/// The challenge of a verifier (RFC 7636 §4.2).
pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(sha256(verifier))
}

impl<T> Codes<T> {
    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Waiting<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a code. It is remembered by its hash.
    pub(super) fn give(&self, worth: T, wish: &Wish, now: Time, entropy: &dyn Entropy) -> Result<String, NoCode> {
        let mut random = [0; 32];
        entropy.fill(&mut random)?;
        let code = URL_SAFE_NO_PAD.encode(random);
        let mut codes = self.lock();
        codes.retain(|_, waiting| waiting.until > now);
        if codes.len() >= CODES_MAX {
            return Err(NoCode::Full);
        }
        codes.insert(sha256(&code), Waiting { worth, challenge: wish.challenge.clone(), until: now + CODE_LIFE });
        Ok(code)
    }

    /// What a code is worth. Asked once it is gone, whatever the answer was.
    pub(super) fn take(&self, code: &str, verifier: &str, now: Time) -> Option<T> {
        let waiting = self.lock().remove(&sha256(code))?;
        (waiting.until > now && *waiting.challenge == *challenge(verifier)).then_some(waiting.worth)
    }
}

#[cfg(test)]
mod tests {
    use super::{CODE_LIFE, CODES_MAX, Codes, NoCode, Wish, challenge};
    use wardgate_model::time::Time;
    use wardgate_proof::entropy::SystemEntropy;

    const NOW: Time = Time::from_micros(1_800_000_000_000_000);
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    fn wish() -> Wish {
        Wish::read("http://127.0.0.1:4711/", &challenge(VERIFIER), "S256", "s").unwrap()
    }

    #[test]
    fn a_command_listens_on_this_machine_alone() {
        let read = |uri: &str| Wish::read(uri, &"c".repeat(43), "S256", "s").is_some();
        assert!(read("http://127.0.0.1:4711/") && read("http://[::1]:4711/"));
        for foreign in [
            "http://localhost:4711/",
            "http://127.0.0.1/",
            "http://127.0.0.1:0/",
            "http://127.0.0.1:04711/",
            "http://127.0.0.1:4711",
            "http://127.0.0.1:4711/x",
            "http://127.0.0.1:4711/?a=b/",
            "http://127.0.0.1:4711@evil.example/",
            "http://evil.example:4711/",
            "http://127.0.0.2:4711/",
            "http://[::ffff:127.0.0.1]:4711/",
            "http://[0:0:0:0:0:0:0:1]:4711/",
            "https://127.0.0.1:4711/",
            "HTTP://127.0.0.1:4711/",
            "javascript:alert(1)/",
            "",
        ] {
            assert!(!read(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_challenge_is_one() {
        // RFC 7636, Appendix B.
        assert_eq!(challenge(VERIFIER), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let uri = "http://127.0.0.1:4711/";
        let good = "c".repeat(43);
        assert!(Wish::read(uri, &good, "plain", "s").is_none());
        assert!(Wish::read(uri, &"c".repeat(42), "S256", "s").is_none());
        assert!(Wish::read(uri, &format!("{} ", "c".repeat(42)), "S256", "s").is_none());
        assert!(Wish::read(uri, &good, "S256", "").is_none());
        assert!(Wish::read(uri, &good, "S256", "a b").is_none());
        assert!(Wish::read(uri, &good, "S256", &"s".repeat(129)).is_none());
        assert_eq!(Wish::from_text(&wish().text()), Some(wish()));
    }

    #[test]
    fn a_code_is_good_once_for_its_own_verifier_and_for_a_minute() {
        let codes = Codes::default();
        let give = |worth: u8| codes.give(worth, &wish(), NOW, &SystemEntropy).unwrap();
        let code = give(1);
        assert_eq!(codes.take(&code, VERIFIER, NOW), Some(1));
        assert_eq!(codes.take(&code, VERIFIER, NOW), None, "again");
        let code = give(2);
        assert_eq!(codes.take(&code, "another", NOW), None, "another verifier");
        assert_eq!(codes.take(&code, VERIFIER, NOW), None, "who guesses has one guess");
        assert_eq!(codes.take(&give(3), VERIFIER, NOW + CODE_LIFE), None, "too late");
        for worth in 0..=u8::MAX {
            give(worth);
        }
        assert_eq!(CODES_MAX, 256);
        assert!(matches!(codes.give(0, &wish(), NOW, &SystemEntropy), Err(NoCode::Full)));
        assert!(codes.give(0, &wish(), NOW + CODE_LIFE, &SystemEntropy).is_ok());
    }
}
