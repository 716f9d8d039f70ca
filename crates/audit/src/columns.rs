//! The columns of an event: one flat table, which is what is hashed, what a sealed segment holds, and what is asked in SQL.
//!
//! INVARIANT (columns): a column's number is its place in [`COLUMNS`] and goes into the hash of every record, so columns are
//! only ever appended; none is moved, renamed, given another type, or made personal or not.

use crate::{
    encode,
    event_v1::{EventV1, Kind, SignalV1},
};
use std::borrow::Cow;
use wardgate_model::time::Time;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A whole number of 64 bits.
    Int,
    /// Microseconds since 1970-01-01T00:00:00Z: a whole number too.
    Time,
    /// Yes or no.
    Bool,
    /// Text.
    Text,
    /// Several texts; none is no value.
    Texts,
}

/// What a column holds for one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// Of [`Type::Int`] and [`Type::Time`].
    Int(i64),
    /// Of [`Type::Bool`].
    Bool(bool),
    /// Of [`Type::Text`].
    Text(Cow<'a, str>),
    /// Of [`Type::Texts`]: never empty.
    Texts(Vec<Cow<'a, str>>),
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name, as in SQL.
    pub name: &'static str,
    /// What it holds.
    pub kind: Type,
    /// Whether it may tell of a person: such columns can be erased and the proof still holds.
    pub personal: bool,
    /// What it means, as a sentence.
    pub doc: &'static str,
    get: for<'e> fn(&'e EventV1<'e>) -> Option<Value<'e>>,
    set: fn(&mut EventV1<'static>, Value<'static>) -> bool,
}

/// All columns of one event, by number.
pub type Row<'a> = [Option<Value<'a>>; COUNT];

/// How many columns there are.
pub const COUNT: usize = COLUMNS.len();

/// A row that no event has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("column `{0}` holds what it cannot hold")]
pub struct Unfit(pub &'static str);

/// The row of an event.
#[must_use]
pub fn row<'e>(event: &'e EventV1<'e>) -> Row<'e> {
    let mut columns = COLUMNS.iter();
    std::array::from_fn(|_| columns.next().and_then(|column| (column.get)(event)))
}

/// The event of a row.
///
/// # Errors
/// When a value is none that its column can hold.
pub fn event(row: Row<'static>) -> Result<EventV1<'static>, Unfit> {
    let mut event = encode::bare("", 0, Kind::Request, Time::default());
    for (column, value) in COLUMNS.iter().zip(row) {
        if let Some(value) = value
            && !(column.set)(&mut event, value)
        {
            return Err(Unfit(column.name));
        }
    }
    event.id = format!("{}:{}", event.edge, event.seq).into();
    Ok(event)
}

/// The number of a column, by its name.
#[must_use]
pub fn number(name: &str) -> Option<usize> {
    COLUMNS.iter().position(|column| column.name == name)
}

impl Value<'_> {
    /// The value with texts of its own.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Int(number) => Value::Int(number),
            Self::Bool(whether) => Value::Bool(whether),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Texts(texts) => Value::Texts(texts.into_iter().map(|text| Cow::Owned(text.into_owned())).collect()),
        }
    }
}

/// A member of an event that is a column.
trait Cell {
    fn get(&self) -> Option<Value<'_>>;
}

/// The way back. `false`: the value does not fit.
trait Put {
    fn put(&mut self, value: Value<'static>) -> bool;
}

impl<T: Cell> Cell for Option<T> {
    fn get(&self) -> Option<Value<'_>> {
        self.as_ref().and_then(T::get)
    }
}

impl<T: Put + Default> Put for Option<T> {
    fn put(&mut self, value: Value<'static>) -> bool {
        self.insert(T::default()).put(value)
    }
}

impl Cell for Cow<'_, str> {
    fn get(&self) -> Option<Value<'_>> {
        Some(Value::Text(Cow::Borrowed(self)))
    }
}

impl Put for Cow<'static, str> {
    fn put(&mut self, value: Value<'static>) -> bool {
        let Value::Text(text) = value else { return false };
        *self = text;
        true
    }
}

impl Cell for Vec<Cow<'_, str>> {
    fn get(&self) -> Option<Value<'_>> {
        (!self.is_empty()).then(|| Value::Texts(self.iter().map(|text| Cow::Borrowed(&**text)).collect()))
    }
}

impl Put for Vec<Cow<'static, str>> {
    fn put(&mut self, value: Value<'static>) -> bool {
        let Value::Texts(texts) = value else { return false };
        *self = texts;
        true
    }
}

impl Cell for bool {
    fn get(&self) -> Option<Value<'_>> {
        Some(Value::Bool(*self))
    }
}

impl Put for bool {
    fn put(&mut self, value: Value<'static>) -> bool {
        let Value::Bool(whether) = value else { return false };
        *self = whether;
        true
    }
}

/// Whole numbers. What goes beyond 63 bits is the greatest there is: a length that somebody declared, say.
macro_rules! whole_numbers {
    ($($number:ty),*) => {$(
        impl Cell for $number {
            fn get(&self) -> Option<Value<'_>> {
                Some(Value::Int(i64::try_from(*self).unwrap_or(i64::MAX)))
            }
        }

        impl Put for $number {
            fn put(&mut self, value: Value<'static>) -> bool {
                let Value::Int(number) = value else { return false };
                Self::try_from(number).map(|number| *self = number).is_ok()
            }
        }
    )*};
}

whole_numbers!(i64, u64, u16, u8);

impl Cell for Kind {
    fn get(&self) -> Option<Value<'_>> {
        Some(Value::Text(Cow::Borrowed(self.as_str())))
    }
}

impl Put for Kind {
    fn put(&mut self, value: Value<'static>) -> bool {
        let Value::Text(text) = value else { return false };
        Self::parse(&text).map(|kind| *self = kind).is_some()
    }
}

/// Signals are one text of JSON: they are read whole or not at all.
impl Cell for Vec<SignalV1<'_>> {
    fn get(&self) -> Option<Value<'_>> {
        (!self.is_empty()).then(|| serde_json::to_string(self).ok().map(|text| Value::Text(text.into()))).flatten()
    }
}

impl Put for Vec<SignalV1<'static>> {
    fn put(&mut self, value: Value<'static>) -> bool {
        let Value::Text(text) = value else { return false };
        serde_json::from_str::<Self>(&text).map(|signals| *self = signals).is_ok()
    }
}

macro_rules! columns {
    (@get $event:ident $field:ident) => { $event.$field.get() };
    (@get $event:ident $group:ident $field:ident) => { $event.$group.as_ref().and_then(|group| group.$field.get()) };
    (@set $event:ident $value:ident $field:ident) => { $event.$field.put($value) };
    (@set $event:ident $value:ident $group:ident $field:ident) => { $event.$group.get_or_insert_default().$field.put($value) };
    (@personal) => { false };
    (@personal personal) => { true };
    ($($name:literal $kind:ident $($personal:ident)? [$($path:ident)+] $doc:literal;)*) => {
        /// Every column there is. Appended to, for ever.
        pub const COLUMNS: &[Column] = &[$(Column {
            name: $name,
            kind: Type::$kind,
            personal: columns!(@personal $($personal)?),
            doc: $doc,
            get: |event| columns!(@get event $($path)+),
            set: |event, value| columns!(@set event value $($path)+),
        }),*];

        /// Shows the columns of an event that are not null, by number: those that may tell of a person, or all others.
        pub(crate) fn each<'e, const PERSONAL: bool>(event: &'e EventV1<'e>, mut see: impl FnMut(u16, &Value<'e>)) {
            let mut next = 0..u16::MAX;
            $(
                let number = next.next().unwrap_or(u16::MAX);
                if columns!(@personal $($personal)?) == PERSONAL && let Some(value) = columns!(@get event $($path)+) {
                    see(number, &value);
                }
            )*
        }
    };
}

columns! {
    "seq" Int [seq] "Number of the event in this edge's log, without gaps, over restarts.";
    "time" Time [time_us] "When it began (a request: arrived).";
    "kind" Text [kind] "What it tells of: `request`, `opened`, `closed`, `change`, `finding`, `containment`, `connection`.";
    "edge" Text [edge] "Name of the edge that wrote it.";
    "request_id" Text [request_id] "Id of the request, as in `Wardgate-Request-Id`.";
    "trace_id" Text [trace_id] "W3C trace id, 32 hexadecimal digits.";
    "door" Text [door] "Through which kind of door it came.";
    "identity" Text [identity id] "Who called: the identity's id.";
    "identity_name" Text [identity name] "The identity's name.";
    "identity_type" Text [identity kind] "What kind of machine it is.";
    "owner" Text [identity owner] "Who answers for the identity.";
    "team" Text [identity team] "The team within the owner.";
    "environment" Text [identity environment] "Where the identity lives, as registered.";
    "quality" Int [identity quality] "The identity's grade at that time, 0 to 100.";
    "credential" Text [credential id] "Public id of the credential on record.";
    "credential_type" Text [credential kind] "What kind of credential it is.";
    "credential_bound" Bool [credential bound] "Whether the credential is bound to a key that the caller must possess.";
    "proof" Text [proof kind] "How the caller proved itself; `none` when it did not.";
    "proof_bound" Bool [proof bound] "Whether possession of a key was shown.";
    "proof_age_s" Int [proof age_s] "How old what was shown was, in seconds.";
    "token" Text [token id] "`jti` of the token.";
    "token_issuer" Text [token issuer] "`iss` of the token.";
    "token_audience" Texts [token audience] "`aud` of the token.";
    "token_scopes" Texts [token scopes] "`scope` of the token, split.";
    "lane" Text [lane] "On behalf of what it came: `machine`, `people` or `anonymous`.";
    "on_behalf_of" Text personal [on_behalf_of] "Keyed hash of the person on whose behalf it was.";
    "actors" Texts [actors] "Who acted for the identity, outermost first.";
    "grant_name" Text [grant] "Name of the grant that allowed it.";
    "purpose" Text [purpose value] "Why it was made: the registered purpose.";
    "purpose_basis" Text [purpose basis] "On what the purpose rests: `declared`, `registered` or `task`.";
    "task" Text [task] "Id of the task it was part of; where one was started, or a token of one given out or ended, of that one.";
    "source" Text personal [source address] "The peer's address.";
    "source_network" Text [source network] "The network that the address belongs to.";
    "source_zone" Text [source zone] "The zone whose networks hold the address; where none do, the one whose trust source vouches for the caller.";
    "source_environment" Text [source environment] "The environment of the zone: beside `environment`, where the caller is registered.";
    "source_country" Text [source country] "Country of the address, ISO 3166-1 alpha-2.";
    "tls_fingerprint" Text [source tls_fingerprint] "Fingerprint of the client's TLS stack.";
    "user_agent" Text personal [source user_agent] "The declared user agent.";
    "reputation" Text [source reputation] "What is said of the address elsewhere.";
    "source_known" Bool [source known] "Whether a good call of this identity came from the same network before, as far as its profile goes; null where nobody is watched.";
    "host" Text [request host] "Host that was asked for.";
    "query" Text personal [request query] "Of the query, the parameters that a policy or rule reads.";
    "content_type" Text [request content_type] "Media type of the body, as declared.";
    "request_length" Int [request length] "Length of the body in bytes, as declared.";
    "api" Text [api name] "Name of the API that was called.";
    "api_owner" Text [api owner] "Who answers for its policy.";
    "business_function" Text [api business_function] "The business function that the API serves.";
    "sensitivity" Text [api sensitivity] "What a leak of the API would mean.";
    "operation" Text [operation] "Which operation: `API METHOD TEMPLATE`.";
    "class" Text [class] "Class of the operation.";
    "method" Text [method] "Method.";
    "path" Text personal [path] "Canonical path.";
    "resource" Text personal [resource] "The resource acted on, as the operation's path parameter names it.";
    "stopped" Text [stopped] "Code of the reason for which it was stopped before it could be judged.";
    "response" Text [ruling response] "What was decided: `allow`, `slow`, `challenge` or `block`.";
    "enforced" Bool [ruling enforced] "Whether the ruling was binding; false under `mode: observe`.";
    "code" Text [ruling code] "Code of the deciding reason.";
    "reasons" Texts [ruling reasons] "Codes of all reasons, the deciding one first.";
    "policies" Texts [ruling policies] "Policies that decided.";
    "risk" Int [ruling risk] "0 to 100.";
    "signals" Text [ruling signals] "What the risk is made of, as JSON: an array of `name`, `value`, `weight`.";
    "delay_us" Int [ruling delay_us] "`slow`: by how much, in microseconds.";
    "challenge" Text [ruling challenge] "`challenge`: what had to be shown, `possession` or `step_up`.";
    "ending" Text [ending] "How it ended: `complete`, `client_gone`, `upstream_broke`, `cut` or `fault`.";
    "duration_us" Int [duration_us] "From arrival to end, in microseconds.";
    "client_status" Int [client_status] "HTTP status that the client was sent.";
    "upstream" Text [upstream name] "Address of the upstream, as configured; null when it was never reached.";
    "upstream_status" Int [upstream status] "HTTP status of the upstream.";
    "upstream_latency_us" Int [upstream latency_us] "From the request's departure to the head of the upstream's answer, in microseconds.";
    "bytes_in" Int [upstream bytes_in] "Body bytes sent to the upstream.";
    "bytes_out" Int [upstream bytes_out] "Body bytes received from the upstream.";
    "records" Int [upstream records] "Records in the upstream's answer, where counted.";
    "effect" Text personal [effect] "`Wardgate-Effect`, as the upstream declared it.";
    "snapshot" Int [snapshot] "Number of the snapshot it was judged against.";
    "judge_order" Int [judge_order] "Number of the ruling, in the order they were made on this edge.";
    "change_actor" Text personal [change actor] "Who changed something: an identity, or `file:PATH`.";
    "change_what" Text [change what] "What was done: `issue`, `revoke`, `apply`…";
    "change_kind" Text [change kind] "To what kind of thing.";
    "change_name" Text [change name] "To which one.";
    "change_reason" Text personal [change reason] "Why, in the actor's words.";
    "finding_code" Text [finding code] "What is not as it should be, as a code.";
    "finding_severity" Text [finding severity] "How bad: `info`, `low`, `medium`, `high` or `critical`; or `over`.";
    "finding_kind" Text [finding kind] "Of what kind of thing.";
    "finding_name" Text [finding name] "Of which one.";
    "finding_what" Text [finding what] "What was seen, for people.";
    "change_of" Texts [change of] "Of which identities the changed thing is: a credential or a grant of theirs.";
    "token_parents" Texts [token_parents] "Of which tokens the token came, nearest first, by their `jti`; where one was given out or ended, of which that one came.";
    "would" Text [ruling would] "What would have been done for the risk, where it was only watched: `slow`, `challenge` or `block`.";
}

#[cfg(test)]
pub(crate) mod tests;
