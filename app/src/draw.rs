//! Parts of a page that the server draws on request: HTML (or a plain text) for one place. What is only
//! read, or is needed only now and then, costs the browser no code this way.

use leptos::{prelude::*, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

use crate::{
    api::SessionClient,
    error::Problem,
    model::{CardId, ProjectId, TemplateId},
};

/// What is to be drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A description as its card's page will show it.
    Preview(String),
    /// The playbook's blocks, with a button for each that puts it into a description.
    Blocks,
    /// A project's templates as the options of a choice; nothing when it has none.
    TemplateOptions(ProjectId),
    /// The same as a list to rename and delete in.
    TemplateList(ProjectId),
    /// A template's text: title, line break, description. No HTML.
    TemplateText(TemplateId),
    /// A text from elsewhere as a card has it: title, line break, description. No HTML.
    ReadText(String),
    /// The inbox's items.
    Inbox,
    /// The archive's items: with these words in the title, of this project.
    Archive { text: String, project: Option<ProjectId> },
    /// The palette's options.
    Palette(PaletteQuery),
}

/// What the palette is asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PaletteQuery {
    pub text: String,
    pub place: Place,
    /// The card that the person has at hand.
    pub card: Option<CardId>,
    /// Cards that were looked at, the last one first.
    pub recent: Vec<CardId>,
}

/// Which page the palette stands over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Board,
    Card,
    #[default]
    Elsewhere,
}

/// A part that was drawn with the page. From context, while the server renders.
#[derive(Clone)]
pub struct Drawn(pub String);

impl Drawn {
    /// The part of the page being rendered. The browser takes over what stands in the document already.
    pub fn take() -> String {
        if cfg!(feature = "hydrate") {
            return String::new();
        }
        use_context::<Drawn>().map(|Drawn(html)| html).unwrap_or_default()
    }
}

/// Draws one part. What it answers is fit to be put into the page as it is.
#[server(prefix = "/ui", endpoint = "draw", input = Json, output = Json, client = SessionClient)]
pub async fn draw(part: Part) -> Result<String, Problem> {
    let sprite = use_context::<crate::ui::icon::Sprite>().map(|sprite| sprite.0).unwrap_or_default();
    crate::api::answer(drawn(crate::api::board()?.as_ref(), &sprite, part).await)
}

/// Draws one part with what the port knows. `sprite` is the address of the icons.
#[cfg(feature = "ssr")]
pub async fn drawn(board: &dyn crate::port::Board, sprite: &str, part: Part) -> Result<String, Problem> {
    use crate::{archive, board::templates, editor::blocks, inbox, palette, port::shelf::ArchiveQuery};

    let now = chrono::Utc::now();
    let as_text = |title: &str, body: &str| format!("{title}\n{body}");
    Ok(match part {
        Part::Preview(markdown) => board.preview(markdown).await?,
        Part::Blocks => blocks::drawn(),
        Part::TemplateOptions(project) => templates::options(&board.templates(project).await?),
        Part::TemplateList(project) => templates::list(&board.templates(project).await?),
        Part::TemplateText(id) => {
            let template = board.template(id).await?;
            as_text(&template.title, template.body.as_deref().unwrap_or_default())
        }
        Part::ReadText(text) => {
            let written = board.read_text(text).await?;
            as_text(&written.title, &written.body)
        }
        Part::Inbox => inbox::list::drawn(&board.inbox().await?, sprite, now),
        Part::Archive { text, project } => {
            let asked = ArchiveQuery { text, project };
            archive::list::drawn(&board.archive(asked.clone()).await?, &asked, sprite, now)
        }
        Part::Palette(asked) => {
            let card = match asked.card {
                // A card that is gone is no longer at hand; the rest of the palette is still of use.
                Some(id) => board.card_now(id).await.ok(),
                None => None,
            };
            let (cards, projects) = (board.card_names().await?, board.projects().await?);
            palette::list::drawn(&asked, &palette::list::Known { cards, projects, card })
        }
    })
}
