//! What the palette offers, as the options of its list box. Only the server draws it.

use leptos::prelude::*;

use super::fuzzy::score;
use crate::{
    board::moves,
    card::header::actions,
    draw::{PaletteQuery, Place},
    model::{Card, CardId, Project},
    port::shelf::CardName,
};

/// Options shown at once: more than fit is more than anyone reads.
const SHOWN: usize = 24;
/// Cards that were looked at last, shown before anything is typed.
const RECENT: usize = 6;
/// What an action of the card at hand is worth beside a card of that name.
const AT_HAND: u32 = 30;

/// What choosing an option does.
enum Does {
    /// Goes to an address.
    Go(String),
    /// Something the page can do: its name.
    Act(&'static str),
    /// A deed with the card at hand, by its label.
    Deed(CardId, String),
}

struct Offer {
    name: String,
    /// What kind of thing it is, or where.
    note: String,
    /// Keys that do the same.
    keys: &'static str,
    does: Does,
    /// What it is worth beyond its name.
    bonus: u32,
}

/// Everything the page has to be told to draw the list.
pub struct Known {
    pub cards: Vec<CardName>,
    pub projects: Vec<Project>,
    /// The card that the person has at hand.
    pub card: Option<Card>,
}

pub fn drawn(asked: &PaletteQuery, known: &Known) -> String {
    let text = asked.text.trim();
    let offers = if text.is_empty() { opening(asked, known) } else { found(text, asked, known) };
    if offers.is_empty() {
        return view! { <li class="palette-none" role="presentation">"Nothing matches."</li> }.to_html();
    }
    offers.iter().enumerate().map(|(index, offer)| option(index, offer).to_html()).collect()
}

/// Before anything is typed: the card at hand, what was looked at last, then everything the page can do.
fn opening(asked: &PaletteQuery, known: &Known) -> Vec<Offer> {
    let mut offers = deeds(asked, known);
    let recent = asked.recent.iter().filter_map(|id| known.cards.iter().find(|card| card.id == *id)).take(RECENT);
    offers.extend(recent.map(|card| card_offer(card, known)));
    offers.extend(acts());
    offers.truncate(SHOWN);
    offers
}

fn found(text: &str, asked: &PaletteQuery, known: &Known) -> Vec<Offer> {
    let number = text.trim_start_matches('#').parse::<i64>().ok();
    let mut scored: Vec<(u32, Offer)> = Vec::new();
    let projects = known.projects.iter().flat_map(|project| [project_offer(project), settings_offer(project)]);
    for offer in deeds(asked, known).into_iter().chain(acts()).chain(projects) {
        if let Some(score) = score(text, &offer.name) {
            scored.push((score + offer.bonus, offer));
        }
    }
    for card in &known.cards {
        let named = if number == Some(card.number) { Some(200) } else { score(text, &card.title) };
        if let Some(score) = named {
            let recent = asked.recent.contains(&card.id);
            scored.push((
                score + u32::from(recent) * 10 - u32::from(card.archived && score > 0),
                card_offer(card, known),
            ));
        }
    }
    // The sort is stable: among equals, cards stay newest first.
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().take(SHOWN).map(|(_, offer)| offer).collect()
}

fn deeds(asked: &PaletteQuery, known: &Known) -> Vec<Offer> {
    let Some(card) = &known.card else { return Vec::new() };
    let labels: Vec<String> = match asked.place {
        Place::Board => moves::deeds(card).into_iter().map(moves::Deed::label).collect(),
        Place::Card => actions(card).into_iter().map(crate::card::header::CardAction::label).collect(),
        Place::Elsewhere => Vec::new(),
    };
    let offer = |label: String| Offer {
        name: label.clone(),
        note: card.title.clone(),
        keys: "",
        does: Does::Deed(card.id, label),
        bonus: AT_HAND,
    };
    labels.into_iter().map(offer).collect()
}

fn acts() -> Vec<Offer> {
    let act = |name: &str, keys, does| Offer { name: name.to_owned(), note: String::new(), keys, does, bonus: 0 };
    let go = |name: &str, address: &str| act(name, "", Does::Go(address.to_owned()));
    vec![
        act("New card", "C", Does::Act("new-card")),
        go("Go to the board", "/"),
        go("Go to the inbox", "/inbox"),
        go("Go to the archive", "/archive"),
        go("Go to all projects", "/projects"),
        go("Add project", "/projects?add="),
        act("Theme: light", "", Does::Act("theme-light")),
        act("Theme: dark", "", Does::Act("theme-dark")),
        act("Theme: as the system has it", "", Does::Act("theme-system")),
        act("Keyboard shortcuts", "?", Does::Act("keys")),
    ]
}

fn project_offer(project: &Project) -> Offer {
    Offer {
        name: project.name.clone(),
        note: "Project".to_owned(),
        keys: "",
        does: Does::Go(format!("/?project={}", project.id)),
        bonus: 0,
    }
}

fn settings_offer(project: &Project) -> Offer {
    Offer {
        name: format!("Settings of {}", project.name),
        note: String::new(),
        keys: "",
        does: Does::Go(format!("/projects/{}", project.id)),
        bonus: 0,
    }
}

fn card_offer(card: &CardName, known: &Known) -> Offer {
    let place = if card.archived { "Archive" } else { card.stage.label() };
    let project = known.projects.iter().find(|project| project.id == card.project_id && known.projects.len() > 1);
    let note = match project {
        Some(project) => format!("#{} {place}, {}", card.number, project.name),
        None => format!("#{} {place}", card.number),
    };
    Offer { name: card.title.clone(), note, keys: "", does: Does::Go(format!("/cards/{}", card.id)), bonus: 0 }
}

fn option(index: usize, offer: &Offer) -> impl IntoView + use<> {
    let (go, act, card) = match &offer.does {
        Does::Go(address) => (Some(address.clone()), None, None),
        Does::Act(name) => (None, Some((*name).to_owned()), None),
        Does::Deed(card, label) => (None, Some(label.clone()), Some(card.to_string())),
    };
    view! {
        <li
            role="option" id=format!("palette-{index}") class="palette-option" aria-selected=(index == 0).to_string()
            data-go=go data-act=act data-card=card
        >
            <span class="palette-name" dir="auto">{offer.name.clone()}</span>
            <span class="palette-note" dir="auto">{offer.note.clone()}</span>
            {(!offer.keys.is_empty()).then(|| view! { <kbd>{offer.keys}</kbd> })}
        </li>
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        board::moves::tests::card,
        model::{CardStatus, Stage},
    };

    fn name(number: i64, title: &str, archived: bool) -> CardName {
        CardName {
            id: CardId(Uuid::from_u128(number as u128)),
            project_id: crate::model::ProjectId(Uuid::from_u128(1)),
            number,
            title: title.to_owned(),
            stage: Stage::Plan,
            archived,
        }
    }

    fn known() -> Known {
        let cards = vec![name(3, "Fix login", false), name(2, "Fix login", true), name(12, "New lamp", false)];
        let project = crate::card::fixture::story(Stage::Backlog, CardStatus::Idle).project;
        Known { cards, projects: vec![project], card: Some(card(3, Stage::Backlog)) }
    }

    fn asked(text: &str) -> PaletteQuery {
        PaletteQuery { text: text.to_owned(), place: Place::Board, ..PaletteQuery::default() }
    }

    fn names(text: &str, recent: &[u128]) -> Vec<String> {
        let recent = recent.iter().map(|id| CardId(Uuid::from_u128(*id))).collect();
        let asked = PaletteQuery { recent, ..asked(text) };
        let offers = if text.is_empty() { opening(&asked, &known()) } else { found(text, &asked, &known()) };
        offers.into_iter().map(|offer| format!("{} {}", offer.name, offer.note).trim().to_owned()).collect()
    }

    #[test]
    fn cards_actions_and_the_archive_are_found() {
        assert_eq!(names("login", &[])[..2], ["Fix login #3 Plan", "Fix login #2 Archive"]);
        assert_eq!(names("#12", &[])[0], "New lamp #12 Plan");
        assert_eq!(names("inbox", &[])[0], "Go to the inbox");
        assert!(names("settings", &[])[0].starts_with("Settings of "));
        assert_eq!(names("move plan", &[])[0], "Move to Plan Card 3");
        assert!(names("zzz", &[]).is_empty());
        assert!(drawn(&asked("zzz"), &known()).contains("Nothing matches"));
    }

    #[test]
    fn what_was_looked_at_last_comes_first() {
        assert_eq!(names("login", &[2])[0], "Fix login #2 Archive");
        let opening = names("", &[12, 99]);
        let at = |wanted: &str| opening.iter().position(|name| name.starts_with(wanted)).unwrap();
        assert!(at("New lamp") < at("New card"), "{opening:?}");
    }

    #[test]
    fn an_option_says_what_it_does() {
        let html = drawn(&asked("login"), &known());
        assert!(html.contains("role=\"option\"") && html.contains("data-go=\"/cards/"), "{html}");
        assert_eq!(html.matches("aria-selected=\"true\"").count(), 1);
    }
}
