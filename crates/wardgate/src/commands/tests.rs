use super::{ended, told};
use crate::{
    client::{Address, ClientFault, Refusal},
    output::Exit,
};
use anyhow::Context as _;
use http::StatusCode;

#[test]
fn a_cause_is_said_once() {
    let cause = || std::io::Error::other("address in use");
    let said = anyhow::Error::from(cause()).context("cannot listen: address in use").context("nothing is served");
    assert_eq!(told(&said), "nothing is served: cannot listen: address in use");
    assert_eq!(told(&Err::<(), _>(cause()).context("cannot listen").unwrap_err()), "cannot listen: address in use");
}

#[test]
fn what_was_typed_wrongly_is_invalid_input() {
    let refused = |status| {
        let refusal = Refusal {
            status,
            code: None,
            detail: String::new(),
            remedy: None,
            request_id: None,
            diagnostics: Vec::new(),
            legal: Vec::new(),
            of: None,
        };
        ended(&anyhow::Error::from(ClientFault::from(Box::new(refusal))).context("around it"))
    };
    assert_eq!(refused(StatusCode::BAD_REQUEST), Exit::Invalid);
    assert_eq!(refused(StatusCode::UNPROCESSABLE_ENTITY), Exit::Invalid);
    assert_eq!(refused(StatusCode::NOT_FOUND), Exit::Failed);
    assert_eq!(refused(StatusCode::CONFLICT), Exit::Failed);
    assert_eq!(ended(&Address::parse("https://elsewhere").unwrap_err().into()), Exit::Invalid);
    assert_eq!(ended(&anyhow::anyhow!("the disk is full")), Exit::Failed);
}
