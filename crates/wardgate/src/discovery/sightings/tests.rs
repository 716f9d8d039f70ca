use super::{CALLERS_MAX, KEYS_OF_NETWORK_MAX, Sightings, name_of_key};
use crate::usage::scene::{Scene, at};
use wardgate_model::{
    credential::CredentialKind,
    facts::{DISCOVERED_BYTES_MAX, Unknown},
    id::{CredentialId, TrustName},
};
use wardgate_store::SeenUnknown;

/// What is ready to be noted, a line each: by what, how often, first to last, of which environment, what was called, from where.
fn told(sightings: &mut Sightings, now: u64) -> Vec<String> {
    let dawn = at(0);
    let ready = sightings.ready(at(now));
    let mut lines: Vec<String> = ready
        .iter()
        .map(|seen| {
            let apis: Vec<_> = seen.apis.iter().map(ToString::to_string).collect();
            let (first, last) = (seen.first.since(dawn).as_secs(), seen.last.since(dawn).as_secs());
            let environment = seen.environment.as_ref().unwrap();
            format!(
                "{} {}× +{first}..+{last} {environment} {} {} {}",
                seen.what.as_str(),
                seen.count,
                apis.join(","),
                seen.sources.join(","),
                if seen.hash.is_some() { "hash" } else { "-" }
            )
        })
        .collect();
    lines.sort();
    lines
}

fn check(requests: &[&str], expected: &[&str]) -> Sightings {
    let scene = Scene::new();
    let mut sightings = Sightings::default();
    for request in requests {
        sightings.see(&scene.event(request));
    }
    assert_eq!(told(&mut sightings, 100), expected);
    sightings
}

#[test]
fn a_refused_key_is_worth_noting_when_it_comes_again_and_again() {
    let twice = ["+1s key=abc 10.0.0.1 GET /shop/things 200", "+2s key=abc 10.0.1.1 GET /shop/things/7 200"];
    check(&twice, &[]);
    let thrice = [twice[0], twice[1], "+3s key=abc 10.0.0.2 DELETE /shop/things/7 200"];
    check(&thrice, &["key 3× +1..+3 production shop 10.0.0.0/24,10.0.1.0/24 hash"]);
    // Three keys seen once each are none that came again.
    check(&["+1s key=abc 10.0.0.1 GET /shop/things 200", "+1s key=abd 10.0.0.1 GET /shop/things 200"], &[]);
}

#[test]
fn what_the_upstream_takes_under_observe_is_worth_noting_at_once() {
    check(&["+1s key=abc 10.0.0.1 GET /old/things 200"], &["key 1× +1..+1 production old 10.0.0.0/24 hash"]);
    check(&["+1s - 10.0.0.1 GET /old/things 404"], &["source 1× +1..+1 production old 10.0.0.0/24 -"]);
    // The upstream knows it no more than we do, or says nothing.
    for status in ["401", "403", "429", "503", "-"] {
        check(&[&format!("+1s key=abc 10.0.0.1 GET /old/things {status}")], &[]);
    }
}

#[test]
fn who_shows_nothing_is_told_by_its_network_and_only_where_something_is_needed() {
    let refused = "+1s - 10.0.0.1 GET /shop/things 200";
    check(&[refused, refused, "+2s - 10.0.0.9 GET /shop/things/7 200"], &["source 3× +1..+2 production shop 10.0.0.0/24 -"]);
    let scanned = "+1s - 10.0.0.1 GET /shop/wp-login.php 200";
    check(&[scanned; 9], &[]);
    // A key of our own form that is none on record is a guess or a mistake, not a caller to be claimed.
    let mistyped =
        "+1s key=wg_production_AAAAAAAAAAAA_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA 10.0.0.1 GET /shop/things 200";
    check(&[mistyped; 9], &[]);
}

#[test]
fn what_was_handed_over_is_told_again_only_when_it_was_seen_again() {
    let mut sightings = check(&["+1s key=abc 10.0.0.1 GET /old/things 200"], &["key 1× +1..+1 production old 10.0.0.0/24 hash"]);
    assert!(told(&mut sightings, 101).is_empty());
    sightings.see(&Scene::new().event("+102s key=abc 10.0.0.1 GET /shop/things 200"));
    assert_eq!(told(&mut sightings, 103), ["key 1× +1..+102 production old,shop 10.0.0.0/24 hash"]);
}

#[test]
fn a_flood_of_made_up_keys_fills_nothing_and_hides_nobody() {
    let scene = Scene::new();
    let mut sightings = Sightings::default();
    for number in 0..2 * KEYS_OF_NETWORK_MAX {
        sightings.see(&scene.event(&format!("+1s key=made-up-{number} 10.0.0.1 GET /shop/things 200")));
    }
    assert_eq!((sightings.callers.len(), sightings.dropped()), (KEYS_OF_NETWORK_MAX, u64::try_from(KEYS_OF_NETWORK_MAX).unwrap()));
    // From everywhere, to everything.
    for number in 0..2 * CALLERS_MAX {
        let (a, b) = (number / 256, number % 256);
        sightings.see(&scene.event(&format!("+1s key=made-up-{number} 10.{a}.{b}.1 GET /shop/things 200")));
    }
    assert!(sightings.callers.len() <= CALLERS_MAX, "{}", sightings.callers.len());
    assert!(told(&mut sightings, 2).is_empty(), "nothing of it is worth noting");
    // A minute later those that came once only have made room for one that comes again.
    for second in 70..73 {
        sightings.see(&scene.event(&format!("+{second}s key=real 10.200.0.1 GET /shop/things 200")));
    }
    assert_eq!(told(&mut sightings, 80), ["key 3× +70..+72 production shop 10.200.0.0/24 hash"]);
}

#[test]
fn a_key_has_one_name_and_another_key_another() {
    let name = |id: &str| name_of_key(&CredentialId::parse(id).unwrap()).unwrap().to_string();
    assert_eq!(name("aB3dE5gH7jK9"), name("aB3dE5gH7jK9"));
    assert_ne!(name("aB3dE5gH7jK9"), name("ab3dE5gH7jK9"));
    let shape = name("aB3dE5gH7jK9");
    assert_eq!(shape.len(), "discovered-".len() + 12, "{shape}");
}

#[test]
fn a_genuine_subject_that_stands_for_nobody_is_told_by_itself_and_bounded() {
    let (scene, mut sightings, ci) = (Scene::new(), Sightings::default(), TrustName::literal("ci"));
    let show = |sightings: &mut Sightings, when: u64, subject: &str, kind| {
        let mut event = scene.event(&format!("+{when}s key=abc 10.0.0.1 GET /shop/things 200"));
        event.facts.unknown = Unknown::subject(&ci, subject, kind).map(Box::new);
        sightings.see(&event)
    };
    for when in 1..=3 {
        show(&mut sightings, when, "repo:acme/new", CredentialKind::Oidc);
        show(&mut sightings, when, "spiffe://acme.example/new", CredentialKind::X509);
    }
    show(&mut sightings, 4, "repo:acme/once", CredentialKind::Oidc);
    let ready = sightings.ready(at(10));
    let said = |seen: &SeenUnknown| format!("{} {} {}", seen.what.as_str(), seen.count, seen.vouched.as_ref().unwrap().subject);
    let mut found: Vec<_> = ready.iter().map(said).collect();
    found.sort();
    assert_eq!(found, ["certificate 3 spiffe://acme.example/new", "subject 3 repo:acme/new"]);
    assert!(ready[0].id != ready[1].id && ready.iter().all(|seen| seen.id.as_str().starts_with("discovered-") && seen.hash.is_none()));
    for unfit in ["", "repo:acme/*", "a\nb", &"x".repeat(DISCOVERED_BYTES_MAX + 1)] {
        assert!(Unknown::subject(&ci, unfit, CredentialKind::Oidc).is_none(), "{unfit:?}");
    }
    for number in 0..3 * KEYS_OF_NETWORK_MAX {
        show(&mut sightings, 20, &format!("repo:flood/{number}"), CredentialKind::Oidc);
    }
    assert!(sightings.callers.len() <= KEYS_OF_NETWORK_MAX && sightings.dropped() > 0, "one network");
}
