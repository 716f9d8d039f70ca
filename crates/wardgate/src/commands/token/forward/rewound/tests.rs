use super::{REMEMBERED_MAX, Rewound};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame};
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::sync::mpsc;

/// A body whose pieces come one by one.
struct Pieces(mpsc::Receiver<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|data| Ok(Frame::data(data))))
    }
}

#[expect(clippy::disallowed_methods, reason = "a small body of the test")]
async fn read<B: Body<Data = Bytes, Error: Into<super::Broken>> + Unpin>(body: Rewound<B>) -> Bytes {
    body.collect().await.unwrap().to_bytes()
}

#[tokio::test]
async fn a_small_body_is_sent_once_more_and_a_large_one_is_not() {
    for (length, again) in [(0, true), (1, true), (REMEMBERED_MAX, true), (REMEMBERED_MAX + 1, false)] {
        let body = Rewound::new(Full::new(Bytes::from(vec![b'a'; length])));
        assert_eq!(body.size_hint().exact(), u64::try_from(length).ok());
        let kept = body.same();
        assert_eq!(read(body).await.len(), length);
        let second = kept.again();
        assert_eq!(second.is_some(), again, "{length}");
        if let Some(second) = second {
            assert_eq!(second.size_hint().exact(), u64::try_from(length).ok());
            assert_eq!(read(second).await.len(), length);
        }
    }
}

#[tokio::test]
async fn it_is_over_when_the_last_of_it_was_handed_on() {
    assert!(Rewound::new(Full::new(Bytes::new())).is_over());
    // Of a known length: whoever sends it asks for no more than that.
    let mut whole = Rewound::new(Full::new(Bytes::from_static(b"one")));
    let watched = whole.same();
    assert!(!watched.is_over());
    whole.frame().await.unwrap().unwrap();
    assert!(watched.is_over());
    // Of one that is not known the end has to come.
    let (pieces, source) = mpsc::channel(4);
    let mut body = Rewound::new(Pieces(source));
    let watched = body.same();
    pieces.send(Bytes::from_static(b"one")).await.unwrap();
    body.frame().await.unwrap().unwrap();
    assert!(!watched.is_over());
    drop(pieces);
    assert!(body.frame().await.is_none() && watched.is_over());
}

#[tokio::test]
async fn an_empty_body_says_so_at_once() {
    assert!(Rewound::new(Full::new(Bytes::new())).is_end_stream());
    assert!(!Rewound::new(Full::new(Bytes::from_static(b"a"))).is_end_stream());
}

/// A request is never sent in two halves: whoever had begun with the body is broken off when it is begun anew.
#[tokio::test]
async fn whoever_reads_still_is_broken_off_when_it_is_begun_anew() {
    let (pieces, source) = mpsc::channel(4);
    let mut first = Rewound::new(Pieces(source));
    let kept = first.same();
    pieces.send(Bytes::from_static(b"one")).await.unwrap();
    assert_eq!(first.frame().await.unwrap().unwrap().into_data().unwrap(), "one");
    let second = kept.again().unwrap();
    assert!(first.frame().await.unwrap().is_err());
    pieces.send(Bytes::from_static(b"two")).await.unwrap();
    drop(pieces);
    assert!(first.frame().await.unwrap().is_err());
    assert_eq!(read(second).await, "onetwo");
}
