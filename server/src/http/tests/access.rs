//! A test for each sentence of CONTRACT.md's "Access", and for the rows of THREATS.md that the doors keep.

use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use chrono::{TimeDelta, Utc};

use super::*;

const BEARER: (&str, &str) = ("authorization", "Bearer the-token");
const JSON: (&str, &str) = ("content-type", "application/json");
const CARDS: &str = "/api/v1/cards";
const NEW_CARD: &str = r#"{"project_id":"0197c0de-0000-7000-8000-000000000001","title":"x"}"#;

/// What a browser holds after it has signed in.
struct Browser {
    cookie: String,
    secret: String,
}

async fn sign_in(board: &Board) -> Browser {
    let answer = board.send("GET", "/?token=the-token", &[("accept", "text/html")], "").await;
    assert_eq!(answer.status, StatusCode::OK);
    let cookie = answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let (_, rest) = answer.body.split_once("localStorage.setItem(\"slipway.session\",\"").unwrap();
    let secret = rest.split('"').next().unwrap().to_owned();
    Browser { cookie, secret }
}

/// "Every request but `/healthz` and `/readyz` needs the token", "No token → 401".
#[tokio::test]
async fn every_request_needs_the_token() {
    let board = Board::new();
    for path in ["/", "/cards/7", "/pkg/app.js", CARDS, "/api/v1/openapi.json", "/api/v1/events/stream", "/nowhere"] {
        let answer = board.send("GET", path, &[], "").await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::UNAUTHORIZED, "unauthorized"), "{path}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"slipway\"");
    }
    for (method, path) in [("POST", CARDS), ("POST", "/ui/move"), ("DELETE", "/api/v1/agents"), ("OPTIONS", "/")] {
        assert_eq!(board.send(method, path, &[JSON], NEW_CARD).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(board.send("GET", "/healthz", &[], "").await.status, StatusCode::OK);
    assert_eq!(board.send("GET", "/readyz", &[], "").await.status, StatusCode::OK);
    assert!(board.stub.calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn readiness_follows_the_board_and_tells_no_secrets() {
    let board = Board::new();
    board.stub.is_ready.store(false, Ordering::Relaxed);
    let answer = board.send("GET", "/readyz", &[], "").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!answer.body.contains("secret"), "{}", answer.body);
    assert_eq!(board.send("GET", "/healthz", &[], "").await.status, StatusCode::OK);
}

/// "`Authorization: Bearer TOKEN`", and nothing that only looks like it.
#[tokio::test]
async fn the_bearer_token_lets_programs_in() {
    let board = Board::new();
    for header in ["Bearer the-token", "bearer the-token"] {
        assert_eq!(board.send("GET", CARDS, &[("authorization", header)], "").await.status, StatusCode::OK, "{header}");
    }
    for header in ["Bearer the-toke", "Bearer the-token1", "Bearer ", "Bearer", "Basic the-token", "the-token"] {
        let answer = board.send("GET", CARDS, &[("authorization", header)], "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{header}");
    }
    let twice = [BEARER, ("authorization", "Bearer other")];
    assert_eq!(board.send("GET", CARDS, &twice, "").await.status, StatusCode::UNAUTHORIZED);
    // A token in the address of an API call is none: addresses end up in logs.
    assert_eq!(board.send("GET", "/api/v1/cards?token=the-token", &[], "").await.status, StatusCode::UNAUTHORIZED);
}

/// "the cookie that opening `/?token=TOKEN` sets (HttpOnly, SameSite=Strict, named per port, a revocable
/// session and not the token) before it redirects to the same page without it".
#[tokio::test]
async fn opening_the_link_begins_a_session() {
    let board = Board::new();
    let answer = board.send("GET", "/cards/7?token=the-token&tab=plan", &[("accept", "text/html,*/*")], "").await;
    assert_eq!(answer.status, StatusCode::OK);
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("slipway_session_4747="), "{cookie}");
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=2592000"] {
        assert!(cookie.split("; ").any(|part| part == attribute), "{attribute} in {cookie}");
    }
    assert!(!cookie.contains(TOKEN) && !answer.body.contains(TOKEN));
    assert!(answer.body.contains("location.replace(\"/cards/7?tab=plan\")"), "{}", answer.body);
    assert!(answer.body.contains("<noscript><meta http-equiv=\"refresh\" content=\"0;url=/cards/7?tab=plan\">"));
    assert_eq!(answer.headers["cache-control"], "no-store");
    let (_, rest) = answer.body.split_once("<script nonce=\"").unwrap();
    let nonce = rest.split('"').next().unwrap();
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains(&format!("script-src 'self' 'nonce-{nonce}'")), "{policy}");

    let browser = sign_in(&board).await;
    let page = board.send("GET", "/", &[("cookie", &browser.cookie)], "").await;
    assert_eq!((page.status, page.body.as_str()), (StatusCode::OK, "the board"));
    assert_eq!(board.send("GET", CARDS, &[("cookie", &browser.cookie)], "").await.status, StatusCode::OK);
}

/// Whoever does not ask for HTML has no storage to fill, and is redirected plainly.
#[tokio::test]
async fn other_clients_are_redirected() {
    let board = Board::new();
    let answer = board.send("GET", "/?token=the-token", &[("accept", "*/*")], "").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.headers["location"], "/");
    assert!(answer.headers.contains_key("set-cookie"));
    let answer = board.send("GET", "//evil.example/?token=the-token", &[], "").await;
    assert_eq!(answer.headers["location"], "/evil.example/");
}

#[tokio::test]
async fn a_wrong_link_sets_nothing() {
    let board = Board::new();
    let browser = sign_in(&board).await;
    for headers in [vec![], vec![("cookie", browser.cookie.as_str())], vec![("accept", "text/html")]] {
        let answer = board.send("GET", "/?token=wrong", &headers, "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    assert_eq!(board.stub.sessions.lock().unwrap().len(), 1);
}

/// A person without a session reads how to get one; the page holds no script.
#[tokio::test]
async fn a_locked_page_says_how_to_get_in() {
    let board = Board::new();
    let answer = board.send("GET", "/cards/7", &[("accept", "text/html")], "").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
    assert!(answer.body.contains("slipway token") && answer.body.contains("terminal"));
    assert!(!answer.body.contains("<script"));
}

/// "a change made with the cookie also needs the session's second secret … a bearer token needs nothing more"
#[tokio::test]
async fn a_change_with_the_cookie_needs_the_second_secret() {
    let board = Board::new();
    let (browser, other) = (sign_in(&board).await, sign_in(&board).await);
    let cookie = ("cookie", browser.cookie.as_str());
    let secret = ("x-slipway-session", browser.secret.as_str());
    for (method, path) in [("POST", CARDS), ("POST", "/ui/move"), ("DELETE", "/api/v1/agents")] {
        let answer = board.send(method, path, &[cookie, JSON], NEW_CARD).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "forbidden"), "{path}");
        for wrong in ["", "x", other.secret.as_str(), &browser.cookie] {
            let answer = board.send(method, path, &[cookie, ("x-slipway-session", wrong), JSON], NEW_CARD).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {wrong}");
        }
        let answer = board.send(method, path, &[secret, JSON], NEW_CARD).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "the secret alone lets nobody in");
    }
    assert!(board.stub.calls.lock().unwrap().is_empty());
    let answer = board.send("POST", CARDS, &[cookie, secret, JSON, ("origin", ORIGIN)], NEW_CARD).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let answer = board.send("POST", CARDS, &[BEARER, JSON], NEW_CARD).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

/// Only hashes are kept, and a session can be ended: one, all, or by time.
#[tokio::test]
async fn sessions_are_hashed_and_revocable() {
    let board = Board::new();
    let read = async |browser: &Browser| board.send("GET", CARDS, &[("cookie", &browser.cookie)], "").await.status;
    let leave = async |browser: &Browser, path: &str| {
        let headers = [("cookie", browser.cookie.as_str()), ("x-slipway-session", browser.secret.as_str())];
        board.send("DELETE", path, &headers, "").await
    };
    let browser = sign_in(&board).await;
    {
        let sessions = board.stub.sessions.lock().unwrap();
        let (id_hash, session) = sessions.iter().next().unwrap();
        let id = browser.cookie.split_once('=').unwrap().1;
        assert_eq!(*id_hash, super::super::session::sha256(id));
        assert_eq!(session.secret_hash, super::super::session::sha256(&browser.secret));
        assert!(session.expires_at > Utc::now() && session.expires_at < Utc::now() + TimeDelta::days(31));
    }
    let left = leave(&browser, "/api/v1/sessions/current").await;
    assert_eq!(left.status, StatusCode::NO_CONTENT);
    assert!(left.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(read(&browser).await, StatusCode::UNAUTHORIZED);

    let (one, two) = (sign_in(&board).await, sign_in(&board).await);
    assert_eq!(leave(&one, "/api/v1/sessions").await.json()["revoked"], 2);
    assert_eq!((read(&one).await, read(&two).await), (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED));

    let late = sign_in(&board).await;
    for session in board.stub.sessions.lock().unwrap().values_mut() {
        session.expires_at = Utc::now();
    }
    assert_eq!(read(&late).await, StatusCode::UNAUTHORIZED);

    let first = sign_in(&board).await;
    board.send("GET", "/?token=the-token", &[("cookie", &first.cookie)], "").await;
    assert_eq!(read(&first).await, StatusCode::UNAUTHORIZED, "signing in again ends the session before");

    let answer = board.send("DELETE", "/api/v1/sessions/current", &[BEARER], "").await;
    assert_eq!(answer.code(), "not_found");
}

/// "Unknown `Host` → 421", whatever else the request carries: a rebound name (MCP SDKs CVE-2025-66414).
#[tokio::test]
async fn an_unknown_host_is_turned_away() {
    let board = Board::new();
    for path in ["/", CARDS, "/healthz", "/readyz", "/api/v1/events/stream", "/?token=the-token"] {
        for host in ["evil.example", "evil.example:4747", "localhost:4748", "localhost", "(none)"] {
            let answer = board.send("GET", path, &[("host", host), BEARER], "").await;
            let want = (StatusCode::MISDIRECTED_REQUEST, "misdirected_request".to_owned());
            assert_eq!((answer.status, answer.code()), want, "{host} {path}");
        }
    }
    for host in ["127.0.0.1:4747", "localhost:4747", "[::1]:4747"] {
        assert_eq!(board.send("GET", CARDS, &[("host", host), BEARER], "").await.status, StatusCode::OK, "{host}");
    }
}

/// "A foreign `Origin` (`null` is foreign), or `Sec-Fetch-Site` other than `same-origin` or `none`, on any
/// request that changes something or opens a stream → 403" (Cline Kanban CVE-2026-44211).
#[tokio::test]
async fn foreign_pages_change_and_stream_nothing() {
    let board = Board::new();
    let browser = sign_in(&board).await;
    let foreign = [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://localhost:3000"),
        ("origin", "http://127.0.0.1:4747"),
        ("origin", "https://localhost:4747"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ];
    let asked = [("POST", CARDS), ("POST", "/ui/move"), ("DELETE", "/api/v1/agents"), ("PATCH", "/api/v1/cards/7")];
    let streams = [("GET", "/api/v1/events/stream"), ("GET", "/api/v1/events/socket")];
    for header in foreign {
        for (method, path) in asked.into_iter().chain(streams) {
            let session = [("cookie", browser.cookie.as_str()), ("x-slipway-session", browser.secret.as_str())];
            for credentials in [&session[..], &[BEARER]] {
                let headers = [&[header, JSON], credentials].concat();
                let answer = board.send(method, path, &headers, NEW_CARD).await;
                let want = (StatusCode::FORBIDDEN, "forbidden".to_owned());
                assert_eq!((answer.status, answer.code()), want, "{method} {path} {header:?}");
            }
        }
        let elsewhere = [header, BEARER, ("accept", "text/event-stream")];
        assert_eq!(board.send("GET", "/api/v1/events", &elsewhere, "").await.status, StatusCode::FORBIDDEN);
        assert_eq!(board.send("GET", CARDS, &[header, BEARER], "").await.status, StatusCode::OK, "reading is free");
    }
    assert!(board.stub.calls.lock().unwrap().iter().all(|call| call.starts_with("list_cards")));
    for own in [("origin", ORIGIN), ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none")] {
        let answer = board.send("POST", CARDS, &[own, BEARER, JSON], NEW_CARD).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{own:?}");
    }
    let twice = [BEARER, JSON, ("origin", ORIGIN), ("origin", "https://evil.example")];
    assert_eq!(board.send("POST", CARDS, &twice, NEW_CARD).await.status, StatusCode::FORBIDDEN);
}

/// "a WebSocket must carry our own `Origin`" (Claude IDE CVE-2025-52882).
#[tokio::test]
async fn a_websocket_carries_our_own_origin() {
    let board = Board::new();
    let browser = sign_in(&board).await;
    let handshake = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let open = async |more: &[(&str, &str)]| {
        board.send("GET", "/api/v1/events/socket", &[&handshake[..], more].concat(), "").await.status
    };
    let cookie = ("cookie", browser.cookie.as_str());
    for credentials in [cookie, BEARER] {
        assert_eq!(open(&[credentials]).await, StatusCode::FORBIDDEN);
        assert_eq!(open(&[credentials, ("origin", "null")]).await, StatusCode::FORBIDDEN);
        assert_eq!(open(&[credentials, ("origin", "http://localhost:3000")]).await, StatusCode::FORBIDDEN);
        // Upgrades need a real connection; past the guard, a request in memory is told so.
        assert_eq!(open(&[credentials, ("origin", ORIGIN)]).await, StatusCode::BAD_REQUEST);
    }
    assert_eq!(open(&[("origin", ORIGIN)]).await, StatusCode::UNAUTHORIZED);
}

/// "Bodies are JSON (else 415), server functions included": what a foreign form can send is never parsed.
#[tokio::test]
async fn bodies_are_json_everywhere() {
    let board = Board::new();
    for path in [CARDS, "/ui/move"] {
        for media_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
            let answer = board.send("POST", path, &[BEARER, ("content-type", media_type)], NEW_CARD).await;
            let want = (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type".to_owned());
            assert_eq!((answer.status, answer.code()), want, "{path} {media_type}");
        }
        assert_eq!(board.send("POST", path, &[BEARER], NEW_CARD).await.code(), "unsupported_media_type");
    }
    let answer = board.send("POST", "/ui/move", &[BEARER, JSON], "{}").await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "{}"));
}

#[tokio::test]
async fn bodies_are_bounded_everywhere() {
    let board = Board::new();
    let huge = format!("{{\"title\":\"{}\"}}", "x".repeat(10 << 20));
    for path in [CARDS, "/ui/move"] {
        assert_eq!(board.send("POST", path, &[BEARER, JSON], huge.clone()).await.code(), "payload_too_large");
    }
    assert!(board.stub.calls.lock().unwrap().is_empty());
}

/// "Every page carries Content-Security-Policy, X-Content-Type-Options and Referrer-Policy", and nothing
/// carries CORS headers (opencode CVE-2026-22812), refusals included.
#[tokio::test]
async fn every_answer_carries_its_headers() {
    let board = Board::new();
    let preflight = [("origin", "https://evil.example"), ("access-control-request-method", "POST"), BEARER];
    let answers = [
        board.send("GET", "/", &[BEARER], "").await,
        board.send("GET", "/", &[("accept", "text/html")], "").await,
        board.send("GET", "/", &[("host", "evil.example")], "").await,
        board.send("GET", "/healthz", &[], "").await,
        board.send("GET", CARDS, &[BEARER, ("origin", "https://evil.example")], "").await,
        board.send("OPTIONS", CARDS, &preflight, "").await,
        board.send("GET", "/panic", &[BEARER], "").await,
    ];
    for answer in answers {
        let headers = answer.headers;
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(headers["x-frame-options"], "DENY");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
        assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!headers.keys().any(|name| name.as_str().starts_with("access-control-")), "{headers:?}");
    }
}

/// "no side effect on GET": every address that changes something refuses it.
#[tokio::test]
async fn reading_changes_nothing() {
    let board = Board::new();
    for action in ["moves", "retry", "order", "restore", "gate"] {
        let path = format!("{CARDS}/{}/{action}", super::super::stub::KNOWN);
        for method in ["GET", "HEAD"] {
            let answer = board.send(method, &path, &[BEARER], "").await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        }
    }
    assert!(board.stub.calls.lock().unwrap().is_empty());
}

/// A bug costs one answer, and what it was stays in the log.
#[tokio::test]
async fn a_panic_is_a_problem() {
    let answer = Board::new().send("GET", "/panic", &[BEARER], "").await;
    assert_eq!(answer.code(), "internal");
    assert!(!answer.body.contains("a bug\""), "{}", answer.body);
}
