//! Credentials at the door: what is shown, what is refused, and what the outside is told (STANDARDS §1.2, §1.14).

use crate::{ESTATE, POLICIES, estate, ruled};
use std::{net::IpAddr, time::Duration};
use wardgate_gate::denied::Subject;
use wardgate_model::{id::CredentialId, reason::Reason};
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, world};

const READ: &str = "GET /ledger/entries\nhost: ledger.example";

#[test]
fn what_is_shown_decides_what_is_answered() {
    let world = estate();
    let key = world.key("ledger-sync").to_owned();
    let mistyped = format!("{}{}", &key[..key.len() - 1], if key.ends_with('0') { '1' } else { '0' });
    for (header, expected) in [
        (String::new(), "401 credential.missing"),
        (format!("authorization: Bearer {key}"), "200 rule.allowed"),
        (format!("authorization: bearer {key}"), "200 rule.allowed"),
        (format!("authorization: Bearer {mistyped}"), "401 proof.checksum"),
        ("authorization: Bearer abc".to_owned(), "401 proof.unknown"),
        ("authorization: Bearer wg_production_x".to_owned(), "400 credential.malformed"),
        ("authorization: Bearer".to_owned(), "400 credential.malformed"),
        ("authorization: Basic dTpw".to_owned(), "401 credential.not_accepted"),
        (format!("authorization: Bearer   {key}"), "200 rule.allowed"),
        ("authorization: Bearer abc def".to_owned(), "400 credential.malformed"),
        ("authorization: Bearer abc,def".to_owned(), "400 credential.malformed"),
        ("authorization: Bearer abc\tdef".to_owned(), "400 credential.malformed"),
        (format!("authorization: Bearer {key}, Bearer {key}"), "400 credential.malformed"),
        (format!("authorization: Bearer {key}\nauthorization: Bearer {key}"), "400 credential.conflict"),
    ] {
        assert_eq!(ruled(&world, "", &format!("{READ}\n{header}")), expected, "{header}");
    }
    assert_eq!(ruled(&world, "", &format!("GET /ledger/entries?token={key}\nhost: ledger.example")), "400 credential.in_query");
    for query in [
        "access_token=x".to_owned(),
        "a=1&access%5Ftoken=x".to_owned(),
        "a=1;access_token=x".to_owned(),
        format!("a={}", key.replacen('_', "%5F", 1)),
        format!("a=%zz%77{}", &key[1..]),
    ] {
        assert_eq!(ruled(&world, "", &format!("GET /ledger/entries?{query}\nhost: ledger.example")), "400 credential.in_query", "{query}");
    }
    // Whose key is to be replaced is on record, where it is one of ours; nothing is said of one that only looks like it.
    let whose = |key: &str| {
        let asked = Asked::parse(&format!("GET /ledger/entries?a=1&token={key}\nhost: ledger.example")).unwrap();
        let (facts, _) = world.judge(&asked, DAWN).unwrap();
        facts.caller.map(|caller| (caller.identity.id.to_string(), caller.credential.is_some()))
    };
    assert_eq!(whose(&key), Some(("ledger-sync".to_owned(), true)));
    assert_eq!(whose(&key.replacen('_', "%5F", 1)), Some(("ledger-sync".to_owned(), true)));
    assert_eq!(whose(&mistyped), None);
}

#[test]
fn a_key_of_ours_is_taken_only_where_the_api_takes_keys() {
    let plain = estate();
    let with = |upstream: &str| {
        let yaml = ESTATE.replacen("upstream: { urls: [http://127.0.0.1:9000], identity: assertion }", upstream, 1);
        assert_ne!(yaml, ESTATE);
        world(&yaml, POLICIES, ShippedLimits::Off).unwrap()
    };
    let named = with("upstream: { urls: [http://127.0.0.1:9000], identity: assertion }\n  api_key_header: X-Api-Key");
    let keep = with("upstream: { urls: [http://127.0.0.1:9000], identity: keep }");
    let observing = with("upstream: { urls: [http://127.0.0.1:9000], identity: assertion }\n  mode: observe");
    for (name, world, line, expected) in [
        ("plain", &plain, "x-api-key: KEY", "400 credential.misplaced"),
        ("plain", &plain, "authorization: Bearer KEY\nx-api-key: KEY", "400 credential.misplaced"),
        ("plain", &plain, "authorization: Bearer KEY\ncookie: a=1; key=KEY; b=2", "400 credential.misplaced"),
        ("plain", &plain, "authorization: Bearer KEY\nx-a: x\nx-a: prefixKEYsuffix", "400 credential.misplaced"),
        // What only looks like one is somebody else's.
        ("plain", &plain, "authorization: Bearer KEY\nx-api-key: BAD", "200 rule.allowed"),
        (
            "plain",
            &plain,
            "authorization: Bearer KEY\nx-note: wg_production_000000000000_and_so_on_and_so_on_and_so_on_and_so_on",
            "200 rule.allowed",
        ),
        ("named", &named, "x-api-key: KEY", "200 rule.allowed"),
        ("named", &named, "x-api-key: KEY\nauthorization: Bearer KEY", "400 credential.conflict"),
        ("named", &named, "x-other: KEY", "400 credential.misplaced"),
        // The upstream is to see what the client shows.
        ("keep", &keep, "authorization: Bearer KEY\nx-api-key: KEY", "200 rule.allowed"),
        ("observing", &observing, "x-api-key: KEY", "400 credential.misplaced (observed)"),
    ] {
        let key = world.key("ledger-sync");
        let bad = format!("{}{}", &key[..key.len() - 1], if key.ends_with('0') { '1' } else { '0' });
        let line = line.replace("KEY", key).replace("BAD", &bad);
        assert_eq!(ruled(world, "", &format!("{READ}\n{line}")), expected, "{name}: {line}");
    }
    for in_path in [plain.key("ledger-sync").to_owned(), plain.key("ledger-sync").replacen('_', "%5F", 2)] {
        let asked = format!("GET /ledger/entries/{in_path}\nhost: ledger.example\nauthorization: Bearer {}", plain.key("ledger-sync"));
        assert_eq!(ruled(&plain, "", &asked), "400 credential.misplaced");
    }
}

#[test]
fn an_anonymous_operation_still_refuses_a_bad_credential() {
    let world = estate();
    assert_eq!(ruled(&world, "", "GET /ledger/status\nhost: ledger.example"), "200 rule.allowed");
    assert_eq!(ruled(&world, "", "GET /ledger/status\nhost: ledger.example\nauthorization: Bearer abc"), "401 proof.unknown");
}

#[test]
fn a_key_is_bound_to_its_networks_and_ends_by_itself() {
    let world = estate();
    let judge = |peer: &str, after: Duration| {
        let asked = Asked::parse(READ).unwrap().bearer(world.key("ledger-sync")).from(peer.parse::<IpAddr>().unwrap());
        world.judge(&asked, DAWN + after).unwrap().1.ruling.reason().code()
    };
    assert_eq!(judge("127.0.0.1", Duration::ZERO), "rule.allowed");
    assert_eq!(judge("::ffff:127.0.0.1", Duration::ZERO), "rule.allowed");
    assert_eq!(judge("192.0.2.1", Duration::ZERO), "proof.source");
    assert_eq!(judge("127.0.0.1", Duration::from_hours(24 * 30) - Duration::from_micros(1)), "rule.allowed");
    assert_eq!(judge("127.0.0.1", Duration::from_hours(24 * 30)), "proof.expired");
}

#[test]
fn unknown_expired_and_mistyped_look_the_same_outside() {
    for reason in [Reason::ProofUnknown, Reason::ProofExpired, Reason::ProofRevoked, Reason::ProofChecksum] {
        assert_eq!(reason.outside().code(), "proof.invalid");
    }
}

#[test]
fn a_revoked_key_is_revoked_before_any_snapshot_says_so() {
    let world = estate();
    let id = world.key("ledger-sync").split('_').nth(2).and_then(CredentialId::parse).unwrap();
    world.denied.stop(Subject::Credential(id), DAWN);
    assert_eq!(ruled(&world, "ledger-sync", READ), "401 proof.revoked");
    assert_eq!(Reason::ProofRevoked.outside(), Reason::ProofUnknown.outside(), "as any bad key outside");
    world.denied.stop(Subject::Identity(world.identity("ledger-sync").unwrap()), DAWN);
    assert_eq!(ruled(&world, "ledger-sync", READ), "401 proof.revoked");
}

/// STANDARDS §1.14, by name: 10^5 unknown keys do not grow memory, whatever they come from.
#[test]
fn a_hundred_thousand_unknown_keys_grow_nothing() {
    use wardgate_model::id::EnvironmentName;
    use wardgate_proof::{
        api_key::{self, KeyKind},
        entropy::SystemEntropy,
    };
    const SOURCES: u8 = 8;
    let world = estate();
    let environment = EnvironmentName::literal("production");
    let refused = |number: u32, shown: &str| {
        let source = IpAddr::from([192, 0, 2, u8::try_from(number % u32::from(SOURCES)).unwrap()]);
        let asked = Asked::parse(READ).unwrap().bearer(shown).from(source);
        assert!(world.judge(&asked, DAWN).unwrap().1.permit.is_none());
    };
    let unknown = |number: u32| {
        let (_, key) = api_key::generate(KeyKind::ApiKey, &environment, &SystemEntropy).unwrap();
        refused(number, key.danger_expose());
    };
    (0..u32::from(SOURCES)).for_each(unknown);
    let meters = world.meters.len();
    assert!(meters <= 4 * usize::from(SOURCES), "{meters} meters");
    (0..100_000).for_each(unknown);
    assert_eq!(world.meters.len(), meters, "as many as there are sources, however many keys");
    assert_eq!((world.snapshot.possessions().count(), world.snapshot.spent().count()), (0, 0));
}
