//! What can be stopped in one act.

use crate::inventory::words;

words! {
    /// What can be contained.
    Containable {
        /// An identity with all it can prove itself by.
        Identity = "identity",
        /// One credential.
        Credential = "credential",
        /// Every identity of an owner.
        Owner = "owner",
        /// Every proof of an issuer.
        Issuer = "issuer",
        /// One token.
        Token = "token",
        /// One task.
        Task = "task",
    }
}
