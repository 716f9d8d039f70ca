//! What a caller is told that shall show itself by a stronger credential on its record: which, and how that is shown here.

use wardgate_gate::challenge::stronger;
use wardgate_model::{credential::CredentialKind, facts::Facts, reason::Reason};

/// Whether a token that is bound to a registered key would do.
pub(super) fn is_by_token(facts: Option<&Facts>) -> bool {
    super::takes_tokens(facts) && kinds(facts).contains(&CredentialKind::PublicKey)
}

/// What helps.
pub(super) fn remedy(facts: Option<&Facts>) -> String {
    let kinds = kinds(facts);
    let signs = || facts.and_then(|facts| facts.api.as_deref()).is_some_and(wardgate_gate::signers::takes);
    let ways = [
        (is_by_token(facts), "get a token that is bound to your registered key, and show possession of that with each call (DPoP)"),
        (kinds.contains(&CredentialKind::PublicKey) && signs(), "sign the call with your registered key (RFC 9421)"),
        (kinds.contains(&CredentialKind::X509), "show the client certificate that is on your record"),
    ];
    let ways: Vec<&str> = ways.into_iter().filter(|(helps, _)| *helps).map(|(_, way)| way).collect();
    if ways.is_empty() { Reason::RiskStepUp.row().remedy.to_owned() } else { ways.join("; or ") }
}

fn kinds(facts: Option<&Facts>) -> Vec<CredentialKind> {
    let both = facts.and_then(|facts| Some((facts.caller.as_ref()?, facts.api.as_deref()?)));
    both.map(|(caller, api)| stronger(caller, api).collect()).unwrap_or_default()
}
