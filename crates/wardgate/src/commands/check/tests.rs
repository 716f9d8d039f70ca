use super::look;
use crate::cli::{CheckArgs, ConfigArgs, Output, OutputArgs};

const OWNED: &str = "kind: Owner\nname: platform\nspec: { accountable: lead@example.com }\n---\nkind: Environment\nname: production\nspec: { production: true }\n";

fn check(sign_in: &str) -> String {
    let place = tempfile::tempdir().unwrap();
    let yaml = format!(
        "listeners: [{{ name: public, address: 127.0.0.1:8443 }}]\nresources: [resources/]\nadmin: {{ sign_in: {{ issuer: 'https://id.example', client_id: gate, roles: {{ admins: [admin] }}, {sign_in} }} }}\n"
    );
    std::fs::create_dir(place.path().join("resources")).unwrap();
    std::fs::write(place.path().join("resources/owned.yaml"), OWNED).unwrap();
    let config = place.path().join("wardgate.yaml");
    std::fs::write(&config, yaml).unwrap();
    let args = CheckArgs { config: ConfigArgs { config }, output: OutputArgs { output: Output::Table }, directories: Vec::new() };
    let (found, counted) = look(&args);
    assert!(counted.is_some(), "{found:?}");
    let said = found.iter().filter(|diagnostic| diagnostic.code == "config.sign_in");
    said.map(|diagnostic| format!("{}; {}\n", diagnostic.what, diagnostic.mend.as_deref().unwrap_or_default())).collect()
}

#[test]
fn who_signs_in_acts_for_somebody_declared() {
    assert_eq!(check("owner: platform, owners: { people: platform }, environment: production"), "");
    insta::assert_snapshot!(check("owner: plattform, owners: { people: cards }, environment: prod"), @"
    `admin.sign_in.owner`: no file declares the Owner `plattform`: who signs in for it is not let in; did you mean `platform`? Else declare it, here or by the management API
    `admin.sign_in.owners.people`: no file declares the Owner `cards`: who signs in for it is not let in; declare it, here or by the management API
    `admin.sign_in.environment`: no file declares the Environment `prod`: who signs in for it is not let in; declare it, here or by the management API
    ");
}
