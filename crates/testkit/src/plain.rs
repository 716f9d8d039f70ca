//! A plain reverse proxy: hyper's server, hyper-util's pooled client, nothing between them. It drops no header,
//! checks no framing, knows no caller and records nothing: never put it in front of anything.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, combinators::BoxBody};
use hyper::{
    Request, Response, StatusCode, Uri,
    body::Incoming,
    header::{self, HeaderValue},
    http::uri::{Authority, PathAndQuery, Scheme},
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use std::{convert::Infallible, io, net::SocketAddr};
use tokio::net::{TcpListener, TcpStream};

/// The way to the upstream. Clones share one pool of connections.
#[derive(Debug, Clone)]
struct Way {
    client: Client<HttpConnector, Incoming>,
    authority: Authority,
    host: HeaderValue,
}

/// Passes every request on to `upstream` until the task that runs it ends.
///
/// # Errors
/// When no more connections can be accepted.
pub async fn serve(listener: TcpListener, upstream: SocketAddr) -> io::Result<Infallible> {
    let way = Way::to(upstream)?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve_connection(stream, way.clone()));
    }
}

async fn serve_connection(stream: TcpStream, way: Way) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(|request| way.pass(request));
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

impl Way {
    fn to(upstream: SocketAddr) -> io::Result<Self> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let text = upstream.to_string();
        let authority = text.parse().map_err(io::Error::other)?;
        let host = HeaderValue::from_str(&text).map_err(io::Error::other)?;
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), authority, host })
    }

    /// An upstream that fails is a 502 without a body.
    async fn pass(&self, mut request: Request<Incoming>) -> Result<Response<BoxBody<Bytes, hyper::Error>>, http::Error> {
        *request.uri_mut() = self.uri(request.uri().path_and_query())?;
        request.headers_mut().insert(header::HOST, self.host.clone());
        match self.client.request(request).await {
            Ok(response) => Ok(response.map(Incoming::boxed)),
            Err(_) => Response::builder().status(StatusCode::BAD_GATEWAY).body(Empty::new().map_err(|never| match never {}).boxed()),
        }
    }

    fn uri(&self, path: Option<&PathAndQuery>) -> Result<Uri, http::Error> {
        let path = path.cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        Uri::builder().scheme(Scheme::HTTP).authority(self.authority.clone()).path_and_query(path).build()
    }
}

#[cfg(test)]
mod tests;
