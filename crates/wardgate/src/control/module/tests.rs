use super::{Fault, Module, Token, Told};
use anyhow::anyhow;
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::json;
use std::{
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};
use wardgate_model::secret::Secret;
use wardgate_proof::jws::SignError;

/// So long nobody waits but for what never comes.
const LONG: Duration = Duration::from_secs(60);
/// For what never comes.
const SHORT: Duration = Duration::from_millis(20);

fn pair() -> Arc<EcdsaKeyPair> {
    Arc::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
}

/// What the tests see of a token, and do to it.
struct Desk {
    pin: &'static str,
    takes: &'static str,
    public: Arc<EcdsaKeyPair>,
    private: Arc<EcdsaKeyPair>,
    /// What signs in the private one's place until a session is begun.
    strays: Option<Arc<EcdsaKeyPair>>,
    shown: Vec<String>,
    /// Whether it hangs when it is asked for anything.
    hangs: bool,
    /// Whether the session is broken.
    broken: bool,
    /// How many are in it.
    within: usize,
    signed: usize,
}

#[derive(Clone)]
struct Fake(Arc<(Mutex<Desk>, Condvar)>);

impl Fake {
    fn new() -> Self {
        let key = pair();
        let desk = Desk {
            pin: "1234",
            takes: "1234",
            public: Arc::clone(&key),
            private: key,
            strays: None,
            shown: Vec::new(),
            hangs: false,
            broken: false,
            within: 0,
            signed: 0,
        };
        Self(Arc::new((Mutex::new(desk), Condvar::new())))
    }

    fn change<R>(&self, change: impl FnOnce(&mut Desk) -> R) -> R {
        let changed = change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
        changed
    }

    fn shown(&self) -> Vec<String> {
        self.change(|desk| desk.shown.clone())
    }

    /// Waits until somebody is in it.
    fn someone_within(&self) {
        drop(self.0.1.wait_while(self.0.0.lock().unwrap(), |desk| desk.within == 0).unwrap());
    }

    /// Waits until nobody is.
    fn nobody_within(&self) {
        drop(self.0.1.wait_while(self.0.0.lock().unwrap(), |desk| desk.within > 0).unwrap());
    }

    /// One at a time, and for as long as it hangs.
    fn within<R>(&self, act: impl FnOnce(&mut Desk) -> R) -> R {
        let mut desk = self.0.0.lock().unwrap();
        desk.within += 1;
        assert_eq!(desk.within, 1, "one thread and no other");
        self.0.1.notify_all();
        let mut desk = self.0.1.wait_while(desk, |desk| desk.hangs).unwrap();
        let acted = act(&mut desk);
        desk.within -= 1;
        self.0.1.notify_all();
        acted
    }
}

impl Token for Fake {
    fn pin(&self) -> anyhow::Result<Secret<String>> {
        Ok(Secret::new(self.change(|desk| desk.pin).to_owned()))
    }

    fn open(&mut self, pin: &Secret<String>) -> Result<Box<[u8]>, Fault> {
        self.within(|desk| {
            desk.shown.push(pin.danger_expose().clone());
            if pin.danger_expose() != desk.takes {
                return Err(Fault::Refused(anyhow!("the token does not take the pin")));
            }
            (desk.broken, desk.strays) = (false, None);
            Ok(desk.public.public_key().as_ref().into())
        })
    }

    fn sign(&mut self, message: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.within(|desk| {
            if desk.broken {
                return Err(anyhow!("the session is broken"));
            }
            desk.signed += 1;
            let key = desk.strays.as_ref().unwrap_or(&desk.private);
            Ok(key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec())
        })
    }
}

fn sign(module: &Module) -> Result<String, SignError> {
    module.signer().expect("a key").sign("JWT", &json!({ "a": 1 }))
}

#[test]
fn a_pin_that_was_refused_is_not_shown_again_before_there_is_another() {
    let token = Fake::new();
    token.change(|desk| desk.takes = "5678");
    let module = Module::begin(token.clone(), LONG);
    for _ in 0..5 {
        assert!(!module.look());
    }
    assert!(module.signer().is_none());
    assert_eq!(token.shown(), ["1234"]);
    token.change(|desk| desk.pin = "5678");
    assert!(module.look());
    assert!(sign(&module).is_ok());
    assert_eq!(token.shown(), ["1234", "5678"]);
    // Changed under a gate that serves: each request would begin a new session.
    token.change(|desk| (desk.takes, desk.broken) = ("9999", true));
    for _ in 0..5 {
        assert_eq!(sign(&module), Err(SignError::Away));
    }
    assert_eq!(token.shown(), ["1234", "5678", "5678"]);
    token.change(|desk| desk.pin = "9999");
    assert!(sign(&module).is_ok());
}

/// A file that goes to and fro, as where two of them are deployed, is no way to try again and again.
#[test]
fn of_several_pins_that_were_refused_none_is_shown_again() {
    let token = Fake::new();
    token.change(|desk| desk.takes = "9999");
    let module = Module::begin(token.clone(), LONG);
    for pin in ["1234", "5678", "1234", "5678", "1234"] {
        token.change(|desk| desk.pin = pin);
        assert!(!module.look());
    }
    assert_eq!(token.shown(), ["1234", "5678"]);
    token.change(|desk| desk.pin = "9999");
    assert!(module.look());
    // Nor after one that was taken.
    token.change(|desk| (desk.pin, desk.broken) = ("1234", true));
    assert_eq!(sign(&module), Err(SignError::Away));
    assert_eq!(token.shown(), ["1234", "5678", "9999"]);
}

#[test]
fn a_session_that_broke_is_begun_again() {
    let token = Fake::new();
    let module = Module::begin(token.clone(), LONG);
    assert!(!module.look(), "it was there from the beginning");
    token.change(|desk| desk.broken = true);
    assert!(sign(&module).is_ok());
    assert_eq!(token.shown(), ["1234", "1234"]);
}

/// The gate goes on: nobody waits long, no second thread goes there, and when the module comes back it is there.
#[test]
fn a_module_that_hangs_holds_up_nobody_and_nothing_piles_up() {
    let token = Fake::new();
    token.change(|desk| desk.hangs = true);
    let module = Module::begin(token.clone(), SHORT);
    token.someone_within();
    for _ in 0..5 {
        assert!(!module.look());
    }
    assert!(module.signer().is_none());
    token.change(|desk| desk.hangs = false);
    while !module.look() {
        thread::yield_now();
    }
    assert_eq!(token.shown(), ["1234"], "looked for once in all that time");
    token.change(|desk| desk.hangs = true);
    for _ in 0..5 {
        assert_eq!(sign(&module), Err(SignError::Away));
    }
    token.change(|desk| desk.hangs = false);
    token.nobody_within();
    while sign(&module).is_err() {
        thread::yield_now();
    }
}

/// By what is published: whoever verifies has nothing else.
#[test]
fn a_key_that_is_not_the_published_one_signs_nothing() {
    let token = Fake::new();
    token.change(|desk| desk.public = pair());
    let module = Module::begin(token.clone(), LONG);
    assert!(module.signer().is_none(), "the halves are of two pairs");
    token.change(|desk| desk.public = Arc::clone(&desk.private));
    assert!(module.look());
    assert!(sign(&module).is_ok());
    // Under an open session.
    let published = token.change(|desk| std::mem::replace(&mut desk.private, pair()));
    assert_eq!(sign(&module), Err(SignError::Away));
    // By another pair, whole, in a new session.
    token.change(|desk| (desk.public, desk.broken) = (Arc::clone(&desk.private), true));
    assert_eq!(sign(&module), Err(SignError::Away));
    token.change(|desk| (desk.public, desk.private) = (Arc::clone(&published), published));
    assert!(sign(&module).is_ok());
}

/// As where the module goes over to another device: what led to the key leads to another one, and a new session finds the right one again.
#[test]
fn a_session_that_leads_to_another_key_is_begun_again() {
    let token = Fake::new();
    let module = Module::begin(token.clone(), LONG);
    assert!(!module.look(), "it was there from the beginning");
    token.change(|desk| desk.strays = Some(pair()));
    assert!(sign(&module).is_ok());
    assert_eq!(token.shown(), ["1234", "1234"]);
    assert!(sign(&module).is_ok());
    assert_eq!(token.shown(), ["1234", "1234"], "once is enough");
}

#[test]
fn what_is_within_for_too_long_hangs() {
    let told = Told::default();
    assert!(!told.hangs(Duration::ZERO), "nobody is within");
    *told.within() = Some(crate::clock::instant());
    assert!(told.hangs(Duration::ZERO) && !told.hangs(LONG));
}

/// Whoever signs may be held on to by a snapshot that is still there.
#[test]
fn the_module_is_left_before_the_gate_ends() {
    let fake = Fake::new();
    let module = Module::begin(fake.clone(), LONG);
    let signer = module.signer().unwrap();
    assert_eq!(Arc::strong_count(&fake.0), 2, "that of the thread");
    drop(module);
    assert_eq!(Arc::strong_count(&fake.0), 1);
    assert_eq!(signer.sign("JWT", &json!({ "a": 1 })).err(), Some(SignError::Away));
}
