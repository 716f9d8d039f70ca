//! Policies that are on unless a source replaces one by its `@id` (CONTRACT "Policies").

/// The file that shipped policies are said to come from.
pub(crate) const FILE: &str = "shipped.cedar";

/// What the ids of guardrails begin with: replacing one is a warning.
pub(crate) const GUARDRAIL: &str = "guardrail:";

/// The shipped policies as text.
pub const SHIPPED: &str = r#"// Production and the rest never mix.
@id("guardrail:environments")
forbid (principal, action, resource)
when { principal.environment != resource.environment && !principal.environment.shared && !resource.environment.shared };

// Only what is in use may call.
@id("guardrail:standing")
forbid (principal, action, resource) unless { principal.state == "active" };

// What nobody claimed in time may not call.
@id("guardrail:unowned")
forbid (principal, action, resource) when { principal.claim_overdue };

// Dangerous operations want more than a secret that lives long, and little risk.
@id("guardrail:power")
forbid (principal, action in [Action::"admin", Action::"bulk", Action::"money"], resource)
unless { context.proof.kind != "api_key" && context.proof.kind != "hmac" && context.risk < 40 };

// However wide another permit is, without a credential only operations declared so are open.
@id("guardrail:anonymous")
forbid (principal == Identity::"anonymous", action, resource) unless { resource.anonymous };

@id("shipped:anonymous")
permit (principal == Identity::"anonymous", action, resource) when { resource.anonymous };

// A person's session is the upstream's to judge: here it opens what is declared open to people, and what is open to everybody.
@id("guardrail:people")
forbid (principal == Identity::"people", action, resource) unless { resource.people || resource.anonymous };

@id("shipped:people")
permit (principal == Identity::"people", action, resource) when { resource.people || resource.anonymous };

// The token service. What a token is good for was granted elsewhere: without that none is given out.
@id("shipped:issuer")
permit (principal, action in [Action::"login", Action::"read", Action::"write"], resource in Api::"wardgate-issuer");

// Where tasks are started and ended. What a task may was granted elsewhere: without that none is started.
@id("shipped:tasks")
permit (principal, action in [Action::"read", Action::"list", Action::"write"], resource in Api::"wardgate-tasks");

// Wardgate's own API. The first admin credential buys a session and nothing else.
@id("guardrail:sign-in")
forbid (principal, action, resource in Api::"wardgate-admin")
when { action != Action::"login" && context.proof.kind == "sign_in" };

@id("shipped:admin-sign-in")
permit (principal, action == Action::"login", resource in Api::"wardgate-admin")
when { context.proof.kind == "sign_in" || context.proof.kind == "session" };

@id("shipped:admin-viewer")
permit (principal in Role::"viewer", action in [Action::"read", Action::"list"], resource in Api::"wardgate-admin");

// Whose a thing is, and how far a role reaches, is looked at where the act is done: an owner acts for what it owns.
@id("shipped:admin-operator")
permit (principal in Role::"operator", action in [Action::"read", Action::"list", Action::"write", Action::"delete"], resource in Api::"wardgate-admin");

@id("shipped:admin-owner")
permit (principal in Role::"owner", action in [Action::"read", Action::"list", Action::"write", Action::"delete"], resource in Api::"wardgate-admin");

@id("shipped:admin-security")
permit (principal in Role::"security", action, resource in Api::"wardgate-admin");

@id("shipped:admin-admin")
permit (principal in Role::"admin", action, resource in Api::"wardgate-admin");
"#;
