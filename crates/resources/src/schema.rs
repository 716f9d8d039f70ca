//! JSON Schemas of resource documents, for editors and other tools.

use crate::raw;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value};
use wardgate_model::resource::Kind;

/// The JSON Schema (2020-12) of the documents of a kind.
#[must_use]
pub fn schema(kind: Kind) -> Value {
    match kind {
        Kind::Owner => of::<raw::RawOwner>(kind),
        Kind::Environment => of::<raw::RawEnvironment>(kind),
        Kind::Identity => of::<raw::RawIdentity>(kind),
        Kind::TrustSource => of::<raw::RawTrustSource>(kind),
        Kind::Api => of::<raw::RawApi>(kind),
        Kind::Grant => of::<raw::RawGrant>(kind),
        Kind::Limit => of::<raw::RawLimit>(kind),
        Kind::Zone => of::<raw::RawZone>(kind),
        Kind::Purpose => of::<raw::RawPurpose>(kind),
        Kind::Policy => of::<raw::RawPolicy>(kind),
        Kind::Contract => of::<raw::RawContract>(kind),
        Kind::Waiver => of::<raw::RawWaiver>(kind),
        Kind::Rotation => of::<raw::RawRotation>(kind),
        Kind::Flow => of::<raw::RawFlow>(kind),
        Kind::Webhook => of::<raw::RawLater>(kind),
    }
}

/// Wraps the schema of a spec in the document's `kind`, `name` and `spec`.
fn of<T: JsonSchema>(kind: Kind) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let spec = generator.subschema_for::<T>().to_value();
    let name = generator.subschema_for::<raw::Name<()>>().to_value();
    let definitions: Map<String, Value> = generator.take_definitions(true);
    serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": kind.as_str(),
        "type": "object",
        "properties": {
            "kind": { "const": kind.as_str() },
            "name": name,
            "spec": spec,
        },
        "required": ["kind", "name", "spec"],
        "additionalProperties": false,
        "$defs": definitions,
    })
}

#[cfg(test)]
mod tests;
