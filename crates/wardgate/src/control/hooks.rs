//! Senders of signed webhooks: their secrets, made or given, sealed for the record and opened for the gate.

use super::Material;
use std::sync::Arc;
use wardgate_console::{Code, Minted, Problem};
use wardgate_gate::{Hook, worth_opening};
use wardgate_model::{
    credential::{Credential, SignatureScheme},
    inventory::Identity,
    secret::Secret,
};
use wardgate_proof::{
    entropy::SystemEntropy,
    webhook::{self, Key},
};
use wardgate_resources::CredentialSpec;
use wardgate_store::Sealed;

/// A credential with what is kept of its secret.
pub(super) type Kept<'a> = (Arc<Credential>, Option<&'a Sealed>);

impl Material {
    /// A secret for signed webhooks, the one given or a new one, with what is kept of it.
    ///
    /// # Errors
    /// `Unfit` when the one given is none of this scheme; no randomness.
    pub fn hook(&self, scheme: SignatureScheme, given: Option<Secret<String>>) -> Result<(Minted, Sealed), Problem> {
        let text = match given {
            Some(text) => text,
            None => webhook::generate(&SystemEntropy).map_err(Problem::fault)?,
        };
        Key::parse(scheme, text.danger_expose()).map_err(|wrong| {
            let mend = "give the secret as the sender has it: nothing before it, nothing after it";
            Problem::new(Code::Unfit, wrong.to_string()).mend(mend)
        })?;
        let id = webhook::new_id(&SystemEntropy).map_err(Problem::fault)?;
        let sealed = webhook::seal(&self.hooks, &id, &text, &SystemEntropy).map_err(Problem::fault)?;
        let hash = webhook::hash(self.pepper(), text.danger_expose());
        Ok((Minted { id, text, hash }, Sealed::new(sealed)))
    }

    /// The secrets by which an identity's calls are known, opened; those of entries that are not declared any more are none. One
    /// that cannot be opened is said, and proves nothing.
    pub(super) fn open_hooks(&self, identity: &Identity, declared: &[CredentialSpec], kept: &[Kept<'_>]) -> Box<[Arc<Hook>]> {
        let mut hooks = Vec::new();
        for entry in declared {
            let Some(form) = &entry.signed else { continue };
            for credential in worth_opening(kept.iter().map(|(credential, _)| credential).filter(|one| one.name == entry.name)) {
                let sealed = kept.iter().find(|(one, _)| one.id == credential.id).and_then(|(_, sealed)| *sealed);
                let Some(sealed) = sealed else { continue };
                match webhook::open(&self.hooks, &credential.id, sealed.bytes(), form.scheme) {
                    Ok(key) => hooks.push(Arc::new(Hook::new(credential, identity, form, key))),
                    Err(why) => {
                        tracing::error!(identity = %identity.id, credential = %credential.id, %why, "a secret of webhooks cannot be used");
                    }
                }
            }
        }
        hooks.into()
    }
}
