//! The kinds of tokens, told apart by `typ` so that none can pass for another (RFC 8725 §3.11, §3.12): one table.
//!
//! | kind | `typ` | without `typ`, or `JWT` | must say | must not say |
//! |---|---|---|---|---|
//! | [`Plain`](TokenKind::Plain): OpenID Connect, CI providers, Kubernetes | `JWT` | yes | iss sub aud exp | |
//! | [`Access`](TokenKind::Access): RFC 9068 | `at+jwt` | no | iss sub aud exp iat jti client_id | |
//! | [`JwtSvid`](TokenKind::JwtSvid) | `JOSE` | yes | sub aud exp | |
//! | [`ClientAuthentication`](TokenKind::ClientAuthentication): RFC 7523bis | `client-authentication+jwt` | yes | iss sub aud exp jti | |
//! | [`ClientAttestation`](TokenKind::ClientAttestation) | `oauth-client-attestation+jwt` | no | sub exp cnf | |
//! | [`ClientAttestationProof`](TokenKind::ClientAttestationProof) | `oauth-client-attestation-pop+jwt` | no | aud jti iat | |
//! | [`DpopProof`](TokenKind::DpopProof): RFC 9449 | `dpop+jwt` | no | jti iat | |
//! | [`Transaction`](TokenKind::Transaction) | `txntoken+jwt` | no | iat aud exp sub | |
//! | [`WorkloadIdentity`](TokenKind::WorkloadIdentity): WIMSE | `wit+jwt` | no | sub exp cnf | aud |
//! | [`WorkloadProof`](TokenKind::WorkloadProof): WIMSE | `wpt+jwt` | no | aud exp jti | |
//! | [`SecurityEvent`](TokenKind::SecurityEvent): RFC 8417, SSF 1.0 | `secevent+jwt` | no | iss iat jti | sub exp |
//! | [`IdentityAssertion`](TokenKind::IdentityAssertion): ID-JAG | `oauth-id-jag+jwt` | no | iss sub aud exp iat jti client_id | |

/// A kind of token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TokenKind {
    /// A token that does not say its kind: ID tokens, CI providers, Kubernetes service accounts.
    Plain,
    /// An OAuth access token (RFC 9068).
    Access,
    /// A JWT-SVID of SPIFFE.
    JwtSvid,
    /// A client's assertion of itself (RFC 7523bis).
    ClientAuthentication,
    /// A client's attestation by others.
    ClientAttestation,
    /// The proof beside a client's attestation.
    ClientAttestationProof,
    /// A DPoP proof (RFC 9449).
    DpopProof,
    /// A transaction token.
    Transaction,
    /// A workload identity token.
    WorkloadIdentity,
    /// The proof beside a workload identity token.
    WorkloadProof,
    /// A security event (RFC 8417).
    SecurityEvent,
    /// An identity assertion as authorization grant.
    IdentityAssertion,
}

/// A row of the table.
struct Row {
    typ: &'static str,
    unnamed: bool,
    required: &'static [&'static str],
    forbidden: &'static [&'static str],
}

const fn row(typ: &'static str, required: &'static [&'static str]) -> Row {
    Row { typ, unnamed: false, required, forbidden: &[] }
}

impl TokenKind {
    /// Each of them.
    pub const ALL: [Self; 12] = [
        Self::Plain,
        Self::Access,
        Self::JwtSvid,
        Self::ClientAuthentication,
        Self::ClientAttestation,
        Self::ClientAttestationProof,
        Self::DpopProof,
        Self::Transaction,
        Self::WorkloadIdentity,
        Self::WorkloadProof,
        Self::SecurityEvent,
        Self::IdentityAssertion,
    ];

    const fn row(self) -> Row {
        match self {
            Self::Plain => Row { unnamed: true, ..row("jwt", &["iss", "sub", "aud", "exp"]) },
            Self::Access => row("at+jwt", &["iss", "sub", "aud", "exp", "iat", "jti", "client_id"]),
            Self::JwtSvid => Row { unnamed: true, ..row("jose", &["sub", "aud", "exp"]) },
            // Servers are told not to refuse a missing `typ` here; another known kind is refused (RFC 7523bis).
            Self::ClientAuthentication => Row { unnamed: true, ..row("client-authentication+jwt", &["iss", "sub", "aud", "exp", "jti"]) },
            Self::ClientAttestation => row("oauth-client-attestation+jwt", &["sub", "exp", "cnf"]),
            Self::ClientAttestationProof => row("oauth-client-attestation-pop+jwt", &["aud", "jti", "iat"]),
            Self::DpopProof => row("dpop+jwt", &["jti", "iat"]),
            Self::Transaction => row("txntoken+jwt", &["iat", "aud", "exp", "sub"]),
            Self::WorkloadIdentity => Row { forbidden: &["aud"], ..row("wit+jwt", &["sub", "exp", "cnf"]) },
            Self::WorkloadProof => row("wpt+jwt", &["aud", "exp", "jti"]),
            Self::SecurityEvent => Row { forbidden: &["sub", "exp"], ..row("secevent+jwt", &["iss", "iat", "jti"]) },
            Self::IdentityAssertion => row("oauth-id-jag+jwt", &["iss", "sub", "aud", "exp", "iat", "jti", "client_id"]),
        }
    }

    /// Its `typ`, in lower case.
    #[must_use]
    pub const fn typ(self) -> &'static str {
        self.row().typ
    }

    /// Whether a header's `typ` can be of this kind. It is compared without case, and with or without `application/` in front
    /// (RFC 7515 §4.1.9, RFC 9068 §2.1).
    #[must_use]
    pub fn accepts(self, typ: Option<&str>) -> bool {
        let row = self.row();
        let Some(typ) = typ else { return row.unnamed };
        let typ = typ.to_ascii_lowercase();
        let subtype = typ.strip_prefix("application/").unwrap_or(&typ);
        subtype == row.typ || row.unnamed && subtype == "jwt"
    }

    /// The claims that it must have.
    #[must_use]
    pub const fn required(self) -> &'static [&'static str] {
        self.row().required
    }

    /// The claims that it must not have.
    #[must_use]
    pub const fn forbidden(self) -> &'static [&'static str] {
        self.row().forbidden
    }
}

#[cfg(test)]
mod tests {
    use super::TokenKind;

    /// STANDARDS §8, `jwt_confusion_*`: every `typ` against every acceptor, only the diagonal passes.
    #[test]
    fn jwt_confusion_no_kind_passes_for_another() {
        for sent in TokenKind::ALL.into_iter().filter(|kind| *kind != TokenKind::Plain) {
            for acceptor in TokenKind::ALL {
                for typ in [sent.typ().to_owned(), sent.typ().to_uppercase(), format!("application/{}", sent.typ())] {
                    assert_eq!(acceptor.accepts(Some(&typ)), acceptor == sent, "{typ} at {acceptor:?}");
                }
            }
        }
    }

    #[test]
    fn a_token_that_does_not_say_its_kind_passes_where_the_standard_says_so() {
        let unnamed = [TokenKind::Plain, TokenKind::JwtSvid, TokenKind::ClientAuthentication];
        for acceptor in TokenKind::ALL {
            for typ in [None, Some("JWT"), Some("jwt"), Some("application/jwt")] {
                assert_eq!(acceptor.accepts(typ), unnamed.contains(&acceptor), "{typ:?} at {acceptor:?}");
            }
            for typ in ["", " ", "JWT ", "logout+jwt", "wardgate-assertion+jwt", "at+jwt;v=1", "application/application/jwt", "text/jwt"] {
                assert!(!acceptor.accepts(Some(typ)), "{typ} at {acceptor:?}");
            }
        }
    }

    #[test]
    fn a_kind_forbids_nothing_that_it_requires() {
        for kind in TokenKind::ALL {
            assert!(kind.forbidden().iter().all(|claim| !kind.required().contains(claim)), "{kind:?}");
        }
    }
}
