//! One card's whole story at its own address: what it is, where it stands, what it needs from a person,
//! what its agents made, and everything that happened.
//!
//! Reading order:
//! - [`story`]: the story on screen, kept up to date
//! - [`header`], [`stepper`]: what and where
//! - [`deciding`] with [`gate_panel`], [`questions`], [`now`]: what it needs, what goes on
//! - [`overview`], [`artifacts`] with [`diff`], [`activity`] with [`topic`] and [`words`]: what happened
//! - [`remarks`] with [`remark_bar`]: comments on lines, until they are sent back
//! - [`api`], [`ask`]: what it asks of the server, and how a refusal is told

pub mod activity;
pub mod api;
pub mod artifacts;
pub mod ask;
pub mod copy;
pub mod deciding;
pub mod diff;
#[cfg(test)]
pub(crate) mod fixture;
pub mod gate_panel;
pub mod header;
pub mod now;
pub mod overview;
pub mod questions;
pub mod remark_bar;
pub mod remarks;
pub mod stepper;
pub mod story;
pub mod topic;
pub mod words;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

use crate::{
    error::{ErrorCode, Problem},
    live::Live,
    model::{ArtifactId, CardId},
    shell::Hydrated,
    ui::{json::JsonBytes, settled::settled},
};
use api::{CardOpening, open_card};
use deciding::Deciding;
use remarks::Remarks;
use story::Story;

/// The id of the page's first heading, which takes the focus when what had it is gone.
const HEADING: &str = "card-title";

crate::later! {
    /// The page's code is loaded when a card is opened.
    pub fn card_page() in card { CardPage() }
}

#[component]
fn CardPage() -> impl IntoView {
    let params = use_params_map();
    let query = use_query_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")?.parse::<CardId>().ok()));
    // Only the first view waits for what was asked for; later choices are fetched by themselves.
    let named = |name: &str| query.with_untracked(|query| query.get(name)?.parse::<ArtifactId>().ok());
    let (asked, since) = (named("artifact"), named("since"));
    let opening = Resource::<_, JsonBytes>::new_with_options(
        move || id.get(),
        move |id| async move {
            match id {
                Some(id) => open_card(id, asked, since).await,
                None => Err(Problem::new(ErrorCode::NotFound, "This address names no card.")),
            }
        },
        false,
    );
    view! {
        <Transition fallback=|| view! { <Loading /> }>
            {move || Suspend::new(async move {
                match opening.await {
                    Ok(opening) => settled(view! { <Card opening /> }),
                    Err(problem) => settled(view! { <NoCard problem /> }),
                }
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn Card(opening: CardOpening) -> impl IntoView {
    let story = Story::provide(opening);
    let id = story.now(|story| story.card.id);
    Effect::new(move |_| crate::palette::note(id));
    Deciding::provide(story, Remarks::provide(story.now(|story| story.card.id)));
    follow(story);
    let title = story.part(|story| format!("#{} {}", story.card.number, story.card.title));
    let hydrated = expect_context::<Hydrated>().0;
    settled(view! {
        <Title text=move || title.get() />
        <div class="card-page" data-live=move || hydrated.get().then_some("")>
            <header::CardHeader />
            <noscript>
                <p class="hint">"Reading works without JavaScript; moving, approving and answering need it."</p>
            </noscript>
            <stepper::Stepper story=story.signal() />
            <div class="card-columns">
                <div class="card-now">
                    <questions::OpenQuestions />
                    <gate_panel::GatePanel />
                    <now::Now />
                </div>
                <div class="card-story">
                    <overview::Overview />
                    <artifacts::Artifacts />
                    <activity::Activity />
                </div>
            </div>
        </div>
    })
}

/// Every frame of the page's event stream goes into the story.
fn follow(story: Story) {
    let Some(live) = use_context::<Live>() else { return };
    let id = story.now(|story| story.card.id);
    live.on_batch(move |batch| {
        let card = batch.cards.iter().find(|card| card.id == id);
        if card.is_some() || batch.events.iter().any(|event| event.card_id == Some(id)) {
            story.absorb(&batch.events, card);
        }
    });
    // What happened between the server's first view and the stream's first frame is in the stream; what
    // happened while this page was reached from another one is not.
    #[cfg(feature = "hydrate")]
    if story.now(|story| story.seq) < live.seq() {
        story.reload();
    }
}

#[component]
fn Loading() -> impl IntoView {
    settled(view! {
        <Title text="Card" />
        <p class="card-loading" aria-busy="true">"Loading the card…"</p>
    })
}

/// No card at this address, or none that can be read now.
#[component]
fn NoCard(problem: Problem) -> impl IntoView {
    let missing = problem.code == ErrorCode::NotFound;
    if let Some(crate::api::StatusSink(set)) = use_context() {
        set(problem.status);
    }
    let (title, heading) = match missing {
        true => ("Not found", "There is no such card"),
        false => ("Card", "The card could not be read"),
    };
    settled(view! {
        <Title text=title />
        <section class="empty-page">
            <h1>{heading}</h1>
            <p role=if missing { "note" } else { "alert" }>{problem.detail}</p>
            <a class="button" href="/">"Go to the board"</a>
        </section>
    })
}

/// Gives the focus to the card's title: what had it has left the page.
fn focus_heading() {
    request_animation_frame(|| {
        if let Some(heading) = document().get_element_by_id(HEADING)
            && let Ok(heading) = wasm_bindgen::JsCast::dyn_into::<web_sys::HtmlElement>(heading)
        {
            // A heading that has left the page too cannot take it; then nothing can.
            let _ = heading.focus();
        }
    });
}
