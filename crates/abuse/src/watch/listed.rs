//! What lists of hostile addresses say of where a request comes from.

use super::sight::at_home;
use wardgate_model::facts::Facts;

/// On how many lists it is, and what they weigh; `None`: on none. A zone of the caller's environment is a place of our own: whatever is said
/// elsewhere of its addresses, private ones among them, nobody there comes from outside.
pub(super) fn listed(facts: &Facts) -> Option<(u32, u32)> {
    let listing = facts.source.listing.as_deref().filter(|_| !at_home(facts))?;
    Some((listing.lists().into(), listing.weight().into()))
}

#[cfg(test)]
mod tests {
    use crate::{
        testing::{at, facts},
        watch::{Payload, Watch},
    };
    use wardgate_model::risk::Signal;

    /// What one call is said to be like, by a watch that knows nobody.
    fn said(watch: &Watch, words: &str) -> String {
        let assessment = watch.assess(&facts(words), &Payload::default(), at("2026-06-01T00:00:00Z"));
        let part = |part: &wardgate_model::risk::Contribution| format!(" {} {} {}", part.signal.as_str(), part.value, part.weight);
        format!("{}{}", assessment.risk, assessment.parts.iter().map(part).collect::<String>())
    }

    #[test]
    fn an_address_on_lists_weighs_as_they_say() {
        let watch = Watch::default();
        for who in ["identity=a", "identity=people", ""] {
            assert_eq!(said(&watch, who), "0", "{who}");
            assert_eq!(said(&watch, &format!("{who} listed=drop:25")), "25 reputation 1 25", "{who}");
            assert_eq!(said(&watch, &format!("{who} listed=drop:10,scan:10")), "19 reputation 2 19", "{who}");
        }
    }

    /// From 40 on the shipped guardrail keeps power from a caller, and from 40 on a request to what is critical waits.
    #[test]
    fn lists_alone_refuse_nothing() {
        assert_eq!(said(&Watch::default(), "identity=a listed=a:39,b:39,c:39,d:39"), "39 reputation 4 39");
    }

    #[test]
    fn a_place_of_our_own_is_what_we_know_of_it() {
        let watch = Watch::default();
        assert_eq!(said(&watch, "identity=a zone=home listed=drop:25"), "0");
        assert_eq!(said(&watch, "identity=a zone=office listed=drop:25"), "25 reputation 1 25");
        assert_eq!(said(&watch, "identity=a environment=staging zone=home listed=drop:25"), "25 reputation 1 25", "it lives elsewhere");
        assert_eq!(said(&watch, "identity=a environment=shared zone=home listed=drop:25"), "0", "it is let in everywhere");
        assert_eq!(said(&watch, "zone=home listed=drop:25"), "0", "nobody knows where it lives");
        watch.mute(Signal::Reputation);
        assert_eq!(said(&watch, "identity=a listed=drop:25"), "0");
    }
}
