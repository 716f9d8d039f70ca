//! Amounts over restarts.

use super::Amount;
use crate::watch::kept::kept;

kept!(Amount { hour, now, before, today, busiest, peaks, days, seen });
