//! Server-sent events (HTML living standard, section 9.2).

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event as Frame, Sse},
    },
};
use futures::Stream;
use slipway_app::{
    error::{ErrorCode, Problem},
    model::Event,
};

use super::pull::{Events, Pull, Pulled};

/// How soon a browser that lost the stream asks again.
const RECONNECT: Duration = Duration::from_secs(1);

/// Where a stream starts: after `Last-Event-ID`, which a browser sends when it reconnects to the address
/// it first used, or else after `?after=`, or else at the first event.
///
/// # Errors
/// `invalid_request` for a `Last-Event-ID` that no event has had.
pub fn start_after(headers: &HeaderMap, after: Option<i64>) -> Result<i64, Problem> {
    let Some(value) = headers.get("last-event-id").filter(|value| !value.is_empty()) else {
        return checked_start(after.unwrap_or(0), "`after`");
    };
    let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    checked_start(number.unwrap_or(-1), "Last-Event-ID")
}

/// # Errors
/// `invalid_request` for a number below 0.
pub fn checked_start(after: i64, name: &str) -> Result<i64, Problem> {
    if after < 0 {
        let detail = format!("{name} takes the `seq` of an event: a whole number, 0 or more.");
        return Err(Problem::new(ErrorCode::InvalidRequest, detail));
    }
    Ok(after)
}

/// A stream's response.
pub fn respond(pull: Pull<Events>) -> Response {
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store")), unbuffered];
    (headers, Sse::new(frames(pull))).into_response()
}

/// The frames of a stream. hyper asks for the next one only when the reader has taken the last, so one
/// page is all that is ever held.
fn frames(pull: Pull<Events>) -> impl Stream<Item = Result<Frame, Infallible>> {
    let opening = Frame::default().retry(RECONNECT).comment("open");
    let state = (pull, VecDeque::<Event>::new(), Some(opening));
    futures::stream::unfold(state, |(mut pull, mut page, opening)| async move {
        if let Some(opening) = opening {
            return Some((Ok(opening), (pull, page, None)));
        }
        loop {
            if let Some(event) = page.pop_front() {
                return Some((Ok(frame(&event)), (pull, page, None)));
            }
            match pull.next().await {
                Pulled::Page(events) => page = events.into(),
                Pulled::Beat => return Some((Ok(Frame::default().comment("beat")), (pull, page, None))),
                Pulled::Ended => return None,
            }
        }
    })
}

fn frame(event: &Event) -> Frame {
    // JSON has no line breaks outside of strings, and escapes them within; a kind is `noun.verb`. Still,
    // a kind with a line break must not panic in the frame builder.
    let kind = event.kind.replace(['\r', '\n'], " ");
    let data = serde_json::to_string(event).unwrap_or_else(|error| {
        tracing::error!(seq = event.seq, %error, "an event cannot be written as JSON");
        "null".to_owned()
    });
    Frame::default().id(event.seq.to_string()).event(kind).data(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_starts_after_the_last_event_seen() {
        let start = |last: Option<&str>, after| {
            let mut headers = HeaderMap::new();
            if let Some(last) = last {
                headers.insert("last-event-id", last.parse().unwrap());
            }
            start_after(&headers, after).map_err(|problem| problem.code)
        };
        assert_eq!(start(None, None), Ok(0));
        assert_eq!(start(None, Some(7)), Ok(7));
        assert_eq!(start(Some("9"), Some(7)), Ok(9));
        assert_eq!(start(Some(""), Some(7)), Ok(7));
        assert_eq!(start(Some("nine"), Some(7)), Err(ErrorCode::InvalidRequest));
        assert_eq!(start(Some("-1"), None), Err(ErrorCode::InvalidRequest));
        assert_eq!(start(None, Some(-1)), Err(ErrorCode::InvalidRequest));
    }
}
