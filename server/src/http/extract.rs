//! What handlers take from a request. Every rejection is a problem that says what is wrong and where.

use std::{fmt, str::FromStr};

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::request::Parts,
};
use serde::{Serialize, de::DeserializeOwned};
use slipway_app::error::{ErrorCode, Problem};
use utoipa::ToSchema;

use super::{
    doors::{Listed, PAGE_DEFAULT, PAGE_LIMIT, Page},
    problem::Refusal,
};

/// Longest cursor as a client holds it, in characters: several keys of a sort order fit.
const CURSOR_LIMIT: usize = 512;

/// The id in a path such as `/cards/{id}`. One that is no UUID names nothing, so it is `not_found`.
#[derive(Debug)]
pub struct Id<T>(pub T);

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for Id<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| Refusal::new(ErrorCode::NotFound, error.body_text()))?;
        text.parse().map(Id).map_err(|_| {
            let shown = quoted(&text);
            Refusal::new(
                ErrorCode::NotFound,
                format!("{shown} names nothing here: ids are UUIDs, as lists return them."),
            )
        })
    }
}

/// A JSON body. An empty one counts as `{}`, so that a call whose members are all optional needs none.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| Refusal::new(ErrorCode::InvalidRequest, error.body_text()))?;
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        parse_json(text).map(Body).map_err(Refusal)
    }
}

fn parse_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    let refuse = |detail: String| Problem::new(ErrorCode::InvalidRequest, detail);
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let at = error.path().to_string();
        let error = error.into_inner();
        match error.classify() {
            serde_json::error::Category::Data if at == "." => refuse(format!("The body does not fit: {error}.")),
            serde_json::error::Category::Data => refuse(format!("The body does not fit at `{at}`: {error}.")),
            _ => refuse(format!("The body is not JSON: {error}.")),
        }
    })?;
    json.end().map_err(|error| refuse(format!("Something follows the JSON body: {error}.")))?;
    Ok(value)
}

/// The parameters after `?`. One without a value counts as left out; an unknown one is refused by name.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        parse_query(parts.uri.query().unwrap_or_default()).map(Query).map_err(Refusal)
    }
}

fn parse_query<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let refuse = |detail: &dyn fmt::Display| {
        Problem::new(ErrorCode::InvalidRequest, format!("The query does not fit: {detail}."))
    };
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).map_err(|error| refuse(&error))?;
    let given: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let query = serde_urlencoded::to_string(given).map_err(|error| refuse(&error))?;
    let parameters = serde_urlencoded::Deserializer::new(form_pairs(&query));
    serde_path_to_error::deserialize(parameters).map_err(|error| refuse(&error))
}

fn form_pairs(query: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(query.as_bytes())
}

/// Which page a request asks for, from its `limit` and `cursor`.
///
/// # Errors
/// `invalid_request` for a limit out of range or a cursor that no list gave.
pub fn page(limit: Option<i64>, cursor: Option<&str>) -> Result<Page, Problem> {
    let limit = page_limit(limit)?;
    let cursor = cursor.map(open_cursor).transpose()?;
    Ok(Page { limit, cursor })
}

/// The `limit` of a request, checked.
///
/// # Errors
/// `invalid_request` for one out of range.
pub fn page_limit(limit: Option<i64>) -> Result<u32, Problem> {
    let asked = limit.unwrap_or(i64::from(PAGE_DEFAULT));
    u32::try_from(asked).ok().filter(|limit| (1..=PAGE_LIMIT).contains(limit)).ok_or_else(|| {
        Problem::new(ErrorCode::InvalidRequest, format!("`limit` is {asked}; it goes from 1 to {PAGE_LIMIT}."))
    })
}

/// Cursors are hexadecimal: opaque to look at, and safe in an address.
fn open_cursor(cursor: &str) -> Result<String, Problem> {
    let position = (cursor.len() <= CURSOR_LIMIT).then(|| hex::decode(cursor).ok()).flatten();
    position.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
        Problem::new(ErrorCode::InvalidRequest, "`cursor` takes the `next_cursor` of the page before, unchanged.")
    })
}

/// One page of a list, as it leaves the server.
#[derive(Debug, Serialize, ToSchema)]
pub struct Listing<T: ToSchema> {
    pub items: Vec<T>,
    /// The `cursor` of the next page; `null` after the last entry.
    pub next_cursor: Option<String>,
}

impl<T: ToSchema> From<Listed<T>> for Listing<T> {
    fn from(listed: Listed<T>) -> Self {
        Listing { items: listed.items, next_cursor: listed.next.map(hex::encode) }
    }
}

/// What a caller sent, cut short, for a sentence about it.
fn quoted(text: &str) -> String {
    const SHOWN: usize = 64;
    let cut: String = text.chars().take(SHOWN).collect();
    if cut.len() < text.len() { format!("`{cut}…`") } else { format!("`{cut}`") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;
    use slipway_app::model::{NewCard, Stage};

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Parameters {
        stage: Option<Stage>,
        q: Option<String>,
        limit: Option<i64>,
    }

    #[track_caller]
    fn refused<T: fmt::Debug>(result: Result<T, Problem>, words: &[&str]) {
        let problem = result.unwrap_err();
        assert_eq!(problem.code, ErrorCode::InvalidRequest);
        for word in words {
            assert!(problem.detail.contains(word), "{word:?} is not in {:?}", problem.detail);
        }
    }

    #[test]
    fn a_bad_body_is_refused_with_the_place() {
        refused(parse_json::<NewCard>(b"{\"title\": "), &["not JSON", "line 1 column 10"]);
        refused(parse_json::<NewCard>(b"{\"project_id\": 7}"), &["`project_id`"]);
        refused(parse_json::<NewCard>(b"{\"colour\": 1}"), &["unknown field `colour`", "`title`"]);
        refused(parse_json::<NewCard>(b"{}"), &["missing field `project_id`"]);
        refused(parse_json::<NewCard>(b"[]"), &["does not fit"]);
        refused(parse_json::<serde_json::Value>(b"{} {}"), &["follows"]);
        refused(parse_json::<serde_json::Value>(b"\xff"), &["not JSON"]);
    }

    #[test]
    fn a_query_is_parsed_and_refused_by_name() {
        let parsed: Parameters = parse_query("stage=plan&q=a%20b%26c&limit=").unwrap();
        assert_eq!(parsed, Parameters { stage: Some(Stage::Plan), q: Some("a b&c".to_owned()), limit: None });
        refused(parse_query::<Parameters>("stage=done"), &["stage", "`backlog`"]);
        refused(parse_query::<Parameters>("limit=many"), &["limit"]);
        refused(parse_query::<Parameters>("colour=red"), &["colour"]);
        refused(parse_query::<Parameters>("q=a&q=b"), &["duplicate"]);
    }

    #[test]
    fn limits_have_limits() {
        assert_eq!(page(None, None).unwrap(), Page { limit: 100, cursor: None });
        assert_eq!(page(Some(1000), None).unwrap().limit, 1000);
        for limit in [0, -1, 1001, i64::MAX] {
            refused(page(Some(limit), None), &["1 to 1000"]);
        }
        for cursor in ["g", "abc", "ff", &"00".repeat(300)] {
            refused(page(None, Some(cursor)), &["next_cursor"]);
        }
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_was(position in "\\PC{0,60}") {
            let listing: Listing<i64> = Listed { items: vec![], next: Some(position.clone()) }.into();
            let cursor = listing.next_cursor.unwrap();
            prop_assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            prop_assert_eq!(page(None, Some(&cursor)).unwrap().cursor, Some(position));
        }

        #[test]
        fn no_bytes_break_the_parsers(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_json::<NewCard>(&bytes);
            let _ = parse_query::<Parameters>(&String::from_utf8_lossy(&bytes));
        }
    }
}
