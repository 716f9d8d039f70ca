//! The module itself: PKCS #11, and nothing of when or how often it is asked.

use super::{Fault, Token};
use crate::config::ModuleSettings;
use anyhow::{Context as _, anyhow};
use aws_lc_rs::digest::{SHA256, digest};
use cryptoki::{
    context::{CInitializeArgs, Pkcs11},
    error::{Error, RvError},
    mechanism::Mechanism,
    object::{Attribute, AttributeType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    slot::TokenInfo,
    types::AuthPin,
};
use wardgate_model::secret::Secret;

/// `namedCurve` P-256 (RFC 5480 §2.1.1.1), in DER.
const P256: [u8; 10] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
/// Bytes of an uncompressed point of it (SEC 1 §2.3.3).
const POINT_BYTES: usize = 65;

/// A token in a module, and a session with it where there is one.
pub(super) struct Hardware {
    settings: ModuleSettings,
    open: Option<Open>,
}

/// A session with the module, and the key in it.
struct Open {
    session: Session,
    key: ObjectHandle,
}

impl Hardware {
    pub(super) const fn new(settings: ModuleSettings) -> Self {
        Self { settings, open: None }
    }

    /// What it does not take: said in full, since an operator has to do something.
    fn cannot(&self, error: Error) -> Fault {
        let counted = may_be_counted(&error);
        let error = anyhow::Error::new(error).context(format!("the token `{}` does not take the pin", self.settings.token));
        if counted { Fault::Refused(error) } else { Fault::Away(error) }
    }
}

impl Token for Hardware {
    fn pin(&self) -> anyhow::Result<Secret<String>> {
        let pin = crate::config::secret_text(&self.settings.pin, "the pin of the module")?;
        Ok(Secret::new(pin.danger_expose().trim().to_owned()))
    }

    fn open(&mut self, pin: &Secret<String>) -> Result<Box<[u8]>, Fault> {
        // Ended before it is begun again: a second one would be ended by the end of the first.
        self.open = None;
        let settings = &self.settings;
        let library =
            Pkcs11::new(&settings.module).with_context(|| format!("the module `{}` cannot be loaded", settings.module.display()))?;
        match library.initialize(CInitializeArgs::OsThreads) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _) | Error::AlreadyInitialized) => {}
            Err(error) => return Err(anyhow!(error).context("the module cannot be begun").into()),
        }
        let slots = library.get_slots_with_initialized_token().context("the module tells no tokens")?;
        let named = |slot| Some((slot, library.get_token_info(slot).ok().filter(|token| token.label().trim_end() == settings.token)?));
        let (slot, token) = slots.into_iter().find_map(named).with_context(|| format!("the module has no token `{}`", settings.token))?;
        may_be_shown(&token)?;
        let session = library.open_ro_session(slot).context("the module opens no session")?;
        match session.login(UserType::User, Some(&AuthPin::new(pin.danger_expose().clone()))) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => return Err(self.cannot(error)),
        }
        let point = point(&session, settings)?;
        let key = found(&session, ObjectClass::PRIVATE_KEY, &settings.key)?;
        self.open = Some(Open { session, key });
        Ok(point)
    }

    fn sign(&mut self, message: &[u8]) -> anyhow::Result<Vec<u8>> {
        let open = self.open.as_ref().context("there is no session")?;
        open.session.sign(&Mechanism::Ecdsa, open.key, digest(&SHA256, message).as_ref()).context("the module did not sign")
    }
}

/// Whether a token may have counted a pin that was shown as a wrong one: whatever is said of a login, but that there was nothing to log in to.
/// Modules call a wrong pin what they like: too short, a device error, a function that failed.
const fn may_be_counted(error: &Error) -> bool {
    !matches!(
        error,
        Error::Pkcs11(RvError::TokenNotPresent | RvError::DeviceRemoved | RvError::SessionHandleInvalid | RvError::SessionClosed, _)
    )
}

/// The last try before a token locks itself is for a person to make: each start of the gate shows the pin once, and something may start it
/// again and again.
fn may_be_shown(token: &TokenInfo) -> anyhow::Result<()> {
    let token_is = if token.user_pin_locked() {
        "is locked: set its pin anew as its security officer"
    } else if token.user_pin_final_try() {
        "locks itself with the next pin that is wrong: log in by hand with the right one, then start the gate again"
    } else {
        return Ok(());
    };
    Err(anyhow!("the token `{}` {token_is}", token.label().trim_end()))
}

/// The public half: an uncompressed point of P-256.
fn point(session: &Session, settings: &ModuleSettings) -> anyhow::Result<Box<[u8]>> {
    let public = found(session, ObjectClass::PUBLIC_KEY, &settings.key)?;
    let wanted = [AttributeType::EcParams, AttributeType::EcPoint];
    let told = session.get_attributes(public, &wanted).context("the module does not tell the public key")?;
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
        return Err(anyhow!("the key `{}` is not one of P-256", settings.key));
    }
    Ok(point.into())
}

/// The one object of a class with this label.
fn found(session: &Session, class: ObjectClass, label: &str) -> anyhow::Result<ObjectHandle> {
    let wanted = [Attribute::Class(class), Attribute::Label(label.as_bytes().to_vec())];
    let objects = session.find_objects(&wanted).context("the module finds nothing")?;
    let kind = if class == ObjectClass::PUBLIC_KEY { "public" } else { "private" };
    match objects.as_slice() {
        [one] => Ok(*one),
        [] => Err(anyhow!("the token has no {kind} key `{label}`")),
        _ => Err(anyhow!("the token has several keys `{label}`: labels have to tell them apart")),
    }
}

#[cfg(test)]
mod tests {
    use super::may_be_counted;
    use cryptoki::{
        context::Function,
        error::{Error, RvError},
    };

    #[test]
    fn whatever_is_said_of_a_login_may_be_a_pin_that_counted() {
        let counted = |error| may_be_counted(&Error::Pkcs11(error, Function::Login));
        let wrong = [RvError::PinIncorrect, RvError::PinLocked, RvError::PinExpired, RvError::PinInvalid, RvError::PinLenRange];
        for error in wrong.into_iter().chain([RvError::GeneralError, RvError::FunctionFailed, RvError::DeviceError]) {
            assert!(counted(error), "{error:?}");
        }
        for error in [RvError::TokenNotPresent, RvError::DeviceRemoved, RvError::SessionHandleInvalid, RvError::SessionClosed] {
            assert!(!counted(error), "{error:?}");
        }
    }
}
