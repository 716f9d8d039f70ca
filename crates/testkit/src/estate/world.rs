//! The estate as it stands, which nothing that is called changes.

use super::{
    calendar::Calendar,
    call::{Answer, Call, Label, Proof, Shown, Source, Token},
    catalogue::Operation,
    chance::{Chance, mixed},
    happening::Happenings,
    place::Standing,
    population::{Member, members},
    scale::Scale,
    upstream::{self, Asked, Brings},
};
use std::{sync::Arc, time::Duration};
use wardgate_model::{api::OperationClass, time::Time};

/// Seconds after which tokens are fetched anew; each worker at moments of its own.
const TOKEN_S: u64 = 3_000;

/// Who there is, and what happens.
#[derive(Debug)]
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) scale: Scale,
    pub(super) calendar: Calendar,
    pub(super) members: Vec<Member>,
    pub(super) happenings: Happenings,
}

/// What a caller has made up its mind to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Intent {
    pub(super) operation: &'static Operation,
    pub(super) resource: Option<u64>,
    pub(super) page: Option<u32>,
    pub(super) subject: Option<u64>,
    pub(super) brings: Brings,
}

impl Intent {
    /// An operation on whatever things there are: few of them are asked for often.
    pub(super) fn of(operation: &'static Operation, chance: &mut Chance) -> Self {
        let reach = chance.between(1, operation.things.max(1));
        let resource = operation.names_one().then(|| 1 + chance.below(reach));
        Self { operation, resource, page: None, subject: None, brings: Brings::Sense }
    }
}

/// With what a call is made: by which software, from where, showing what.
#[derive(Debug, Clone)]
pub(super) struct Equipment {
    pub(super) shown: Shown,
    pub(super) source: Source,
    pub(super) user_agent: Arc<str>,
    pub(super) fingerprint: u64,
}

/// Whose call it is, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) time: Time,
    pub(super) actor: u32,
    pub(super) member: usize,
    pub(super) label: Label,
    pub(super) attempt: u8,
}

impl World {
    pub(super) fn new(seed: u64, scale: Scale) -> Self {
        let calendar = Calendar { holiday: i64::from(scale.days) * 2 / 3, days: scale.days };
        let members = members(seed, scale);
        let happenings = Happenings::new(seed, scale, calendar, &members);
        Self { seed, scale, calendar, members, happenings }
    }

    /// A member's own software, place and proof, for a bout of calls by one of its workers.
    pub(super) fn equipment(&self, at: usize, member: &Member, worker: u64, bout: u64, now: Time) -> Equipment {
        let release = self.happenings.release(at, now);
        let rhythm = super::calendar::Rhythm::Shop.intensity(now, member.offset_hours, self.calendar);
        let standing = Standing { release, moves: self.happenings.moves(at, now), intensity: rhythm, bout };
        let token = |id: u64| {
            let second = u64::try_from(now.as_seconds()).unwrap_or(0) + id % TOKEN_S;
            let issued = Time::from_seconds(i64::try_from(second / TOKEN_S * TOKEN_S - id % TOKEN_S).unwrap_or(0));
            Token { id: mixed(id, second / TOKEN_S), issued }
        };
        let token = matches!(member.proof, Proof::Jwt | Proof::BoundJwt).then(|| token(mixed(member.salt, worker)));
        let credential = if member.is_identity() { self.happenings.credential(at, worker, now) } else { 0 };
        Equipment {
            shown: Shown { proof: member.proof, credential, token, once: None, answers: false },
            source: member.home.source(standing),
            user_agent: format!("{}/{}.{}", member.software, 2 + mixed(member.salt, 3) % 4, release).into(),
            fingerprint: software(member.software, release),
        }
    }

    /// Makes it a call. What proves possession is made for this call alone.
    pub(super) fn call(&self, moment: Moment, intent: Intent, equipment: &Equipment, chance: &mut Chance) -> Call {
        let member = self.members.get(moment.member);
        let salt = member.map_or(0, |member| member.salt);
        let intent = self.of_this_version(intent, salt, moment);
        let answer = self.answer(intent, salt, moment, chance);
        let has_body = intent.operation.body > 0;
        let mut shown = equipment.shown;
        if shown.proof.bound() && shown.proof != Proof::X509 && shown.once.is_none() {
            shown.once = Some(chance.next());
        }
        Call {
            time: moment.time,
            actor: moment.actor,
            label: moment.label,
            member: member.filter(|member| member.is_identity()).and(u16::try_from(moment.member).ok()),
            shown,
            source: equipment.source,
            user_agent: Arc::clone(&equipment.user_agent),
            fingerprint: equipment.fingerprint,
            operation: intent.operation,
            path: intent.operation.path(intent.resource).into(),
            query: intent.page.map(|page| format!("page={page}").into()),
            resource: intent.resource,
            subject: intent.subject,
            body: intent.operation.body * u32::try_from(chance.between(800, 1_200)).unwrap_or(1_000) / 1_000,
            content_type: has_body.then_some("application/json"),
            attempt: moment.attempt,
            answer,
        }
    }

    fn of_this_version(&self, intent: Intent, salt: u64, moment: Moment) -> Intent {
        match intent.operation.successor {
            Some(successor) if !moment.label.is_attack() && self.happenings.gone_over(salt, moment.time) => {
                Intent { operation: successor, ..intent }
            }
            _ => intent,
        }
    }

    fn answer(&self, intent: Intent, salt: u64, moment: Moment, chance: &mut Chance) -> Answer {
        let api = intent.operation.api;
        let asked = Asked {
            operation: intent.operation,
            failing: self.happenings.fails(api, moment.time),
            outdated: self.is_outdated(intent.operation, salt, moment.time),
            brings: intent.brings,
        };
        upstream::answer(asked, chance)
    }

    /// Whether a caller leaves out of a write what is wanted since the API has changed.
    pub(super) fn is_outdated(&self, operation: &Operation, salt: u64, now: Time) -> bool {
        operation.class == OperationClass::Write && self.happenings.outdated(operation.api, salt, now)
    }

    /// How much of its usual a member does, in thousandths of thousandths: by the scale, and as it grows.
    pub(super) fn volume(&self, member: &Member, now: Time) -> u64 {
        let days = now.since(super::calendar::BEGINS).as_secs() / Duration::from_hours(24).as_secs();
        self.scale.calls_per_mille * (1_000 + days * member.growth / 7)
    }
}

/// Stands for the fingerprint of a piece of software: its libraries change with every second release.
pub(super) fn software(name: &str, release: u8) -> u64 {
    let name = name.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(131).wrapping_add(u64::from(byte)));
    mixed(name, u64::from(release / 2))
}
