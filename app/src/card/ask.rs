//! Asking the server for one thing: busy while under way, and a refusal told where it was asked.

use std::future::Future;

use leptos::{prelude::*, task::spawn_local};

use crate::{
    error::Problem,
    ui::{icon::Icon, settled::settled, ticked::ticked_html},
};

/// One thing a person can ask for. At most one call is under way at a time.
#[derive(Clone, Copy)]
pub struct Ask {
    busy: RwSignal<bool>,
    refusal: RwSignal<Option<Problem>>,
}

impl Ask {
    pub(crate) fn new() -> Self {
        Ask { busy: RwSignal::new(false), refusal: RwSignal::new(None) }
    }

    pub fn busy(self) -> bool {
        self.busy.get()
    }

    /// Calls unless a call is under way. `done` runs on success, with the refusal of an earlier try gone.
    pub fn send<T: 'static>(
        self,
        call: impl Future<Output = Result<T, Problem>> + 'static,
        done: impl FnOnce(T) + 'static,
    ) {
        self.send_or(call, done, |_| {});
    }

    /// As [`Ask::send`]; `refused` sees a refusal before it is shown.
    pub fn send_or<T: 'static>(
        self,
        call: impl Future<Output = Result<T, Problem>> + 'static,
        done: impl FnOnce(T) + 'static,
        refused: impl FnOnce(&Problem) + 'static,
    ) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        spawn_local(async move {
            let result = call.await;
            // The page may be gone by now; then there is nobody to tell.
            self.busy.try_set(false);
            match result {
                Ok(value) => {
                    self.refusal.try_set(None);
                    done(value);
                }
                Err(problem) => {
                    refused(&problem);
                    self.refusal.try_set(Some(problem));
                }
            }
        });
    }

    pub fn is_refused(self) -> bool {
        self.refusal.with(Option::is_some)
    }

    /// Refuses without asking: something is missing.
    pub fn refuse(self, problem: Problem) {
        self.refusal.set(Some(problem));
    }

    pub fn forgive(self) {
        self.refusal.set(None);
    }
}

/// What was refused and why, beside where it was asked.
#[component]
pub fn Refusal(ask: Ask) -> impl IntoView {
    let shown = move || {
        ask.refusal.get().map(|problem| {
            let blockers =
                problem.blocked_by.iter().map(|blocker| view! { <li inner_html=ticked_html(&blocker.detail)></li> });
            let blockers = blockers.collect_view();
            view! {
                <div class="refusal" role="alert">
                    <Icon name="failed" />
                    <div>
                        <strong>{problem.title.clone()}</strong>
                        <p inner_html=ticked_html(&problem.detail)></p>
                        <ul>{blockers}</ul>
                    </div>
                </div>
            }
        })
    };
    settled(view! { {shown} })
}
