//! The server around it.

use super::assertion::Verifier;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use std::{convert::Infallible, io, io::Write as _, sync::Arc};
use tokio::net::TcpListener;

/// Answers only what came through the gate.
pub(crate) async fn serve(listener: TcpListener, verifier: Arc<Verifier>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let verifier = Arc::clone(&verifier);
        let service = service_fn(move |request| {
            let verifier = Arc::clone(&verifier);
            async move { Ok::<_, Infallible>(answer(&verifier, &request).await) }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new());
        // A client that breaks off is its own business.
        tokio::spawn(async move { drop(http.serve_connection(TokioIo::new(stream), service).await) });
    }
}

async fn answer(verifier: &Verifier, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let (status, document) = match verifier.verify(request.headers(), request.method(), request.uri().path()).await {
        Ok(claims) => (StatusCode::OK, json!({ "hello": claims.sub })),
        Err(why) => {
            let _to_whom_it_may_concern = writeln!(io::stdout(), "refused {} {}: {why}", request.method(), request.uri().path());
            (StatusCode::UNAUTHORIZED, json!({ "error": "this is answered through the gate only" }))
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(document.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Wardgate"));
    }
    response
}
