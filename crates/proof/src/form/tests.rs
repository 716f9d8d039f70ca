use super::{Form, FormFault, PARAMETERS_MAX, decoded};
use proptest::prelude::*;

#[test]
fn a_form_is_read() {
    let form =
        Form::read(b"grant_type=client_credentials&scope=read+list&resource=https%3A%2F%2Fa&resource=b&empty=&&flag").expect("a form");
    assert_eq!(form.one("grant_type"), Some("client_credentials"));
    assert_eq!(form.one("scope"), Some("read list"));
    assert_eq!(form.all("resource").collect::<Vec<_>>(), ["https://a", "b"]);
    // RFC 6749 §3.2: without a value it is omitted.
    assert_eq!((form.one("empty"), form.one("flag"), form.one("none")), (None, None, None));
    assert_eq!((form.repeated(&["resource"]), form.repeated(&[])), (None, Some("resource")));
}

/// STANDARDS §1.1: `scope=a&scope=b` is an invalid request, escaped or not, with a value or without.
#[test]
fn what_stands_there_twice_is_seen() {
    for text in ["scope=a&scope=b", "scope=a&sc%6Fpe=a", "scope=&scope=a", "scope&scope"] {
        assert_eq!(Form::read(text.as_bytes()).expect("a form").repeated(&["resource"]), Some("scope"), "{text}");
    }
}

#[test]
fn what_cannot_be_read_in_one_way_is_no_form() {
    for text in [&b"a=%"[..], b"a=%2", b"a=%zz", b"a=%ff", b"a=\xff", b"a=%00", b"a=b\nc", b"%0d=a", b"a=%+1"] {
        assert_eq!(Form::read(text), Err(FormFault::Encoding), "{}", text.escape_ascii());
    }
    assert_eq!(Form::read(&vec![b'a'; super::FORM_BYTES_MAX + 1]), Err(FormFault::TooLong));
    let many = "a=b&".repeat(PARAMETERS_MAX);
    assert!(Form::read(many.as_bytes()).is_ok());
    assert_eq!(Form::read((many + "a=b").as_bytes()), Err(FormFault::TooMany));
}

proptest! {
    #[test]
    fn any_text_comes_back_from_its_escapes(text in "\\PC{0,64}") {
        let escaped: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let plain = decoded(&escaped);
        if text.chars().any(char::is_control) {
            prop_assert_eq!(plain, Err(FormFault::Encoding));
        } else {
            prop_assert_eq!(plain.expect("a text"), text);
        }
    }

    #[test]
    fn arbitrary_bytes_end_in_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        if let Ok(form) = Form::read(&bytes) {
            prop_assert!(form.values().all(|value| !value.chars().any(char::is_control)));
        }
    }
}
