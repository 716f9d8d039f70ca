use super::*;

fn kind(result: &Result<SpiffeId, SpiffeIdError>) -> String {
    match result {
        Ok(id) => format!("{id} of {}{}", id.trust_domain(), if id.names_workload() { "" } else { ", itself" }),
        Err(error) => format!("{error:?}"),
    }
}

/// The vectors of STANDARDS §2 (SPIFFE-ID §2), and their neighbours.
#[test]
fn spiffe_id_vectors() {
    let long = format!("spiffe://{}/x", "d".repeat(256));
    let longest = format!("spiffe://td/{}", "p".repeat(2048 - 12));
    for (text, parsed) in [
        ("spiffe://td/x", "spiffe://td/x of td"),
        ("spiffe://td", "spiffe://td of td, itself"),
        ("spiffe://acme.example/prod/ledger-sync_2.A", "spiffe://acme.example/prod/ledger-sync_2.A of acme.example"),
        ("SPIFFE://TD/x", "Scheme"),
        ("spiffe://TD/x", "TrustDomain"),
        ("spiffe://td:8080/x", "TrustDomain"),
        ("spiffe://u@td/x", "TrustDomain"),
        ("spiffe://[::1]/x", "TrustDomain"),
        ("spiffe://t%64/x", "TrustDomain"),
        ("spiffe://täglich/x", "TrustDomain"),
        ("spiffe:///x", "TrustDomain"),
        ("spiffe://", "TrustDomain"),
        ("spiffe://td?q/x", "TrustDomain"),
        (long.as_str(), "TrustDomain"),
        ("spiffe://td/", "Path"),
        ("spiffe://td//x", "Path"),
        ("spiffe://td/x/", "Path"),
        ("spiffe://td/../x", "Path"),
        ("spiffe://td/x/..", "Path"),
        ("spiffe://td/./x", "Path"),
        ("spiffe://td/%61", "Path"),
        ("spiffe://td/x?y", "Path"),
        ("spiffe://td/x#y", "Path"),
        ("spiffe://td/x y", "Path"),
        ("spiffe://td/é", "Path"),
        ("https://td/x", "Scheme"),
        ("spiffe:/td/x", "Scheme"),
        ("", "Scheme"),
        (&format!("{longest}p"), "Length"),
    ] {
        assert_eq!(kind(&SpiffeId::parse(text)), parsed, "{text}");
    }
    assert!(SpiffeId::parse(&longest).is_ok());
}

#[test]
fn what_others_wrote_is_brought_into_the_one_form() {
    for (text, read) in [
        ("SPIFFE://TD/Path", "spiffe://td/Path of td"),
        ("spiffe://Acme.Example", "spiffe://acme.example of acme.example, itself"),
        ("spiffe://td/x", "spiffe://td/x of td"),
        ("SPIFFE:/", "Scheme"),
        ("spiffé://td/x", "Scheme"),
        ("spiffe://TD/../x", "Path"),
    ] {
        assert_eq!(kind(&SpiffeId::read(text)), read, "{text}");
    }
}
