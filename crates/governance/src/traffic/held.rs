//! Calls that wait until it is sure that none before them comes: the order of a file is put right within a window.
//!
//! A call waits in a place that is used again, texts included: a log of any length costs as many allocations as its window has places.

use super::{
    call::Call,
    callers::{self, Callers},
};
use ahash::AHashMap;
use http::Method;
use std::{collections::VecDeque, net::IpAddr};
use wardgate_model::time::Time;

/// Bytes of a path, of a query and of a user agent that are kept.
const PATH_BYTES_MAX: usize = 4 << 10;
/// The longest user agent that the judge knows, in bytes.
const AGENT_BYTES_MAX: usize = 256;
/// Hosts that are told apart; of the others there is none.
pub(super) const HOSTS_MAX: usize = 256;

/// A call, on its own.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) time: Time,
    pub(super) caller: u32,
    pub(super) source: Option<IpAddr>,
    pub(super) method: Method,
    pub(super) host: u32,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) agent: Option<String>,
    pub(super) status: Option<u16>,
    pub(super) bytes: u64,
    pub(super) records: Option<u64>,
    pub(super) wait: Option<u64>,
    pub(super) subject: Option<u64>,
    pub(super) times: u32,
}

/// Hosts, in the order in which they came first; the first is none.
#[derive(Debug)]
pub(super) struct Hosts {
    all: Vec<Box<str>>,
    by_name: AHashMap<Box<str>, u32>,
}

impl Hosts {
    pub(super) fn new() -> Self {
        Self { all: vec![Box::default()], by_name: AHashMap::default() }
    }

    /// The place of a host, as it is written.
    pub(super) fn place(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        if let Some(place) = self.by_name.get(text) {
            return *place;
        }
        // What is written otherwise and means the same has the same place; how often it is written otherwise is bounded too.
        let name = callers::host(text);
        let known = self.all.iter().position(|known| **known == *name);
        let place = known.unwrap_or_else(|| {
            if self.all.len() > HOSTS_MAX {
                return 0;
            }
            self.all.push(name.into());
            self.all.len() - 1
        });
        let place = u32::try_from(place).unwrap_or(0);
        if self.by_name.len() < HOSTS_MAX * 16 {
            self.by_name.insert(text.into(), place);
        }
        place
    }

    pub(super) fn name(&self, place: u32) -> &str {
        usize::try_from(place).ok().and_then(|place| self.all.get(place)).map_or("", |name| name)
    }

    pub(super) fn all(&self) -> &[Box<str>] {
        &self.all
    }
}

impl Held {
    /// Takes a call in.
    pub(super) fn take(&mut self, call: &Call<'_>, callers: &mut Callers, hosts: &mut Hosts) {
        self.time = call.time;
        self.caller = callers.place(call);
        self.source = Some(callers::address(&call.source));
        if self.method.as_str() != call.method {
            self.method = callers::method(&call.method);
        }
        self.host = hosts.place(&call.host);
        put(&mut self.path, &call.path, PATH_BYTES_MAX);
        put_or_none(&mut self.query, call.query.as_deref(), PATH_BYTES_MAX);
        put_or_none(&mut self.agent, call.agent.as_deref(), AGENT_BYTES_MAX);
        (self.status, self.bytes, self.records, self.times) = (call.status, call.bytes, call.records, call.times);
        self.wait = call.wait;
        self.subject = call.subject.as_deref().map(|subject| callers::hash(subject.as_bytes()));
    }
}

fn put(place: &mut String, text: &str, bytes_max: usize) {
    place.clear();
    let end = (0..=text.len().min(bytes_max)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    place.push_str(text.get(..end).unwrap_or_default());
}

fn put_or_none(place: &mut Option<String>, text: Option<&str>, bytes_max: usize) {
    match text {
        Some(text) => put(place.get_or_insert_default(), text, bytes_max),
        None => *place = None,
    }
}

/// The window of one file.
#[derive(Debug)]
pub(super) struct Window {
    places: Vec<Held>,
    free: Vec<usize>,
    /// By time, and of one time in the order of the file.
    order: VecDeque<(Time, usize)>,
    max: usize,
    /// Calls that stood behind a later one.
    pub(super) sorted: u64,
}

impl Window {
    pub(super) fn new(max: usize) -> Self {
        Self { places: Vec::new(), free: Vec::new(), order: VecDeque::new(), max: max.max(1), sorted: 0 }
    }

    pub(super) fn is_full(&self) -> bool {
        self.order.len() >= self.max
    }

    /// When its first call came.
    pub(super) fn first(&self) -> Option<Time> {
        self.order.front().map(|(time, _)| *time)
    }

    /// Puts a call in its place.
    pub(super) fn push(&mut self, call: &Call<'_>, callers: &mut Callers, hosts: &mut Hosts) {
        let at = self.free.pop().unwrap_or_else(|| {
            self.places.push(Held::default());
            self.places.len() - 1
        });
        if let Some(place) = self.places.get_mut(at) {
            place.take(call, callers, hosts);
        }
        if self.order.back().is_none_or(|(last, _)| *last <= call.time) {
            self.order.push_back((call.time, at));
        } else {
            self.sorted += 1;
            let before = self.order.partition_point(|(time, _)| *time <= call.time);
            self.order.insert(before, (call.time, at));
        }
    }

    /// Takes the first call out. It stays where it is until [`Window::give_back`].
    pub(super) fn pop(&mut self) -> Option<usize> {
        self.order.pop_front().map(|(_, at)| at)
    }

    pub(super) fn get(&self, at: usize) -> Option<&Held> {
        self.places.get(at)
    }

    pub(super) fn give_back(&mut self, at: usize) {
        self.free.push(at);
    }
}

#[cfg(test)]
mod tests {
    use super::{Hosts, Window};
    use crate::traffic::{
        call::Call,
        callers::{Callers, OnRecord},
    };
    use proptest::prelude::*;
    use wardgate_model::time::Time;

    /// What comes out of a window of `max`, as seconds and the number that the call had.
    fn out(seconds: &[i64], max: usize) -> (Vec<(i64, u64)>, u64) {
        let (mut window, mut callers, mut hosts) = (Window::new(max), Callers::new(OnRecord::default(), 10), Hosts::new());
        let mut out = Vec::new();
        let mut pop = |window: &mut Window| {
            let at = window.pop().unwrap();
            let held = window.get(at).unwrap();
            out.push((held.time.as_seconds(), held.bytes));
            window.give_back(at);
        };
        for (at, second) in seconds.iter().enumerate() {
            if window.is_full() {
                pop(&mut window);
            }
            let mut call = Call::new(Time::from_seconds(*second), "GET", "/");
            call.bytes = at as u64;
            window.push(&call, &mut callers, &mut hosts);
        }
        while window.first().is_some() {
            pop(&mut window);
        }
        assert!(window.places.len() <= max);
        (out, window.sorted)
    }

    #[test]
    fn order_is_put_right_within_the_window_and_not_beyond() {
        assert_eq!(out(&[1, 3, 2, 3], 2), (vec![(1, 0), (2, 2), (3, 1), (3, 3)], 1));
        assert_eq!(out(&[2, 3, 4, 1], 2).0, [(2, 0), (3, 1), (1, 3), (4, 2)]);
    }

    proptest! {
        #[test]
        fn a_window_that_is_wide_enough_sorts_and_keeps_the_order_of_equals(seconds in proptest::collection::vec(0_i64..20, 0..60)) {
            let mut expected: Vec<(i64, u64)> = seconds.iter().enumerate().map(|(at, second)| (*second, at as u64)).collect();
            expected.sort_by_key(|(second, _)| *second);
            prop_assert_eq!(out(&seconds, 100).0, expected);
        }
    }
}
