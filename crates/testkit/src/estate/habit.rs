//! Habits: when an identity does something, and what it does then.

use super::{
    calendar::{Days, Rhythm},
    catalogue as api,
    catalogue::Operation,
};
use std::time::Duration;

/// Operations, each with how often it is chosen beside the others.
pub(super) type Mix = &'static [(u16, &'static Operation)];

/// When a bout of calls begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum When {
    /// So many times a day, in thousandths, as the hours and days go.
    Busy(Rhythm, u64),
    /// At regular intervals, with little jitter.
    Every(Duration),
    /// At an hour of the day, where it lives.
    At(u8, Days),
}

/// What a bout of calls is.
#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    /// One of these.
    One(Mix),
    /// So many of these, soon after each other.
    Several(Mix, (u64, u64), Duration),
    /// Asks whether something is new: mostly it is not, else the first page and the new things.
    Poll(&'static Operation, Option<&'static Operation>),
    /// All pages of a list, and so many thousandths of what they name; at month ends more.
    Pages(&'static Operation, Option<&'static Operation>, (u64, u64), u64),
    /// Takes it all.
    Export(&'static Operation),
    /// Holds what somebody wants to buy; mostly it is bought.
    Shop,
    /// People sign in, and look at what is theirs where there is an app around it.
    SignIn(Mix),
}

/// One thing that an identity does again and again; each has a worker of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habit {
    pub(super) when: When,
    pub(super) what: What,
}

impl Habit {
    pub(super) const fn new(when: When, what: What) -> Self {
        Self { when, what }
    }

    /// The operations that it uses.
    pub(super) fn operations(&self) -> Vec<&'static Operation> {
        let of = |mix: Mix| mix.iter().map(|(_, operation)| *operation).collect::<Vec<_>>();
        match self.what {
            What::One(mix) | What::Several(mix, ..) => of(mix),
            What::Poll(list, each) | What::Pages(list, each, ..) => [list].into_iter().chain(each).collect(),
            What::Export(operation) => vec![operation],
            What::Shop => vec![&api::STOCK_OF, &api::HOLD, &api::PURCHASE, &api::RELEASE_HOLD],
            What::SignIn(mix) => [&api::LOGIN].into_iter().chain(of(mix)).collect(),
        }
    }
}

pub(super) const BROWSING: Mix =
    &[(30, &api::PRODUCTS), (34, &api::PRODUCT), (20, &api::STOCK_OF), (4, &api::PRICES), (8, &api::ORDER), (4, &api::PLACE_ORDER)];
pub(super) const ORDERING: Mix =
    &[(40, &api::ORDER), (25, &api::ORDERS), (25, &api::PLACE_ORDER), (4, &api::CANCEL_ORDER), (6, &api::STOCK)];
pub(super) const SHIPPING: Mix = &[(55, &api::TRACKING), (15, &api::SHIPMENTS), (30, &api::LABEL)];
pub(super) const TALKING: Mix = &[(50, &api::SEND), (30, &api::MESSAGE), (20, &api::MESSAGES)];
pub(super) const PAYING: Mix = &[(45, &api::TRANSFER), (35, &api::TRANSFER_OF), (12, &api::TRANSFERS), (8, &api::REFUND)];
pub(super) const BOOKING: Mix = &[(40, &api::BOOK), (40, &api::ENTRY), (20, &api::ENTRIES)];
pub(super) const CARING: Mix = &[(45, &api::CUSTOMER), (20, &api::CUSTOMERS), (15, &api::CHANGE_CUSTOMER), (20, &api::ORDER)];
pub(super) const KEEPING: Mix = &[(60, &api::FILE), (15, &api::FILES), (22, &api::PUT_FILE), (3, &api::DROP_FILE)];
pub(super) const TILLS: Mix = &[(75, &api::STOCK_OF), (15, &api::PLACE_ORDER), (10, &api::PRICES)];
pub(super) const PARTNERS: Mix = &[(45, &api::ORDER), (15, &api::ORDERS), (25, &api::PLACE_ORDER), (15, &api::TRACKING)];
pub(super) const BUILDING: Mix = &[(45, &api::ARTIFACT), (15, &api::ARTIFACTS), (30, &api::PUT_ARTIFACT), (10, &api::DEPLOY)];
pub(super) const EXPLORING: Mix = &[
    (20, &api::ORDER),
    (12, &api::ORDERS),
    (14, &api::PRODUCT),
    (8, &api::PRODUCTS),
    (12, &api::FILE),
    (6, &api::FILES),
    (12, &api::TRACKING),
    (6, &api::REPORTS),
    (6, &api::REPORT),
    (4, &api::SEND),
];
pub(super) const KEEPING_KEYS: Mix = &[(50, &api::KEYS), (30, &api::PERSON), (15, &api::MAKE_KEY), (5, &api::DROP_KEY)];
pub(super) const OWN_THINGS: Mix = &[(60, &api::ORDER), (40, &api::CUSTOMER)];
