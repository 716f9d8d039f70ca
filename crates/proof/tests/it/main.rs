//! What strangers prove, against the standards' own vectors, another library, and attacks.

mod attacks;
mod bound;
mod claims;
mod cookbook;
mod forge;
mod key_sets;
mod oracle;
mod wycheproof;
mod x509_openssl;
