use crate::config::Config;
use std::fs;

/// What is wrong with what a configuration names: `LINE:COLUMN what`.
fn look(place: &tempfile::TempDir, text: &str) -> Vec<String> {
    let file = place.path().join("wardgate.yaml");
    fs::write(&file, text).unwrap();
    let config = Config::read(&file).unwrap();
    let base = format!("{}/", place.path().display());
    let told = config.look_for_named().into_iter().map(|found| format!("{}: {}", found.place, found.what).replace(&base, ""));
    told.collect()
}

#[test]
fn what_is_named_is_looked_for() {
    let place = tempfile::tempdir().unwrap();
    let text = "
listeners:
  - { name: public, address: 127.0.0.1:8443, tls: { certificate: file:chain.pem, key: file:chain.key } }
secrets: { key: env:WARDGATE_TEST_NOT_SET }
audit:
  anchor:
    - { url: 'https://anchor.example.com', ca: file:anchor.pem }
  segments:
    s3:
      { endpoint: 'https://s3.example.com', bucket: evidence, access_key: env:WARDGATE_TEST_NOT_SET_EITHER, secret_key: file:bucket.key, ca: file:empty.pem }
";
    fs::write(place.path().join("empty.pem"), "").unwrap();
    insta::assert_snapshot!(look(&place, text).join("\n"), @"
    wardgate.yaml:3:66: `listeners[0].tls.certificate`: cannot read `chain.pem`: No such file or directory (os error 2)
    wardgate.yaml:3:87: `listeners[0].tls.key`: cannot read `chain.key`: No such file or directory (os error 2)
    wardgate.yaml:4:17: `secrets.key`: the variable `WARDGATE_TEST_NOT_SET` is not set
    wardgate.yaml:7:48: `audit.anchor[0].ca`: cannot read `anchor.pem`: No such file or directory (os error 2)
    wardgate.yaml:10:75: `audit.segments.s3.access_key`: the variable `WARDGATE_TEST_NOT_SET_EITHER` is not set
    wardgate.yaml:10:121: `audit.segments.s3.secret_key`: cannot read the file `bucket.key`: No such file or directory (os error 2)
    wardgate.yaml:10:142: `audit.segments.s3.ca`: `empty.pem` holds no authority: there is no certificate in it
    ");
    // What is there and good is not spoken of; nor is what nobody named.
    fs::write(place.path().join("secret"), "s3cret\n").unwrap();
    let good = "
listeners: [{ name: public, address: 127.0.0.1:8443 }]
audit: { segments: { s3: { endpoint: 'https://s3.example.com', bucket: evidence, access_key: AKID, secret_key: file:secret } } }
";
    assert_eq!(look(&place, good), [""; 0]);
}
