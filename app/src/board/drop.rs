//! Text and Markdown files dropped onto the board become cards of its backlog, at once, with a way back:
//! a card in the backlog starts nothing.

use leptos::{ev, prelude::*, task::spawn_local};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DataTransfer, DragEvent, File, wasm_bindgen::JsCast};

use super::{Desk, new_card::first_choice};
use crate::{
    api,
    draw::{Part, draw},
    editor::draft::NewDraft,
    error::{ErrorCode, Problem},
    model::{BODY_LIMIT, Card, CardId, NewCard, ProjectId},
};

/// Files taken at once: more in one go is a mistake of the hand.
const FILES_LIMIT: u32 = 20;

/// Whether something from outside hovers over the board.
#[derive(Clone, Copy)]
pub(super) struct Hovering(pub(super) RwSignal<bool>);

pub(super) fn listen(desk: Desk) -> Hovering {
    let hovering = RwSignal::new(false);
    // What is dragged from this very page is no new text.
    let own = StoredValue::new(false);
    Effect::new(move |_| {
        let start = window_event_listener(ev::dragstart, move |_| own.set_value(true));
        let end = window_event_listener(ev::dragend, move |_| own.set_value(false));
        let takes = move |event: &DragEvent| !own.get_value() && takes(event);
        let over = window_event_listener(ev::dragover, move |event: DragEvent| {
            if takes(&event) {
                event.prevent_default();
                hovering.set(true);
            }
        });
        let leave = window_event_listener(ev::dragleave, move |event: DragEvent| {
            // Leaving the window has no element that is entered instead.
            if event.related_target().is_none() {
                hovering.set(false);
            }
        });
        let drop = window_event_listener(ev::drop, move |event: DragEvent| {
            hovering.set(false);
            if let Some(data) = event.data_transfer().filter(|_| takes(&event)) {
                event.prevent_default();
                take(desk, &data);
            }
        });
        on_cleanup(move || [start, end, over, leave, drop].into_iter().for_each(WindowListenerHandle::remove));
    });
    Hovering(hovering)
}

/// Text or files, and neither over a field nor over a dialog, which take text themselves.
fn takes(event: &DragEvent) -> bool {
    let Some(data) = event.data_transfer() else { return false };
    let types = data.types();
    let has = |kind: &str| types.includes(&kind.into(), 0);
    let over_field = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .is_some_and(|target| target.closest("input, textarea, dialog").ok().flatten().is_some());
    (has("Files") || has("text/plain")) && !over_field
}

fn take(desk: Desk, data: &DataTransfer) {
    let Some(project) = first_choice(desk) else {
        return desk.toasts.alert("No card was made", "There is no project yet to put a card into. Add one first.");
    };
    let files: Vec<File> =
        data.files().map(|files| (0..files.length()).filter_map(|at| files.item(at)).collect()).unwrap_or_default();
    if files.len() > FILES_LIMIT as usize {
        let words = format!("{} files at once; {FILES_LIMIT} are taken. Drop fewer.", files.len());
        return desk.toasts.alert("No card was made", words);
    }
    let text = data.get_data("text/plain").unwrap_or_default();
    spawn_local(async move {
        let mut made = Vec::new();
        if files.is_empty() {
            match card_of(project, text).await {
                Ok(card) => made.push(card),
                Err(problem) => desk.toasts.problem("No card was made", &problem),
            }
        }
        for file in files {
            let name = file.name();
            let card = async { card_of(project, read(&file).await?).await };
            match card.await {
                Ok(card) => made.push(card),
                Err(problem) => desk.toasts.problem(format!("{name} is not a card"), &problem),
            }
        }
        tell(desk, made);
    });
}

/// A file's text, unless it is no text or too long.
async fn read(file: &File) -> Result<String, Problem> {
    let refuse = |detail: String| Problem::new(ErrorCode::InvalidRequest, detail);
    if file.size() > BODY_LIMIT as f64 {
        return Err(refuse(format!("It has {:.1} MB; 1 MB fits into a card.", file.size() / 1e6)));
    }
    let read = JsFuture::from(file.text()).await;
    let text = read.ok().and_then(|text| text.as_string());
    let text = text.ok_or_else(|| refuse("The browser could not read it.".to_owned()))?;
    // What is no UTF-8 comes with replacement characters.
    if text.contains(['\0', '\u{fffd}']) {
        return Err(refuse("It is no text. Drop a Markdown or a plain text file.".to_owned()));
    }
    Ok(text)
}

async fn card_of(project_id: ProjectId, text: String) -> Result<Card, Problem> {
    let NewDraft { title, body } = NewDraft::from_text(&draw(Part::ReadText(text)).await?);
    if title.is_empty() {
        return Err(Problem::new(ErrorCode::InvalidRequest, "There is no text in it."));
    }
    api::create_card(NewCard { project_id, title, body }).await
}

/// Shows the new cards and offers to take them back.
fn tell(desk: Desk, made: Vec<Card>) {
    let Some(last) = made.last().cloned() else { return };
    let words = match made.len() {
        1 => format!("{} is in the backlog.", last.title),
        count => format!("{count} cards are in the backlog."),
    };
    let ids: Vec<CardId> = made.iter().map(|card| card.id).collect();
    for card in made {
        desk.live.accept(card);
    }
    desk.focus_soon(last.id);
    desk.announcer.say(words.clone());
    desk.toasts.offer(words, "Undo", move || {
        let ids = ids.clone();
        spawn_local(async move {
            for id in ids {
                if let Err(problem) = api::archive_card(id).await {
                    return desk.toasts.problem("The card stays", &problem);
                }
            }
            desk.announcer.say("Undone.");
        });
    });
}
