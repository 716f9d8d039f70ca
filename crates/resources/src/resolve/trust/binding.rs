//! Which proofs of a trust source stand for which identity.

use crate::{
    raw::{CredentialWord, RawCredential},
    resolve::known::Grounds,
    yaml::{At, Faults},
};
use serde_json::Value;
use wardgate_model::trust::{Authority, Binding, ClaimValue, Condition, JWT_SVID, Subject, Vouches};

/// Most conditions of one credential.
const CONDITIONS_MAX: usize = 16;

/// Which proofs an entry of `credentials` stands for; `None` for those that need nobody to vouch, and for wrong ones.
pub(in crate::resolve) fn binding(
    raw: &RawCredential,
    word: CredentialWord,
    index: usize,
    known: &dyn Grounds,
    faults: &Faults,
) -> Option<Binding> {
    if !matches!(word, CredentialWord::Oidc | CredentialWord::X509 | CredentialWord::WebBotAuth) {
        return None;
    }
    let At { spot, value: Some(trust) } = raw.trust.as_ref()? else { return None };
    let key = format!("credentials[{index}].trust");
    let source = known.trust(&trust.0, *spot, &key, faults)?;
    let subject = match (&source.vouches, word) {
        (Vouches::Tokens(_), CredentialWord::Oidc) => told(raw, index, faults),
        (Vouches::Certificates(authority), CredentialWord::X509) => named(raw, authority, index, faults),
        (Vouches::Certificates(authority), CredentialWord::Oidc) if authority.svids.is_some() => {
            let subject = named(raw, authority, index, faults)?;
            Some(Subject::parse(&format!("{JWT_SVID}{subject}")))
        }
        (Vouches::Certificates(authority), CredentialWord::Oidc) if authority.trust_domain.is_some() => {
            let what = format!("`{key}`: without `audiences` no JWT-SVID of the TrustSource `{}` counts", trust.0);
            faults.error(*spot, "credential.trust", what, "add `audiences` to it".to_owned());
            None
        }
        // A bot has no other name than its own.
        (Vouches::Signatures(bot), CredentialWord::WebBotAuth) => Some(Subject::Exactly(bot.agent.clone())),
        (Vouches::Tokens(_) | Vouches::Certificates(_) | Vouches::Signatures(_), _) => {
            let what = format!("`{key}`: the TrustSource `{}` does not vouch by what a credential of type `{}` is", trust.0, word.as_str());
            faults.error(*spot, "credential.trust", what, "name one of another type".to_owned());
            None
        }
    }?;
    let claims = conditions(raw, index, faults);
    Some(Binding { trust: source.name.clone(), subject, claims })
}

/// Whom a token names.
fn told(raw: &RawCredential, index: usize, faults: &Faults) -> Option<Subject> {
    if let Some(at) = &raw.spiffe_id {
        let what = format!("`credentials[{index}].spiffe_id`: tokens of this trust source are known by their `subject`");
        faults.error(at.spot, "credential.name", what, "write `subject`".to_owned());
    }
    let Some(at) = &raw.subject else {
        let what = format!("`credentials[{index}]`: tokens of this trust source are known by their `subject`");
        faults.error(raw.name.spot, "credential.name", what, "write `subject`".to_owned());
        return None;
    };
    Some(Subject::parse(&at.value.as_ref()?.0))
}

/// Whom an SVID or a certificate names: a SPIFFE id, or one name of a kind (RFC 5280 §4.2.1.6).
fn named(raw: &RawCredential, authority: &Authority, index: usize, faults: &Faults) -> Option<Subject> {
    match (&raw.spiffe_id, &raw.subject, &authority.trust_domain) {
        (Some(at), None, Some(domain)) => {
            let id = &at.value.as_ref()?.0;
            let path = id.strip_prefix("spiffe://").and_then(|rest| rest.strip_prefix(&**domain)).and_then(|path| path.strip_prefix('/'));
            let good = |segment: &str| {
                let bytes = segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
                bytes && !matches!(segment, "" | "." | "..")
            };
            let fits = path.is_some_and(|path| {
                let whole = path.strip_suffix("/*").unwrap_or(path);
                whole.split('/').all(good)
            });
            if !fits {
                let what = format!("`credentials[{index}].spiffe_id`: `{id}` is no SPIFFE id of `{domain}`");
                let mend = format!("write one as in `spiffe://{domain}/prod/ledger`; `/*` at the end stands for all below");
                faults.error(at.spot, "credential.spiffe_id", what, mend);
                return None;
            }
            Some(Subject::parse(id))
        }
        (None, Some(at), None) => {
            let subject = &at.value.as_ref()?.0;
            let kind = subject.split_once(':').filter(|(_, name)| !name.is_empty()).map(|(kind, _)| kind);
            if !kind.is_some_and(|kind| matches!(kind, "dns" | "uri" | "email" | "ip")) || subject.contains('*') {
                let what = format!("`credentials[{index}].subject`: `{subject}` says no name of a certificate");
                let mend = "write one subject alternative name: `dns:…`, `uri:…`, `email:…` or `ip:…`".to_owned();
                faults.error(at.spot, "credential.subject", what, mend);
                return None;
            }
            Some(Subject::Exactly(subject.clone()))
        }
        (_, _, domain) => {
            let key = if domain.is_some() { "spiffe_id" } else { "subject" };
            let what = format!("`credentials[{index}]`: what this trust source vouches for is known by its `{key}` alone");
            faults.error(raw.name.spot, "credential.name", what, format!("write `{key}`"));
            None
        }
    }
}

fn conditions(raw: &RawCredential, index: usize, faults: &Faults) -> Box<[Condition]> {
    let Some(At { spot, value: Some(claims) }) = &raw.claims else { return Box::default() };
    let mut conditions = Vec::new();
    for (claim, said) in claims {
        let value = match said {
            Value::String(text) => Some(ClaimValue::Text(text.as_str().into())),
            Value::Number(number) => number.as_i64().map(ClaimValue::Number),
            Value::Bool(flag) => Some(ClaimValue::Flag(*flag)),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        };
        match value {
            Some(value) => conditions.push(Condition { claim: claim.as_str().into(), value }),
            None => {
                let what = format!("`credentials[{index}].claims.{claim}`: a claim is compared with a text, a whole number, true or false");
                faults.error(*spot, "value.type", what, "for a member of an object write `claim.member: value`".to_owned());
            }
        }
    }
    if conditions.len() > CONDITIONS_MAX {
        let what = format!("`credentials[{index}].claims`: at most {CONDITIONS_MAX} are compared");
        faults.error(*spot, "value.invalid", what, "keep those that tell it apart".to_owned());
    }
    conditions.into()
}
