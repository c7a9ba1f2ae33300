//! What only a card's page asks of the server.

use leptos::{prelude::*, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

use crate::{
    api::SessionClient,
    error::Problem,
    model::{ArtifactId, CardId, Event, NewAnswer, Question, QuestionId},
    port::{ArtifactView, CardStory, DiffLines},
};

/// A card's story with the artifacts that its page shows at once: the newest version of each kind, or the
/// one that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CardOpening {
    pub story: CardStory,
    pub shown: Vec<ArtifactView>,
    /// The older version that the asked-for artifact is compared with, and what changed since.
    pub since: Option<ArtifactId>,
    pub compared: Option<ArtifactView>,
}

/// Everything the page's first view needs, in one answer.
#[server(prefix = "/ui", endpoint = "open_card", input = Json, output = Json, client = SessionClient)]
pub async fn open_card(
    card: CardId,
    asked: Option<ArtifactId>,
    since: Option<ArtifactId>,
) -> Result<CardOpening, Problem> {
    use crate::api::{answer, board};

    let board = board()?;
    let story = answer(board.story(card).await)?;
    let mut shown = Vec::new();
    let mut compared = None;
    for artifact in super::artifacts::shown(&story.artifacts, asked) {
        let since = since.filter(|_| Some(artifact) == asked);
        // An artifact that cannot be read is told where it stands; the rest of the story is still worth reading.
        if let Ok(view) = board.artifact(artifact, since).await {
            match since {
                Some(_) => compared = Some(view),
                None => shown.push(view),
            }
        }
    }
    Ok(CardOpening { story, shown, since, compared })
}

#[server(prefix = "/ui", endpoint = "load_story", input = Json, output = Json, client = SessionClient)]
pub async fn load_story(card: CardId) -> Result<CardStory, Problem> {
    crate::api::answer(crate::api::board()?.story(card).await)
}

#[server(prefix = "/ui", endpoint = "load_artifact", input = Json, output = Json, client = SessionClient)]
pub async fn load_artifact(artifact: ArtifactId, since: Option<ArtifactId>) -> Result<ArtifactView, Problem> {
    crate::api::answer(crate::api::board()?.artifact(artifact, since).await)
}

#[server(prefix = "/ui", endpoint = "load_diff_lines", input = Json, output = Json, client = SessionClient)]
pub async fn load_diff_lines(asked: DiffLines) -> Result<Vec<String>, Problem> {
    crate::api::answer(crate::api::board()?.diff_lines(asked).await)
}

#[server(prefix = "/ui", endpoint = "load_activity", input = Json, output = Json, client = SessionClient)]
pub async fn load_activity(card: CardId, before: i64) -> Result<Vec<Event>, Problem> {
    crate::api::answer(crate::api::board()?.activity_before(card, before).await)
}

#[server(prefix = "/ui", endpoint = "answer_question", input = Json, output = Json, client = SessionClient)]
pub async fn answer_question(question: QuestionId, answer: NewAnswer) -> Result<Question, Problem> {
    crate::api::answer(crate::api::board()?.answer(question, answer).await)
}
