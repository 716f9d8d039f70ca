//! Attacks on logins: made-up accounts, from one place and from many.

use super::{Calls, Lane, Making, Script, Shows, Side, with_bystander};
use crate::drill::{
    Unfit,
    caller::Call,
    canary::Plan,
    gateway::Software,
    scenario::Scenario,
    target::{Operation, Target},
};
use serde_json::{Value, json};
use std::time::Duration;
use wardgate_model::api::OperationClass;

/// The login that is attacked.
fn login(target: &Target, scenario: Scenario) -> Result<&Operation, Unfit> {
    let mut logins: Vec<&Operation> =
        target.operations.iter().filter(|one| one.class == OperationClass::Login && one.subject.is_some()).collect();
    logins.sort_by_key(|one| !one.named);
    logins.first().copied().ok_or_else(|| scenario.lacks(&target.name, "none"))
}

/// A document with the account where the API says that it stands, and a password beside it.
fn body(pointer: &str, account: &str, password: &str) -> String {
    let mut names: Vec<String> = pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~")).collect();
    let last = names.pop().unwrap_or_else(|| "account".to_owned());
    let within = json!({ last: account, "password": password });
    names.into_iter().rev().fold(within, |within, name| json!({ name: within })).to_string()
}

impl Making<'_> {
    /// A try of an account that nobody has.
    fn tried(&mut self, login: &Operation, number: usize) -> Call {
        let account = format!("drill-{:08x}@drill.invalid", self.chance.next() & 0xFFFF_FFFF);
        let password = format!("drill-{:016x}", self.chance.next());
        let call = Call::new(&login.method, login.path(&account));
        call.json(match &self.bodies.attack {
            Some(text) => text.replace("{account}", &account).replace("{password}", &password).replace("{n}", &number.to_string()),
            None => body(login.subject.as_deref().unwrap_or_default(), &account, &password),
        })
    }

    /// What is common to both: who is honest beside it, and by what a login is shown to be somebody's.
    fn around(&mut self, login: &Operation) -> (Script, Shows) {
        let mut script = Script::default();
        let shows = if login.anonymous {
            Shows::Nothing
        } else {
            let grants = vec![(self.target.name.clone(), vec![login.selector.clone()])];
            script.canaries.push(Plan { role: "front", holds: self.holds(), grants, past: None });
            Shows::Of(0)
        };
        if let Some(text) = &self.bodies.honest_login {
            let parsed: Option<Value> = serde_json::from_str(text).ok();
            let text = parsed.map_or_else(|| text.clone(), |value| value.to_string());
            script.lanes.push(Lane {
                side: Side::Bystander,
                shows,
                from: self.home(),
                software: Software::Usual,
                calls: Calls::Round(vec![Call::new(&login.method, login.path("honest")).json(text)]),
                after: Duration::ZERO,
                every: Duration::from_millis(100).max(self.lasting / 200),
            });
        } else {
            script.notes.push("no honest login was sent beside it: name the body of one that succeeds by `--honest-login`".to_owned());
        }
        let mut usual = self.target.reading();
        usual.truncate(2);
        if !usual.is_empty() {
            script = with_bystander(self, &usual, script);
        }
        (script, shows)
    }
}

/// Many accounts from one source.
pub(super) fn from_one_place(making: &mut Making<'_>) -> Result<Script, Unfit> {
    let login = login(making.target, Scenario::Stuffing)?;
    let (mut script, shows) = making.around(login);
    let count = making.strength.of(200, 80, 30);
    let calls = (0..count).map(|number| making.tried(login, number)).collect();
    let lane = making.attack(0, calls);
    script.lanes.push(Lane { shows, from: making.away(), software: Software::Other, ..lane });
    Ok(script)
}

/// A few accounts from each of many sources.
pub(super) fn from_everywhere(making: &mut Making<'_>) -> Result<Script, Unfit> {
    let login = login(making.target, Scenario::DistributedStuffing)?;
    if making.places.count() < 3 {
        return Err(
            Scenario::DistributedStuffing.lacks(&making.target.name, "what it needs, but there is one address to send from (`--from`)")
        );
    }
    let (mut script, shows) = making.around(login);
    let (sources, each) = making.strength.of((300, 2), (120, 2), (60, 1));
    for source in 0..sources {
        let calls = (0..each).map(|number| making.tried(login, source * each + number)).collect();
        let lane = making.attack(0, calls);
        let after = Duration::from_millis(5) * u32::try_from(source).unwrap_or_default();
        script.lanes.push(Lane {
            shows,
            from: making.places.at(source + 1),
            software: Software::Other,
            after,
            every: Duration::from_millis(200),
            ..lane
        });
    }
    Ok(script)
}

#[cfg(test)]
mod tests {
    use super::body;

    #[test]
    fn the_account_stands_where_the_api_says() {
        assert_eq!(body("/user/name", "a", "b"), r#"{"user":{"name":"a","password":"b"}}"#);
        assert_eq!(body("/e~1mail", "a", "b"), r#"{"e/mail":"a","password":"b"}"#);
    }
}
