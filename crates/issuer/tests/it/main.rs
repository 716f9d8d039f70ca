//! The token service with the judge: what it gives out, the gate lets in, and no hop ever widens.

#[cfg(test)]
mod binding;
#[cfg(test)]
mod chains;
#[cfg(test)]
mod hops;
#[cfg(test)]
mod lives;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod tasks;
