//! What the board shows: by text, status and project. The address holds it, so that a filtered board can
//! be bookmarked, and the form works without JavaScript.

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate, params::ParamsMap};

use super::Desk;
use crate::{
    live::Live,
    model::{Card, CardId, CardStatus, ProjectId, Stage},
    ui::{icon::Icon, settled::settled},
};

/// The status filter that the header's `Needs you` leads to.
const NEEDS_YOU: &str = "needs_you";

/// A status, or any that waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatusFilter {
    Is(CardStatus),
    NeedsYou,
}

impl StatusFilter {
    fn parse(text: &str) -> Option<Self> {
        if text == NEEDS_YOU { Some(StatusFilter::NeedsYou) } else { CardStatus::parse(text).map(StatusFilter::Is) }
    }

    fn as_str(self) -> &'static str {
        match self {
            StatusFilter::Is(status) => status.as_str(),
            StatusFilter::NeedsYou => NEEDS_YOU,
        }
    }

    fn admits(self, status: CardStatus) -> bool {
        match self {
            StatusFilter::Is(wanted) => status == wanted,
            StatusFilter::NeedsYou => {
                matches!(status, CardStatus::NeedsApproval | CardStatus::Waiting | CardStatus::Failed)
            }
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) text: String,
    pub(super) status: Option<StatusFilter>,
    pub(super) project: Option<ProjectId>,
}

impl Filter {
    /// Reads the address. What is not understood filters nothing.
    pub(super) fn from_query(query: &ParamsMap) -> Self {
        Filter {
            text: query.get("q").map(|text| text.trim().to_owned()).unwrap_or_default(),
            status: query.get("status").and_then(|status| StatusFilter::parse(&status)),
            project: query.get("project").and_then(|project| project.parse().ok()),
        }
    }

    /// The address of the board under this filter.
    pub(super) fn address(&self) -> String {
        let mut query = ParamsMap::new();
        if !self.text.is_empty() {
            query.insert("q", self.text.clone());
        }
        if let Some(status) = self.status {
            query.insert("status", status.as_str().to_owned());
        }
        if let Some(project) = self.project {
            query.insert("project", project.to_string());
        }
        format!("/{}", query.to_query_string())
    }

    /// Whether it looks at what may change in a card, rather than at its project only.
    pub(super) fn looks_inside(&self) -> bool {
        !self.text.is_empty() || self.status.is_some()
    }

    /// Every word of the text is in the title, or is the card's number.
    pub(super) fn admits(&self, card: &Card) -> bool {
        if self.project.is_some_and(|project| project != card.project_id) {
            return false;
        }
        if self.status.is_some_and(|status| !status.admits(card.status)) {
            return false;
        }
        let title = card.title.to_lowercase();
        self.text
            .to_lowercase()
            .split_whitespace()
            .all(|word| title.contains(word) || word.trim_start_matches('#').parse() == Ok(card.number))
    }

    /// The cards of a stage that it admits, in order. Follows single cards only where it looks inside them.
    pub(super) fn select(&self, live: Live, stage: Stage) -> Vec<CardId> {
        let mut ids = live.column(stage).get();
        if self.looks_inside() {
            ids.retain(|id| live.card(*id).is_some_and(|card| card.with(|card| self.admits(card))));
        } else if self.project.is_some() {
            ids.retain(|id| live.card(*id).is_some_and(|card| card.with_untracked(|card| self.admits(card))));
        }
        ids
    }
}

/// Search field and status choice.
#[component]
pub(super) fn FilterBar() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let navigate = use_navigate();
    let go = move |filter: Filter| {
        let stay = NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() };
        navigate(&filter.address(), stay);
    };
    let search = {
        let go = go.clone();
        move |text: String| go(Filter { text: text.trim().to_owned(), ..desk.filter.get_untracked() })
    };
    let choose = {
        let go = go.clone();
        move |status: String| go(Filter { status: StatusFilter::parse(&status), ..desk.filter.get_untracked() })
    };
    let clear =
        move |_| go(Filter { project: desk.filter.with_untracked(|filter| filter.project), ..Filter::default() });
    let status = move || desk.filter.with(|filter| filter.status.map_or("", StatusFilter::as_str));
    // The field keeps what is typed; the address follows it and not the other way round.
    let initial = desk.filter.with_untracked(|filter| filter.text.clone());
    let options = [
        CardStatus::Queued,
        CardStatus::Working,
        CardStatus::Waiting,
        CardStatus::NeedsApproval,
        CardStatus::Failed,
        CardStatus::Idle,
        CardStatus::Shipped,
    ];
    settled(view! {
        <form class="filter" role="search" action="/" on:submit=|event| event.prevent_default()>
            <label class="search">
                <span class="visually-hidden">"Search cards"</span>
                <Icon name="search" />
                <input
                    type="search" name="q" id="search" placeholder="Search cards" autocomplete="off"
                    aria-keyshortcuts="/" value=initial
                    on:input=move |event| search(event_target_value(&event))
                />
            </label>
            <label>
                <span class="visually-hidden">"Status"</span>
                <select name="status" prop:value=status on:change=move |event| choose(event_target_value(&event))>
                    <option value="">"Any status"</option>
                    <option value=NEEDS_YOU selected=move || status() == NEEDS_YOU>"Needs you"</option>
                    {options.map(|option| view! {
                        <option value=option.as_str() selected=move || status() == option.as_str()>{option.label()}</option>
                    }).collect_view()}
                </select>
            </label>
            {move || desk.filter.with(|filter| filter.project).map(|project| view! {
                <input type="hidden" name="project" value=project.to_string() />
            })}
            <Show when=move || desk.filter.with(Filter::looks_inside)>
                <button type="button" class="button" on:click={
                    let clear = clear.clone();
                    move |event| {
                        clear(event);
                        if let Some(field) = document().get_element_by_id("search") {
                            use web_sys::wasm_bindgen::JsCast;
                            field.unchecked_into::<web_sys::HtmlInputElement>().set_value("");
                        }
                    }
                }>"Clear filter"</button>
            </Show>
            <noscript>
                <button class="button">"Filter"</button>
            </noscript>
        </form>
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::moves::tests::card;

    fn filter(pairs: &[(&str, &str)]) -> Filter {
        let mut query = ParamsMap::new();
        for (name, value) in pairs {
            query.insert(name.to_string(), value.to_string());
        }
        Filter::from_query(&query)
    }

    #[test]
    fn text_is_words_in_any_order_or_a_number() {
        let card = Card { title: "Fix the Login page".into(), ..card(12, Stage::Plan) };
        let check = |text, want| assert_eq!(filter(&[("q", text)]).admits(&card), want, "{text:?}");
        check("", true);
        check("login fix", true);
        check("LOGIN", true);
        check("#12", true);
        check("12", true);
        check("#1", false);
        check("logout", false);
    }

    #[test]
    fn needs_you_is_every_status_that_waits_for_a_person() {
        let filter = filter(&[("status", "needs_you")]);
        for status in CardStatus::ALL {
            let waits = matches!(status, CardStatus::NeedsApproval | CardStatus::Waiting | CardStatus::Failed);
            assert_eq!(filter.admits(&Card { status: *status, ..card(1, Stage::Plan) }), waits, "{status:?}");
        }
    }

    #[test]
    fn the_address_holds_the_filter() {
        let project = card(1, Stage::Plan).project_id.to_string();
        let filter = filter(&[("q", "a b&c"), ("status", "failed"), ("project", &project)]);
        let address = filter.address();
        assert!(address.contains("status=failed") && address.contains("project="), "{address}");
        assert!(!address.contains("b&c"), "{address}");
        assert_eq!(Filter::default().address(), "/");
        assert_eq!(super::Filter::from_query(&ParamsMap::new()), Filter::default());
    }
}
