//! Every weight and bound of the signals, in one place. They were chosen by the families for tuning of the simulated estate
//! (docs/estate.md) and by nothing else.

/// How long a caller is only learned, and how many good calls that takes.
pub(super) const LEARNING_MINUTES: u32 = 24 * 60;
pub(super) const LEARNING_CALLS: u32 = 30;
/// From this risk on an owner is told.
pub(super) const TELLS: u32 = 30;
/// From this risk on nothing is learned.
pub(super) const RISKY: u8 = 60;

/// A place that is not known, its first calls.
pub(super) const NEW_PLACE: u32 = 42;
/// The same, after some good calls.
pub(super) const YOUNG_PLACE: u32 = 28;
/// Software that is not known.
pub(super) const NEW_SOFTWARE: u32 = 28;
pub(super) const YOUNG_SOFTWARE: u32 = 15;
/// Both at once: each.
pub(super) const NEW_BOTH: u32 = 65;
/// A place that is none of our own, for who never was anywhere else.
pub(super) const ABROAD: u32 = 88;
/// So many new places in a day, and then each.
pub(super) const MANY_PLACES: u32 = 4;
pub(super) const NEW_PLACES: u32 = 62;
pub(super) const FEW_CALLS: u32 = 10;
/// How often a known place came between, before one credential is in two places at a time; within how many minutes.
pub(super) const TURNS: u32 = 3;
pub(super) const TURN_MINUTES: u32 = 60;
pub(super) const SHARED: u32 = 72;

/// Answers, kinds of operation, and shares of errors among them.
pub(super) const PROBED_ANSWERS: u8 = 10;
pub(super) const PROBED_SPREAD: u32 = 4;
pub(super) const PROBING: u32 = 80;
pub(super) const PROBING_SOME: u32 = 55;

/// Things in a row.
pub(super) const RUN: u16 = 8;
pub(super) const LONG_RUN: u16 = 12;
/// The same of things that are no pages. Among popular things a few in a row are drawn by chance, of which nobody is to be refused; each
/// more makes that rarer by far.
pub(super) const LONG_RUN_OF_THINGS: u16 = 16;
/// From this length on, runs are what somebody does.
pub(super) const LONG_USUAL: u16 = 40;
pub(super) const RUN_WEIGHT: u32 = 50;
pub(super) const LONG_RUN_WEIGHT: u32 = 90;

/// How much in an hour.
pub(super) const CALLS_FLOOR: u32 = 60;
pub(super) const RECORDS_FLOOR: u32 = 1_000;
/// From so many per cent of the usual on it is much.
pub(super) const MUCH_FROM: u32 = 250;
pub(super) const MUCH: u32 = 25;
pub(super) const VERY_MUCH: u32 = 50;
pub(super) const FAR_TOO_MUCH: u32 = 75;
pub(super) const CREDIT_HOURS: u32 = 12;

/// Days above what was to be expected, in hundredths of their spread, which is this much at the least, in per cent. An owner is told of it,
/// and that is all: it lifts a risk as far as that and never further. The slack is what who grows by a twentieth a week is ahead of its mean.
pub(super) const DRIP_SLACK: u32 = 125;
pub(super) const DRIP_STEP_MAX: u32 = 425;
pub(super) const DRIP_SUM: u32 = 600;
pub(super) const DRIP_SPREAD_MIN: u32 = 5;
pub(super) const DRIP: u32 = TELLS;
/// Hours after which its peers' days are over too.
pub(super) const PEERS_HOURS: u32 = 3;

/// Whole collections.
pub(super) const TAKEN_DAYS: u16 = 3;
/// Two days are enough where they were at least this many days apart, at one hour, and it is taken again sooner than that.
pub(super) const APART_DAYS: u32 = 4;
pub(super) const BULK: u32 = 60;
pub(super) const BULK_AGAIN: u32 = 85;
pub(super) const BULK_OFF_SCHEDULE: u32 = 75;
pub(super) const SCHEDULE_DAYS: u16 = 5;
pub(super) const OFF_SCHEDULE: u32 = 15;

/// What is new.
pub(super) const YOUNG_MINUTES: u32 = 24 * 60;
/// What was new within so many minutes is told together, though it holds nobody back: rights are taken one by one, too.
pub(super) const LATELY_MINUTES: u32 = 3 * 24 * 60;
pub(super) const SEVERAL_LATELY: u32 = 2;
pub(super) const MANY_LATELY: u32 = 4;
pub(super) const NEW_LATELY: u32 = 38;
/// What was new within a month is told where it is several, or where it becomes a habit: of who did nothing new for a week after it began, and
/// seldom does. As `DRIP` it lifts a risk as far as an owner is told, and no further.
pub(super) const MONTH_MINUTES: u32 = 30 * 24 * 60;
pub(super) const BEGINS_MINUTES: u32 = 8 * 24 * 60;
pub(super) const SEVERAL_IN_A_MONTH: u32 = 3;
pub(super) const MANY_IN_A_MONTH: u32 = 6;
pub(super) const HABIT_HOURS: u16 = 2;
pub(super) const TOLD_SURPRISE: u32 = 55;
pub(super) const NEW_OPERATION: u32 = 18;
pub(super) const NEW_OPERATIONS: u32 = 32;
pub(super) const MANY_NEW_OPERATIONS: u32 = 60;
pub(super) const VERY_MANY_NEW_OPERATIONS: u32 = 80;
pub(super) const FAN_OUT: u32 = 35;
pub(super) const OTHER_CLASS: u32 = 15;
pub(super) const CLIMBING: u32 = 35;
pub(super) const CLIMBING_HIGH: u32 = 55;
pub(super) const REFUSED_SOME: u32 = 3;
pub(super) const REFUSED_MANY: u32 = 6;
pub(super) const REFUSED_OF_SOME: u32 = 40;
pub(super) const REFUSED_OF_MANY: u32 = 65;

/// Logins.
pub(super) const LOGIN_TRIES: u32 = 10;
pub(super) const LOGIN_SUBJECTS: u32 = 5;
pub(super) const STUFFING: u32 = 92;
pub(super) const STUFFING_SOME: u32 = 50;
pub(super) const CROWD: u32 = 35;

/// Flows: what is known of one once so much was begun; no less is ever taken as what usually comes to its end, in thousandths.
pub(super) const FLOW_LEARNED: u64 = 20;
pub(super) const FINISHED_LEAST: u64 = 20;
/// Less than a fifth of the usual comes to its end, and less than two fifths; the last where little is known, where it is so for all, or
/// for a day: it tells, and refuses nothing.
pub(super) const UNFINISHED_FAR: u32 = 92;
pub(super) const UNFINISHED: u32 = 70;
pub(super) const UNFINISHED_SOME: u32 = 35;

/// Calls before `Retry-After` is over, lately. Who tries again is not therefore an attacker: by itself it holds nobody back for long.
pub(super) const EARLY: u32 = 10;
pub(super) const EARLY_OFTEN: u32 = 100;
pub(super) const EARLY_FOR_LONG: u32 = 1_000;
pub(super) const DEAF_SOME: u32 = 10;
pub(super) const DEAF: u32 = 20;
pub(super) const DEAF_FOR_LONG: u32 = 30;

/// Content.
pub(super) const HOSTILE: u32 = 35;
pub(super) const DEVIATION: u32 = 8;
pub(super) const DEVIATIONS_MAX: u32 = 25;
