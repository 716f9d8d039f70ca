//! What files of the operator say of addresses: on which lists one is, in which country, in whose network. Made off the path of
//! requests, looked at with each of them: sorted ranges, no lock, no allocation.
//!
//! A list blocks nobody by itself: together all lists weigh [`LISTED_MAX`] at the most, less than any shipped plan or guardrail acts
//! upon.

use std::{collections::BTreeMap, fmt, net::IpAddr, sync::Arc};

/// Lists at a time.
pub const LISTS_MAX: usize = 16;
/// What all lists together weigh at the most: the shipped guardrails act from 40 on, and a list alone is not to.
pub const LISTED_MAX: u8 = 39;

/// A number that addresses are: 32 bits of version 4, 128 of version 6.
trait Number: Copy + Ord {
    /// The one after it; `None`: it is the last.
    fn after(self) -> Option<Self>;
}

impl Number for u32 {
    fn after(self) -> Option<Self> {
        self.checked_add(1)
    }
}

impl Number for u128 {
    fn after(self) -> Option<Self> {
        self.checked_add(1)
    }
}

/// From which address on what holds; the default of `T` is nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ranges<N, T> {
    starts: Box<[N]>,
    values: Box<[T]>,
}

impl<N, T> Default for Ranges<N, T> {
    fn default() -> Self {
        Self { starts: Box::default(), values: Box::default() }
    }
}

impl<N: Number, T: Copy + Eq + Default> Ranges<N, T> {
    /// Of steps in their order: from each on its value holds.
    fn of_steps(steps: impl IntoIterator<Item = (N, T)>) -> Self {
        let (mut starts, mut values): (Vec<N>, Vec<T>) = (Vec::new(), Vec::new());
        for (at, value) in steps {
            if values.last().copied().unwrap_or_default() != value {
                starts.push(at);
                values.push(value);
            }
        }
        Self { starts: starts.into(), values: values.into() }
    }

    /// Of ranges in their order; what begins before the one before ends is left out.
    fn of(sorted: impl IntoIterator<Item = (N, N, T)>) -> Self {
        let mut steps: Vec<(N, T)> = Vec::new();
        // The first address of which nothing is said yet.
        let (mut free, mut full): (Option<N>, bool) = (None, false);
        for (first, last, value) in sorted {
            if full || last < first || free.is_some_and(|free| first < free) {
                continue;
            }
            steps.extend(free.filter(|free| *free < first).map(|free| (free, T::default())));
            steps.push((first, value));
            (free, full) = (last.after(), last.after().is_none());
        }
        steps.extend(free.map(|free| (free, T::default())));
        Self::of_steps(steps)
    }

    fn find(&self, at: N) -> T {
        let after = self.starts.partition_point(|start| *start <= at);
        after.checked_sub(1).and_then(|found| self.values.get(found)).copied().unwrap_or_default()
    }
}

/// Values by address; the default of `T` is nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByAddress<T> {
    v4: Ranges<u32, T>,
    v6: Ranges<u128, T>,
}

impl<T> Default for ByAddress<T> {
    fn default() -> Self {
        Self { v4: Ranges::default(), v6: Ranges::default() }
    }
}

impl<T: Copy + Eq + Default> ByAddress<T> {
    /// Of ranges (first, last, value), each kind in its order; what begins before the one before ends is left out.
    #[must_use]
    pub fn of(v4: impl IntoIterator<Item = (u32, u32, T)>, v6: impl IntoIterator<Item = (u128, u128, T)>) -> Self {
        Self { v4: Ranges::of(v4), v6: Ranges::of(v6) }
    }

    /// What holds of an address.
    #[must_use]
    pub fn find(&self, address: IpAddr) -> T {
        match address {
            IpAddr::V4(v4) => self.v4.find(v4.into()),
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => self.v4.find(v4.into()),
                None => self.v6.find(v6.into()),
            },
        }
    }

    /// How many ranges it is made of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.v4.starts.len() + self.v6.starts.len()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The networks of a list, as ranges in their order.
///
/// INVARIANT (apart): no two of them overlap or touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks {
    v4: Box<[(u32, u32)]>,
    v6: Box<[(u128, u128)]>,
}

impl Networks {
    /// Of ranges in any order.
    #[must_use]
    pub fn of(v4: Vec<(u32, u32)>, v6: Vec<(u128, u128)>) -> Self {
        Self { v4: merged(v4), v6: merged(v6) }
    }

    /// How many ranges are left of it once what overlaps or touches is one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.v4.len() + self.v6.len()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn merged<N: Number>(mut ranges: Vec<(N, N)>) -> Box<[(N, N)]> {
    ranges.retain(|(first, last)| first <= last);
    ranges.sort_unstable();
    let mut kept: Vec<(N, N)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match kept.last_mut() {
            Some((_, before)) if before.after().is_none_or(|free| first <= free) => *before = last.max(*before),
            _ => kept.push((first, last)),
        }
    }
    kept.into()
}

/// On which lists an address is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    names: Box<str>,
    lists: u8,
    weight: u8,
}

impl Listing {
    /// On these lists, each with its weight of 100: each takes its share of what those before have left, as signals do, and all of them
    /// [`LISTED_MAX`] at the most.
    #[must_use]
    pub fn of<'a>(lists: impl Iterator<Item = (&'a str, u8)>) -> Self {
        let (mut names, mut count, mut left) = (String::new(), 0_u8, 10_000_u32);
        for (name, weight) in lists {
            if count > 0 {
                names.push(',');
            }
            names.push_str(name);
            count = count.saturating_add(1);
            left = left * u32::from(100 - weight.min(100)) / 100;
        }
        let weight = u8::try_from((10_000 - left) / 100).unwrap_or(LISTED_MAX).min(LISTED_MAX);
        Self { names: names.into(), lists: count, weight }
    }

    /// As it was recorded: what it weighed then stands elsewhere.
    #[must_use]
    pub fn recorded(names: &str) -> Self {
        Self::of(names.split(',').map(|name| (name, 0)))
    }

    /// The names of the lists, with a comma between two.
    #[must_use]
    pub fn names(&self) -> &str {
        &self.names
    }

    /// How many they are.
    #[must_use]
    pub fn lists(&self) -> u8 {
        self.lists
    }

    /// What it weighs as a signal, 0 to [`LISTED_MAX`].
    #[must_use]
    pub fn weight(&self) -> u8 {
        self.weight
    }
}

/// A country: two letters (ISO 3166-1 alpha-2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

impl Country {
    /// Reads two capital letters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::of(text.as_bytes().try_into().ok()?)
    }

    fn of(letters: [u8; 2]) -> Option<Self> {
        letters.iter().all(u8::is_ascii_uppercase).then_some(Self(letters))
    }

    /// Its letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // INVARIANT (letters): two capital letters of ASCII, so there is always a text.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// As a value of [`Atlas::countries`].
    #[must_use]
    pub const fn letters(self) -> [u8; 2] {
        self.0
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The number of an autonomous system: whose network an address is announced by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AsNumber(pub u32);

impl AsNumber {
    /// Reads `AS64500`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.strip_prefix("AS")?.parse().ok().map(Self)
    }
}

impl fmt::Display for AsNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AS{}", self.0)
    }
}

/// A list, ready to be laid beside others.
#[derive(Debug, Clone)]
pub struct List {
    /// What it is called in events: letters of ASCII in lower case, digits, `-`, `_`, `.`.
    pub name: Box<str>,
    /// What it weighs, 1 to [`LISTED_MAX`].
    pub weight: u8,
    /// What is on it.
    pub networks: Arc<Networks>,
}

/// All lists as one: by address, which of the sets of lists holds, from 1 on.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Listed {
    sets: ByAddress<u32>,
    listings: Box<[Arc<Listing>]>,
}

impl Listed {
    /// Lays lists over each other. Of more than [`LISTS_MAX`] the others are left out.
    #[must_use]
    pub fn of(lists: &[List]) -> Self {
        let lists = lists.get(..LISTS_MAX).unwrap_or(lists);
        let mut sets: BTreeMap<u32, u32> = BTreeMap::new();
        let mut listings = Vec::new();
        let mut set_of = |mask: u32| {
            *sets.entry(mask).or_insert_with(|| {
                let on = lists.iter().enumerate().filter(|(at, _)| mask & (1 << at) != 0);
                listings.push(Arc::new(Listing::of(on.map(|(_, list)| (&*list.name, list.weight)))));
                u32::try_from(listings.len()).unwrap_or(u32::MAX)
            })
        };
        let v4 = overlaid(lists.iter().map(|list| &*list.networks.v4), &mut set_of);
        let v6 = overlaid(lists.iter().map(|list| &*list.networks.v6), &mut set_of);
        let sets = ByAddress { v4: Ranges::of_steps(v4), v6: Ranges::of_steps(v6) };
        Self { sets, listings: listings.into() }
    }

    fn find(&self, address: IpAddr) -> Option<&Arc<Listing>> {
        let set = self.sets.find(address).checked_sub(1)?;
        self.listings.get(usize::try_from(set).ok()?)
    }
}

/// Ranges of several lists laid over each other: from which address on which set of lists holds, 0 for none.
fn overlaid<'a, N: Number + 'a>(lists: impl Iterator<Item = &'a [(N, N)]>, set_of: &mut impl FnMut(u32) -> u32) -> Vec<(N, u32)> {
    let mut edges: Vec<(N, u32)> = Vec::new();
    for (at, ranges) in lists.enumerate() {
        for (first, last) in ranges {
            edges.push((*first, 1 << at));
            edges.extend(last.after().map(|end| (end, 1 << at)));
        }
    }
    edges.sort_unstable_by_key(|(at, _)| *at);
    let mut steps = Vec::new();
    let (mut mask, mut edges) = (0_u32, edges.into_iter().peekable());
    while let Some((at, list)) = edges.next() {
        // INVARIANT (apart): ranges of one list never touch, so each edge of it turns the list on or off.
        mask ^= list;
        if edges.peek().is_none_or(|(next, _)| *next != at) {
            steps.push((at, if mask == 0 { 0 } else { set_of(mask) }));
        }
    }
    steps
}

/// What is known of addresses. A change makes a new one, which shares what did not change.
#[derive(Debug, Clone, Default)]
pub struct Atlas {
    /// On which lists an address is.
    pub listed: Arc<Listed>,
    /// Countries, as their letters; zeros: none.
    pub countries: Arc<ByAddress<[u8; 2]>>,
    /// Numbers of autonomous systems; 0: none.
    pub networks: Arc<ByAddress<u32>>,
}

impl Atlas {
    /// The lists that an address is on.
    #[must_use]
    pub fn listing(&self, address: IpAddr) -> Option<&Arc<Listing>> {
        self.listed.find(address)
    }

    /// The country of an address.
    #[must_use]
    pub fn country(&self, address: IpAddr) -> Option<Country> {
        Country::of(self.countries.find(address))
    }

    /// Whose network an address is in.
    #[must_use]
    pub fn network(&self, address: IpAddr) -> Option<AsNumber> {
        Some(self.networks.find(address)).filter(|number| *number != 0).map(AsNumber)
    }
}

#[cfg(test)]
mod tests;
