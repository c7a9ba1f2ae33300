//! Artifacts: what agents produced. Their content is a stranger's: it is handed over for download and can
//! never run as a page of ours.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use slipway_app::model::{Artifact, ArtifactId, CardId};

use super::{Board, projects::PageParameters};
use crate::http::{
    doors::Content,
    extract::{Id, Listing, Query, page},
    problem::Refusal,
};

/// Nothing loads, nothing runs, and the origin is not ours.
const SANDBOX_POLICY: &str = "sandbox; default-src 'none'; frame-ancestors 'none'";

/// Longest file name in a download, in characters: what common file systems take, with room for " (1)".
const NAME_LIMIT: usize = 200;

/// Lists a card's artifacts, oldest first.
#[utoipa::path(get, path = "/cards/{id}/artifacts", tag = "artifacts",
    params(("id" = CardId, Path), PageParameters),
    responses((status = 200, description = "One page", body = Listing<Artifact>)))]
pub async fn of_card(
    State(doors): Board,
    Id(card): Id<CardId>,
    Query(asked): Query<PageParameters>,
) -> Result<Json<Listing<Artifact>>, Refusal> {
    let page = page(asked.limit, asked.cursor.as_deref())?;
    Ok(Json(doors.card_artifacts(card, page).await?.into()))
}

/// Shows what is known of an artifact.
#[utoipa::path(get, path = "/artifacts/{id}", tag = "artifacts", params(("id" = ArtifactId, Path)),
    responses((status = 200, description = "The artifact without its content", body = Artifact)))]
pub async fn show(State(doors): Board, Id(artifact): Id<ArtifactId>) -> Result<Json<Artifact>, Refusal> {
    Ok(Json(doors.artifact_meta(artifact).await?))
}

/// Downloads an artifact's content.
///
/// The bytes come with their own media type. `ETag` is their SHA-256 in quotes; an artifact never changes,
/// so `If-None-Match` saves sending it twice.
#[utoipa::path(get, path = "/artifacts/{id}/content", tag = "artifacts",
    params(("id" = ArtifactId, Path), ("If-None-Match" = Option<String>, Header, description = "An `ETag`")),
    responses(
        (status = 200, description = "The bytes", content_type = "application/octet-stream", body = Vec<u8>,
            headers(("ETag" = String, description = "The SHA-256 in quotes"),
                ("Content-Disposition" = String, description = "`attachment`, with a file name"))),
        (status = 304, description = "The caller has it already"),
    ))]
pub async fn content(
    State(doors): Board,
    Id(artifact): Id<ArtifactId>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let content = doors.artifact_content(artifact).await?;
    Ok(respond(content, &headers))
}

fn respond(content: Content, asked: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", content.sha256);
    let mut headers = HeaderMap::new();
    let set = |headers: &mut HeaderMap, name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(&mut headers, header::ETAG, &tag);
    set(&mut headers, header::CONTENT_SECURITY_POLICY, SANDBOX_POLICY);
    // The bytes never change, but who may read them can.
    set(&mut headers, header::CACHE_CONTROL, "private, no-cache");
    if has_already(asked, &tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    set(&mut headers, header::CONTENT_TYPE, "application/octet-stream");
    set(&mut headers, header::CONTENT_TYPE, &content.media_type);
    set(&mut headers, header::CONTENT_DISPOSITION, &disposition(&content.name));
    (headers, content.bytes).into_response()
}

/// `If-None-Match` (RFC 9110, section 13.1.2): `*`, or a list of tags of which weak ones count too.
fn has_already(asked: &HeaderMap, tag: &str) -> bool {
    let lists = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}

/// A download under that name (RFC 6266): an ASCII form for all, and the exact one in UTF-8 (RFC 8187).
/// A path is cut to its last part, and what could end the header or hide an extension is replaced.
fn disposition(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let cleaned: String = last.chars().filter(|c| !is_hidden(*c)).take(NAME_LIMIT).collect();
    let cleaned = cleaned.trim().trim_start_matches('.');
    let cleaned = if cleaned.is_empty() { "artifact" } else { cleaned };
    let is_safe = |c: char| c.is_ascii_alphanumeric() || " ._-+()".contains(c);
    let ascii: String = cleaned.chars().map(|c| if is_safe(c) { c } else { '_' }).collect();
    let exact: String = cleaned.bytes().map(percent).collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{exact}")
}

/// Control characters, and those that turn the direction of writing round or have no width.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn percent(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn file_names_are_safe() {
        let check = |name, want: &str| assert_eq!(disposition(name), format!("attachment; {want}"), "{name:?}");
        check("plan.md", "filename=\"plan.md\"; filename*=UTF-8''plan.md");
        check("../../etc/passwd", "filename=\"passwd\"; filename*=UTF-8''passwd");
        check("C:\\x\\a b.txt", "filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt");
        check("ä\".md", "filename=\"__.md\"; filename*=UTF-8''%C3%A4%22.md");
        check(".bashrc", "filename=\"bashrc\"; filename*=UTF-8''bashrc");
        check("a\u{202e}txt.exe\r\nX: y", "filename=\"atxt.exeX_ y\"; filename*=UTF-8''atxt.exeX%3A%20y");
        check("..", "filename=\"artifact\"; filename*=UTF-8''artifact");
    }

    #[test]
    fn a_known_tag_is_not_sent_again() {
        let known = |value: &str| {
            let asked = HeaderMap::from_iter([(header::IF_NONE_MATCH, value.parse().unwrap())]);
            has_already(&asked, "\"abc\"")
        };
        assert!(known("\"abc\"") && known("W/\"abc\"") && known("\"x\", \"abc\"") && known("*"));
        assert!(!known("\"abcd\"") && !known("abc"));
    }

    #[test]
    fn a_media_type_that_is_no_header_falls_back() {
        let content =
            Content { media_type: "a\nb".to_owned(), name: "x".to_owned(), sha256: "abc".to_owned(), bytes: vec![1] };
        let response = respond(content, &HeaderMap::new());
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/octet-stream");
    }

    proptest! {
        #[test]
        fn any_name_makes_a_header(name in "\\PC{0,300}|[\\x00-\\x7f]{0,40}") {
            let value = disposition(&name);
            prop_assert!(HeaderValue::from_str(&value).is_ok());
            prop_assert_eq!(value.matches('"').count(), 2);
        }
    }
}
