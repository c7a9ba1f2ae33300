//! Request bodies: JSON only, read whole, bounded in size and time, before anything else looks at them.
//!
//! This stands in front of server functions and REST alike. A form or a plain-text body is what a foreign
//! page can send without asking first, so neither is ever parsed.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use slipway_app::error::{ErrorCode, Problem};

use super::problem::Refusal;

/// Largest request body, in bytes: a card's longest body (1 MiB), doubled for JSON's escapes.
pub const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// How much of a body that is too large is still read and thrown away, in bytes. A client that is cut off
/// while it sends often never reads the answer that says why.
const DRAIN_LIMIT: usize = 64 * 1024 * 1024;

/// How long a body may take: the longest one at a slow 100 KB/s, with room to spare.
const BODY_TIME: Duration = Duration::from_secs(30);

/// The bytes of a request's body, kept for layers that need them (idempotency).
#[derive(Clone, Debug)]
pub struct RawBody(pub Bytes);

/// The axum layer: lets a request through with its body in memory, or refuses it with
/// `unsupported_media_type`, `payload_too_large` or `invalid_request`.
pub async fn read_json_body(request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    if has_other_type(&parts.headers) {
        return refuse_media_type();
    }
    let bytes = match tokio::time::timeout(BODY_TIME, read(&parts.headers, body)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(problem)) => return Refusal(problem).into_response(),
        Err(_) => return Refusal::new(ErrorCode::InvalidRequest, "The body took too long to arrive.").into_response(),
    };
    if !bytes.is_empty() && !parts.headers.contains_key(header::CONTENT_TYPE) {
        return refuse_media_type();
    }
    parts.extensions.insert(RawBody(bytes.clone()));
    next.run(Request::from_parts(parts, Body::from(bytes))).await
}

fn refuse_media_type() -> Response {
    Refusal::new(ErrorCode::UnsupportedMediaType, "Bodies are JSON: send them with Content-Type: application/json.")
        .into_response()
}

/// Whether the request says that its body is something else than JSON.
fn has_other_type(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    types.any(|value| !value.to_str().is_ok_and(is_json))
}

/// `application/json` or `application/…+json`, with any parameters (RFC 6839).
fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence
        .strip_prefix("application/")
        .is_some_and(|subtype| subtype == "json" || (subtype.ends_with("+json") && subtype.len() > "+json".len()))
}

async fn read(headers: &HeaderMap, mut body: Body) -> Result<Bytes, Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > BODY_LIMIT) {
        // A client that asked first has sent nothing yet, and now won't.
        if !headers.contains_key(header::EXPECT) {
            drain(&mut body, DRAIN_LIMIT).await;
        }
        return Err(too_large());
    }
    match Limited::new(&mut body, BODY_LIMIT).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            drain(&mut body, DRAIN_LIMIT).await;
            Err(too_large())
        }
        Err(error) => {
            Err(Problem::new(ErrorCode::InvalidRequest, format!("The body broke off before its end: {error}.")))
        }
    }
}

fn too_large() -> Problem {
    let limit = BODY_LIMIT / (1024 * 1024);
    Problem::new(ErrorCode::PayloadTooLarge, format!("A request may hold {limit} MB; nothing of this one was kept."))
}

/// Reads and forgets at most `limit` bytes.
async fn drain(body: &mut Body, limit: usize) {
    let mut left = limit;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        if length > left {
            return;
        }
        left -= length;
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, http::StatusCode, middleware, routing::post};
    use tower::ServiceExt;

    use super::*;

    async fn send(media_type: Option<&str>, body: Body) -> StatusCode {
        let router = Router::new()
            .route("/", post(|body: Bytes| async move { body }))
            .layer(middleware::from_fn(read_json_body));
        let mut request = Request::post("/").body(body).unwrap();
        if let Some(media_type) = media_type {
            request.headers_mut().insert(header::CONTENT_TYPE, media_type.parse().unwrap());
        }
        router.oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn bodies_are_json() {
        for media_type in ["application/json", "application/json; charset=utf-8", "application/merge-patch+json"] {
            assert_eq!(send(Some(media_type), Body::from("{}")).await, StatusCode::OK, "{media_type}");
        }
        for media_type in
            ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/cbor"]
        {
            let refused = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            assert_eq!(send(Some(media_type), Body::from("{}")).await, refused, "{media_type}");
            assert_eq!(send(Some(media_type), Body::empty()).await, refused, "{media_type} without a body");
        }
        assert_eq!(send(None, Body::from("{}")).await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(send(None, Body::empty()).await, StatusCode::OK);
    }

    #[tokio::test]
    async fn bodies_are_bounded() {
        let json = Some("application/json");
        assert_eq!(send(json, Body::from(vec![b' '; BODY_LIMIT])).await, StatusCode::OK);
        assert_eq!(send(json, Body::from(vec![b' '; BODY_LIMIT + 1])).await, StatusCode::PAYLOAD_TOO_LARGE);
        let chunks = futures::stream::iter((0..10).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 1 << 20]))));
        assert_eq!(send(json, Body::from_stream(chunks)).await, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_refused() {
        let broken = futures::stream::iter([Ok(Bytes::from("{")), Err(std::io::Error::other("gone"))]);
        assert_eq!(send(Some("application/json"), Body::from_stream(broken)).await, StatusCode::BAD_REQUEST);
    }
}
