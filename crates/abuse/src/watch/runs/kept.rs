//! Runs over restarts.

use super::{Run, Runs};
use crate::watch::kept::kept;

kept!(Run { of, at, turn, length, way });
kept!(Runs { runs, turn });
