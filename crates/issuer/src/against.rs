//! What stands against a request of a proven client, for the record: a word that can be searched for, and what the operator can do.
//!
//! The client is told what it can do itself. Which policies and grants there are, and what others have, stands in the record alone.

/// To which part of what is asked for something stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    /// The API that the token is to be for.
    Target,
    /// The classes of operations that it is to be for.
    Scope,
    /// The token that is asked upon.
    Subject,
}

impl Of {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Scope => "scope",
            Self::Subject => "subject",
        }
    }
}

macro_rules! against {
    ($($(#[$doc:meta])* $variant:ident = $of:ident $word:literal, $remedy:literal;)*) => {
        /// What stands against a token.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Against { $($(#[$doc])* $variant,)* }

        impl Against {
            const ALL: &'static [Self] = &[$(Self::$variant,)*];

            const fn of(self) -> Of {
                match self { $(Self::$variant => Of::$of,)* }
            }

            /// The word that is recorded.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// What the operator can do about it.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }
        }
    };
}

against! {
    /// No API has this address.
    Unknown = Target "unknown", "no API has that address: have the client name one as it calls itself, `resource` in what `/.well-known/oauth-protected-resource` and the API's path say on its host, without a slash at the end";
    /// The API takes no tokens at all.
    NoTokens = Target "no_tokens", "the API takes no tokens: add `jwt` to its `accept`";
    /// It takes no keys, so nothing that was got by one.
    KeyNotAccepted = Target "key_not_accepted", "the API takes no keys, so nothing that is got by one: add `api_key` to its `accept`, or have the client prove itself otherwise";
    /// The task is of another API.
    Task = Target "task", "the task is of another API: start one for this";
    /// Nothing is granted.
    NoGrant = Target "no_grant", "nothing of the API is granted to the identity, or to who acts for it: declare a `Grant`";
    /// What is asked upon is for none of its classes.
    Subject = Target "subject", "the token that is asked upon is for classes of operations of which nothing is open there to all who stand behind it: have whoever got that one ask for a class that the API has too, as `scope`";
    /// It wants possession of a key.
    Unbound = Target "unbound", "the API wants tokens that are bound to a key: `wardgate token --proxy ADDRESS --bound --issuer URL --client NAME --key FILE --resource URL` for a program that cannot change, or a client that sends `DPoP`";
    /// A policy or a guardrail.
    Policy = Target "policy", "a policy stands against it: `wardgate explain --identity NAME --method METHOD --url URL --proof jwt` says which";
    /// It names no API, and could be for several.
    Several = Target "several", "there are several APIs that it could be for: have the client name one by `resource`";
    /// It names several.
    Named = Target "named_several", "a token is for one API: have the client ask for one after the other";
    /// It names none, and there is none that it could be for.
    Nothing = Target "none", "no API takes what the client proves itself by, or nothing is granted to it: see `wardgate access --identity NAME`";
    /// Production and the rest in one chain.
    Environment = Target "environment", "who calls, who acts and the API live in one environment, or both sides in production: declare an identity for the other one";
    /// The word is no class of operations.
    NoScope = Scope "unknown", "scopes are classes of operations: read, list, write, delete, bulk, admin, login, money";
    /// The API has no such operation.
    NoOperation = Scope "no_operation", "no operation of the API is of that class: correct what the client asks for, or the `class` of an operation in the `Api`";
    /// Nothing of it is granted to one of those who stand behind the token.
    NotGranted = Scope "not_granted", "declare a `Grant` for whom the effect names, with that class or one of its operations";
    /// It is kept for what is bound to a key.
    ScopeUnbound = Scope "unbound", "the API asks `bound: true` of that class: have the client send `DPoP` or show a certificate, by `wardgate token --proxy ADDRESS --bound --issuer URL --client NAME --key FILE --resource URL` where it cannot change; or have it leave that class out";
    /// It is not among the task's operations.
    ScopeTask = Scope "task", "the task is for other operations: start one for these, or have the client ask for less";
    /// What is asked upon is not for it.
    ScopeSubject = Scope "subject", "the token that is asked upon is not for that class, and nothing that comes of it is for more: have whoever got that one ask for it";
    /// What the token rests on is too old for it.
    ScopeAge = Scope "age", "what the token would rest on is older than the API's `max_token_age` for that class: issue a new key, or have the client prove itself otherwise";
    /// Its sunset has come.
    ScopeSunset = Scope "sunset", "the operations of that class are not offered any more since their sunset: use what the API's document names in their place";
    /// A policy or a guardrail.
    ScopePolicy = Scope "policy", "the policies that the effect names stand against it: `wardgate explain --identity NAME --method METHOD --url URL --proof jwt` says why";
    /// Who asks may not act with it.
    MayNotAct = Subject "may_not_act", "only an identity whose `serves` names the API that the token is for acts with it, and only where its owner is the API's `policy_owner` or `business_owner`; with a token of a trust source, whom its `may_act` names";
}

/// What the operator can do, of all that can stand against a token.
pub fn remedies() -> impl Iterator<Item = &'static str> {
    Against::ALL.iter().map(|against| against.remedy())
}

/// How the record of everything that was refused begins.
pub(crate) const REFUSED: &str = "refused ";

impl Against {
    /// As it is recorded: `target=no_grant`.
    pub(crate) fn recorded(self) -> String {
        format!("{}={}", self.of().as_str(), self.as_str())
    }
}

/// What the operator can do about what is recorded of an answer.
#[must_use]
pub fn remedy(effect: &str) -> Option<&'static str> {
    let said = effect.strip_prefix(REFUSED)?;
    let (of, rest) = said.split_once('=')?;
    let word = rest.split(':').next()?;
    Against::ALL.iter().find(|against| against.of().as_str() == of && against.as_str() == word).map(|against| against.remedy())
}

#[cfg(test)]
mod tests {
    use super::{Against, REFUSED, remedy};

    /// What is recorded leads to its own remedy, with a sentence behind it and without.
    #[test]
    fn every_word_leads_to_its_remedy() {
        for against in Against::ALL {
            let effect = format!("{REFUSED}{}", against.recorded());
            assert_eq!(remedy(&effect), Some(against.remedy()), "{effect}");
            assert_eq!(remedy(&format!("{effect}: why, in a sentence: or two")), Some(against.remedy()), "{effect}");
        }
        for none in ["issued token=unknown", "refused", "refused scope", "refused scope=no_grant", "refused error=invalid_grant: no"] {
            assert_eq!(remedy(none), None, "{none}");
        }
    }
}
