//! Commands of clients: what a machine that calls through the gate runs itself.

use super::OutputArgs;
use clap::Args;
use std::path::PathBuf;

/// `wardgate token`.
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// Who asks: the name of the identity
    #[arg(long, env = "WARDGATE_CLIENT", required_unless_present = "new_key", value_name = "IDENTITY")]
    pub client: Option<String>,
    /// Its private key: PEM, PKCS #8, of P-256 or Ed25519
    #[arg(long, env = "WARDGATE_CLIENT_KEY", required_unless_present = "new_key", value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The gate's issuer, exactly as it calls itself
    #[arg(long, env = "WARDGATE_ISSUER", required_unless_present = "new_key", value_name = "URL")]
    pub issuer: Option<String>,
    /// The API that the token is for, by its address; the only one unless said
    #[arg(long, value_name = "URL")]
    pub resource: Option<String>,
    /// Classes of operations, as in `list read`; all that is granted unless said
    #[arg(long, value_name = "CLASSES")]
    pub scope: Option<String>,
    /// Roots that the gate's certificate is verified with, PEM, in the place of the public ones
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Connect there, where the issuer's own name does not lead to the gate
    #[arg(long, value_name = "HOST:PORT")]
    pub connect: Option<String>,
    /// Make a key pair: the private half into this new file, the public one is printed as a JWK for the identity's document
    #[arg(long, value_name = "FILE", conflicts_with_all = ["client", "key", "issuer", "resource", "scope", "ca", "connect"])]
    pub new_key: Option<PathBuf>,
    /// What the new key signs with: `ES256` or `EdDSA`
    #[arg(long, value_name = "ALGORITHM", default_value = "ES256", requires = "new_key", value_parser = ["ES256", "EdDSA"])]
    pub algorithm: String,
    /// Form of what is printed
    #[command(flatten)]
    pub output: OutputArgs,
}
