use super::{REMEMBERED_MAX, Rewound};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Body as _;

#[expect(clippy::disallowed_methods, reason = "a small body of the test")]
async fn read(body: Rewound<Full<Bytes>>) -> Bytes {
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
async fn an_empty_body_says_so_at_once() {
    assert!(Rewound::new(Full::new(Bytes::new())).is_end_stream());
    assert!(!Rewound::new(Full::new(Bytes::from_static(b"a"))).is_end_stream());
}
