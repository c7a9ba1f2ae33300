//! The archive's list as HTML. Only the server draws it.

use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::{
    board::status_look,
    model::Card,
    port::shelf::{Archive, ArchiveQuery},
    ui::time::{ago, exact},
};

pub fn drawn(archive: &Archive, asked: &ArchiveQuery, sprite: &str, now: DateTime<Utc>) -> String {
    if archive.cards.is_empty() {
        let words = match asked.text.is_empty() && asked.project.is_none() {
            true => "The archive is empty. A card's menu on the board has \"Archive\".",
            false => "No archived card matches.",
        };
        return view! { <li class="empty" data-key="none" data-print=words>{words}</li> }.to_html();
    }
    let mut html: String = archive.cards.iter().map(|card| item(card, archive, sprite, now).to_html()).collect();
    if archive.more {
        let more = view! {
            <li class="hint" data-key="more" data-print="">"There are more. Search for what you miss."</li>
        };
        html.push_str(&more.to_html());
    }
    html
}

fn item(card: &Card, archive: &Archive, sprite: &str, now: DateTime<Utc>) -> impl IntoView + use<> {
    let (icon, tone) = status_look(card.status);
    let project = archive.projects.iter().find(|project| project.id == card.project_id);
    let place = match project {
        Some(project) => format!("#{} of {}, left from {}", card.number, project.name, card.stage.label()),
        None => format!("#{}, left from {}", card.number, card.stage.label()),
    };
    let at = card.archived_at.unwrap_or(card.updated_at);
    view! {
        <li
            class="archived-card" data-key=card.id.to_string() data-title=card.title.clone()
            data-print=format!("{}.{}", card.version, exact(at))
        >
            <div class="archived-text">
                <a dir="auto" href=format!("/cards/{}", card.id)>{card.title.clone()}</a>
                <p class="hint">
                    {place}
                    ", "
                    <time class="time" datetime=exact(at) title=exact(at)>{ago(now - at)}</time>
                </p>
            </div>
            <span class="badge" data-tone=tone.as_str()>
                <svg class="icon" aria-hidden="true" focusable="false"><use href=format!("{sprite}#{icon}")></use></svg>
                {card.status.label()}
            </span>
            <button type="button" class="button" data-restore=card.id.to_string() aria-label=format!("Restore {}", card.title)>"Restore"</button>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{board::moves::tests::card, model::Stage};

    #[test]
    fn a_card_can_be_read_and_taken_back() {
        let mut gone = card(7, Stage::Build);
        gone.title = "Fix <b>".to_owned();
        gone.archived_at = Some(DateTime::UNIX_EPOCH);
        let archive = Archive { cards: vec![gone.clone()], more: true, projects: Vec::new() };
        let html = drawn(&archive, &ArchiveQuery::default(), "/icons.svg", DateTime::UNIX_EPOCH);
        assert!(html.contains("Fix &lt;b>") || html.contains("Fix &lt;b&gt;"), "{html}");
        assert!(html.contains(&format!("data-restore=\"{}\"", gone.id)) && html.contains("There are more"), "{html}");
        let none = Archive { cards: Vec::new(), more: false, projects: Vec::new() };
        let asked = ArchiveQuery { text: "x".to_owned(), project: None };
        assert!(drawn(&none, &asked, "", DateTime::UNIX_EPOCH).contains("No archived card matches"));
    }
}
