//! Refusals and faults, shown until they are dismissed.

use leptos::prelude::*;

use super::{icon::Icon, settled::settled};
use crate::error::Problem;

/// Alerts on screen at once; an older one makes room, for by then it has been read or never will be.
const ALERT_LIMIT: usize = 3;

#[derive(Clone, Debug, PartialEq)]
struct Alert {
    id: u64,
    title: String,
    detail: String,
}

/// Shows alerts. From context.
#[derive(Clone, Copy)]
pub struct Toasts {
    alerts: RwSignal<Vec<Alert>>,
    made: StoredValue<u64>,
}

impl Toasts {
    /// Makes it and puts it into context.
    pub fn provide() -> Self {
        let toasts = Toasts { alerts: RwSignal::new(Vec::new()), made: StoredValue::new(0) };
        provide_context(toasts);
        toasts
    }

    /// `title` says what failed, `detail` why and what to do.
    pub fn alert(self, title: impl Into<String>, detail: impl Into<String>) {
        self.made.update_value(|made| *made += 1);
        let alert = Alert { id: self.made.get_value(), title: title.into(), detail: detail.into() };
        self.alerts.update(|alerts| {
            alerts.retain(|old| old.title != alert.title || old.detail != alert.detail);
            alerts.push(alert);
            let surplus = alerts.len().saturating_sub(ALERT_LIMIT);
            alerts.drain(..surplus);
        });
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

/// Where alerts appear; once per page.
#[component]
pub fn AlertRegion() -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let dismiss = move |id| toasts.alerts.update(|alerts| alerts.retain(|alert| alert.id != id));
    settled(view! {
        <div class="toasts">
            <For each=move || toasts.alerts.get() key=|alert| alert.id let:alert>
                <div class="toast" role="alert">
                    <Icon name="failed" />
                    <div class="toast-text">
                        <strong>{alert.title}</strong>
                        <p>{alert.detail}</p>
                    </div>
                    <button type="button" class="icon-button" aria-label="Dismiss" on:click=move |_| dismiss(alert.id)>
                        <Icon name="close" />
                    </button>
                </div>
            </For>
        </div>
    })
}
