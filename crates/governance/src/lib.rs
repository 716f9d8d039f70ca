//! How identities are governed: the rules of their lives, as pure functions over values.
