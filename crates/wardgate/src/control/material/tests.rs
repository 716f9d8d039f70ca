use super::mint_sign_in;
use crate::config::Config;
use std::fs;
use wardgate_proof::{entropy::SystemEntropy, keyring::Keyring};

#[tokio::test]
async fn no_credential_is_made_under_another_master_key() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("wardgate.yaml");
    fs::write(&file, "listeners: [{ name: public, address: 127.0.0.1:0 }]\nresources: []\n").unwrap();
    let config = Config::read(&file).unwrap();
    let another_key = || fs::write(directory.path().join("wardgate.key"), Keyring::generate(&SystemEntropy).unwrap().danger_expose());

    another_key().unwrap();
    mint_sign_in(&config).await.expect("the first key is the store's");
    mint_sign_in(&config).await.expect("the same key opens it");
    another_key().unwrap();
    let refused = mint_sign_in(&config).await.expect_err("another key does not");
    assert_eq!(refused.to_string(), "the signing key on record cannot be opened: is this another master key?");
}
