//! Parts of a page that the server draws on request: HTML (or a plain text) for one place. What is only
//! read, or is needed only now and then, costs the browser no code this way.

use leptos::{prelude::*, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

use crate::{api::SessionClient, error::Problem};

/// What is to be drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A description as its card's page will show it.
    Preview(String),
    /// The playbook's blocks, with a button for each that puts it into a description.
    Blocks,
}

/// Draws one part. What it answers is fit to be put into the page as it is.
#[server(prefix = "/ui", endpoint = "draw", input = Json, output = Json, client = SessionClient)]
pub async fn draw(part: Part) -> Result<String, Problem> {
    crate::api::answer(drawn(part).await)
}

#[cfg(feature = "ssr")]
async fn drawn(part: Part) -> Result<String, Problem> {
    let board = crate::api::board()?;
    match part {
        Part::Preview(markdown) => board.preview(markdown).await,
        Part::Blocks => Ok(crate::editor::blocks::drawn()),
    }
}
