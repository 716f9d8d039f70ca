//! `docs/signals.md`.

use super::line;
use wardgate_model::{
    api::Sensitivity,
    risk::{Family, Plan, Signal},
};

const HEAD: &str = include_str!("signals_head.md");
const TAIL: &str = include_str!("signals_tail.md");

/// `docs/signals.md`: what is written by hand, around what the tables say.
#[must_use]
pub fn signals() -> String {
    let mut page = HEAD.to_owned();
    line(&mut page, "| sensitivity | slow | challenge | block |");
    line(&mut page, "|---|---|---|---|");
    for sensitivity in Sensitivity::ALL {
        let plan = Plan::of(*sensitivity);
        line(&mut page, &format!("| `{sensitivity}` | {} | {} | {} |", plan.slow, plan.challenge, plan.block));
    }
    page.push_str(TAIL);
    for family in Family::ALL {
        line(&mut page, &format!("\n### {family}\n"));
        line(&mut page, tells(*family));
        for signal in Signal::ALL.iter().filter(|signal| signal.family() == *family) {
            line(&mut page, &format!("\n#### `{}`\n", signal.as_str()));
            line(&mut page, &format!("It says: {}. Its value counts: {}.\n", signal.says(), signal.unit()));
            line(&mut page, &format!("*What raises it:* {}.\n", raises(*signal)));
            line(&mut page, &format!("*What its owner does:* {}. The finding is `{}`.", signal.remedy(), signal.finding()));
        }
    }
    page
}

const fn tells(family: Family) -> &'static str {
    match family {
        Family::Theft => {
            "Somebody else has what the caller proves itself by. A caller that shows possession of its key over a nonce of ours clears these, \
             and no others."
        }
        Family::Volume => "More is taken than usual.",
        Family::Behaviour => "Something is done that the caller does not do.",
        Family::Flow => "Something is begun again and again and not brought to its end.",
        Family::Content => "What is sent is not what the API takes. Weak by itself: text of people may read as anything.",
        Family::Source => "Where it comes from has a name for it.",
    }
}

/// What raises a signal, without its numbers: these stand in `crates/abuse/src/watch/weights.rs`.
const fn raises(signal: Signal) -> &'static str {
    match signal {
        Signal::NewPlace => {
            "a call from a zone, or from a network (24 bits of IPv4, 48 of IPv6) outside all zones, in which the identity has not had good \
             calls in several hours, the first of them half a day ago. It weighs more with new software, and less for who often comes from \
             new places"
        }
        Signal::NewSoftware => {
            "a TLS fingerprint, or behind a proxy a user agent without its versions, that is new in the same sense. A new version of the \
             same software is none where the agent tells"
        }
        Signal::Shared => "calls from a place that is known between calls from one that is not, within an hour, more than once",
        Signal::Rate => "calls of the last hour, beside the busiest hours of the last seven days; not before there are some sixty",
        Signal::Volume => "records of the last hour, counted or estimated by bytes, beside the busiest hours of the last seven days",
        Signal::Drip => {
            "days that are above the mean of the days before of their kind (weekends apart), and above what the peers' days were: \
             identities of one kind and owner. It lifts a risk to 30, at which an owner is told, and no further: nobody is held back \
             today for what was taken on other days"
        }
        Signal::Enumeration => {
            "numbers in paths, or of pages, one after the other, upwards or downwards, each operation and person apart; more than twice \
             as long a run as is usual, and eight at the least. From the twelfth in a row on of an operation of class `list`, from \
             the sixteenth of any other, thrice the usual, it refuses"
        }
        Signal::Bulk => "an operation of the class `bulk`, more often in a day than on any day before",
        Signal::OffSchedule => {
            "an hour of the day at which the identity does not call; of `bulk` operations, at which it does not call these, once it has done \
             so on three days, or on two that are four or more apart, at one hour, where it comes sooner than that. Such a one may be an hour \
             late; it comes early only in the hour before, at the minute at which it always does (where clocks are put on)"
        }
        Signal::NewOperation => {
            "operations that are new to the identity within a day; half as heavy where its peers use them, and nothing where the change of \
             the API was announced. What is new is so until it was first served: to have tried it beforehand, refused or answered with an \
             error, makes nothing known sooner. From the second within three days on its owner is told (from the fourth, where its peers use \
             it too), whether those before are known by now or not. Of who has been known for more than a week and seldom does anything new, \
             its owner is also told from the third within thirty days on (from the sixth, where its peers use it too), and of one alone once \
             it is used in a third hour where no peer uses it; that lifts a risk to 30 and no further"
        }
        Signal::FanOut => "an API that neither the identity nor one of its peers has called",
        Signal::Climbing => "a class of operation that the identity has never used; most for `delete`, `money`, `admin`, `bulk`",
        Signal::Refused => "new operations after refusals of several others within a day, for what the identity may not do",
        Signal::Probing => "from one place, answers of which half or more are errors of the caller's (400 to 499), over several operations",
        Signal::Deaf => {
            "calls of an operation before the `Retry-After` of its last answer is over, ten and more without an hour between two of them; what \
             was under way when it was told does not count. Alone it refuses nothing: a retry storm is no attack"
        }
        Signal::Stuffing => {
            "from one network, logins for several accounts of which most fail. Also for people's sessions, which have no profile"
        }
        Signal::Crowd => "logins of which far more fail than usual, over all networks, from one that is part of it",
        Signal::Unfinished => {
            "operations that begin something without those that end it, as a `Flow` lists them: of what has had its time, far less came to its \
             end than on this identity's days before. Of people's sessions by network, beside all people's days"
        }
        Signal::Hostile => "patterns of attacks in query or body",
        Signal::Deviation => "parts of the request that are not as the OpenAPI document of the API has them",
        Signal::Reputation => {
            "an address on lists of hostile ones that the operator has given (docs/sources.md), outside the zones of the identity's \
             environment. Each list has its weight; all of them together stay below 40, so that they refuse nothing by themselves"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::signals;
    use std::path::Path;
    use wardgate_model::risk::Signal;

    #[test]
    fn the_page_of_signals_is_what_the_tables_say() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/signals.md");
        let page = std::fs::read_to_string(file).unwrap();
        assert!(page == signals(), "docs/signals.md is old: cargo run -p wardgate-testkit --example signals > docs/signals.md");
    }

    #[test]
    fn every_signal_has_a_section() {
        let page = signals();
        for signal in Signal::ALL {
            assert!(page.contains(&format!("#### `{}`", signal.as_str())), "{}", signal.as_str());
        }
    }
}
