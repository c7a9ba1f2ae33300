//! Asks for trust in a repository that was only offered: nothing runs in it before a person has said so.

use leptos::prelude::*;

use super::Desk;
use crate::ui::{icon::Icon, settled::settled};

#[component]
pub(super) fn TrustBanner() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let untrusted = move || {
        let wanted = desk.filter.with(|filter| filter.project);
        let mut projects = desk.live.projects().get();
        projects.retain(|project| !project.trusted && wanted.is_none_or(|wanted| wanted == project.id));
        projects
    };
    settled(view! {
        <For each=untrusted key=|project| project.id let:project>
            <section class="banner" aria-label=format!("Trust {}", project.name)>
                <Icon name="shield" />
                <p>
                    "Nothing runs in " <code>{project.path.clone()}</code>
                    " until you trust it: its check command and its files are run and read by agents."
                </p>
                <button type="button" class="button" on:click=move |_| desk.trust(project.id)>
                    {format!("Trust {}", project.name)}
                </button>
            </section>
        </For>
    })
}
