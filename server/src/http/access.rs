//! Who may come in: the rules of CONTRACT.md's "Access", in the order in which they are applied.
//!
//! 1. The name we are addressed by ([`super::host`]).
//! 2. The origin, for whatever changes something or opens a stream.
//! 3. The token, or a session; `/?token=` begins a session ([`super::door`]).
//! 4. The session's second secret, for changes.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use slipway_app::error::{ErrorCode, Problem};
use subtle::ConstantTimeEq;

use super::{
    door,
    doors::{Doors, SessionRecord},
    host::Hosts,
    problem::Refusal,
    session::{self, sha256},
};

/// What the doors are configured with.
#[derive(Clone)]
pub struct AccessConfig {
    hosts: Hosts,
    token_hash: [u8; 32],
}

impl AccessConfig {
    pub fn new(hosts: Hosts, token: &str) -> Self {
        AccessConfig { hosts, token_hash: sha256(token) }
    }

    pub fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    pub fn port(&self) -> u16 {
        self.hosts.port
    }

    /// Compares in constant time, whatever the length.
    pub fn is_token(&self, candidate: &str) -> bool {
        sha256(candidate).ct_eq(&self.token_hash).into()
    }
}

/// The state of the guard.
#[derive(Clone)]
pub struct Guard {
    pub access: AccessConfig,
    pub doors: Arc<dyn Doors>,
}

/// Who sent a request, as an extension of it.
#[derive(Clone, Debug)]
pub enum Caller {
    /// A program with the token.
    Token,
    /// A browser with a session.
    Session(SessionRecord),
}

/// The axum layer: lets a request through with its [`Caller`], or refuses it.
pub async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    if let Err(problem) = check_origin(&parts) {
        return Refusal(problem).into_response();
    }
    if let Some(token) = door::token_of(&parts) {
        return door::open(&guard, &token, &parts).await;
    }
    match caller_of(&guard, &parts).await {
        Ok(caller) => {
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) if problem.code == ErrorCode::Unauthorized => door::closed(&parts, problem),
        Err(problem) => Refusal(problem).into_response(),
    }
}

/// Refuses foreign origins wherever something changes or a stream opens. Reading is left to the
/// same-origin policy of browsers: no CORS header ever lets another origin see an answer.
fn check_origin(request: &Parts) -> Result<(), Problem> {
    if !is_change(&request.method) && !opens_stream(request) {
        return Ok(());
    }
    let headers = &request.headers;
    let refuse = |detail: &str| Err(Problem::new(ErrorCode::Forbidden, detail));
    if headers.contains_key(header::ORIGIN) && !has_own_origin(headers) {
        return refuse("The request comes from a page of another origin.");
    }
    let mut sites = headers.get_all("sec-fetch-site").iter();
    if !sites.all(|site| site == "same-origin" || site == "none") {
        return refuse("The request comes from a page of another site or port.");
    }
    if is_websocket(headers) && !headers.contains_key(header::ORIGIN) {
        return refuse("A WebSocket has to carry our own Origin.");
    }
    Ok(())
}

/// Anything but reading. An unknown method counts as a change.
fn is_change(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// WebSockets and event streams, wherever they are asked for.
fn opens_stream(request: &Parts) -> bool {
    let accepts_events = request.headers.get_all(header::ACCEPT).iter();
    let mut accepts_events = accepts_events.filter_map(|accept| accept.to_str().ok());
    let path = request.uri.path();
    is_websocket(&request.headers)
        || path.ends_with("/events/stream")
        || path.ends_with("/events/socket")
        || accepts_events.any(|accept| accept.contains("text/event-stream"))
}

fn is_websocket(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE) || headers.contains_key(header::SEC_WEBSOCKET_KEY)
}

/// Whether the request's one `Origin` is the address it was sent to, which the host check has approved.
/// We speak plain HTTP only, and `null` equals nothing.
fn has_own_origin(headers: &HeaderMap) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let origin = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
    matches!((origin, host), (Some(origin), Some(host)) if origin.eq_ignore_ascii_case(host))
}

async fn caller_of(guard: &Guard, request: &Parts) -> Result<Caller, Problem> {
    let headers = &request.headers;
    if headers.contains_key(header::AUTHORIZATION) {
        let is_token = bearer(headers).is_some_and(|token| guard.access.is_token(token));
        return if is_token { Ok(Caller::Token) } else { Err(unauthorized("The access token is wrong.")) };
    }
    let Some(session) = session::find(guard.doors.as_ref(), headers, guard.access.port()).await? else {
        return Err(unauthorized("Send the access token as `Authorization: Bearer TOKEN`."));
    };
    if is_change(&request.method) && !session::has_secret(&session, headers) {
        let detail = "A change made with the cookie also needs the session's secret. Reload the page, or open the \
                      link that `slipway token` gives.";
        return Err(Problem::new(ErrorCode::Forbidden, detail));
    }
    Ok(Caller::Session(session))
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(ErrorCode::Unauthorized, format!("{detail} `slipway token` prints it."))
}

/// The one bearer token of a request (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
