//! The table of routes: hosts, prefixes, and a trie of templates for each API.

use ahash::AHashMap;
use http::Method;
use std::sync::Arc;
use wardgate_model::{
    api::{Api, Doors, HostPattern, Operation, Segment},
    facts::Door,
};

/// All routes of a snapshot.
#[derive(Debug, Default)]
pub struct Routes {
    exact: AHashMap<Box<str>, Vec<Arc<Entry>>>,
    any: Vec<Arc<Entry>>,
}

#[derive(Debug)]
struct Entry {
    api: Arc<Api>,
    trie: Trie,
}

impl Routes {
    /// Builds the table. Longest prefixes first, so that the first that fits wins.
    #[must_use]
    pub fn build(apis: &[Arc<Api>]) -> Self {
        let mut routes = Self::default();
        for api in apis {
            let entry = Arc::new(Entry { api: Arc::clone(api), trie: Trie::build(&api.operations) });
            for host in &api.hosts {
                match host {
                    HostPattern::Any => routes.any.push(Arc::clone(&entry)),
                    HostPattern::Exact(name) => routes.exact.entry(name.clone()).or_default().push(Arc::clone(&entry)),
                }
            }
        }
        for entries in routes.exact.values_mut().chain(std::iter::once(&mut routes.any)) {
            entries.sort_by_key(|entry| std::cmp::Reverse(entry.api.path_prefix.len()));
        }
        routes
    }

    /// The API that answers for this host and canonical path behind this door.
    pub(crate) fn api(&self, host: &str, path: &str, door: Door) -> Option<(&Arc<Api>, &Trie)> {
        let fits = |entry: &&Arc<Entry>| {
            let rest = path.strip_prefix(&*entry.api.path_prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) && behind(entry.api.doors, door)
        };
        let exact = self.exact.get(host).and_then(|entries| entries.iter().find(fits));
        let entry = exact.or_else(|| self.any.iter().find(fits))?;
        Some((&entry.api, &entry.trie))
    }
}

fn behind(doors: Doors, door: Door) -> bool {
    match (doors, door) {
        (_, Door::Described) | (Doors::Both, _) | (Doors::Public, Door::Public) | (Doors::Admin, Door::Admin) => true,
        (Doors::Public, Door::Admin) | (Doors::Admin, Door::Public) => false,
    }
}

/// What a trie says of a method and path.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// This operation.
    Operation(&'a Arc<Operation>),
    /// The path is known, with other methods.
    OtherMethods,
    /// Nothing.
    Nothing,
}

/// The operations of an API by path, segment by segment. Looking up visits each node at most once.
#[derive(Debug, Default)]
pub struct Trie {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    literals: AHashMap<Box<str>, Node>,
    /// Literal text around parameters, longest first.
    mixed: Vec<(Segment, Node)>,
    parameter: Option<Box<Node>>,
    operations: Vec<Arc<Operation>>,
}

impl Trie {
    /// Builds the trie.
    #[must_use]
    pub fn build(operations: &[Arc<Operation>]) -> Self {
        let mut trie = Self::default();
        for operation in operations {
            let mut node = &mut trie.root;
            for segment in operation.template.segments() {
                node = node.child(segment);
            }
            node.operations.push(Arc::clone(operation));
        }
        trie
    }

    /// Looks up a method and canonical path. HEAD is served by GET where it is not declared (RFC 9110 §9.3.2).
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let rest = path.strip_prefix('/').unwrap_or(path);
        let node = if rest.is_empty() { Some(&self.root).filter(|node| !node.operations.is_empty()) } else { self.root.walk(Some(rest)) };
        let Some(node) = node else { return Found::Nothing };
        let exact = node.operations.iter().find(|operation| operation.method == *method);
        let instead = || node.operations.iter().find(|operation| *method == Method::HEAD && operation.method == Method::GET);
        exact.or_else(instead).map_or(Found::OtherMethods, Found::Operation)
    }
}

impl Node {
    fn child(&mut self, segment: &Segment) -> &mut Self {
        match segment {
            Segment::Literal(text) => self.literals.entry(text.clone()).or_default(),
            Segment::Parameter(_) => self.parameter.get_or_insert_default(),
            Segment::Mixed { .. } | Segment::Several { .. } => {
                let at = self.mixed.iter().position(|(known, _)| known.is_shaped_like(segment));
                let at = at.unwrap_or_else(|| {
                    let at = self.mixed.partition_point(|(known, _)| known.literal_bytes() >= segment.literal_bytes());
                    self.mixed.insert(at, (segment.clone(), Self::default()));
                    at
                });
                #[expect(clippy::indexing_slicing, reason = "INVARIANT (at): found or inserted at `at` just above")]
                &mut self.mixed[at].1
            }
        }
    }

    /// The node of the most literal template that fits the rest of the path; `None` left means the path ends here.
    fn walk(&self, rest: Option<&str>) -> Option<&Self> {
        let Some(rest) = rest else { return (!self.operations.is_empty()).then_some(self) };
        let (segment, after) = match rest.bytes().position(|byte| byte == b'/') {
            Some(at) => (rest.get(..at)?, rest.get(at + 1..)),
            None => (rest, None),
        };
        if let Some(found) = self.literals.get(segment).and_then(|node| node.walk(after)) {
            return Some(found);
        }
        let name = without_parameters(segment);
        if segment.is_empty() || (name.len() < segment.len() && self.literals.contains_key(name)) {
            return None;
        }
        let mut found = self.mixed.iter().filter(|(known, _)| known.fits(segment)).filter_map(|(_, node)| node.walk(after));
        found.next().or_else(|| self.parameter.as_ref().and_then(|node| node.walk(after)))
    }
}

/// The segment as upstreams see it that take path parameters off (RFC 3986 §3.3), escaped ones too. `admin;x` is `admin` to
/// them, so it must not pass as the value of a parameter where `admin` is an operation of its own.
fn without_parameters(segment: &str) -> &str {
    let parameters = |at: &usize| matches!(segment.as_bytes().get(*at..), Some([b';', ..] | [b'%', b'3', b'B', ..]));
    (0..segment.len()).find(parameters).and_then(|at| segment.get(..at)).unwrap_or(segment)
}
