//! The Cedar schema that policies are written against (CONTRACT "Policies"). Generated from the words of `model`, so
//! that a class or state added there is here too.

use cedar_policy::{EntityId, EntityTypeName, EntityUid, Schema};
use std::{fmt::Write as _, str::FromStr as _, sync::LazyLock};
use wardgate_model::{
    api::{Exposure, OperationClass, Sensitivity},
    facts::Lane,
    inventory::{Criticality, IdentityKind, IdentityState, Role},
    proof::ProofKind,
};

/// A string attribute that holds one of a closed list of words: its path and its words.
pub(crate) fn worded() -> [(&'static str, Vec<&'static str>); 8] {
    fn words<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> Vec<&'static str> {
        all.iter().map(|value| word(*value)).collect()
    }
    [
        ("principal.type", words(IdentityKind::ALL, IdentityKind::as_str)),
        ("principal.state", words(IdentityState::ALL, IdentityState::as_str)),
        ("principal.criticality", words(Criticality::ALL, Criticality::as_str)),
        ("resource.class", words(OperationClass::ALL, OperationClass::as_str)),
        ("resource.sensitivity", words(Sensitivity::ALL, Sensitivity::as_str)),
        ("resource.exposure", words(Exposure::ALL, Exposure::as_str)),
        ("context.proof.kind", words(ProofKind::ALL, ProofKind::as_str)),
        ("context.lane", words(Lane::ALL, Lane::as_str)),
    ]
}

/// Paths of the context that this version cannot fill yet: a policy that reads one is refused, never silently void.
pub(crate) const NOT_YET: [&str; 1] = ["context.source.known"];

const BODY: &str = r#"
entity Owner, Team, Role, Api;

entity Environment {
  production: Bool,
  shared: Bool,
};

// Who calls. `anonymous` stands for no credential at all, `people` for the session of a person, which proves nothing to the gate.
// Tags are Cedar tags: `principal.hasTag("tier") && principal.getTag("tier") == "gold"`.
entity Identity in [Owner, Team, Environment, Role] {
  type: String,
  environment: Environment,
  owner: Owner,
  team?: Team,
  business_function?: String,
  criticality: String,
  state: String,
  claim_overdue: Bool,
  quality: Long,             // 0 to 100; 100 until computed
} tags String;

// What is called: `Operation::"API METHOD TEMPLATE"`, the template with the API's prefix.
entity Operation in [Api] {
  api: Api,
  class: String,
  method: String,
  path: String,              // the template
  environment: Environment,  // of the API
  sensitivity: String,
  exposure: String,
  owner: Owner,              // who answers for the API's policy
  anonymous: Bool,
  people: Bool,              // open to people's sessions
};

// The request. No entities in here: what a policy compares with must be principal or resource.
type Call = {
  proof: {
    kind: String,
    bound: Bool,             // possession of a key was shown
    age_s: Long,             // seconds; 0 without a proof
  },
  token?: {
    scopes: Set<String>,
    audience: Set<String>,
    issuer: String,
  },
  task?: String,
  purpose?: String,
  risk: Long,                // 0 to 100; 0 until computed
  source: {
    zone: String,            // "" where no zone holds the address
    network: ipaddr,
    country: String,         // two capital letters; "" where no file of the operator's says
    known: Bool,             // not enforced yet: refused
  },
  lane: String,              // a person's session is `people`; who shows nothing `anonymous`
  on_behalf_of?: {           // whom a token names; never a session
    subject: String,         // keyed hash of the person
  },
  actors: Set<String>,
  time: datetime,            // UTC, to the millisecond
  request: {
    path: String,            // canonical
    query: String,           // as received, "" where there is none
  },
};
"#;

/// The schema as text, with the closed lists of words in front.
#[must_use]
pub fn schema_text() -> String {
    let mut text = String::from("// The world that policies speak of. Generated: do not edit.\n//\n// Words:\n");
    for (path, words) in worded() {
        let _ = writeln!(text, "//   {path}: {}", words.join(", "));
    }
    let roles: Vec<_> = Role::ALL.iter().map(|role| format!("Role::\"{role}\"")).collect();
    let _ = writeln!(text, "// Roles in Wardgate itself: {}", roles.join(", "));
    text.push_str(BODY);
    let actions: Vec<_> = OperationClass::ALL.iter().map(|class| format!("\"{class}\"")).collect();
    let _ = write!(
        text,
        "\n// Actions are the operation classes.\naction {} appliesTo {{\n  principal: Identity,\n  resource: Operation,\n  context: Call,\n}};\n",
        actions.join(", ")
    );
    text
}

/// The schema, parsed once.
#[expect(clippy::expect_used, reason = "INVARIANT (schema): the text is this module's own; a test parses it")]
pub(crate) static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::from_cedarschema_str(&schema_text()).expect("the schema is Cedar").0);

/// The entity types of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Type {
    Identity,
    Owner,
    Team,
    Environment,
    Role,
    Operation,
    Api,
    Action,
}

impl Type {
    pub(crate) const ALL: [Self; 8] =
        [Self::Identity, Self::Owner, Self::Team, Self::Environment, Self::Role, Self::Operation, Self::Api, Self::Action];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "Identity",
            Self::Owner => "Owner",
            Self::Team => "Team",
            Self::Environment => "Environment",
            Self::Role => "Role",
            Self::Operation => "Operation",
            Self::Api => "Api",
            Self::Action => "Action",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|of| of.as_str() == text)
    }

    /// The entity of this type with this name.
    pub(crate) fn uid(self, name: &str) -> EntityUid {
        #[expect(clippy::expect_used, reason = "INVARIANT (types): the names are literals; every test uses each")]
        static NAMES: LazyLock<[EntityTypeName; 8]> =
            LazyLock::new(|| Type::ALL.map(|of| EntityTypeName::from_str(of.as_str()).expect("an identifier")));
        let [identity, owner, team, environment, role, operation, api, action] = &*NAMES;
        let of = match self {
            Self::Identity => identity,
            Self::Owner => owner,
            Self::Team => team,
            Self::Environment => environment,
            Self::Role => role,
            Self::Operation => operation,
            Self::Api => api,
            Self::Action => action,
        };
        EntityUid::from_type_name_and_id(of.clone(), EntityId::new(name))
    }
}

#[cfg(test)]
mod tests;
