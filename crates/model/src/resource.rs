//! The kinds of resources, and one resource as it is stored: kind, name, spec.

use crate::inventory::words;

words! {
    /// What a resource document is.
    Kind {
        /// Someone accountable.
        Owner = "Owner",
        /// Production, staging and so on.
        Environment = "Environment",
        /// A governed caller.
        Identity = "Identity",
        /// Where foreign proofs come from.
        TrustSource = "TrustSource",
        /// What is called.
        Api = "Api",
        /// Who may do what.
        Grant = "Grant",
        /// How much.
        Limit = "Limit",
        /// Where calls come from.
        Zone = "Zone",
        /// What was agreed with a partner.
        Contract = "Contract",
        /// A sequence of operations that belong together.
        Flow = "Flow",
        /// An exemption with an end.
        Waiver = "Waiver",
        /// Whom to tell.
        Webhook = "Webhook",
        /// How often credentials are replaced.
        Rotation = "Rotation",
        /// A registered purpose.
        Purpose = "Purpose",
        /// A Cedar policy.
        Policy = "Policy",
    }
}
