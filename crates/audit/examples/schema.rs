//! Prints the JSON Schema of the audit event: `cargo run -p wardgate-audit --example schema > crates/audit/schema/event-v1.json`.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    let mut schema = wardgate_audit::event_v1::schema();
    schema.sort_all_objects();
    writeln!(std::io::stdout().lock(), "{schema:#}")
}
