//! Browser sessions: a cookie for reading, and a second secret for changing.
//!
//! Cookies ignore ports, so whatever else runs on this machine may be sent ours. Hence the cookie holds a
//! revocable session's id and not the token, and a change also needs a secret that only pages of our own
//! origin can read. Of both, the server keeps the SHA-256 alone.

use axum::http::{HeaderMap, HeaderValue, header};
use chrono::{TimeDelta, Utc};
use sha2::{Digest, Sha256};
use slipway_app::error::{ErrorCode, Problem};
use subtle::ConstantTimeEq;

use super::doors::{Doors, SessionRecord};

/// The header in which a page sends the session's second secret.
pub const SECRET_HEADER: &str = "x-slipway-session";

/// Where a page keeps that secret: the key in `localStorage`, which is scoped to the origin, port included.
pub const SECRET_STORAGE_KEY: &str = "slipway.session";

/// How long a session lasts, in days: a month away does not sign a person out, a lost laptop's does end.
const SESSION_DAYS: i64 = 30;

/// Sessions kept at once: every browser of a small team; the oldest goes when another one signs in.
const SESSIONS_KEPT: usize = 64;

/// Bytes of a session's id and of its secret: 256 bits each, beyond guessing.
const SECRET_BYTES: usize = 32;

/// Cookies of our name that are looked at. A page on another port can set some under other paths, which
/// must neither lock a person out nor cost more than a few look-ups.
const COOKIES_TRIED: usize = 4;

/// A session that has just begun: the only time its two secrets are in memory together.
pub struct Begun {
    pub cookie: HeaderValue,
    /// For the page's storage.
    pub secret: String,
}

/// The cookie's name. The port is part of it, so that two boards on one machine do not sign each other out.
pub fn cookie_name(port: u16) -> String {
    format!("slipway_session_{port}")
}

/// Begins a session in place of the one that the request may already have had.
///
/// # Errors
/// Whatever the store says; `internal` when the system gives no randomness.
pub async fn begin(doors: &dyn Doors, headers: &HeaderMap, port: u16) -> Result<Begun, Problem> {
    if let Some(previous) = find(doors, headers, port).await? {
        doors.revoke_session(previous.id_hash).await?;
    }
    let id = random_hex::<SECRET_BYTES>()?;
    let secret = random_hex::<SECRET_BYTES>()?;
    let session = SessionRecord {
        id_hash: sha256(&id),
        secret_hash: sha256(&secret),
        expires_at: Utc::now() + TimeDelta::days(SESSION_DAYS),
    };
    doors.put_session(session, SESSIONS_KEPT).await?;
    let seconds = TimeDelta::days(SESSION_DAYS).num_seconds();
    let name = cookie_name(port);
    let cookie = format!("{name}={id}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    let cookie = HeaderValue::from_str(&cookie).map_err(|_| internal("the session's cookie cannot be written"))?;
    Ok(Begun { cookie, secret })
}

/// The session that a request's cookie names, if it is known and has not expired.
///
/// # Errors
/// Whatever the store says.
pub async fn find(doors: &dyn Doors, headers: &HeaderMap, port: u16) -> Result<Option<SessionRecord>, Problem> {
    for id in cookies(headers, &cookie_name(port)).take(COOKIES_TRIED) {
        if let Some(session) = doors.session(sha256(id)).await?
            && session.expires_at > Utc::now()
        {
            return Ok(Some(session));
        }
    }
    Ok(None)
}

/// Whether a request carries its session's second secret.
pub fn has_secret(session: &SessionRecord, headers: &HeaderMap) -> bool {
    let secret = headers.get(SECRET_HEADER).and_then(|value| value.to_str().ok());
    secret.is_some_and(|secret| sha256(secret).ct_eq(&session.secret_hash).into())
}

/// The values of every cookie of that name (RFC 6265, section 5.4).
fn cookies<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let pairs = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs = pairs.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(move |(key, _)| *key == name).map(|(_, value)| value)
}

/// SHA-256 (FIPS 180-4) of a secret. Comparing hashes also hides how long the secret is.
pub fn sha256(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// `N` random bytes from the system, in lower-case hexadecimal.
///
/// # Errors
/// `internal` when the system gives no randomness.
pub fn random_hex<const N: usize>() -> Result<String, Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| internal("the system gives no random numbers"))?;
    Ok(hex::encode(bytes))
}

fn internal(what: &str) -> Problem {
    Problem::new(ErrorCode::Internal, format!("Signing in failed: {what}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=1; slipway_session_4747=x; slipway_session_47=y".parse().unwrap());
        headers.append(header::COOKIE, "slipway_session_4747=z".parse().unwrap());
        let values = |port| cookies(&headers, &cookie_name(port)).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(values(4747), ["x", "z"]);
        assert_eq!(values(47), ["y"]);
        assert!(values(4).is_empty());
    }

    #[test]
    fn secrets_are_long_and_never_the_same() {
        let (one, other) = (random_hex::<SECRET_BYTES>().unwrap(), random_hex::<SECRET_BYTES>().unwrap());
        assert_eq!(one.len(), 64);
        assert_ne!(one, other);
    }

    #[test]
    fn only_the_secret_itself_will_do() {
        let session = SessionRecord { id_hash: [0; 32], secret_hash: sha256("secret"), expires_at: Utc::now() };
        let with = |value: &str| HeaderMap::from_iter([(SECRET_HEADER.parse().unwrap(), value.parse().unwrap())]);
        assert!(has_secret(&session, &with("secret")));
        for wrong in ["", "Secret", "secret "] {
            assert!(!has_secret(&session, &with(wrong)), "{wrong:?}");
        }
        assert!(!has_secret(&session, &HeaderMap::new()));
    }
}
