use super::{ErasureState, Erasures, told};
use std::sync::Arc;
use wardgate_audit::{
    note::Signer,
    seal::{Seal, SealError},
    segment::SegmentError,
    sink::{Log, Options, Writer},
    store::StoreError,
};
use wardgate_console::{Code, Erasure, ErasureView, Problem};
use wardgate_model::id::IdentityId;
use wardgate_proof::{keyring::Keyring, log_key::LogKey};

/// A log that nobody seals: an erasure is under way until it is closed.
fn unsealed(place: &std::path::Path) -> (Arc<Erasures>, Writer) {
    let (log, writer) = Log::start(place, &Options::new("edge-1")).unwrap();
    (Erasures::new(&log, place), writer)
}

fn ask(erasures: &Arc<Erasures>, subject: &str) -> Result<ErasureView, Problem> {
    let actor = IdentityId::parse("rosa").unwrap();
    erasures.begin(Erasure { subject: subject.to_owned(), reason: "asked for".into(), own: vec![actor.clone()], actor })
}

#[tokio::test]
async fn one_is_under_way_at_a_time_and_who_asks_for_the_same_joins_it() {
    let place = tempfile::tempdir().unwrap();
    let (erasures, writer) = unsealed(place.path());
    let first = ask(&erasures, "source:192.0.2.7").unwrap();
    assert_eq!((first.state, first.id.len(), first.events, first.outstanding), (ErasureState::Running, 32, 0, None));
    // However it is written.
    assert_eq!(ask(&erasures, " source:192.0.2.7 ").unwrap(), first);
    assert_eq!(erasures.read(&first.id).await.unwrap(), first);
    let other = ask(&erasures, "person:ab12").unwrap_err();
    assert_eq!(other.code, Code::Busy);
    assert!(other.detail.contains(&first.id) && other.detail.contains("of another subject is under way since"), "{other:?}");
    assert_eq!(ask(&erasures, "colour:red").unwrap_err().code, Code::Unfit);
    assert_eq!(erasures.read("0123").await, None);
    drop(writer);
}

#[tokio::test]
async fn how_it_ended_is_told_until_the_process_ends() {
    let place = tempfile::tempdir().unwrap();
    let key = Key(Keyring::new([7; 32]).log_key("edge-1"));
    let (log, _writer) = Log::start(place.path(), &Options { seal: Some(Seal(Arc::new(key))), ..Options::new("edge-1") }).unwrap();
    let erasures = Erasures::new(&log, place.path());
    let id = ask(&erasures, "source:192.0.2.7").unwrap().id;
    let ended = loop {
        match erasures.read(&id).await.unwrap() {
            view if view.state != ErasureState::Running => break view,
            _ => tokio::task::yield_now().await,
        }
    };
    assert_eq!((ended.state, ended.code, ended.failed, ended.outstanding), (ErasureState::Done, None, 0, Some(0)));
    assert!(ended.ended.is_some());
    assert_ne!(ask(&erasures, "source:192.0.2.7").unwrap().id, id, "what is over is not joined");
}

/// A key that signs nothing that anybody believes.
struct Key(LogKey);

impl Signer for Key {
    fn name(&self) -> &str {
        "wardgate/edge-1"
    }

    fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.0.sign(text)
    }

    fn public(&self) -> [u8; 32] {
        self.0.public()
    }
}

#[test]
fn why_not_all_was_erased_is_told() {
    let (code, detail) = told(&SealError::Unsealed { path: "/srv/audit/segments/events-000000000001.parquet".into() });
    assert_eq!(code, Code::Conflict);
    assert!(detail.starts_with("`events-000000000001.parquet` is not what was sealed"), "{detail}");
    let away = StoreError::Away { object: "s3://evidence/a".to_owned(), why: "no answer".to_owned() };
    let (code, detail) = told(&SealError::Segment(SegmentError::Store { path: "a".into(), error: away }));
    assert_eq!(code, Code::Fault);
    assert!(detail.starts_with("the object `s3://evidence/a` cannot be reached: no answer: nothing was erased from it"), "{detail}");
}
