//! Holds values against schemas: a walk over a tape, bounded in depth and work, without allocation but for texts with escapes.
//!
//! It says no only where the schema does. What it cannot say (a number of 40 digits beside a `multipleOf`, a member that is not read) it
//! lets be, and a schema that would be too dear for a value is a rule of its own, [`Rule::Work`].

mod scalar;

use super::json::{Kind, Tape, Token};
use std::cmp::Ordering;
use wardgate_model::schema::{Decimal, ListRule, Literal, Node, NodeId, ObjectRule, Schemas, Types, name_hash};

/// Schemas within each other that are followed.
const DEPTH_MAX: u16 = 192;
/// Steps for each token, and for a whole value besides.
const WORK_PER_TOKEN: u32 = 64;
const WORK: u32 = 65_536;
/// Items of which each is compared with each.
const PAIRWISE_MAX: usize = 16;

/// What a value is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// `type`.
    Type,
    /// `enum` or `const`.
    Literal,
    /// `minimum`, `maximum` and the like.
    Range,
    /// `multipleOf`.
    Step,
    /// `minLength`, `maxLength`.
    Length,
    /// `pattern`.
    Pattern,
    /// `format`.
    Format,
    /// `minItems`, `maxItems`.
    Items,
    /// `uniqueItems`.
    Unique,
    /// `required`.
    Required,
    /// `additionalProperties: false`, or an array with more items than are described.
    Unknown,
    /// `minProperties`, `maxProperties`.
    Members,
    /// `anyOf`, `oneOf`: none of them.
    Alternatives,
    /// `oneOf`: several of them.
    Several,
    /// `not`.
    Excluded,
    /// It stands several times where it may stand once.
    Repeated,
    /// It is no JSON, or beyond its limits.
    Json,
    /// It would take too long to say.
    Work,
}

impl Rule {
    /// What a client is told.
    #[must_use]
    pub const fn said(self) -> &'static str {
        match self {
            Self::Type => "it is of another type",
            Self::Literal => "it is none of the values that are listed",
            Self::Range => "it is out of range",
            Self::Step => "it is no multiple of what is asked",
            Self::Length => "it is too short or too long",
            Self::Pattern => "it does not fit the pattern",
            Self::Format => "it is not in the format that is asked",
            Self::Items => "it has too few or too many items",
            Self::Unique => "two of its items are the same",
            Self::Required => "something required is missing",
            Self::Unknown => "it is nothing that is described",
            Self::Members => "it has too few or too many members",
            Self::Alternatives => "it is none of the alternatives",
            Self::Several => "it is more than one of the alternatives",
            Self::Excluded => "it is what it must not be",
            Self::Repeated => "it stands there several times",
            Self::Json => "it is no JSON that can be read in one way",
            Self::Work => "it is too large for what is asked of it",
        }
    }
}

/// Where a value is not as its schema has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Miss<'s> {
    /// At which token.
    pub at: u32,
    /// In what.
    pub rule: Rule,
    /// The member that is missing, as the schema names it.
    pub name: Option<&'s str>,
}

const fn miss<'s>(at: u32, rule: Rule) -> Miss<'s> {
    Miss { at, rule, name: None }
}

type Held<'s> = Result<(), Miss<'s>>;

/// Holds the value at `at` against a schema.
///
/// # Errors
/// With the first place where it is otherwise.
pub fn check<'s>(tape: &Tape<'_>, at: u32, schemas: &'s Schemas, root: NodeId) -> Result<(), Miss<'s>> {
    let tokens = u32::try_from(tape.tokens().len()).unwrap_or(u32::MAX);
    let left = WORK.saturating_add(tokens.saturating_mul(WORK_PER_TOKEN));
    Check { tape, schemas, left, unsure: false }.value(at, root, DEPTH_MAX)
}

struct Check<'t, 's> {
    tape: &'t Tape<'t>,
    schemas: &'s Schemas,
    /// Steps that are left.
    left: u32,
    /// Something was let be that could not be looked at.
    unsure: bool,
}

impl<'s> Check<'_, 's> {
    fn spend(&mut self, at: u32, steps: u32) -> Held<'s> {
        self.left = self.left.checked_sub(steps).ok_or(miss(at, Rule::Work))?;
        Ok(())
    }

    fn value(&mut self, at: u32, id: NodeId, depth: u16) -> Held<'s> {
        self.spend(at, 1)?;
        let depth = depth.checked_sub(1).ok_or(miss(at, Rule::Work))?;
        let Some(node) = self.schemas.node(id) else { return Ok(()) };
        let token = self.tape.token(at);
        match token.kind() {
            Kind::Unread => {
                self.unsure = true;
                return Ok(());
            }
            Kind::Object => self.object(at, token, node, depth)?,
            Kind::Array => self.list(at, token, node, depth)?,
            Kind::Null | Kind::True | Kind::False | Kind::Whole | Kind::Number | Kind::Text | Kind::Name | Kind::Loose => {
                self.scalar(at, token, node)?;
            }
        }
        for id in &node.all {
            self.value(at, *id, depth)?;
        }
        if !node.any.is_empty() {
            self.any(at, node, depth)?;
        }
        if !node.one.is_empty() {
            self.one(at, node, depth)?;
        }
        match node.not {
            Some(not) => self.not(at, not, depth),
            None => Ok(()),
        }
    }

    /// Whether an alternative holds; what it would take too long to say is told as that.
    fn holds(&mut self, at: u32, id: NodeId, depth: u16) -> Result<Held<'s>, Miss<'s>> {
        match self.value(at, id, depth) {
            Err(miss) if miss.rule == Rule::Work => Err(miss),
            held => Ok(held),
        }
    }

    fn any(&mut self, at: u32, node: &'s Node, depth: u16) -> Held<'s> {
        let hinted = self.hinted(at, node);
        let mut nearest = Nearest::new(at);
        if let Some(id) = hinted {
            match self.holds(at, id, depth)? {
                Ok(()) => return Ok(()),
                Err(miss) => nearest.is_meant(miss),
            }
        }
        for id in node.any.iter().filter(|id| Some(**id) != hinted) {
            match self.holds(at, *id, depth)? {
                Ok(()) => return Ok(()),
                Err(miss) => nearest.tried(miss),
            }
        }
        Err(nearest.miss(node.any.len()))
    }

    fn one(&mut self, at: u32, node: &'s Node, depth: u16) -> Held<'s> {
        let hinted = self.hinted(at, node);
        let mut nearest = Nearest::new(at);
        let (before, mut fitting) = (std::mem::take(&mut self.unsure), 0_u32);
        for id in &node.one {
            match self.holds(at, *id, depth)? {
                Ok(()) => fitting += 1,
                Err(miss) if Some(*id) == hinted => nearest.is_meant(miss),
                Err(miss) => nearest.tried(miss),
            }
        }
        let several = fitting > 1 && !self.unsure;
        self.unsure |= before;
        match fitting {
            0 => Err(nearest.miss(node.one.len())),
            _ if several => Err(miss(at, Rule::Several)),
            _ => Ok(()),
        }
    }

    fn not(&mut self, at: u32, not: NodeId, depth: u16) -> Held<'s> {
        let before = std::mem::take(&mut self.unsure);
        let held = self.holds(at, not, depth)?;
        let sure = !self.unsure;
        self.unsure |= before;
        if held.is_ok() && sure { Err(miss(at, Rule::Excluded)) } else { Ok(()) }
    }

    /// Which alternative the value says that it is.
    fn hinted(&self, at: u32, node: &Node) -> Option<NodeId> {
        let discriminator = node.discriminator.as_deref()?;
        let names = self.tape.within(at).find(|name| {
            let token = self.tape.token(*name);
            token.kind() == Kind::Name && self.tape.text(token) == *discriminator.name
        })?;
        let said = self.tape.text(self.tape.token(names.saturating_add(1)));
        discriminator.mapping.iter().find(|(value, _)| **value == *said).map(|(_, id)| *id)
    }

    fn object(&mut self, at: u32, token: Token, node: &'s Node, depth: u16) -> Held<'s> {
        if !node.types.has_any(Types::OBJECT) {
            return Err(miss(at, Rule::Type));
        }
        if let Some(literals) = &node.literals {
            self.literals(at, token, literals)?;
        }
        let Some(rule) = node.object.as_deref() else { return Ok(()) };
        let (mut count, mut required) = (0_u32, 0_u32);
        let (mut name, end) = (at.saturating_add(1), self.tape.after(at));
        while name < end {
            self.spend(name, 1)?;
            count += 1;
            required += u32::from(self.member(name, rule, depth)?);
            name = self.tape.after(name);
        }
        if required < rule.members.required() {
            return Err(Miss { at, rule: Rule::Required, name: self.missing(at, rule) });
        }
        if count < rule.min || rule.max.is_some_and(|max| count > max) {
            return Err(miss(at, Rule::Members));
        }
        Ok(())
    }

    /// A member. Gives whether it is a required one.
    fn member(&mut self, name: u32, rule: &'s ObjectRule, depth: u16) -> Result<bool, Miss<'s>> {
        let value = name.saturating_add(1);
        let token = self.tape.token(name);
        let text = self.tape.text(token);
        let property = rule.members.find(text.as_bytes(), token.hash());
        let mut described = false;
        if let Some(id) = property.and_then(|property| property.schema) {
            self.value(value, id, depth)?;
            described = true;
        }
        for (pattern, id) in &rule.patterns {
            self.spend(name, 1 + u32::try_from(text.len() / 16).unwrap_or(u32::MAX))?;
            if pattern.fits(&text) {
                self.value(value, *id, depth)?;
                described = true;
            }
        }
        if let (false, Some(others)) = (described, rule.others) {
            if self.schemas.node(others).is_some_and(|node| node.types == Types::NONE) {
                return Err(miss(name, Rule::Unknown));
            }
            self.value(value, others, depth)?;
        }
        if let Some(names) = rule.names {
            self.value(name, names, depth)?;
        }
        Ok(property.is_some_and(|property| property.required))
    }

    fn missing(&self, at: u32, rule: &'s ObjectRule) -> Option<&'s str> {
        let there = |wanted: &str| self.tape.within(at).any(|name| self.tape.text(self.tape.token(name)) == wanted);
        let required = rule.members.all().iter().filter(|property| property.required);
        required.map(|property| &*property.name).find(|name| !there(name))
    }

    fn list(&mut self, at: u32, token: Token, node: &'s Node, depth: u16) -> Held<'s> {
        if !node.types.has_any(Types::ARRAY) {
            return Err(miss(at, Rule::Type));
        }
        if let Some(literals) = &node.literals {
            self.literals(at, token, literals)?;
        }
        let Some(rule) = node.list.as_deref() else { return Ok(()) };
        let mut count = 0_usize;
        let (mut item, end) = (at.saturating_add(1), self.tape.after(at));
        while item < end {
            if let Some(id) = rule.first.get(count).copied().or(rule.rest) {
                if count >= rule.first.len() && self.schemas.node(id).is_some_and(|node| node.types == Types::NONE) {
                    return Err(miss(item, Rule::Unknown));
                }
                self.value(item, id, depth)?;
            }
            count += 1;
            item = self.tape.after(item);
        }
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        if count < rule.min || rule.max.is_some_and(|max| count > max) {
            return Err(miss(at, Rule::Items));
        }
        self.unique(at, rule)
    }

    fn unique(&mut self, at: u32, rule: &ListRule) -> Held<'s> {
        if !rule.unique {
            return Ok(());
        }
        let items: Vec<u32> = self.tape.within(at).collect();
        let mut hashed: Vec<(u64, u32)> = items.iter().map(|item| (self.likeness(*item), *item)).collect();
        if items.len() > PAIRWISE_MAX {
            hashed.sort_unstable();
        }
        let sorted = items.len() > PAIRWISE_MAX;
        for (index, (hash, item)) in hashed.iter().enumerate() {
            let alike = hashed.get(index + 1..).unwrap_or_default().iter();
            let alike = alike.take_while(|(other, _)| !sorted || other == hash).filter(|(other, _)| other == hash);
            for (_, other) in alike {
                self.spend(*other, 1)?;
                if self.same(*item, *other)? {
                    return Err(miss(*item.max(other), Rule::Unique));
                }
            }
        }
        Ok(())
    }

    /// Equal values have equal ones.
    fn likeness(&self, at: u32) -> u64 {
        let token = self.tape.token(at);
        let hash = |text: &str| u64::from(name_hash(text.as_bytes()));
        match token.kind() {
            Kind::Text | Kind::Name | Kind::Loose => 1 << 32 | hash(&self.tape.text(token)),
            Kind::Whole | Kind::Number => match Decimal::parse(self.tape.written(token).as_bytes()) {
                Some(number) => 2 << 32 | hash(&format!("{number:?}")),
                None => 2 << 32,
            },
            Kind::Object | Kind::Array => {
                let members: u64 = self.tape.within(at).map(|at| u64::from(self.tape.token(at).hash()) | 1).fold(0, u64::wrapping_add);
                let members = if token.kind() == Kind::Object { members & 0xffff_ffff } else { self.tape.within(at).count() as u64 };
                if token.kind() == Kind::Object { 3 << 32 | members } else { 4 << 32 | members }
            }
            Kind::Null => 5 << 32,
            Kind::True => 6 << 32,
            Kind::False => 7 << 32,
            Kind::Unread => 8 << 32,
        }
    }

    /// Whether two values are the same (JSON Schema core §4.2.2).
    fn same(&mut self, one: u32, other: u32) -> Result<bool, Miss<'s>> {
        self.spend(one, 1)?;
        let (a, b) = (self.tape.token(one), self.tape.token(other));
        match (a.kind(), b.kind()) {
            (Kind::Whole | Kind::Number, Kind::Whole | Kind::Number) => {
                let (a, b) = (self.tape.written(a), self.tape.written(b));
                Ok(match (Decimal::parse(a.as_bytes()), Decimal::parse(b.as_bytes())) {
                    (Some(a), Some(b)) => a.cmp(&b) == Ordering::Equal,
                    _ => a == b,
                })
            }
            (Kind::Array, Kind::Array) => {
                let pairs: Vec<(u32, u32)> = self.tape.within(one).zip(self.tape.within(other)).collect();
                if self.tape.within(one).count() != self.tape.within(other).count() {
                    return Ok(false);
                }
                self.all_same(&pairs)
            }
            (Kind::Object, Kind::Object) => {
                let sorted = |at: u32| {
                    let mut names: Vec<u32> = self.tape.within(at).collect();
                    names.sort_by(|a, b| self.tape.text(self.tape.token(*a)).cmp(&self.tape.text(self.tape.token(*b))));
                    names
                };
                let (a, b) = (sorted(one), sorted(other));
                let names =
                    |names: &[u32]| names.iter().map(|name| self.tape.text(self.tape.token(*name)).into_owned()).collect::<Vec<_>>();
                if names(&a) != names(&b) {
                    return Ok(false);
                }
                let pairs: Vec<(u32, u32)> = a.iter().zip(&b).map(|(a, b)| (a + 1, b + 1)).collect();
                self.all_same(&pairs)
            }
            (a_kind, b_kind) => Ok(a_kind == b_kind && self.tape.text(a) == self.tape.text(b)),
        }
    }

    fn all_same(&mut self, pairs: &[(u32, u32)]) -> Result<bool, Miss<'s>> {
        for (one, other) in pairs {
            if !self.same(*one, *other)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn literals(&mut self, at: u32, token: Token, literals: &[Literal]) -> Held<'s> {
        for literal in literals {
            self.spend(at, 1)?;
            if self.is(at, token, literal) {
                return Ok(());
            }
        }
        Err(miss(at, Rule::Literal))
    }

    /// Whether a value is one that stands in a schema.
    fn is(&self, at: u32, token: Token, literal: &Literal) -> bool {
        match (token.kind(), literal) {
            (Kind::Null, Literal::Null) | (Kind::True, Literal::Boolean(true)) | (Kind::False, Literal::Boolean(false)) => true,
            (Kind::Whole | Kind::Number, Literal::Number(number)) => {
                Decimal::parse(self.tape.written(token).as_bytes()).is_some_and(|own| own == *number)
            }
            (Kind::Text | Kind::Name, Literal::Text(text)) => self.tape.text(token) == **text,
            (Kind::Array, Literal::List(items)) => {
                let own: Vec<u32> = self.tape.within(at).collect();
                own.len() == items.len() && own.iter().zip(items).all(|(at, item)| self.is(*at, self.tape.token(*at), item))
            }
            (Kind::Object, Literal::Object(members)) => {
                let own = |name: &str| self.tape.within(at).find(|place| self.tape.text(self.tape.token(*place)) == name).map(|at| at + 1);
                let is = |(name, member): &(Box<str>, Literal)| own(name).is_some_and(|at| self.is(at, self.tape.token(at), member));
                self.tape.within(at).count() == members.len() && members.iter().all(is)
            }
            (Kind::Loose, literal) => scalar::is_meant(self.tape.written(token), literal),
            (Kind::Unread, _) => true,
            _ => false,
        }
    }
}

/// Whose fault is told when no alternative holds: the one that is meant, else the one that was met with furthest into the value.
struct Nearest<'s> {
    at: u32,
    best: Option<Miss<'s>>,
    meant: bool,
}

impl<'s> Nearest<'s> {
    const fn new(at: u32) -> Self {
        Self { at, best: None, meant: false }
    }

    const fn is_meant(&mut self, miss: Miss<'s>) {
        (self.best, self.meant) = (Some(miss), true);
    }

    fn tried(&mut self, miss: Miss<'s>) {
        if !self.meant && self.best.is_none_or(|best| miss.at > best.at) {
            self.best = Some(miss);
        }
    }

    fn miss(self, of: usize) -> Miss<'s> {
        match self.best {
            Some(best) if self.meant || of == 1 || best.at > self.at => best,
            _ => miss(self.at, Rule::Alternatives),
        }
    }
}

#[cfg(test)]
mod tests;
