//! The headers that every response carries, and the pages' Content-Security-Policy.
//!
//! Deliberately absent: CORS headers. No other origin has any business here.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{problem::Refusal, session::random_hex};

/// The nonce of this response's scripts (CSP level 3). Every request carries one as an extension; the
/// page renderer puts it on its inline scripts, and the header names the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CspNonce(pub String);

/// Bytes of a nonce: 128 bits, as CSP level 3 asks.
const NONCE_BYTES: usize = 16;

/// What anything that is no page may do if a browser shows it: nothing.
const INERT_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox";

/// The same on every response. Sources: OWASP Secure Headers, Fetch (nosniff, CORP), HTML (COOP).
const ALWAYS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The axum layer, outermost: every response, refusals included, leaves through here. A handler's own
/// Content-Security-Policy and Cache-Control stay.
pub async fn secure(mut request: Request, next: Next) -> Response {
    let nonce = match random_hex::<NONCE_BYTES>() {
        Ok(nonce) => CspNonce(nonce),
        Err(problem) => return Refusal(problem).into_response(),
    };
    let host = request.headers().get(header::HOST).cloned();
    request.extensions_mut().insert(nonce.clone());
    let mut response = next.run(request).await;
    let is_page = is_html(response.headers());
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        let policy = if is_page { page_policy(&nonce, host.as_ref()) } else { INERT_POLICY.to_owned() };
        let policy = HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(INERT_POLICY));
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn is_html(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.trim_start().to_ascii_lowercase().starts_with("text/html")
}

/// A page runs our own scripts and those with the nonce, compiles WebAssembly, and talks to this server.
/// `style` attributes are allowed: widths of meters come server-rendered in them, and they run nothing.
fn page_policy(nonce: &CspNonce, host: Option<&HeaderValue>) -> String {
    // 'self' covers the WebSocket too, but not in every browser that is still around.
    let socket = host.and_then(|host| host.to_str().ok()).filter(|host| is_plain_host(host));
    let socket = socket.map(|host| format!(" ws://{host}")).unwrap_or_default();
    let nonce = &nonce.0;
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
         style-src 'self' 'nonce-{nonce}'; style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; \
         manifest-src 'self'; connect-src 'self'{socket}; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'; object-src 'none'"
    )
}

/// Whether a `Host` value can stand in a policy without ending a directive.
fn is_plain_host(host: &str) -> bool {
    host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
}

#[cfg(test)]
mod tests {
    use axum::{Extension, Router, body::Body, middleware, response::Html, routing::get};
    use tower::ServiceExt;

    use super::*;

    async fn answer(path: &str) -> Response {
        let page = |Extension(nonce): Extension<CspNonce>| async move { Html(nonce.0) };
        let own = || async { ([(header::CONTENT_SECURITY_POLICY, "sandbox"), (header::CACHE_CONTROL, "private")], "") };
        let router = Router::new()
            .route("/page", get(page))
            .route("/own", get(own))
            .route("/json", get(|| async { axum::Json(1) }))
            .layer(middleware::from_fn(secure));
        let request = Request::get(path).header("host", "localhost:4747").body(Body::empty()).unwrap();
        router.oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn every_response_is_locked_down() {
        for path in ["/page", "/json", "/own", "/nowhere"] {
            let response = answer(path).await;
            for (name, value) in ALWAYS {
                assert_eq!(response.headers()[&name], value, "{name} of {path}");
            }
            assert!(response.headers().contains_key(header::CONTENT_SECURITY_POLICY), "{path}");
            assert!(!response.headers().keys().any(|name| name.as_str().starts_with("access-control-")), "{path}");
        }
        assert_eq!(answer("/json").await.headers()[header::CONTENT_SECURITY_POLICY], INERT_POLICY);
        assert_eq!(answer("/json").await.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(answer("/own").await.headers()[header::CONTENT_SECURITY_POLICY], "sandbox");
        assert_eq!(answer("/own").await.headers()[header::CACHE_CONTROL], "private");
    }

    #[tokio::test]
    async fn the_page_and_its_policy_name_one_fresh_nonce() {
        let mut nonces = Vec::new();
        for _ in 0..2 {
            let response = answer("/page").await;
            let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
            let body = axum::body::to_bytes(response.into_body(), 1024).await.unwrap();
            let nonce = String::from_utf8(body.to_vec()).unwrap();
            assert!(policy.contains(&format!("script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval';")), "{policy}");
            assert!(policy.contains("frame-ancestors 'none'") && policy.contains("ws://localhost:4747;"), "{policy}");
            assert!(!policy.contains("script-src 'self' 'unsafe"), "{policy}");
            nonces.push(nonce);
        }
        assert_ne!(nonces[0], nonces[1]);
    }
}
