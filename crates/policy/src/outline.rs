//! What a text of policies is made of, without a world: to compare two texts, statement by statement.

use crate::{explain::Effect, source::SOURCE_BYTES_MAX, statement};
use cedar_policy::{Effect as CedarEffect, Policy, PolicyId};

/// One policy of a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outlined {
    /// Its `@id`, where it has one.
    pub id: Option<String>,
    /// Whether it permits.
    pub permits: bool,
    /// The policy as Cedar prints it: comments and layout make no difference.
    pub text: String,
}

impl Outlined {
    /// What it does.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        if self.permits { Effect::Permit } else { Effect::Forbid }
    }
}

/// The policies of a text, in its order; `None` when a part of it is no policy.
#[must_use]
pub fn outline(text: &str) -> Option<Vec<Outlined>> {
    if text.len() > SOURCE_BYTES_MAX {
        return None;
    }
    let policies = statement::split(text).into_iter().map(|statement| {
        if statement.over.is_some() {
            return None;
        }
        let policy = Policy::parse(Some(PolicyId::new("policy")), statement.text).ok()?;
        Some(Outlined {
            id: policy.annotation("id").map(str::to_owned),
            permits: policy.effect() == CedarEffect::Permit,
            // Through JSON: what was parsed from text keeps its layout.
            text: Policy::from_json(None, policy.to_json().ok()?).ok()?.to_cedar()?,
        })
    });
    policies.collect()
}

#[cfg(test)]
mod tests {
    use super::outline;

    #[test]
    fn layout_and_comments_make_no_difference() {
        let a = outline("// one\n@id(\"x\")\npermit (principal,\n action, resource);").unwrap();
        let b = outline("@id(\"x\") permit(principal, action, resource); // two").unwrap();
        assert_eq!(a, b);
        assert_eq!((a[0].id.as_deref(), a[0].permits), (Some("x"), true));
    }

    #[test]
    fn what_is_no_policy_has_no_outline() {
        assert_eq!(outline("permit (principal, action"), None);
        assert_eq!(outline("permit(principal, action, resource); nonsense"), None);
        assert_eq!(outline("").as_deref(), Some(&[][..]));
    }
}
