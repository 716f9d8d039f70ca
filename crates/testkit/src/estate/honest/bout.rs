//! A bout of calls: what belongs together, such as the pages of a list, or a hold and its purchase.

use crate::estate::{
    call::Call,
    catalogue as api,
    chance::Chance,
    habit::{Mix, What},
    upstream::Brings,
    world::Intent,
};
use std::time::Duration;

/// Of a hundred holds so many are bought.
const BOUGHT_PERCENT: u64 = 72;
/// Of a thousand people who sign in so many know their password.
const RIGHT_PER_MILLE: u64 = 935;

/// Where a bout stands.
#[derive(Debug, Default)]
pub(super) struct Bout {
    /// How many calls are left.
    left: u64,
    /// How many were made.
    made: u32,
    /// Of these, how many are pages.
    pages: u64,
    /// The thing or the person that it is about.
    about: u64,
}

impl Bout {
    /// A bout of what somebody does; `size` in thousandths of the usual where it is a batch.
    pub(super) fn new(what: What, size: u64, chance: &mut Chance) -> Self {
        let about = chance.next();
        let (left, pages) = match what {
            What::One(_) | What::Poll(..) | What::Export(_) => (1, 0),
            What::Several(_, (low, high), _) => (chance.between(low, high), 0),
            What::Pages(_, each, (low, high), share) => {
                let pages = (chance.between(low, high) * size / 1_000).max(1);
                (pages + if each.is_some() { pages * share * 50 / 1_000 } else { 0 }, pages)
            }
            What::Shop => (chance.between(1, 4) + 2, 0),
            What::SignIn(_) => (1, 0),
        };
        Self { left, made: 0, pages, about }
    }

    pub(super) const fn goes_on(&self) -> bool {
        self.left > 0
    }

    /// What is done next.
    pub(super) fn next(&mut self, what: What, chance: &mut Chance) -> Option<Intent> {
        self.left = self.left.saturating_sub(1);
        let at = self.made;
        self.made += 1;
        let intent = match what {
            What::One(mix) | What::Several(mix, ..) => Intent::of(of(mix, chance)?, chance),
            What::Poll(list, _) if at == 0 => Intent { brings: Brings::Validator, ..Intent::of(list, chance) },
            What::Poll(list, each) => Intent::of(each.unwrap_or(list), chance),
            What::Pages(list, ..) if u64::from(at) < self.pages => {
                let last = u64::from(at) + 1 == self.pages;
                let share = if last { u32::try_from(chance.between(20, 1_000)).unwrap_or(1_000) } else { 1_000 };
                Intent { page: Some(at + 1), brings: Brings::PartOfPage(share), ..Intent::of(list, chance) }
            }
            What::Pages(list, each, ..) => Intent::of(each.unwrap_or(list), chance),
            What::Export(operation) => Intent::of(operation, chance),
            What::Shop => self.shopping(chance),
            What::SignIn(_) if at == 0 => {
                let subject = Some(self.about % 400_000);
                Intent { subject, brings: Brings::Password(RIGHT_PER_MILLE), ..Intent::of(&api::LOGIN, chance) }
            }
            What::SignIn(mix) => {
                let intent = Intent::of(of(mix, chance)?, chance);
                let own = self.about % 400_000 * 2 + u64::from(at % 2);
                Intent { resource: intent.resource.map(|_| own % intent.operation.things), ..intent }
            }
        };
        Some(intent)
    }

    /// Looks at things, holds one, buys it or lets it go.
    fn shopping(&self, chance: &mut Chance) -> Intent {
        let sku = 1 + self.about % 40_000;
        let buys = (self.about >> 32) % 100 < BOUGHT_PERCENT;
        let one = |operation, chance: &mut Chance| Intent { resource: None, ..Intent::of(operation, chance) };
        match (self.left, buys) {
            (0, true) => one(&api::PURCHASE, chance),
            (0, false) => Intent { resource: Some(sku), ..Intent::of(&api::RELEASE_HOLD, chance) },
            (1, _) => one(&api::HOLD, chance),
            _ => Intent { resource: Some(sku), ..Intent::of(&api::STOCK_OF, chance) },
        }
    }

    /// What an answer means for the rest of the bout.
    pub(super) fn answered(&mut self, what: What, call: &Call, chance: &mut Chance) {
        match what {
            // Something is new: it is fetched.
            What::Poll(_, Some(_)) if self.made == 1 && call.answer.status == 200 => self.left = chance.between(0, 3),
            // Who is let in looks at what is theirs; who mistyped tries again.
            What::SignIn(mix) if call.subject.is_some() => {
                if call.answer.status == 200 && !mix.is_empty() {
                    self.left = chance.between(1, 4);
                } else if call.answer.status == 401 && self.left == 0 && chance.happens(700) {
                    (self.left, self.made) = (1, 0);
                }
            }
            _ => {}
        }
    }

    /// How long it is until the next call of the bout.
    pub(super) fn gap(&self, what: What, chance: &mut Chance) -> Duration {
        match what {
            What::Several(_, _, gap) => chance.pause(gap),
            What::Shop => chance.pause(Duration::from_secs(if self.left == 0 { 90 } else { 12 })),
            What::SignIn(_) => chance.pause(Duration::from_secs(8)),
            What::Pages(..) => Duration::from_millis(110),
            What::One(_) | What::Poll(..) | What::Export(_) => Duration::from_millis(150),
        }
    }
}

/// One of a mix.
fn of(mix: Mix, chance: &mut Chance) -> Option<&'static api::Operation> {
    let all: u64 = mix.iter().map(|(weight, _)| u64::from(*weight)).sum();
    let mut left = chance.below(all);
    for (weight, operation) in mix {
        let weight = u64::from(*weight);
        if left < weight {
            return Some(operation);
        }
        left -= weight;
    }
    None
}
