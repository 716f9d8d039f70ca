//! Profiles over restarts.

use super::{Over, Profile, taking::Taking};
use crate::watch::kept::kept;

kept!(Taking { operation, day, today, most, days, hours });
kept!(Over { day, sum, expected, spread });
kept!(Profile {
    since,
    good,
    last,
    last_place,
    abroad,
    turns,
    turned,
    places,
    software,
    operations,
    apis,
    classes,
    hours,
    days,
    runs,
    calls,
    records,
    takings,
    credit,
    refused,
    refused_at,
    refused_of,
    above,
    drift,
    over,
    announced,
    courses,
    waits,
});
