//! The key that signs our tokens where it is not ours to see: in a hardware module, by PKCS #11 (OASIS PKCS #11 3.1). It never leaves there.
//!
//! One thread speaks with the module for as long as the gate runs, one question at a time: a module that is slow or hangs holds up nobody but
//! those who wait for a token, and those not for long. Verifying takes the public half alone, which is read once.
//!
//! INVARIANT (one): there is one such thread and never a second, whatever the module does.

mod hardware;

use crate::{
    clock::{self, Instant},
    config::ModuleSettings,
};
use anyhow::bail;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use hardware::Hardware;
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};
use wardgate_model::secret::Secret;
use wardgate_proof::jws::{ExternalKey, SignError, Signer};

/// Most signatures that are waited for at a time.
const WAITING_MAX: usize = 64;
/// Longest wait for one.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a signature by ES256 (RFC 7518 §3.4).
const SIGNATURE_BYTES: usize = 64;
/// What is signed when a session is begun, to see by which key: no token begins so.
const TRIAL: &[u8] = b"wardgate: which key signs here?";

/// What a token in a module does. It may take its time with each, or never come back.
trait Token: Send + 'static {
    /// What opens it, read anew.
    fn pin(&self) -> anyhow::Result<Secret<String>>;

    /// Begins a session, whatever was before, and finds the key: its public half, an uncompressed point of P-256.
    fn open(&mut self, pin: &Secret<String>) -> Result<Box<[u8]>, Fault>;

    /// Signs by the key that was found, by ES256.
    fn sign(&mut self, message: &[u8]) -> anyhow::Result<Vec<u8>>;
}

/// Why there is no session.
enum Fault {
    /// It does not take the pin, or nobody knows whether it does. A token locks itself when that is shown too often: it is not shown again.
    Refused(anyhow::Error),
    /// Anything else; it may come.
    Away(anyhow::Error),
}

impl From<anyhow::Error> for Fault {
    fn from(error: anyhow::Error) -> Self {
        Self::Away(error)
    }
}

/// The module that the configuration names.
pub(crate) struct Module {
    ask: SyncSender<Job>,
    told: Arc<Told>,
    patience: Duration,
    /// Whether somebody was told that it is there.
    taken: AtomicBool,
    /// Ends when the thread has left the module.
    left: Mutex<Receiver<()>>,
}

/// What the thread tells everybody.
#[derive(Default)]
struct Told {
    /// The public half, once it is known. It is published, so it stays the same for as long as the gate runs.
    point: Mutex<Option<Box<[u8]>>>,
    /// Since when the thread is in the module.
    within: Mutex<Option<Instant>>,
    /// Whether it is to look for the module already.
    looking: AtomicBool,
}

impl Told {
    fn point(&self) -> MutexGuard<'_, Option<Box<[u8]>>> {
        self.point.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn within(&self) -> MutexGuard<'_, Option<Instant>> {
        self.within.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the module has not come back for so long that nobody is to wait for it any more.
    fn hangs(&self, patience: Duration) -> bool {
        self.within().is_some_and(|since| clock::instant().since(since) >= patience)
    }
}

/// What the thread is to do.
enum Job {
    /// Look for the module, and say when that is done.
    Look(SyncSender<()>),
    /// Sign for somebody who waits until then.
    Sign { message: Box<[u8]>, until: Instant, tell: SyncSender<Option<Vec<u8>>> },
    /// Leave the module: the gate ends.
    Leave,
}

impl Module {
    /// Opens it. Where it is away it is looked for again (`look`): the gate verifies all the same, and gives no tokens out.
    pub(crate) fn open(settings: &ModuleSettings) -> Self {
        Self::begin(Hardware::new(settings.clone()), PATIENCE)
    }

    fn begin(token: impl Token, patience: Duration) -> Self {
        let (ask, asked) = sync_channel(WAITING_MAX);
        let told = Arc::new(Told::default());
        let speaking = Speaker { token, told: Arc::clone(&told), is_open: false, refused: Vec::new() };
        let (within, left) = sync_channel(1);
        let speak = move || {
            speaking.serve(&asked);
            drop(within);
        };
        // Without one the module is away: what is asked goes nowhere.
        if let Err(error) = thread::Builder::new().name("wardgate-signer".to_owned()).spawn(speak) {
            tracing::error!(%error, "no thread for the module that signs tokens");
        }
        let module = Self { ask, told, patience, taken: AtomicBool::new(false), left: Mutex::new(left) };
        module.look();
        module
    }

    /// Looks for it where it was not there yet, and waits a while for what comes of it. `true`: it is there now, and nobody was told before.
    pub(crate) fn look(&self) -> bool {
        if self.told.point().is_none() && !self.told.looking.swap(true, Ordering::AcqRel) {
            let (tell, done) = sync_channel(1);
            match self.ask.try_send(Job::Look(tell)) {
                // What takes longer is seen at the next look.
                Ok(()) => drop(done.recv_timeout(self.patience)),
                Err(_) => self.told.looking.store(false, Ordering::Release),
            }
        }
        let is_there = self.told.point().is_some();
        if !is_there && self.told.hangs(self.patience) {
            tracing::error!("the module that signs tokens does not come back: no token is given out");
        }
        is_there && !self.taken.swap(true, Ordering::AcqRel)
    }

    /// The key, as one that signs; `None`: it was never there.
    pub(crate) fn signer(&self) -> Option<Signer> {
        let key = Asking { ask: self.ask.clone(), told: Arc::clone(&self.told), patience: self.patience };
        Signer::external(self.told.point().as_ref()?, Arc::new(key)).ok()
    }
}

impl Drop for Module {
    /// Waits until the thread has left the module, for a while: the module's library is taken apart when the process ends, and breaks down where
    /// somebody is still within.
    fn drop(&mut self) {
        // Full: it is asked for so much that it does not come to an end in time.
        let _full = self.ask.try_send(Job::Leave);
        let left = self.left.get_mut().unwrap_or_else(PoisonError::into_inner);
        if left.recv_timeout(self.patience) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the module that signs tokens does not come back: it is left as it is");
        }
    }
}

struct Asking {
    ask: SyncSender<Job>,
    told: Arc<Told>,
    patience: Duration,
}

impl ExternalKey for Asking {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        if self.told.hangs(self.patience) {
            return Err(SignError::Away);
        }
        let (tell, told) = sync_channel(1);
        let until = clock::instant() + self.patience;
        self.ask.try_send(Job::Sign { message: message.into(), until, tell }).map_err(|_| SignError::Away)?;
        let signature = told.recv_timeout(self.patience).ok().flatten().ok_or(SignError::Away)?;
        if signature.len() == SIGNATURE_BYTES { Ok(signature) } else { Err(SignError::Sign) }
    }
}

/// Who speaks with the module.
struct Speaker<T> {
    token: T,
    told: Arc<Told>,
    is_open: bool,
    /// INVARIANT (once): the pins that the token did not take, none of which is shown to it again.
    refused: Vec<Secret<String>>,
}

impl<T: Token> Speaker<T> {
    /// Answers for as long as somebody may ask and nobody wants it to leave. The session ends with it.
    fn serve(mut self, asked: &Receiver<Job>) {
        while let Ok(job) = asked.recv() {
            *self.told.within() = Some(clock::instant());
            match job {
                Job::Leave => return,
                Job::Look(tell) => {
                    self.look();
                    self.told.looking.store(false, Ordering::Release);
                    *self.told.within() = None;
                    let _gone = tell.send(());
                }
                Job::Sign { until, .. } if clock::instant() >= until => *self.told.within() = None,
                Job::Sign { message, tell, .. } => {
                    let signature = self.signed(&message);
                    *self.told.within() = None;
                    let _gone = tell.send(signature);
                }
            }
        }
    }

    fn look(&mut self) {
        match self.opened() {
            Ok(()) => tracing::info!("tokens are signed in the module"),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the module that signs tokens is away: no token is given out");
            }
        }
    }

    /// Once more with a new session: the module may have been started again, or a token put back, and what led to the key leads elsewhere.
    fn signed(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        if self.is_open {
            match self.as_published(message) {
                Ok(signature) => return Some(signature),
                Err(error) => tracing::error!(error = format!("{error:#}"), "the module did not sign: a new session is begun"),
            }
        }
        let signed = self.opened().and_then(|()| self.as_published(message));
        signed.inspect_err(|error| tracing::error!(error = format!("{error:#}"), "the module is away")).ok()
    }

    /// A signature that whoever verifies takes.
    fn as_published(&mut self, message: &[u8]) -> anyhow::Result<Vec<u8>> {
        let signature = self.token.sign(message)?;
        let is_published = self.told.point().as_ref().is_some_and(|point| is_by(point, message, &signature));
        if is_published { Ok(signature) } else { bail!("the signature is by another key than the one that is published") }
    }

    /// Begins a session by a pin that was not refused, with the key that is published.
    fn opened(&mut self) -> anyhow::Result<()> {
        self.is_open = false;
        let pin = self.token.pin()?;
        if self.refused.iter().any(|refused| refused.danger_expose() == pin.danger_expose()) {
            bail!("the token did not take the pin, which is not shown again: a token locks itself; put the right one there, or start anew");
        }
        let point = match self.token.open(&pin) {
            Ok(point) => point,
            Err(Fault::Away(error)) => return Err(error),
            Err(Fault::Refused(error)) => {
                self.refused.push(pin);
                return Err(error.context("the pin is not shown again before there is another one: a token locks itself"));
            }
        };
        let trial = self.token.sign(TRIAL)?;
        if !is_by(&point, TRIAL, &trial) {
            bail!(
                "the private key in the module is not the one that the public key beside it belongs to: give both of a pair the same label"
            );
        }
        let mut published = self.told.point();
        if published.as_ref().is_some_and(|published| **published != *point) {
            bail!("the key in the module is another than the one that is published: start the gate again to sign with that");
        }
        *published = Some(point);
        drop(published);
        self.is_open = true;
        Ok(())
    }
}

/// Whether the private half of this public key, a point, signed that.
fn is_by(point: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
}

#[cfg(test)]
mod tests;
