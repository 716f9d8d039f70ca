//! What is counted of a JSON text, found by the values that begin and end in it.

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Object,
    List,
    Number,
    Other,
}

/// The list whose members count, or the number that is the count.
#[derive(Debug)]
pub(super) struct Target {
    wanted: Wanted,
    /// How many containers are open that stand on the way: the outermost is the first.
    on: u32,
    /// The steps of the way that were found, a bit each.
    passed: u128,
    /// Whether the innermost container on the way is a list, and how many of its members have begun.
    in_list: bool,
    index: u64,
    /// Whether the value that comes is the one that the way leads to.
    named: bool,
    name: Name,
    /// How deep members stand that are being counted; 0: none are.
    counting: u32,
    /// Whether the number that is being read is the count.
    reading: bool,
    count: Option<u64>,
    /// Whether more than one thing could be meant.
    ambiguous: bool,
    /// Whether a list has had a member, or what the pointer names is an object: there may be records that are not counted.
    holds: bool,
}

#[derive(Debug)]
enum Wanted {
    /// What a pointer names.
    At(Box<[Step]>),
    /// The only list there is, and a hash of its name in the object that has it.
    Only(Option<u64>),
}

/// A step of a pointer, as the name of a member and as the number of one.
#[derive(Debug)]
struct Step {
    name: Box<[u8]>,
    index: Option<u64>,
}

/// A name that is being read.
#[derive(Debug, Default)]
struct Name {
    /// Whether anybody listens.
    heard: bool,
    /// How many bytes have come, and whether they are those of the step.
    length: usize,
    alike: bool,
    hash: u64,
}

/// Steps of a pointer at the most: nothing is read that is deeper.
const STEPS_MAX: usize = 127;

impl Target {
    /// What a JSON pointer (RFC 6901) names. `None`: it is none, or leads too deep.
    pub(super) fn at(pointer: &str) -> Option<Self> {
        let steps: Box<[Step]> = match pointer.strip_prefix('/') {
            Some(steps) => steps.split('/').map(Step::parse).collect(),
            None if pointer.is_empty() => Box::default(),
            None => return None,
        };
        (steps.len() <= STEPS_MAX).then(|| Self::new(Wanted::At(steps)))
    }

    /// The list that the text is, or the only one in the object that it is.
    pub(super) fn only() -> Self {
        Self::new(Wanted::Only(None))
    }

    fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            on: 0,
            passed: 0,
            in_list: false,
            index: 0,
            named: false,
            name: Name::default(),
            counting: 0,
            reading: false,
            count: None,
            ambiguous: false,
            holds: false,
        }
    }

    /// What was counted.
    pub(super) fn count(&self) -> Option<u64> {
        self.count.filter(|_| !self.ambiguous)
    }

    /// Whether a whole text holds no record: an empty list may be left out of it, or be `null`.
    pub(super) const fn is_empty(&self) -> bool {
        !self.holds && !self.ambiguous
    }

    /// What was counted of the begin of a text: of the list, or by a number that is whole. Where neither has come, what has passed may be
    /// what the number would have counted.
    pub(super) fn so_far(&self) -> Option<u64> {
        if self.reading { None } else { self.count() }
    }

    /// A list has a member.
    pub(super) const fn lists(&mut self) {
        self.holds = true;
    }

    /// A value begins within so many containers.
    pub(super) fn begins(&mut self, shape: Shape, depth: u32) {
        if depth == self.counting && depth > 0 {
            if let Some(count) = &mut self.count {
                *count = count.saturating_add(1);
            }
            return;
        }
        if depth != self.on {
            return;
        }
        match &mut self.wanted {
            Wanted::At(steps) => {
                if depth > 0 && !is_named(&mut self.named, &mut self.passed, &mut self.index, self.in_list, steps, depth) {
                    return;
                }
                match shape {
                    _ if steps.len() == usize::try_from(depth).unwrap_or(usize::MAX) => self.found(shape, depth),
                    Shape::Object | Shape::List => {
                        self.on = depth + 1;
                        (self.in_list, self.index) = (shape == Shape::List, 0);
                    }
                    Shape::Number | Shape::Other => {}
                }
            }
            Wanted::Only(_) if depth == 0 && shape == Shape::Object => self.on = 1,
            Wanted::Only(_) if depth == 0 && shape == Shape::List => self.found(shape, depth),
            Wanted::Only(first) if depth == 1 && shape == Shape::List => {
                if first.replace(self.name.hash).is_some() {
                    self.ambiguous = true;
                } else {
                    self.found(shape, depth);
                }
            }
            Wanted::Only(_) => {}
        }
    }

    fn found(&mut self, shape: Shape, depth: u32) {
        match shape {
            Shape::List => (self.counting, self.count) = (depth + 1, Some(0)),
            Shape::Number => (self.reading, self.count) = (true, Some(0)),
            Shape::Object => self.holds = true,
            Shape::Other => {}
        }
    }

    /// A container ends that is one of so many.
    pub(super) fn closes(&mut self, depth: u32) {
        if depth == self.counting {
            self.counting = 0;
        }
        if depth == self.on {
            self.on -= 1;
        }
    }

    /// A value that is none of several ends.
    pub(super) fn over(&mut self) {
        self.reading = false;
    }

    /// Bytes of a number. Only digits make a count: no sign, fraction or power.
    pub(super) fn digits(&mut self, bytes: &[u8]) {
        if !self.reading {
            return;
        }
        for byte in bytes {
            let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
            self.count = self.count.zip(digit).and_then(|(count, digit)| count.checked_mul(10)?.checked_add(digit));
        }
    }

    /// A name begins within so many containers.
    pub(super) fn name_begins(&mut self, depth: u32) {
        let heard = depth == self.on && self.counting == 0;
        // FNV-1a: what is alike by it and differs makes a count unknown, never wrong.
        self.name = Name { heard, length: 0, alike: true, hash: 0xcbf2_9ce4_8422_2325 };
    }

    /// More of the name, without escapes.
    pub(super) fn name(&mut self, bytes: &[u8]) {
        let name = &mut self.name;
        if !name.heard {
            return;
        }
        match &self.wanted {
            Wanted::At(steps) => {
                let end = name.length.saturating_add(bytes.len());
                let step = step(steps, self.on);
                name.alike = name.alike && step.is_some_and(|step| step.name.get(name.length..end) == Some(bytes));
                name.length = end;
            }
            Wanted::Only(_) => {
                for byte in bytes {
                    name.hash = (name.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
                }
            }
        }
    }

    /// The name is over.
    pub(super) fn name_ends(&mut self) {
        let name = &self.name;
        if !name.heard {
            return;
        }
        match &self.wanted {
            Wanted::At(steps) => {
                self.named = name.alike && step(steps, self.on).is_some_and(|step| step.name.len() == name.length);
                if self.named {
                    self.ambiguous = self.ambiguous || (self.passed >> self.on) & 1 == 1;
                    self.passed |= 1 << self.on;
                }
            }
            Wanted::Only(first) => self.ambiguous = self.ambiguous || *first == Some(name.hash),
        }
    }
}

/// The step that leads on from within so many containers.
fn step(steps: &[Step], depth: u32) -> Option<&Step> {
    steps.get(usize::try_from(depth).ok()?.checked_sub(1)?)
}

/// Whether the value that begins within `depth` containers, in the innermost on the way, is the one that the next step names.
fn is_named(named: &mut bool, passed: &mut u128, index: &mut u64, in_list: bool, steps: &[Step], depth: u32) -> bool {
    if !in_list || (*passed >> depth) & 1 == 1 {
        return std::mem::take(named);
    }
    let is = step(steps, depth).is_some_and(|step| step.index == Some(*index));
    *index = index.saturating_add(1);
    *passed |= u128::from(is) << depth;
    is
}

impl Step {
    /// RFC 6901 §4: `~1` is a slash, `~0` a tilde; a number has no zero before it.
    fn parse(text: &str) -> Self {
        let name = text.replace("~1", "/").replace("~0", "~");
        let plain = name.bytes().all(|byte| byte.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
        Self { index: plain.then(|| name.parse().ok()).flatten(), name: name.into_bytes().into() }
    }
}
