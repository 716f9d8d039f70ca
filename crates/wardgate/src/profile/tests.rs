use super::{Glass, Held, Profile, Renewal, Session};
use std::{fs, os::unix::fs::PermissionsExt as _};
use wardgate_model::{secret::Secret, time::Time};

fn profile() -> Profile {
    let session = Session { token: Secret::new("wgs_b".into()), expires: Time::from_seconds(1_900_000_000), renewal: Renewal::Possible };
    Profile { url: "http://127.0.0.1:9080".into(), sign_in: Some(Secret::new("wga_a".into())), session: Some(session) }
}

#[test]
fn a_profile_is_found_from_below_and_is_private() {
    let top = tempfile::tempdir().unwrap();
    let below = top.path().join("a/b");
    fs::create_dir_all(&below).unwrap();
    assert!(Held::find(&below).unwrap().is_none_or(|held| !held.path().starts_with(top.path())));

    let held = Held::beside(&top.path().join("wardgate.yaml")).unwrap();
    assert_eq!(held.read().unwrap(), None);
    held.write(&profile()).unwrap();
    let path = held.path();
    drop(held);

    let held = Held::find(&below).unwrap().unwrap();
    assert_eq!(held.path(), path);
    assert_eq!(held.read().unwrap(), Some(profile()));
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    insta::assert_snapshot!(fs::read_to_string(&path).unwrap(), @r#"
    {
      "url": "http://127.0.0.1:9080",
      "sign_in": "wga_a",
      "session": "wgs_b",
      "expires": "2030-03-17T17:46:40Z"
    }
    "#);
}

#[test]
fn a_profile_that_others_can_read_is_not_used() {
    let top = tempfile::tempdir().unwrap();
    let held = Held::beside(&top.path().join("wardgate.yaml")).unwrap();
    held.write(&profile()).unwrap();
    fs::set_permissions(held.path(), fs::Permissions::from_mode(0o640)).unwrap();
    let error = held.read().unwrap_err().to_string();
    assert!(error.contains("can be read by others") && error.contains("chmod 600"), "{error}");
    // Writing it anew makes it private again.
    held.write(&profile()).unwrap();
    assert!(held.read().unwrap().is_some());
}

#[test]
fn what_is_no_profile_is_told() {
    let wrong = |text: &str| Profile::parse(text).unwrap_err().to_string();
    insta::assert_snapshot!(wrong("{"), @"EOF while parsing an object at line 1 column 1");
    insta::assert_snapshot!(wrong(r#"{"url":"u","token":"t"}"#), @"unknown field `token`, expected one of `url`, `sign_in`, `session`, `expires`, `renewed` at line 1 column 18");
    insta::assert_snapshot!(wrong(r#"{"url":"u","session":"t"}"#), @"a session without `expires`");
    insta::assert_snapshot!(wrong(r#"{"url":"u","session":"t","expires":"soon"}"#), @"`soon` is no moment");
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", profile());
    assert!(!shown.contains("wgs_b") && !shown.contains("wga_a"), "{shown}");
}

#[test]
fn a_break_glass_session_stands_beside_the_profile_and_ends_by_itself() {
    let top = tempfile::tempdir().unwrap();
    let held = Held::beside(&top.path().join("wardgate.yaml")).unwrap();
    held.write(&profile()).unwrap();
    let end = Time::from_seconds(1_800_000_000);
    let glass = Glass {
        url: "http://127.0.0.1:9080".into(),
        session: Session { token: Secret::new("wgb_c".into()), expires: end, renewal: Renewal::Never },
    };
    held.keep_glass(glass.clone()).unwrap();
    assert_eq!(fs::metadata(held.glass_path()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(held.glass(Time::from_seconds(1_799_999_999)).unwrap(), Some(glass));
    assert_eq!(held.read().unwrap(), Some(profile()), "the profile is as it was");
    assert_eq!(held.glass(end).unwrap(), None);
    assert!(!held.glass_path().exists(), "what is over is forgotten");
    held.forget_glass().unwrap();
}

#[test]
fn a_break_glass_session_is_found_where_there_is_no_profile() {
    let top = tempfile::tempdir().unwrap();
    let held = Held::beside(&top.path().join("wardgate.yaml")).unwrap();
    let session = Session { token: Secret::new("wgb_c".into()), expires: Time::from_seconds(1_900_000_000), renewal: Renewal::Possible };
    held.keep_glass(Glass { url: "http://127.0.0.1:9080".into(), session }).unwrap();
    drop(held);
    let found = Held::find(top.path()).unwrap().unwrap();
    assert!(found.read().unwrap().is_none() && found.glass(Time::from_seconds(1)).unwrap().is_some());
}
