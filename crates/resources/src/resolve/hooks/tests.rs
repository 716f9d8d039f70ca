use crate::{Loaded, Sources, load};
use insta::assert_snapshot;
use std::{fmt::Write, io, path::Path};
use wardgate_model::credential::SignatureForm;

const WORLD: &str = "\
{kind: Owner, name: payments, spec: {accountable: lead@example.com}}
---
{kind: Environment, name: production, spec: {production: true}}
---
kind: Api
name: crm
spec:
  policy_owner: payments
  business_owner: payments
  environment: production
  accept: [hmac]
  match: { path_prefix: /crm }
  upstream: { urls: [http://127.0.0.1:9000] }
  operations: [{ match: POST /events }]
---
";

fn loaded(text: &str) -> Loaded {
    let sources = Sources { documents: vec![("r.yaml".into(), format!("{WORLD}{text}").into_bytes())], policies: Vec::new() };
    load(&sources, &|_: &Path, _: &str| Err(io::Error::from(io::ErrorKind::NotFound)))
}

fn identity(name: &str, entry: &str) -> String {
    format!(
        "{{kind: Identity, name: {name}, spec: {{type: partner, owner: payments, environment: production, purpose: events, credentials: [{{name: hook, type: hmac{entry}}}]}}}}\n"
    )
}

/// What an entry comes to, or what is wrong with it.
fn check(entry: &str) -> String {
    let loaded = loaded(&identity("crm-sender", entry));
    let said: String = loaded.diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect();
    let Some(inventory) = loaded.inventory else { return said };
    let SignatureForm { scheme, header, timestamp, message, api, tolerance } =
        inventory.identities[0].credentials[0].signed.clone().unwrap();
    let header_of = |name: Option<http::HeaderName>| name.map_or_else(|| "-".to_owned(), |name| name.to_string());
    let api = api.map_or_else(|| "-".to_owned(), |api| api.to_string());
    format!("{said}{scheme} {header} {} {} {api} {tolerance:?}\n", header_of(timestamp), header_of(message))
}

#[test]
fn an_entry_says_how_calls_are_signed() {
    let all = [
        ", header: X-Signature",
        ", header: X-Signature, scheme: timestamped, api: crm, tolerance: 1m",
        ", scheme: standard_webhooks",
        ", scheme: standard_webhooks, header: svix-signature",
        ", scheme: versioned, header: X-Sig, timestamp_header: X-Sig-Timestamp, expires_in: 30d, sources: [192.0.2.0/24]",
        ", scheme: body, header: X-Hub-Signature-256, tolerance: 24h",
    ];
    assert_snapshot!(all.map(check).concat(), @r"
    timestamped x-signature - - - 300s
    timestamped x-signature - - crm 60s
    standard_webhooks webhook-signature webhook-timestamp webhook-id - 300s
    standard_webhooks svix-signature svix-timestamp svix-id - 300s
    versioned x-sig x-sig-timestamp - - 300s
    body x-hub-signature-256 - - - 86400s
    ");
}

#[test]
fn what_is_wrong_with_an_entry_is_told() {
    let all = [
        "",
        ", header: Authorization",
        ", header: X-S, scheme: smile",
        ", header: X-S, scheme: body, timestamp_header: X-T",
        ", header: X-S, scheme: versioned",
        ", header: X-S, scheme: versioned, timestamp_header: Host",
        ", header: X-S, scheme: standard_webhooks",
        ", header: X-S, tolerance: 2h",
        ", header: X-S, tolerance: 0s",
        ", header: X-S, scheme: body, tolerance: 25h",
        ", header: X-S, api: crn",
        ", header: X-S, trust: ci",
    ];
    assert_snapshot!(all.map(check).concat(), @r#"
    r.yaml:16:138: error[key.missing]: Identity `crm-sender`: `credentials[0].header`: the scheme `timestamped` needs this key
      = name the header that the signature stands in, as in `X-Signature`
    r.yaml:16:164: error[value.invalid]: Identity `crm-sender`: `credentials[0].header`: `authorization` is what it is for everybody
      = name a header that only the sender of webhooks sets
    r.yaml:16:177: error[value.word]: Identity `crm-sender`: `credentials[0].scheme`: `smile` is not one of `standard_webhooks`, `timestamped`, `versioned`, `body`
    r.yaml:16:201: error[key.unknown]: Identity `crm-sender`: `credentials[0].timestamp_header`: the scheme `body` has no header of its own for it
      = take it out
    r.yaml:16:138: error[key.missing]: Identity `crm-sender`: `credentials[0].timestamp_header`: the scheme `versioned` needs this key
      = name the header that the timestamp stands in, as in `X-Request-Timestamp`
    r.yaml:16:206: error[value.invalid]: Identity `crm-sender`: `credentials[0].timestamp_header`: the header `Host` has another office
      = use a header of its own, as in `X-Api-Key`
    r.yaml:16:164: error[value.invalid]: Identity `crm-sender`: `credentials[0].header`: the scheme `standard_webhooks` has three headers that begin alike
      = write one as in `webhook-signature`: `webhook-id` and `webhook-timestamp` follow from it
    r.yaml:16:180: error[value.invalid]: Identity `crm-sender`: `credentials[0].tolerance`: with the scheme `timestamped` it is 1s to 1h
      = write one as in `5m`
    r.yaml:16:180: error[value.invalid]: Identity `crm-sender`: `credentials[0].tolerance`: a duration must be more than zero
      = write a duration as in `30d`, `12h`, `5m`, `10s`, `250ms` or `1h30m`
    r.yaml:16:194: error[value.invalid]: Identity `crm-sender`: `credentials[0].tolerance`: with the scheme `body` it is 1s to 1d
      = write one as in `5m`
    r.yaml:16:174: error[reference.unknown]: Identity `crm-sender`: `credentials[0].api`: there is no Api `crn`
      = did you mean `crm`?
    r.yaml:16:176: error[key.unknown]: Identity `crm-sender`: `credentials[0].trust`: a credential of type `hmac` has no such key
      = take it out
    "#);
}

#[test]
fn more_senders_than_are_looked_at_are_named() {
    let senders = |count: usize, entry: &str| {
        let mut text = String::new();
        for n in 0..count {
            writeln!(text, "{}---", identity(&format!("sender-{n}"), entry)).unwrap();
        }
        text + "{kind: Grant, name: all, spec: {to: {owner: payments}, api: crm, operations: [write]}}"
    };
    assert_eq!(loaded(&senders(8, ", header: X-S")).diagnostics, []);
    let nine = loaded(&senders(9, ", header: X-S"));
    let said: Vec<_> = nine.diagnostics.iter().map(ToString::to_string).collect();
    let [said] = said.as_slice() else { panic!("{said:?}") };
    let named = "error[credential.hooks]: Api `crm`: 9 senders may show `x-s` here, of which 8 are looked at: `sender-0`, `sender-1`, ";
    assert!(said.contains(named) && said.contains("`sender-7`, and more"), "{said}");
    let others = loaded(
        &senders(4, ", header: X-S")
            .replace("{kind: Grant, name: all", &format!("{}---\n{{kind: Grant, name: all", identity("other", ", header: X-T"))),
    );
    assert_eq!(others.diagnostics, []);
}

#[test]
fn a_signature_stands_where_nothing_else_does() {
    let said = |entry: &str| {
        let text = format!("{WORLD}{}", identity("crm-sender", entry))
            .replace("accept: [hmac]", "accept: [hmac, api_key]\n  api_key_header: X-Key");
        let sources = Sources { documents: vec![("r.yaml".into(), text.into_bytes())], policies: Vec::new() };
        let loaded = load(&sources, &|_: &Path, _: &str| Err(io::Error::from(io::ErrorKind::NotFound)));
        loaded.diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().concat()
    };
    assert_eq!(said(", header: X-Signature"), "");
    let both = said(", header: X-Key");
    assert!(
        both.contains("error[credential.hooks]: Api `crm`: `api_key_header`: the signatures of `crm-sender` stand in `x-key` too"),
        "{both}"
    );
    // Everybody shows it: nobody else would get in.
    for header in ["User-Agent", "Accept", "Idempotency-Key"] {
        let told = said(&format!(", header: {header}"));
        assert!(told.contains("is what it is for everybody"), "{told}");
    }
}
