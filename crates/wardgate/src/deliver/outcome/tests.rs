use super::{Awaited, Outcome};
use crate::usage::scene::Scene;
use wardgate_model::id::SecretName;

#[test]
fn an_answer_tells_whether_the_upstream_took_the_secret() {
    for status in [200, 204, 301, 400, 404, 409, 422] {
        assert_eq!(Outcome::of(status), Some(Outcome::Taken), "{status}");
    }
    for status in [401, 403] {
        assert_eq!(Outcome::of(status), Some(Outcome::Refused(status)), "{status}");
    }
    for status in [407, 429, 500, 503] {
        assert_eq!(Outcome::of(status), None, "{status}");
    }
}

#[test]
fn only_requests_that_showed_the_new_secret_tell_of_it() {
    let (scene, legacy) = (Scene::new(), SecretName::literal("legacy"));
    let told = |since: u64, line: &str| {
        let mut awaited = Awaited::default();
        awaited.add(legacy.clone(), since);
        awaited.told(&scene.event(line)).map(|(name, outcome)| (name.clone(), outcome))
    };
    let taken = "+1s caller 10.0.0.1 GET /shop/things 200";
    assert_eq!(told(1, taken), Some((legacy.clone(), Outcome::Taken)));
    // Judged by a snapshot before: it may have shown the old one.
    assert_eq!(told(2, taken), None);
    assert_eq!(told(1, "+1s caller 10.0.0.1 GET /shop/things 401"), Some((legacy.clone(), Outcome::Refused(401))));
    assert_eq!(told(1, "+1s caller 10.0.0.1 GET /shop/things -"), None, "the upstream said nothing");
    assert_eq!(told(1, "+1s - 10.0.0.1 GET /shop/things 200"), None, "the upstream was never asked");
    assert_eq!(told(1, "+1s - 10.0.0.1 GET /old/things 200"), None, "another upstream");
    assert!(Awaited::default().told(&scene.event(taken)).is_none());
}
