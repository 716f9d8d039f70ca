mod bombs;
mod bundles;
mod paths;
mod pki;
mod revocation;
mod svid;
