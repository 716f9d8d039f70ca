//! What strangers prove, against the standards' own vectors, another library, and attacks.

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod bound;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod cookbook;
#[cfg(test)]
mod forge;
#[cfg(test)]
mod key_sets;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod structured;
#[cfg(test)]
mod wycheproof;
#[cfg(test)]
mod x509_openssl;
