//! The key that signs our tokens where it is not ours to see: in a hardware module, by PKCS #11 (OASIS PKCS #11 3.1). It never leaves there.
//!
//! A thread of its own speaks with the module, one question at a time: a module that hangs holds up nobody but those who wait for a
//! token, and those not for long. Verifying takes the public half alone, which is read once.

use crate::config::{ModuleSettings, secret_text};
use anyhow::{Context as _, bail};
use aws_lc_rs::digest::{SHA256, digest};
use cryptoki::{
    context::{CInitializeArgs, Pkcs11},
    error::{Error, RvError},
    mechanism::Mechanism,
    object::{Attribute, AttributeType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    types::AuthPin,
};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};
use wardgate_proof::jws::{ExternalKey, SignError, Signer};

/// Most signatures that are waited for at a time.
const WAITING_MAX: usize = 64;
/// Longest wait for one.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a signature by ES256 (RFC 7518 §3.4).
const SIGNATURE_BYTES: usize = 64;
/// `namedCurve` P-256 (RFC 5480 §2.1.1.1), in DER.
const P256: [u8; 10] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
/// Bytes of an uncompressed point of it (SEC 1 §2.3.3).
const POINT_BYTES: usize = 65;

/// The module that the configuration names.
pub(crate) struct Module {
    settings: ModuleSettings,
    sought: Mutex<Sought>,
}

/// What became of looking for it.
#[derive(Default)]
enum Sought {
    /// It is away; it may come.
    #[default]
    Away,
    /// It does not take the pin. A token locks itself when that is shown too often: it is not shown again.
    Refused,
    /// It was there.
    There(Found),
}

struct Found {
    point: Box<[u8]>,
    key: Arc<Asking>,
}

impl Module {
    /// Opens it. Where it is away it is looked for again (`look`): the gate verifies all the same, and gives no tokens out.
    pub(crate) fn open(settings: &ModuleSettings) -> Self {
        let module = Self { settings: settings.clone(), sought: Mutex::default() };
        module.look();
        module
    }

    /// Looks for it where it was not there yet. `true`: it is there now.
    pub(crate) fn look(&self) -> bool {
        let mut sought = self.sought.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*sought, Sought::Away) {
            return false;
        }
        match begin(&self.settings) {
            Ok(there) => {
                tracing::info!(key = self.settings.key, token = self.settings.token, "tokens are signed in the module");
                *sought = Sought::There(there);
                true
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the module that signs tokens is away: no token is given out");
                if is_refused(&error) {
                    tracing::error!("the pin is not shown again before the gate is started again: a token locks itself");
                    *sought = Sought::Refused;
                }
                false
            }
        }
    }

    /// The key, as one that signs; `None`: it was never there.
    pub(crate) fn signer(&self) -> Option<Signer> {
        match &*self.sought.lock().unwrap_or_else(PoisonError::into_inner) {
            Sought::There(found) => Signer::external(&found.point, Arc::clone(&found.key) as Arc<dyn ExternalKey>).ok(),
            Sought::Away | Sought::Refused => None,
        }
    }
}

/// Whether the pin is why.
fn is_refused(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<Error>(),
        Some(Error::Pkcs11(RvError::PinIncorrect | RvError::PinLocked | RvError::PinExpired | RvError::PinInvalid, _))
    )
}

/// A digest to be signed, and who waits for it.
struct Ask {
    digest: [u8; 32],
    tell: SyncSender<Option<Vec<u8>>>,
}

struct Asking(SyncSender<Ask>);

impl ExternalKey for Asking {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let (tell, told) = sync_channel(1);
        let digest = digest(&SHA256, message).as_ref().try_into().map_err(|_| SignError::Sign)?;
        self.0.try_send(Ask { digest, tell }).map_err(|_| SignError::Away)?;
        let signature = told.recv_timeout(PATIENCE).ok().flatten().ok_or(SignError::Away)?;
        if signature.len() == SIGNATURE_BYTES { Ok(signature) } else { Err(SignError::Sign) }
    }
}

/// Opens the module on a thread of its own, and reads the public half.
fn begin(settings: &ModuleSettings) -> anyhow::Result<Found> {
    let (ask, asked) = sync_channel(WAITING_MAX);
    let (tell, told) = sync_channel(1);
    let settings = settings.clone();
    let thread = thread::Builder::new().name("wardgate-signer".to_owned());
    thread.spawn(move || serve(&settings, &asked, &tell)).context("no thread for the module")?;
    let point = told.recv_timeout(PATIENCE).context("the module does not answer")??;
    Ok(Found { point, key: Arc::new(Asking(ask)) })
}

/// Answers for as long as somebody may ask.
fn serve(settings: &ModuleSettings, asked: &Receiver<Ask>, tell: &SyncSender<anyhow::Result<Box<[u8]>>>) {
    let opened = Open::new(settings).and_then(|open| Ok((open.point(settings)?, open)));
    let mut open = match opened {
        Ok((point, open)) => {
            let _gone = tell.send(Ok(point));
            Some(open)
        }
        Err(error) => {
            let _gone = tell.send(Err(error));
            return;
        }
    };
    while let Ok(Ask { digest, tell }) = asked.recv() {
        // Once more with a new session: the module may have been started again, or a token put back.
        let signature = open.as_ref().and_then(|open| open.sign(&digest)).or_else(|| {
            // Ended before it is begun again.
            drop(open.take());
            open = Open::new(settings).inspect_err(|error| tracing::error!(error = format!("{error:#}"), "the module is away")).ok();
            open.as_ref()?.sign(&digest)
        });
        let _gone = tell.send(signature);
    }
}

/// A session with the module, and the key in it.
struct Open {
    session: Session,
    key: ObjectHandle,
}

impl Open {
    fn new(settings: &ModuleSettings) -> anyhow::Result<Self> {
        let library =
            Pkcs11::new(&settings.module).with_context(|| format!("the module `{}` cannot be loaded", settings.module.display()))?;
        match library.initialize(CInitializeArgs::OsThreads) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _) | Error::AlreadyInitialized) => {}
            Err(error) => return Err(error).context("the module cannot be begun"),
        }
        let slots = library.get_slots_with_initialized_token().context("the module tells no tokens")?;
        let named =
            |slot: &cryptoki::slot::Slot| library.get_token_info(*slot).is_ok_and(|token| token.label().trim_end() == settings.token);
        let slot = slots.into_iter().find(named).with_context(|| format!("the module has no token `{}`", settings.token))?;
        let session = library.open_ro_session(slot).context("the module opens no session")?;
        let pin = secret_text(&settings.pin, "the pin of the module")?;
        match session.login(UserType::User, Some(&AuthPin::new(pin.danger_expose().trim().to_owned()))) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => return Err(error).with_context(|| format!("the token `{}` does not take the pin", settings.token)),
        }
        let key = found(&session, ObjectClass::PRIVATE_KEY, &settings.key)?;
        Ok(Self { session, key })
    }

    /// The public half: an uncompressed point of P-256.
    fn point(&self, settings: &ModuleSettings) -> anyhow::Result<Box<[u8]>> {
        let public = found(&self.session, ObjectClass::PUBLIC_KEY, &settings.key)?;
        let wanted = [AttributeType::EcParams, AttributeType::EcPoint];
        let told = self.session.get_attributes(public, &wanted).context("the module does not tell the public key")?;
        let (mut curve, mut point) = (Vec::new(), Vec::new());
        for attribute in told {
            match attribute {
                Attribute::EcParams(bytes) => curve = bytes,
                Attribute::EcPoint(bytes) => point = bytes,
                _ => {}
            }
        }
        // PKCS #11 3.1 §6.3.3: the point is in an OCTET STRING; some modules leave that out.
        let point = point.strip_prefix(&[0x04, 0x41]).unwrap_or(&point);
        if curve != P256 || point.len() != POINT_BYTES {
            bail!("the key `{}` is not one of P-256", settings.key);
        }
        Ok(point.into())
    }

    fn sign(&self, digest: &[u8]) -> Option<Vec<u8>> {
        let signed = self.session.sign(&Mechanism::Ecdsa, self.key, digest);
        signed.inspect_err(|error| tracing::warn!(%error, "the module did not sign")).ok()
    }
}

/// The one object of a class with this label.
fn found(session: &Session, class: ObjectClass, label: &str) -> anyhow::Result<ObjectHandle> {
    let wanted = [Attribute::Class(class), Attribute::Label(label.as_bytes().to_vec())];
    let objects = session.find_objects(&wanted).context("the module finds nothing")?;
    match objects.as_slice() {
        [one] => Ok(*one),
        [] => bail!("the token has no {} key `{label}`", if class == ObjectClass::PUBLIC_KEY { "public" } else { "private" }),
        _ => bail!("the token has several keys `{label}`: labels have to tell them apart"),
    }
}
