//! Events: appended facts, as a list and as streams.

use axum::{
    Json,
    extract::{State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::HeaderMap,
    response::Response,
};
use serde::Deserialize;
use slipway_app::{
    error::{ErrorCode, Problem},
    model::{AgentId, CardId, Event},
};
use utoipa::{IntoParams, ToSchema};

use super::{Api, Board};
use crate::http::{
    doors::EventQuery,
    extract::{Listing, Query, page_limit},
    problem::Refusal,
    stream::{
        pull::{Batches, Events, Pull},
        socket::{self, INCOMING_LIMIT},
        sse,
    },
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventParameters {
    /// Only events with a greater `seq`; 0 unless said.
    #[param(minimum = 0)]
    after: Option<i64>,
    card_id: Option<CardId>,
    agent_id: Option<AgentId>,
    /// Entries in the page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<i64>,
    /// The `next_cursor` of the page before; stands in for `after`.
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StreamParameters {
    /// Only events with a greater `seq`; 0 unless said.
    #[param(minimum = 0)]
    after: Option<i64>,
    card_id: Option<CardId>,
    agent_id: Option<AgentId>,
}

/// What the socket's frames hold.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// Batches: new events and the cards they are about.
    Board,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SocketParameters {
    /// Only events with a greater `seq`; 0 unless said.
    #[param(minimum = 0)]
    after: Option<i64>,
    card_id: Option<CardId>,
    agent_id: Option<AgentId>,
    /// `board` makes each frame a `Batch` of all that is new, whatever card or agent it is about.
    #[param(inline)]
    view: Option<View>,
}

/// Lists events in order.
///
/// `next_cursor` is `null` once there are no more for now; go on with the last `seq` as `after`.
#[utoipa::path(get, path = "/events", tag = "events", params(EventParameters),
    responses((status = 200, description = "One page", body = Listing<Event>)))]
pub async fn list(State(doors): Board, Query(asked): Query<EventParameters>) -> Result<Json<Listing<Event>>, Refusal> {
    let limit = page_limit(asked.limit)?;
    let after = match &asked.cursor {
        Some(cursor) => cursor.parse().unwrap_or(-1),
        None => asked.after.unwrap_or(0),
    };
    let after = sse::checked_start(after, if asked.cursor.is_some() { "`cursor`" } else { "`after`" })?;
    let query = EventQuery { after, card_id: asked.card_id, agent_id: asked.agent_id, limit };
    let items = doors.events(query).await?;
    let is_full = items.len() >= limit as usize;
    let next_cursor = items.last().filter(|_| is_full).map(|event| event.seq.to_string());
    Ok(Json(Listing { items, next_cursor }))
}

/// Streams events as they are committed (server-sent events).
///
/// `id:` is the event's `seq`, `event:` its kind, `data:` the event as JSON; a comment line comes every
/// 15 seconds. `Last-Event-ID` resumes without gap or repeat, and goes before `after`.
#[utoipa::path(get, path = "/events/stream", tag = "events",
    params(StreamParameters,
        ("Last-Event-ID" = Option<i64>, Header, description = "The last `seq` seen; browsers send it by themselves")),
    responses(
        (status = 200, description = "The stream", content_type = "text/event-stream", body = String),
        (status = 503, description = "`too_many_streams`", body = Problem),
    ))]
pub async fn stream(
    State(api): State<Api>,
    Query(asked): Query<StreamParameters>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let after = sse::start_after(&headers, asked.after)?;
    let filter = EventQuery { after, card_id: asked.card_id, agent_id: asked.agent_id, limit: 0 };
    let pull = Pull::open(api.doors, Events(filter), after, &api.streams, api.stopping)?;
    Ok(sse::respond(pull))
}

/// Streams events over WebSocket.
///
/// Each text frame is one event as JSON, or with `view=board` one `Batch`. A ping comes every 15 seconds.
/// The handshake has to carry our own `Origin`; a client may send nothing but control frames.
#[utoipa::path(get, path = "/events/socket", tag = "events", params(SocketParameters),
    responses(
        (status = 101, description = "The socket"),
        (status = 503, description = "`too_many_streams`", body = Problem),
    ))]
pub async fn socket(
    State(api): State<Api>,
    Query(asked): Query<SocketParameters>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    let upgrade = upgrade.map_err(|error| Problem::new(ErrorCode::InvalidRequest, error.body_text()))?;
    let upgrade = upgrade.max_frame_size(INCOMING_LIMIT).max_message_size(INCOMING_LIMIT);
    let after = sse::checked_start(asked.after.unwrap_or(0), "`after`")?;
    let streams = api.streams.clone();
    if let Some(View::Board) = asked.view {
        let pull = Pull::open(api.doors, Batches, after, &streams, api.stopping)?;
        return Ok(upgrade.on_upgrade(move |socket| socket::serve(socket, pull, streams)));
    }
    let filter = EventQuery { after, card_id: asked.card_id, agent_id: asked.agent_id, limit: 0 };
    let pull = Pull::open(api.doors, Events(filter), after, &streams, api.stopping)?;
    Ok(upgrade.on_upgrade(move |socket| socket::serve(socket, pull, streams)))
}
