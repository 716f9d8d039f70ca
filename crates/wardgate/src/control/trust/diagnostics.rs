//! What is said of trust sources when they are declared.

use std::collections::HashSet;
use wardgate_feeds::feed::FeedSpec;
use wardgate_gate::{
    bindings,
    trust::{Gathered, TrustedAuthority, TrustedBot, TrustedIssuer},
};
use wardgate_model::{
    diagnostic::{Diagnostic, Place},
    id::IdentityId,
    resource::Kind,
    trust::{Keys, Vouches},
};
use wardgate_proof::{
    binding::{Holder, Subjects, loose},
    client,
};
use wardgate_resources::{IdentitySpec, Inventory};

/// What is wrong with keys, anchors and lists that stand in files, and with what is to be fetched.
pub(in crate::control) fn diagnostics(inventory: &Inventory) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for source in &inventory.trust {
        let place = inventory.places.get(&(Kind::TrustSource, source.name.as_str().into())).cloned();
        let place = place.unwrap_or_else(|| Place::file("TrustSource"));
        let mut error = |why: String| {
            let what = format!("TrustSource `{}`: {why}", source.name);
            let mend = "it has to be a JWK Set (RFC 7517) or certificates in PEM, as its `type` says";
            found.push(Diagnostic::error(place.clone(), "trust.unusable", what).mend(mend));
        };
        if let Err(why) = FeedSpec::of(source) {
            error(why.to_string());
        }
        match &source.vouches {
            Vouches::Tokens(issuer) => {
                let Keys::Here(text) = &issuer.keys else { continue };
                match TrustedIssuer::keys(issuer, text) {
                    Ok(keys) if keys.keys().is_empty() => error("`jwks`: there is no key in it that counts".to_owned()),
                    Ok(keys) => {
                        for skipped in keys.skipped() {
                            let what = format!("TrustSource `{}`: `jwks`: key {} does not count: {}", source.name, skipped.at, skipped.why);
                            found.push(Diagnostic::warning(place.clone(), "trust.key", what));
                        }
                    }
                    Err(why) => error(why.to_string()),
                }
            }
            Vouches::Signatures(bot) => {
                let Keys::Here(text) = &bot.keys else { continue };
                match TrustedBot::keys(text) {
                    Ok(keys) if keys.keys().is_empty() => error("`jwks`: there is no key in it that counts".to_owned()),
                    Ok(_) => {}
                    Err(why) => error(why.to_string()),
                }
            }
            Vouches::Certificates(authority) => {
                if let Err(why) = TrustedAuthority::new(&source.name, authority, Gathered::default()) {
                    error(why.to_string());
                }
            }
        }
    }
    for spec in &inventory.identities {
        let place = inventory.places.get(&(Kind::Identity, spec.identity.id.as_str().into())).cloned();
        let place = place.unwrap_or_else(|| Place::file("Identity"));
        let of = |entry: &str| inventory.keys.get(&(spec.identity.id.as_str().into(), entry.into())).unwrap_or(&place).clone();
        found.extend(wrong_keys(spec, of));
    }
    found.extend(bound(inventory));
    found
}

/// What is wrong with the public keys of an identity.
pub(in crate::control) fn keys(spec: &IdentitySpec, place: &Place) -> Vec<Diagnostic> {
    wrong_keys(spec, |_| place.clone())
}

/// The same, each at its place; `of`: that of an entry.
fn wrong_keys(spec: &IdentitySpec, of: impl Fn(&str) -> Place) -> Vec<Diagnostic> {
    let wrong = spec.credentials.iter().filter_map(|entry| {
        let why = client::key(entry.jwk.as_deref()?).err()?;
        let what = format!("Identity `{}`: `credentials`: `{}`: `jwk`: {why}", spec.identity.id, entry.name);
        let mend = "write a public key that signs, as `wardgate token --new-key FILE` says it";
        Some(Diagnostic::error(of(&entry.name), "credential.key", what).mend(mend))
    });
    wrong.collect()
}

/// What is bound to more than whoever wrote it may have meant, and what two identities are bound to: such a proof would stand
/// for neither (AN6). Of identities in files; what is declared otherwise is refused when it comes.
fn bound(inventory: &Inventory) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let place = |identity: &IdentityId| {
        let place = inventory.places.get(&(Kind::Identity, identity.as_str().into())).cloned();
        place.unwrap_or_else(|| Place::file("Identity"))
    };
    let (mut subjects, mut seen) = (Vec::new(), HashSet::new());
    for spec in &inventory.identities {
        let id = &spec.identity.id;
        for entry in &spec.credentials {
            let Some(binding) = &entry.binding else { continue };
            if let Some(loose) = loose::of(&binding.subject) {
                let what = format!("Identity `{id}`: `credentials`: `{}`: the subject `{}`: {loose}", entry.name, binding.subject);
                found.push(match binding.claims.is_empty() {
                    true => Diagnostic::error(place(id), "credential.loose", what),
                    false => Diagnostic::warning(place(id), "credential.loose", what),
                });
            }
            let holder = Holder { identity: id.clone(), credential: bindings::id(id, binding) };
            if !seen.insert(holder.credential) {
                let what = format!(
                    "Identity `{id}`: `credentials`: `{}`: another entry names the same subject of the TrustSource `{}`",
                    entry.name, binding.trust
                );
                found.push(Diagnostic::error(place(id), "credential.twice", what).mend("keep one: they would be one credential"));
            }
            subjects.push((binding.clone(), holder));
        }
    }
    for pair in Subjects::build(subjects).overlaps(OVERLAPS_MAX).pairs {
        let (one, other) = (&pair.first.identity, &pair.second.identity);
        let what = format!(
            "Identity `{one}`: `credentials`: a proof of `{}` of the TrustSource `{}` would also be `{other}` (`{}`), and so stand for neither",
            pair.subject, pair.trust, pair.wider
        );
        let mend = "tell them apart by `subject`, or by `claims` of different values";
        found.push(Diagnostic::error(place(one), "credential.ambiguous", what).mend(mend));
    }
    found
}

/// Pairs of identities that are named.
const OVERLAPS_MAX: usize = 20;
