//! RFC 7638: the name of a key that follows from the key.

use super::base64url;
use aws_lc_rs::digest;

/// The SHA-256 thumbprint of the required members of a JWK, as base64url (43 characters).
///
/// `members` are names and values in lexicographic order, as §3.3 wants them; values are base64url or registered names, so
/// that nothing in them has to be escaped.
#[must_use]
pub fn of(members: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(128);
    for (name, value) in members {
        text.push(if text.is_empty() { '{' } else { ',' });
        for part in ["\"", name, "\":\"", value, "\""] {
            text.push_str(part);
        }
    }
    text.push('}');
    base64url::encode(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn the_key_of_rfc_7638_3_1_has_its_published_name() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W\
                 -5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLy\
                 rdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        assert_eq!(of(&[("e", "AQAB"), ("kty", "RSA"), ("n", n)]), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn the_key_of_rfc_8037_a_3_has_its_published_name() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        assert_eq!(of(&[("crv", "Ed25519"), ("kty", "OKP"), ("x", x)]), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
