//! Refusals and faults, shown until they are dismissed; and what has just been done with the way to undo
//! it, shown for a while.

use std::{sync::Arc, time::Duration};

use leptos::prelude::*;

use super::{icon::Icon, later::reload, settled::settled, ticked::ticked_html};
use crate::error::Problem;

/// Toasts on screen at once; an older one makes room, for by then it has been read or never will be.
const TOAST_LIMIT: usize = 3;
/// How long an offer stands: time to notice a mistake, not longer than one remembers what was done.
const OFFER_STANDS: Duration = Duration::from_secs(12);
/// How soon an offer that is pointed at or focused is looked at again.
const OFFER_LOOKED_AT: Duration = Duration::from_secs(3);

#[derive(Clone)]
enum Kind {
    Alert,
    /// An alert that loading the page anew may help.
    Stale,
    /// A button with this name does this, once.
    Offer(String, Arc<dyn Fn() + Send + Sync>),
}

#[derive(Clone)]
struct Toast {
    id: u64,
    title: String,
    detail: String,
    kind: Kind,
}

/// Shows toasts. From context.
#[derive(Clone, Copy)]
pub struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    made: StoredValue<u64>,
}

impl Toasts {
    /// Makes it and puts it into context.
    pub fn provide() -> Self {
        let toasts = Toasts { shown: RwSignal::new(Vec::new()), made: StoredValue::new(0) };
        provide_context(toasts);
        toasts
    }

    /// `title` says what failed, `detail` why and what to do.
    pub fn alert(self, title: impl Into<String>, detail: impl Into<String>) {
        self.show(title.into(), detail.into(), Kind::Alert);
    }

    /// The code of what a person wanted could not be loaded.
    pub fn missing_code(self) {
        let detail = "The server may be gone, or newer than this page. Try again, or load the page anew.";
        self.show("This could not be opened".to_owned(), detail.to_owned(), Kind::Stale);
    }

    /// `title` says what was done, and a button named `label` does `act`, as long as the offer stands.
    /// Whoever cannot see it is told by the announcer: that is the caller's part.
    pub fn offer(self, title: impl Into<String>, label: impl Into<String>, act: impl Fn() + Send + Sync + 'static) {
        let id = self.show(title.into(), String::new(), Kind::Offer(label.into(), Arc::new(act)));
        set_timeout(move || self.lapse(id), OFFER_STANDS);
    }

    fn show(self, title: String, detail: String, kind: Kind) -> u64 {
        self.made.update_value(|made| *made += 1);
        let toast = Toast { id: self.made.get_value(), title, detail, kind };
        let id = toast.id;
        self.shown.update(|shown| {
            shown.retain(|old| old.title != toast.title || old.detail != toast.detail);
            shown.push(toast);
            let surplus = shown.len().saturating_sub(TOAST_LIMIT);
            shown.drain(..surplus);
        });
        id
    }

    fn dismiss(self, id: u64) {
        self.shown.try_update(|shown| shown.retain(|toast| toast.id != id));
    }

    /// Takes an offer back unless somebody is about to take it.
    fn lapse(self, id: u64) {
        let held = format!("[data-toast=\"{id}\"]:is(:hover, :focus-within)");
        if document().query_selector(&held).ok().flatten().is_some() {
            set_timeout(move || self.lapse(id), OFFER_LOOKED_AT);
        } else {
            self.dismiss(id);
        }
    }

    /// A refusal, with everything that blocks.
    pub fn problem(self, title: impl Into<String>, problem: &Problem) {
        let mut detail = problem.detail.clone();
        for blocker in &problem.blocked_by {
            if !detail.contains(&blocker.detail) {
                detail.push_str(" · ");
                detail.push_str(&blocker.detail);
            }
        }
        self.alert(title, detail);
    }
}

/// Where toasts appear; once per page.
#[component]
pub fn AlertRegion() -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    settled(view! {
        <div class="toasts">
            <For each=move || toasts.shown.get() key=|toast| toast.id let:toast>{toast_view(toasts, toast)}</For>
        </div>
    })
}

fn toast_view(toasts: Toasts, toast: Toast) -> impl IntoView {
    let id = toast.id;
    let (offers, icon) = match &toast.kind {
        Kind::Alert | Kind::Stale => (false, "failed"),
        Kind::Offer(..) => (true, "check"),
    };
    let name = offers.then(|| toast.title.clone());
    let offer = match toast.kind {
        Kind::Alert => None,
        Kind::Stale => {
            let anew = "Load the page anew";
            Some(settled(view! { <button type="button" class="button" on:click=|_| reload()>{anew}</button> }))
        }
        Kind::Offer(label, act) => {
            let take = move |_| {
                toasts.dismiss(id);
                act();
            };
            Some(settled(view! { <button type="button" class="button toast-offer" on:click=take>{label}</button> }))
        }
    };
    settled(view! {
        <div
            class="toast" data-toast=id.to_string() data-offers=offers.then_some("")
            role=if offers { "group" } else { "alert" } aria-label=name
        >
            <Icon name=icon />
            <div class="toast-text">
                <strong>{toast.title}</strong>
                {(!toast.detail.is_empty()).then(|| view! { <p inner_html=ticked_html(&toast.detail)></p> })}
            </div>
            {offer}
            <button type="button" class="icon-button" aria-label="Dismiss" on:click=move |_| toasts.dismiss(id)>
                <Icon name="close" />
            </button>
        </div>
    })
}
