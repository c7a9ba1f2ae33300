//! Idempotency keys: a `POST` that is sent twice takes effect once.
//!
//! A caller names its request with `Idempotency-Key`. The key only helps if it commits together with the
//! effect, so the doors do no more than read it: the layer here puts it into the task-local [`CURRENT`],
//! and whoever opens the database transaction of the effect asks [`current`] and stores it there. A key
//! that comes back with the same [`IdempotencyKey::fingerprint`] gets the first request's answer; with
//! another one it is refused with `idempotency_key_reused`.
//!
//! Task-locals do not follow `tokio::spawn`: what has to be idempotent runs in the request's own task.

use axum::{
    body::Bytes,
    extract::Request,
    http::{HeaderMap, Method},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use slipway_app::error::{ErrorCode, Problem};

use crate::http::{body::RawBody, problem::Refusal};

/// The header that carries the key (draft-ietf-httpapi-idempotency-key-header).
pub const HEADER: &str = "idempotency-key";

/// Longest key, in bytes: room for any UUID or hash a client may use, and a bounded column.
pub const KEY_LIMIT: usize = 255;

/// A request's name for itself, and what the request was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// 1 to [`KEY_LIMIT`] visible ASCII characters.
    pub key: String,
    /// SHA-256 (FIPS 180-4) of method, path with query, and body.
    pub fingerprint: [u8; 32],
}

tokio::task_local! {
    /// The key of the request that this task serves; unset where there is none.
    pub static CURRENT: IdempotencyKey;
}

/// The key of the request that this task serves, if it carries one.
pub fn current() -> Option<IdempotencyKey> {
    CURRENT.try_with(Clone::clone).ok()
}

impl IdempotencyKey {
    /// Reads the key of a request; `None` where it carries none.
    ///
    /// # Errors
    /// `invalid_request` when there are several keys, or one that is empty, too long or not visible ASCII.
    pub fn read(
        headers: &HeaderMap,
        method: &Method,
        path_and_query: &str,
        body: &[u8],
    ) -> Result<Option<IdempotencyKey>, Problem> {
        let mut values = headers.get_all(HEADER).iter();
        let Some(value) = values.next() else { return Ok(None) };
        let key = value.as_bytes();
        let is_legal = (1..=KEY_LIMIT).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
        if !is_legal || values.next().is_some() {
            return Err(Problem::new(
                ErrorCode::InvalidRequest,
                format!("Idempotency-Key takes one value of 1 to {KEY_LIMIT} visible ASCII characters."),
            ));
        }
        let key = String::from_utf8_lossy(key).into_owned();
        Ok(Some(IdempotencyKey { key, fingerprint: fingerprint(method, path_and_query, body) }))
    }
}

/// Each part is preceded by its length, so that no two requests can run into the same bytes.
fn fingerprint(method: &Method, path_and_query: &str, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [method.as_str().as_bytes(), path_and_query.as_bytes(), body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The axum layer: serves a `POST` that carries a key with [`CURRENT`] set. Stands inside the layer that
/// reads the body, whose bytes it needs.
pub async fn carry_key(request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let body = request.extensions().get::<RawBody>().map_or(Bytes::new(), |body| body.0.clone());
    match IdempotencyKey::read(request.headers(), request.method(), path, &body) {
        Ok(None) => next.run(request).await,
        Ok(Some(key)) => CURRENT.scope(key, next.run(request)).await,
        Err(problem) => Refusal(problem).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(values: &[&str]) -> Result<Option<IdempotencyKey>, Problem> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, value.parse().unwrap());
        }
        IdempotencyKey::read(&headers, &Method::POST, "/api/v1/cards", b"{}")
    }

    #[test]
    fn a_key_is_one_to_255_visible_characters() {
        assert_eq!(read(&[]).unwrap(), None);
        assert_eq!(read(&["a"]).unwrap().unwrap().key, "a");
        assert!(read(&[&"x".repeat(255)]).is_ok());
        for refused in [vec![""], vec!["two words"], vec!["a", "a"]] {
            assert_eq!(read(&refused).unwrap_err().code, ErrorCode::InvalidRequest, "{refused:?}");
        }
        assert!(read(&[&"x".repeat(256)]).is_err());
    }

    #[tokio::test]
    async fn the_key_is_there_within_its_scope_only() {
        assert_eq!(current(), None);
        let key = read(&["k"]).unwrap().unwrap();
        assert_eq!(CURRENT.scope(key.clone(), async { current() }).await, Some(key));
        assert_eq!(current(), None);
    }

    proptest! {
        /// Moving bytes from the path to the body makes another request.
        #[test]
        fn the_parts_of_a_fingerprint_do_not_run_together(path in "/[a-z]{0,6}", body in "[a-z]{1,6}") {
            let method = Method::POST;
            let apart = fingerprint(&method, &path, body.as_bytes());
            let joined = format!("{path}{body}");
            prop_assert_ne!(apart, fingerprint(&method, &joined, b""));
            prop_assert_ne!(apart, fingerprint(&Method::PUT, &path, body.as_bytes()));
            prop_assert_eq!(apart, fingerprint(&method, &path, body.as_bytes()));
        }
    }
}
