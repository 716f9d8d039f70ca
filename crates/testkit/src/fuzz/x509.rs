//! Certificates, trust bundles and revocation lists, read as strangers and operators hand them in.

use super::{Broken, Outcome, Target, hold};
use std::sync::OnceLock;
use wardgate_model::{proof::CertificateChain, time::Time};
use wardgate_proof::x509::{self, Crls, Revocation, SpiffeId, Thumbprint, Trust, TrustBundle, TrustDomain};

pub(super) const TARGET: Target = Target {
    name: "x509",
    corpus: concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/x509"),
    property,
    words: &[
        "spiffe://",
        "spiffe://a.example/x",
        "SPIFFE://A",
        "/../",
        "-----BEGIN CERTIFICATE-----\n",
        "-----END CERTIFICATE-----\n",
        "0",
        "0\u{3}",
    ],
    bytes_max: 2_048,
};

/// The authority of the corpus; its key is nowhere.
const ROOT: &[u8] = include_bytes!("../../corpus/x509/root.der");
/// What that authority signed for clients.
const SIGNED: [&[u8]; 2] = [include_bytes!("../../corpus/x509/leaf.der"), include_bytes!("../../corpus/x509/plain.der")];
/// 2026-06-01.
const NOW: Time = Time::from_seconds(1_780_272_000);

/// What the authority is trusted in: ids of `a.example`, and other names.
fn trusted() -> &'static [Trust] {
    static TRUSTED: OnceLock<Vec<Trust>> = OnceLock::new();
    TRUSTED.get_or_init(|| {
        let of = |domain: Option<TrustDomain>| {
            let bundle = TrustBundle::parse(ROOT, domain.as_ref()).ok()?;
            Some(Trust { bundle, crls: Crls::default(), revocation: Revocation::default(), domain })
        };
        [TrustDomain::parse("a.example").ok(), None].into_iter().filter_map(of).collect()
    })
}

fn property(bytes: &[u8]) -> Result<Outcome, Broken> {
    let bundle = TrustBundle::parse(bytes, None).map(|bundle| bundle.lives().len());
    let lists = Crls::parse([bytes]).map(|lists| lists.lists().len());
    let Ok(chain) = CertificateChain::new([bytes, ROOT]) else { return Ok(Outcome::of((format!("{bundle:?}"), format!("{lists:?}")))) };
    let id = x509::spiffe_id(&chain);
    if let Ok(Some(id)) = &id {
        hold(SpiffeId::parse(id.as_str()).as_ref() == Ok(id), || format!("`{id}` is not in the one form"))?;
    }
    let mut proved = [const { None }; 2];
    for (trust, slot) in trusted().iter().zip(&mut proved) {
        let verified = x509::verify(&chain, trust, NOW);
        if let Ok(verified) = &verified {
            hold(SIGNED.contains(&bytes), || "what nobody signed is good".to_owned())?;
            hold(verified.thumbprint == Thumbprint::of(bytes), || "the thumbprint is of something else".to_owned())?;
            let claimed = id.clone().unwrap_or_default().filter(|_| trust.domain.is_some());
            hold(verified.spiffe_id == claimed, || format!("{:?} was verified, {claimed:?} claimed", verified.spiffe_id))?;
        }
        *slot = Some(verified.map_or_else(|refusal| refusal.code(), |_| "good"));
    }
    let claimed = id.map(|id| id.is_some()).map_err(|refusal| refusal.code());
    Ok(Outcome::of((proved, claimed, format!("{bundle:?}"), format!("{lists:?}"))))
}
