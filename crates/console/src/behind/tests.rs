use crate::call::testing::{Fixture, NOW};
use wardgate_model::{
    credential::{CredentialKind, KeyedHash},
    id::{CredentialId, EnvironmentName, IdentityId},
};
use wardgate_store::{Actor, NewCredential, Who};

/// Signs in by a path `rita < hank < root`: root issues a sign-in for hank, who signs in by it and issues one for rita, who
/// signs in by that. Whoever stands last uses its own session, `glass` the break-glass door. Gives who calls, for a request.
pub(crate) async fn sign_in(fixture: &Fixture, path: &str) -> String {
    let mut names = path.split(" < ").collect::<Vec<_>>().into_iter().rev();
    let mut caller = match names.next().unwrap() {
        "glass" => glass(fixture).await,
        own => own.to_owned(),
    };
    for name in names {
        let issued = format!("POST /api/v1/credentials as {caller}\n\n{{\"identity\":\"{name}\",\"kind\":\"sign_in\"}}");
        let issued = fixture.ask(&issued).await;
        assert!(issued.starts_with("201"), "{path}: {issued}");
        let key = Fixture::member(&issued, "id");
        let session = fixture.ask(&format!("POST /api/v1/sessions as {name} sign_in {key}")).await;
        caller = format!("{name} session {}", Fixture::member(&session, "id"));
    }
    caller
}

/// A session of the operator that the break-glass door gave; there is one at a time.
async fn glass(fixture: &Fixture) -> String {
    let new = NewCredential {
        id: CredentialId::parse("GLASS0000000").unwrap(),
        identity: IdentityId::literal("wardgate-operator"),
        name: "glass".into(),
        kind: CredentialKind::BreakGlass,
        environment: EnvironmentName::literal("production"),
        sources: Box::default(),
        hash: KeyedHash::new([6; 32]),
        expires: NOW + crate::SESSION,
        task: None,
    };
    let process = Actor::new(Who::Process, "break-glass");
    if fixture.store.credential(&new.id).await.is_err() {
        fixture.store.issue_credential(&process, new, NOW).await.unwrap();
    }
    "wardgate-operator break_glass GLASS0000000".into()
}

/// Lets `asks` ask for a waiver and `decides` agree; what is said.
async fn agree(fixture: &Fixture, asks: &str, decides: &str) -> String {
    let waiver = r#"{"spec":{"for":{"api":"shop"},"exempts":"rotation","until":"2030-01-01"}}"#;
    let asked = fixture.ask(&format!("PUT /api/v1/resources/Waiver/w as {asks}\n\n{waiver}")).await;
    let id = Fixture::member(&asked, "id");
    let said = fixture.ask(&format!("POST /api/v1/approvals/{id}/approve as {decides}\n\n{{}}")).await;
    if said.starts_with("200") { "does it".to_owned() } else { said }
}

/// Who asks, who decides, and by whose sign-ins: as the end of the matrix of the second person.
pub(crate) async fn matrix() -> String {
    let mut made = String::from("\na session · `a < b`: of a, by a sign-in that b issued · who asks | who decides\n\n");
    for (asks, decides) in [
        ("root", "rita"),
        ("root", "rita < hank"),
        ("root < hank", "rita"),
        ("root", "rita < root"),
        ("root", "rita < hank < root"),
        ("root < rita", "rita"),
        ("root < hank", "rita < hank"),
        ("root", "rita < rosa"),
        ("rosa < hank", "hank"),
        ("hank < wardgate-operator", "rita < wardgate-operator"),
        ("wardgate-operator", "rita < wardgate-operator"),
        ("hank", "rita < wardgate-operator"),
        ("wardgate-operator", "rita < glass"),
        ("hank < glass", "rita < glass"),
    ] {
        let fixture = Fixture::signed_in().await;
        if asks == "root < rita" {
            // Rita has not the role that it takes.
            let said = fixture.ask("POST /api/v1/credentials as rita\n\n{\"identity\":\"root\",\"kind\":\"sign_in\"}").await;
            made += &format!("{asks} | {decides}: {said}\n");
            continue;
        }
        let (asker, decider) = (sign_in(&fixture, asks).await, sign_in(&fixture, decides).await);
        made += &format!("{asks} | {decides}: {}\n", agree(&fixture, &asker, &decider).await);
    }
    made
}

#[tokio::test]
async fn the_first_sign_ins_are_handed_over() {
    let fixture = Fixture::with(["wardgate-operator"]).await;
    let rita = sign_in(&fixture, "rita < wardgate-operator").await;
    assert_eq!(agree(&fixture, "wardgate-operator", &rita).await, "does it", "somebody has to be the first");
    // From then on the operator is as anybody else.
    let fixture = Fixture::with(["wardgate-operator"]).await;
    sign_in(&fixture, "rita < wardgate-operator").await;
    let hank = sign_in(&fixture, "hank < wardgate-operator").await;
    let said = agree(&fixture, "wardgate-operator", &hank).await;
    assert!(said.starts_with("403 console.undecidable: `wardgate-operator` stands behind both"), "{said}");
}

#[tokio::test]
async fn a_role_that_comes_later_changes_nothing() {
    let fixture = Fixture::signed_in().await;
    let roles = async |roles: &str| {
        let spec = format!("{{\"spec\":{{\"owner\":\"cards\",\"roles\":{roles}}}}}");
        let said = fixture.ask(&format!("PUT /api/v1/resources/Identity/vera as hank\n\n{spec}")).await;
        let said = fixture.ask(&format!("POST /api/v1/approvals/{}/approve as rita\n\n{{}}", Fixture::member(&said, "id"))).await;
        assert!(said.starts_with("200"), "{said}");
    };
    roles(r#"["viewer"]"#).await;
    assert!(fixture.ask("POST /api/v1/identities/vera/approve as root\n\n{\"evidence\":\"ticket 1\"}").await.starts_with("200"));
    let vera = sign_in(&fixture, "vera < root").await;
    roles(r#"["viewer","security"]"#).await;
    let said = agree(&fixture, "root", &vera).await;
    assert!(said.starts_with("403 console.undecidable: `root` stands behind both `root`, who asked for this, and `vera`"), "{said}");
    // Nor does a sign-in that it issues for itself.
    let (_, session) = vera.split_once(' ').unwrap();
    let again = fixture.ask(&format!("POST /api/v1/credentials as vera {session}\n\n{{\"identity\":\"vera\",\"kind\":\"sign_in\"}}")).await;
    let session = fixture.ask(&format!("POST /api/v1/sessions as vera sign_in {}", Fixture::member(&again, "id"))).await;
    let said = fixture.ask("GET /api/v1/approvals?state=waiting as root").await;
    let id = said.split(r#""id":""#).nth(1).unwrap().split('"').next().unwrap().to_owned();
    let session = Fixture::member(&session, "id");
    let said = fixture.ask(&format!("POST /api/v1/approvals/{id}/approve as vera session {session}\n\n{{}}")).await;
    assert!(said.contains("`root` stands behind both"), "{said}");
    let said = fixture.ask(&format!("POST /api/v1/approvals/{id}/approve as rita session {session}\n\n{{}}")).await;
    assert!(said.contains("`root` stands behind both"), "what was shown counts, not whose it is said to be: {said}");
}

#[tokio::test]
async fn nobody_approves_an_identity_that_it_asked_for_as_another() {
    let fixture = Fixture::signed_in().await;
    let spec = r#"{"spec":{"owner":"cards"}}"#;
    assert!(fixture.ask(&format!("PUT /api/v1/resources/Identity/new as root\n\n{spec}")).await.starts_with("201"));
    let approve = async |who: &str| fixture.ask(&format!("POST /api/v1/identities/new/approve as {who}\n\n{{\"evidence\":\"t 1\"}}")).await;
    let oscar = sign_in(&fixture, "oscar < root").await;
    let said = approve(&oscar).await;
    assert!(said.starts_with("403 console.undecidable: `root` stands behind both `root`, who asked for this, and `oscar`"), "{said}");
    // Nor the other way round.
    assert!(fixture.ask(&format!("PUT /api/v1/resources/Identity/more as {oscar}\n\n{spec}")).await.starts_with("201"));
    let said = fixture.ask("POST /api/v1/identities/more/approve as root\n\n{\"evidence\":\"t 1\"}").await;
    assert!(said.contains("`root` stands behind both `oscar`"), "{said}");
    assert!(approve("op").await.starts_with("200"));
}

#[tokio::test]
async fn who_stands_behind_an_act_stands_behind_what_it_makes() {
    let fixture = Fixture::signed_in().await;
    let root = sign_in(&fixture, "root < hank").await;
    let spec = r#"{"spec":{"owner":"payments","roles":["viewer"]}}"#;
    let said = fixture.ask(&format!("PUT /api/v1/resources/Identity/new as {root}\n\n{spec}")).await;
    let said = fixture.ask(&format!("POST /api/v1/approvals/{}/approve as rita\n\n{{}}", Fixture::member(&said, "id"))).await;
    assert!(said.starts_with("200"), "{said}");
    let said = fixture.ask("POST /api/v1/identities/new/approve as hank\n\n{\"evidence\":\"t 1\"}").await;
    assert!(said.contains("`hank` stands behind both `root`"), "{said}");
}

#[tokio::test]
async fn a_session_that_is_not_on_record_decides_nothing() {
    let fixture = Fixture::signed_in().await;
    let said = agree(&fixture, "root", "rita session UNKNOWN00000").await;
    let wanted = "it is not known who armed the session of `rita`, it is older than that is kept: it has to sign in anew";
    assert_eq!(said, format!("403 console.undecidable: {wanted}"));
}
