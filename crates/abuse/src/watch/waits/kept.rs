//! Waits over restarts.

use super::{Wait, Waits};
use crate::watch::kept::kept;

kept!(Wait { operation, since, until });
kept!(Waits { waits, early, at });
