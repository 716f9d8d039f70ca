//! Asking a log, through the program as it is shipped.

#[cfg(test)]
mod asking;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod engines;
#[cfg(test)]
mod log;
#[cfg(test)]
mod stored;
